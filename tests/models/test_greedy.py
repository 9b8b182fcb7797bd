"""Nets that learn layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import venero
from killing import killed_after
from venero.core.errors import VeneroError
from venero.data.data import Data
from venero.models.autoencoder import AutoEncoder
from venero.tasks.pretrain import PretrainedClassifier
from venero.train.run import Run

DEEP: dict[str, Any] = {"net": "mlp", "hidden": (40, 30, 20), "latent_dim": 8, "activation": "sigmoid", "random_state": 0}


@pytest.fixture(scope="module")
def digits() -> venero.Dataset:  # type: ignore[name-defined]
    return venero.dataset("digits")


def test_machines_are_unrolled_and_begin_far_better_than_random(digits: Any) -> None:
    """Without fine-tuning a random logistic net restores the mean image at best, and unrolled machines far more."""
    X = digits.X
    errors = {}
    fields = DEEP | {"hidden": (40,), "latent_dim": 30, "code": "sigmoid"}
    for pretrain in ("none", "rbm"):
        model = AutoEncoder(pretrain=pretrain, pretrain_epochs=20, epochs=0, batch_size=50, validation=0.0, **fields).fit(X)
        errors[pretrain] = model.reconstruction_error(X).mean()
    unit = X / X.max()
    mean = ((unit - unit.mean(0)) ** 2).sum((1, 2)).mean()
    assert errors["none"] > 0.95 * mean
    assert errors["rbm"] < 0.5 * mean
    for layer in model.net_.layers():
        torch.testing.assert_close(layer.down_weight, layer.up.weight.T)


def test_pre_training_helps_a_deep_logistic_net(digits: Any) -> None:
    fields = DEEP | {"epochs": 15, "batch_size": 50, "validation": 0.0, "loss": "cross entropy"}
    plain = AutoEncoder(**fields).fit(digits.X)
    ready = AutoEncoder(pretrain="rbm", pretrain_epochs=15, **fields).fit(digits.X)
    assert ready.reconstruction_error(digits.X).mean() < 0.85 * plain.reconstruction_error(digits.X).mean()


def test_each_stage_learns_its_own_layer_alone(digits: Any) -> None:
    model = AutoEncoder(pretrain="denoising", **DEEP)
    x = torch.from_numpy((digits.X[:200] / digits.X.max()).astype(np.float32))[:, None]
    spec = venero.AutoEncoder(epochs=0, **DEEP).fit(digits.X[:200]).spec_
    net = model.build(spec)
    stages = list(model.stages(net, Data.holding(x, spec)))
    assert [s.name for s in stages] == ["denoiser 1", "denoiser 2", "denoiser 3", "denoiser 4", "fit"]
    learned = [{id(p) for w in s.rule.weights for p in w} for s in stages[:-1]]  # type: ignore[attr-defined]
    assert all(not a & b for i, a in enumerate(learned) for b in learned[:i])
    assert set.union(*learned) == {id(p) for p in net.parameters()}
    assert [s.data.spec.shape for s in stages] == [(1, 8, 8), (40,), (30,), (20,), (1, 8, 8)]


def test_stacked_denoisers_start_a_classifier(digits: Any) -> None:
    """With few labels a pre-trained net errs less than the same one from a random start (Vincent et al. 2008)."""
    X, y = digits.X, digits.y
    fields = DEEP | {"hidden": (60,), "latent_dim": 60, "code": "sigmoid", "learning_rate": 5e-3}
    model = AutoEncoder(pretrain="denoising", pretrain_epochs=30, epochs=0, batch_size=50, validation=0.0, **fields).fit(X)
    known = slice(0, 200)
    score = {
        scratch: PretrainedClassifier(model, from_scratch=scratch, updates=300, learning_rate=5e-3, random_state=0)
        .fit(X[known], y[known])
        .score(X[200:], y[200:])
        for scratch in (False, True)
    }
    assert score[False] > score[True] + 0.02
    assert score[False] > 0.75


@pytest.mark.parametrize("pretrain", ["rbm", "denoising"])
@pytest.mark.parametrize("after", [3, 9, 14])
def test_a_killed_stack_resumes_bit_for_bit(pretrain: str, after: int, digits: Any, tmp_path: Path) -> None:
    X = digits.X[:150]
    fields = DEEP | {"hidden": (12, 10), "pretrain_epochs": 2, "epochs": 2, "batch_size": 60}
    whole = AutoEncoder(pretrain=pretrain, **fields).fit(X)
    run = Run(folder=tmp_path, checkpoint_seconds=0)
    with killed_after(after):
        AutoEncoder(pretrain=pretrain, **fields).fit(X, run=run)
    resumed = AutoEncoder(pretrain=pretrain, **fields).fit(X, run=Run(folder=tmp_path, checkpoint_seconds=0, resume=True))
    for (name, a), b in zip(whole.net_.state_dict().items(), resumed.net_.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_what_can_not_be_pre_trained_is_said_in_one_line(digits: Any) -> None:
    with pytest.raises(VeneroError, match="net='mlp'"):
        AutoEncoder(pretrain="denoising").fit(digits.X[:50])
    with pytest.raises(VeneroError, match="activation='sigmoid'"):
        AutoEncoder(pretrain="rbm", net="mlp").fit(digits.X[:50])
