"""The two ways a network learns from a batch: gradient descent on objectives, and expectation-maximisation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from venero.data.spec import Batch
from venero.train.distributed import Group
from venero.train.ema import EMA
from venero.train.schedules import Schedule, constant

Logs = Mapping[str, Tensor]
Loss = Callable[[Batch], Logs]


class Rule(Protocol):
    """How a network learns from a batch. Its state is what a checkpoint must hold besides the network.

    `step` is told which share of the stage is done, 0..1, and how many of the batch's examples count (see Group.share).
    """

    def start(self, group: Group, autocast: Callable[[], AbstractContextManager[Any]]) -> None: ...
    def step(self, batch: Batch, done: float, examples: int) -> Logs: ...
    def evaluate(self, batch: Batch) -> Logs: ...
    def end_epoch(self) -> bool: ...  # True when there is nothing left to learn
    def averaged(self) -> AbstractContextManager[None]: ...  # the weights to evaluate with
    def finish(self) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


class Stateless:
    """What a rule is that keeps nothing besides the network: a base for `step`."""

    def start(self, group: Group, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        """Nothing is shared out."""

    def evaluate(self, batch: Batch) -> Logs:
        return {}

    def end_epoch(self) -> bool:
        return False

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def finish(self) -> None:
        """Nothing: what was learned is the network's."""

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing: no step knows of the steps before it."""


@dataclass(frozen=True)
class Objective:
    """Minimise loss(batch)["loss"], a mean over the batch, over the parameters of one module."""

    name: str
    module: nn.Module
    loss: Loss
    steps: int = 1  # updates per batch


def _adam(weights: list[nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(weights, lr=rate, weight_decay=decay, fused=_fusable(weights))


def _adamw(weights: list[nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=_fusable(weights))


def _sgd(weights: list[nn.Parameter], rate: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(weights, lr=rate, weight_decay=decay, momentum=0.9)


def _fusable(weights: list[nn.Parameter]) -> bool:
    return all(w.device.type in ("cpu", "cuda") and w.is_floating_point() for w in weights)


OPTIMIZERS: dict[str, Callable[[list[nn.Parameter], float, float], torch.optim.Optimizer]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
}


@dataclass(frozen=True)
class Descent:
    """How to step down: what every gradient model's fields say."""

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Schedule = constant
    clip: float | None = None
    ema: float = 0.0
    momentum: float = 0.9  # of sgd


class GradientDescent:
    """One optimiser for each objective, stepped in turn: a GAN has two, most models one."""

    def __init__(self, net: nn.Module, objectives: Iterable[Objective], how: Descent):
        self.objectives = list(objectives)
        self.how = how
        self.weights = [[p for p in o.module.parameters() if p.requires_grad] for o in self.objectives]
        self.optimizers = [OPTIMIZERS[how.optimizer](w, how.learning_rate, how.weight_decay) for w in self.weights]
        for group in (g for o in self.optimizers for g in o.param_groups if "momentum" in g):
            group["momentum"] = how.momentum
        self.ema = EMA(net, how.ema) if how.ema else None
        self.group = Group()
        self.autocast: Callable[[], AbstractContextManager[Any]] = nullcontext

    def start(self, group: Group, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        self.group, self.autocast = group, autocast

    def step(self, batch: Batch, done: float, examples: int) -> Logs:
        logs: dict[str, Tensor] = {}
        rate = self.how.learning_rate * self.how.schedule(done)
        for objective, optimizer, weights in zip(self.objectives, self.optimizers, self.weights, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            for _ in range(objective.steps):
                losses = self._update(objective, optimizer, weights, batch, examples)
            logs |= self._named(objective, losses)
        if self.ema:
            self.ema.update()
        return logs

    def _update(
        self, objective: Objective, optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], batch: Batch, examples: int
    ) -> Logs:
        optimizer.zero_grad()
        with self.autocast():
            losses = objective.loss(batch)
        losses["loss"].backward()
        self.group.average_gradients(weights, examples)
        if self.how.clip:
            nn.utils.clip_grad_norm_(weights, self.how.clip)
        optimizer.step()
        return losses

    def _named(self, objective: Objective, losses: Logs) -> dict[str, Tensor]:
        """One objective's terms keep their names; of several, each has its objective's name before it."""
        prefix = "" if len(self.objectives) == 1 else f"{objective.name}/"
        return {prefix + k: v.detach() for k, v in losses.items()}

    @torch.no_grad()
    def evaluate(self, batch: Batch) -> Logs:
        logs: dict[str, Tensor] = {}
        for objective in self.objectives:
            with self.autocast():
                logs |= self._named(objective, objective.loss(batch))
        return logs

    def end_epoch(self) -> bool:
        return False

    def averaged(self) -> AbstractContextManager[None]:
        return self.ema.in_place() if self.ema else nullcontext()

    def finish(self) -> None:
        if self.ema:
            self.ema.install()

    def state(self) -> dict[str, Any]:
        return {"optimizers": [o.state_dict() for o in self.optimizers], "ema": self.ema.state() if self.ema else None}

    def restore(self, state: dict[str, Any]) -> None:
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.ema:
            self.ema.restore(state["ema"])


class Expects(Protocol):
    """A network that learns by expectation-maximisation. Statistics are sums over examples, of any shape."""

    def e_step(self, batch: Batch) -> dict[str, Tensor]: ...  # holds "count" and "log_likelihood"
    def m_step(self, totals: dict[str, Tensor]) -> Tensor | None: ...  # a bound to watch in place of the likelihood, or None


class ExpectationMaximisation:
    """Sum expected statistics over the batches of an epoch, then solve for the parameters (Dempster, Laird & Rubin 1977)."""

    def __init__(self, net: Expects, *, tol: float):
        self.net, self.tol = net, tol
        self.totals: dict[str, Tensor] = {}
        self.previous = float("-inf")
        self.group = Group()

    def start(self, group: Group, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        self.group = group  # mixed precision is not for sums that are subtracted from each other

    @torch.no_grad()
    def step(self, batch: Batch, done: float, examples: int) -> Logs:
        statistics = self.net.e_step(batch)
        for name, value in statistics.items():
            self.totals[name] = self.totals.get(name, 0) + (value if examples else torch.zeros_like(value))
        return self._logs(statistics)

    @torch.no_grad()
    def evaluate(self, batch: Batch) -> Logs:
        return self._logs(self.net.e_step(batch))

    @staticmethod
    def _logs(statistics: Mapping[str, Tensor]) -> Logs:
        return {"loss": -statistics["log_likelihood"] / statistics["count"].clamp_min(1)}

    @torch.no_grad()
    def end_epoch(self) -> bool:
        self.group.sum(*(self.totals[name] for name in sorted(self.totals)))
        bound = self.net.m_step(self.totals)
        score = float((self.totals["log_likelihood"] if bound is None else bound) / self.totals["count"])
        gain, self.previous, self.totals = score - self.previous, score, {}
        return gain < self.tol

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def finish(self) -> None:
        """Nothing: the last M-step's parameters are the network's."""

    def state(self) -> dict[str, Any]:
        return {"totals": dict(self.totals), "previous": self.previous}

    def restore(self, state: dict[str, Any]) -> None:
        self.totals, self.previous = state["totals"], state["previous"]
