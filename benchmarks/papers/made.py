"""MADE on MNIST, dynamic binarisation: exact test log-likelihood after at most ten minutes (Germain et al. 2015).

python -m benchmarks.papers.made
"""

from __future__ import annotations

import argparse
import logging
import time
from typing import Any

import torch

from benchmarks.harness import Result, mnist
from venero.models.made import MADE
from venero.train.run import Run

FIT: dict[str, Any] = {"hidden": (1000,), "likelihood": "bernoulli", "validation": 0.0, "learning_rate": 1e-3}
EPOCHS, MINUTES = 40, 10.0


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seeds = " ".join(map(str, options.seeds))
    result = Result("papers-made", f"python -m benchmarks.papers.made --seeds {seeds}")
    began = time.perf_counter()
    train, test = mnist()
    for seed in options.seeds:
        model = MADE(random_state=seed, epochs=EPOCHS, schedule="cosine", **FIT)
        model.fit(train.X, run=Run(progress="lines", minutes=MINUTES))
        result.add(f"fit, {len(model.history_)} of {EPOCHS} epochs", model.fit_seconds_ / 60, "min", "<= 10", seed)
        result.add("MADE 784-1000-784, test log-likelihood", model.score(test.X), "nats", ">= -96", seed)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
