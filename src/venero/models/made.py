"""MADE: masked auto-encoder for distribution estimation (Germain, Gregor, Murray & Larochelle 2015).

log p(x) = sum_g log p(x_g | groups before g), all of it in one pass; a group is a pixel or a column. Several orders of the
groups make an ensemble (section 4.2): p(x) is the mean of what the orders say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from venero.core.abilities import Completes, Samples, Scores
from venero.core.errors import VeneroError
from venero.core.learners import GradientModel
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.random import bits, keyed_uniform, row_keys, seeded
from venero.nn.conditionals import Conditionals, kinds_of
from venero.nn.masked import Choose, MaskedNet
from venero.nn.mlp import ACTIVATIONS
from venero.train.stage import Stage

PARTICLES = 64  # draws for each example to complete, one of which is taken by its weight
LOOKED_AT = 10_000  # examples at most that the first biases come from


class MADENet(nn.Module):
    """One masked net, and the orders that it was trained in."""

    orders: Tensor  # (K, G): groups, first to last
    label_share: Tensor  # (n_classes,) p(y)

    def __init__(self, spec: Spec, options: MADE, as_bits: bool):
        super().__init__()
        self.shape, self.n_classes = spec.shape, spec.n_classes
        self.groups = Conditionals(kinds_of(spec, options.components, as_bits))
        self.draws_bits = as_bits and spec.levels != 2
        self.density = not (as_bits or spec.levels)
        self.score_of = _scored(as_bits, spec.levels)
        sizes = (self.groups.in_group, self.groups.out_group)
        self.net = MaskedNet(*sizes, options.hidden, options.activation, spec.n_classes)
        g = len(self.groups)
        first = torch.arange(g) if options.order == "natural" else torch.randperm(g)
        self.register_buffer("orders", torch.stack([first, *(torch.randperm(g) for _ in range(options.n_orders - 1))]))
        self.register_buffer("label_share", torch.full((spec.n_classes,), 1 / max(1, spec.n_classes)))
        self._masks: dict[int, list[Tensor]] = {}

    def masks(self, k: int) -> list[Tensor]:
        """Of the k-th order."""
        if k not in self._masks or self._masks[k][0].device != self.orders.device:
            self._masks[k] = self.net.masks(self.orders[k])
        return self._masks[k]

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """What the net says at first is about what each group of the examples (n, D) is by itself."""
        last = self.net.layers[-1]
        last.weight.mul_(0.1)
        last.bias.copy_(self.groups.start(x))

    # -- the maths ---------------------------------------------------------------------
    def log_probs(self, x: Tensor, y: Tensor | None, k: int) -> Tensor:
        """log p(x_g | groups before g in the k-th order): (B, D) -> (B, G)."""
        return self.groups.log_probs(x, self.net(x, self.masks(k), self._one_hot(y)))

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        x = batch.x.flatten(1)
        x = bits(x) if self.draws_bits else x
        k = int(torch.randint(len(self.orders), (), device="cpu")) if len(self.orders) > 1 else 0
        return {"loss": -self.log_probs(x, batch.y, k).sum(1).mean()}

    def log_prob(self, batch: Batch) -> Tensor:
        """log of the mean over orders of p(x); without labels, of a conditional model, log sum_y p(y) p(x | y)."""
        x = self._observed(batch.x)
        if batch.y is not None or not self.n_classes:
            return self._over_orders(x, batch.y)
        every = [torch.full((len(x),), c, device=x.device) for c in range(self.n_classes)]
        joint = [self._over_orders(x, y) + share.log() for y, share in zip(every, self.label_share, strict=True)]
        return torch.stack(joint).logsumexp(0)

    def _over_orders(self, x: Tensor, y: Tensor | None) -> Tensor:
        each = [self.log_probs(x, y, k).sum(1, dtype=torch.float64) for k in range(len(self.orders))]
        return torch.stack(each).logsumexp(0) - log(len(each))

    def element_log_prob(self, batch: Batch) -> Tensor:
        """The surprise of each group, as a mean over orders, at the group's first place: (B, *shape)."""
        x = self._observed(batch.x)
        y = batch.y if batch.y is not None or not self.n_classes else self.likeliest(x)
        each = torch.stack([self.log_probs(x, y, k) for k in range(len(self.orders))]).mean(0)
        first = torch.tensor([s.start for s in self.groups.ins], device=x.device)
        return torch.zeros_like(x).index_copy(1, first, each).view_as(batch.x)

    def likeliest(self, x: Tensor) -> Tensor:
        """The label under which x (B, D) is likeliest."""
        every = [self._over_orders(x, torch.full((len(x),), c, device=x.device)) for c in range(self.n_classes)]
        return (torch.stack(every) + self.label_share.log()[:, None]).argmax(0)

    def _observed(self, x: Tensor) -> Tensor:
        """What is scored: bits drawn from grey levels, each example's by its own key, where the model is of bits."""
        flat = x.flatten(1)
        return (keyed_uniform(row_keys(x) ^ 1, flat.shape[1]) < flat).to(flat) if self.draws_bits else flat

    def _one_hot(self, y: Tensor | None) -> Tensor | None:
        if self.n_classes and y is None:
            raise VeneroError("this MADE is conditional: give labels y")
        return nn.functional.one_hot(y, self.n_classes).float() if y is not None and self.n_classes else None

    # -- abilities ---------------------------------------------------------------------
    def sample(self, n: int, y: Tensor | None = None) -> Tensor:
        """A group after the other, each example in an order that is drawn for it."""
        if self.n_classes and y is None:
            y = self.label_share.multinomial(n, replacement=True)
        which, extra = torch.randint(len(self.orders), (n,)), self._one_hot(y)
        x = torch.empty(n, len(self.groups.in_group))
        for k in which.unique().tolist():
            rows = which == k
            x[rows] = self._walk(int(rows.sum()), k, None if extra is None else extra[rows])
        return x.unflatten(1, self.shape)

    def _walk(self, n: int, k: int, extra: Tensor | None, choose: Choose | None = None) -> Tensor:
        """n draws (n, D) in the k-th order."""
        draw = lambda g, h: self.groups.kinds[g].sample(h)  # noqa: E731
        return self.net.walk(n, self.orders[k], (self.groups.ins, self.groups.outs), choose or draw, extra)

    def complete(self, x: Tensor, known: Tensor) -> Tensor:
        """A draw of the unknown given the known: of some draws that each follow the order, one is taken by how well it
        foretold the known (importance resampling; exact where the known comes first)."""
        with seeded(0):  # the same answer each time
            flat, mask = (t.flatten(1).repeat_interleave(PARTICLES, 0) for t in (x, known))
            weight, k = flat.new_zeros(len(flat)), self._order_for(known.flatten(1))

            def choose(g: int, h: Tensor) -> Tensor:
                kind, there = self.groups.kinds[g], mask[:, self.groups.ins[g]]
                given = flat[:, self.groups.ins[g]]
                weight.add_(kind.log_prob(given, h) * there.all(1))
                return torch.where(there, given, kind.sample(h))

            y = self.label_share.multinomial(len(flat), replacement=True) if self.n_classes else None
            drawn = self._walk(len(flat), k, self._one_hot(y), choose)
            which = weight.view(-1, PARTICLES).softmax(1).multinomial(1)[:, 0]
            rows = torch.arange(len(x), device=x.device) * PARTICLES + which
            return drawn[rows].view_as(x)

    def _order_for(self, known: Tensor) -> int:
        """The order in which most of the unknown comes late."""
        first = torch.tensor([s.start for s in self.groups.ins], device=known.device)
        unknown = (~known[:, first]).float().mean(0)  # (G,)
        places = torch.arange(len(first), device=known.device).float()
        return int(torch.stack([(unknown[order] * places).sum() for order in self.orders]).argmax())


