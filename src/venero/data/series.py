"""Series: n sequences of steps with d channels each, of one length or of many; NaN is what was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from venero.core.errors import DataError, shown
from venero.data.arrays import Array, as_array
from venero.data.spec import Spec
from venero.data.tables import Moments, on_cpu

Floats = NDArray[np.float64]


class Series(list[Any]):
    """n series of (T_i, d) that are no images, whatever their shapes: what readers of series return."""

    data_kind: ClassVar[str] = "series"

    def __getitem__(self, which: Any) -> Any:
        found = super().__getitem__(which)
        return Series(found) if isinstance(which, slice) else found


def series_checked(X: Any) -> Any:
    """X as an array (n, T, d), or a list of arrays (T_i, d), or of (T_i,) where the user has one channel without an axis."""
    if isinstance(X, np.ndarray) and X.dtype != object:
        if X.ndim != 3:
            way = "X[:, :, None] for n series of one channel, [X] for one series"
            raise DataError(f"X has shape {X.shape}, and series are (n, T, d) or a list of (T, d): pass {way}")
        if 0 in X.shape:
            raise DataError(f"X is empty: it has shape {X.shape}, and at least 1 series of 1 step and 1 channel is needed")
        _check_finite(X, "X")
        return X
    if not len(X):
        raise DataError("X is empty: it holds no series, and at least 1 is needed")
    made = [_one(item, i) for i, item in enumerate(X)]
    shapes = {item.shape[1:] for item in made}
    if len(shapes) > 1:
        i = next(i for i, item in enumerate(made) if item.shape[1:] != made[0].shape[1:])
        raise DataError(f"X[{i}] has shape {made[i].shape}, X[0] {made[0].shape}: give all series the same channels")
    return Series(made) if isinstance(X, Series) else made


def _one(item: Any, i: int) -> Array:
    try:
        x = as_array(item)
        x = x if x.dtype.kind in "buif" else x.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"X[{i}] = {shown(item)} is no series of numbers: pass (T, d), with NaN for what is missing") from None
    if x.ndim not in (1, 2):
        raise DataError(f"X[{i}] has shape {x.shape}: a series is (T, d), or (T,) for one channel")
    if x.size == 0:
        raise DataError(f"X[{i}] is empty, it has shape {x.shape}: leave that series out")
    _check_finite(x, f"X[{i}]")
    return x


def _check_finite(x: Array, name: str) -> None:
    if x.dtype.kind == "f" and np.isinf(x).any():
        raise DataError(f"{name} has infinite values (inf): replace them with finite numbers or NaN")


def steps_of(X: Any) -> list[Floats]:
    """Each series as (T_i, d) float64."""
    return [np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in X]


def padded(rows: Sequence[Any], dtype: Any = np.float32) -> Tensor:
    """Sequences (T_i, ...) as one tensor (n, T, ...) with zeros after each one's end."""
    out = np.zeros((len(rows), max(map(len, rows), default=0), *np.shape(rows[0])[1:]), dtype)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.from_numpy(out)


def cut(x: Any, lengths: Any) -> list[Any]:
    """Sequences (n, T, ...) without what is after each one's end."""
    return [row[: int(t)] for row, t in zip(x, lengths, strict=True)]


@dataclass
class SeriesCodec:
    """Steps as standardised channels ("gaps") or as they are ("raw"); NaN stays NaN. One scale for all series and steps."""

    name: ClassVar[str] = "series"
    takes: ClassVar[tuple[str, ...]] = ("series",)
    form: str = "gaps"
    container: str = "list"  # what the user has: array, list, series
    flat: bool = False  # a list of (T_i,)
    dtype: str = "<f8"
    stats: Floats = field(default_factory=lambda: np.zeros((0, 0)))  # (4, d): mean, scale, low, high

    def fit(self, X: Any) -> Spec:
        self._learn_container(X)
        steps = steps_of(X)
        moments = Moments(steps[0].shape[1])
        for x in steps:
            moments.add(x)
        if not moments.n.all():
            where = int(np.flatnonzero(moments.n == 0)[0])
            raise DataError(f"X has nothing but missing values (NaN) in channel {where}: leave that channel out")
        self.stats = np.stack([moments.mean, moments.scale, *moments.limits])
        if self.form == "raw":
            self.stats[0], self.stats[1] = 0.0, 1.0
        if not np.isfinite(self.stats).all():
            raise DataError("X has values too large to square: change their unit, or take logarithms")
        return Spec("series", (max(map(len, steps)), steps[0].shape[1]), self.form)

    def lengths(self, X: Any) -> Tensor:
        return torch.tensor([len(x) for x in X], dtype=torch.int64)

    def encode(self, X: Any) -> Tensor:
        steps, (mean, scale) = steps_of(X), self.stats[:2]
        for i, x in enumerate(steps):
            if x.shape[1] != len(mean):
                raise DataError(f"X[{i}] has {x.shape[1]} channels, fit saw {len(mean)}: pass the channels that fit saw")
        return padded([(x - mean) / scale for x in steps])  # (n, T, d)

    def decode(self, x: Tensor, lengths: Tensor | None = None) -> Any:
        v = on_cpu(x).double().numpy() * self.stats[1] + self.stats[0]
        if np.dtype(self.dtype).kind != "f":
            v = np.clip(np.rint(v), self.stats[2], self.stats[3])
        v = v.astype(self.dtype)
        if self.container == "array" and (lengths is None or bool((lengths == v.shape[1]).all())):
            return v
        rows = [row.copy() for row in cut(v, [v.shape[1]] * len(v) if lengths is None else lengths)]
        rows = [row[:, 0] for row in rows] if self.flat else rows
        return Series(rows) if self.container == "series" else rows

    def log_det(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(n,) summed over the steps and channels that are known."""
        there = ~torch.isnan(x)
        if lengths is not None:
            there &= (torch.arange(x.shape[1], device=x.device) < lengths[:, None])[..., None]
        return -(there.sum(1).double() @ torch.as_tensor(np.log(self.stats[1]), device=x.device)).to(x)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        card = {k: v for k, v in asdict(self).items() if k != "stats"}
        return {"stats": torch.tensor(self.stats)}, card

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], card: dict[str, Any]) -> Self:
        return cls(**card, stats=tensors["stats"].cpu().numpy())

    def _learn_container(self, X: Any) -> None:
        array = isinstance(X, np.ndarray)
        self.container = "array" if array else "series" if isinstance(X, Series) else "list"
        self.flat = not array and np.ndim(X[0]) == 1
        self.dtype = np.result_type(*{X.dtype} if array else {x.dtype for x in X}).str
        if np.dtype(self.dtype).kind == "b":
            self.dtype = "<i8"
