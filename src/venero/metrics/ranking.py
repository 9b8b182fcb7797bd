"""How often a number of one set is above a number of another: the area under the ROC curve, which is Mann and Whitney's U."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from venero.core.errors import DataError
from venero.metrics.intervals import Estimate, Z


def auroc(positive: NDArray[Any], negative: NDArray[Any]) -> Estimate:
    """P(positive > negative) + P(equal) / 2 for scores (n,) and (m,), with DeLong's interval (1988); n + m cases."""
    n, m = len(positive), len(negative)
    if not n or not m:
        raise DataError(f"{n} positive and {m} negative scores: at least one of each is needed")
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:n] - rankdata(positive)) / m  # share of the negatives below each positive
    below = (rankdata(negative) - ranks[n:]) / n + 1  # share of the positives above each negative
    value = float(above.mean())
    spread = (_variance(above) + _variance(below)) ** 0.5
    return Estimate(value, max(value - Z * spread, 0.0), min(value + Z * spread, 1.0), n + m)


def _variance(components: NDArray[Any]) -> float:
    """Of their mean; a single one says nothing of its own."""
    return float(components.var(ddof=1)) / len(components) if len(components) > 1 else 0.25
