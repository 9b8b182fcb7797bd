"""Restricted Boltzmann machines on binarised MNIST, judged by annealed importance sampling (Salakhutdinov & Murray 2008).

python -m benchmarks.papers.rbm ais --seeds 0 1 2     20 hidden units: annealing against the sum over all 2^20 states
python -m benchmarks.papers.rbm mnist --seeds 0       500 hidden units, persistent chains, 60 epochs
"""

from __future__ import annotations

import argparse
import time

import torch

from benchmarks.harness import Result, mnist
from venero.models.rbm import RBM
from venero.train.run import Run

MIXTURE = -126.8  # nats of a mixture of 500 Bernoulli vectors on the same dynamic binarisation, seven seconds of EM


def ais(result: Result, seed: int) -> None:
    train, test = mnist()
    model = RBM(n_hidden=20, epochs=5, validation=0.0, random_state=seed).fit(train.X)
    exact = model.log_z_
    result.add("20 hidden units, exact log Z", exact, "nats", seed=seed)
    result.add("test log-likelihood, exact", model.score(test.X), "nats", seed=seed)
    for steps in (1000, 14_500):
        value, error = model.anneal(chains=100, steps=steps, seed=seed)
        note = f"standard error {error:.3f}"
        gate = "<= 0.1" if steps == 14_500 else ""
        result.add(f"annealing, {steps:,} temperatures, 100 chains: off by", abs(value - exact), "nats", gate, seed, note)


def full(result: Result, seed: int) -> None:
    train, test = mnist()
    fields = {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0, "validation": 0.0, "epochs": 60}
    model = RBM(n_hidden=500, random_state=seed, **fields).fit(train.X, run=Run(progress="lines"))  # type: ignore[arg-type]
    result.add("500 hidden units, PCD-1, 60 epochs: fit", model.fit_seconds_, "s", seed=seed)
    _, error = model.anneal(chains=100, steps=14_500, seed=seed)
    note = f"standard error of log Z {error:.3f}; one draw of bits for each image"
    result.add("test log-likelihood by annealing", model.score(test.X), "nats", ">= -100", seed, note)
    result.add("the same of 10,000 training images", model.score(train.X[:10_000]), "nats", seed=seed)
    result.add("above a mixture of 500 Bernoulli vectors", model.score(test.X) - MIXTURE, "nats", ">= 0", seed)


RUNS = {"ais": ais, "mnist": full}


def main() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=RUNS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seeds = " ".join(map(str, options.seeds))
    result = Result(f"papers-rbm-{options.which}", f"python -m benchmarks.papers.rbm {options.which} --seeds {seeds}")
    began = time.perf_counter()
    for seed in options.seeds:
        RUNS[options.which](result, seed)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
