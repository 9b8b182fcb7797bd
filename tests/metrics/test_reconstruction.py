"""PSNR and SSIM by their formulas, written out pixel by pixel, and under damage that grows."""

from __future__ import annotations

import numpy as np
import pytest

from venero.core.errors import DataError
from venero.metrics.reconstruction import psnr, ssim


def pictures(seed: int = 0, shape: tuple[int, ...] = (6, 14, 12)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def damaged(X: np.ndarray, noise: float) -> np.ndarray:
    return np.clip(X + noise * np.random.default_rng(1).normal(size=X.shape), 0, 1)


def window() -> np.ndarray:
    """Wang et al.'s 11 x 11 circular Gaussian of standard deviation 1.5, its sum 1."""
    side = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(side, side)
    return weights / weights.sum()


def structural_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """The paper's formula at every pixel of one grey image, its edges mirrored."""
    w, c1, c2, values = window(), 0.01**2, 0.03**2, []
    a, b = (np.pad(x, 5, mode="symmetric") for x in (a, b))
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            x, y = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mx, my = (w * x).sum(), (w * y).sum()
            vx, vy, both = (w * (x - mx) ** 2).sum(), (w * (y - my) ** 2).sum(), (w * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + c1) * (2 * both + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(values))


def test_ssim_is_the_papers_formula() -> None:
    X = pictures()
    back = damaged(X, 0.2)
    expected = [structural_similarity(a, b) for a, b in zip(X, back, strict=True)]
    np.testing.assert_allclose(ssim(X, back), expected, rtol=1e-10)


def test_ssim_of_colours_is_the_mean_of_the_channels() -> None:
    X = pictures(shape=(4, 14, 12, 3))
    back = damaged(X, 0.2)
    np.testing.assert_allclose(ssim(X, back), np.mean([ssim(X[..., c], back[..., c]) for c in range(3)], axis=0))


def test_ssim_is_symmetric_and_one_for_equals_alone() -> None:
    X, back = pictures(), pictures(2)
    np.testing.assert_allclose(ssim(X, X), 1)
    np.testing.assert_allclose(ssim(X, back), ssim(back, X))
    assert (np.abs(ssim(X, back)) < 0.2).all(), "of pictures that have nothing to do with each other"


def test_psnr_is_ten_log_of_the_inverse_squared_error_of_each_image() -> None:
    X = pictures()
    back = damaged(X, 0.1)
    expected = [10 * np.log10(1 / ((a - b) ** 2).mean()) for a, b in zip(X, back, strict=True)]
    np.testing.assert_allclose(psnr(X, back), expected)
    assert (psnr(X, X) == 100).all()


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_more_noise_is_worse(measure) -> None:
    X = pictures()
    falling = [measure(X, damaged(X, noise)).mean() for noise in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)]
    assert (np.diff(falling) < 0).all()


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_bytes_and_floats_of_the_same_image_are_the_same(measure) -> None:
    X = (255 * pictures()).astype(np.uint8)
    back = (255 * damaged(pictures(), 0.1)).astype(np.uint8)
    np.testing.assert_allclose(measure(X, back), measure(X / 255, back / 255), rtol=1e-6)


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize("shape", [(6, 14, 11), (6, 168)])
def test_other_shapes_are_told(measure, shape) -> None:
    with pytest.raises(DataError, match="must be equal"):
        measure(pictures(), np.zeros(shape))
