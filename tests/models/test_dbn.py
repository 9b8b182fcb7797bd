"""A deep belief net: its bound against enumeration, its up-down step against autograd, its classes."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import venero
from killing import killed_after
from venero.core.errors import VeneroError
from venero.data.spec import Batch, Spec
from venero.maths.likelihoods import log_bernoulli
from venero.maths.random import bits, seeded
from venero.models.dbn import DBN, DBNNet
from venero.nn.harmonium import Contrast
from venero.nn.partition import exact_log_partition, log_partition
from venero.tasks.pretrain import PretrainedClassifier
from venero.train.run import Run

V = torch.tensor(list(product((0.0, 1.0), repeat=6)))
H = torch.tensor(list(product((0.0, 1.0), repeat=4)))


def net(n_classes: int = 0, scale: float = 0.7) -> DBNNet:
    with seeded(0):
        made = DBNNet(Spec("image", (1, 2, 3), "unit", 2, n_classes=n_classes), (4, 5))
        for p in made.parameters():
            p.data = scale * torch.randn_like(p)
    made.take(log_partition(made.top, made.base, 10, 10))
    return made


@torch.no_grad()
def exact(made: DBNNet) -> torch.Tensor:
    """log p(v) of all 64 images, by summing over the states of the layer between."""
    prior = -made.top.double().free_energy(H.double()) - exact_log_partition(made.top)
    made.float()
    given = log_bernoulli(V[:, None], made.lower[0].generation(H)[None]).sum(2).double()
    return (given + prior).logsumexp(1)


@torch.no_grad()
def test_probabilities_sum_to_one_and_the_bound_is_below_them() -> None:
    made = net()
    log_p = exact(made)
    assert float(log_p.exp().sum()) == pytest.approx(1, abs=1e-6)
    bound = made.log_prob(Batch(V.view(-1, 1, 2, 3)))
    assert float((log_p - bound).mean()) > 0.1
    layer = made.lower[0]
    layer.rbm.weight.zero_()  # where the layers do not speak of each other q(h | v) = p(h | v), and the bound is tight
    layer.weight.zero_()
    made.top.weight.zero_()
    layer.rbm.hidden_bias.copy_(made.top.visible_bias)
    made.take(log_partition(made.top, made.base, 10, 10))
    torch.testing.assert_close(made.log_prob(Batch(V.view(-1, 1, 2, 3))), exact(made), atol=1e-5, rtol=0)


@torch.no_grad()
def test_draws_come_as_often_as_they_are_probable() -> None:
    made = net()
    with seeded(0):
        drawn = made.sample(40_000, steps=20).flatten(1)
    number = 2 ** torch.arange(5, -1, -1)
    share = torch.bincount((drawn @ number.float()).long(), minlength=64) / 40_000
    np.testing.assert_allclose(share, exact(made).exp(), atol=0.008)


@torch.no_grad()
def test_the_bound_with_labels_sums_over_them() -> None:
    made = net(n_classes=3)
    x = V.view(-1, 1, 2, 3)
    share = made.label_share.double()
    each = [made.log_prob(Batch(x, torch.full((64,), c))) + share[c].log() for c in range(3)]
    assert (torch.stack(each).logsumexp(0) >= made.log_prob(Batch(x)) - 0.5).all()
    h = bits(torch.full((64, 4), 0.5))
    joint = [-made.top.free_energy(made.labelled(h, torch.full((64,), c))) for c in range(3)]
    torch.testing.assert_close(-made.by_class(h), torch.stack(joint, 1).double(), atol=1e-5, rtol=1e-5)


def test_wake_and_sleep_follow_the_gradients_of_both_likelihoods() -> None:
    layer = net().lower[0]
    v, h = bits(torch.full((30, 6), 0.4)), bits(torch.full((30, 4), 0.6))
    for stated, loss in (
        (layer.wake(v, h)[0], -log_bernoulli(v, layer.generation(h)).sum(1).mean()),
        (layer.sleep(v, h), -log_bernoulli(h, layer.recognition(v)).sum(1).mean()),
    ):
        for parameter, want in zip(stated, torch.autograd.grad(loss, list(stated)), strict=True):
            torch.testing.assert_close(stated[parameter], want, atol=1e-6, rtol=1e-5)


def test_up_down_states_a_gradient_for_every_parameter() -> None:
    made = net(n_classes=3)
    batch = Batch(V.view(-1, 1, 2, 3), torch.arange(64) % 3)
    made.up_down(batch, 2, Contrast())["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


@pytest.fixture(scope="module")
def digits() -> Any:
    return venero.dataset("digits")


def test_it_tells_classes_dreams_of_them_and_starts_a_classifier(digits: Any) -> None:
    X, y = digits.X, digits.y
    fields = {"hidden": (80, 150), "epochs": 30, "up_down_epochs": 10, "batch_size": 20, "ais_steps": 100}
    model = DBN(conditional=True, random_state=0, **fields).fit(X[:1200], y[:1200])
    assert (model.predict(X[1200:]) == y[1200:]).mean() > 0.85
    np.testing.assert_allclose(model.predict_proba(X[:20]).sum(1), 1, atol=1e-6)
    which = np.repeat(np.arange(10), 20)
    dreams = model.sample(200, y=which, random_state=0, noise=False)
    means = np.stack([X[y == c].mean(0) for c in range(10)]).reshape(10, -1)
    nearest = ((dreams.reshape(200, 1, -1).astype(float) - means) ** 2).sum(2).argmin(1)
    assert (nearest == which).mean() > 0.6
    tuned = PretrainedClassifier(model, updates=400, learning_rate=3e-3, random_state=0).fit(X[:1200], y[:1200])
    assert tuned.score(X[1200:], y[1200:]) > 0.85


@pytest.mark.parametrize("after", [3, 7, 10, 14])
def test_a_killed_net_resumes_bit_for_bit(after: int, digits: Any, tmp_path: Path) -> None:
    X, y = digits.X[:150], digits.y[:150]
    fields = {"hidden": (12, 10, 14), "epochs": 2, "up_down_epochs": 2, "batch_size": 80, "conditional": True, "ais_steps": 20}
    whole = DBN(random_state=0, **fields).fit(X, y)
    run = Run(folder=tmp_path, checkpoint_seconds=0)
    with killed_after(after):
        DBN(random_state=0, **fields).fit(X, y, run=run)
    resumed = DBN(random_state=0, **fields).fit(X, y, run=Run(folder=tmp_path, checkpoint_seconds=0, resume=True))
    for (name, a), b in zip(whole.net_.state_dict().items(), resumed.net_.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_no_layers_are_no_net(digits: Any) -> None:
    with pytest.raises(VeneroError, match=r"DBN\.hidden = \(\)"):
        DBN(hidden=()).fit(digits.X[:20])
