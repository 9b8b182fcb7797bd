"""The Markov chain against closed forms: sums to 1, its long run, known sources, and what it does with symbols never seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import venero
from examples import small
from killing import killed_after
from venero.core.errors import DataError, VeneroError
from venero.maths.ngrams import SMOOTHINGS
from venero.models.markov import MarkovChain
from venero.tasks.classify import GenerativeClassifier
from venero.train.run import Run

WEATHER = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.2, 0.3, 0.5]])


def walks(n: int = 60, length: int = 200, seed: int = 0) -> np.ndarray:
    """Walks of an order-1 chain, (n, length)."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, length), np.int64)
    for t in range(1, length):
        x[:, t] = (rng.random(n)[:, None] > WEATHER[x[:, t - 1]].cumsum(1)).sum(1)
    return x


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_all_strings_of_a_length_share_one(smoothing: str, order: int) -> None:
    texts = ["abac", "abca", "b", "aabbcc"]
    model = MarkovChain(order=order, smoothing=smoothing, unseen="refuse").fit(texts)
    p = np.exp(model.score_samples(["".join(s) for s in product("abc", repeat=4)]))
    assert p.sum() == pytest.approx(1, abs=1e-12)
    shared = MarkovChain(order=order, smoothing=smoothing).fit(texts)  # one more symbol stands for all others
    p = np.exp(shared.score_samples(["".join(s) for s in product("abc?", repeat=4)]))
    assert p.sum() == pytest.approx(1, abs=1e-12)


def test_a_known_chain_is_found_again() -> None:
    model = MarkovChain(order=1, smoothing="dirichlet", unseen="refuse").fit(walks(400))
    np.testing.assert_allclose(model.transition_matrix(), WEATHER, atol=0.02)
    np.testing.assert_allclose(model.transition_matrix().sum(1), 1)
    values, vectors = np.linalg.eig(model.transition_matrix().T)
    left = np.real(vectors[:, np.argmax(np.real(values))])
    np.testing.assert_allclose(model.stationary(), left / left.sum(), atol=1e-10)
    p = model.transition_matrix()
    assert model.entropy_rate() == pytest.approx(-(model.stationary()[:, None] * p * np.log2(p)).sum(), abs=1e-10)


@pytest.mark.parametrize("distance", [0.9, 0.25, 0.01, 1e-6])
def test_the_mixing_time_is_the_first_step_that_is_near_enough(distance: float) -> None:
    model = MarkovChain(order=2, unseen="refuse").fit(walks(5))
    p, pi = model.transition_matrix(), model._stationary_contexts()
    np.testing.assert_allclose(pi @ p, pi, atol=1e-12)
    steps, power = 0, np.eye(len(p))
    while np.abs(power - pi).sum(1).max() / 2 > distance:
        steps, power = steps + 1, power @ p
    assert model.mixing_time(distance) == steps


def test_held_out_likelihood_finds_the_order() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, size=(40, 500))
    for t in range(3, 500):  # the symbol three steps ago, seen through a little noise
        x[:, t] = x[:, t - 3] ^ (rng.random(40) < 0.1)
    assert MarkovChain(random_state=0).fit(x).order_ == 3
    assert MarkovChain(random_state=0, validation=0.3).fit(rng.integers(0, 2, size=(40, 500))).order_ == 0


def test_draws_are_as_frequent_as_scores_say() -> None:
    model = MarkovChain(order=2, unseen="refuse").fit(walks(5))
    draws = model.sample(20_000, length=3, random_state=0)
    assert draws.shape == (20_000, 3)
    rows, counts = np.unique(draws, axis=0, return_counts=True)
    np.testing.assert_allclose(counts / 20_000, np.exp(model.score_samples(rows)), atol=0.015)


def test_draws_are_as_long_as_the_data() -> None:
    texts = ["ab", "abab", "bababa"] * 5
    draws = MarkovChain(order=1).fit(texts).sample(30, random_state=0)
    assert {len(d) for d in draws} == {2, 4, 6}
    assert all(isinstance(d, str) for d in draws)


def test_symbols_never_seen_are_shared_for_or_refused() -> None:
    model = MarkovChain(order=2).fit(["abab", "baba"])
    seen, unseen = model.score_samples(["abab", "abxb"])
    assert np.isfinite(unseen)
    assert unseen < seen
    assert not set("".join(model.sample(50, random_state=0))) - set("ab")
    with pytest.raises(DataError, match="'x' at place 2, which fit did not see"):
        MarkovChain(order=2, unseen="refuse").fit(["abab"]).score_samples(["abxb"])


def test_gaps_and_ends_are_filled_with_what_is_likeliest() -> None:
    model = MarkovChain(order=1, unseen="refuse").fit(walks(20))
    X = [[0, None, 2, 1], [1, 1, None, None]]
    done = model.complete(X, length=5)
    for given, full in zip(X, done, strict=True):
        options = [
            w
            for w in product(range(3), repeat=5)
            if all(g is None or g == s for g, s in zip(given + [None] * (5 - len(given)), w, strict=True))
        ]
        assert model.score([list(full)]) == pytest.approx(max(model.score([list(w)]) for w in options), abs=1e-9)


def test_a_chain_for_each_class_tells_them_apart() -> None:
    X, y = np.concatenate([walks(50), 2 - walks(50, seed=1)]), np.repeat(["one", "other"], 50)
    X[y == "other", 7] = 5  # a symbol that the first one never uses
    clf = GenerativeClassifier(MarkovChain(order=1)).fit(X[::2], y[::2])
    assert clf.score(X[1::2], y[1::2]) > 0.95


@pytest.mark.parametrize("order", [-1, "best", 1.5])
def test_an_order_that_is_none_is_one_line(order: Any) -> None:
    with pytest.raises(VeneroError, match=r"order = .*: must be"):
        MarkovChain(order=order).fit(["ab"])


def test_a_long_context_has_no_matrix() -> None:
    with pytest.raises(VeneroError, match="at most 2048"):
        MarkovChain(order=8).fit(walks(3)).stationary()


def test_a_killed_count_is_taken_up(tmp_path: Path) -> None:
    texts = ["to be or not to be", "that is the question"] * 10
    whole = MarkovChain(max_order=3, random_state=0).fit(texts)
    run = Run(folder=tmp_path, checkpoint_seconds=0)
    with killed_after(0):
        MarkovChain(max_order=3, random_state=0).fit(texts, run=run)
    for _ in range(2):  # after the kill, and when all is done
        resumed = MarkovChain(max_order=3, random_state=0).fit(texts, run=replace(run, resume=True))
        for (name, a), b in zip(whole.net_.state_dict().items(), resumed.net_.state_dict().values(), strict=True):
            assert torch.equal(a, b), name
        np.testing.assert_array_equal(resumed.score_samples(texts), whole.score_samples(texts))


def test_saved_counts_come_back(tmp_path: Path) -> None:
    model = MarkovChain(order=3).fit(["to be or not to be", "that is the question"])
    model.save(tmp_path / "m")
    loaded = venero.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.score_samples(["to be"]), model.score_samples(["to be"]))
    assert loaded.sample(3, random_state=0) == model.sample(3, random_state=0)
    assert loaded.order_ == 3
    assert small("markov").order == "auto"
