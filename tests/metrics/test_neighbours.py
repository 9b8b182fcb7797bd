"""Neighbours and balls are those of all pairs in float64, whatever the offset, the scale or the repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from venero.core.errors import DataError
from venero.metrics import neighbours
from venero.metrics.neighbours import balls, balls_of, nearest, radii

CLOUDS = {
    "plain": lambda rng, n: rng.normal(size=(n, 5)),
    "far from the origin": lambda rng, n: rng.normal(size=(n, 5)) + 1e5,
    "minute": lambda rng, n: rng.normal(size=(n, 5)) * 1e-30,
    "with an outlier": lambda rng, n: np.vstack([rng.normal(size=(n - 1, 5)), np.full((1, 5), 1e6)]),
    "with repeated rows": lambda rng, n: rng.integers(0, 2, (n, 5)).astype(float),
    "all equal": lambda rng, n: np.full((n, 5), 3.0),
}


@pytest.mark.parametrize("kind", CLOUDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_are_those_of_all_pairs(kind: str, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "ROWS", 37)
    rng = np.random.default_rng(0)
    x, y = CLOUDS[kind](rng, 150).astype(dtype), CLOUDS[kind](rng, 90).astype(dtype)
    distances, places = nearest(x, y, 4)
    every = cdist(x.astype(np.float64), y.astype(np.float64))
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :4], rtol=1e-10, atol=0)
    np.testing.assert_allclose(np.take_along_axis(every, places, 1), distances, rtol=1e-10, atol=0)


@pytest.mark.parametrize("kind", CLOUDS)
def test_nobody_is_their_own_neighbour(kind: str) -> None:
    x = CLOUDS[kind](np.random.default_rng(1), 60)
    places = nearest(x, x, 3, same=True)[1]
    assert (places != np.arange(60)[:, None]).all()
    every = cdist(x, x)
    np.fill_diagonal(every, np.inf)
    np.testing.assert_allclose(radii(x, 3), np.sort(every, axis=1)[:, 2], rtol=1e-10)


@pytest.mark.parametrize("kind", CLOUDS)
@pytest.mark.parametrize("blocks", [1, 7])
def test_balls_are_counted_by_blocks(kind: str, blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "TILE", 16)
    rng = np.random.default_rng(2)
    points, centres = CLOUDS[kind](rng, 80), CLOUDS[kind](rng, 50)
    reach = radii(centres, 3)
    inside = cdist(centres, points) < reach[:, None] * (1 - 1e-12)  # a point on the surface is outside
    held = balls(points, centres, reach, blocks)
    for block in range(blocks):
        np.testing.assert_array_equal(held.by_point[:, block], inside[block::blocks].sum(0))
        np.testing.assert_array_equal(held.by_centre[:, block], inside[:, block::blocks].sum(1))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 6))
def test_neighbours_move_with_the_points(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n + 1, d))
    turn, shift = np.linalg.qr(rng.normal(size=(d, d)))[0], rng.normal(size=d) * 10
    moved = nearest(x @ turn * 3 + shift, y @ turn * 3 + shift, 2)[0]
    np.testing.assert_allclose(moved, nearest(x, y, 2)[0] * 3, rtol=1e-7, atol=1e-9)


def test_what_is_wrong_is_said() -> None:
    x = np.zeros((4, 2))
    with pytest.raises(DataError, match="k = 4: must be from 1 to 3"):
        nearest(x, x, 4, same=True)
    with pytest.raises(DataError, match="real has 2 columns and generated 3"):
        nearest(x, np.zeros((4, 3)))
    with pytest.raises(DataError, match="missing or infinite"):
        radii(np.array([[np.nan], [1.0], [2.0]]), 1)
    with pytest.raises(DataError, match=r"shape \(4, 2, 2\)"):
        radii(np.zeros((4, 2, 2)), 1)


def test_balls_around_both_sides_are_those_of_two_passes() -> None:
    rng = np.random.default_rng(3)
    points, centres = rng.normal(size=(90, 5)), rng.normal(size=(70, 5))
    out, back = rng.uniform(1, 4, 70), rng.uniform(0, 4, 90)
    there, here = balls_of(points, centres, [out], 3, back=back)
    for found, expected in ((there, balls(points, centres, out, 3)), (here, balls(centres, points, back, 3))):
        np.testing.assert_array_equal(found.by_point, expected.by_point)
        np.testing.assert_array_equal(found.by_centre, expected.by_centre)
