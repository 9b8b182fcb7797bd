"""Copies are found with their sources, chance is told from memory, and both under the null and under planted copying."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from venero.core.errors import DataError
from venero.metrics.memorisation import (
    NONE,
    beyond_chance,
    exact_copies,
    listed,
    longest_verbatim,
    near_copies,
    nearer_than_held_out,
    pull_of_train,
)


def normal(n: int, seed: int, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def with_copies(share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples of which a share are rows of train, train, and held-out rows."""
    train, held_out, samples = normal(400, 0), normal(400, 1), normal(400, 2)
    samples[: int(share * 400)] = train[: int(share * 400)]
    return samples, train, held_out


def test_more_copies_more_pull_and_nearer_to_train() -> None:
    pulls, nearness = [], []
    for share in (0.0, 0.1, 0.3, 1.0):
        samples, train, held_out = with_copies(share)
        pulls.append(pull_of_train(samples, train, held_out))
        nearness.append(nearer_than_held_out(samples, train, held_out).value)
    assert np.all(np.diff([p.share.value for p in pulls]) > 0)
    assert np.all(np.diff(nearness) > 0)
    assert pulls[0].p > 0.05 > pulls[2].p
    assert pulls[-1].share.value == nearness[-1] == 1


def test_without_memory_the_p_value_is_uniform_and_the_interval_covers() -> None:
    found = [pull_of_train(normal(150, 3 * i), normal(300, 3 * i + 1), normal(100, 3 * i + 2)) for i in range(300)]
    assert found[0].expected == 0.75
    assert kstest([f.p for f in found], "uniform").pvalue > 0.01
    covered = np.mean([f.share.low <= f.expected <= f.share.high for f in found])
    assert covered == pytest.approx(0.95, abs=0.04)


def test_a_model_that_repeats_one_row_of_chance_is_not_called_a_memoriser() -> None:
    """400 samples at one spot, where by chance the nearest row is of train: one piece of evidence, not 400."""
    train, held_out = normal(400, 0), normal(400, 1)
    samples = np.repeat(train[:1] + 1e-3, 400, axis=0)
    found = pull_of_train(samples, train, held_out)
    assert found.share.value == 1
    assert found.p > 0.01


def test_samples_of_the_middle_are_nearer_to_train_than_held_out_rows_yet_not_drawn_to_it() -> None:
    train, held_out, samples = normal(400, 0), normal(400, 1), 0.3 * normal(400, 2)
    assert nearer_than_held_out(samples, train, held_out).low > 0.5
    assert pull_of_train(samples, train, held_out).p > 0.01


def test_exact_copies_have_their_source_in_arrays_images_and_frames() -> None:
    train = normal(50, 0)
    assert exact_copies(np.stack([train[7], train[7] + 1, train[3]]), train).tolist() == [7, NONE, 3]
    assert exact_copies(train[[2]].astype(np.float64), train).tolist() == [2]
    images = np.random.default_rng(0).integers(0, 256, (9, 5, 5)).astype(np.uint8)
    assert exact_copies(images[::-1], images).tolist() == list(range(8, -1, -1))
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": pd.Categorical(["x", "y", None])})
    assert exact_copies(frame.iloc[[2, 1]].reset_index(drop=True), frame).tolist() == [2, 1], "gaps are equal to gaps"
    assert exact_copies(frame.assign(a=[1.0, 5.0, 4.0]), frame).tolist() == [0, NONE, NONE]
    assert exact_copies(np.array([[-0.0]]), np.array([[0.0]])).tolist() == [0]


def test_near_copies_are_found_in_dense_and_in_sparse_places_and_fresh_rows_are_none() -> None:
    train = normal(500, 0, d=20)
    samples = normal(500, 1, d=20)
    assert (near_copies(samples, train) == NONE).all()
    samples[:40] = train[40:80] + 0.02 * samples[:40]
    found = near_copies(samples, train)
    assert found[:40].tolist() == list(range(40, 80))
    assert (found[40:] == NONE).all()


def test_near_copies_of_a_single_row_are_told_to_be_impossible() -> None:
    with pytest.raises(DataError, match="train has 1 row"):
        near_copies(normal(3, 0), normal(1, 1))


def test_copies_by_chance_are_taken_off() -> None:
    """Rows of three coins: half of all held-out rows stand in train, and that is nobody's memory."""
    coins = lambda seed: np.random.default_rng(seed).integers(0, 2, (400, 3))  # noqa: E731
    train, held_out, samples = coins(0), coins(1), coins(2)
    chance = exact_copies(held_out, train)
    null = beyond_chance(exact_copies(samples, train), chance)
    assert null.low <= 0 <= null.high
    wide = normal(400, 3)
    planted = np.concatenate([wide[:40], normal(360, 4)])
    assert beyond_chance(exact_copies(planted, wide), exact_copies(normal(400, 5), wide)).value == pytest.approx(0.1)


def test_listed_copies_end_with_how_many_more() -> None:
    assert listed(np.array([NONE, NONE])) == ""
    assert listed(np.array([4, NONE, 4, 1]), most=2) == "sample 0 = train row 4, sample 2 = train row 4 and 1 more"


def brute(text: str, train: list[str]) -> str:
    runs = (text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1))
    return max((run for run in runs if any(run in t for t in train)), key=len, default="")


@pytest.mark.parametrize("seed", range(20))
def test_longest_verbatim_run_is_that_of_all_stretches(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draw = lambda n: "".join(rng.choice(list("abc"), n))  # noqa: E731
    text, train = draw(30), [draw(25) for _ in range(3)]
    run = longest_verbatim(text, train)
    assert len(run.text) == len(brute(text, train))
    assert run.text in text
    assert run.text in train[run.source]


def test_nothing_in_common_and_nothing_at_all() -> None:
    assert longest_verbatim("xyz", ["abc"]) == ("", NONE)
    assert longest_verbatim("", ["abc"]) == ("", NONE)
    assert longest_verbatim("ab", ["a", "b"]).text in ("a", "b"), "no stretch crosses from one text into the next"
