"""Mean log-probabilities of held-out examples: in nats, and in bits per dimension."""

from __future__ import annotations

from math import inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError
from venero.metrics.intervals import Estimate, mean


def mean_log_likelihood(scores: NDArray[Any]) -> Estimate:
    """The mean of log p(x), (n,) in nats; minus infinity if the model holds any of the examples impossible.

    >>> print(mean_log_likelihood(np.array([-1.0, -3.0, -2.0, -2.0])))
    -2 (-2.8 to -1.2)
    """
    scores = np.asarray(scores, dtype=np.float64)
    if np.isnan(scores).any():
        raise DataError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN: fit again with a lower learning_rate")
    if np.isneginf(scores).any():
        return Estimate(-inf, -inf, -inf, len(scores))
    return mean(scores)


def bits_per_dim(nats: Estimate, n_dims: int) -> Estimate:
    """Minus the mean log2-probability per pixel, channel or column; lower is better.

    >>> print(bits_per_dim(Estimate(-2 * log(2), -3 * log(2), -log(2), 9), 2))
    1 (0.5 to 1.5)
    """
    scale = -1 / (n_dims * log(2))
    return Estimate(scale * nats.value, scale * nats.high, scale * nats.low, nats.n)
