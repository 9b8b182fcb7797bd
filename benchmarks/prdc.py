"""Speed of the figures of fidelity side by side with their usual implementations, on equal features in memory.

OMP_NUM_THREADS=1 python -m benchmarks.prdc      (pip install prdc)

PRDC: the package prdc itself. Kernel and Fréchet distance: the arithmetic of torch-fidelity 0.4 (its package imports
torchvision, which venero does without), written out below. C2ST: scikit-learn's gradient boosting, called plainly.
Turns are interleaved; the figure is the median ratio of seconds, theirs over ours: at least 1 is at least as fast.
Ours does more in the same time: intervals for all, the clipped pair beside the four, the kernel distance of all pairs.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result
from prdc import compute_prdc
from venero.metrics.fidelity import frechet_distance, kernel_distance, neighbourhoods
from venero.metrics.twosample import c2st

TURNS, K, THREADS = 5, 5, 1
SIZES = ((5000, 64), (5000, 512))
SUBSETS, SUBSET = 100, 1000  # torch-fidelity's defaults


def prdc_package(real: np.ndarray, fake: np.ndarray) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real, fake, nearest_k=K)
    return [float(found[name]) for name in ("precision", "recall", "density", "coverage")]


def prdc_ours(real: np.ndarray, fake: np.ndarray) -> list[float]:
    return [estimate.value for estimate in neighbourhoods(real, fake, K)[:4]]


def polynomial_mmd(x: np.ndarray, y: np.ndarray) -> float:
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    m = len(x)
    within = (xx.sum(axis=1) - np.diagonal(xx)).sum() + (yy.sum(axis=1) - np.diagonal(yy)).sum()
    return float(within / (m * (m - 1)) - 2 * xy.sum() / (m * m))


def kid_on_subsets(real: np.ndarray, fake: np.ndarray) -> list[float]:
    rng = np.random.RandomState(2020)
    draw = lambda x: x[rng.choice(len(x), SUBSET, replace=False)]  # noqa: E731
    return [float(np.mean([polynomial_mmd(draw(real), draw(fake)) for _ in range(SUBSETS)]))]


def kid_ours(real: np.ndarray, fake: np.ndarray) -> list[float]:
    return [kernel_distance(real, fake).value]


def kid_on_all_pairs(real: np.ndarray, fake: np.ndarray) -> list[float]:
    return [polynomial_mmd(real, fake)]


def fid(real: np.ndarray, fake: np.ndarray) -> list[float]:
    m1, m2, c1, c2 = real.mean(axis=0), fake.mean(axis=0), np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.sum(np.sqrt(np.linalg.eigvals(c1.dot(c2)).astype("complex128")).real)
    return [float((m1 - m2) @ (m1 - m2) + np.trace(c1) + np.trace(c2) - 2 * root)]


def fid_ours(real: np.ndarray, fake: np.ndarray) -> list[float]:
    return [frechet_distance(real, fake)]


def boosting(real: np.ndarray, fake: np.ndarray) -> list[float]:
    """Half of each trains, the other half is judged."""
    x, y = np.vstack([real, fake]), np.repeat([0, 1], [len(real), len(fake)])
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[: len(x) // 2], order[len(x) // 2 :]
    classifier = HistGradientBoostingClassifier(random_state=0, early_stopping=False).fit(x[train], y[train])
    return [float((classifier.predict(x[test]) == y[test]).mean())]


def c2st_ours(real: np.ndarray, fake: np.ndarray) -> list[float]:
    return [c2st(real, fake).accuracy.value]


Measure = Callable[[np.ndarray, np.ndarray], list[float]]
PAIRS: dict[str, tuple[Measure, Measure, float]] = {  # theirs, ours, how far values may be apart
    "PRDC against prdc": (prdc_package, prdc_ours, 1e-3),
    "kernel distance against torch-fidelity's arithmetic, 100 subsets of 1,000": (kid_on_subsets, kid_ours, 1e-2),
    "kernel distance against torch-fidelity's arithmetic, all pairs": (kid_on_all_pairs, kid_ours, 1e-4),
    "Fréchet distance against torch-fidelity's arithmetic": (fid, fid_ours, 1e-2),
    "C2ST against plain scikit-learn": (boosting, c2st_ours, 0.05),
}


def timed(measure: Measure, real: np.ndarray, fake: np.ndarray) -> tuple[float, list[float]]:
    start = time.perf_counter()
    values = measure(real, fake)
    return time.perf_counter() - start, values


def compare(result: Result, name: str, real: np.ndarray, fake: np.ndarray) -> None:
    theirs, ours, tolerance = PAIRS[name]
    turns = [(timed(theirs, real, fake), timed(ours, real, fake)) for _ in range(TURNS)]
    their_seconds, our_seconds = (median(turn[side][0] for turn in turns) for side in (0, 1))
    apart = float(np.abs(np.subtract(turns[0][0][1], turns[0][1][1])).max())
    label = f"{name}, {len(real)} x {real.shape[1]}"
    result.add(label, their_seconds / our_seconds, "x", ">= 1", note=f"{their_seconds:.2f} s against {our_seconds:.2f} s")
    result.add(f"{label}: values apart by", apart, "", f"<= {tolerance}")


def main() -> None:
    torch.set_num_threads(THREADS)
    result, start = Result("prdc", "python -m benchmarks.prdc"), time.perf_counter()
    rng = np.random.default_rng(0)
    with threadpool_limits(THREADS):
        for n, d in SIZES:
            real = rng.normal(size=(n, d)).astype(np.float32)
            fake = (1.1 * rng.normal(size=(n, d)) + 0.05).astype(np.float32)
            for name in PAIRS:
                compare(result, name, real, fake)
    result.seconds = time.perf_counter() - start
    result.save()


if __name__ == "__main__":
    sys.exit(main())
