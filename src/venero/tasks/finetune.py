"""What tasks that train share: the network of a model, taken into a larger one and trained by the library's own loop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from sklearn.base import clone
from torch import Tensor, nn

from venero.core.errors import VeneroError, shown
from venero.core.inputs import array_or_frame
from venero.data.data import Data
from venero.maths.random import seeded
from venero.train.loop import Trainer
from venero.train.run import Run
from venero.train.stage import Stage


def with_codes(model: Any, X: Any, run: Run | None) -> Any:
    """The model, which codes examples and learns by gradient descent; a copy that learns from X first, if it is not fitted.

    VeneroError for any other model.
    """
    if not hasattr(model, "encode"):
        raise VeneroError(f"model = {shown(model)}: must be a model that can encode, such as an auto-encoder")
    if model.takes_labels and getattr(getattr(model, "net_", None), "encode_takes_labels", True):
        raise VeneroError(f"model = {shown(model)}: its network wants labels; fit it with conditional=False")
    model = model if hasattr(model, "net_") else clone(model).fit(X, run=run)
    if not any(w.requires_grad for w in model.net_.parameters()):
        raise VeneroError(f"model = {shown(model)}: did not learn by gradient descent, so its network can't be trained further")
    return model


def with_net(model: Any, net: nn.Module) -> Any:
    """A fitted model like this one with another network, which is brought to the CPU."""
    other = copy.copy(model)
    other.net_ = net.to("cpu").eval()
    return other


def examples_of(model: Any, X: Any, y: Tensor | None = None, device: str | torch.device = "cpu") -> Data:
    """The user's X as the model's network sees it, with numbers of classes, if any."""
    return Data.of(array_or_frame(X), model.codec_, model.spec_, y, device)


def train(net: nn.Module, stages: Callable[[Trainer], Iterable[Stage]], run: Run | None, seed: int) -> list[Any]:
    """Run stages on a network with this seed; returns the history. Such runs are short: they can't be resumed."""
    run = Run() if run is None else run
    if run.resume:
        raise VeneroError("run.resume = True: fine-tuning can't be resumed; leave it out")
    trainer = Trainer(net, replace(run, folder=None), seed=seed, identity={"seed": seed})
    with seeded(seed):
        history = trainer.fit(stages(trainer))
    net.eval()
    return history
