"""Restricted Boltzmann machine.

Smolensky 1986; Hinton 2002 (contrastive divergence); Tieleman 2008 (persistent chains); Salakhutdinov & Murray 2008 (the
likelihood, by annealed importance sampling); Hinton 2012 (practical guide). Labels as units: Hinton, Osindero & Teh 2006;
Larochelle & Bengio 2008.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import torch
from sklearn.utils.metaestimators import available_if
from torch import Tensor, nn
from torch.nn import functional as F

from venero.core.abilities import Completes, Reconstructs, Samples
from venero.core.errors import VeneroError
from venero.core.learners import GradientModel
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.random import bits, keyed_uniform, row_keys, seeded
from venero.models.annealed import Annealed, knows_labels
from venero.nn.harmonium import PHASES, Contrast, Harmonium, measure
from venero.nn.partition import LogZ, log_partition
from venero.nn.units import Bits, Choice, Gaussians, Joint, Mixed, Units
from venero.train.rules import Descent, GradientDescent, Rule
from venero.train.schedules import SCHEDULES, with_warmup
from venero.train.stage import Stage

LOOKED_AT = 20_000  # examples at most that means are taken of
WATCHED = 1000  # training examples whose free energy is set against the held-out ones'
SWEEPS = 100  # of clamped Gibbs sampling, the second half of which is averaged
FORMS = {"auto": "columns", "columns": "columns", "gaussian": "standard", "bernoulli": "unit"}  # of tables
UNITS = {
    "bernoulli": lambda spec, learn: Bits(spec.numel),
    "gaussian": lambda spec, learn: Gaussians(spec.numel, learn),
    "columns": Mixed,
}


class RBMNet(nn.Module):
    """p(v, h) ~ exp(-E(v, h)), v an example's units and, where there are labels, one unit for each class."""

    base: Tensor  # (D,) visible biases at which each unit has the data's mean: where annealing and chains start
    chains: Tensor  # (n, H) or (temperatures, n, H): hidden states of the persistent chains
    log_z: Tensor  # () double; NaN before training is over
    log_z_error: Tensor  # () its standard error; 0: exact
    label_share: Tensor  # (n_classes,) p(y)
    shift: Tensor  # (D,) and
    scale: Tensor  # (): v = (x - shift) / scale

    def __init__(self, spec: Spec, options: RBM, visible: str):
        super().__init__()
        self.options, self.shape, self.n_classes = options, spec.shape, spec.n_classes
        units: Units = UNITS[visible](spec, options.learn_sigma)
        self.rbm = Harmonium(Joint([units, Choice(spec.n_classes)]) if spec.n_classes else units, options.n_hidden)
        self.density = visible != "bernoulli"
        self.draws_bits = visible == "bernoulli" and spec.levels != 2
        self.score_of = "density in the data's units" if self.density else "probability of the binarised example"
        self.code = Spec("vector", (options.n_hidden,), "unit")
        self.contrast = options.contrast()
        self.watched: Tensor | None = None
        m, n = options.temperatures, options.n_chains or options.batch_size
        chains = (m, n, options.n_hidden) if options.negative_phase == "pt" else (n, options.n_hidden)
        self.register_buffer("chains", bits(torch.full(chains, 0.5)))
        self.register_buffer("base", torch.zeros(self.rbm.units.width))
        self.register_buffer("label_share", torch.full((spec.n_classes,), 1 / max(1, spec.n_classes)))
        self.register_buffer("shift", torch.zeros(spec.numel))
        self.register_buffer("scale", torch.ones(()))
        for name in ("log_z", "log_z_error"):
            self.register_buffer(name, torch.full((), torch.nan, dtype=torch.float64))

    # -- examples as units -------------------------------------------------------------
    def units_of(self, x: Tensor, y: Tensor | None) -> Tensor:
        """(B, *shape) and labels -> (B, D)."""
        v = (x.flatten(1) - self.shift) / self.scale if self.density else x.flatten(1)
        return torch.cat([v, F.one_hot(y, self.n_classes).to(v)], 1) if y is not None and self.n_classes else v

    def example_of(self, v: Tensor) -> Tensor:
        """(B, D) -> (B, *shape), labels left out."""
        return (v[:, : len(self.shift)] * self.scale + self.shift).unflatten(1, self.shape)

    def start(self, x: Tensor, y: Tensor | None, standardise: bool) -> None:
        """Means of the data to start from; watched: some examples for the free-energy gap."""
        if standardise:
            self.shift.copy_(x.flatten(1).mean(0))
            self.scale.copy_((x.flatten(1) - self.shift).std().clamp_min(1e-3))
        v = self.units_of(x, y)
        self.base.copy_(self.rbm.units.bias_of(v.mean(0)))
        self.rbm.start(v.mean(0))
        self.watched = self._binary(v[torch.linspace(0, len(v) - 1, min(WATCHED, len(v))).long()])
        if y is not None:
            self.label_share.copy_((torch.bincount(y, minlength=self.n_classes) + 1) / (len(y) + self.n_classes))

    def _binary(self, v: Tensor) -> Tensor:
        return bits(v) if self.draws_bits else v

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        v = self._binary(self.units_of(batch.x, batch.y))
        if self.training:
            return self.contrast.loss(self.rbm, v, self.chains, self.base)
        return self._watch(v)

    @torch.no_grad()
    def _watch(self, v: Tensor) -> dict[str, Tensor]:
        """Of held-out examples; the gap grows from 0 as the machine begins to know its training examples by heart."""
        energy = self.rbm.free_energy(v).mean()
        logs = {"loss": measure(self.rbm, v, self.rbm.hidden_input(v)), "free_energy": energy}
        if self.watched is not None:
            logs["free_energy_gap"] = energy - self.rbm.free_energy(self.watched.to(v)).mean()
        return logs

    # -- the likelihood ----------------------------------------------------------------
    def take(self, log_z: LogZ) -> None:
        self.log_z.fill_(log_z.value)
        self.log_z_error.fill_(log_z.error)

    def log_prob(self, batch: Batch) -> Tensor:
        """log p(x), or log p(x | y) = log p(x, y) - log p(y), by the estimate of log Z: (B,) double."""
        v = self.observed(batch.x)
        log_z = self.log_z + len(self.shift) * self.scale.double().log()  # of x, not of v
        if not self.n_classes:
            return -self.free_energy(v) - log_z
        joint = -self.by_class(v) - log_z
        if batch.y is None:
            return joint.logsumexp(1)
        return joint.gather(1, batch.y[:, None])[:, 0] - self.label_share[batch.y].log()

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) summed over the labels, in double precision, as large sums nearly cancel: (B, D without labels) -> (B,)."""
        return -(-self.by_class(v)).logsumexp(1) if self.n_classes else deepcopy(self.rbm).double().free_energy(v.double())

    def observed(self, x: Tensor) -> Tensor:
        """The units that are scored: bits drawn from grey levels, each example's by its own key."""
        v = self.units_of(x, None)
        return (keyed_uniform(row_keys(x) ^ 1, v.shape[1]) < v).to(v) if self.draws_bits else v

    def by_class(self, v: Tensor) -> Tensor:
        """F(v, y) of every label: (B, D without labels) -> (B, n_classes) double."""
        rbm, c = deepcopy(self.rbm).double(), self.n_classes
        v = torch.cat([v, v.new_zeros(len(v), c)], 1).double()
        x = rbm.hidden_input(v)
        rest = rbm.units.base(v) - rbm.units.field(v) @ rbm.visible_bias  # no label is on
        h = torch.stack([F.softplus(x + up).sum(1) for up in rbm.weight[:, -c:].T], 1)
        return rest[:, None] - rbm.visible_bias[-c:] - h

    # -- abilities ---------------------------------------------------------------------
    def encode(self, x: Tensor) -> Tensor:
        v = self.units_of(x, None)  # and where there are labels the likeliest one's
        return self.rbm.hidden(self.units_of(x, self.by_class(v).argmin(1)) if self.n_classes else v)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.example_of(self.rbm.units.mean(self.rbm.visible_input(z)))

    def sample(self, n: int, y: Tensor | None = None, steps: int = 500) -> Tensor:
        """`steps` of Gibbs sampling from the persistent chains, or from the data's means; labels stay as they are given."""
        if self.n_classes and y is None:
            y = self.label_share.multinomial(n, replacement=True)
        h = self._begin(n)
        for _ in range(max(1, steps)):
            v = self.rbm.units.sample(self.rbm.visible_input(h))
            if y is not None:
                v[:, -self.n_classes :] = F.one_hot(y, self.n_classes).to(v)
            h = bits(self.rbm.hidden(v))
        return self.example_of(v)

    def _begin(self, n: int) -> Tensor:
        if self.options.negative_phase == "cd":
            return bits(self.rbm.hidden(self.rbm.units.sample(self.base.expand(n, -1))))
        chains = self.chains.flatten(0, -2)[-self.chains.shape[-2] :]
        return chains[torch.randint(len(chains), (n,), device=chains.device)]

    def complete(self, x: Tensor, known: Tensor) -> Tensor:
        """E[unknown | known] by clamped Gibbs sampling: the mean of p(v | h) over its later sweeps; what is known stays."""
        units, mask = self.rbm.units, known.flatten(1)
        v = self.units_of(x, None)
        mask = torch.cat([mask, mask.new_zeros(len(v), self.n_classes)], 1)
        v = torch.cat([v, v.new_zeros(len(v), self.n_classes)], 1)
        v = torch.where(mask, v, units.expected(self.base.expand(len(v), -1)))
        total = torch.zeros_like(v)
        with seeded(0):  # the same answer each time, which hidden values do not change
            for sweep in range(SWEEPS):
                t = self.rbm.visible_input(bits(self.rbm.hidden(v)))
                total += units.expected(t) * (sweep >= SWEEPS // 2)
                v = torch.where(mask, v, units.sample(t))
        return self.example_of(torch.where(mask, v, total / (SWEEPS - SWEEPS // 2)))

    def squared_errors(self, batch: Batch) -> Tensor:
        return (batch.x - self.decode(self.encode(batch.x))) ** 2

    def squared_error(self, batch: Batch) -> Tensor:
        return self.squared_errors(batch).flatten(1).sum(1)


@dataclass(eq=False, kw_only=True, repr=False)
class RBM(GradientModel[RBMNet], Samples, Annealed, Reconstructs, Completes):
    """Binary hidden features, each of which votes for patterns: a product of experts, learned by contrast with its own dreams.

    Images and mixed tables; with `conditional` labels are units too. The likelihood is known up to log Z, which is summed where
    one side has at most 20 units and else estimated with a standard error (`log_z_`, `log_z_error_`).
    """

    machine = "rbm"
    paper = "Smolensky 1986; Hinton 2002; Tieleman 2008"
    how = "contrastive divergence"

    n_hidden: int = param(256, "hidden units", low=1)
    visible: str = param("auto", "kind of visible units; auto: bernoulli for images, columns for tables", choices=tuple(FORMS))
    learn_sigma: bool = param(False, "Gaussian units learn their standard deviation; else it is 1, that of the data")
    negative_phase: str = param("pcd", "how it dreams: from the data, persistent, or tempered chains", choices=tuple(PHASES))
    gibbs_steps: int = param(1, "steps of Gibbs sampling before each update: the k of CD-k and PCD-k", low=1)
    n_chains: int | None = param(None, "persistent chains; None: as many as examples in a batch", low=1)
    temperatures: int = param(10, "temperatures of parallel tempering", low=2)
    epochs: int = param(30, "passes over the data", low=0)
    batch_size: int = param(100, "examples per update", low=1)
    learning_rate: float = param(0.05, "size of a step", above=0)
    optimizer: str = param("sgd", "rule of a step", choices=("adam", "adamw", "sgd"))
    momentum: float = param(0.5, "share of the last step that goes into the next one (sgd)", low=0, high=0.999)
    weight_decay: float = param(1e-4, "pull of the weights towards zero", low=0)
    schedule: str = param("linear", "how the step size changes over the epochs", choices=tuple(SCHEDULES))
    enhanced: bool = param(True, "follow the enhanced gradient (Cho, Raiko & Ilin 2011) instead of the plain one")
    sparsity: float = param(0.0, "weight of the pull of hidden units' mean activation to sparsity_target", low=0)
    sparsity_target: float = param(0.1, "mean activation that is wanted", above=0, high=1)
    ais_chains: int = param(100, "chains of annealed importance sampling, for log Z", low=2)
    ais_steps: int = param(1000, "its temperatures", low=10)
    conditional: bool = param(False, "learn p(x, y): fit and sample take labels")

    def form(self, kind: str) -> str:
        return "unit" if kind == "image" else FORMS[self.visible]

    def visible_for(self, spec: Spec) -> str:
        """The kind of visible units for this data."""
        auto = "columns" if spec.form == "columns" else "bernoulli"
        chosen = auto if self.visible == "auto" else self.visible
        if chosen == "columns" and spec.form != "columns":
            raise VeneroError("RBM.visible = 'columns' is for tables, and this is image data: use 'bernoulli' or 'gaussian'")
        return chosen

    def build(self, spec: Spec) -> RBMNet:
        return RBMNet(spec, self, self.visible_for(spec))

    def contrast(self) -> Contrast:
        sparsity = (self.sparsity, self.sparsity_target)
        return Contrast(self.gibbs_steps, self.negative_phase, self.weight_decay, *sparsity, self.enhanced)

    def rule(self, net: RBMNet) -> Rule:
        schedule = with_warmup(SCHEDULES[self.schedule], self.warmup)
        how = Descent(self.optimizer, self.learning_rate, 0.0, schedule, self.clip, self.ema, self.momentum)
        return GradientDescent(net, self.objectives(net), how)

    def stages(self, net: RBMNet, data: Data) -> Iterator[Stage]:
        every = max(1, ceil(len(data) / LOOKED_AT))
        some = data.subset(torch.arange(0, len(data), every, device=data.rows.device)).head(LOOKED_AT)
        net.start(some.x, some.y, net.density and data.spec.form == "unit")
        yield from super().stages(net, data)

    def finish(self, net: RBMNet, batch: Batch) -> None:
        net.take(log_partition(net.rbm, net.base, self.ais_chains, self.ais_steps))

    def free_energy(self, X: Any) -> np.ndarray:
        """F(x) of each example, in nats and the network's units: (n, ...) -> (n,); -F(x) - log Z = log p(x)."""
        return self._apply(lambda b: self.net_.free_energy(self.net_.observed(b.x)), X).numpy()

    @available_if(knows_labels)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """p(y | x) of each class, exactly, by free energy: (n, ...) -> (n, n_classes)."""
        return self._apply(lambda b: (-self.net_.by_class(self.net_.units_of(b.x, None))).softmax(1), X).numpy()
