"""Denoising: the noise is measured rightly, and taken out."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.base import clone

from examples import images, numbers, small
from venero.core.errors import DataError, VeneroError
from venero.models.autoencoder import AutoEncoder
from venero.tasks.denoise import denoise, estimate_noise, trained_noise

LEVEL = 0.25
Digits = tuple[np.ndarray, np.ndarray]


def noisy(x: np.ndarray, level: float, clip: bool = True) -> np.ndarray:
    """Images 0..1 with white noise: as 8-bit images have it, or as it comes."""
    y = x + level * np.random.default_rng(1).normal(size=x.shape)
    return np.rint(255 * y.clip(0, 1)).astype(np.uint8) if clip else y


def smooth(shape: tuple[int, ...] = (20, 40, 36)) -> np.ndarray:
    """Images without fine detail, from 0.25 to 0.75."""
    x = np.random.default_rng(0).random(shape)
    x = gaussian_filter(x, (0, 4, 4, 0)[: len(shape)])
    return 0.25 + 0.5 * (x - x.min()) / (x.max() - x.min())


@pytest.fixture(scope="module")
def cleaner(digits: Digits) -> AutoEncoder:
    """An auto-encoder that learned to take Gaussian noise of 0.25 out of digits."""
    fields: dict[str, Any] = {
        "latent_dim": 32,
        "net": "mlp",
        "hidden": (128,),
        "epochs": 40,
        "batch_size": 64,
        "learning_rate": 3e-3,
    }
    return AutoEncoder(corruption="gaussian", corruption_level=LEVEL, random_state=0, **fields).fit(digits[0][:1300])


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("shape", [(20, 40, 36), (10, 31, 45, 3)])
def test_the_noise_of_smooth_images_is_measured(shape: tuple[int, ...], clip: bool, level: float) -> None:
    assert estimate_noise(noisy(smooth(shape), level, clip)) == pytest.approx(level, rel=0.15)


def test_images_without_noise_have_none() -> None:
    assert estimate_noise(smooth()) < 0.002
    assert estimate_noise(np.zeros((2, 9, 9))) == 0
    assert estimate_noise(np.full((2, 9, 9), 200, np.uint8)) == 0
    ramp = np.add.outer(np.linspace(0, 0.4, 20), np.linspace(0, 0.5, 30))[None]
    assert estimate_noise(ramp) == pytest.approx(0, abs=1e-9)  # Laplacians see no slopes


@pytest.mark.parametrize("level", [0.1, 0.25, 0.4])
@pytest.mark.parametrize("clip", [False, True])
def test_the_noise_of_real_digits_is_measured(clip: bool, level: float, real_data: Path) -> None:
    """Black paper clips half of the noise at 0; strokes are edges. Neither may mislead."""
    with gzip.open(real_data / "mnist" / "t10k-images-idx3-ubyte.gz") as f:
        X = np.frombuffer(f.read(300 * 784 + 16), np.uint8, offset=16).reshape(-1, 28, 28)
    assert estimate_noise(X) < 0.02
    assert estimate_noise(noisy(X / 255, level, clip)) == pytest.approx(level, rel=0.15)


def test_noise_goes_and_the_digits_stay(cleaner: AutoEncoder, digits: Digits) -> None:
    clean = digits[0][1300:] / 255
    damaged = noisy(clean, LEVEL)
    restored = denoise(cleaner, damaged)
    assert (restored.dtype, restored.shape) == (np.uint8, damaged.shape)
    error = lambda X: float(((X / 255 - clean) ** 2).sum((1, 2)).mean())  # noqa: E731
    assert error(restored) < 0.6 * error(damaged)
    assert error(denoise(cleaner, damaged, noise=LEVEL)) < 0.6 * error(damaged)
    plain = clone(cleaner).set_params(corruption="none").fit(digits[0][:1300])
    assert error(restored) < 0.8 * error(denoise(plain, damaged))


def test_less_noise_is_a_shorter_step(cleaner: AutoEncoder, digits: Digits) -> None:
    """Tweedie's formula: x + (noise / s)^2 (r(x) - x), where s is what the model learned on."""
    X = digits[0][1300:1320]
    restored = cleaner.reconstruct(X).astype(float)
    for noise in (LEVEL / 2, LEVEL):
        want = X + (noise / LEVEL) ** 2 * (restored - X)
        np.testing.assert_allclose(denoise(cleaner, X, noise=noise), want, atol=0.51)  # rounded to grey levels
    np.testing.assert_array_equal(denoise(cleaner, X, noise=9.0), restored)  # never further than the reconstruction
    faint = noisy(X / 255, LEVEL / 4)
    assert (
        np.abs(denoise(cleaner, faint, noise=LEVEL / 4) - X.astype(float)).mean()
        < np.abs(cleaner.reconstruct(faint) - X.astype(float)).mean()
    )


def test_no_noise_is_the_input(cleaner: AutoEncoder, digits: Digits) -> None:
    np.testing.assert_array_equal(denoise(cleaner, digits[0][:5], noise=0), digits[0][:5])
    np.testing.assert_array_equal(denoise(small("autoencoder").fit(digits[0]), digits[0][:5], noise=0.0), digits[0][:5])


def test_images_keep_their_form() -> None:
    forms = {
        "uint8": images(),
        "float32": (images() / 255).astype(np.float32),
        "float64": images() / 255,
        "bool": images() > 127,
    }
    for dtype, X in forms.items():
        model = small("autoencoder", corruption="gaussian", corruption_level=LEVEL).fit(X)
        for noise in (None, 0.0, 0.2, 1.0):
            out = denoise(model, X[:4], noise=noise)
            assert (out.dtype, out.shape) == (np.dtype(dtype), X[:4].shape)
            assert 0 <= out.min() <= out.max() <= (255 if dtype == "uint8" else 1)
        if dtype == "bool":
            assert (denoise(model, X[:4], noise=LEVEL / 2) == X[:4]).all()  # a quarter of the way turns no bit over


def test_other_models_and_tables_give_their_reconstruction() -> None:
    X = numbers()
    model = small("autoencoder", corruption="gaussian", corruption_level=0.1).fit(X)
    np.testing.assert_array_equal(denoise(model, X), model.reconstruct(X))
    plain = small("autoencoder").fit(images())
    np.testing.assert_array_equal(denoise(plain, images()), plain.reconstruct(images()))


def test_which_models_learned_on_noise() -> None:
    assert trained_noise(small("autoencoder", corruption="gaussian", corruption_level=0.3)) == 0.3
    assert trained_noise(small("autoencoder", corruption="gaussian", corruption_level=0.0)) is None
    assert trained_noise(small("autoencoder", corruption="masking")) is None
    assert trained_noise(small("vae")) is None


def test_what_can_not_be() -> None:
    model = small("autoencoder").fit(images())
    for noise in (-0.1, float("nan"), "much"):
        with pytest.raises(VeneroError, match=r"^noise = .*: a standard deviation, must be a number >= 0") as e:
            denoise(model, images(), noise=noise)
        assert "\n" not in str(e.value)
    with pytest.raises(VeneroError, match="Gaussian can't denoise"):
        denoise(small("gaussian").fit(numbers()), numbers())
    for X in (numbers(), np.zeros((3, 2, 9))):
        with pytest.raises(DataError, match="give noise=, its standard deviation"):
            estimate_noise(X)
