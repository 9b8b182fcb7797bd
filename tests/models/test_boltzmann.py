"""The Boltzmann machine against enumeration, autograd and the paper's rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from venero.core.errors import VeneroError
from venero.data.spec import Batch, Spec
from venero.maths.boltzmann import exponent, states
from venero.models.boltzmann import BoltzmannMachine, TwoPhases
from venero.nn import boltzmann
from venero.nn.boltzmann import BoltzmannNet

PARITY = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])  # pairs say nothing: it takes hidden units


def net(v: int = 4, h: int = 3, **fields: Any) -> BoltzmannNet:
    """A machine with weights of some size."""
    machine = BoltzmannMachine(n_hidden=h, **fields).build(Spec("table", (v,)))
    g = torch.Generator().manual_seed(1)
    w = 10 * torch.randn(machine.n, machine.n, generator=g, dtype=torch.float64).triu(1)
    machine.weight.copy_((w + w.T) * machine.mask)
    machine.bias.copy_(10 * torch.randn(machine.n, generator=g, dtype=torch.float64))
    with torch.no_grad():
        machine.normalise(500)
    return machine


def every(v: int) -> Batch:
    return Batch(states(v).float())


@pytest.mark.parametrize("hidden_connections", [True, False])
def test_log_probabilities_are_those_of_enumeration(hidden_connections: bool) -> None:
    machine = net(hidden_connections=hidden_connections)
    s = states(7)
    e = exponent(s, *machine.scaled())
    by_state = torch.stack([e[(s[:, :4] == v).all(1)].logsumexp(0) for v in states(4)]) - e.logsumexp(0)
    torch.testing.assert_close(machine.log_prob(every(4)), by_state)
    assert float(machine.log_prob(every(4)).exp().sum()) == pytest.approx(1, abs=1e-10)
    on = torch.stack([(e[m].softmax(0)[:, None] * s[m, 4:]).sum(0) for v in states(4) for m in [(s[:, :4] == v).all(1)]])
    torch.testing.assert_close(machine.encode(every(4).x), on.float())


def test_the_difference_of_the_phases_is_the_gradient_of_the_log_likelihood() -> None:
    machine = net()
    model = BoltzmannMachine(n_hidden=3, statistics="exact")
    v = states(4)[[1, 6, 6, 11]]
    clamped, free = TwoPhases(machine, model).enumerated(v)
    weight, bias = (t.clone().requires_grad_() for t in machine.scaled())
    e = exponent(states(7), weight, bias)
    parts = [e[(states(7)[:, :4] == row).all(1)].logsumexp(0) - e.logsumexp(0) for row in v]
    torch.stack(parts).sum().backward()
    difference = clamped - free
    torch.testing.assert_close(difference.diagonal(), bias.grad)
    pairs = torch.triu(difference, 1)
    torch.testing.assert_close(pairs, torch.triu(weight.grad + weight.grad.T, 1))  # each pair stands twice in W


def test_annealings_count_what_enumeration_says() -> None:
    """The paper's schedule, 4,000 annealings: within 0.02."""
    machine = net()
    model = BoltzmannMachine(n_hidden=3)
    v = states(4)[[1, 6, 6, 11]].repeat(1000, 1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sampled = TwoPhases(machine, model).annealed(v)
    for a, b in zip(sampled, TwoPhases(machine, model).enumerated(v), strict=True):
        torch.testing.assert_close(a / 4000, b / 4000, atol=0.02, rtol=0)


def test_hidden_units_learn_what_pairs_do_not_say() -> None:
    fields: dict[str, Any] = {"statistics": "exact", "learning_rate": 1.0, "annealings": 1, "random_state": 3}
    model = BoltzmannMachine(n_hidden=4, spread=1.0, epochs=500, **fields).fit(PARITY)
    assert model.score(PARITY) > np.log(1 / 8) + 0.5  # of 0.69 that there are to gain
    blind = BoltzmannMachine(n_hidden=0, epochs=50, **fields).fit(PARITY)
    np.testing.assert_allclose(blind.score_samples(PARITY), np.log(1 / 8), atol=1e-2)
    assert blind.encode(PARITY).shape == (4, 0)


def test_draws_are_as_frequent_as_scores_say() -> None:
    rng = np.random.default_rng(0)
    X = (rng.random((500, 1)) < [0.8, 0.8, 0.3, 0.5]) & (rng.random((500, 4)) < 0.9)
    model = BoltzmannMachine(n_hidden=2, statistics="exact", epochs=100, random_state=0).fit(X)
    draws = model.sample(20_000, random_state=0)
    assert draws.dtype == bool
    rows, counts = np.unique(draws, axis=0, return_counts=True)
    np.testing.assert_allclose(counts / 20_000, np.exp(model.score_samples(rows)), atol=0.015)


def test_estimates_beyond_enumeration_agree_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = net()
    monkeypatch.setattr(boltzmann, "MOST", 0)  # as if 7 units were too many
    with torch.random.fork_rng():
        torch.manual_seed(0)
        estimated = net()
        draws = estimated.sample(20_000)
    assert 0 < estimated.log_z_error < 0.05
    assert abs(estimated.log_z - exact.log_z) < 4 * estimated.log_z_error
    scores = estimated.log_prob(every(4))
    torch.testing.assert_close(scores[3:5], estimated.log_prob(Batch(every(4).x[3:5])), msg="a row's score is its own")
    hidden = estimated.encode(every(4).x)
    monkeypatch.undo()
    p = exact.log_prob(every(4))
    torch.testing.assert_close(scores, p, atol=0.15, rtol=0)
    assert (hidden - exact.encode(every(4).x)).abs().mean() < 0.2  # ten visits of one chain
    number = (draws * 2.0 ** torch.arange(4)).sum(1).long()
    torch.testing.assert_close(torch.bincount(number, minlength=16) / 20_000, p.exp().float(), atol=0.02, rtol=0)


def encoder(v: int = 4) -> np.ndarray:
    return np.concatenate([np.eye(v, dtype=int)] * 2, 1)


PAPER: dict[str, Any] = {
    "n_hidden": 2,
    "visible_groups": (4, 4),
    "hidden_connections": False,
    "learning": "sign",
    "noise_on": 0.15,
    "noise_off": 0.05,
}


def test_the_papers_rule_moves_every_weight_by_two() -> None:
    model = BoltzmannMachine(**PAPER, epochs=5, random_state=0).fit(encoder())
    w = model.net_.weight
    assert set((w % 2).unique().tolist()) == {0.0}
    assert w.abs().max() <= 10
    assert torch.equal(w, w.T)
    assert not w[:4, 4:8].any(), "the two groups meet in the hidden units alone"
    assert not w[8:, 8:].any()
    assert w[:4, 8:].any()


def test_the_encoder_learns_codes_and_completes_by_them() -> None:
    X = encoder()
    model = BoltzmannMachine(**PAPER, weight_decay=0.005, epochs=400, random_state=0).fit(X)
    codes = model.encode(X).round()
    assert len(np.unique(codes, axis=0)) == 4
    known = np.arange(8) < 4
    done = model.complete(X, known)
    np.testing.assert_array_equal(model.complete(np.where(known, X, 1 - X), known), done)
    assert (done[:, :4] == X[:, :4]).all()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        s, held = (nn.functional.pad(torch.tensor(a), (0, 2)).repeat(50, 1) for a in (X, np.broadcast_to(known, X.shape)))
        ends = model.net_.settle(s, model.net_.units(), torch.rand, held=held, slow=True)[-1]
    assert (ends == s)[:, :8].all(1).double().mean() > 0.5  # by chance at most 1 / 4


def test_the_visible_units_may_go_first_and_noise_may_end() -> None:
    fields: dict[str, Any] = {"visible_epochs": 3, "noisy_epochs": 2, "epochs": 4, "random_state": 0}
    model = BoltzmannMachine(**PAPER, **fields).fit(encoder())
    assert [row["stage"] for row in model.history_] == ["visible units"] * 3 + ["fit"] * 2 + ["without noise"] * 2
    first = BoltzmannMachine(**PAPER, **fields | {"epochs": 0}).fit(encoder())
    assert first.net_.weight[:4, :4].any()
    assert not first.net_.weight[8:].any()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"times": (2, 2)}, "times = .*one for each of 4 temperatures"),
        ({"visible_groups": (1, 1)}, "visible_groups = .*add up to the 3 visible units"),
        ({"statistics": "exact", "n_hidden": 18}, "'exact' with 3 visible, 18 hidden units: must be <= 20"),
    ],
)
def test_fields_that_do_not_fit_are_one_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(VeneroError, match=words):
        BoltzmannMachine(**fields).fit(PARITY)


def test_data_that_are_not_bits_are_refused() -> None:
    with pytest.raises(VeneroError, match=r"outside 0\.\.1"):
        BoltzmannMachine().fit(np.random.default_rng(0).normal(size=(10, 3)))
