"""Interpolation: ends, midpoints and norms are what the formulas say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import images, mixed, numbers, small
from venero.core.errors import VeneroError
from venero.tasks.interpolate import PATHS, interpolate, linear, spherical

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")


@pytest.fixture(scope="module")
def model() -> Any:
    return small("autoencoder").fit(images())


@pytest.mark.parametrize("how", PATHS)
def test_the_ends_are_the_reconstructions(how: str, model: Any) -> None:
    a, b = images()[:4], images()[10:14]
    path = interpolate(model, a, b, steps=5, how=how)
    assert (path.shape, path.dtype) == ((4, 5, 8, 8), np.uint8)
    for end, X in ((0, a), (-1, b)):
        np.testing.assert_allclose(path[:, end].astype(int), model.reconstruct(X).astype(int), atol=1)


def test_the_linear_midpoint_is_the_decoded_mean_of_the_codes(model: Any) -> None:
    a, b = images()[:4], images()[10:14]
    path = interpolate(model, a, b, steps=3)
    np.testing.assert_array_equal(path[:, 1], model.decode((model.encode(a) + model.encode(b)) / 2))


def test_steps_are_even() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 6, 3))
    path = linear(a, b, np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.diff(path, axis=1), np.repeat((b - a)[:, None] / 6, 6, axis=1))
    b *= (np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))[:, None]
    arc = spherical(a, b, np.linspace(0, 1, 7))
    unit = arc / np.linalg.norm(arc, axis=2, keepdims=True)
    angles = np.arccos((unit[:, 1:] * unit[:, :-1]).sum(2).clip(-1, 1))
    np.testing.assert_allclose(angles, angles[:, :1].repeat(6, 1), rtol=1e-5)


@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0.1, 50))
def test_spherical_keeps_the_norm_of_codes_of_equal_norm(seed: int, size: int, norm: float) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, 5, size))
    a, b = (norm * v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    arc = spherical(a, b, np.linspace(0, 1, 9))
    np.testing.assert_allclose(np.linalg.norm(arc, axis=2), norm, rtol=1e-4)
    np.testing.assert_allclose(arc[:, 0], a, atol=1e-6 * norm)
    np.testing.assert_allclose(arc[:, -1], b, atol=1e-6 * norm)


def test_spherical_of_parallel_codes_is_straight() -> None:
    a = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 1.0], [3.0, 0.0]])
    b = np.array([[2.0, 4.0], [1.0, 1.0], [1.0, 1.0], [-1.0, 0.0]])
    t = np.linspace(0, 1, 5)
    np.testing.assert_allclose(spherical(a, b, t)[[0, 2, 3]], linear(a, b, t)[[0, 2, 3]], atol=1e-9)
    assert np.isfinite(spherical(a, b, t)).all()


def test_tables_come_back_as_tables() -> None:
    frame = mixed()
    for name in ("autoencoder", "vae", "latent"):
        fitted = small(name).fit(frame)
        path = interpolate(fitted, frame[:2], frame[5:7], steps=4)
        assert isinstance(path, pd.DataFrame)
        assert path.shape == (8, 4)
        assert (path.dtypes == frame.dtypes).all()
        ends = fitted.reconstruct(pd.concat([frame[:2], frame[5:7]]))
        np.testing.assert_allclose(path["height"].iloc[[0, 4, 3, 7]], ends["height"], rtol=1e-5)
        assert (path["city"].iloc[[0, 4, 3, 7]].to_numpy() == ends["city"].to_numpy()).all()
    array = small("autoencoder").fit(numbers())
    assert interpolate(array, numbers()[:3], numbers()[3:6], steps=6).shape == (3, 6, 2)


def test_conditional_models_decode_with_a_label(digits: tuple[np.ndarray, np.ndarray]) -> None:
    fitted = small("vae", conditional=True).fit(*digits)
    a, b = digits[0][:2], digits[0][2:4]
    path = interpolate(fitted, a, b, steps=3, y=[1, 7])
    np.testing.assert_array_equal(
        path[1],
        fitted.decode(
            (np.array([[1.0], [0.5], [0]]) * fitted.encode(a)[1] + np.array([[0], [0.5], [1.0]]) * fitted.encode(b)[1]), 7
        ),
    )
    assert interpolate(fitted, a, b, steps=3, y=1).shape == (2, 3, 8, 8)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"steps": 1}, "steps = 1: must be an integer >= 2, the two ends"),
        ({"steps": 2.5}, "steps = 2.5: must be an integer >= 2"),
        ({"how": "cubic"}, "how = 'cubic': must be one of 'linear', 'spherical'"),
        ({"b": images()[:3]}, "2 examples on one side and 3 on the other: give as many"),
        ({"b": np.zeros((2, 9, 9), np.uint8)}, "fit saw"),
    ],
)
def test_what_can_not_be(options: dict[str, Any], line: str, model: Any) -> None:
    with pytest.raises(VeneroError, match=line) as e:
        interpolate(model, images()[:2], **{"b": images()[2:4]} | options)
    assert "\n" not in str(e.value)


def test_a_model_without_codes() -> None:
    with pytest.raises(VeneroError, match="Gaussian has no codes to interpolate"):
        interpolate(small("gaussian").fit(numbers()), numbers(), numbers())
