"""Random starts at which signals keep their size through many layers (He, Zhang, Ren & Sun 2015).

Torch's own start shrinks them to a third or less with each layer, so that a deep auto-encoder lies still for epochs.
"""

from __future__ import annotations

from math import prod, sqrt

import torch
from torch import Tensor, nn

from venero.nn.observation import Observation

GAINS = {"relu": sqrt(2), "silu": sqrt(2), "gelu": sqrt(2), "tanh": 1.0, "sigmoid": 1.0}
LAST = sqrt(1 / 3)
Weighted = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def start(net: nn.Sequential, activation: str) -> nn.Sequential:
    """Draw all weights anew, normal with standard deviation gain / sqrt(inputs of a unit), biases 0; returns the net.

    The last layer, which no activation follows, starts smaller: what a decoder says at first should be nearly the same of all.
    """
    layers = [m for m in net if isinstance(m, Weighted)]
    for i, layer in enumerate(layers):
        gain = GAINS[activation] if i + 1 < len(layers) else LAST
        nn.init.normal_(layer.weight, std=gain / sqrt(inputs(layer)))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


@torch.no_grad()
def start_at(decoder: nn.Module, observation: Observation, mean: Tensor) -> None:
    """Set the last biases so that the decoder says the data's mean (C, *rest) before it has learned anything (Burda 2015).

    Otherwise it first learns to say "nothing" everywhere, and sigmoids and ReLUs that die of this do not come back: a
    convolutional auto-encoder stayed there for epochs. Biases of a convolution are one per channel, and so is their mean.
    """
    bias = [p for name, p in decoder.named_parameters() if "bias" in name][-1]
    if bias.numel() != mean.numel() * observation.per_element:
        mean = mean.flatten(1).mean(1)
    bias.copy_(observation.inverse(mean).flatten())


def inputs(layer: Weighted) -> float:
    """How many numbers each output of a layer sums over (on average, for transposed convolutions)."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels * prod(layer.kernel_size)
    return layer.in_channels * prod(layer.kernel_size) / prod(layer.stride)
