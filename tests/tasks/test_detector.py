"""A threshold means what it says: on new normal data the flagged share is the stated one, within the stated interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, binom
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from examples import images, mixed, numbers, small
from venero.core.errors import VeneroError
from venero.tasks.anomaly import AnomalyDetector, anomaly_score
from venero.tasks.threshold import conformal_threshold, place, rate_interval

pytestmark = [
    pytest.mark.filterwarnings("ignore:posterior collapse"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]


def exempted(detector: Any) -> dict[str, str]:
    """Which of scikit-learn's checks do not fit, and why."""
    out = {}
    if detector.false_positive_rate is not None:
        why = "sets contamination beside the false-positive rate, and a detector has one threshold"
        out |= {"check_outliers_fit_predict": why, "check_outliers_train": why}
    if hasattr(type(detector.model), "encode"):
        out["check_methods_subset_invariance"] = "asks for 7 digits of differences of a network's single-precision scores"
    return out


@parametrize_with_checks(
    [
        AnomalyDetector(small("gaussian"), contamination=0.1),
        AnomalyDetector(small("gaussian"), false_positive_rate=0.5, random_state=0),  # of 10 rows no lower rate can be shown
        AnomalyDetector(small("vae", epochs=1), contamination=0.1),
    ],
    expected_failed_checks=exempted,
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(size=(n, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]])


@pytest.mark.parametrize(("rate", "n"), [(0.1, 99), (0.05, 40)])
def test_the_false_positive_rate_is_the_stated_one(rate: float, n: int) -> None:
    """Over 300 calibrations of 150 new examples: the rate is (n + 1 - k) / (n + 1), in its interval as often as it says."""
    rng = np.random.default_rng(0)
    model = small("gaussian").fit(normal(rng, 50))  # a poor model: the rate holds for any
    flagged, inside = np.empty(300), np.empty(300, bool)
    new = [-model.score_samples(normal(rng, 150)) for _ in range(300)]
    for i in range(300):
        detector = AnomalyDetector(model, false_positive_rate=rate).fit(normal(rng, n))
        flagged[i] = (new[i] > detector.threshold_).mean()
        low, high = detector.rate_interval(150)
        inside[i] = low <= flagged[i] <= high
    expected = (n + 1 - place(n, rate)) / (n + 1)
    assert rate - 1 / (n + 1) < expected <= rate
    assert flagged.mean() == pytest.approx(expected, abs=4 * flagged.std() / 300**0.5)
    assert binom.ppf(1e-4, 300, 0.95) <= inside.sum()  # at least 95 %, counts being whole
    assert inside.mean() < 0.99


def test_intervals_are_those_of_order_statistics() -> None:
    rng = np.random.default_rng(1)
    at = np.sort(rng.random((20_000, 59)), axis=1)[:, place(59, 0.1) - 1]
    beyond = rng.binomial(80, 1 - at) / 80
    low, high = rate_interval(59, 0.1, 80)
    assert np.quantile(beyond, [0.025, 0.975]) == pytest.approx([low, high], abs=0.013)  # one count of 80
    assert rate_interval(59, 0.1) == pytest.approx(beta(6, 54).ppf([0.025, 0.975]))
    assert np.mean((rate_interval(59, 0.1)[0] <= 1 - at) & (1 - at <= rate_interval(59, 0.1)[1])) == pytest.approx(
        0.95, abs=0.006
    )
    assert rate_interval(59, 0.1, 10**6) == pytest.approx(rate_interval(59, 0.1), abs=1e-3)


def test_the_threshold_is_a_score_and_moves_with_the_scores() -> None:
    scores = np.random.default_rng(2).gamma(2, size=137)
    at = conformal_threshold(scores, 0.1)
    assert np.log(at) == conformal_threshold(np.log(scores), 0.1)  # a rank: the scores' unit does not count
    assert (scores > at).sum() == 137 - place(137, 0.1)
    assert conformal_threshold(np.append(scores, np.full(50, at)), 0.2) <= at  # ties are not beyond


