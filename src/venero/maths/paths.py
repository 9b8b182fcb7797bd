"""The likeliest symbols in the gaps of a sequence, by dynamic programming over contexts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def likeliest(x: Ints, known: NDArray[np.bool_], log_next: Callable[[Ints], Floats], order: int, mark: int, beam: int) -> Ints:
    """x (T,) with the symbols at unknown places that are jointly likeliest given all known ones before and after.

    log_next: (B, order) latest symbols (-1 for none, `mark` for the beginning) -> log p of each next one (B, S), the last
    of which never fills a gap. Partial sequences with the same context are as one, the better of them; at most `beam` contexts
    are kept, so that the result is exact where no more are possible (Viterbi 1967).
    """
    begin = [-1] * (order - 1) + [mark] * (order > 0)
    out = np.concatenate([np.asarray(begin, np.int64), x])
    gaps = np.flatnonzero(~known) + order
    at = 0
    while at < len(gaps):
        last = at
        while last + 1 < len(gaps) and gaps[last + 1] - gaps[last] <= order:
            last += 1  # gaps that share contexts are filled together
        _fill(out, ~np.isin(np.arange(len(out)), gaps), int(gaps[at]), int(gaps[last]) + order + 1, log_next, order, beam)
        at = last + 1
    return out[order:]


def _fill(
    out: Ints, known: NDArray[np.bool_], first: int, stop: int, log_next: Callable[[Ints], Floats], order: int, beam: int
) -> None:
    """Fill the places from `first` on; those up to `stop` have a say."""
    paths, score = out[None, first - order : first].copy(), np.zeros(1)  # (H, order + places so far), (H,)
    for t in range(first, min(stop, len(out))):
        log_p = log_next(paths[:, paths.shape[1] - order :])
        symbols = np.array([out[t]]) if known[t] else np.arange(log_p.shape[1])
        if not known[t]:
            symbols = symbols[:-1]
        total = (score[:, None] + log_p[:, symbols]).ravel()
        grown = np.concatenate([paths.repeat(len(symbols), 0), np.tile(symbols, len(paths))[:, None]], 1)
        best = np.argsort(-total, kind="stable")
        _, unique = (
            np.unique(grown[best][:, grown.shape[1] - order :], axis=0, return_index=True) if order else (0, np.array([0]))
        )
        kept = best[np.sort(unique)[:beam]]
        paths, score = grown[kept], total[kept]
    out[first : first + paths.shape[1] - order] = paths[int(np.argmax(score)), order:]
