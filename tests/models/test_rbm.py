"""What a fitted RBM says is what enumeration says: its probabilities, its completions, its classes."""

from __future__ import annotations

from itertools import product
from math import log

import numpy as np
import pytest
import torch
from sklearn.base import clone

import venero
from examples import mixed
from venero.core.errors import VeneroError
from venero.data.spec import Batch
from venero.models.rbm import RBM
from venero.nn.partition import LogZ
from venero.tasks.classify import GenerativeClassifier

STATES = np.array(list(product((0, 1), repeat=9)), np.uint8)

NUMBER = 1 << np.arange(9)  # of a state


def bars() -> np.ndarray:
    """The 14 patterns of bars or stripes on 3 x 3 pixels (MacKay 2003), each as often as the others."""
    lines = np.array(list(product((0, 1), repeat=3)), np.uint8)
    columns = np.repeat(lines[:, None, :], 3, axis=1).reshape(8, 9)
    rows = np.repeat(lines[:, :, None], 3, axis=2).reshape(8, 9)
    return np.unique(np.concatenate([columns, rows]), axis=0)


@pytest.fixture(scope="module")
def learned() -> RBM:
    fields = {"n_hidden": 16, "epochs": 80, "batch_size": 14, "learning_rate": 0.2, "validation": 0.0, "weight_decay": 0.0}
    return RBM(visible="bernoulli", random_state=0, n_chains=100, **fields).fit(np.tile(bars(), (20, 1)))


def test_it_learns_bars_and_stripes_and_its_probabilities_sum_to_one(learned: RBM) -> None:
    p = np.exp(learned.score_samples(STATES))
    assert p.sum() == pytest.approx(1, abs=1e-5)
    assert learned.log_z_error_ == 0
    assert (type(learned).score_kind, learned.score_of_) == ("estimate", "probability of the binarised example")
    assert learned.score(bars()) > -log(14) - 0.8, "the best that can be is -log 14"


def test_annealing_is_labelled_with_its_error_and_moves_the_scores(learned: RBM) -> None:
    exact, score = learned.log_z_, learned.score(bars())
    value, error = learned.anneal(chains=200, steps=2000)
    assert error > 0
    assert abs(value - exact) < max(0.1, 4 * error)
    assert learned.score(bars()) - score == pytest.approx(exact - value, abs=1e-6)
    learned.net_.take(LogZ(exact, 0.0))


def test_samples_come_as_often_as_they_are_probable(learned: RBM) -> None:
    p = np.exp(learned.score_samples(STATES)[np.argsort(STATES @ NUMBER)])
    drawn = np.bincount(learned.sample(5000, random_state=0) @ NUMBER, minlength=512) / 5000
    assert np.abs(drawn - p).sum() / 2 < 0.15, "total variation"


def test_completion_is_the_conditional_mean(learned: RBM) -> None:
    X = bars()[5:6]
    known = np.array([1, 0, 1, 0, 1, 0, 1, 1, 0], bool)
    p = np.exp(learned.score_samples(STATES)) * (STATES[:, known] == X[:, known]).all(1)
    want = (p[:, None] * STATES).sum(0) / p.sum()
    with torch.no_grad():
        done = learned.net_.complete(learned.codec_.encode(np.tile(X, (400, 1))), torch.from_numpy(np.tile(known, (400, 1))))
    np.testing.assert_allclose(done.mean(0), want, atol=0.03)


@torch.no_grad()
def test_the_density_of_grey_pixels_integrates_to_one() -> None:
    X = np.random.default_rng(0).random((200, 1, 2), np.float32) ** 2
    model = RBM(visible="gaussian", n_hidden=6, epochs=10, random_state=0).fit(X)
    axis = torch.linspace(-4, 5, 301)
    grid = torch.cartesian_prod(axis, axis).view(-1, 1, 1, 2)
    p = model.net_.log_prob(Batch(grid)).exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(p) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("phase", ["cd", "pcd", "pt"])
def test_every_way_to_dream_learns(phase: str) -> None:
    fields = {"n_hidden": 12, "epochs": 40, "batch_size": 14, "learning_rate": 0.3, "gibbs_steps": 1, "validation": 0.0}
    model = RBM(visible="bernoulli", negative_phase=phase, random_state=0, **fields).fit(np.tile(bars(), (20, 1)))
    assert model.score(bars()) > -4.2, "independent pixels have -6.2"


