"""Examples per second side by side: venero, pythae and a bare PyTorch loop train the same MLP VAE on MNIST, batch 128, on CPU.

    pip install 'venero[bench]'; python -m benchmarks.pythae

The net is pythae's own default, 784-512-16 with a Bernoulli likelihood, and all see the same bits (grey levels of at least one
half), so that all do the same sums. One process, turns taken, medians of the ratios within each turn.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.harness import Result, mnist
from venero.models.vae import VAE

HIDDEN, LATENT, BATCH = 512, 16, 128


def venero(X: np.ndarray, epochs: int) -> float:
    fields: dict[str, Any] = {
        "net": "mlp",
        "likelihood": "bernoulli",
        "hidden": (HIDDEN,),
        "latent_dim": LATENT,
        "batch_size": BATCH,
    }
    return VAE(epochs=epochs, validation=0.0, random_state=0, **fields).fit(X).fit_seconds_


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 784))


def bare(X: np.ndarray, epochs: int, fused: bool) -> float:
    """The loop that one writes by hand: no estimator, no log, no checkpoint."""
    torch.manual_seed(0)
    net = Bare()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=fused)
    x = torch.from_numpy(X.reshape(len(X), -1)).float()
    began = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            b = x[order[start : start + BATCH]]
            mu, log_sigma = net.encoder(b).chunk(2, 1)
            z = mu + log_sigma.exp() * torch.randn_like(mu)
            nll = F.binary_cross_entropy_with_logits(net.decoder(z), b, reduction="sum")
            kl = (0.5 * (mu**2 + (2 * log_sigma).exp() - 1) - log_sigma).sum()
            optimizer.zero_grad()
            ((nll + kl) / len(b)).backward()
            optimizer.step()
    return time.perf_counter() - began


def pythae(X: np.ndarray, epochs: int) -> float:
    """Its own trainer on its default nets and data path, as its users have it; start-up and saving left out."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as Theirs
    from pythae.models import VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    torch.manual_seed(0)
    x = torch.from_numpy(X[:, None]).float()
    model = Theirs(VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT, reconstruction_loss="bce"))
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=epochs, learning_rate=1e-3, per_device_train_batch_size=BATCH, no_cuda=True
        )
        trainer = BaseTrainer(model=model, train_dataset=BaseDataset(x, torch.zeros(len(x))), training_config=config)
        trainer.prepare_training()
        began = time.perf_counter()
        for epoch in range(1, epochs + 1):
            trainer.train_step(epoch)
        return time.perf_counter() - began


def main() -> None:
    logging.disable(logging.INFO)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    X = (mnist()[0].X[: options.rows] >= 128).astype(np.uint8)
    result = Result("pythae", f"python -m benchmarks.pythae --threads {options.threads}")
    began = time.perf_counter()
    racers = {
        "venero": lambda n: venero(X, n),
        "bare loop": lambda n: bare(X, n, fused=False),
        "bare loop, fused Adam": lambda n: bare(X, n, fused=True),
        "pythae": lambda n: pythae(X, n),
    }
    times: dict[str, list[float]] = {name: [] for name in racers}
    for turn in range(options.turns + 1):
        for name, race in racers.items():
            seconds = race(options.epochs)
            if turn:  # the first turn warms up
                times[name].append(seconds)
    for name, seconds in times.items():
        result.add(f"{name}, examples per second", options.rows * options.epochs / median(seconds), "1/s")
    ratio = lambda a: median(t / v for t, v in zip(times[a], times["venero"], strict=True))  # noqa: E731
    result.add("venero's speed over pythae's", ratio("pythae"), "times", ">= 1.5", note="stretch 1.7")
    result.add("venero's time over the bare loop's", 1 / ratio("bare loop"), "times", "<= 1.1")
    result.add("venero's time over the bare loop's with fused Adam", 1 / ratio("bare loop, fused Adam"), "times", "<= 1.1")
    result.seconds = time.perf_counter() - began
    result.save()


if __name__ == "__main__":
    main()
