"""VAE and importance-weighted VAE on dynamically binarised MNIST (Kingma & Welling 2013; Burda et al. 2015).

python -m benchmarks.papers.vae small --seeds 0 1 2      784-400-20, 15 epochs
python -m benchmarks.papers.vae large --seeds 0 1 2      784-400-400-40, 100 epochs, cosine
python -m benchmarks.papers.vae iwae --seeds 0           particles=5 against particles=1, the same net, epochs and evaluation
python -m benchmarks.papers.vae ppca                     linear-Gaussian VAE against exact PPCA
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Result, mnist
from venero.models.vae import VAE
from venero.train.run import Run

FIT: dict[str, Any] = {"net": "mlp", "likelihood": "bernoulli", "batch_size": 128, "validation": 0.0}
SMALL = FIT | {"latent_dim": 20, "hidden": (400,), "epochs": 15, "schedule": "cosine"}
LARGE = FIT | {"latent_dim": 40, "hidden": (400, 400), "epochs": 100, "schedule": "cosine"}
IWAE_EPOCHS = 20


def fitted(result: Result, seed: int, name: str, **fields: Any) -> VAE:
    train, _ = mnist()
    model = VAE(random_state=seed, **fields).fit(train.X, run=Run(progress="lines"))
    result.add(f"{name}: fit", model.fit_seconds_, "s", seed=seed)
    return model


def small(result: Result, seed: int) -> None:
    model = fitted(result, seed, "784-400-20, 15 epochs", **SMALL)
    _, test = mnist()
    result.add("test ELBO, 784-400-20, 15 epochs", model.score(test.X), "nats", ">= -102", seed)
    result.add("active units of 20", model.active_units(test.X), "units", seed=seed)


def large(result: Result, seed: int) -> None:
    model = fitted(result, seed, "784-400-400-40, 100 epochs", **LARGE)
    _, test = mnist()
    result.add("test ELBO, 784-400-400-40, 100 epochs", model.score(test.X), "nats", seed=seed)
    nll = -model.log_likelihood(test.X, particles=500).mean()
    result.add("test NLL, 500 importance samples, 784-400-400-40, 100 epochs", float(nll), "nats", "<= 90", seed)


def iwae(result: Result, seed: int) -> None:
    """Equal nets, epochs, schedule and evaluation; only the bound that is trained on differs."""
    _, test = mnist()
    nll = {}
    for k in (1, 5):
        model = fitted(result, seed, f"particles={k}, {IWAE_EPOCHS} epochs", **LARGE | {"particles": k, "epochs": IWAE_EPOCHS})
        nll[k] = float(-model.log_likelihood(test.X, particles=500).mean())
        result.add(f"test NLL, 500 importance samples, particles={k}, {IWAE_EPOCHS} epochs", nll[k], "nats", seed=seed)
    result.add("gain of particles=5 over particles=1", nll[1] - nll[5], "nats", ">= 0.5", seed)


def ppca(result: Result, seed: int) -> None:
    """A VAE with linear encoder and decoder and one noise is probabilistic PCA (Tipping & Bishop 1999; Lucas et al. 2019)."""
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(52_000, 3)) @ (rng.normal(size=(3, 8)) * 2) + rng.normal(size=(52_000, 8)) + rng.normal(size=8)
    X, new = rows[:2000], rows[2000:]
    mean, std = X.mean(0), X.std(0)  # PPCA depends on the columns' scale: compare on the scale that the model sees
    exact = PCA(3).fit((X - mean) / std).score((new - mean) / std) - np.log(std).sum()
    fields: dict[str, Any] = {"latent_dim": 3, "hidden": (), "likelihood": "gaussian", "validation": 0.0, "batch_size": 500}
    model = VAE(random_state=seed, epochs=3000, learning_rate=1e-2, schedule="cosine", **fields).fit(X)
    result.add("exact PPCA log-likelihood of 50,000 new rows", float(exact), "nats", seed=seed)
    result.add("distance of the linear VAE's bound from it", abs(model.score(new) - exact), "nats", "<= 0.01", seed)
    gap = abs(float(model.log_likelihood(new, particles=500).mean()) - exact)
    result.add("distance of the linear VAE's likelihood (500 samples) from it", gap, "nats", "<= 0.01", seed)


RUNS = {"small": small, "large": large, "iwae": iwae, "ppca": ppca}


def main() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=RUNS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seeds = " ".join(map(str, options.seeds))
    result = Result(f"papers-vae-{options.which}", f"python -m benchmarks.papers.vae {options.which} --seeds {seeds}")
    began = time.perf_counter()
    for seed in options.seeds:
        RUNS[options.which](result, seed)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