def _scored(as_bits: bool, levels: int) -> str:
    if as_bits:
        return "probability of the binarised example"
    return "probability of the 8-bit example" if levels == 256 else "density in the data's units"


@dataclass(eq=False, kw_only=True, repr=False)
class MADE(GradientModel[MADENet], Samples, Scores, Completes):
    """Writes an example one pixel or column at a time, each from those before it, all in one masked net.

    Images and mixed tables with missing values. The likelihood is exact.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 2)) @ np.array([[1.0, 2.0], [0.0, 0.5]])
    >>> model = MADE(hidden=(32,), epochs=40, learning_rate=5e-3, random_state=0).fit(X)
    >>> bool(model.score(X) > -2.2)  # the entropy is 2.14
    True
    """

    score_kind = "exact"
    paper = "Germain, Gregor, Murray & Larochelle 2015"

    hidden: tuple[int, ...] = param((500, 500), "widths of the hidden layers", low=1)
    activation: str = param("relu", "between layers", choices=tuple(ACTIVATIONS))
    likelihood: str = param(
        "auto",
        "of images; bernoulli: bits, with the grey level as probability; levels: grey levels; auto: what the data have",
        choices=("auto", "bernoulli", "levels"),
    )
    components: int = param(5, "mixture components of a number or a grey level", low=1)
    order: str = param(
        "natural", "in which it writes pixels or columns: theirs, or a random one", choices=("natural", "random")
    )
    n_orders: int = param(1, "orders that it learns; the others are random, and a score is the mean probability of all", low=1)
    conditional: bool = param(False, "learn p(x | y): fit and sample take labels")

    def as_bits(self, spec: Spec) -> bool:
        """Whether each pixel is a bit."""
        if self.likelihood == "levels" and not spec.levels:
            raise VeneroError("MADE.likelihood = 'levels' is for images of grey levels (uint8): use 'auto'")
        if spec.form == "columns":
            if self.likelihood != "auto":
                raise VeneroError(f"MADE.likelihood = {self.likelihood!r} is for images, and this is a table: use 'auto'")
            return False
        return self.likelihood == "bernoulli" or (self.likelihood == "auto" and spec.levels == 2)

    def build(self, spec: Spec) -> MADENet:
        if not self.hidden:
            raise VeneroError("MADE.hidden = (): at least one hidden layer is needed")
        return MADENet(spec, self, self.as_bits(spec))

    def stages(self, net: MADENet, data: Data) -> Iterator[Stage]:
        net.start(data.some(LOOKED_AT).x.flatten(1))
        labels = data.labels()
        if labels is not None:
            net.label_share.copy_(torch.bincount(labels, minlength=net.n_classes) / len(labels))
        yield from super().stages(net, data)
