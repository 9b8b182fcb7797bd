"""Denoising auto-encoders on MNIST against filters and PCA: PSNR of what is restored (Vincent et al. 2008).

python -m benchmarks.papers.denoising --seeds 0 1 2

Test images are damaged as 8-bit images are: Gaussian noise of 0.3 is clipped to 0..255. Each rival has its parameter tuned on
damaged training images, and where pixels are masked also a gain that makes up for those that are gone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, median_filter
from sklearn.decomposition import PCA

from benchmarks.harness import Result, mnist
from venero.metrics.intervals import mean
from venero.models.autoencoder import AutoEncoder

Images = np.ndarray
Restore = Callable[[Images, float], Images]
FIT = {"net": "mlp", "hidden": (1000,), "latent_dim": 200, "activation": "silu", "schedule": "cosine", "validation": 0.0}
TUNED_ON = 5000  # training images
PARAMETERS = {
    "median filter": (1, 2, 3, 4, 5),
    "Gaussian filter": (0.3, 0.5, 0.7, 0.9, 1.1),
    "PCA": (20, 40, 60, 80, 120, 200, 300),
}


def noise(x: Images, rng: np.random.Generator) -> Images:
    return x + 0.3 * rng.normal(size=x.shape)


def masking(x: Images, rng: np.random.Generator) -> Images:
    return x * (rng.random(x.shape) >= 0.25)


DAMAGES = {"gaussian": (0.3, noise, (1.0,)), "masking": (0.25, masking, (1.0, 1.1, 1.2, 1.33))}


def eight_bit(x: Images) -> Images:
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def psnr(clean: Images, restored: Images) -> np.ndarray:
    """Decibels of each image, on the scale 0..1: (n, H, W), (n, H, W) -> (n,)."""
    return -10 * np.log10(((restored.clip(0, 1) - clean) ** 2).mean((1, 2)))


def rivals(clean: Images) -> dict[str, Restore]:
    """Each takes damaged images 0..1 and its parameter."""
    pca = PCA(max(PARAMETERS["PCA"]), svd_solver="covariance_eigh").fit(clean.reshape(len(clean), -1))

    def project(x: Images, k: float) -> Images:
        kept = pca.components_[: int(k)]
        return ((x.reshape(len(x), -1) - pca.mean_) @ kept.T @ kept + pca.mean_).reshape(x.shape)

    return {
        "median filter": lambda x, size: median_filter(x, (1, int(size), int(size))),
        "Gaussian filter": lambda x, sigma: gaussian_filter(x, (0, sigma, sigma)),
        "PCA": project,
    }


def tuned(name: str, restore: Restore, clean: Images, damaged: Images, gains: tuple[float, ...]) -> tuple[float, float]:
    """The parameter and gain of the highest PSNR."""
    return max(product(PARAMETERS[name], gains), key=lambda p: psnr(clean, restore(damaged * p[1], p[0])).mean())


def measure(result: Result, damage: str, seeds: list[int], epochs: int, train: Images, test: Images) -> None:
    level, damaging, gains = DAMAGES[damage]
    clean, known = test / 255.0, train[:TUNED_ON] / 255.0
    damaged, damaged_known = (eight_bit(damaging(x, np.random.default_rng(i))) for i, x in enumerate((clean, known)))
    result.add(f"{damage}: damaged image", float(psnr(clean, damaged / 255.0).mean()), "dB")
    found = {}
    for name, restore in rivals(train / 255.0).items():
        size, gain = tuned(name, restore, known, damaged_known / 255.0, gains)
        found[name] = psnr(clean, restore(damaged / 255.0 * gain, size))
        result.add(f"{damage}: {name}", float(found[name].mean()), "dB", note=f"parameter {size:g}, gain {gain:g}")
    best = max(found, key=lambda name: found[name].mean())
    for seed in seeds:
        model = AutoEncoder(corruption=damage, corruption_level=level, epochs=epochs, random_state=seed, **FIT).fit(train)
        restored = psnr(clean, model.reconstruct(damaged) / 255.0)
        result.add(f"{damage}: fit, {epochs} epochs", model.fit_seconds_, "s", seed=seed)
        result.add(f"{damage}: denoising auto-encoder", float(restored.mean()), "dB", seed=seed)
        gain_db = mean(restored - found[best])
        result.add(f"{damage}: gain over the {best}", gain_db.value, "dB", ">= 2", seed, note=str(gain_db))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = Result("papers-denoising", f"python -m benchmarks.papers.denoising --seeds {' '.join(map(str, options.seeds))}")
    began = time.perf_counter()
    train, test = mnist()
    for damage in DAMAGES:
        measure(result, damage, options.seeds, options.epochs, train.X, test.X)
        result.seconds = time.perf_counter() - began
        result.save()


if __name__ == "__main__":
    main()
