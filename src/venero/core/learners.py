"""The two ways to learn: gradient descent on objectives, and expectation-maximisation. A model is one or the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, Self, TypeVar

import torch
from sklearn.base import clone
from torch import nn

from venero.core.errors import VeneroError
from venero.core.estimator import Estimator
from venero.core.params import param
from venero.data.data import Data
from venero.train.rules import OPTIMIZERS, Descent, ExpectationMaximisation, GradientDescent, Objective, Rule
from venero.train.schedules import SCHEDULES, with_warmup
from venero.train.stage import Stage

N = TypeVar("N", bound=nn.Module)


@dataclass(eq=False, kw_only=True, repr=False)
class GradientModel(Estimator[N]):
    """Learns by gradient descent on the objectives of its network."""

    how: ClassVar[str] = "gradient descent"

    epochs: int = param(30, "passes over the data", low=0)
    batch_size: int = param(128, "examples per update", low=1)
    learning_rate: float = param(1e-3, "size of a step", above=0)
    optimizer: str = param("adam", "rule of a step", choices=tuple(OPTIMIZERS))
    weight_decay: float = param(0.0, "pull of the weights towards zero", low=0)
    schedule: str = param("constant", "how the step size changes over the epochs", choices=tuple(SCHEDULES))
    warmup: float = param(0.0, "share of training over which the step size rises from 0", low=0, high=1)
    clip: float | None = param(None, "longest gradient, in norm; None leaves gradients as they are", above=0)
    ema: float = param(0.0, "decay of the average of weights that is kept in the end; 0 keeps the last weights", low=0, high=1)
    validation: float = param(0.1, "share of the rows held out to watch the loss on", low=0, high=0.9)
    patience: int | None = param(None, "stop after so many epochs without a better held-out loss; None never", low=1)

    def objectives(self, net: N) -> Iterable[Objective]:
        """What is minimised; most networks have one loss."""
        yield Objective("net", net, net.loss)  # type: ignore[arg-type]

    def rule(self, net: N) -> Rule:
        schedule = with_warmup(SCHEDULES[self.schedule], self.warmup)
        how = Descent(self.optimizer, self.learning_rate, self.weight_decay, schedule, self.clip, self.ema)
        return GradientDescent(net, self.objectives(net), how)

    def patient(self) -> Self:
        return clone(self).set_params(epochs=10_000, patience=20)

    def stage(self, data: Data, rule: Rule, name: str = "fit") -> Stage:
        train, held_out = hold_out(data, self.validation)
        if self.patience is not None and held_out is None:
            raise VeneroError(
                f"{type(self).__name__}.patience = {self.patience!r} needs held-out rows: set validation > 0, or give more rows"
            )
        return Stage(name, train, rule, self.epochs, self.batch_size, held_out, self.patience)

    def updates(self, data: Data) -> int:
        """Updates in an epoch."""
        return ceil((len(data) - round(self.validation * len(data))) / self.batch_size)


@dataclass(eq=False, kw_only=True, repr=False)
class EMModel(Estimator[N]):
    """Learns by expectation-maximisation: its network has e_step and m_step."""

    how: ClassVar[str] = "expectation-maximisation"

    max_iter: int = param(100, "most iterations", low=1)
    tol: float = param(1e-4, "stop when the mean log-likelihood gains less, in nats", low=0)

    def rule(self, net: N) -> Rule:
        return ExpectationMaximisation(net, tol=self.tol)  # type: ignore[arg-type]

    def stage(self, data: Data, rule: Rule, name: str = "fit") -> Stage:
        return Stage(name, data, rule, self.max_iter, batch_size=4096)

    @property
    def n_iter_(self) -> int:
        """Iterations that fit took."""
        self._check_fitted()
        return len(self.history_)


def hold_out(data: Data, share: float) -> tuple[Data, Data | None]:
    """Rows to learn from and rows to watch, split at random by the running stream."""
    n = round(share * len(data))
    if n == 0 or n == len(data):
        return data, None
    order = torch.randperm(len(data), device="cpu").to(data.rows.device)
    return data.subset(order[n:].sort().values), data.subset(order[:n])
