"""Deep belief net 784-500-500-2000 with labels on MNIST (Hinton, Osindero & Teh 2006), and its class-clamped dreams.

python -m benchmarks.papers.dbn --seeds 0
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Result, mnist
from venero.models.autoencoder import AutoEncoder
from venero.models.dbn import DBN
from venero.tasks.pretrain import PretrainedClassifier
from venero.train.run import Run

UPDATES = 6000  # of backprop: ten passes
EACH = 100  # dreams of each class


def wrong(model: Any, data: Any) -> float:
    return 100 * float((model.predict(data.X) != data.y).mean())


def judge(train: Any, seed: int) -> PretrainedClassifier:
    """A plain rectifier net, which has nothing to do with the model that it judges."""
    start = AutoEncoder(net="mlp", hidden=(500,), latent_dim=300, code="relu", epochs=0, random_state=seed).fit(train.X[:1000])
    return PretrainedClassifier(start, updates=4000, batch_size=100, random_state=seed).fit(train.X, train.y)


def dbn(result: Result, seed: int, epochs: int, up_down: int) -> None:
    train, test = mnist()
    model = DBN(conditional=True, epochs=epochs, up_down_epochs=up_down, random_state=seed)
    greedy: list[float] = []

    def after(row: Any) -> bool:
        if row["stage"] == "top" and row["epoch"] == epochs:
            greedy.append(wrong(model, test))
            result.add(f"test error after {epochs} greedy epochs a layer", greedy[0], "%", "<= 3.5", seed)
        if row["stage"] == "up-down" and row["epoch"] % 5 == 0:
            print("up-down", row["epoch"], wrong(model, test), flush=True)
        return False

    model.fit(train.X, train.y, run=Run(progress="lines", callbacks=(after,)))
    result.add("fit", model.fit_seconds_, "s", seed=seed)
    result.add(f"test error after {up_down} epochs of up-down", wrong(model, test), "%", "<= 2.3", seed)
    y = np.repeat(np.arange(10), EACH)
    dreams = model.sample(len(y), y=y, random_state=seed, steps=1000, noise=False)
    critic = judge(train, seed)
    result.add("test error of the judge of dreams", wrong(critic, test), "%", seed=seed)
    seen = 100 * float((critic.predict(dreams) == y).mean())
    result.add("class-clamped dreams recognised by another net", seen, "%", ">= 85", seed)
    result.add("bound of the test log-likelihood", model.score(test.X[:2000]), "nats", seed=seed, note="2,000 images")
    tuned = PretrainedClassifier(model, updates=UPDATES, batch_size=100, random_state=seed).fit(train.X, train.y)
    result.add("test error with backprop", wrong(tuned, test), "%", "<= 1.7", seed)


def main() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--up-down", type=int, default=25)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    said = f"--epochs {options.epochs} --up-down {options.up_down} --seeds {' '.join(map(str, options.seeds))}"
    result = Result("papers-dbn", f"python -m benchmarks.papers.dbn {said}")
    began = time.perf_counter()
    for seed in options.seeds:
        dbn(result, seed, options.epochs, options.up_down)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
