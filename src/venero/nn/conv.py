"""Convolutional nets for images of any height, width and number of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from torch import nn

from venero.nn.mlp import ACTIVATIONS
from venero.nn.start import start

SMALLEST = 4  # an axis this short is not halved again


@dataclass(frozen=True)
class Level:
    """One strided convolution: from c_in channels of size h_in x w_in down to c_out of h_out x w_out."""

    channels: tuple[int, int]
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    stride: tuple[int, int]

    @property
    def kernel(self) -> tuple[int, int]:
        return (4 if self.stride[0] == 2 else 3, 4 if self.stride[1] == 2 else 3)

    def down(self) -> nn.Conv2d:
        return nn.Conv2d(*self.channels, self.kernel, self.stride, padding=1)

    def up(self) -> nn.ConvTranspose2d:
        """The same geometry backwards; the odd row or column that halving lost is put back by output_padding."""
        spare = [
            s - (o - 1) * st + 2 - k for s, o, st, k in zip(self.size_in, self.size_out, self.stride, self.kernel, strict=True)
        ]
        c_in, c_out = self.channels
        return nn.ConvTranspose2d(c_out, c_in, self.kernel, self.stride, padding=1, output_padding=(spare[0], spare[1]))


def levels(shape: Sequence[int], channels: Sequence[int]) -> list[Level]:
    """How an image of shape (C, H, W) shrinks: each level halves each axis that is longer than 4.

    >>> [level.size_out for level in levels((1, 31, 45), (32, 64))]
    [(15, 22), (7, 11)]
    """
    c, h, w = shape
    out = []
    for width in channels:
        stride = (2 if h > SMALLEST else 1, 2 if w > SMALLEST else 1)
        size = (h // stride[0], w // stride[1])
        out.append(Level((c, width), (h, w), size, stride))
        c, (h, w) = width, size
    return out


def conv_encoder(shape: Sequence[int], n_out: int, channels: Sequence[int], activation: str) -> nn.Sequential:
    """(B, C, H, W) -> (B, n_out)."""
    steps = levels(shape, channels)
    layers = [m for level in steps for m in (level.down(), ACTIVATIONS[activation]())]
    last = nn.Linear(channels[-1] * prod(steps[-1].size_out), n_out)
    return start(nn.Sequential(*layers, nn.Flatten(), last), activation)


def conv_decoder(n_in: int, shape: Sequence[int], channels: Sequence[int], activation: str) -> nn.Sequential:
    """(B, n_in) -> (B, C, H, W)."""
    steps = levels(shape, channels)
    grid = (channels[-1], *steps[-1].size_out)
    layers: list[nn.Module] = [nn.Linear(n_in, prod(grid)), nn.Unflatten(1, grid)]
    for level in reversed(steps):
        layers += [ACTIVATIONS[activation](), level.up()]
    return start(nn.Sequential(*layers), activation)
