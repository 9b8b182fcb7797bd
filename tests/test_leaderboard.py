"""Planted scorecards: who is ahead, who can't be told apart, and what is not compared at all."""

from __future__ import annotations

import numpy as np
import pytest

from venero.evaluation.fitted import DENSITY
from venero.evaluation.scorecard import Scorecard
from venero.leaderboard import Leaderboard, Row, better, over_seeds
from venero.metrics.figure import HIGHER, LOWER, Figure, exactly
from venero.metrics.intervals import Estimate


def card(nats: Estimate | None = None, seconds: float | None = None, space: str = DENSITY) -> Scorecard:
    figures = []
    if nats is not None:
        figures.append(Figure("likelihood", "log-likelihood", nats, "nats", HIGHER, space))
    if seconds is not None:
        figures.append(Figure("cost", "fit", exactly(seconds), "s", LOWER))
    return Scorecard("M", "d", tuple(figures))


def board(*rows: Row) -> Leaderboard:
    return Leaderboard("planted", rows, {"seeds": 1})


def around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half, 100)


def places(b: Leaderboard, question: str) -> dict[str, int]:
    return {p.name: p.place for p in b.ranking(question)}


def test_who_is_clearly_better_stands_before_and_others_share_a_place() -> None:
    b = board(Row("c", 0, card(around(-9.9, 0.2))), Row("a", 0, card(around(-5.0, 0.2))), Row("b", 0, card(around(-10.0, 0.2))))
    assert places(b, "fit") == {"a": 1, "c": 2, "b": 2}
    assert [p.name for p in b.ranking("fit")] == ["a", "c", "b"]
    assert b.verdict() == [(True, "a fits best: log-likelihood -5 nats (-5.2 to -4.8), next c with -9.9 nats (-10.1 to -9.7).")]


def test_a_tie_is_said() -> None:
    b = board(Row("a", 0, card(around(-5.0, 1.0))), Row("b", 0, card(around(-5.5, 1.0))))
    assert places(b, "fit") == {"a": 1, "b": 1}
    sure, sentence = b.verdict()[0]
    assert not sure
    assert "a and b do not differ by more than chance" in sentence


def samples(distance: Estimate, accuracy: Estimate) -> Scorecard:
    close = Figure("fidelity", "kernel distance", distance, "", LOWER)
    told = Figure("two-sample", "C2ST accuracy", accuracy, "", LOWER)
    return Scorecard("M", "d", (close, told))


def test_measures_that_contradict_each_other_bear_no_claim_out() -> None:
    near, far, told, untold = around(0.1, 0.05), around(0.9, 0.05), around(0.9, 0.02), around(0.6, 0.02)
    b = board(Row("a", 0, samples(near, told)), Row("b", 0, samples(far, untold)))
    assert places(b, "samples") == {"a": 1, "b": 2}
    assert b.winner("samples") is None
    sure, sentence = b.verdict()[0]
    assert not sure
    assert "the measures contradict each other. a is ahead in kernel distance" in sentence
    assert "b in C2ST accuracy 0.6" in sentence
    agreed = board(Row("a", 0, samples(near, untold)), Row("b", 0, samples(far, told)))
    assert agreed.winner("samples") == "a"
    assert agreed.verdict()[0][0]
    unsure = board(Row("a", 0, samples(near, untold)), Row("b", 0, samples(far, around(0.59, 0.02))))
    assert unsure.winner("samples") == "a"  # b's lead in the second is within chance


def test_lower_is_better_where_it_is() -> None:
    assert places(board(Row("slow", 0, card(seconds=9.0)), Row("quick", 0, card(seconds=1.0))), "cost") == {
        "quick": 1,
        "slow": 2,
    }
    close = board(Row("a", 0, card(seconds=45.2)), Row("b", 0, card(seconds=45.3)))
    assert places(close, "cost") == {"a": 1, "b": 1}  # a clock does not say more than that


def test_scores_of_other_things_are_not_ranked_among_densities() -> None:
    b = board(
        Row("a", 0, card(around(-5.0, 0.1))),
        Row("b", 0, card(around(-6.0, 0.1))),
        Row("bits", 0, card(around(-1.0, 0.1), space="probability of the binarised example")),
    )
    assert places(b, "fit") == {"a": 1, "b": 2}
    assert b.left_out("fit") == ["bits"]


def test_failures_have_no_place() -> None:
    b = board(Row("a", 0, card(around(-5.0, 0.1))), Row("gone", 0, failure="it never worked"))
    assert places(b, "fit") == {"a": 1}
    assert b.failures == {"gone, seed 0": "it never worked"}
    assert b.verdict() == []  # nobody to be better than
    assert list(b.to_frame()["model"]) == ["a"]


def test_seeds_widen_the_interval_by_how_much_they_differ() -> None:
    same, apart = [around(1.0, 0.3)] * 4, [around(v, 0.0) for v in (1.0, 2.0, 3.0)]
    assert over_seeds(same) == pytest.approx((1.0, 0.85, 1.15, 100))
    mean, low, high, _ = over_seeds(apart)
    assert mean == pytest.approx(2.0)
    assert high - mean == pytest.approx(4.3027 / np.sqrt(3), rel=1e-3)  # Student's t with 2 degrees of freedom
    assert low == pytest.approx(4.0 - high)


def test_better_is_wrong_at_its_stated_rate() -> None:
    """Of two equal models, one is called better in about 5 % of comparisons."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(1000):
        a, b = (around(float(m), 1.96 * 0.1) for m in rng.normal(0, 0.1, 2))
        wrong += better(a, b, HIGHER) or better(b, a, HIGHER)
    assert 0.03 < wrong / 1000 < 0.07


def test_who_used_up_its_time_is_told() -> None:
    rows = (Row("quick", 0, card(seconds=1.0)), Row("slow", 0, card(seconds=60.5)))
    b = Leaderboard("planted", rows, {"seeds": 1, "minutes_each": 1.0})
    assert b.cut_off == ["slow"]
    assert b.remarks() == ["slow was still learning when the time was up: more minutes may change the order."]
    assert board(*rows).remarks() == []
