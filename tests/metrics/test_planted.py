"""Planted anomalies keep every value and break what goes with what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from examples import mixed
from venero.metrics.planted import plant


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
