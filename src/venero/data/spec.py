"""What one example is, and what a network sees of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Column:
    """One column of a table, as a block of the network's vector.

    A continuous block is [value, missing?] (the flag only where the column had missing values at fit; the value is 0 where
    it is missing). A categorical block is one-hot over `levels` (one of which is "missing" where the column had any).
    """

    name: str
    start: int  # first place of the block
    levels: int = 0  # 0: continuous
    missing: bool = False  # continuous only: the block has a missing flag

    @property
    def width(self) -> int:
        return self.levels or (2 if self.missing else 1)

    @property
    def stop(self) -> int:
        return self.start + self.width


@dataclass(frozen=True)
class Spec:
    """One example in the form the network sees, after the codec.

    kind: "image" with shape (C, H, W), or "table" with shape (D,), or "vector" (codes of a first stage) with shape (D,).
    form: "unit" (0..1), "standard" (zero mean, unit variance) or "columns" (mixed blocks, see Column).
    """

    kind: str
    shape: tuple[int, ...]
    form: str = "unit"
    levels: int = 0  # distinct grey levels of the user's data: 2 bits, 256 8-bit, 0 continuous
    columns: tuple[Column, ...] = ()  # form "columns" only
    n_classes: int = 0  # labels, where the model is conditional

    @property
    def numel(self) -> int:
        return prod(self.shape)


class Batch(NamedTuple):
    """Some examples, in the network's form."""

    x: Tensor  # (B, *spec.shape)
    y: Tensor | None = None  # (B,) int64 labels
