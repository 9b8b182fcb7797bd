"""Exact neighbours and balls of 50,000 x 50,000 points: time, and the peak of memory with all that the libraries take.

OMP_NUM_THREADS=1 python -m benchmarks.neighbours      about 2 minutes
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from scipy.spatial.distance import cdist

from benchmarks.harness import Result
from venero.metrics.cost import peak_memory
from venero.metrics.neighbours import balls, nearest

N, D, K, BLOCKS = 50_000, 64, 5, 10


def main() -> None:
    torch.set_num_threads(1)
    result, start = Result("neighbours", "python -m benchmarks.neighbours"), time.perf_counter()
    rng = np.random.default_rng(0)
    real, fake = (rng.normal(size=(N, D)).astype(np.float32) for _ in range(2))
    distances = nearest(real, real, K, same=True)[0]
    result.add(f"{K} nearest of {N} x {N}", time.perf_counter() - start, "s")
    begun = time.perf_counter()
    held = balls(fake, real, distances[:, -1], BLOCKS)
    result.add(f"balls of {N} x {N}", time.perf_counter() - begun, "s")
    result.add("peak memory", peak_memory() / 2**30, "GB", "<= 2")
    some = rng.integers(0, N, 50)
    every = np.sort(cdist(real[some].astype(np.float64), real.astype(np.float64)), axis=1)[:, 1 : K + 1]
    result.add("distances apart from scipy's, 50 rows", float(np.abs(every - distances[some]).max()), "", "<= 1e-9")
    result.add("points in balls, both ways", float(held.by_point.sum() - held.by_centre.sum()), "", "<= 0")
    result.seconds = time.perf_counter() - start
    result.save()


if __name__ == "__main__":
    sys.exit(main())
