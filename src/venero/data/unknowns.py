"""Sequences with unknown places - inside them or beyond their ends - and filling those in without touching the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError, shown
from venero.data.series import Series

Mask = NDArray[np.bool_]


def lengthened(X: Any, kind: str, known: Any, length: int | None, filler: Any) -> tuple[list[Any], list[Mask]]:
    """Each sequence with its unknown places blank (NaN, or `filler` for symbols), up to `length`, and where it is known."""
    if known is not None and len(known) != len(X):
        raise DataError(f"known has {len(known)} masks for {len(X)} sequences: give one for each")
    masks = [None] * len(X) if known is None else list(known)
    make = _series if kind == "series" else _symbols
    rows, there = zip(*(make(x, m, length, filler, i) for i, (x, m) in enumerate(zip(X, masks, strict=True))), strict=True)
    return list(rows), list(there)


def _series(x: Any, known: Any, length: int | None, filler: Any, i: int) -> tuple[Any, Mask]:
    values = np.asarray(x, dtype=np.float64).reshape(len(x), -1)  # (T, d)
    there = ~np.isnan(values) & _mask(known, values.shape, i)
    more = max(0, (length or 0) - len(values))
    values = np.concatenate([np.where(there, values, np.nan), np.full((more, values.shape[1]), np.nan)])
    return values, np.concatenate([there, np.zeros((more, values.shape[1]), dtype=bool)])


def _symbols(x: Any, known: Any, length: int | None, filler: Any, i: int) -> tuple[Any, Mask]:
    values = list(x)
    there = np.array([v is not None for v in values], dtype=bool) & _mask(known, (len(values),), i)
    more = max(0, (length or 0) - len(values))
    blank = [v if k else filler for v, k in zip(values, there, strict=True)] + [filler] * more
    return blank, np.concatenate([there, np.zeros(more, dtype=bool)])


def _mask(known: Any, shape: tuple[int, ...], i: int) -> Mask:
    if known is None:
        return np.ones(shape, dtype=bool)
    mask = np.asarray(known)
    if mask.dtype != bool:
        raise DataError(f"known[{i}] = {shown(known)}: must be booleans, True where X is to be kept")
    if len(shape) == 2 and mask.ndim == 1:
        mask = mask[:, None]
    if mask.ndim != len(shape) or mask.shape[0] != shape[0] or mask.shape[-1] not in (1, shape[-1]):
        raise DataError(f"known[{i}] has shape {mask.shape}, X[{i}] {shape}: give one for each step, or for each value")
    return np.broadcast_to(mask, shape)


def put_back(X: Any, there: list[Mask], made: Any) -> Any:
    """`made`, with what is known as X has it, in X's own terms: a text, a list, or an array."""
    rows = [_one(x, mask, m) for x, mask, m in zip(X, there, made, strict=True)]
    if isinstance(X, np.ndarray) and len({len(row) for row in rows}) == 1:
        return np.stack(rows)
    return Series(rows) if isinstance(X, Series) else rows


def _one(x: Any, known: Mask, made: Any) -> Any:
    if isinstance(made, (str, list)):
        symbols = [x[t] if known[t] else made[t] for t in range(len(made))]
        return "".join(symbols) if isinstance(made, str) else symbols
    made, x = np.asarray(made), np.asarray(x)
    out = made.astype(np.result_type(made, x)) if made.dtype.kind != "U" and x.dtype.kind in "buif" else made.copy()
    inside = known[: len(x)].reshape(x.shape)
    out[: len(x)][inside] = x[inside]
    return out
