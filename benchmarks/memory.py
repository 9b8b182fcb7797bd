"""Resident memory while a VAE trains from a memory-mapped .npy of 4 GB, on top of what the libraries take.

python -m benchmarks.memory
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import torch

from benchmarks.harness import Result

ROWS, SIDE = 1_024_000, 64  # 1,024,000 x 64 x 64 bytes = 4.2 GB
MINUTES = 1.0  # of training: rows are taken in random order from all of the file


class Watch(threading.Thread):
    """The highest resident memory of this process, looked at fifty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.done = psutil.Process(), 0, False

    def run(self) -> None:
        while not self.done:
            self.peak = max(self.peak, self.process.memory_info().rss)
            time.sleep(0.02)


def write(path: Path) -> None:
    """Blurred noise, a block at a time."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", np.uint8, (ROWS, SIDE, SIDE))
    for start in range(0, ROWS, 16_000):
        block = rng.integers(0, 256, (16_000, SIDE // 8, SIDE // 8), dtype=np.uint8)
        X[start : start + 16_000] = block.repeat(8, 1).repeat(8, 2)
    X.flush()


def main() -> None:
    from venero.data.sources import dataset
    from venero.models.vae import VAE
    from venero.train.run import Run

    torch.set_num_threads(2)
    result = Result("memory", "python -m benchmarks.memory")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.npy"
        write(path)
        result.add("size of the file", path.stat().st_size / 1e9, "GB")
        warm = VAE(likelihood="bernoulli", net="mlp", hidden=(32,), epochs=1, random_state=0, beta=0.0)
        warm.fit(np.random.default_rng(0).integers(0, 256, (256, SIDE, SIDE), dtype=np.uint8))  # the libraries are loaded now
        before = psutil.Process().memory_info().rss
        train, test = dataset(path).split()
        watch = Watch()
        watch.start()
        model = VAE(likelihood="bernoulli", net="mlp", hidden=(32,), latent_dim=8, epochs=1, batch_size=256, random_state=0)
        model.fit(train.X, run=Run(minutes=MINUTES))
        model.score_samples(test.X[:2000])
        watch.done = True
        watch.join()
        result.add("rows trained on", len(train), "rows")
        result.add("resident memory on top of the libraries, peak", (watch.peak - before) / 1e9, "GB", "<= 1")
        result.add("rows that training read", model.history_[-1]["step"] * 256, "rows")
    result.save()


if __name__ == "__main__":
    main()
