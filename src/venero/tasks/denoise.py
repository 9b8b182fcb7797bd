"""Noise taken out of examples by any model that reconstructs.

A denoising auto-encoder trained with Gaussian noise of standard deviation s points to where the data are: r(x) - x is s^2 times
the score of the noisy density (Alain & Bengio 2014). Noise of another standard deviation is therefore taken out by a step of
another length, x + (noise / s)^2 (r(x) - x) (Tweedie's formula), which for noise >= s is the reconstruction itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import convolve

from venero.core.errors import DataError, VeneroError


def denoise(model: Any, X: Any, noise: float | None = None) -> Any:
    """X without its noise, in X's own form: (n, ...) -> (n, ...).

    noise: its standard deviation (0..1 for images, the column's own scale is 1 for tables); None estimates it from X.
    A model trained on Gaussian corruption moves as far as that noise asks; other models give their reconstruction.
    """
    if not hasattr(model, "reconstruct"):
        raise VeneroError(f"{type(model).__name__} can't denoise: it does not reconstruct")
    restored = model.reconstruct(X)
    learned = trained_noise(model)
    if learned is None or not _is_image(X):
        return restored
    level = estimate_noise(X) if noise is None else float(noise)
    if not level >= 0:
        raise VeneroError(f"noise = {noise!r}: a standard deviation, must be >= 0")
    return _step(np.asarray(X), restored, min(1.0, (level / learned) ** 2))


def trained_noise(model: Any) -> float | None:
    """Standard deviation of the Gaussian noise that the model learned to take out; None for other models."""
    if getattr(model, "corruption", None) != "gaussian" or not model.corruption_level > 0:
        return None
    return float(model.corruption_level)


def estimate_noise(X: Any) -> float:
    """Standard deviation of white noise in images (n, H, W) or (n, H, W, C), on the scale 0..1.

    The mean over images of Immerkaer's estimate (1996): a difference of two Laplacians sees no edges, only noise.
    """
    x = _unit(X)
    if not _is_image(X) or min(x.shape[1:3]) < 3:
        raise DataError(f"noise can't be estimated from data of shape {np.shape(X)}: give noise=, its standard deviation")
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)
    channels = x.reshape(*x.shape[:3], -1).transpose(0, 3, 1, 2).reshape(-1, *x.shape[1:3])  # (n * C, H, W)
    response = convolve(channels, kernel[None], mode="nearest")[:, 1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(response).mean())


def _is_image(X: Any) -> bool:
    return np.ndim(X) >= 3


def _unit(X: Any) -> np.ndarray:
    x = np.asarray(X)
    return x / 255 if x.dtype == np.uint8 else x.astype(np.float64)


def _step(x: np.ndarray, restored: np.ndarray, length: float) -> np.ndarray:
    moved = x + length * (restored.astype(np.float64) - x)
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8) if x.dtype == np.uint8 else moved.astype(x.dtype)
