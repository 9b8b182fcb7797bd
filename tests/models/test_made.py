"""MADE's probabilities sum to one, no output sees what comes after it, and a draw is a draw of p."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from venero.core.errors import VeneroError
from venero.data.spec import Batch
from venero.models.made import MADE
from venero.nn.conditionals import Bit, Category, Conditionals, Grey, Kind, Number
from venero.nn.masked import MaskedNet

EVERY_3X3 = np.array(list(itertools.product([0, 1], repeat=9)), np.uint8).reshape(-1, 3, 3)
KINDS: list[Kind] = [Number(3), Category(4), Number(2, missing=True), Bit(), Grey(16, 2)]
ORDERS: list[dict[str, Any]] = [{}, {"order": "random"}, {"n_orders": 3}, {"hidden": (7,), "n_orders": 2}]


def pictures(n: int = 300) -> np.ndarray:
    """3x3 bits of which some follow others."""
    rng = np.random.default_rng(0)
    X = (rng.random((n, 3, 3)) < 0.4).astype(np.uint8)
    X[:, 2, 2], X[:, 0, 0] = X[:, 1, 1], X[:, 0, 1] & X[:, 1, 0]
    return X


def small(**fields: Any) -> MADE:
    return MADE(**{"hidden": (20, 15), "epochs": 30, "random_state": 0, "learning_rate": 5e-3} | fields)


@pytest.mark.parametrize("fields", ORDERS)
def test_the_probabilities_of_all_pictures_sum_to_one(fields: dict[str, Any]) -> None:
    model = small(**fields).fit(pictures())
    assert np.exp(model.score_samples(EVERY_3X3)).sum() == pytest.approx(1, abs=1e-5)
    assert model.score_kind == "exact"


def test_the_probabilities_of_all_strings_sum_to_one() -> None:
    strings = pd.DataFrame(list(itertools.product("abc", repeat=4)), columns=list("wxyz"))
    model = small(epochs=5).fit(strings.sample(200, replace=True, random_state=0).reset_index(drop=True))
    assert np.exp(model.score_samples(strings)).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("hidden", [(11,), (3, 40), (13, 9, 17)])
def test_no_output_sees_its_own_group_or_later_ones(hidden: tuple[int, ...]) -> None:
    groups = Conditionals([*KINDS, *KINDS])
    net = MaskedNet(groups.in_group, groups.out_group, hidden, "tanh")
    torch.nn.init.normal_(net.direct.weight)
    for order in (torch.arange(10), torch.randperm(10)):
        x = torch.randn(2, len(groups.in_group), requires_grad=True)
        out, place = net(x, net.masks(order)), order.argsort()
        for g in range(10):
            (slope,) = torch.autograd.grad(out[:, groups.outs[g]].sum(), x, retain_graph=True)
            seen = slope.abs().sum(0) > 0
            assert not seen[place[groups.in_group] >= place[g]].any()
            assert seen.any() == (place[g] > 0)


@pytest.mark.parametrize("labels", [0, 3])
def test_a_walk_draws_what_whole_passes_draw(labels: int) -> None:
    groups, order = Conditionals(KINDS), torch.randperm(len(KINDS))
    net = MaskedNet(groups.in_group, groups.out_group, (12, 30), "relu", labels)
    torch.nn.init.normal_(net.direct.weight)
    extra = torch.eye(3).repeat(20, 1) if labels else None
    draw = lambda g, h: groups.kinds[g].sample(h)  # noqa: E731
    torch.manual_seed(0)
    walked = net.walk(60, order, (groups.ins, groups.outs), draw, extra)
    torch.manual_seed(0)
    x = torch.zeros(60, len(groups.in_group))
    with torch.no_grad():
        for g in order.tolist():
            x[:, groups.ins[g]] = draw(g, net(x, net.masks(order), extra)[:, groups.outs[g]])
    torch.testing.assert_close(walked, x)


@pytest.mark.parametrize("n_orders", [1, 3])
def test_draws_are_as_frequent_as_their_probability(n_orders: int) -> None:
    model = small(n_orders=n_orders).fit(pictures())
    drawn = model.sample(40_000, random_state=0).reshape(-1, 9) @ (1 << np.arange(8, -1, -1))
    share = np.bincount(drawn, minlength=512) / 40_000
    assert np.abs(share - np.exp(model.score_samples(EVERY_3X3))).sum() < 0.1


def test_a_number_is_a_density_and_grey_levels_are_masses() -> None:
    h = torch.randn(1, 3 * 3)
    x = torch.linspace(-60, 60, 200_001)[:, None]
    assert float(torch.trapezoid(Number(3).log_prob(x, h).exp(), x[:, 0])) == pytest.approx(1, abs=1e-3)
    levels = torch.linspace(0, 1, 16)[:, None]
    assert float(Grey(16, 3).log_prob(levels, h).exp().sum()) == pytest.approx(1, abs=1e-5)
    gone = torch.tensor([[0.0, 1.0]])
    flag = torch.cat([h, torch.tensor([[0.7]])], 1)
    assert float(Number(3, missing=True).log_prob(gone, flag)) == pytest.approx(float(torch.tensor(0.7).sigmoid().log()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_is_scored(kind: Kind) -> None:
    """E[-log p] of draws is the entropy: the mean score of draws is above that of draws of something else."""
    torch.manual_seed(0)
    h, other = torch.randn(2, kind.n_out).repeat_interleave(4000, 0).chunk(2)
    v = kind.sample(h)
    assert v.shape == (4000, kind.n_in)
    assert kind.log_prob(v, h).mean() > kind.log_prob(v, other).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_fits_about(kind: Kind) -> None:
    torch.manual_seed(0)
    v = kind.sample(torch.randn(kind.n_out).expand(2000, -1))
    found = kind.start(v[:, None])
    by_chance = [float(kind.log_prob(v, torch.randn(kind.n_out).expand(2000, -1)).mean()) for _ in range(50)]
    assert float(kind.log_prob(v, found.expand(2000, -1)).mean()) > np.mean(by_chance)


@pytest.mark.parametrize("unknown", [(0, 0), (2, 2)])
def test_completions_are_draws_of_the_unknown_given_the_known(unknown: tuple[int, int]) -> None:
    """Also of the first pixel, which the net says before it has seen any other."""
    model = small().fit(pictures())
    x = pictures(1)[0]
    known = np.ones((3, 3), bool)
    known[unknown] = False
    both = np.stack([x, x])
    both[:, *unknown] = 0, 1
    p = np.exp(model.score_samples(both))
    found = model.complete(np.repeat(x[None], 3000, 0), known)
    assert (found[:, known] == x[known]).all()
    assert found[:, *unknown].mean() == pytest.approx(p[1] / p.sum(), abs=0.04)


def test_with_labels_the_sum_over_them_is_p_of_x() -> None:
    X = pictures()
    y = np.where(X[:, 1, 1] == 1, "lit", "dark")
    model = small(conditional=True).fit(X, y)
    given = [model.score_samples(EVERY_3X3, label) for label in ("dark", "lit")]
    for scores in given:
        assert np.exp(scores).sum() == pytest.approx(1, abs=1e-5)
    share = [(y == label).mean() for label in ("dark", "lit")]
    joint = np.log(np.exp(given).T @ share)
    np.testing.assert_allclose(model.score_samples(EVERY_3X3), joint, atol=1e-4)
    lit = model.sample(300, y="lit", random_state=0)
    assert lit[:, 1, 1].mean() > 0.9


def test_a_mixed_table_is_learned() -> None:
    """Two numbers, the sign of one of which decides the other's sign, and a category that tells it."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=1500)
    frame = pd.DataFrame({"a": a, "b": np.sign(a) * 3 + rng.normal(size=1500), "sign": np.where(a > 0, "plus", "minus")})
    frame.loc[::7, "b"] = np.nan
    model = MADE(hidden=(64,), epochs=60, random_state=0).fit(frame[:1000])
    truth = stats.norm.entropy() + 6 / 7 * stats.norm.entropy() + stats.bernoulli(1 / 7).entropy()
    assert model.score(frame[1000:]) > -truth - 0.25
    drawn = model.sample(1000, random_state=0)
    there = drawn["b"].notna()
    assert there.mean() == pytest.approx(6 / 7, abs=0.05)
    assert ((drawn["a"] > 0) == (drawn["sign"] == "plus")).mean() > 0.9
    assert (np.sign(drawn["a"]) == np.sign(drawn["b"]))[there].mean() > 0.9


def test_surprise_is_by_pixel_and_adds_up() -> None:
    model = small(n_orders=2).fit(pictures())
    x = torch.tensor(EVERY_3X3[:50]).float()[:, None]
    each = model.net_.element_log_prob(Batch(x))
    assert each.shape == x.shape
    sums = torch.stack([model.net_.log_probs(x.flatten(1), None, k).sum(1) for k in (0, 1)]).mean(0)
    torch.testing.assert_close(each.flatten(1).sum(1), sums)


@pytest.mark.parametrize(
    ("fields", "X", "said"),
    [
        ({"likelihood": "levels"}, np.random.default_rng(0).random((50, 3, 3)), "likelihood = 'levels'"),
        ({"likelihood": "bernoulli"}, np.random.default_rng(0).normal(size=(50, 3)), "likelihood = 'bernoulli'"),
        ({"hidden": ()}, pictures(), "hidden = ()"),
    ],
)
def test_what_does_not_fit_is_told(fields: dict[str, Any], X: np.ndarray, said: str) -> None:
    with pytest.raises(VeneroError) as told:
        MADE(**fields).fit(X)
    assert said in str(told.value)
