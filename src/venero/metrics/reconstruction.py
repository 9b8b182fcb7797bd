"""How near images come to what they are meant to be: PSNR, and SSIM (Wang, Bovik, Sheikh & Simoncelli 2004)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from venero.core.errors import DataError

Floats = NDArray[np.float64]

SIGMA, RADIUS = 1.5, 5  # of SSIM's window: 11 x 11 pixels
K1, K2 = 0.01, 0.03
EXACT = 1e-10  # squared error below which images count as equal: PSNR ends at 100 dB


def psnr(real: Any, images: Any) -> Floats:
    """Peak signal-to-noise ratio of each of (n, H, W[, C]) images in decibels, (n,); equal ones have 100.

    >>> psnr(np.zeros((1, 2, 2)), np.full((1, 2, 2), 0.1)).round(6).tolist()
    [20.0]
    """
    a, b = _pair(real, images)
    error = ((a - b) ** 2).mean(axis=(1, 2, 3))
    return np.asarray(-10 * np.log10(np.maximum(error, EXACT)))


def ssim(real: Any, images: Any) -> Floats:
    """Structural similarity of each of (n, H, W[, C]) images, (n,): 1 where equal; channels averaged.

    A Gaussian window of 1.5 pixels over 11, mirrored at the edges, and population variances, as in the paper's formula (13).
    """
    a, b = _pair(real, images)
    mean_a, mean_b = _window(a), _window(b)
    var_a, var_b = _window(a * a) - mean_a**2, _window(b * b) - mean_b**2
    both = _window(a * b) - mean_a * mean_b
    c1, c2 = K1**2, K2**2  # of a range of 1
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return np.asarray((light * (2 * both + c2) / (var_a + var_b + c2)).mean(axis=(1, 2, 3)))


def _window(x: Floats) -> Floats:
    """Weighted local means of (n, H, W, C) over the two axes of an image."""
    return np.asarray(gaussian_filter(x, (0, SIGMA, SIGMA, 0), radius=(0, RADIUS, RADIUS, 0)))


def _pair(real: Any, images: Any) -> tuple[Floats, Floats]:
    """Both as (n, H, W, C) on 0..1."""
    if np.shape(real) != np.shape(images) or np.ndim(real) not in (3, 4):
        raise DataError(f"images of shapes {np.shape(real)} and {np.shape(images)}: must be equal, (n, H, W) or (n, H, W, C)")
    a, b = (np.asarray(x, dtype=np.float64) / (255 if np.asarray(x).dtype == np.uint8 else 1) for x in (real, images))
    return (a, b) if a.ndim == 4 else (a[..., None], b[..., None])
