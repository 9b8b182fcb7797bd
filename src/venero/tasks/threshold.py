"""Where normal ends: a threshold with a stated false-positive rate, and how far the rate may be off.

With scores of n normal examples in order, a new normal one is beyond the k-th with probability (n + 1 - k) / (n + 1) over all
that is random. Given the n scores, that probability has the Beta(n + 1 - k, k) distribution where scores are continuous, and
the number among m new examples the beta-binomial one (Wilks 1942; Vovk 2012; Bates et al. 2023). Ties can only lower the rate.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import DataError


def place(n: int, rate: float) -> int:
    """Which of n scores, from 1 for the lowest, is the threshold of a false-positive rate.

    >>> place(99, 0.05), place(19, 0.05)
    (95, 19)
    """
    if not 0 < rate < 1:
        raise DataError(f"false_positive_rate = {rate}: must be a share above 0 and below 1")
    k = ceil((n + 1) * (1 - rate) - 1e-9)  # 0.95 * 100 is a little over 95 in binary
    if k > n:
        least = ceil(1 / rate - 1 - 1e-9)
        raise DataError(f"false_positive_rate = {rate}: {n} examples can't show it; at least {least} must be held out for it")
    return k


def conformal_threshold(scores: NDArray[Any], rate: float) -> float:
    """The score (higher is more unusual) that at most a share `rate` of new normal examples exceeds, in expectation."""
    k = place(len(scores), rate)
    return float(np.partition(scores, k - 1)[k - 1])


def rate_interval(n: int, rate: float, m: int | None = None, probability: float = 0.95) -> tuple[float, float]:
    """In which, with at least this probability, the share lies that is flagged of m new normal examples (None: of ever more).

    n: scores that the threshold was found among. Where scores tie, the share may be lower.

    >>> rate_interval(199, 0.05, 100)
    (0.01, 0.11)
    """
    from scipy.stats import beta, betabinom

    k, tail = place(n, rate), (1 - probability) / 2
    if m is None:
        return float(beta.ppf(tail, n + 1 - k, k)), float(beta.ppf(1 - tail, n + 1 - k, k))
    low, high = betabinom.ppf([tail, 1 - tail], m, n + 1 - k, k)
    return float(low) / m, float(high) / m
