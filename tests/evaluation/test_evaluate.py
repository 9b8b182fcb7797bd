"""Every model of the catalog gets a scorecard, by its abilities alone; references stand beside the figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import venero
from examples import images, mixed, numbers, small
from venero.core.catalog import MODELS, find
from venero.core.errors import VeneroError
from venero.data.datasets import Dataset
from venero.evaluation.case import Case, as_dataset, independent
from venero.evaluation.evaluate import GROUPS, evaluate
from venero.evaluation.scorecard import Scorecard
from venero.metrics.figure import CEILING, FLOOR, MEMORISER

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")
QUICK = "random convolutions"  # no classifier is trained
KINDS = {"image": images, "table": numbers}
CASES = [(name, kind) for name in MODELS for kind in KINDS if kind in find(name).forms]
ABILITY = {
    "likelihood": "score_samples",
    "fidelity": "sample",
    "two-sample": "sample",
    "memorisation": "sample",
    "representation": "encode",
    "reconstruction": "reconstruct",
}


class Plays:
    """Has samples to hand out, and no other ability."""

    def __init__(self, samples):
        self.samples = samples

    def sample(self, n, *, y=None, random_state=None):
        return self.samples[:n]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_model_gets_the_groups_that_its_abilities_allow(name, kind):
    X = KINDS[kind]()
    model = small(name).fit(X[:100])
    asked = [g for g in GROUPS if not (kind == "image" and g == "two-sample")]  # which takes seconds: once, below
    card = evaluate(model, X[100:], X[:100], features=QUICK if kind == "image" else "auto", n=20, metrics=asked)
    allowed = {g for g, ability in ABILITY.items() if hasattr(model, ability) and g in asked} | {"cost"}
    assert set(card.groups()) == allowed
    assert set(card.skipped) == set(asked) - allowed
    assert all("\n" not in why for why in card.skipped.values())
    assert Scorecard.from_json(card.to_json()).to_json() == card.to_json()
    assert len({figure.name for figure in card.figures}) == len(card.figures)


@pytest.fixture(scope="module")
def blobs() -> Dataset:
    """Two clusters of correlated columns."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 900)
    X = rng.normal(size=(900, 3)) @ np.array([[1, 0.9, 0], [0, 0.3, 0], [0, 0, 1.0]]) + 4 * y[:, None]
    return Dataset(X, y, "blobs", class_names=("a", "b"))


def test_a_memoriser_is_told_from_a_good_model_and_from_a_poor_one(blobs):
    train, test, fresh = blobs.take(slice(0, 300)), blobs.take(slice(300, 600)), blobs.take(slice(600, 900))
    groups = ["fidelity", "memorisation"]
    good, copies = (evaluate(Plays(s.X), test, train, metrics=groups) for s in (fresh, train))
    poor = evaluate(Plays(independent(train.X, 300, np.random.default_rng(0))), test, train, metrics=groups)
    assert copies["exact copies"].value.value == 1
    assert good["exact copies"].value.value == 0
    assert copies["nearest row is one of train"].value.value == 1
    near = good["nearer to train than held-out data"].value
    assert near.low < 0.5 < near.high
    assert poor["kernel distance"].value.low > good["kernel distance"].value.high
    assert "sample 0 = train row 0" in copies["exact copies"].note


def test_references_are_what_they_are_called(blobs):
    """The memoriser's figure is the one that rows of train get as samples; the ceiling's the one that the other half gets."""
    train, test = blobs.take(slice(0, 300)), blobs.take(slice(300, 600))
    case = Case(Plays(train.X), test, train)
    for name, X in case.contenders.references.items():
        card = evaluate(Plays(X), test, train, metrics=["fidelity"])
        figure = card["density"]
        assert figure.value.value == figure.references[name]
        assert set(figure.references) == {CEILING, MEMORISER, FLOOR}
        assert figure.value.n == 150


def test_likelihood_is_the_mean_score_and_scores_of_bits_are_told_from_densities():
    X = numbers()
    model = venero.Gaussian().fit(X[:100])
    figure = evaluate(model, X[100:], metrics="likelihood")["log-likelihood"]
    assert figure.value.value == pytest.approx(model.score(X[100:]))
    assert figure.note == "exact"
    grey = images()
    vae = small("vae", likelihood="bernoulli").fit(grey[:100])
    card = evaluate(vae, grey[100:], metrics="likelihood")
    assert "not comparable with a density" in card["log-likelihood"].note
    assert "binarised" in card["log-likelihood"].space
    assert card["bits per dimension"].value.value == pytest.approx(vae.bits_per_dim(grey[100:]))
    assert card["log-likelihood, importance-sampled"].value.value > card["log-likelihood"].value.value


