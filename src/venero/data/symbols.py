"""Symbols: sequences of things out of a finite alphabet - whole numbers, words, or the characters of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from venero.core.errors import DataError, shown
from venero.data.series import cut, padded
from venero.data.spec import Spec

UNKNOWN = None  # in a sequence: which symbol stood there is not known


def symbols_checked(X: Any) -> Any:
    """X as a list of texts, or of sequences of integers or of texts, none of them empty."""
    if not len(X):
        raise DataError("X is empty: it holds no sequence, and at least 1 is needed")
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return X if X.dtype.kind in "iuU" else list(X.tolist())
    for i, row in enumerate(X):
        if not len(row):
            raise DataError(f"X[{i}] is empty: leave that sequence out")
    return list(X)


@dataclass
class Symbols:
    """Places in the alphabet that fit saw, sorted. A symbol that it did not see is refused, or has the place after the last."""

    name: ClassVar[str] = "symbols"
    takes: ClassVar[tuple[str, ...]] = ("symbols", "text")
    takes_unseen: bool = False
    container: str = "text"  # what the user has: text, list, array (n, T)
    dtype: str = ""  # of arrays
    alphabet: list[Any] = field(default_factory=list)

    def fit(self, X: Any) -> Spec:
        self.container = "text" if isinstance(X[0], str) else "array" if isinstance(X, np.ndarray) else "list"
        self.dtype = getattr(X if self.container == "array" else X[0], "dtype", np.dtype("O")).str
        found: set[Any] = set()
        for i, row in enumerate(X):
            found |= set(_plain(row, i))
        if UNKNOWN in found:
            raise DataError("X holds None, an unknown symbol: leave those sequences out, or cut them there")
        if len({isinstance(s, str) for s in found}) > 1:
            raise DataError(f"X mixes texts and numbers, such as {shown(sorted(found, key=str)[:3])}: use one or the other")
        self.alphabet = sorted(found)
        return Spec("symbols", (max(len(row) for row in X),), self.name, levels=len(self.alphabet))

    def lengths(self, X: Any) -> Tensor:
        return torch.tensor([len(row) for row in X], dtype=torch.int64)

    def encode(self, X: Any) -> Tensor:
        """(n, T) int64."""
        return padded([self._places(row, i) for i, row in enumerate(X)], np.int64)

    def decode(self, x: Tensor, lengths: Tensor | None = None) -> Any:
        places = x.detach().cpu().numpy().astype(np.int64)
        rows = cut(places, [places.shape[1]] * len(places) if lengths is None else lengths)
        if self.container == "text":
            return ["".join(self.alphabet[i] for i in row.tolist()) for row in rows]
        if self.dtype == "|O":
            return [[self.alphabet[i] for i in row.tolist()] for row in rows]
        letters = np.asarray(self.alphabet, dtype=self.dtype)
        whole = self.container == "array" and len({len(row) for row in rows}) == 1
        return letters[np.stack(rows)] if whole else [letters[row] for row in rows]

    def log_det(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Zeros: symbols have probabilities, no densities."""
        return torch.zeros(len(x), device=x.device)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, asdict(self)

    @classmethod
    def restore(cls, tensors: dict[str, Tensor], card: dict[str, Any]) -> Self:
        return cls(**card)

    def _places(self, row: Any, i: int) -> NDArray[np.int64]:
        plain, letters = _plain(row, i), np.asarray(self.alphabet)
        values = np.asarray(plain)
        if values.dtype.kind in "biuU" and (values.dtype.kind == "U") == (letters.dtype.kind == "U"):
            at = np.searchsorted(letters, values).clip(max=len(letters) - 1)
            new = letters[at] != values
        else:
            at, new = np.zeros(len(plain), np.int64), np.ones(len(plain), dtype=bool)
        if new.any() and not self.takes_unseen:
            symbol, place = plain[int(new.argmax())], int(new.argmax())
            raise DataError(
                f"X[{i}] has {symbol!r} at place {place}, which fit did not see: leave it out, or fit on data with it"
            )
        return np.where(new, len(letters), at).astype(np.int64)


def _plain(row: Any, i: int) -> Sequence[Any]:
    """A sequence's symbols as Python's own integers and texts."""
    values = list(row.tolist() if isinstance(row, np.ndarray) else row)
    if isinstance(row, str):
        return values
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    for place, v in enumerate(values):
        if v is not UNKNOWN and not isinstance(v, (int, str)):
            raise DataError(f"X[{i}] has {shown(v)} at place {place}: symbols are integers or texts")
    return values
