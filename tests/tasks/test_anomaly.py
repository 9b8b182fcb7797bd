"""Anomaly scores: planted outliers come first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from examples import images, mixed, numbers, small
from venero.core.errors import VeneroError
from venero.tasks.anomaly import KINDS, anomaly_score, kinds_of

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")


def planted() -> tuple[np.ndarray, np.ndarray]:
    """Points near a line, of which five lie off it (but in each column's range)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1)) @ np.array([[1.0, 2.0, -1.0, 0.5]]) + 0.05 * rng.normal(size=(300, 4))
    odd = np.zeros(300, dtype=bool)
    odd[[3, 50, 111, 200, 299]] = True
    X[odd] = np.abs(X[odd]) + 0.5  # of one sign, where the line has two
    return X, odd


@pytest.mark.parametrize(
    ("name", "fields", "kind"),
    [
        ("gaussian", {}, "likelihood"),
        ("vae", {"epochs": 60, "latent_dim": 1, "learning_rate": 1e-2}, "likelihood"),
        ("autoencoder", {"epochs": 60, "latent_dim": 1, "learning_rate": 1e-2}, "reconstruction"),
    ],
)
def test_planted_outliers_rank_first(name: str, fields: dict[str, Any], kind: str) -> None:
    X, odd = planted()
    model = small(name, **fields).fit(X[~odd])
    scores = anomaly_score(model, X)
    assert scores.shape == (300,)
    assert set(np.argsort(-scores)[:5]) == set(np.flatnonzero(odd))
    np.testing.assert_array_equal(scores, anomaly_score(model, X, kind=kind))  # what auto takes


def test_outliers_among_the_training_data_rank_first_too() -> None:
    X, odd = planted()
    assert roc_auc_score(odd, anomaly_score(small("gaussian").fit(X), X)) > 0.95


def test_images_that_are_no_digits_rank_first(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X = digits[0]
    noise = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    for name, kind in (("vae", "likelihood"), ("autoencoder", "reconstruction"), ("vae", "reconstruction")):
        model = small(name, net="mlp", hidden=(64,), latent_dim=8, epochs=20, learning_rate=3e-3).fit(X[:1500])
        scores = anomaly_score(model, np.concatenate([X[1500:], noise]), kind=kind)
        assert roc_auc_score(np.arange(len(scores)) >= len(X) - 1500, scores) > 0.99


def test_scores_are_what_they_say() -> None:
    vae, auto = small("vae").fit(mixed()), small("autoencoder").fit(images())
    np.testing.assert_array_equal(anomaly_score(vae, mixed()), -vae.score_samples(mixed()))
    np.testing.assert_array_equal(anomaly_score(vae, mixed(), "reconstruction"), vae.reconstruction_error(mixed()))
    np.testing.assert_array_equal(anomaly_score(auto, images()), auto.reconstruction_error(images()))


def test_the_reconstruction_probability_is_the_bound_without_its_divergence() -> None:
    frame, digits = mixed(), images()
    vae, bits = small("vae", epochs=5).fit(frame), small("vae", epochs=5).fit(digits)
    units = vae.codec_.log_det(vae.codec_.encode(frame)).numpy()  # scores are in the user's units
    expected = vae.score_samples(frame) + vae.latent_kl(frame).sum(1) - units
    np.testing.assert_allclose(vae.reconstruction_log_prob(frame), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        bits.reconstruction_log_prob(digits), bits.score_samples(digits) + bits.latent_kl(digits).sum(1), rtol=1e-4
    )


def test_codes_are_measured_by_a_shrunk_mahalanobis_distance() -> None:
    X, model = numbers(), small("autoencoder", epochs=5).fit(numbers())
    codes = model.encode(X[:100]).astype(np.float64)
    expected = LedoitWolf().fit(codes).mahalanobis(model.encode(X).astype(np.float64))
    np.testing.assert_allclose(anomaly_score(model, X, "codes", reference=X[:100]), expected, rtol=1e-6)


def test_every_kind_is_repeatable_and_each_rows_own() -> None:
    X = mixed()
    vae = small("vae", epochs=5).fit(X)
    assert kinds_of(vae) == list(KINDS)
    for kind in KINDS:
        scores = anomaly_score(vae, X, kind, reference=X)
        np.testing.assert_array_equal(scores, anomaly_score(vae, X, kind, reference=X))
        again = anomaly_score(vae, X.iloc[[5, 9]], kind, reference=X)
        np.testing.assert_allclose(again, scores[[5, 9]], atol=0.02 if kind == "ranks" else 1e-3)  # half a rank at a tie


def test_ranks_combine_what_the_others_order() -> None:
    X, odd = planted()
    model = small("vae", epochs=60, latent_dim=1, learning_rate=1e-2).fit(X[~odd])
    ranks = anomaly_score(model, X, "ranks", reference=X[~odd])
    assert set(np.argsort(-ranks)[:5]) == set(np.flatnonzero(odd))
    gauss = small("gaussian").fit(X[~odd])  # of one kind alone, ranks keep its order, beyond the known ones too
    alone = anomaly_score(gauss, X, "ranks", reference=X[~odd])
    assert spearmanr(alone, anomaly_score(gauss, X)).statistic == pytest.approx(1)


def test_what_can_not_be() -> None:
    auto, gauss = small("autoencoder").fit(numbers()), small("gaussian").fit(numbers())
    for call, line in (
        (lambda: anomaly_score(auto, numbers(), "likelihood"), "kind = 'likelihood': AutoEncoder has no score_samples"),
        (
            lambda: anomaly_score(gauss, numbers(), "reconstruction"),
            "kind = 'reconstruction': Gaussian has no reconstruction_error",
        ),
        (lambda: anomaly_score(auto, numbers(), "odd"), "kind = 'odd': must be one of 'auto', 'likelihood', 'reconstruction'"),
        (lambda: anomaly_score(gauss, numbers(), "codes"), "kind = 'codes': Gaussian has no encode; it has likelihood, ranks"),
        (lambda: anomaly_score(object(), numbers()), "object neither scores nor reconstructs"),
        (lambda: anomaly_score(small("vae"), numbers()), "not fitted yet"),
    ):
        with pytest.raises(VeneroError, match=line) as e:
            call()
        assert "\n" not in str(e.value)
