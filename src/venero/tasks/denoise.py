"""Noise taken out of examples by any model that reconstructs.

A denoising auto-encoder trained with Gaussian noise of standard deviation s points to where the data are: r(x) - x is s^2 times
the score of the noisy density (Alain & Bengio 2014). Noise of another standard deviation is therefore taken out by a step of
another length, x + (noise / s)^2 (r(x) - x) (Tweedie's formula), which for noise >= s is the reconstruction itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import convolve, uniform_filter
from scipy.special import ndtr, ndtri

from venero.core.errors import DataError, VeneroError, shown
from venero.core.params import accepts

LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)  # a difference of two, which sees no edges
MEDIAN = float(ndtri(0.75))  # of |N(0, 1)|
AROUND = 5  # pixels: the square in which the share of clipped ones is taken


def denoise(model: Any, X: Any, noise: float | None = None) -> Any:
    """X without its noise, in X's own form: (n, ...) -> (n, ...).

    noise: its standard deviation (0..1 for images, the column's own scale is 1 for tables); None estimates it from X, and with
    0 there is nothing to take out. A model trained on Gaussian corruption moves images as far as that noise asks; other models
    give their reconstruction.
    """
    if not hasattr(model, "reconstruct"):
        raise VeneroError(f"{type(model).__name__} can't denoise: it does not reconstruct")
    if noise is not None and not (accepts(noise, float) and noise >= 0):
        raise VeneroError(f"noise = {shown(noise)}: a standard deviation, must be a number >= 0, or None to estimate it")
    restored = model.reconstruct(X)
    learned = trained_noise(model)
    if noise == 0:
        return X
    if learned is None or not _is_image(X):
        return restored
    level = estimate_noise(X) if noise is None else noise
    return _step(np.asarray(X), restored, min(1.0, (level / learned) ** 2))


def trained_noise(model: Any) -> float | None:
    """Standard deviation of the Gaussian noise that the model learned to take out; None for other models."""
    if getattr(model, "corruption", None) != "gaussian" or not model.corruption_level > 0:
        return None
    return float(model.corruption_level)


def estimate_noise(X: Any) -> float:
    """Standard deviation of white noise in images (n, H, W) or (n, H, W, C), on the scale 0..1, before it was clipped to that.

    Immerkaer's filter (1996), whose responses are noise where images are smooth; their median, since strokes and edges are the
    fewer places; and an allowance for pixels that lie at 0 or 1, where half of the noise was cut off. Where nearly all pixels
    belong to strokes, as in images of 8x8, strokes are taken for noise.
    """
    x = _unit(X)
    if not _is_image(X) or min(x.shape[1:3]) < 3:
        raise DataError(f"noise can't be estimated from data of shape {np.shape(X)}: give noise=, its standard deviation")
    pixels = x.reshape(*x.shape[:3], -1).transpose(0, 3, 1, 2).reshape(-1, *x.shape[1:3])  # (n * C, H, W)
    inner = np.s_[:, 1:-1, 1:-1]
    response = np.abs(convolve(pixels, LAPLACIANS[None], mode="nearest"))[inner]
    clipped = uniform_filter(((pixels == 0) | (pixels == 1)).astype(np.float64), (0, AROUND, AROUND), mode="nearest")[inner]
    return float(np.median(response / _left_by_clipping(clipped)) / MEDIAN / np.linalg.norm(LAPLACIANS))


def _left_by_clipping(share: np.ndarray) -> np.ndarray:
    """Standard deviation of max(a + n, 0), n ~ N(0, 1), with a >= 0 such that this share is 0: 1 for none, 0.58 for half."""
    a = -ndtri(np.clip(share, 1e-9, 0.5))
    density, above = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi), ndtr(a)
    mean = a * above + density
    left: np.ndarray = np.sqrt((a**2 + 1) * above + a * density - mean**2)
    return left


def _is_image(X: Any) -> bool:
    return np.ndim(X) >= 3


def _unit(X: Any) -> np.ndarray:
    """Images on the scale 0..1; uint8 that hold only 0 and 1 are on it already."""
    x = np.asarray(X)
    return x / 255 if x.dtype == np.uint8 and x.max(initial=0) > 1 else x.astype(np.float64)


def _step(x: np.ndarray, restored: np.ndarray, length: float) -> np.ndarray:
    """The share `length` of the way from x to restored, as x has it."""
    moved = (1 - length) * x.astype(np.float64) + length * restored.astype(np.float64)
    return (moved if x.dtype.kind == "f" else np.rint(moved)).astype(x.dtype)
