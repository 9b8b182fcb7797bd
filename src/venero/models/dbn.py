"""Deep belief net.

Hinton, Osindero & Teh 2006: greedy layers, then up-down (contrastive wake-sleep); labels are units of the top associative
memory. The bound of its likelihood, by annealing the top machine: Salakhutdinov & Murray 2008.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.metaestimators import available_if
from torch import Tensor, nn
from torch.nn import functional as F

from venero.core.abilities import Encodes, Samples
from venero.core.errors import VeneroError
from venero.core.estimator import Estimator
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.likelihoods import log_bernoulli
from venero.maths.random import bits, keyed_uniform, row_keys
from venero.models.annealed import Annealed, knows_labels
from venero.models.greedy import DECAY, Greedy, machine_stage
from venero.nn.harmonium import Contrast, Harmonium
from venero.nn.partition import LogZ, log_partition
from venero.nn.stated import with_gradients
from venero.nn.units import Bits, Choice, Joint
from venero.train.rules import Descent, GradientDescent, Objective, Rule
from venero.train.schedules import linear
from venero.train.stage import Stage

LOOKED_AT = 10_000  # examples at most that means are taken of
DRAWS = 16  # of the hidden layers, for the bound of one example


class DBNNet(nn.Module):
    """p(v, h1, .., hL, y) = p(v | h1) .. p(h(L-2) | h(L-1)) p(h(L-1), hL, y), the last one a restricted Boltzmann machine."""

    base: Tensor  # (D,) of the top machine: biases at which its visible units have the data's means
    log_z: Tensor  # () of the top machine, double
    log_z_error: Tensor  # () its standard error; 0: exact
    label_share: Tensor  # (n_classes,) p(y)
    density = False
    score_of = "probability of the binarised example"

    encode_takes_labels = False

    def __init__(self, spec: Spec, hidden: Sequence[int]):
        super().__init__()
        self.shape, self.n_classes, self.draws_bits = spec.shape, spec.n_classes, spec.levels != 2
        sizes = (spec.numel, *hidden)
        self.layers = nn.ModuleList(Lower(a, b) for a, b in pairwise(sizes[:-1]))
        below = Bits(sizes[-2])
        self.top = Harmonium(Joint([below, Choice(spec.n_classes)]) if spec.n_classes else below, sizes[-1])
        self.code = Spec("vector", (sizes[-1],), "unit")
        self.register_buffer("base", torch.zeros(self.top.units.width))
        self.register_buffer("label_share", torch.full((spec.n_classes,), 1 / max(1, spec.n_classes)))
        for name in ("log_z", "log_z_error"):
            self.register_buffer(name, torch.full((), torch.nan, dtype=torch.float64))

    def start(self, batch: Batch) -> None:
        """The top machine's biases and the labels' shares, from examples as the layers below code them."""
        mean = self.labelled(batch.x.flatten(1), batch.y).mean(0)
        self.base.copy_(self.top.units.bias_of(mean))
        self.top.start(mean)
        if batch.y is not None:
            self.label_share.copy_((torch.bincount(batch.y, minlength=self.n_classes) + 1) / (len(batch.y) + self.n_classes))

    def take(self, log_z: LogZ) -> None:
        self.log_z.fill_(log_z.value)
        self.log_z_error.fill_(log_z.error)

    @property
    def lower(self) -> list[Lower]:
        """The layers below the top, from the examples upwards."""
        return [m for m in self.layers if isinstance(m, Lower)]

    # -- passes ------------------------------------------------------------------------
    def up(self, x: Tensor) -> Tensor:
        """Probabilities of the units below the top: (B, *shape) -> (B, H)."""
        v = x.flatten(1)
        for layer in self.lower:
            v = layer.recognition(v).sigmoid()
        return v

    def labelled(self, h: Tensor, y: Tensor | None) -> Tensor:
        """The top machine's visible units; without labels none of theirs is on."""
        if not self.n_classes:
            return h
        return torch.cat([h, h.new_zeros(len(h), self.n_classes) if y is None else F.one_hot(y, self.n_classes).to(h)], 1)

    def down(self, h: Tensor, noise: bool = True) -> Tensor:
        """A draw of v from the units below the top, or with `noise` off its probabilities: (B, H) -> (B, D)."""
        for i, layer in reversed(list(enumerate(self.lower))):
            p = layer.generation(h).sigmoid()
            h = bits(p) if noise or i else p
        return h

    # -- learning ----------------------------------------------------------------------
    def up_down(self, batch: Batch, steps: int, contrast: Contrast) -> dict[str, Tensor]:
        """One step of the contrastive wake-sleep algorithm (Hinton, Osindero & Teh 2006, appendix B)."""
        with torch.no_grad():
            awake = [batch.x.flatten(1)]
            for layer in self.lower:
                awake.append(bits(layer.recognition(awake[-1]).sigmoid()))
            v = self.labelled(awake[-1], batch.y)
            p = self.top.hidden(v)
            dream, q, _ = self.top.gibbs(bits(p), steps)
            gradients = contrast.gradients(self.top, torch.cat([v, dream]), torch.cat([p, q]), len(v))
            asleep = [dream[:, : awake[-1].shape[1]]]
            for layer in self.lower[::-1]:
                asleep.insert(0, bits(layer.generation(asleep[0]).sigmoid()))
            lost = torch.zeros(())
            for i, layer in enumerate(self.lower):
                wake, error = layer.wake(awake[i], awake[i + 1])
                gradients |= wake | layer.sleep(asleep[i], asleep[i + 1])
                lost = lost if i else error
        return {"loss": with_gradients(lost, gradients)}

    # -- likelihood and classes --------------------------------------------------------
    def log_prob(self, batch: Batch) -> Tensor:
        """The mean over draws of q(h | v) of log p(v, h) - log q(h | v): (B,) double.

        A lower bound of log p(x) if log Z is right. With labels of log p(x | y) = log p(x, y) - log p(y).
        """
        keys = row_keys(batch.x)
        v = batch.x.flatten(1)
        v = (keyed_uniform(keys ^ 1, v.shape[1]) < v).to(v) if self.draws_bits else v
        top = deepcopy(self.top).double()
        total = torch.stack([self._bound(v, batch.y, keys ^ (draw + 2), top) for draw in range(DRAWS)]).mean(0)
        return total if batch.y is None else total - self.label_share[batch.y].double().log()

    def _bound(self, v: Tensor, y: Tensor | None, keys: Tensor, top: Harmonium) -> Tensor:
        ratio, start = torch.zeros(len(v), dtype=torch.float64, device=v.device), 0
        for layer in self.lower:
            t = layer.recognition(v)
            h = (keyed_uniform(keys, t.shape[1], start) < t.sigmoid()).to(v)
            start += t.shape[1]
            ratio += (log_bernoulli(v, layer.generation(h)).sum(1) - log_bernoulli(h, t).sum(1)).double()
            v = h
        if y is None and self.n_classes:
            return ratio + (-self.by_class(v, top)).logsumexp(1) - self.log_z
        return ratio - top.free_energy(self.labelled(v, y).double()) - self.log_z

    def by_class(self, h: Tensor, top: Harmonium | None = None) -> Tensor:
        """Free energy of the top machine with every label: (B, H) -> (B, n_classes) double."""
        top = deepcopy(self.top).double() if top is None else top
        one_hot = torch.eye(self.n_classes, dtype=torch.float64, device=h.device)
        v = self.labelled(h, None).double()
        each = [top.free_energy(torch.cat([v[:, : -self.n_classes], e.expand(len(h), -1)], 1)) for e in one_hot]
        return torch.stack(each, 1)

    # -- abilities ---------------------------------------------------------------------
    def encode(self, x: Tensor) -> Tensor:
        """Probabilities of the top units, by recognition, no label being on."""
        return self.top.hidden(self.labelled(self.up(x), None))

    def sample(self, n: int, y: Tensor | None = None, steps: int = 500, noise: bool = True) -> Tensor:
        """`steps` of Gibbs sampling in the top machine, labels clamped, then a pass down; pixels' means without `noise`."""
        if self.n_classes and y is None:
            y = self.label_share.multinomial(n, replacement=True)
        v = self.top.units.sample(self.base.expand(n, -1))
        for _ in range(max(1, steps)):
            if y is not None:
                v[:, -self.n_classes :] = F.one_hot(y, self.n_classes).to(v)
            v = self.top.units.sample(self.top.visible_input(bits(self.top.hidden(v))))
        return self.down(v[:, : v.shape[1] - self.n_classes], noise).unflatten(1, self.shape)


