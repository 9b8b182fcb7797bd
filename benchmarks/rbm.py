"""An epoch of an RBM beside scikit-learn's BernoulliRBM: 10,000 binarised MNIST images, 256 hidden units.

Both learn by PCD-1 with batches of 100, the same step size and number of epochs, in single precision, on the same bits and
threads, in turns. Both are judged by scikit-learn's pseudo-likelihood, on the same flipped pixels of held-out images.

python -m benchmarks.rbm
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits

from benchmarks.harness import Result, mnist
from venero.models.rbm import RBM

FLIPS = 20  # pixels of each image whose conditionals are taken


def binarised(X: Any, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    return (rng.random((len(X), 784)) < X.reshape(len(X), -1) / 255.0).astype(np.float32)


def theirs(X: Any, epochs: int, seed: int) -> BernoulliRBM:
    return BernoulliRBM(n_components=256, learning_rate=0.05, batch_size=100, n_iter=epochs, random_state=seed).fit(X)


def ours(X: Any, epochs: int, seed: int) -> RBM:
    fields: dict[str, Any] = {"learning_rate": 0.05, "momentum": 0.0, "schedule": "constant", "batch_size": 100}
    quick = {"ais_chains": 2, "ais_steps": 10, "validation": 0.0}  # no likelihood: scikit-learn has none
    return RBM(n_hidden=256, visible="bernoulli", epochs=epochs, random_state=seed, **fields, **quick).fit(X)


def pseudo_likelihood(W: Any, a: Any, b: Any, X: Any) -> float:
    """By scikit-learn's own arithmetic: weights (H, D), visible and hidden biases."""
    judge = BernoulliRBM(n_components=len(b), random_state=0)
    judge.components_, judge.intercept_visible_, judge.intercept_hidden_ = W, a, b
    judge.n_features_in_ = X.shape[1]
    rng = np.random.RandomState(0)
    return float(np.mean([judge.set_params(random_state=rng).score_samples(X).mean() for _ in range(FLIPS)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = Result("rbm", "python -m benchmarks.rbm")
    began = time.perf_counter()
    train, test = mnist()
    rng = np.random.default_rng(0)
    X, new = binarised(train.X[:10_000], rng), binarised(test.X[:2000], rng)
    seconds: dict[str, list[float]] = {"scikit-learn": [], "venero": []}
    scores: dict[str, list[float]] = {"scikit-learn": [], "venero": []}
    with threadpool_limits(options.threads):
        for turn in range(options.turns):
            for name, fit in (("scikit-learn", theirs), ("venero", ours)):
                start = time.perf_counter()
                model: Any = fit(X, options.epochs, turn)
                seconds[name].append((time.perf_counter() - start) / options.epochs)
                scores[name].append(pseudo_likelihood(*weights(model), new))
    for name, each in seconds.items():
        result.add(f"{name}: an epoch, median", median(each), "s", note=f"of {options.turns} turns")
        result.add(f"{name}: pseudo-likelihood after {options.epochs} epochs, mean", float(np.mean(scores[name])), "nats")
    ratio = median(a / b for a, b in zip(seconds["scikit-learn"], seconds["venero"], strict=True))
    result.add("times as fast as scikit-learn, median of the turns", ratio, "times", ">= 1.7")
    better = float(np.mean(scores["venero"]) - np.mean(scores["scikit-learn"]))
    result.add("pseudo-likelihood above scikit-learn's", better, "nats", ">= 0")
    result.seconds = time.perf_counter() - began
    result.save()


def weights(model: Any) -> tuple[Any, Any, Any]:
    if isinstance(model, BernoulliRBM):
        return model.components_, model.intercept_visible_, model.intercept_hidden_
    rbm = model.net_.rbm
    return tuple(p.detach().numpy() for p in (rbm.weight, rbm.visible_bias, rbm.hidden_bias))  # type: ignore[return-value]


if __name__ == "__main__":
    main()
