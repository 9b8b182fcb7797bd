"""A small fit that another process kills: python killed.py FOLDER MODEL."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import torch


def main() -> None:
    from venero.models.autoencoder import AutoEncoder
    from venero.models.gaussian import Gaussian
    from venero.models.latent import LatentModel
    from venero.models.vae import VAE
    from venero.train.run import Run

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    fields = {
        "latent_dim": 3,
        "hidden": (64,),
        "batch_size": 16,
        "random_state": 0,
        "ema": 0.9,
        "patience": 20,
        "schedule": "cosine",
    }
    models = {
        "vae": VAE(epochs=25, **fields),
        "two stages": LatentModel(
            first=AutoEncoder(epochs=12, **fields), prior=VAE(epochs=12, **fields | {"latent_dim": 2}), random_state=0
        ),
        "em": Gaussian(max_iter=400, tol=0.0, random_state=0),
    }
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 10)) + 0.1 * rng.normal(size=(400, 10))
    model = models[sys.argv[2]]
    model.fit(X, run=Run(folder=sys.argv[1], resume=True, checkpoint_seconds=0))
    model.save(sys.argv[1])


if __name__ == "__main__":
    main()