class Lower(nn.Module):
    """A layer below the top: weights for recognition (up) and generation (down), the same until up-down unties them."""

    def __init__(self, below: int, above: int):
        super().__init__()
        self.rbm = Harmonium(Bits(below), above)  # its weights and hidden biases are the recognition's
        self.weight = nn.Parameter(self.rbm.weight.detach().clone())  # (H, D) of the generation

    def tie(self) -> None:
        with torch.no_grad():
            self.weight.copy_(self.rbm.weight)

    def code(self, batch: Batch) -> Tensor:
        return self.rbm.hidden(batch.x.flatten(1))

    def recognition(self, v: Tensor) -> Tensor:
        return self.rbm.hidden_input(v)

    def generation(self, h: Tensor) -> Tensor:
        return torch.addmm(self.rbm.visible_bias, h, self.weight)

    def wake(self, v: Tensor, h: Tensor) -> tuple[dict[Tensor, Tensor], Tensor]:
        """Gradients of -log p(v | h) by the generation's parameters, and the squared error of v."""
        error = self.generation(h).sigmoid() - v
        return {self.weight: h.T @ error / len(v), self.rbm.visible_bias: error.mean(0)}, (error**2).sum(1).mean()

    def sleep(self, v: Tensor, h: Tensor) -> dict[Tensor, Tensor]:
        """Gradients of -log q(h | v) by the recognition's parameters, of what was dreamt."""
        error = self.recognition(v).sigmoid() - h
        return {self.rbm.weight: error.T @ v / len(v), self.rbm.hidden_bias: error.mean(0)}


