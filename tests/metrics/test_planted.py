"""Planted anomalies keep every value and break what goes with what; the area under the curve is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from examples import mixed
from venero.metrics.planted import auroc, plant


def test_every_column_keeps_values_that_it_has_and_half_of_them_come_from_another_row() -> None:
    X = np.arange(400.0).reshape(100, 4)
    planted = plant(X)
    changed = (planted != X).any(0)
    assert changed.sum() == 2
    assert (planted != X)[:, changed].all()  # no row is its own donor
    for column in range(4):
        assert set(planted[:, column]) <= set(X[:, column])


def test_a_frame_keeps_its_dtypes_and_index() -> None:
    frame = mixed()
    planted = plant(frame)
    pd.testing.assert_series_equal(planted.dtypes, frame.dtypes)
    assert (planted.index == frame.index).all()
    assert not planted.equals(frame)


@pytest.mark.parametrize("shape", [(30, 8, 8), (30, 5, 7, 3)])
def test_half_of_an_image_comes_from_another(shape: tuple[int, ...]) -> None:
    X = np.broadcast_to(np.arange(30).reshape(-1, *[1] * (len(shape) - 1)), shape)  # image i is i everywhere
    planted = plant(X)
    strange = (planted != X).reshape(30, -1).mean(1)
    assert ((strange > 0.35) & (strange < 0.65)).all()
    assert all(len(np.unique(image)) == 2 for image in planted)


def test_auroc_is_scikit_learns_with_ties() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 200), rng.integers(2, 12, 150)
    expected = roc_auc_score(np.repeat([0, 1], [200, 150]), np.r_[a, b])
    assert auroc(a, b).value == pytest.approx(expected)


def test_its_interval_covers() -> None:
    rng = np.random.default_rng(1)
    truth, hits = 0.7602, 0  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    for _ in range(400):
        found = auroc(rng.normal(size=60), rng.normal(1, 1, 60))
        hits += found.low <= truth <= found.high
    assert hits / 400 == pytest.approx(0.95, abs=0.035)
