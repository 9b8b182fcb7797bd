"""An edit moves what it is meant to move, and the check sees where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from venero.core.errors import DataError, VeneroError
from venero.tasks.edit import attribute_direction, check_edit, edit, mean_difference, probe_normal

N = 600
WIDTH = 6


class Rotated:
    """A linear model: codes are the examples' coordinates along other axes, exactly."""

    def __init__(self) -> None:
        self.axes = np.linalg.qr(np.random.default_rng(3).normal(size=(WIDTH, WIDTH)))[0]

    def encode(self, X: Any) -> np.ndarray:
        return X @ self.axes

    def decode(self, Z: Any) -> np.ndarray:
        return Z @ self.axes.T


def planted(seed: int, together: float = 0.5) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Column 0 says whether an example has the first attribute, column 1 the second, the rest is noise.

    `together` is the share of examples that have both or neither; 0.5: they are independent.
    """
    rng = np.random.default_rng(seed)
    first = rng.random(N) < 0.5
    second = np.where(rng.random(N) < together, first, ~first)
    X = 0.1 * rng.normal(size=(N, WIDTH))
    X[:, 0] += np.where(first, 1, -1)
    X[:, 1] += np.where(second, 1, -1)
    return X, {"first": first, "second": second}


@pytest.mark.parametrize("how", ["mean", "probe"])
def test_the_direction_is_the_one_that_was_planted(how: str) -> None:
    X, known = planted(0)
    model = Rotated()
    step = model.decode(attribute_direction(model, X, known["first"], how))
    np.testing.assert_allclose(step[0], 2, atol=0.1)
    np.testing.assert_allclose(step[1:], 0, atol=0.25)


def test_a_probe_leaves_out_what_only_goes_along() -> None:
    """Of two attributes that occur together the difference of means moves both, the probe's normal one."""
    X, known = planted(0, together=0.9)
    both, one = (f(X, known["first"]) for f in (mean_difference, probe_normal))
    assert both[1] > 1.4
    assert abs(one[1]) < 0.3


def test_an_edit_of_strength_one_takes_one_mean_to_the_other() -> None:
    X, known = planted(0)
    model, has = Rotated(), known["first"]
    direction = attribute_direction(model, X, has)
    np.testing.assert_allclose(edit(model, X[~has], direction).mean(0), X[has].mean(0), atol=1e-6)
    np.testing.assert_allclose(edit(model, X, direction, 0.0), X, atol=1e-6)
    np.testing.assert_allclose(edit(model, edit(model, X, direction, 0.7), direction, -0.7), X, atol=1e-6)


def test_the_check_sees_that_the_attribute_moves_and_the_other_stays() -> None:
    train, test, model = planted(0), planted(1), Rotated()
    found = check_edit(model, attribute_direction(model, *_first(train)), train, test, "first")
    assert found.moved.value == 1
    assert found.moved.low > 0.95
    assert found.kept["second"].value == 1
    assert all(a.value == 1 for a in found.accuracy.values())
    assert "second kept 1" in str(found)


def test_the_check_sees_damage() -> None:
    """A step that moves the other attribute too, a step that moves nothing, and a step backwards."""
    train, test, model = planted(0, together=0.9), planted(1), Rotated()
    drags = check_edit(model, attribute_direction(model, *_first(train)), train, test, "first")
    assert drags.moved.value > 0.95
    assert drags.kept["second"].high < 0.7
    nothing = check_edit(model, np.zeros(WIDTH), train, test, "first")
    assert (nothing.moved.value, nothing.kept["second"].value) == (0, 1)
    assert nothing.moved.low < 0 < nothing.moved.high
    back = check_edit(model, attribute_direction(model, *_first(train)), train, test, "first", strength=-1.0)
    assert back.moved.value == 0


def _first(data: tuple[np.ndarray, dict[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return data[0], data[1]["first"]


def test_what_can_not_be() -> None:
    X, known = planted(0)
    model, has = Rotated(), known["first"]
    for error, match, call in (
        (VeneroError, "can't encode and decode", lambda: attribute_direction(object(), X, has)),
        (VeneroError, "did you mean 'probe'", lambda: attribute_direction(model, X, has, "prob")),
        (DataError, "must be 600 booleans", lambda: attribute_direction(model, X, has.astype(int))),
        (DataError, "has is True for every example", lambda: attribute_direction(model, X, np.ones(N, bool))),
        (DataError, "direction has shape", lambda: edit(model, X, np.zeros(2))),
        (VeneroError, "strength = nan", lambda: edit(model, X, np.zeros(WIDTH), float("nan"))),
        (VeneroError, "attribute = 'frist': did you mean 'first'", lambda: _check(model, "frist")),
        (VeneroError, "must be a scikit-learn classifier", lambda: _check(model, "first", classifier=model)),
    ):
        with pytest.raises(error, match=match) as e:
            call()
        assert "\n" not in str(e.value)


def _check(model: Any, name: str, **more: Any) -> Any:
    return check_edit(model, np.zeros(WIDTH), planted(0), planted(1), name, **more)