@dataclass(eq=False, kw_only=True, repr=False)
class DBN(Estimator[DBNNet], Samples, Annealed, Encodes):
    """Layers of binary features, each learned on the one below, under a machine that associates the last with the labels.

    Images. With `conditional` it draws examples of a class and tells classes by free energy. Its likelihood is bounded from
    below, up to the estimate of the top machine's log Z.
    """

    forms: ClassVar[dict[str, str]] = {"image": "unit"}
    machine = "top"
    paper = "Hinton, Osindero & Teh 2006"
    how = "contrastive divergence, layer by layer, then wake-sleep"

    hidden: tuple[int, ...] = param((500, 500, 2000), "hidden layers, from the one above the examples to the top", low=1)
    conditional: bool = param(False, "labels are units of the top machine: fit and sample take labels")
    epochs: int = param(10, "passes over the data for each layer", low=0)
    batch_size: int = param(100, "examples per update", low=1)
    learning_rate: float = param(0.1, "size of a step of a layer's machine; it falls to 0", above=0)
    momentum: float = param(0.9, "share of the last step that goes into the next one", low=0, high=0.999)
    up_down_epochs: int = param(10, "passes of fine-tuning by the up-down algorithm", low=0)
    up_down_learning_rate: float = param(0.05, "size of its steps; it falls to 0", above=0)
    gibbs_steps: int = param(3, "steps of Gibbs sampling in the top machine during up-down", low=1)
    ais_chains: int = param(100, "chains of annealed importance sampling, for log Z of the top machine", low=2)
    ais_steps: int = param(1000, "its temperatures", low=10)

    def build(self, spec: Spec) -> DBNNet:
        if not self.hidden:
            raise VeneroError("DBN.hidden = (): needs at least one layer, such as (500, 500, 2000)")
        return DBNNet(spec, self.hidden)

    def stages(self, net: DBNNet, data: Data) -> Iterator[Stage]:
        how, left = Greedy(self.epochs, self.batch_size, self.learning_rate, self.momentum), len(net.layers) + 2
        view = data
        for i, layer in enumerate(net.lower):
            if i == 0:
                layer.rbm.start(data.some(LOOKED_AT).x.flatten(1).mean(0))
            yield machine_stage(f"rbm {i + 1}", layer.rbm, view, how, share=1 / (left - i))
            layer.tie()
            view = view.map(layer.code, Spec("vector", (len(layer.rbm.hidden_bias),), "unit"))
        net.start(view.some(LOOKED_AT))
        see = lambda batch: net.labelled(batch.x.flatten(1), batch.y)  # noqa: E731
        yield machine_stage("top", net.top, view, how, see=see, share=0.5)
        yield Stage("up-down", data, self.rule(net), self.up_down_epochs, self.batch_size)

    def rule(self, net: DBNNet) -> Rule:
        """Of the up-down algorithm."""
        descent = Descent("sgd", self.up_down_learning_rate, schedule=linear, momentum=self.momentum)
        contrast = Contrast(decay=DECAY, enhanced=False)
        return GradientDescent(net, [Objective("net", net, lambda b: net.up_down(b, self.gibbs_steps, contrast))], descent)

    def finish(self, net: DBNNet, batch: Batch) -> None:
        net.take(log_partition(net.top, net.base, self.ais_chains, self.ais_steps))

    @available_if(knows_labels)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """p(y | x) of each class by the top machine's free energy: (n, ...) -> (n, n_classes)."""
        return self._apply(lambda b: (-self.net_.by_class(self.net_.up(b.x))).softmax(1), X).numpy()
