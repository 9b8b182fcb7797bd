"""A fit that torchrun starts twice: torchrun ... parallel.py FOLDER ROWS MODEL. The first process saves the model."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch


def main() -> None:
    from venero.models.autoencoder import AutoEncoder
    from venero.models.gaussian import Gaussian
    from venero.models.gmm import GMM
    from venero.train.distributed import group
    from venero.train.run import Run

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    fields = {"latent_dim": 3, "hidden": (32,), "batch_size": 16, "random_state": 0, "ema": 0.9, "clip": 1.0, "patience": 9}
    models = {"gradient": AutoEncoder(epochs=10, optimizer="sgd", **fields), "em": Gaussian(random_state=0)}
    models["gmm"] = GMM(n_components=3, n_init=2, max_iter=20, tol=0, random_state=0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 10)) + 0.1 * rng.normal(size=(rows, 10))
    model = models[sys.argv[3]].fit(X, run=Run(folder=folder, checkpoint_seconds=0.05))
    if group().first:
        model.save(folder)


if __name__ == "__main__":
    main()
