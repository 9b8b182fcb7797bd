"""Encoders and decoders by name, for any shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from venero.data.spec import Spec
from venero.nn.conv import conv_decoder, conv_encoder
from venero.nn.mlp import mlp_decoder, mlp_encoder

Build = Callable[..., nn.Sequential]
CODERS: dict[str, tuple[Build, Build]] = {
    "mlp": (mlp_encoder, mlp_decoder),
    "conv": (conv_encoder, conv_decoder),
}


@dataclass(frozen=True)
class Coder:
    """How examples of one shape are encoded and decoded: which net, how wide, which activation."""

    net: str  # "mlp" or "conv"
    shape: tuple[int, ...]
    widths: Sequence[int]  # hidden layers of an MLP, channels of a convolutional net
    activation: str

    def encoder(self, n_out: int) -> nn.Sequential:
        """(B, *shape) -> (B, n_out)."""
        return CODERS[self.net][0](self.shape, n_out, self.widths, self.activation)

    def decoder(self, n_in: int, per_element: int = 1) -> nn.Sequential:
        """(B, n_in) -> (B, per_element * C, ...): `per_element` numbers for each element, stacked along the first axis."""
        shape = (per_element * self.shape[0], *self.shape[1:])
        return CODERS[self.net][1](n_in, shape, self.widths, self.activation)


class CoderFields(Protocol):
    """The fields by which a model says what its nets should be."""

    net: str
    hidden: tuple[int, ...]
    channels: tuple[int, ...]
    activation: str


def coder(fields: CoderFields, spec: Spec) -> Coder:
    """The nets that the fields ask for; "auto" is convolutional for images and fully connected for the rest."""
    from venero.core.errors import VeneroError

    net = fields.net if fields.net != "auto" else ("conv" if spec.kind == "image" else "mlp")
    if net == "conv" and len(spec.shape) != 3:
        raise VeneroError(f"net = 'conv' is for images, and this is {spec.kind} data: use net='mlp'")
    return Coder(net, spec.shape, fields.channels if net == "conv" else fields.hidden, fields.activation)
