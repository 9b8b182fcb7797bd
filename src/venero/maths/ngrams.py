"""Counts of symbols after contexts of every length up to an order, sparse, and the smoothed probabilities that come of them.

A context of length j + 1 is one of length j with the symbol before it, so that contexts form a tree and any order fits into
64-bit keys. Level j holds the contexts of length j. Sequences begin after a mark, the oldest symbol of their first contexts.

Dirichlet: a symmetric prior on each context's distribution. Hierarchical Dirichlet: its mean is the shorter context's (MacKay &
Peto 1995). Kneser-Ney: interpolated, with three discounts ("modified", Chen & Goodman 1999; Kneser & Ney 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEW, SHORT = -1, -2  # in place of a context's number: never counted; longer than what has been
LEAST = 0.05  # discount, so that something is left for what was never counted


@dataclass(frozen=True)
class Level:
    """Of one length. A context's key is its parent's number * base + its oldest symbol; a gram's, number * base + symbol."""

    contexts: Ints  # (C,) keys, sorted
    grams: Ints  # (G,) keys, sorted, and so in order of contexts
    counts: Ints  # (G,)


@dataclass(frozen=True)
class Smoothed:
    """p(symbol | context) = direct[gram] + spare[context] * p(symbol | shorter context)."""

    direct: NDArray[np.floating[Any]]  # (G,)
    spare: NDArray[np.floating[Any]]  # (C,)


def flat(rows: list[Ints], mark: int) -> tuple[Ints, Ints]:
    """Sequences one after the other, each behind a mark: symbols (N,), and how many come before each of them (0: a mark)."""
    symbols = np.concatenate([np.concatenate([[mark], row]) for row in rows]) if rows else np.zeros(0, np.int64)
    before = np.concatenate([np.arange(len(row) + 1) for row in rows]) if rows else np.zeros(0, np.int64)
    return symbols.astype(np.int64), before.astype(np.int64)


def _steps(symbols: Ints, before: Ints, order: int, base: int, number: Callable[[int, Ints], Ints]) -> Iterator[Ints]:
    """Of each level, the number of each place's context: (N,). `number` turns keys into numbers."""
    ids = np.where(before > 0, 0, SHORT)
    yield ids
    for j in range(1, order + 1):
        oldest = np.concatenate([np.zeros(min(j, len(symbols)), np.int64), symbols[: max(0, len(symbols) - j)]])
        there = before >= j
        longer = np.where(there, NEW, SHORT)
        known = there & (ids >= 0)
        longer[known] = number(j, ids[known] * base + oldest[known])
        ids = longer
        yield ids


def count(symbols: Ints, before: Ints, order: int, base: int) -> list[Level]:
    """All contexts of length 0 to `order` and what came after them."""
    found = [np.zeros(1, np.int64)]

    def number(j: int, keys: Ints) -> Ints:
        contexts, places = np.unique(keys, return_inverse=True)
        found.append(contexts)
        return places.astype(np.int64)

    levels = []
    for j, ids in enumerate(_steps(symbols, before, order, base, number)):
        there = ids >= 0
        grams, counts = np.unique(ids[there] * base + symbols[there], return_counts=True)
        levels.append(Level(found[j], grams, counts.astype(np.int64)))
    return levels


def lookup(keys: Ints, wanted: Ints) -> Ints:
    """The places of wanted keys among sorted ones; NEW where they are not."""
    if not len(keys):
        return np.full(len(wanted), NEW)
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, at, NEW)


def follow(symbols: Ints, before: Ints, levels: list[Level], base: int) -> Iterator[Ints]:
    """Of each level, the number of each place's context."""
    return _steps(symbols, before, len(levels) - 1, base, lambda j, keys: lookup(levels[j].contexts, keys))


def probabilities(symbols: Ints, before: Ints, levels: list[Level], weights: list[Smoothed], base: int, size: int) -> Floats:
    """p(symbol | what came before it) of every place that is no mark: (N,) -> (M,). size: symbols that there are."""
    p = np.full(len(symbols), 1 / size)
    for level, smoothed, ids in zip(levels, weights, follow(symbols, before, levels, base), strict=True):
        known = ids >= 0
        gram = lookup(level.grams, ids[known] * base + symbols[known])
        direct = np.where(gram >= 0, smoothed.direct[gram], 0.0)
        p[known] = direct + smoothed.spare[ids[known]] * p[known]
    return p[before > 0]


