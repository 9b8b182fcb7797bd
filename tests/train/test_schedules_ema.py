"""Step sizes and averaged weights: closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from examples import numbers, small
from venero.train.ema import EMA
from venero.train.loop import Trainer
from venero.train.rules import GradientDescent
from venero.train.schedules import SCHEDULES, constant, cosine, linear, with_warmup

SHARES = np.linspace(0, 1, 101)


def test_schedules_are_their_formulas() -> None:
    np.testing.assert_allclose([constant(s) for s in SHARES], 1)
    np.testing.assert_allclose([linear(s) for s in SHARES], 1 - SHARES)
    np.testing.assert_allclose([cosine(s) for s in SHARES], (1 + np.cos(np.pi * SHARES)) / 2)
    for name in ("cosine", "linear"):
        values = [SCHEDULES[name](s) for s in SHARES]
        assert values[0] == 1 and values[-1] == pytest.approx(0, abs=1e-12)
        assert (np.diff(values) <= 0).all()
        assert SCHEDULES[name](1.2) == 0.0  # never up again


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.05, 0.3, 1.0])
def test_warmup_rises_and_then_follows_the_schedule(name: str, warmup: float) -> None:
    f = with_warmup(SCHEDULES[name], warmup)
    for s in SHARES:
        want = (
            s / warmup if s < warmup else SCHEDULES[name]((s - warmup) / (1 - warmup)) if warmup < 1 else SCHEDULES[name](1.0)
        )
        assert f(s) == pytest.approx(want)
    assert f(0.0) == 0.0
    assert f(warmup / 2) == pytest.approx(0.5)


def test_no_warmup_is_the_schedule_itself() -> None:
    assert with_warmup(cosine, 0.0) is cosine


def test_training_takes_the_steps_of_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 rows in batches of 50 for 2 epochs: the rate of update k is the schedule's at k / 8."""
    rates: list[float] = []
    step = GradientDescent.step

    def noting(self: Any, *args: Any) -> Any:
        logs = step(self, *args)
        rates.append(self.optimizers[0].param_groups[0]["lr"])
        return logs

    monkeypatch.setattr(GradientDescent, "step", noting)
    small("autoencoder", schedule="cosine", warmup=0.25, learning_rate=0.01, batch_size=50, validation=0.0).fit(numbers())
    np.testing.assert_allclose(rates, [0.01 * with_warmup(cosine, 0.25)(k / 8) for k in range(8)])


def ema_by_hand(history: list[float], decay: float) -> float:
    average = history[0]
    for t, w in enumerate(history[1:]):
        d = min(decay, (1 + t) / (10 + t))
        average = d * average + (1 - d) * w
    return average


def test_ema_is_its_recurrence() -> None:
    net = nn.Linear(1, 1, bias=False)
    values = np.random.default_rng(0).normal(size=200)
    with torch.no_grad():
        net.weight.fill_(values[0])
        ema = EMA(net, 0.95)
        for n, v in enumerate(values[1:], start=2):
            net.weight.fill_(v)
            ema.update()
            assert float(ema.average[0]) == pytest.approx(ema_by_hand(list(values[:n]), 0.95), abs=1e-5)
        assert float(net.weight) == pytest.approx(values[-1])


def test_a_short_runs_average_is_not_its_random_start() -> None:
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1000.0)
        ema = EMA(net, 0.9999)
        net.weight.fill_(1.0)
        for _ in range(100):
            ema.update()
    assert float(ema.average[0]) < 1.01  # a fixed decay would still be at 990


def test_in_place_is_for_a_while_and_install_for_good() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    own = [p.detach().clone() for p in net.parameters()]
    ema = EMA(net, 0.5)
    with torch.no_grad():
        for p in ema.average:
            p.add_(1)
    with ema.in_place():
        assert all(torch.equal(p, o + 1) for p, o in zip(net.parameters(), own, strict=True))
    assert all(torch.equal(p, o) for p, o in zip(net.parameters(), own, strict=True))
    with pytest.raises(KeyError), ema.in_place():
        raise KeyError
    assert all(torch.equal(p, o) for p, o in zip(net.parameters(), own, strict=True))  # also after an error
    ema.install()
    assert all(torch.equal(p, o + 1) for p, o in zip(net.parameters(), own, strict=True))


def test_state_and_restore_go_on_where_it_was() -> None:
    nets = [nn.Linear(3, 2) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    a, b = EMA(nets[0], 0.9), EMA(nets[1], 0.9)
    gen = torch.Generator().manual_seed(0)
    for i in range(20):
        with torch.no_grad():
            for p, q in zip(*(n.parameters() for n in nets), strict=True):
                p.add_(torch.randn(p.shape, generator=gen))
                q.copy_(p)
        if i < 10:
            a.update()
        else:
            if i == 10:
                b.restore(a.state())
            a.update()
            b.update()
    assert b.updates == a.updates == 20
    assert all(torch.equal(p, q) for p, q in zip(a.average, b.average, strict=True))


def test_the_fitted_weights_are_the_average(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float]] = []
    update = Trainer._update

    def noting(self: Any, *args: Any) -> None:
        if not seen:
            seen.append([float(p.detach().flatten()[0]) for p in self.net.parameters()])
        update(self, *args)
        seen.append([float(p.detach().flatten()[0]) for p in self.net.parameters()])

    monkeypatch.setattr(Trainer, "_update", noting)
    fields: dict[str, Any] = {"epochs": 4, "batch_size": 20, "learning_rate": 0.05, "validation": 0.0}
    model = small("autoencoder", ema=0.8, **fields).fit(numbers())
    want = [ema_by_hand([row[i] for row in seen], 0.8) for i in range(len(seen[0]))]
    np.testing.assert_allclose([float(p.detach().flatten()[0]) for p in model.net_.parameters()], want, rtol=1e-3, atol=1e-5)
    plain = small("autoencoder", **fields).fit(numbers())
    assert not torch.equal(next(plain.net_.parameters()), next(model.net_.parameters()))


def test_held_out_losses_are_of_the_averaged_weights() -> None:
    fields: dict[str, Any] = {"epochs": 3, "batch_size": 20, "learning_rate": 0.05, "validation": 0.25}
    model = small("autoencoder", ema=0.99, **fields).fit(numbers())
    from venero.core.learners import hold_out
    from venero.data.data import Data
    from venero.maths.random import seeded

    with seeded(0):
        model.build(model.spec_)  # draws what fit drew before it split the rows
        _, held_out = hold_out(Data.of(numbers(), model.codec_, model.spec_), 0.25)
    assert held_out is not None
    with torch.no_grad():
        loss = float(model.net_.loss(held_out.head(50))["loss"])
    assert model.history_[-1]["validation"]["loss"] == pytest.approx(loss, rel=1e-4)
