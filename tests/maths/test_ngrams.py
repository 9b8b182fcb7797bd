"""Sparse counts against brute force, and what smoothing owes: probabilities that sum to 1."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from venero.maths import ngrams
from venero.maths.ngrams import SMOOTHINGS, Level
from venero.maths.paths import likeliest

S, MARK, BASE = 3, 4, 5  # symbols 0, 1, 2; 3 is for those not seen


def rows(n: int = 12, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.choice(S, size=rng.integers(1, 9), p=[0.6, 0.3, 0.1]) for _ in range(n)]


def spelled(levels: list[Level], j: int) -> dict[tuple[int, ...], int]:
    """Context (oldest first) and symbol -> count, from the tree of keys."""
    out = {}
    for gram, count in zip(levels[j].grams, levels[j].counts, strict=True):
        number, symbol = divmod(int(gram), BASE)
        context = []
        for k in range(j, 0, -1):
            number, oldest = divmod(int(levels[k].contexts[number]), BASE)
            context.append(oldest)
        out[(*context, symbol)] = int(count)
    return out


def brute(data: list[np.ndarray], j: int) -> Counter[tuple[int, ...]]:
    """The same by hand: the oldest symbol of the first contexts is the mark."""
    out: Counter[tuple[int, ...]] = Counter()
    for row in data:
        marked = [MARK, *map(int, row)]
        for t in range(max(1, j), len(marked)):
            out[tuple(marked[t - j : t + 1])] += 1
    return out


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_counts_are_those_of_brute_force(order: int) -> None:
    levels = ngrams.count(*ngrams.flat(rows(), MARK), order, BASE)
    for j in range(order + 1):
        assert spelled(levels, j) == brute(rows(), j)


def fitted(smoothing: str, order: int, size: int = S) -> tuple[list[Level], Any]:
    levels = ngrams.count(*ngrams.flat(rows(), MARK), order, BASE)
    return levels, SMOOTHINGS[smoothing](levels, BASE, MARK, size, 0.7)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("size", [S, S + 1])
def test_every_context_has_a_distribution_and_both_ways_to_it_agree(smoothing: str, order: int, size: int) -> None:
    levels, weights = fitted(smoothing, order, size)
    contexts = np.array(np.meshgrid(*[[0, 1, 2]] * order)).reshape(order, -1).T if order else np.zeros((1, 0), np.int64)
    p = ngrams.distributions(contexts, levels, weights, BASE, size)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-12)
    assert (p > 0).all()
    for context, row in zip(contexts, p, strict=True):
        whole = [np.concatenate([context, [s]]) for s in range(size)]
        by_place = ngrams.probabilities(*ngrams.flat(whole, MARK), levels, weights, BASE, size)
        if order:  # the last symbol of each stands behind this context, if no mark is as near
            far = [np.concatenate([[0], context, [s]]) for s in range(size)]
            by_place = ngrams.probabilities(*ngrams.flat(far, MARK), levels, weights, BASE, size).reshape(size, -1)[:, -1]
        np.testing.assert_allclose(by_place, row, atol=1e-12)


def test_dirichlet_is_its_formula() -> None:
    levels, weights = fitted("dirichlet", 2)
    counts, seen = brute(rows(), 2), 0.7
    p = ngrams.distributions(np.array([[0, 1]]), levels, weights, BASE, S)[0]
    n = np.array([counts[0, 1, s] for s in range(S)])
    np.testing.assert_allclose(p, (n + seen) / (n.sum() + S * seen))


def test_kneser_ney_counts_the_contexts_that_a_symbol_is_new_in() -> None:
    """'San Francisco': frequent, but after one word alone, so that elsewhere it is no likelier than any other."""
    data = [np.array([0, 1] * 20 + [2, 0, 2, 2, 0])]
    levels = ngrams.count(*ngrams.flat(data, MARK), 1, BASE)
    number = next(ngrams._continuations(levels, BASE, MARK))
    before = {s: {a for a, b in zip([MARK, *data[0]], data[0], strict=False) if b == s} for s in range(S)}
    assert number.tolist() == [len(before[s]) for s in range(S)]
    assert levels[0].counts.tolist() == [22, 20, 3]


def test_discounts_are_chens_and_goodmans() -> None:
    counts = np.array([1] * 10 + [2] * 4 + [3] * 2 + [4] + [9])
    y = 10 / (10 + 2 * 4)
    expected = [0, 1 - 2 * y * 4 / 10, 2 - 3 * y * 2 / 4, 3 - 4 * y * 1 / 2]
    np.testing.assert_allclose(ngrams.discounts(counts), expected)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_gaps_are_filled_with_the_likeliest_of_all_ways(order: int) -> None:
    levels, weights = fitted("kneser-ney", order)
    x = np.array([0, 1, 0, 0, 2, 1, 0])
    known = np.array([1, 0, 1, 0, 0, 1, 0], dtype=bool)
    log_next = lambda c: np.log(np.pad(ngrams.distributions(c, levels, weights, BASE, S), ((0, 0), (0, 1))) + 1e-300)  # noqa: E731
    filled = likeliest(x, known, log_next, order, MARK, beam=27)
    ways = []
    for gaps in np.array(np.meshgrid(*[range(S)] * 4)).reshape(4, -1).T:
        way = x.copy()
        way[~known] = gaps
        ways.append(way)
    scores = [np.log(ngrams.probabilities(*ngrams.flat([w], MARK), levels, weights, BASE, S)).sum() for w in ways]
    best = np.log(ngrams.probabilities(*ngrams.flat([filled], MARK), levels, weights, BASE, S)).sum()
    assert best == pytest.approx(max(scores), abs=1e-9)
    assert (filled[known] == x[known]).all()
