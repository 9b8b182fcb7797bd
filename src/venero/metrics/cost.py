"""What a model costs: examples per second, and memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from venero.metrics.intervals import Estimate, mean

LEAST = 5  # repetitions that the interval comes from
ENOUGH = 0.5  # seconds after which it is not repeated again


def speed(work: Callable[[], Any], n: int) -> Estimate:
    """Examples per second of work that makes n of them; the first time, which may prepare things, is not counted."""
    work()
    rates: list[float] = []
    begun = time.perf_counter()
    while len(rates) < 2 or (len(rates) < LEAST and time.perf_counter() - begun < ENOUGH):
        start = time.perf_counter()
        work()
        rates.append(n / max(time.perf_counter() - start, 1e-9))
    return mean(np.array(rates))


def peak_memory() -> int:
    """The most memory that this process has had so far, in bytes (resident, without accelerators')."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
