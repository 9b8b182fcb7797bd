"""The two-sample test: chance where nothing differs, at the stated rate; more than chance under planted damage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom, norm

from venero.core.errors import DataError
from venero.metrics.twosample import c2st, null_interval


def table(seed: int, n: int = 120) -> pd.DataFrame:
    """Numbers, words, a category, truth values; gaps; what goes with what."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    colour = np.where(size + 0.3 * rng.normal(size=n) > 0, "red", "blue").astype(object)
    colour[rng.random(n) < 0.1] = None
    price = np.where(rng.random(n) < 0.2, np.nan, size + 0.1 * rng.normal(size=n))
    return pd.DataFrame({"size": size, "price": price, "colour": colour, "new": size > 1, "kind": pd.Categorical(colour)})


def test_accuracy_stays_in_its_null_interval_at_the_stated_rate() -> None:
    inside = 0
    for seed in range(40):
        x = np.random.default_rng(seed).normal(size=(90, 3))
        found = c2st(x[:45], x[45:], random_state=seed)
        inside += found.low <= found.accuracy.value <= found.high
    assert inside >= binom.ppf(0.001, 40, 0.95)


def test_the_null_interval_is_that_of_tossed_coins() -> None:
    low, high = null_interval(200)
    tosses = binom.rvs(200, 0.5, size=20_000, random_state=np.random.default_rng(0)) / 200
    assert np.mean((low <= tosses) & (tosses <= high)) >= 0.95
    assert np.mean((low < tosses) & (tosses < high)) < 0.951


def test_two_gaussians_are_told_apart_about_as_well_as_can_be() -> None:
    """No classifier is right more often than Phi(shift / 2)."""
    rng = np.random.default_rng(0)
    found = c2st(rng.normal(size=(2000, 1)), rng.normal(2, 1, size=(2000, 1)))
    assert found.accuracy.value == pytest.approx(norm.cdf(1), abs=0.03)
    assert found.accuracy.n == 2000  # half of both


def test_mixed_columns_with_gaps_are_equal_to_their_like_and_not_to_shuffled_ones() -> None:
    real, fake = table(0, 400), table(1, 400)
    same = c2st(real, fake)
    assert same.low <= same.accuracy.value <= same.high
    rng = np.random.default_rng(2)
    shuffled = fake.apply(lambda column: column.sample(frac=1, random_state=int(rng.integers(1000))).set_axis(column.index))
    assert c2st(real, shuffled).accuracy.low > same.high


def test_a_category_alone_and_a_gap_alone_are_seen() -> None:
    rng = np.random.default_rng(0)
    words = [pd.DataFrame({"c": rng.choice(list("abcd"), 200, p=p)}) for p in ([0.4, 0.1, 0.4, 0.1], [0.1, 0.4, 0.1, 0.4])]
    assert c2st(*words).accuracy.low > 0.6
    gaps = [np.where(rng.random((200, 1)) < share, np.nan, rng.normal(size=(200, 1))) for share in (0.05, 0.8)]
    assert c2st(*gaps).accuracy.low > 0.7


def test_dtype_alone_tells_nothing() -> None:
    """The same values as whole numbers and as floats, as words and as categories."""
    real, fake = table(0, 200)[["size", "colour"]], table(1, 200)[["size", "colour"]]
    plain = c2st(real.round(), fake.round())
    other = fake.round().astype({"size": "Int64", "colour": "category"})
    assert c2st(real.round(), other).accuracy == plain.accuracy


def test_images_with_one_odd_line_are_told_and_equal_ones_are_not(
    digits: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venero.metrics.twosample.STEPS", 150)
    X = digits[0][np.random.default_rng(0).permutation(1797)][:600]
    same = c2st(X[:300], X[300:])
    assert same.low <= same.accuracy.value <= same.high
    damaged = X[300:].copy()
    damaged[:, 3] = 255 - damaged[:, 3]
    assert c2st(X[:300], damaged).accuracy.low > 0.9


def test_it_repeats_itself_and_leaves_the_global_seeds_alone(digits: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venero.metrics.twosample.STEPS", 3)
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    a, b = digits[0][:60], digits[0][60:200]
    first = c2st(a, b, random_state=3)
    assert first == c2st(a, b, random_state=3)
    assert first.accuracy.n == 60  # of the larger side as many as the smaller has
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert (np.random.get_state()[1] == numpy_before).all()


@pytest.mark.parametrize(
    ("real", "generated", "said"),
    [
        (np.zeros((30, 2)), np.zeros((30, 3)), "rows must be alike"),
        (np.zeros((30, 2)), np.zeros((10, 2)), "generated has 10 examples: at least 20"),
        (table(0), np.zeros((30, 5)), "one of real and generated is a DataFrame"),
        (table(0), table(1).drop(columns="new"), "columns that only one side has: new"),
        (np.full((30, 2), np.inf), np.zeros((30, 2)), "infinite"),
    ],
)
def test_what_is_wrong_is_said(real: Any, generated: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        c2st(real, generated)
