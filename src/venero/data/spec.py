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

    kind: "image" with shape (C, H, W), or "table" with shape (D,), or "vector" (codes of a first stage) with shape (D,), or
    "series" with shape (T, d), or "symbols" with shape (T,); T is the longest that fit saw, and other examples may be longer.
    form: "unit" (0..1), "standard" (zero mean, unit variance), "columns" (mixed blocks, see Column), "gaps" (standard, NaN
    where nothing is known), "raw" (as the user has it, NaN and all), "symbols" (places in the alphabet that fit saw).
    """

    kind: str
    shape: tuple[int, ...]
    form: str = "unit"
    levels: int = 0  # distinct grey levels of the user's data: 2 bits, 256 8-bit, 0 continuous; of symbols, the alphabet's size
    columns: tuple[Column, ...] = ()  # form "columns" only
    n_classes: int = 0  # labels, where the model is conditional

    @property
    def numel(self) -> int:
        return prod(self.shape)

    @property
    def sequential(self) -> bool:
        """Whether examples are sequences, each with a length of its own."""
        return self.kind in ("series", "symbols")


class Batch(NamedTuple):
    """Some examples, in the network's form. Sequences are as long as the longest of the batch, with 0 after each one's end."""

    x: Tensor  # (B, *spec.shape), of sequences (B, T, d) or (B, T) int64
    y: Tensor | None = None  # (B,) int64 labels
    lengths: Tensor | None = None  # (B,) int64 of sequences; None: all are whole
