"""How well clusters agree with classes that they were never told."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from venero.core.errors import DataError
from venero.metrics.intervals import Estimate, share


def clustering_accuracy(labels: NDArray[Any], clusters: NDArray[Any]) -> Estimate:
    """The share of examples whose cluster is their class, under the best one-to-one matching (Kuhn 1955): (n,), (n,).

    >>> print(clustering_accuracy(np.array([0, 0, 1, 1] * 5), np.array([7, 7, 3, 3] * 5)))
    1 (0.839 to 1)
    """
    if np.shape(labels) != np.shape(clusters) or np.ndim(labels) != 1 or not len(labels):
        raise DataError(
            f"labels of shape {np.shape(labels)}, clusters of shape {np.shape(clusters)}: must both be (n,), n >= 1"
        )
    row, column = (np.unique(values, return_inverse=True)[1] for values in (labels, clusters))
    both = np.zeros((row.max() + 1, column.max() + 1), np.int64)
    np.add.at(both, (row, column), 1)
    matched = np.full(len(both), -1)
    rows, columns = linear_sum_assignment(-both)
    matched[rows] = columns
    return share(matched[row] == column)
