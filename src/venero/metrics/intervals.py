"""Estimates with 95 % intervals, and differences of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Z = 1.959963984540054  # of a standard normal, the two-sided 95 % point


class Estimate(NamedTuple):
    """A value, its 95 % interval, and how many independent cases it was measured on."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def mean(values: NDArray[Any]) -> Estimate:
    """The mean of (n,) independent values; the interval is the normal one, of the standard error."""
    n = len(values)
    centre = float(np.mean(values))
    half = Z * float(np.std(values, ddof=1)) / n**0.5 if n > 1 else float("inf")
    return Estimate(centre, centre - half, centre + half, n)


def share(hits: NDArray[np.bool_]) -> Estimate:
    """The share of hits among (n,) independent cases, with Wilson's interval (1927), which holds near 0 and 1 too.

    >>> print(share(np.array([True] * 10)))
    1 (0.722 to 1)
    """
    n = len(hits)
    p = float(np.mean(hits))
    return Estimate(p, *wilson(p, n), n)


def wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's interval for a share p of n cases; n need not be whole where cases depend on each other."""
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * (p * (1 - p) / n + Z**2 / (4 * n**2)) ** 0.5
    return max(centre - half, 0.0), min(centre + half, 1.0)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """b - a for two shares, with Newcombe's hybrid interval (1998, method 10).

    Where both were measured on the same cases it is wider than it need be: it never claims too much.
    """
    centre = b.value - a.value
    low = centre - np.hypot(b.value - b.low, a.high - a.value)
    high = centre + np.hypot(b.high - b.value, a.value - a.low)
    return Estimate(centre, float(low), float(high), min(a.n, b.n))


def bootstrap(statistic: Callable[..., float], *samples: NDArray[Any], draws: int = 200, random_state: int = 0) -> Estimate:
    """statistic(*samples) with its percentile interval (Efron 1979): each sample's rows are drawn again, each on its own.

    Not for what repeated rows upset, such as nearest neighbours or the Fréchet distance. n is that of the smallest sample.

    >>> bootstrap(np.median, np.arange(101.0)).value
    50.0
    """
    rng = np.random.default_rng(random_state)
    again = [float(statistic(*(s[rng.integers(0, len(s), len(s))] for s in samples))) for _ in range(draws)]
    low, high = np.quantile(again, [0.025, 0.975])
    return Estimate(float(statistic(*samples)), float(low), float(high), min(map(len, samples)))


def columns(found: Mapping[str, Estimate]) -> dict[str, float]:
    """Each estimate as three columns of a table: x, x_low, x_high."""
    return {name + end: v for name, e in found.items() for end, v in zip(("", "_low", "_high"), e[:3], strict=True)}
