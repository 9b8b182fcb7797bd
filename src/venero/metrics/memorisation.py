"""Whether samples are the training data handed out again: distances to train and to held-out rows, copies, verbatim runs.

Distances to train alone prove nothing (samples near the middle of the data are near to everything): what is tested is whether
samples are nearer to train than to data that the model never saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from venero.core.errors import DataError
from venero.data.arrays import is_frame
from venero.metrics.intervals import Estimate, Z, difference, share
from venero.metrics.neighbours import nearest
from venero.metrics.ranking import auroc

Places = NDArray[np.int64]
NEAR = 1 / 3  # a sample this much nearer to one row than to the next is a near copy of it (Yoon et al. 2023, their l2 ratio)
NONE = -1


class Pull(NamedTuple):
    """How often the row nearest to a sample, of train and held-out rows together, is one of train."""

    share: Estimate
    expected: float  # of samples that know nothing of train
    p: float  # of a share as large as this one, if they don't


def pull_of_train(samples: NDArray[Any], train: NDArray[Any], held_out: NDArray[Any]) -> Pull:
    """Features (n, d), (m, d), (k, d). Train and held-out rows are alike, so m / (m + k) is expected without memory.

    Samples that share their nearest row count as one group: the interval allows for rows that attract many (a sandwich
    variance with the nearest rows as clusters).
    """
    (to_train, row), (to_held_out, other) = nearest(samples, train), nearest(samples, held_out)
    of_train, row, other = to_train[:, 0] - to_held_out[:, 0], row[:, 0], other[:, 0] + len(train)
    hits = np.where(of_train == 0, 0.5, of_train < 0)  # (n,)
    clusters = np.where(hits >= 0.5, row, other)
    value, expected = float(hits.mean()), len(train) / (len(train) + len(held_out))
    off = lambda centre: float(np.sum(np.bincount(clusters, hits - centre) ** 2)) ** 0.5 / len(hits)  # noqa: E731
    half = Z * max(off(value), 1 / len(hits))
    low, high = max(value - half, 0.0), min(value + half, 1.0)
    return Pull(Estimate(value, low, high, len(hits)), expected, float(norm.sf((value - expected) / off(expected))))


def nearer_than_held_out(samples: NDArray[Any], train: NDArray[Any], held_out: NDArray[Any]) -> Estimate:
    """P(a sample is nearer to train than a held-out row is): 0.5 where samples are like held-out data, 1 where they are copies.

    Below 0.5 samples lie further out than real data do; above it they are copies, or more average than real data.
    """
    return auroc(nearest(held_out, train)[0][:, 0], nearest(samples, train)[0][:, 0])


def exact_copies(samples: Any, train: Any) -> Places:
    """The place in train of a row that equals each sample, and -1 where there is none: (n,)."""
    sources = {key: place for place, key in enumerate(_keys(train, train))}
    return np.array([sources.get(key, NONE) for key in _keys(samples, train)], dtype=np.int64)


def near_copies(samples: NDArray[Any], train: NDArray[Any]) -> Places:
    """The place in train of the row that a sample all but repeats, and -1 where there is none: features (n, d), (m, d) -> (n,).

    It is three times nearer to that row than to the row next to it.
    """
    if len(train) < 2:
        raise DataError(f"train has {len(train)} row: near copies are told from 2 rows on")
    distance, place = nearest(samples, train, k=2)
    close = distance[:, 0] < NEAR * distance[:, 1]
    return np.where(close, place[:, 0], NONE)


def beyond_chance(copies: Places, by_chance: Places) -> Estimate:
    """How much larger the share of copies among samples is than among held-out rows, which copy nothing."""
    return difference(share(by_chance != NONE), share(copies != NONE))


def listed(copies: Places, most: int = 5) -> str:
    """The first copies with their sources, in words; empty where there are none.

    >>> listed(np.array([-1, 17, -1]))
    'sample 1 = train row 17'
    """
    found = np.flatnonzero(copies != NONE)
    words = [f"sample {i} = train row {copies[i]}" for i in found[:most]]
    return ", ".join(words) + (f" and {len(found) - most} more" if len(found) > most else "")


class Run(NamedTuple):
    """A stretch of a text that stands in train letter by letter."""

    text: str
    source: int  # which of the training texts


def longest_verbatim(text: str, train: Sequence[str]) -> Run:
    """The longest stretch of a text that any of the training texts holds too.

    >>> longest_verbatim("the cat sat", ["a cat", "that cat sits"])
    Run(text=' cat s', source=1)
    """
    gap = "\U0010ffff"  # no character: no stretch crosses from one training text into the next
    whole = gap.join(train)
    longest, at = "", 0
    for start in range(len(text)):
        while start + len(longest) < len(text):
            longer = text[start : start + len(longest) + 1]
            if gap in longer or (found := whole.find(longer)) < 0:
                break
            longest, at = longer, found
    return Run(longest, whole.count(gap, 0, at) if longest else NONE)


def _keys(X: Any, train: Any) -> list[Any]:
    """Something equal for equal rows; missing values are equal."""
    if is_frame(X):
        plain = X[list(train.columns)].astype(object)
        return list(plain.where(X.notna(), None).itertuples(index=False, name=None))
    if isinstance(X, (list, tuple)):
        return [x if isinstance(x, str) else _key(x) for x in X]
    x = np.asarray(X).astype(np.asarray(train).dtype)
    flat = np.ascontiguousarray(x.reshape(len(x), -1))  # (n, D)
    return [row.tobytes() for row in (flat + 0 if flat.dtype.kind == "f" else flat)]  # -0 becomes 0


def _key(x: Any) -> Any:
    """Of one sequence."""
    values = np.asarray(x)
    return (values.shape, (values.astype(np.float64) + 0).tobytes()) if values.dtype.kind in "buif" else tuple(x)
