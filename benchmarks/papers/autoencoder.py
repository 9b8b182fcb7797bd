"""Deep auto-encoders on MNIST against PCA: squared error per test image (Hinton & Salakhutdinov 2006).

python -m benchmarks.papers.autoencoder code30 --seeds 0
python -m benchmarks.papers.autoencoder code2 --seeds 0
"""

from __future__ import annotations

import argparse
import logging
import time
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Result, mnist
from venero.models.autoencoder import AutoEncoder
from venero.train.run import Run

FIT: dict[str, Any] = {"net": "mlp", "validation": 0.0, "schedule": "cosine", "batch_size": 128, "activation": "silu"}
RUNS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "code30": (30, "<= 4.5", {"hidden": (1000, 500, 250), "epochs": 30, "learning_rate": 2e-3}),
    "code2": (2, "<= 32", {"hidden": (1000, 500, 250), "epochs": 20}),
}


def pca_error(train: np.ndarray, test: np.ndarray, dims: int) -> float:
    """Squared error per image of PCA with that many components, pixels in 0..1."""
    from sklearn.decomposition import PCA

    flat = lambda X: X.reshape(len(X), -1) / 255.0  # noqa: E731
    pca = PCA(dims, svd_solver="covariance_eigh").fit(flat(train))
    return float(((pca.inverse_transform(pca.transform(flat(test))) - flat(test)) ** 2).sum(1).mean())


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=RUNS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    dims, gate, fields = RUNS[options.which]
    seeds = " ".join(map(str, options.seeds))
    result = Result(
        f"papers-autoencoder-{options.which}", f"python -m benchmarks.papers.autoencoder {options.which} --seeds {seeds}"
    )
    began = time.perf_counter()
    train, test = mnist()
    result.add(f"PCA-{dims}, test squared error per image", pca_error(train.X, test.X, dims), "")
    for seed in options.seeds:
        model = AutoEncoder(latent_dim=dims, random_state=seed, **FIT, **fields).fit(train.X, run=Run(progress="lines"))
        result.add(f"fit, {fields['epochs']} epochs", model.fit_seconds_, "s", seed=seed)
        result.add(f"AE-{dims}, test squared error per image", float(model.reconstruction_error(test.X).mean()), "", gate, seed)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
