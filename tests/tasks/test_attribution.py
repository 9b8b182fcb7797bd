"""Maps of what is unusual: terms of a score in their own places, which sum to it and point at what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from examples import images, mixed, numbers, small
from venero.core.errors import VeneroError
from venero.tasks.attribution import anomaly_map

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")


@pytest.mark.parametrize("name", ["autoencoder", "vae", "latent"])
def test_maps_of_reconstructions_sum_to_the_error(name: str) -> None:
    for X in (images(), numbers(), mixed(), np.repeat(images()[..., None], 3, axis=-1)):
        model = small(name).fit(X)
        terms = anomaly_map(model, X)
        assert terms.shape == X.shape
        sums = np.asarray(terms).reshape(len(X), -1).sum(1)
        np.testing.assert_allclose(sums, model.reconstruction_error(X), rtol=1e-4, atol=1e-4)


def test_maps_of_log_probabilities_sum_to_the_reconstruction_probability() -> None:
    for X in (images(), mixed(), numbers()):
        model = small("vae").fit(X)
        sums = np.asarray(anomaly_map(model, X, "likelihood")).reshape(len(X), -1).sum(1)
        np.testing.assert_allclose(sums, -model.reconstruction_log_prob(X), rtol=1e-4, atol=1e-4)


def test_a_gaussians_map_is_each_column_given_the_others() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3))
    model = small("gaussian", ridge=1e-12).fit(X)
    mean, covariance, x = X.mean(0), np.cov(X.T, bias=True), X[7]
    for j in range(3):
        rest = [i for i in range(3) if i != j]
        joint = multivariate_normal(mean, covariance).logpdf(x)
        others = multivariate_normal(mean[rest], covariance[np.ix_(rest, rest)]).logpdf(x[rest])
        in_network = joint - others + np.log(X[:, j].std())  # standard deviations
        assert -anomaly_map(model, X[7:8])[0, j] == pytest.approx(in_network, abs=1e-4)


def test_a_frame_keeps_its_columns_and_the_odd_cell_stands_out() -> None:
    rng = np.random.default_rng(0)
    place = rng.integers(0, 2, 400)
    frame = pd.DataFrame({"height": 10.0 * place + 0.1 * rng.normal(size=400), "place": np.where(place, "up", "down")})
    frame.index = frame.index + 5
    model = small("vae", epochs=80, learning_rate=1e-2, latent_dim=1).fit(frame)
    terms = anomaly_map(model, frame.iloc[:9])
    assert list(terms.columns) == ["height", "place"]
    assert (terms.index == frame.index[:9]).all()
    odd = pd.DataFrame({"height": [5.0, 10.0], "place": ["up", "up"]})
    assert anomaly_map(model, odd)["height"].diff()[1] < 0


def test_a_planted_pixel_is_found() -> None:
    X = images()
    model = small("autoencoder", epochs=30, latent_dim=8, hidden=(64,), net="mlp", learning_rate=3e-3).fit(X)
    odd = X[:20].copy()
    odd[:, 0, 0] = 255  # always black
    for terms in (anomaly_map(model, odd), anomaly_map(model, odd, reference=X)):
        assert (terms.reshape(20, -1).argmax(1) == 0).all()


def test_what_columns_usually_cost_is_taken_off() -> None:
    X = mixed()
    model = small("vae").fit(X)
    above = anomaly_map(model, X, "likelihood", reference=X)
    np.testing.assert_allclose(above.mean(), 0, atol=1e-5)
    np.testing.assert_allclose(above + anomaly_map(model, X, "likelihood").mean(), anomaly_map(model, X, "likelihood"))


def test_what_can_not_be() -> None:
    for call, line in (
        (lambda: anomaly_map(small("gaussian"), numbers()), "is not fitted"),
        (
            lambda: anomaly_map(small("gaussian").fit(numbers()), numbers(), "reconstruction"),
            "Gaussian has no such map; it has",
        ),
        (lambda: anomaly_map(small("gaussian").fit(numbers()), numbers(), "odd"), "kind = 'odd': must be one of"),
    ):
        with pytest.raises(VeneroError, match=line):
            call()
