"""What each figure of fidelity does when samples are damaged on purpose, and that it is quiet when they are not.

OMP_NUM_THREADS=1 python -m benchmarks.damage      about 5 minutes; writes the table of docs/metrics.md too

Three sets of features: handwritten digits (64 pixels on 0..1, scikit-learn's), the same standardised, and abalone (8
standardised columns, as `evaluate` makes them). 400 real held-out examples are compared with up to 400 "samples": other real
examples, damaged. Three seeds; each draws and damages anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from benchmarks.harness import ROOT, Result
from venero.metrics.features import drawn_in
from venero.metrics.fidelity import frechet_estimate, kernel_distance, neighbourhoods
from venero.metrics.intervals import Estimate
from venero.metrics.memorisation import pull_of_train
from venero.metrics.twosample import c2st

N, SEEDS = 400, (0, 1, 2)
DOCS, MARKS = ROOT / "docs" / "metrics.md", ("<!-- damage: begin -->\n", "<!-- damage: end -->\n")
UP = {"Fréchet", "kernel", "cubic kernel", "C2ST", "memorisation"}  # worse when higher
NEIGHBOURS = ("precision", "recall", "density", "coverage", "clipped density", "clipped coverage")
FIDELITY = ("Fréchet", "kernel", "cubic kernel", *NEIGHBOURS, "C2ST")
METRICS = (*FIDELITY, "memorisation")

Draw = dict[str, np.ndarray]  # train, real, pool (n, d) and the pool's modes (n,)


def digits() -> np.ndarray:
    return load_digits().data / 16


def standardised() -> np.ndarray:
    """Digits with columns of like scale; a pixel that hardly varies is not blown up to noise."""
    x = digits()
    return (x - x.mean(0)) / np.maximum(x.std(0), 0.1)


def abalone() -> np.ndarray:
    rows = np.loadtxt(ROOT.parent / "shared" / "data" / "tables" / "abalone.csv", str, delimiter=",")
    x = rows[:, 1:].astype(float)
    return drawn_in((x - x.mean(0)) / x.std(0))


def draw(x: np.ndarray, seed: int) -> Draw:
    """Train, held-out real and a pool of fresh examples, and ten clusters of the pool."""
    x = np.random.default_rng(seed).permutation(x).astype(np.float32)
    pool = x[2 * N : 6 * N]
    modes = KMeans(10, n_init=3, random_state=0).fit(x).predict(pool)
    return {"train": x[:N], "real": x[N : 2 * N], "pool": pool, "modes": modes}


def dropped(data: Draw, kept: float, rng: np.random.Generator) -> np.ndarray:
    return data["pool"][np.isin(data["modes"], rng.permutation(10)[: int(kept)])][:N]


def noisy(data: Draw, strength: float, rng: np.random.Generator) -> np.ndarray:
    x = data["pool"][:N]
    return (x + strength * x.std() * rng.normal(size=x.shape)).astype(np.float32)


def shrunk(data: Draw, factor: float, rng: np.random.Generator) -> np.ndarray:
    x = data["pool"][:N]
    return x.mean(0) + factor * (x - x.mean(0))


def repeated(data: Draw, distinct: float, rng: np.random.Generator) -> np.ndarray:
    return data["pool"][rng.integers(0, int(distinct * N), N)]


def shuffled(data: Draw, share: float, rng: np.random.Generator) -> np.ndarray:
    """Some columns shuffled, each on its own: all of them are independent marginals."""
    x = data["pool"][:N].copy()
    for column in rng.permutation(x.shape[1])[: round(share * x.shape[1])]:
        x[:, column] = rng.permutation(x[:, column])
    return x


def copied(data: Draw, share: float, rng: np.random.Generator) -> np.ndarray:
    n = int(share * N)
    return np.vstack([data["train"][:n], data["pool"][: N - n]])


DIVERSITY = ("recall", "coverage", "clipped coverage")
QUALITY = ("precision", "density", "clipped density")
WHOLE = ("Fréchet", "kernel", "C2ST")
Damage = tuple[Callable[[Draw, float, np.random.Generator], np.ndarray], tuple[float, float, float], tuple[str, ...]]
DAMAGE: dict[str, Damage] = {  # how, from little to much, what must get worse
    "modes kept of 10": (dropped, (8, 5, 3), (*WHOLE, *DIVERSITY)),
    "noise, standard deviations": (noisy, (0.2, 0.5, 1.0), (*WHOLE, *QUALITY, "coverage", "clipped coverage")),
    "shrunk to the mean, factor": (shrunk, (0.9, 0.7, 0.4), (*WHOLE, *DIVERSITY)),
    "repeated, share of distinct": (repeated, (0.5, 0.2, 0.05), ("coverage", "clipped coverage", "C2ST")),
    "shuffled columns, share": (shuffled, (0.25, 0.5, 1.0), (*WHOLE, *QUALITY, "coverage", "clipped coverage")),
    "copied from train, share": (copied, (0.25, 0.5, 1.0), ("memorisation",)),
}
CUBIC = ("digits, standardised",)  # where features have a network's scale, `evaluate` uses the cubic kernel
QUIET = {damage: ("memorisation",) for damage in DAMAGE} | {"copied from train, share": FIDELITY}  # what must not move


def measured(data: Draw, fake: np.ndarray, seed: int) -> dict[str, Estimate]:
    shares = neighbourhoods(data["real"], fake)
    return {
        "Fréchet": frechet_estimate(data["real"], fake),
        "kernel": kernel_distance(data["real"], fake, "gaussian"),
        "cubic kernel": kernel_distance(data["real"], fake, "cubic"),
        **{name.replace("_", " "): value for name, value in shares._asdict().items()},
        "C2ST": c2st(data["real"], fake, random_state=seed).accuracy,
        "memorisation": pull_of_train(fake, data["train"], data["real"]).share,
    }


def worse(name: str, found: Estimate, null: Estimate) -> bool:
    """Beyond the null on the bad side, by more than both intervals allow on average."""
    sign = 1 if name in UP else -1
    margin = ((found.high - found.low) ** 2 + (null.high - null.low) ** 2) ** 0.5 / 2
    return sign * (found.value - null.value) > margin


def table_of(x: np.ndarray) -> dict[tuple[str, float], list[dict[str, Estimate]]]:
    """(damage, strength) -> figures of each seed; the null twice, from different fresh examples."""
    rows: dict[tuple[str, float], list[dict[str, Estimate]]] = {}
    for seed in SEEDS:
        data = draw(x, seed)
        rows.setdefault(("none", 0), []).append(measured(data, data["pool"][:N], seed))
        rows.setdefault(("none again", 0), []).append(measured(data, data["pool"][-N:], seed + 10))
        for name, (how, strengths, _) in DAMAGE.items():
            for strength in strengths:
                fake = how(data, strength, np.random.default_rng(seed))
                rows.setdefault((name, strength), []).append(measured(data, fake, seed))
    return rows


def judged(result: Result, space: str, rows: dict[tuple[str, float], list[dict[str, Estimate]]]) -> dict[tuple[str, str], str]:
    """(damage, metric) -> verdict: what must move does so in all seeds where it is strongest, what must not in one at most."""
    verdicts = {}
    null = rows["none", 0]
    for damage, (_, strengths, moved) in {"none again": (None, (0, 0, 0), ()), **DAMAGE}.items():
        for metric in METRICS:
            seeds = zip(rows[damage, strengths[-1]], null, strict=True)
            count = sum(worse(metric, found[metric], of[metric]) for found, of in seeds)
            still = damage == "none again" or metric in QUIET.get(damage, ())
            moves = metric in moved or (metric == "cubic kernel" and space in CUBIC and "kernel" in moved)
            gate = ">= 3" if moves else "<= 1" if still else ""
            result.add(f"{space}: {damage}: {metric} is worse", count, "of 3 seeds", gate)
            verdicts[damage, metric] = {None: "", True: " ok", False: " **?**"}[result.figures[-1].passed]
    return verdicts


def markdown(space: str, rows: dict[tuple[str, float], list[dict[str, Estimate]]], verdicts: dict[tuple[str, str], str]) -> str:
    lines = [f"### {space}", "", f"| damage | {' | '.join(METRICS)} |", "| --- " * (len(METRICS) + 1) + "|"]
    for (damage, strength), seeds in rows.items():
        values = {metric: np.mean([s[metric].value for s in seeds]) for metric in METRICS}
        last = damage not in DAMAGE or strength == DAMAGE[damage][1][-1]
        cells = [f"{v:.3f}" + (verdicts.get((damage, m), "") if last else "") for m, v in values.items()]
        lines.append(f"| {damage} {strength if damage in DAMAGE else ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    torch.set_num_threads(1)
    result, start, texts = Result("damage", "python -m benchmarks.damage"), time.perf_counter(), []
    for space, load in {"digits": digits, "digits, standardised": standardised, "abalone": abalone}.items():
        rows: Any = table_of(load())
        texts.append(markdown(space, rows, judged(result, space, rows)))
    result.seconds = time.perf_counter() - start
    result.save()
    page = DOCS.read_text()
    before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
    DOCS.write_text(before + MARKS[0] + "\n" + "\n".join(texts) + "\n" + MARKS[1] + after)


if __name__ == "__main__":
    sys.exit(main())
