"""What `complete` promises: the conditional mean where there is one, and what is known bit for bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from examples import images, numbers
from venero.core.errors import DataError
from venero.models.gaussian import Gaussian

MIX = np.array([[2.0, 1.0, 0.3], [0.0, 0.5, -1.0], [0.0, 0.0, 0.7]])


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(400, 3)) @ MIX + [5.0, -3.0, 100.0]


@pytest.fixture(scope="module")
def gaussian(table: np.ndarray) -> Gaussian:
    return Gaussian(random_state=0, ridge=1e-12).fit(table)


def conditional(X: np.ndarray, known: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Row by row: mu_u + S_uk S_kk^-1 (x_k - mu_k)."""
    out = X.copy()
    for x, k in zip(out, known, strict=True):
        gain = covariance[np.ix_(~k, k)] @ np.linalg.inv(covariance[np.ix_(k, k)])
        x[~k] = mean[~k] + gain @ (x[k] - mean[k])
    return out


def test_a_gaussian_gives_the_conditional_mean(gaussian: Gaussian, table: np.ndarray) -> None:
    known = np.random.default_rng(1).random(table.shape) < 0.6  # all eight patterns, nothing known among them
    holes = np.where(known, table, np.nan)
    want = conditional(table, known, table.mean(0), np.cov(table.T, bias=True))
    done = gaussian.complete(holes)
    np.testing.assert_allclose(done, want, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(done[known], table[known])
    np.testing.assert_array_equal(gaussian.complete(table, known), done)


def test_in_two_dimensions_it_is_the_regression_line() -> None:
    X = numbers()
    slope, intercept = np.polyfit(X[:, 0], X[:, 1], 1)
    done = Gaussian(random_state=0, ridge=1e-12).fit(X).complete(X, [True, False])
    np.testing.assert_allclose(done[:, 1], slope * X[:, 0] + intercept, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(done[:, 0], X[:, 0])


def test_a_frame_keeps_its_form(table: np.ndarray, gaussian: Gaussian) -> None:
    frame = pd.DataFrame(table, columns=["a", "b", "c"], index=np.arange(len(table))[::-1])
    holes = frame.copy()
    holes.loc[::3, "b"] = np.nan
    done = Gaussian(random_state=0, ridge=1e-12).fit(frame).complete(holes)
    np.testing.assert_allclose(done.to_numpy(), gaussian.complete(holes.to_numpy()))
    pd.testing.assert_frame_equal(done.where(holes.notna()), holes)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_images_keep_what_is_known(dtype: str) -> None:
    X = {"uint8": images(), "float32": (images() / 255).astype(np.float32), "bool": images() > 127}[dtype]
    left = np.zeros(X.shape[1:], bool)
    left[:, :4] = True
    done = Gaussian(random_state=0, ridge=1e-2).fit(X).complete(X, left)
    assert (done.dtype, done.shape) == (X.dtype, X.shape)
    np.testing.assert_array_equal(done[:, :, :4], X[:, :, :4])
    typical = X.mean(0) > 0.5 if dtype == "bool" else X.mean(0)
    error = lambda Y: float(((Y[:, :, 4:].astype(float) - X[:, :, 4:]) ** 2).mean())  # noqa: E731
    assert error(done) < 0.75 * error(np.broadcast_to(typical, X.shape)), "the left half tells of the right one"


def test_nothing_unknown_is_x_itself(gaussian: Gaussian, table: np.ndarray) -> None:
    np.testing.assert_array_equal(gaussian.complete(table), table)


@pytest.mark.parametrize(("known", "way"), [([1, 0, 1], "must be booleans"), ([True, False], "one for each value")])
def test_a_wrong_mask_is_told(gaussian: Gaussian, table: np.ndarray, known: list[bool], way: str) -> None:
    with pytest.raises(DataError, match=way) as e:
        gaussian.complete(table, known)
    assert "\n" not in str(e.value)
