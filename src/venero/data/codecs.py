"""Codecs: from the user's data to the form a network wants, and back in the user's own terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import log, prod
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from venero.core.errors import DataError, nearest
from venero.data.arrays import Array, as_array, check_some, chunks, is_frame, kind_of
from venero.data.audio import FramesCodec
from venero.data.series import SeriesCodec
from venero.data.spec import Spec
from venero.data.symbols import Symbols
from venero.data.tables import Columns, Gaps, Raw, Standard, on_cpu

__all__ = ["CODECS", "Codec", "Columns", "Standard", "Unit", "codec_for", "kind_of"]


class Codec(Protocol):
    """Learns from X how to turn data into a network's form and back; saved with the model."""

    name: ClassVar[str]

    def fit(self, X: Any) -> Spec:
        """Learn from X, by chunks; says what the network will see."""

    def encode(self, X: Any) -> Tensor:
        """(n, *spec.shape) float32; each row on its own."""

    def decode(self, x: Tensor) -> Any:
        """The user's container, dtype, range, shape, names and missing values. Codecs of sequences also take lengths (n,)."""

    def log_det(self, x: Tensor) -> Tensor:
        """(n,) log |d network / d user|: to add to a log density, not to a log mass; of sequences, with lengths."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What was learned, as tensors and JSON."""

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], card: dict[str, Any]) -> Self:
        """The codec that `state` came from."""


@dataclass
class Unit:
    """Values in 0..1: images as (C, H, W), 2-D arrays as (D,). uint8 is divided by 255; 0/1 data stay as they are."""

    name: ClassVar[str] = "unit"
    kind: str = ""
    shape: tuple[int, ...] = ()  # of one example, as the user has it: (H, W), (H, W, C) or (D,)
    dtype: str = "<f4"
    scale: int = 1  # network = user / scale
    levels: int = 0

    def fit(self, X: Any) -> Spec:
        X = _numbers(X)
        check_some(X)
        self.kind, self.shape, self.dtype = kind_of(X), X.shape[1:], X.dtype.str
        self.scale, self.levels = _scale_and_levels(X, self.kind)
        return Spec(self.kind, self._network_shape(), "unit", self.levels)

    def encode(self, X: Any) -> Tensor:
        X = self._checked(_numbers(X))
        x = np.empty((len(X), *self._network_shape()), np.float32)
        np.divide(_channels_first(X) if self.kind == "image" else X, self.scale, out=x, dtype=np.float32, casting="unsafe")
        return torch.from_numpy(x)

    def decode(self, x: Tensor) -> Array:
        x = on_cpu(x).float().clamp(0, 1)
        if np.dtype(self.dtype).kind != "f":
            x = (x * self.scale).round_()
        if len(self.shape) == 3:
            x = x.movedim(1, -1)  # (n, C, H, W) -> (n, H, W, C)
        values: Array = x.reshape(len(x), *self.shape).numpy()
        return np.ascontiguousarray(values, dtype=self.dtype)

    def log_det(self, x: Tensor) -> Tensor:
        return x.new_full((len(x),), -prod(self.shape) * log(self.scale))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, asdict(self) | {"shape": list(self.shape)}

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], card: dict[str, Any]) -> Self:
        return cls(**card | {"shape": tuple(card["shape"])})

    def _network_shape(self) -> tuple[int, ...]:
        if self.kind == "table":
            return self.shape
        return (self.shape[2] if len(self.shape) == 3 else 1, *self.shape[:2])

    def _checked(self, X: Array) -> Array:
        if X.shape[1:] != self.shape:
            raise DataError(f"X has examples of shape {X.shape[1:]}, fit saw {self.shape}: pass X in the shape that fit saw")
        if self.scale == 255 and X.dtype.kind not in "iu":
            raise DataError(f"X has dtype {X.dtype}, fit saw uint8 0..255: pass X with the dtype and range that fit saw")
        if len(X) and X.dtype != bool and not (self.scale == 255 and X.dtype == np.uint8):
            _check_range(X, self.scale)
        return X


