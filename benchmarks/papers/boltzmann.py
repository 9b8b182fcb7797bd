"""The encoder problems of Ackley, Hinton & Sejnowski 1985: two groups of visible units that meet in a few hidden ones.

python -m benchmarks.papers.boltzmann 4-2-4        50 problems, until four codes are found, at most 2,000 cycles
python -m benchmarks.papers.boltzmann 4-3-4        50 problems, until no two of four codes are one bit apart
python -m benchmarks.papers.boltzmann 8-3-8        20 problems, until all eight codes are found, at most 4,000 cycles
python -m benchmarks.papers.boltzmann 40-10-40     a pattern on one side, completed on the other: slowly, and ever faster

Each problem has a random state of its own. The first three run as the paper says, and again with weights that decay by 0.005 a
cycle: without, weights by sign grow until annealings stick.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import Result
from venero.maths.random import seeded
from venero.models.boltzmann import BoltzmannMachine
from venero.nn.boltzmann import Annealing
from venero.train.run import Run

COMMON: dict[str, Any] = {
    "hidden_connections": False,
    "learning": "sign",
    "weight_step": 2.0,
    "noise_on": 0.15,
    "noise_off": 0.05,
}
DECAY = 0.005
REPEATS = 50  # annealings of each pattern of 40-10-40


@dataclass(frozen=True)
class Problem:
    """V-H-V: how many runs of how many cycles, and how far apart codes must be."""

    v: int
    h: int
    runs: int
    cycles: int
    apart: int
    gate: int
    noise_off: float = 0.05


PROBLEMS = {
    "4-2-4": Problem(4, 2, 50, 2000, 1, 49),
    "4-3-4": Problem(4, 3, 50, 2000, 2, 45),
    "8-3-8": Problem(8, 3, 20, 4000, 1, 14, 0.02),
}


def patterns(v: int) -> np.ndarray:
    return np.concatenate([np.eye(v, dtype=bool)] * 2, 1)


@torch.no_grad()
def apart(model: BoltzmannMachine, X: np.ndarray) -> int:
    """Bits between the two codes that are nearest; a code is the hidden units' likeliest state under its pattern."""
    code = model.net_.encode(torch.from_numpy(X).double()) > 0.5
    distance = (code[:, None] != code).sum(-1)
    return int((distance + 1000 * torch.eye(len(X), dtype=torch.long)).min())


def solved(problem: Problem, seed: int, decay: float) -> int | None:
    """The cycle in which codes are first far enough apart; None if in none."""
    X, found = patterns(problem.v), []
    fields = COMMON | {"noise_off": problem.noise_off, "weight_decay": decay, "batch_size": problem.v}
    model = BoltzmannMachine(
        n_hidden=problem.h, visible_groups=(problem.v,) * 2, epochs=problem.cycles, random_state=seed, **fields
    )

    def look(row: Any) -> bool:
        if apart(model, X) >= problem.apart:
            found.append(row["epoch"])
        return bool(found)

    model.fit(X, run=Run(progress="none", callbacks=[look]))
    return found[0] if found else None


def small(result: Result, name: str) -> None:
    problem = PROBLEMS[name]
    for decay, how in ((0.0, "as in the paper"), (DECAY, f"weights decay by {DECAY}")):
        first = [solved(problem, seed, decay) for seed in range(problem.runs)]
        cycles = [c for c in first if c is not None]
        result.add(
            f"{name}, {how}: solved of {problem.runs} within {problem.cycles} cycles", len(cycles), "runs", f">= {problem.gate}"
        )
        result.add(f"{name}, {how}: median cycle", float(np.median(cycles)), "cycles")
        result.add(f"{name}, {how}: last", float(max(cycles)), "cycles")


def completed(model: BoltzmannMachine, annealing: Annealing, seed: int) -> float:
    """Share of annealings with a pattern on one side that end in it on the other."""
    net, X = model.net_, torch.from_numpy(patterns(40)).double().repeat(REPEATS, 1)
    s = net.clamped(X)
    held: Tensor = (torch.arange(net.n) < 40).expand(len(s), -1)
    kept, net.annealing = net.annealing, annealing
    with seeded(seed), torch.no_grad():
        ends = net.settle(s, net.units(), torch.rand, held=held)[-1]
    net.annealing = kept
    return float((ends[:, :80] == X).all(1).double().mean())


RULES: dict[str, dict[str, Any]] = {
    "gradient": {"learning": "gradient", "learning_rate": 1.0, "spread": 0.01},
    "steps by sign": {"learning": "sign", "weight_decay": 0.01},
}
GENTLE = "twice as slow and to half the temperature"


def large(result: Result, seed: int) -> None:
    """300 cycles without hidden units, 500 with noise, 2,500 without, of one annealing a pattern."""
    fields: dict[str, Any] = {"noise_on": 0.1, "noise_off": 0.0025, "annealings": 1, "batch_size": 40, "random_state": seed}
    stages = {"visible_epochs": 300, "noisy_epochs": 500, "epochs": 3000}
    for rule, how in RULES.items():
        model = BoltzmannMachine(n_hidden=10, visible_groups=(40, 40), **COMMON | fields | stages | how)
        model.fit(patterns(40), run=Run(progress="none"))
        name, learned = f"40-10-40, {rule}", model.net_.annealing
        for pace, annealing in paces(learned).items():
            gate = ">= 0.97" if rule == "gradient" and pace == GENTLE else ""
            result.add(f"{name}: completed, {pace}", completed(model, annealing, seed), "of 1", gate, seed)
        result.add(f"{name}: bits between the nearest codes", apart(model, patterns(40)), "bits", seed=seed)
        result.add(f"{name}: fit", model.fit_seconds_, "s", seed=seed)


def paces(learned: Annealing) -> dict[str, Annealing]:
    def at(times: tuple[int, ...]) -> Annealing:
        return Annealing(learned.temperatures, times, 1)

    return {
        GENTLE: learned.gentle(2),
        "twice as slow": at(tuple(2 * t for t in learned.times)),
        "as in learning": at(learned.times),
        "twice as fast": at(tuple(t // 2 for t in learned.times)),
        "two units of time": Annealing(learned.temperatures[-1:], (1,), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=[*PROBLEMS, "40-10-40"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = Result(f"papers-boltzmann-{options.which}", f"python -m benchmarks.papers.boltzmann {options.which}")
    began = time.perf_counter()
    if options.which in PROBLEMS:
        small(result, options.which)
    else:
        for seed in options.seeds:
            large(result, seed)
    result.seconds = time.perf_counter() - began
    result.save()


if __name__ == "__main__":
    main()
