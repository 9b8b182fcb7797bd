"""Boltzmann machine: binary units, visible and hidden, any two of which may be connected.

Ackley, Hinton & Sejnowski 1985: p(v) = sum_h exp(-E(v, h) / T) / Z with E = -sum_{i<j} w_ij s_i s_j - sum_i b_i s_i. The slope
of the log-likelihood in w_ij is (p_ij - p'_ij) / T: how often i and j are on together with examples clamped on the visible
units, less how often when nothing is. Both are counted at temperature T after a simulated annealing (Kirkpatrick, Gelatt &
Vecchi 1983), or computed exactly, by enumeration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from venero.core.abilities import Completes, Encodes, Samples, Scores
from venero.core.errors import VeneroError
from venero.core.estimator import Estimator
from venero.core.params import param
from venero.data.arrays import kind_of
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths import boltzmann as exact
from venero.maths.boltzmann import total_moments
from venero.maths.random import seeded
from venero.nn.boltzmann import MOST, Annealing, BoltzmannNet
from venero.train.distributed import Group
from venero.train.rules import Logs, Rule, Stateless
from venero.train.stage import Stage


class TwoPhases(Stateless):
    """The learning rule: one step of the weights for each batch, from what was on together with it clamped, and without."""

    def __init__(self, net: BoltzmannNet, model: BoltzmannMachine, *, noisy: bool = True, hidden: bool = True):
        self.net, self.model, self.hidden, self.group = net, model, hidden, Group()
        self.drop, self.add = (model.noise_on, model.noise_off) if noisy else (0.0, 0.0)

    def start(self, group: Group, autocast: Callable[[], AbstractContextManager[Any]]) -> None:
        self.group = group

    @torch.no_grad()
    def step(self, batch: Batch, done: float, examples: int) -> Logs:
        x = batch.x.flatten(1).double().repeat_interleave(self.model.annealings, 0)
        on = x * (1 - self.drop) + (1 - x) * self.add
        v = (torch.rand_like(on) < on).double()
        clamped, free = PHASES[self.model.statistics](self, v)
        counted = clamped.new_tensor(float(len(v) if examples else 0))
        clamped, free = (p * bool(examples) for p in (clamped, free))
        self.group.sum(clamped, free, counted)
        difference = (clamped - free) / counted.clamp_min(1)
        if not self.hidden:
            difference[self.net.v :] = difference[:, self.net.v :] = 0
        self._move(STEPS[self.model.learning](self.model, difference))
        return {"difference": difference.abs().mean()}

    def _move(self, change: Tensor) -> None:
        keep = 1 - self.model.weight_decay
        self.net.bias.mul_(keep).add_(change.diagonal())
        self.net.weight.mul_(keep).add_(change * self.net.mask)

    def annealed(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over chains of how often pairs are on together, clamped and free: (C, V) -> two of (N, N)."""
        net = self.net
        s = net.clamped(v)
        both = []
        for visible in (False, True):
            units = net.units(visible=visible, hidden=self.hidden)
            kept = net.settle(s, units, torch.rand) if len(units) else s[None]
            both.append(total_moments(kept) / len(kept))
        return both[0], both[1]

    def enumerated(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """The same, in expectation."""
        net = self.net
        weight, bias = net.scaled()
        p = net.hidden_given(v).softmax(1)  # (C, 2^H)
        across = v.T @ (p @ exact.states(net.h).to(p))
        clamped = torch.cat([torch.cat([v.T @ v, across], 1), torch.cat([across.T, exact.moments(p.sum(0), net.h)], 1)])
        joint = (exact.linear(bias) + exact.quadratic(weight)).softmax(0)
        return clamped, exact.moments(joint, net.n) * len(v)


PHASES: dict[str, Callable[[TwoPhases, Tensor], tuple[Tensor, Tensor]]] = {
    "annealing": TwoPhases.annealed,
    "exact": TwoPhases.enumerated,
}
STEPS: dict[str, Callable[[BoltzmannMachine, Tensor], Tensor]] = {
    "gradient": lambda model, difference: model.learning_rate * model.temperatures[-1] * difference,
    "sign": lambda model, difference: model.weight_step * difference.sign(),
}


@dataclass(eq=False, kw_only=True, repr=False)
class BoltzmannMachine(Estimator[BoltzmannNet], Samples, Scores, Encodes, Completes):
    """A network of binary units, visible and hidden, all connected, that learns awake and asleep, by simulated annealing.

    Takes tables of bits (0/1 or bool arrays) and small images; grey levels are probabilities of bits while it learns, and black
    or white from 0.5 on otherwise. Up to 20 units its scores and samples are exact; beyond, scores are estimates by annealed
    importance sampling, log_z_error_ says how good, and samples come from annealings.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).random((300, 1)) < [0.5, 0.5]  # two bits, always alike
    >>> model = BoltzmannMachine(n_hidden=1, statistics="exact", learning_rate=2.0, random_state=0).fit(X)
    >>> (np.exp(model.score_samples([[False, False], [False, True]])) > [0.4, 0.4]).tolist()
    [True, False]
    """

    forms = {"image": "unit", "bits": "unit"}  # noqa: RUF012 - a ClassVar by its base
    score_kind = "estimate"
    how = "clamped and free phases"
    paper = "Ackley, Hinton & Sejnowski 1985"

    n_hidden: int = param(16, "hidden units; 0 for a network of visible ones", low=0)
    visible_connections: bool = param(True, "whether visible units are connected to each other")
    visible_groups: tuple[int, ...] = param(
        (), "sizes of groups of visible units, connected inside a group only; none: all are one group", low=1
    )
    hidden_connections: bool = param(True, "whether hidden units are connected to each other")
    statistics: str = param(
        "annealing",
        "how pairs are counted: in annealings, or exactly, up to 20 units",
        choices=("annealing", "exact"),
    )
    annealings: int = param(2, "annealings of each example in each phase", low=1)
    temperatures: tuple[float, ...] = param((20.0, 15.0, 12.0, 10.0), "of an annealing; the last is the model's own", above=0)
    times: tuple[int, ...] = param((2, 2, 2, 4), "time at each of them: visits to every unit, on average", low=1)
    collect: int = param(10, "time at the last temperature while pairs are counted", low=1)
    gentleness: int = param(2, "how many times slower examples are completed than learned from", low=1)
    learning: str = param("gradient", "steps along the gradient, or of one size by its sign", choices=("gradient", "sign"))
    learning_rate: float = param(0.1, "of steps along the gradient, for weights over the last temperature", above=0)
    spread: float = param(0.1, "size of the weights at the start of learning by gradient, over the last temperature", low=0)
    weight_step: float = param(2.0, "size of steps by sign, as temperatures are", above=0)
    weight_decay: float = param(0.0, "share of itself that a weight loses in a step (Hinton & Sejnowski 1986)", low=0, high=1)
    noise_on: float = param(0.0, "probability that a bit that is on is clamped off", low=0, high=1)
    noise_off: float = param(0.0, "probability that a bit that is off is clamped on", low=0, high=1)
    visible_epochs: int = param(0, "epochs at first in which visible units learn without the hidden ones", low=0)
    noisy_epochs: int | None = param(None, "epochs with noise, after them; None for all, else the rest has none", low=0)
    epochs: int = param(50, "passes over the data with the hidden units (learning cycles, where a batch holds all)", low=0)
    batch_size: int = param(128, "examples for a step of the weights", low=1)
    ais_chains: int = param(200, "chains of annealed importance sampling for log Z, beyond 20 units", low=2)
    ais_steps: int = param(1000, "temperatures of annealed importance sampling", low=1)

    def _form(self, X: Any) -> str:
        return self.form("bits") if kind_of(X) == "table" else super()._form(X)

    def build(self, spec: Spec) -> BoltzmannNet:
        self._check_sizes(spec)
        annealing = Annealing(tuple(map(float, self.temperatures)), tuple(self.times), self.collect)
        net = BoltzmannNet(spec, self.n_hidden, self._mask(spec.numel), annealing, self.gentleness)
        net.ais_steps = self.ais_steps
        if self.learning == "gradient":
            noise = self.spread * annealing.last * torch.randn(net.n, net.n, dtype=torch.float64).triu(1)
            net.weight.copy_((noise + noise.T) * net.mask)
        return net

    def _check_sizes(self, spec: Spec) -> None:
        if len(self.times) != len(self.temperatures) or not self.times:
            raise VeneroError(
                f"BoltzmannMachine.times = {self.times}: must be one for each of {len(self.temperatures)} temperatures"
            )
        if self.visible_groups and sum(self.visible_groups) != spec.numel:
            raise VeneroError(
                f"BoltzmannMachine.visible_groups = {self.visible_groups}: must add up to the {spec.numel} visible units"
            )
        if self.statistics == "exact" and spec.numel + self.n_hidden > MOST:
            units = f"{spec.numel} visible, {self.n_hidden} hidden units"
            raise VeneroError(
                f"BoltzmannMachine.statistics = 'exact' with {units}: must be <= {MOST} together; use 'annealing'"
            )

    def _mask(self, v: int) -> Tensor:
        n = v + self.n_hidden
        sizes = torch.tensor(self.visible_groups or (v,))
        group = torch.arange(len(sizes)).repeat_interleave(sizes)
        mask = torch.ones(n, n, dtype=torch.float64)
        mask[:v, :v] = (group[:, None] == group) * self.visible_connections
        mask[v:, v:] = self.hidden_connections
        return mask.fill_diagonal_(0)

    def stages(self, net: BoltzmannNet, data: Data) -> Iterator[Stage]:
        mean = data.head(10_000).x.flatten(1).double().mean(0).clamp(0.5 / len(data), 1 - 0.5 / len(data))
        net.base[: net.v] = mean.logit()
        if self.learning == "gradient":  # independent units, so that what is left to learn is how they depend on each other
            net.bias[: net.v] = net.annealing.last * mean.logit()
        noisy = self.epochs if self.noisy_epochs is None else min(self.noisy_epochs, self.epochs)
        parts: list[tuple[str, Rule, int]] = [
            ("visible units", TwoPhases(net, self, hidden=False), self.visible_epochs),
            ("fit", TwoPhases(net, self), noisy),
            ("without noise", TwoPhases(net, self, noisy=False), self.epochs - noisy),
        ]
        for name, rule, epochs in parts:
            if epochs:
                yield Stage(name, data, rule, epochs, self.batch_size)

    def finish(self, net: BoltzmannNet, batch: Batch) -> None:
        with seeded(0), torch.no_grad():
            net.normalise(self.ais_chains)

    @property
    def log_z_error_(self) -> float:
        """Standard error of the estimate of log Z that scores rest on, in nats; 0 where it is exact."""
        self._check_fitted()
        return float(self.net_.log_z_error)