def _numbers(X: Any) -> Array:
    if is_frame(X):
        raise DataError("X is a DataFrame, and this model takes images or a 2-D array of values in 0..1: pass X.to_numpy()")
    X = as_array(X)
    if X.dtype.kind not in "buif":
        raise DataError(f"X has dtype {X.dtype}, and this model takes numbers: uint8 0..255, bool, or floats in 0..1")
    return X


def _channels_first(X: Array) -> Array:
    moved: Array = X.transpose(0, 3, 1, 2) if X.ndim == 4 else X[:, None]  # (n, C, H, W)
    return moved


def _scale_and_levels(X: Array, kind: str) -> tuple[int, int]:
    """What to divide by, and the number of grey levels (0: continuous)."""
    if X.dtype == bool:
        return 1, 2
    if X.dtype == np.uint8:
        scale = 1 if max(int(c.max()) for c in chunks(X)) == 1 else 255
        return scale, 2 if _holds_only(X, (0, scale)) else 256
    if X.dtype.kind in "iu" and kind == "image":
        raise DataError(f"X has dtype {X.dtype}, and images are uint8 0..255 or floats 0..1: pass {_way_out(X)}")
    for c in chunks(X):
        _check_range(c, 1, lambda: _way_out(X))
    return 1, 2 if _holds_only(X, (0, 1)) else 0


def _holds_only(X: Array, values: tuple[int, int]) -> bool:
    return all(bool(np.isin(c, values).all()) for c in chunks(X))


def _check_range(X: Array, top: int, way_out: Callable[[], str] | None = None) -> None:
    low, high = X.min(), X.max()
    if np.isnan(low):
        raise DataError("X has NaN, and this model takes no missing values: fill them in or leave those rows out")
    if np.isinf(low) or np.isinf(high):
        raise DataError("X has infinite values (inf): replace them with finite numbers or leave those rows out")
    if low < 0 or high > top:
        hint = way_out() if way_out else "X on the scale that fit saw"
        raise DataError(f"X has values from {low:g} to {high:g}, outside 0..{top}: pass {hint}")


def _way_out(X: Array) -> str:
    """How to bring X into range, as a piece of code."""
    low, high = min(c.min() for c in chunks(X)), max(c.max() for c in chunks(X))
    if low < 0:
        shifted, width = f"(X + {-float(low):g})", max(float(high), 0) - float(low)
        return shifted if f"{width:g}" == "1" else f"{shifted} / {width:g}"
    if X.dtype.kind in "iu" and 16 < high <= 255:
        return "X.astype('uint8')"
    return "X / 255" if 16 < high <= 255 else f"X / {max(high, 1):g}"


_ALL: tuple[Any, ...] = (Unit, Standard, Columns, Gaps, Raw, SeriesCodec, Symbols, FramesCodec)
CODECS: dict[str, type[Codec]] = {codec.name: codec for codec in _ALL}
FORMS: dict[str, dict[str, Callable[..., Any]]] = {
    "image": {"unit": Unit},
    "table": {codec.name: codec for codec in (Unit, Standard, Columns, Gaps, Raw)},
    "series": {form: lambda form=form: SeriesCodec(form=form) for form in ("gaps", "raw")},
    "audio": {form: lambda form=form: FramesCodec(form) for form in ("mfcc", "mfcc+deltas", "logmel")},
    "symbols": {"symbols": Symbols},
    "text": {"symbols": Symbols},
}  # kind of the user's data -> form -> codec


def codec_for(X: Any, form: str, kind: str | None = None) -> Codec:
    """An unfitted codec that brings X, of this kind or of what it looks like, into a form; DataError if X can't take it."""
    kind = kind or kind_of(X)
    known = {name for forms in FORMS.values() for name in forms}
    if form not in known:
        raise DataError(f"form = {form!r}: {nearest(form, known)}")
    if form not in FORMS[kind] and kind == "image":
        raise DataError(f"X has shape {np.shape(X)}, and this model takes tables (n, D): pass X.reshape(len(X), -1)")
    if form not in FORMS[kind]:
        raise DataError(f"X is {kind} data, and the form {form!r} is for others: {nearest(form, FORMS[kind])}")
    made: Codec = FORMS[kind][form]()
    return made