# -- smoothing -------------------------------------------------------------------------
def dirichlet(levels: list[Level], base: int, mark: int, size: int, strength: float) -> list[Smoothed]:
    """(n + a) / (total + a * size) of the longest contexts, and of those at a beginning; the others say nothing."""
    alone = []
    for j, level in enumerate(levels):
        own = _pseudo(level, base, strength * size)
        said = _whole(level, mark, base) if j and j + 1 < len(levels) else np.full(len(level.contexts), j + 1 == len(levels))
        alone.append(Smoothed(own.direct * said[level.grams // base], np.where(said, own.spare, 1.0)))
    return alone


def _whole(level: Level, mark: int, base: int) -> NDArray[np.bool_]:
    """Contexts that reach back to the beginning."""
    whole: NDArray[np.bool_] = level.contexts % base == mark
    return whole


def hierarchical(levels: list[Level], base: int, mark: int, size: int, strength: float) -> list[Smoothed]:
    """(n + b p(symbol | shorter context)) / (total + b)."""
    return [_pseudo(level, base, strength * size) for level in levels]


def _pseudo(level: Level, base: int, total: float) -> Smoothed:
    context = level.grams // base
    n = np.bincount(context, level.counts, len(level.contexts))
    return Smoothed(level.counts / (n + total)[context], total / (n + total))


def kneser_ney(levels: list[Level], base: int, mark: int, size: int, strength: float) -> list[Smoothed]:
    """(n - D(n)) / total, and what was taken off goes to the shorter context, whose n are different symbols before the gram."""
    return [_discounted(level, kept, base) for level, kept in zip(levels, _continuations(levels, base, mark), strict=True)]


def _continuations(levels: list[Level], base: int, mark: int) -> Iterator[Ints]:
    """Counts at the longest contexts and those at a beginning, which have no longer ones; the number of longer ones else."""
    for j, level in enumerate(levels):
        if j + 1 == len(levels):
            yield level.counts
            return
        longer = levels[j + 1]
        parent = longer.contexts[longer.grams // base] // base
        number = np.bincount(lookup(level.grams, parent * base + longer.grams % base), minlength=len(level.grams))
        whole = _whole(level, mark, base)[level.grams // base] & (j > 0)
        yield np.where(whole, level.counts, number)


def _discounted(level: Level, counts: Ints, base: int) -> Smoothed:
    context = level.grams // base
    taken = np.minimum(discounts(counts)[np.minimum(counts, 3)], counts)
    n = np.bincount(context, counts, len(level.contexts))
    left = np.bincount(context, taken, len(level.contexts))
    return Smoothed((counts - taken) / n[context], np.where(n > 0, left / np.maximum(n, 1), 1.0))


def discounts(counts: Ints) -> Floats:
    """What is taken off counts of 0, 1, 2, and 3 or more (Chen & Goodman 1999, eq. 26; y where too little was counted)."""
    n = np.bincount(np.minimum(counts, 5), minlength=5)[1:5].astype(np.float64)
    y = n[0] / (n[0] + 2 * n[1]) if n[0] else 0.0
    best = [i - (i + 1) * y * n[i] / n[i - 1] if n[i] and n[i - 1] else y for i in (1, 2, 3)]
    return np.array([0.0, *(np.clip(d, LEAST, i - LEAST) for i, d in enumerate(best, 1))])


SMOOTHINGS: dict[str, Callable[[list[Level], int, int, int, float], list[Smoothed]]] = {
    "kneser-ney": kneser_ney,
    "hierarchical dirichlet": hierarchical,
    "dirichlet": dirichlet,
}


# -- distributions of contexts ---------------------------------------------------------
def context_numbers(recent: Ints, levels: list[Level], base: int) -> Ints:
    """Numbers of contexts: (B, K) latest symbols, the latest last, -1 where there is none -> (levels, B)."""
    ids = np.zeros(len(recent), np.int64)
    out = [ids]
    for j in range(1, len(levels)):
        oldest = recent[:, -j] if j <= recent.shape[1] else np.full(len(recent), -1)
        longer = np.where((oldest >= 0) & (ids != SHORT), NEW, SHORT)
        known = (longer == NEW) & (ids >= 0)
        longer[known] = lookup(levels[j].contexts, ids[known] * base + oldest[known])
        ids = longer
        out.append(ids)
    return np.stack(out)


def distributions(recent: Ints, levels: list[Level], weights: list[Smoothed], base: int, size: int) -> Floats:
    """p(symbol | context) of all symbols: (B, K) latest symbols -> (B, size)."""
    p = np.full((len(recent), size), 1 / size)
    for level, smoothed, ids in zip(levels, weights, context_numbers(recent, levels, base), strict=True):
        rows = np.flatnonzero(ids >= 0)
        p[rows] *= smoothed.spare[ids[rows], None]
        first, last = (np.searchsorted(level.grams, (ids[rows] + k) * base) for k in (0, 1))
        many = last - first
        grams = np.repeat(first - np.concatenate([[0], np.cumsum(many)[:-1]]), many) + np.arange(many.sum())
        np.add.at(p, (np.repeat(rows, many), level.grams[grams] % base), smoothed.direct[grams])
    return p
