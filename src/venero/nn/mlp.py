"""Fully connected nets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import nn

from venero.nn.start import start

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


def mlp(sizes: Sequence[int], activation: str = "relu") -> nn.Sequential:
    """Linear layers of the given sizes with the activation between them, none after the last."""
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), ACTIVATIONS[activation]()]
    return start(nn.Sequential(*layers[:-1]), activation)


def mlp_encoder(shape: Sequence[int], n_out: int, hidden: Sequence[int], activation: str) -> nn.Sequential:
    """(B, *shape) -> (B, n_out)."""
    return nn.Sequential(nn.Flatten(), *mlp([prod(shape), *hidden, n_out], activation))


def mlp_decoder(n_in: int, shape: Sequence[int], hidden: Sequence[int], activation: str) -> nn.Sequential:
    """(B, n_in) -> (B, *shape), the encoder's layers the other way round."""
    return nn.Sequential(*mlp([n_in, *reversed(hidden), prod(shape)], activation), nn.Unflatten(1, tuple(shape)))