def test_a_frame_of_mixed_columns_is_judged_whole():
    X = mixed()
    card = evaluate(small("vae").fit(X[:100]), X[100:], X[:100])
    assert {"fidelity", "memorisation", "likelihood"} <= set(card.groups())
    assert card["recall"].space == "standardised columns"


def test_two_samples_of_images_are_told_apart_where_they_differ():
    X = images()
    figure = evaluate(Plays(255 - X), X[:100], metrics="two-sample")["C2ST accuracy"]
    assert figure.value.value > 0.9
    assert "if nothing can be told" in figure.note
    assert figure.references[CEILING] < 0.75


def test_utility_wants_labels_and_a_model_that_draws_them(blobs):
    train, test = blobs.take(slice(0, 500)), blobs.take(slice(500, 900))
    model = small("vae", conditional=True, epochs=30).fit(train.X, train.y)
    figure = evaluate(model, test, train, metrics="utility")["AUROC learned from samples"]
    assert figure.value.value > 0.9
    assert figure.references["majority class"] == 0.5
    plain = evaluate(small("vae").fit(train.X), test, train, metrics="utility")
    assert "conditional=True" in plain.skipped["utility"]
    assert "labels" in evaluate(model, test.X, train.X, metrics="utility").skipped["utility"]


def test_without_train_what_needs_it_is_skipped_with_the_reason(blobs):
    card = evaluate(Plays(blobs.X), blobs.take(slice(0, 300)), metrics=["fidelity", "memorisation"])
    assert set(card["recall"].references) == {CEILING, FLOOR}
    assert card.skipped == {"memorisation": "the training data were not given: pass train"}


def test_same_random_state_same_card(blobs):
    train, test = blobs.take(slice(0, 300)), blobs.take(slice(300, 900))
    model = small("vae").fit(train.X)
    wanted = ["likelihood", "fidelity", "memorisation", "representation"]
    assert evaluate(model, test, train, metrics=wanted, n=60) == evaluate(model, test, train, metrics=wanted, n=60)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"metrics": ["fidelty"]}, "did you mean 'fidelity'"),
        ({"features": "inceptoin"}, "did you mean 'inception'"),
        ({"n": 0}, "n = 0"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(blobs, given, told):
    with pytest.raises(VeneroError, match=told) as error:
        evaluate(Plays(blobs.X), blobs, **given)
    assert "\n" not in str(error.value)


def test_labels_of_another_length_are_told(blobs):
    with pytest.raises(VeneroError, match="one label for each row"):
        evaluate(Plays(blobs.X), (blobs.X, blobs.y[:5]))


def test_labels_stay_as_the_user_has_them():
    data = as_dataset((np.zeros((3, 2)), ["b", "a", "b"]), "test")
    assert data.y.tolist() == ["b", "a", "b"]
    assert data.class_names == ("a", "b")


def test_independent_columns_keep_their_own_values_and_lose_each_other():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    frame = pd.DataFrame({"a": x, "b": x, "c": pd.Categorical(np.where(x > 0, "up", "down"))})
    drawn = independent(frame, 5000, rng)
    assert drawn.dtypes.equals(frame.dtypes)
    assert set(drawn["a"]) <= set(x)
    assert abs(np.corrcoef(drawn["a"], drawn["b"])[0, 1]) < 0.05
    pixels = independent(np.stack([np.zeros((50, 4, 4)), np.ones((50, 4, 4))]).reshape(100, 4, 4), 300, rng)
    assert 0.4 < pixels.mean() < 0.6
    assert pixels.std(axis=(1, 2)).min() > 0


def test_a_group_is_asked_for_by_abilities_and_held_out_data_may_be_few(blobs):
    card = evaluate(Plays(blobs.X), replace(blobs, X=blobs.X[:3], y=blobs.y[:3]), metrics=["fidelity"])
    assert "at least 4" in card.skipped["fidelity"]
