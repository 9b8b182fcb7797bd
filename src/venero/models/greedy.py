"""Deep nets learned a layer at a time, each on the codes of those below.

As restricted Boltzmann machines: Hinton & Salakhutdinov 2006. As denoising auto-encoders: Vincent, Larochelle, Bengio &
Manzagol 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.nn.harmonium import START, Contrast, Harmonium
from venero.nn.units import Bits
from venero.train.rules import Descent, GradientDescent, Objective
from venero.train.schedules import linear, with_warmup
from venero.train.stage import Stage

MEANS_OF = 10_000  # examples at most that the first biases are taken of
LINEAR = 0.01  # a layer of linear units learns at this share of the rate (0.001 to 0.1 in the paper)
DECAY = 2e-4  # of a machine's weights (as in the paper)


@dataclass(frozen=True)
class Layer:
    """A layer of an encoder and what leads back down; `squash` follows it on the way up, or nothing does (None)."""

    up: nn.Linear
    down_bias: Tensor
    down_weight: Tensor | None = None  # (D, H); None: it is the way up's
    squash: Callable[[Tensor], Tensor] | None = torch.sigmoid

    def code(self, batch: Batch) -> Tensor:
        """(B, ...) -> (B, H)."""
        h: Tensor = self.up(batch.x.flatten(1))
        return self.squash(h) if self.squash else h

    @torch.no_grad()
    def unroll(self) -> None:
        """The way down begins as the way up, transposed."""
        if self.down_weight is not None:
            self.down_weight.copy_(self.up.weight.T)

    def down(self, h: Tensor) -> Tensor:
        """(B, H) -> (B, D), before any squashing."""
        return F.linear(h, self.up.weight.T if self.down_weight is None else self.down_weight, self.down_bias)


@dataclass(frozen=True)
class Greedy:
    """How each layer learns."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float = 0.9


def above(layer: Layer, data: Data) -> Data:
    """The data as the next layer sees them."""
    return data.map(layer.code, Spec("vector", (layer.up.out_features,), "unit"))


def rbm_stages(layers: Sequence[Layer], data: Data, how: Greedy) -> Iterator[Stage]:
    """A stage for each layer, which learns as a restricted Boltzmann machine by CD-1, in place; then it is unrolled."""
    for i, layer in enumerate(layers):
        rbm = Harmonium(Bits(layer.up.in_features), layer.up.out_features, layer.up.weight, layer.down_bias, layer.up.bias)
        nn.init.normal_(rbm.weight, std=START)
        nn.init.zeros_(rbm.hidden_bias)
        if i == 0:
            rbm.start(data.some(MEANS_OF).x.flatten(1).mean(0))
        yield machine_stage(f"rbm {i + 1}", rbm, data, how, is_linear=layer.squash is None, share=1 / (len(layers) - i + 1))
        layer.unroll()
        data = above(layer, data)


def flat(batch: Batch) -> Tensor:
    """(B, ...) -> (B, D)."""
    return batch.x.flatten(1)


def machine_stage(
    name: str,
    rbm: Harmonium,
    data: Data,
    how: Greedy,
    is_linear: bool = False,
    see: Callable[[Batch], Tensor] = flat,
    share: float = 1.0,
) -> Stage:
    """A stage in which one machine learns to reconstruct what it sees of each batch."""
    contrast = Contrast(decay=DECAY, enhanced=False)  # as in the papers; for classes the plain gradient's features serve better
    rate = how.learning_rate * (LINEAR if is_linear else 1)
    descent = Descent("sgd", rate, 0.0, with_warmup(linear, 0.05), momentum=how.momentum)
    loss = lambda batch: contrast.reconstruct(rbm, see(batch), is_linear)  # noqa: E731
    rule = GradientDescent(rbm, [Objective("rbm", rbm, loss)], descent)
    return Stage(name, data, rule, how.epochs, how.batch_size, share=share)


class Denoiser(nn.Module):
    """One layer as an auto-encoder: the parameters that its stage learns, and its loss."""

    def __init__(self, layer: Layer, corrupt: Callable[[Tensor], Tensor], bounded: bool):
        super().__init__()
        self.up, self.bias, self.weight = layer.up, layer.down_bias, layer.down_weight
        self.layer, self.corrupt, self.bounded = layer, corrupt, bounded

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy where the clean input lies in 0..1, else the squared error, summed over an example."""
        x = batch.x.flatten(1)
        t = self.layer.down(self.layer.code(Batch(self.corrupt(x))))
        distance = F.binary_cross_entropy_with_logits(t, x, reduction="none") if self.bounded else (t - x) ** 2
        return {"loss": distance.sum(1).mean()}


def denoising_stages(
    layers: Sequence[Layer], data: Data, how: Greedy, descent: Descent, corrupt: Callable[[Tensor], Tensor]
) -> Iterator[Stage]:
    """A stage for each layer, which learns to restore the codes of the layers below from damaged ones."""
    bounded = data.spec.form == "unit"
    for i, layer in enumerate(layers):
        net = Denoiser(layer, corrupt, bounded)
        rule = GradientDescent(net, [Objective("denoiser", net, net.loss)], descent)
        yield Stage(f"denoiser {i + 1}", data, rule, how.epochs, how.batch_size, share=1 / (len(layers) - i + 1))
        bounded = isinstance(layer.squash, nn.Sigmoid)
        data = above(layer, data)
