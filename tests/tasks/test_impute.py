"""Unknown values are filled in from the known ones, and those stay bit for bit."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import torch

from examples import images, mixed, small
from venero.core.errors import DataError, VeneroError
from venero.models.autoencoder import AutoEncoder
from venero.models.gaussian import Gaussian
from venero.models.vae import VAE
from venero.nn.observation import PACE
from venero.tasks.impute import impute

Digits = tuple[np.ndarray, np.ndarray]
pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse", "ignore:after")


def line(n: int = 1500, noise: float = 0.3) -> np.ndarray:
    """Two columns that tell of each other."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 1))
    return z * [2.0, 5.0] + noise * rng.normal(size=(n, 2)) * [2.0, 5.0] + [1.0, -4.0]


def principal(X: np.ndarray) -> tuple[torch.Tensor, float]:
    """Of standardised X: the first direction (2, 1) and variance along it, of probabilistic PCA; the rest is noise."""
    variances, directions = np.linalg.eigh(np.corrcoef(X.T))
    return torch.tensor(directions[:, 1:], dtype=torch.float32), float(variances[1])


@pytest.fixture(scope="module")
def probabilistic() -> VAE:
    """A VAE whose weights are those of probabilistic PCA (Tipping & Bishop 1999): q is the true posterior."""
    X = line()
    model = VAE(latent_dim=1, hidden=(), likelihood="gaussian", epochs=0, random_state=0).fit(X)
    direction, variance = principal(X)
    noise = 2 - variance  # of standardised columns
    loading = direction * (variance - noise) ** 0.5  # x = loading z + e
    net = model.net_
    with torch.no_grad():
        for layer in (linear(net.encoder), linear(net.decoder)):
            layer.weight.zero_()
            layer.bias.zero_()
        linear(net.decoder).weight.copy_(loading)
        linear(net.encoder).weight[0] = loading[:, 0] / variance
        linear(net.encoder).bias[1] = 0.5 * np.log(noise / variance)
        net.observation.paced_log_sigma.fill_(0.5 * np.log(noise) / PACE)
    return model


def linear(net: torch.nn.Module) -> torch.nn.Linear:
    return next(m for m in net.modules() if isinstance(m, torch.nn.Linear))


@pytest.fixture(scope="module")
def vae_of_digits(digits: Digits) -> VAE:
    return VAE(latent_dim=8, net="mlp", hidden=(64,), epochs=20, learning_rate=5e-3, random_state=0).fit(digits[0][:1300])


def test_a_model_that_completes_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    X = line()
    X[::3, 1] = np.nan
    model = Gaussian(random_state=0).fit(line())
    np.testing.assert_array_equal(impute(model, X), model.complete(X))


def test_iterated_reconstruction_finds_the_line() -> None:
    """With the weights of PCA: what reconstruction leaves unchanged lies on the first component."""
    X = line(noise=0.0)
    model = AutoEncoder(latent_dim=1, net="mlp", hidden=(), epochs=0, random_state=0).fit(X)
    direction, _ = principal(X)
    with torch.no_grad():
        for layer, weight in ((linear(model.net_.encoder), direction.T), (linear(model.net_.decoder), direction)):
            layer.weight.copy_(weight)
            layer.bias.zero_()
    holes = X.copy()
    holes[::2, 1] = np.nan
    done = impute(model, holes)
    np.testing.assert_allclose(done, X, atol=0.02 * X.std(0)[1])
    np.testing.assert_array_equal(done[~np.isnan(holes)], holes[~np.isnan(holes)])


def test_draws_have_the_conditional_mean_and_spread(probabilistic: VAE) -> None:
    """Multiple imputation: of a Gaussian pair the unknown one has mean and deviation in closed form."""
    values = np.array([-1.0, 1.0, 3.0])
    holes = np.column_stack([np.repeat(values, 400), np.full(1200, np.nan)])
    draws = np.stack(impute(probabilistic, holes, draws=2, random_state=0))[:, :, 1].reshape(2, 3, 400)
    covariance = np.cov(line().T, bias=True)
    slope = covariance[0, 1] / covariance[0, 0]
    deviation = np.sqrt(covariance[1, 1] - slope * covariance[0, 1])
    want = line()[:, 1].mean() + slope * (values - line()[:, 0].mean())
    np.testing.assert_allclose(draws.mean((0, 2)), want, atol=4 * deviation / 800**0.5)
    np.testing.assert_allclose(draws.std((0, 2)), deviation, rtol=0.1)


def test_draws_are_repeatable_and_differ(probabilistic: VAE) -> None:
    holes = line()[:20].copy()
    holes[:, 0] = np.nan
    a, b = impute(probabilistic, holes, draws=2, random_state=3)
    again = impute(probabilistic, holes, draws=2, random_state=3)
    np.testing.assert_array_equal(a, again[0])
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(a[:, 1], holes[:, 1])


def test_neighbours_tell_of_hidden_pixels(vae_of_digits: VAE, digits: Digits) -> None:
    X = digits[0][1300:1450]
    known = np.random.default_rng(0).random((8, 8)) < 0.75
    done = impute(vae_of_digits, X, known)
    np.testing.assert_array_equal(done[:, known], X[:, known])
    assert (done.dtype, done.shape) == (X.dtype, X.shape)
    error = lambda Y: float(((Y.astype(float) - X)[:, ~known] ** 2).mean())  # noqa: E731
    assert error(done) < 0.8 * error(np.broadcast_to(digits[0][:1300].mean(0), X.shape))


@pytest.mark.parametrize("name", ["vae", "autoencoder"])
def test_a_mixed_table_with_gaps_has_none_left(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[impute.__module__], "ROUNDS", 10)
    frame = mixed().set_index(np.arange(200) * 2)
    model = small(name).fit(frame)
    holes = frame.copy()
    holes.loc[::5, "city"] = np.nan
    results = [impute(model, holes), *(impute(model, holes, draws=2, random_state=0) if name == "vae" else [])]
    for done in results:
        assert not done.isna().any().any()
        assert (done.columns.tolist(), done.index.tolist()) == (holes.columns.tolist(), holes.index.tolist())
        pd.testing.assert_frame_equal(done.where(holes.notna()), holes, check_dtype=False)
        assert set(done["city"]) <= set(frame["city"])
        assert (done.dtypes == frame.dtypes).all()


def test_where_all_is_known_nothing_happens() -> None:
    X = images()
    np.testing.assert_array_equal(impute(small("vae").fit(X), X), X)


def test_what_can_not_be() -> None:
    X = images()
    with pytest.raises(VeneroError, match="can't draw an example anew"):
        impute(small("autoencoder").fit(X), X, draws=2)
    with pytest.raises(VeneroError, match="draws = 0: must be an integer >= 1"):
        impute(small("vae").fit(X), X, draws=0)
    with pytest.raises(DataError, match="known has shape"):
        impute(small("vae").fit(X), X, np.ones(3, bool))
    with pytest.raises(VeneroError, match="neither completes nor reconstructs"):
        impute(object(), X)