def test_with_labels_classes_are_told_by_free_energy_and_drawn() -> None:
    X = np.tile(bars(), (20, 1))
    y = np.where((X.reshape(-1, 3, 3) == X.reshape(-1, 3, 3)[:, :1]).all((1, 2)), "columns", "rows")
    keep = (X.sum(1) > 0) & (X.sum(1) < 9)
    X, y = X[keep], y[keep]
    fields = {"n_hidden": 16, "epochs": 60, "batch_size": 14, "learning_rate": 0.5, "validation": 0.0}
    model = RBM(visible="bernoulli", conditional=True, random_state=0, n_chains=100, **fields).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.98
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1, atol=1e-6)
    each = np.stack([model.score_samples(STATES, np.full(512, c)) + np.log(s) for c, s in _shares(model)])
    np.testing.assert_allclose(np.logaddexp(*each), model.score_samples(STATES), atol=1e-6)
    assert np.exp(model.score_samples(STATES)).sum() == pytest.approx(1, abs=1e-5)
    for label in ("columns", "rows"):
        p = np.exp(model.score_samples(STATES, np.full(512, label)))[np.argsort(STATES @ NUMBER)]
        drawn = np.bincount(model.sample(2000, y=label, random_state=0, steps=200) @ NUMBER, minlength=512) / 2000
        assert np.abs(drawn - p / p.sum()).sum() / 2 < 0.15, "total variation"
    seam = GenerativeClassifier(clone(model)).fit(X, y)
    assert (seam.predict(X) == y).mean() > 0.98


def _shares(model: RBM) -> list[tuple[str, float]]:
    assert model.classes_ is not None
    return list(zip(model.classes_, model.net_.label_share.double().numpy(), strict=True))


def test_without_labels_there_is_nothing_to_predict() -> None:
    assert not hasattr(RBM(), "predict")
    assert hasattr(RBM(conditional=True), "predict")


def test_the_free_energy_gap_tells_that_the_examples_are_known_by_heart() -> None:
    X = (np.random.default_rng(0).random((60, 40)) < 0.5).astype(np.uint8)
    fields = {"visible": "bernoulli", "n_hidden": 60, "epochs": 150, "batch_size": 10, "learning_rate": 0.1, "validation": 0.5}
    rows = RBM(random_state=0, weight_decay=0.0, **fields).fit(X).history_
    gaps = [row["validation"]["free_energy_gap"] for row in rows]
    assert abs(gaps[0]) < 0.5
    assert gaps[-1] > 2, "noise can't be known, only learned by heart"


def test_a_sparse_machine_is_sparse() -> None:
    X = venero.dataset("digits").X[:400]
    fields = {"n_hidden": 30, "epochs": 20, "random_state": 0, "learning_rate": 0.1}
    plain, sparse = RBM(**fields).fit(X), RBM(sparsity=5.0, sparsity_target=0.1, **fields).fit(X)
    assert sparse.encode(X).mean() < 0.17 < plain.encode(X).mean()


def test_grey_images_with_gaussian_units_and_tables_of_all_kinds() -> None:
    X = venero.dataset("digits").X[:400]
    model = RBM(visible="gaussian", n_hidden=20, epochs=40, random_state=0).fit(X)
    assert model.score_of_ == "density in the data's units"
    assert model.reconstruction_error(X).mean() < 0.7 * ((X / X.max() - (X / X.max()).mean(0)) ** 2).sum((1, 2)).mean()
    frame = mixed()
    model = RBM(n_hidden=12, epochs=30, random_state=0).fit(frame)
    draws = model.sample(1000, random_state=0)
    assert draws["height"].isna().mean() == pytest.approx(frame["height"].isna().mean(), abs=0.05)
    for city, share in frame["city"].value_counts(normalize=True).items():
        assert (draws["city"] == city).mean() == pytest.approx(share, abs=0.08)
    assert model.complete(frame)["height"].notna().all()
    with pytest.raises(VeneroError, match=r"RBM\.visible = 'columns' is for tables"):
        RBM(visible="columns").fit(X)