def test_contamination_is_the_share_of_x_that_is_flagged() -> None:
    X = numbers()
    for share in (0.05, 0.25):
        detector = AnomalyDetector(small("gaussian"), contamination=share).fit(X)
        assert (detector.predict(X) == -1).mean() == share
        assert detector.false_positive_rate_interval_ is None
        np.testing.assert_array_equal(detector.predict(X) == -1, detector.decision_function(X) < 0)


def test_scores_have_scikit_learns_sign() -> None:
    X = numbers()
    detector = AnomalyDetector(small("gaussian"), false_positive_rate=0.1, random_state=0).fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), -anomaly_score(detector.model_, X))
    np.testing.assert_array_equal(detector.decision_function(X), detector.score_samples(X) - detector.offset_)
    assert detector.offset_ == -detector.threshold_
    far = X.mean(0) + np.array([[0.0, 0.0], [9.0, -9.0]])
    assert detector.predict(far).tolist() == [1, -1]
    assert detector.n_features_in_ == 2


def test_what_calibrates_is_not_learned_from() -> None:
    X = numbers()
    detector = AnomalyDetector(small("gaussian"), false_positive_rate=0.1, calibration=0.4, random_state=3).fit(X)
    held_out = np.sort(np.random.default_rng(3).permutation(200)[:80])
    rest = np.delete(X, held_out, axis=0)
    np.testing.assert_array_equal(detector.score_samples(X), small("gaussian").fit(rest).score_samples(X))
    assert detector.threshold_ == conformal_threshold(-detector.score_samples(X[held_out]), 0.1)
    assert detector.n_calibration_ == 80


def test_a_fitted_model_stays_as_it_is() -> None:
    X = numbers()
    model = small("gaussian").fit(X[:100])
    detector = AnomalyDetector(model, false_positive_rate=0.1).fit(X[100:])
    assert detector.model_ is model
    assert detector.n_calibration_ == 100
    assert clone(detector).fit(X).model_ is not model  # a clone of a fitted model is not fitted, as scikit-learn has it
    frozen = AnomalyDetector(FrozenEstimator(model), false_positive_rate=0.1)
    assert clone(frozen).fit(X[100:]).threshold_ == detector.threshold_
    coded = small("autoencoder").fit(X)
    assert (
        AnomalyDetector(coded, "codes", false_positive_rate=0.2, random_state=0).fit(X).n_calibration_ == 60
    )  # 140 to compare with


@pytest.mark.parametrize("kind", ["reconstruction", "codes", "ranks", "reconstruction probability"])
def test_images_and_mixed_tables(kind: str) -> None:
    for X in (images(), mixed()):
        detector = AnomalyDetector(small("vae"), kind, false_positive_rate=0.1, random_state=0).fit(X)
        assert detector.kind_ == kind
        assert 0 <= (detector.predict(X) == -1).mean() < 0.3


def test_what_can_not_be() -> None:
    X, gauss = numbers(), small("gaussian")
    for call, line in (
        (lambda: AnomalyDetector().fit(X), "model = None: must be a model that"),
        (lambda: AnomalyDetector(gauss).fit(X).predict(X), "no threshold: set false_positive_rate"),
        (lambda: AnomalyDetector(gauss).fit(X).rate_interval(9), "no rate was stated"),
        (lambda: AnomalyDetector(gauss, false_positive_rate=0.1, contamination=0.1).fit(X), "there is one threshold"),
        (lambda: AnomalyDetector(gauss, false_positive_rate=0.01).fit(X), "60 examples can't show it; at least 99 must"),
        (lambda: AnomalyDetector(gauss, false_positive_rate=0.0).fit(X), "false_positive_rate = 0.0: must be > 0"),
        (lambda: AnomalyDetector(gauss, "odd").fit(X), "kind = 'odd': must be one of"),
        (lambda: AnomalyDetector(gauss, "codes").fit(X), "Gaussian has no encode"),
        (lambda: AnomalyDetector(gauss).predict(X), "not fitted yet"),
    ):
        with pytest.raises(VeneroError, match=line) as e:
            call()
        assert "\n" not in str(e.value)
