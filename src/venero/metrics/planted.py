"""Anomalies planted into real data, so that detectors can be compared where nobody has labelled any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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
