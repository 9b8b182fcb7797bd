"""A decoder that has no weights of its own: the encoder's, transposed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TiedDecoder(nn.Module):
    """An encoder's layers in reverse order, transposed, with biases of their own: (B, n_out) -> (B, *shape).

    The encoder's layers are not registered here, so that a shared weight is saved and optimised once.
    """

    def __init__(self, encoder: nn.Sequential, shape: Sequence[int]):
        super().__init__()
        self._reversed = tuple(
            reversed(list(zip(encoder, _input_shapes(encoder, shape), strict=True)))
        )  # a tuple is not registered
        weights = [m.weight for m, _ in self._reversed if isinstance(m, (nn.Linear, nn.Conv2d))]
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(w.shape[1])) for w in weights)

    def forward(self, h: Tensor) -> Tensor:
        biases = iter(self.biases)
        for layer, shape in self._reversed:
            if isinstance(layer, nn.Linear):
                h = F.linear(h, layer.weight.T, next(biases))
            elif isinstance(layer, nn.Conv2d):
                h = _transposed_conv(layer, h, next(biases), shape)
            elif isinstance(layer, nn.Flatten):
                h = h.unflatten(1, shape)
            else:
                h = layer(h)  # an activation
        return h


def _input_shapes(encoder: nn.Sequential, shape: Sequence[int]) -> list[tuple[int, ...]]:
    """What each layer of the encoder is given, without the batch axis."""
    shapes, x = [], torch.zeros(1, *shape)
    with torch.no_grad():
        for layer in encoder:
            shapes.append(tuple(x.shape[1:]))
            x = layer(x)
    return shapes


def _transposed_conv(layer: nn.Conv2d, h: Tensor, bias: Tensor, shape: tuple[int, ...]) -> Tensor:
    least = [(h.shape[2 + i] - 1) * layer.stride[i] - 2 + layer.kernel_size[i] for i in (0, 1)]
    spare = [shape[1 + i] - least[i] for i in (0, 1)]
    return F.conv_transpose2d(h, layer.weight, bias, layer.stride, padding=1, output_padding=spare)
