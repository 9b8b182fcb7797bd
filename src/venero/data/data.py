"""The examples that training reads: one tensor in memory, or rows of a larger array encoded as they are read."""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from venero.data.arrays import release
from venero.data.codecs import Codec
from venero.data.spec import Batch, Spec

Read = Callable[[Tensor], Tensor]
LARGEST_IN_MEMORY = 2**31  # bytes that a memory-mapped array may take once encoded before it is streamed
PAGES = 2**27  # bytes of mapped rows read before their pages are given back
CHECKED = {False: 2**28, True: 2**24}  # bytes of examples that a checksum looks at: in memory, on disk
AROUND = 2**16  # bytes that the kernel may map around a row that is read


@dataclass(frozen=True)
class Data:
    """n examples in the network's form; `read` takes (B,) row numbers to a (B, *spec.shape) tensor."""

    spec: Spec
    read: Read
    rows: Tensor  # (n,) int64: which rows of the source these are
    y: Tensor | None = None  # labels of all the source's rows
    on_disk: bool = False
    lengths: Tensor | None = None  # of all the source's sequences

    @classmethod
    def of(cls, X: Any, codec: Codec, spec: Spec, y: Tensor | None = None, device: str | torch.device = "cpu") -> Data:
        """The user's X through its codec; a memory-mapped X that would be large in memory stays on disk."""
        streamed = isinstance(X, np.memmap) and 4 * len(X) * spec.numel > LARGEST_IN_MEMORY
        read = _streamed(X, codec, device) if streamed else _held(codec.encode(X).to(device))
        lengths = codec.lengths(X).to(device) if spec.sequential else None  # type: ignore[attr-defined]
        return cls(spec, read, torch.arange(len(X), device=device), None if y is None else y.to(device), streamed, lengths)

    @classmethod
    def holding(cls, x: Tensor, spec: Spec, y: Tensor | None = None) -> Data:
        """Examples that are already in the network's form: (n, *spec.shape)."""
        return cls(spec, _held(x), torch.arange(len(x), device=x.device), y)

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, which: Tensor) -> Data:
        return replace(self, rows=self.rows[which])

    def map(self, f: Callable[[Batch], Tensor], spec: Spec) -> Data:
        """The same examples seen through f, which is computed when first they are read and kept."""
        return replace(
            self,
            spec=spec,
            read=_mapped(self, f),
            rows=torch.arange(len(self), device=self.rows.device),
            y=self.labels(),
            on_disk=False,
            lengths=None if self.lengths is None or not spec.sequential else self.lengths[self.rows],
        )

    def labels(self) -> Tensor | None:
        return None if self.y is None else self.y[self.rows]

    def batch(self, which: Tensor) -> Batch:
        """The examples at these places (not source rows): (B,) int64."""
        rows = self.rows.index_select(0, which)
        y = None if self.y is None else self.y.index_select(0, rows)
        if self.lengths is None:
            return Batch(self.read(rows), y)
        lengths = self.lengths.index_select(0, rows)
        return Batch(self.read(rows)[:, : int(lengths.max()) if len(lengths) else 0], y, lengths)

    def batches(self, size: int, order: Tensor | None = None) -> Iterator[Batch]:
        """All examples, `size` at a time, in the given order of places (default: as they stand)."""
        places = torch.arange(len(self), device=self.rows.device) if order is None else order
        for which in places.split(size):
            yield self.batch(which)

    def checksum(self) -> int:
        """A number that changes with any of the examples or labels; of large data, with any of some spread evenly over them."""
        n = max(1, CHECKED[self.on_disk] // (4 * self.spec.numel))
        total = 0 if self.y is None else zlib.crc32(self.y.cpu().numpy().tobytes())
        for batch in self.batches(1024, self._spread(n)):
            if batch.lengths is not None:
                total = zlib.crc32(batch.lengths.cpu().numpy().tobytes(), total)
            total = zlib.crc32(batch.x.cpu().contiguous().numpy().tobytes(), total)
        return total

    def some(self, n: int) -> Batch:
        """At most n examples, spread evenly over all."""
        return self.batch(self._spread(n))

    def _spread(self, n: int) -> Tensor:
        """At most n places, evenly spread."""
        return torch.linspace(0, len(self) - 1, min(n, len(self)), device=self.rows.device).round().long()

    def head(self, n: int) -> Batch:
        """The first n examples."""
        return self.batch(torch.arange(min(n, len(self)), device=self.rows.device))


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Parts of a whole along the first axis; those shorter along the second get zeros at the end.

    >>> joined([torch.ones(1, 1), torch.ones(1, 2)]).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    longest = max((p.shape[1] for p in parts if p.ndim > 1), default=0)
    whole = [p if p.ndim < 2 or p.shape[1] == longest else _lengthened(p, longest) for p in parts]
    return torch.cat(whole)


def _lengthened(x: Tensor, length: int) -> Tensor:
    return torch.cat([x, x.new_zeros(len(x), length - x.shape[1], *x.shape[2:])], dim=1)


def _held(x: Tensor) -> Read:
    return lambda rows: x.index_select(0, rows)


def _streamed(X: np.memmap[Any, Any], codec: Codec, device: str | torch.device) -> Read:
    touched = 0  # bytes of the mapping that may lie in memory
    _expect_jumps(X)

    def read(rows: Tensor) -> Tensor:
        nonlocal touched
        chosen = np.asarray(X[rows.cpu().numpy()])
        touched += chosen.nbytes + len(chosen) * AROUND
        if touched > PAGES:
            release(X)
            touched = 0
        return codec.encode(chosen).to(device)

    return read


def _expect_jumps(X: np.memmap[Any, Any]) -> None:
    """Tell the kernel not to read ahead of rows that are taken in random order."""
    file: mmap.mmap | None = getattr(X, "_mmap", None)
    if file is not None and hasattr(mmap, "MADV_RANDOM"):
        file.madvise(mmap.MADV_RANDOM)


def _mapped(data: Data, f: Callable[[Batch], Tensor]) -> Read:
    kept: list[Tensor] = []

    def read(rows: Tensor) -> Tensor:
        if not kept:
            with torch.no_grad():
                kept.append(joined([f(b) for b in data.batches(1024)]))
        return kept[0].index_select(0, rows)

    return read
