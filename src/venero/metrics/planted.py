"""Anomalies planted into real data, so that detectors can be compared where nobody has labelled any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.metrics.intervals import Estimate

SHARE = 0.5  # of the columns, or of an image's area, that is taken from another example


def plant(X: Any, random_state: int = 0) -> Any:
    """Each example with a part of another in its place: half of its columns, or one half of an image, (n, ...) -> (n, ...).

    Every value is one that the data have; only what goes with what is wrong. That is easy to miss for a model of each column
    on its own, and a model of the whole should see it.
    """
    rng = np.random.default_rng(random_state)
    donors = (np.arange(len(X)) + rng.integers(1, max(2, len(X)), len(X))) % max(1, len(X))  # never the example itself
    return _rows(X, donors, rng) if hasattr(X, "iloc") or np.ndim(X) == 2 else _halves(np.array(X), donors, rng)


def _rows(X: Any, donors: NDArray[np.intp], rng: np.random.Generator) -> Any:
    columns = rng.permutation(X.shape[1])[: max(1, round(SHARE * X.shape[1]))]
    out = X.copy()
    if not hasattr(X, "iloc"):
        out[:, columns] = X[donors][:, columns]
        return out
    for column in X.columns[columns]:
        out[column] = X[column].take(donors).set_axis(X.index)
    return out


def _halves(X: NDArray[Any], donors: NDArray[np.intp], rng: np.random.Generator) -> NDArray[Any]:
    """Images (n, H, W[, C]): the upper, lower, left or right half comes from another."""
    height, width = X.shape[1:3]
    halves = [np.s_[: height // 2], np.s_[height // 2 :], np.s_[:, : width // 2], np.s_[:, width // 2 :]]
    out = X.copy()
    for i, which in enumerate(rng.integers(0, len(halves), len(X))):
        out[i][halves[which]] = X[donors[i]][halves[which]]
    return out


def auroc(normal: NDArray[Any], unusual: NDArray[Any]) -> Estimate:
    """How often an unusual example scores higher than a normal one, ties counted half; (n,) and (m,) scores.

    The interval is DeLong's (1988), from the variance of each score's own share of wins.

    >>> print(auroc(np.arange(50), np.arange(100, 150)))
    1 (1 to 1)
    """
    from scipy.stats import rankdata

    n, m = len(normal), len(unusual)
    ranks = rankdata(np.concatenate([normal, unusual]))
    wins = (ranks[n:] - rankdata(unusual)) / n  # (m,) the share of normal scores below each unusual one
    losses = 1 - (ranks[:n] - rankdata(normal)) / m  # (n,) the share of unusual scores above each normal one
    value = float(wins.mean())
    half = 1.96 * float(np.sqrt(wins.var(ddof=1) / m + losses.var(ddof=1) / n)) if min(n, m) > 1 else 1.0
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), n + m)
