"""Auto-encoders: plain, convolutional, tied, sparse, contractive and denoising.

Rumelhart, Hinton & Williams 1986; Hinton & Salakhutdinov 2006; Vincent, Larochelle, Bengio & Manzagol 2008 (denoising);
Rifai, Vincent, Muller, Glorot & Bengio 2011 (contractive); Ng 2011 (sparse, KL target).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from venero.core.abilities import Reconstructs
from venero.core.errors import VeneroError
from venero.core.learners import GradientModel
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.models.greedy import Greedy, Layer, denoising_stages, rbm_stages
from venero.nn.coder import Coder, coder
from venero.nn.mlp import ACTIVATIONS
from venero.nn.observation import Bernoulli, Columns, Observation, Squared
from venero.nn.start import start_at
from venero.nn.tied import TiedDecoder
from venero.train.rules import Descent
from venero.train.schedules import SCHEDULES
from venero.train.stage import Stage


def masking(x: Tensor, level: float) -> Tensor:
    """Each element is 0 with probability `level`."""
    return x * (torch.rand_like(x) >= level)


def salt_and_pepper(x: Tensor, level: float) -> Tensor:
    """Each element is, with probability `level`, 0 or 1 by the toss of a coin."""
    return torch.where(torch.rand_like(x) < level, (torch.rand_like(x) < 0.5).to(x.dtype), x)


def gaussian(x: Tensor, level: float) -> Tensor:
    """Normal noise with standard deviation `level` (in the network's units: 0..1 for images)."""
    return x + level * torch.randn_like(x)


CORRUPTIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "none": lambda x, level: x,
    "masking": masking,
    "salt and pepper": salt_and_pepper,
    "gaussian": gaussian,
}


def l1(z: Tensor, target: float) -> Tensor:
    """Sum of absolute code values."""
    return z.abs().sum(1).mean()


def kl_target(z: Tensor, target: float) -> Tensor:
    """Sum over units of KL(Bernoulli(target) || Bernoulli(mean activation)); codes must lie in 0..1."""
    mean = z.mean(0).clamp(1e-6, 1 - 1e-6)
    return (target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()


SPARSITIES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "none": lambda z, target: z.new_zeros(()),
    "l1": l1,
    "kl": kl_target,
}
CODES: dict[str, type[nn.Module]] = {"linear": nn.Identity, **ACTIVATIONS}
LOSSES: dict[str, type[Observation]] = {"squared": Squared, "cross entropy": Bernoulli, "columns": Columns}


class AutoEncoderNet(nn.Module):
    """z = encoder(corrupt(x)); minimise the distance of decoder(z) to the clean x, and the penalties on z."""

    def __init__(self, spec: Spec, coder: Coder, options: AutoEncoder):
        super().__init__()
        self.options = options
        encoder = coder.encoder(options.latent_dim)
        self.encoder = encoder
        self.squash = CODES[options.code]()
        self.observation = LOSSES[options.measure(spec)](spec)
        self.decoder: nn.Module = TiedDecoder(encoder, spec.shape) if options.tied else coder.decoder(options.latent_dim)
        self.code = Spec("vector", (options.latent_dim,), "standard")

    def encode(self, x: Tensor) -> Tensor:
        z: Tensor = self.squash(self.encoder(x))
        return z

    def decode(self, z: Tensor) -> Tensor:
        return self.observation.mean(self.decoder(z))

    def corrupt(self, x: Tensor) -> Tensor:
        return CORRUPTIONS[self.options.corruption](x, self.options.corruption_level)

    def damage(self, x: Tensor) -> Tensor:
        """What a layer's denoiser restores: without a `corruption` masked, as in Vincent et al. 2008."""
        chosen = "masking" if self.options.corruption == "none" else self.options.corruption
        return CORRUPTIONS[chosen](x, self.options.corruption_level)

    def layers(self) -> list[Layer]:
        """The fully connected layers, from the input to the code."""
        up = [m for m in self.encoder if isinstance(m, nn.Linear)]
        middle = ACTIVATIONS[self.options.activation]()
        squashes = [middle] * (len(up) - 1) + [None if self.options.code == "linear" else self.squash]
        if isinstance(self.decoder, TiedDecoder):
            biases = list(self.decoder.biases)[::-1]
            return [Layer(u, b, None, s) for u, b, s in zip(up, biases, squashes, strict=True)]
        down = [m for m in self.decoder.modules() if isinstance(m, nn.Linear)][::-1]
        return [Layer(u, d.bias, d.weight, s) for u, d, s in zip(up, down, squashes, strict=True)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        o, x = self.options, self.corrupt(batch.x)
        z = self.encode(x)
        terms = {"reconstruction": self.observation.distance(batch.x, self.decoder(z)).mean()}
        if o.sparsity != "none":
            terms["sparsity"] = o.sparsity_weight * SPARSITIES[o.sparsity](z, o.sparsity_target)
        if o.contractive:
            terms["contraction"] = o.contractive * squared_jacobian(self.encode, x).mean()
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def squared_errors(self, batch: Batch) -> Tensor:
        return self.observation.squared_errors(batch.x, self.decoder(self.encode(batch.x)))

    def squared_error(self, batch: Batch) -> Tensor:
        return self.squared_errors(batch).flatten(1).sum(1)


def squared_jacobian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """||df/dx||^2 of each example (B,), estimated without bias by one projection: E |v'J|^2 = ||J||^2 for v ~ N(0, I)."""
    learning = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        z = f(x)
        (g,) = torch.autograd.grad((z * torch.randn_like(z)).sum(), x, create_graph=learning)
    return (g**2).flatten(1).sum(1)


@dataclass(eq=False, kw_only=True, repr=False)
class AutoEncoder(GradientModel[AutoEncoderNet], Reconstructs):
    """Squeezes each example through a short code and learns to restore it.

    Images of any size and channels, and mixed tables with missing values. With `corruption` it is a denoising auto-encoder. It
    has no density and no prior over its codes: to sample, give it one with `LatentModel`.
    """

    paper = "Hinton & Salakhutdinov 2006; Vincent et al. 2008"

    latent_dim: int = param(16, "length of the code z", low=1)
    net: str = param("auto", "fully connected or convolutional; auto: conv for images", choices=("auto", "mlp", "conv"))
    hidden: tuple[int, ...] = param(
        (512, 256), "widths of the fully connected layers of the encoder; the decoder mirrors them", low=1
    )
    channels: tuple[int, ...] = param((32, 64), "channels of the convolutional layers of the encoder", low=1)
    activation: str = param("relu", "between layers", choices=tuple(ACTIVATIONS))
    code: str = param("linear", "activation of the code", choices=tuple(CODES))
    loss: str = param(
        "auto", "distance that is minimised; auto: squared, and cross entropy for categories", choices=("auto", *LOSSES)
    )
    tied: bool = param(False, "the decoder uses the encoder's weights, transposed")
    corruption: str = param("none", "how inputs are damaged while it learns (denoising)", choices=tuple(CORRUPTIONS))
    corruption_level: float = param(0.25, "share of elements damaged, or the noise's standard deviation", low=0)
    sparsity: str = param("none", "penalty that keeps codes sparse", choices=tuple(SPARSITIES))
    sparsity_weight: float = param(1e-3, "weight of that penalty", low=0)
    sparsity_target: float = param(0.05, "mean activation that the kl penalty wants", above=0, high=0.99)
    contractive: float = param(0.0, "weight of the squared Jacobian of the code; 0 for none", low=0)
    pretrain: str = param(
        "none", "each layer learns first, on the codes of those below it", choices=("none", "rbm", "denoising")
    )
    pretrain_epochs: int = param(10, "passes over the data for each layer", low=1)
    pretrain_learning_rate: float = param(0.05, "size of a step of a machine (rbm); denoisers take learning_rate", above=0)

    def measure(self, spec: Spec) -> str:
        """The distance for this data."""
        auto = "columns" if spec.form == "columns" else "squared"
        chosen = auto if self.loss == "auto" else self.loss
        if (chosen == "columns") != (spec.form == "columns"):
            raise VeneroError(f"AutoEncoder.loss = {self.loss!r} does not fit {spec.kind} data: use 'auto'")
        return chosen

    def form(self, kind: str) -> str:
        return "unit" if kind == "table" and self.loss == "cross entropy" else super().form(kind)

    def build(self, spec: Spec) -> AutoEncoderNet:
        if self.sparsity == "kl" and self.code != "sigmoid":
            raise VeneroError(
                f"AutoEncoder.code = {self.code!r}: sparsity='kl' is about activations in 0..1; set code='sigmoid'"
            )
        if self.corruption in ("masking", "salt and pepper") and self.corruption_level > 1:
            raise VeneroError(f"AutoEncoder.corruption_level = {self.corruption_level!r}: a share of elements, must be <= 1")
        nets = coder(self, spec)
        if self.pretrain != "none" and nets.net != "mlp":
            raise VeneroError(f"AutoEncoder.pretrain = {self.pretrain!r}: goes by fully connected layers; set net='mlp'")
        if self.pretrain == "rbm" and (self.activation != "sigmoid" or spec.form != "unit"):
            way = "set activation='sigmoid', and for tables of values in 0..1 loss='cross entropy'"
            raise VeneroError(f"AutoEncoder.pretrain = 'rbm': its units are bits, and so are layers and examples; {way}")
        return AutoEncoderNet(spec, nets, self)

    def stages(self, net: AutoEncoderNet, data: Data) -> Iterator[Stage]:
        start_at(net.decoder, net.observation, data.some(1024).x.mean(0))
        final = self.stage(data, self.rule(net))
        if self.pretrain != "none":
            yield from self.layerwise(net, final.data)
        yield replace(final, rule=self.rule(net))  # an average of weights begins here

    def layerwise(self, net: AutoEncoderNet, data: Data) -> Iterator[Stage]:
        """The stages that pre-train."""
        layers = net.layers()
        if self.pretrain == "rbm":
            yield from rbm_stages(layers, data, Greedy(self.pretrain_epochs, self.batch_size, self.pretrain_learning_rate))
            return
        how = Greedy(self.pretrain_epochs, self.batch_size, self.learning_rate)
        descent = Descent(self.optimizer, self.learning_rate, self.weight_decay, SCHEDULES[self.schedule], self.clip)
        yield from denoising_stages(layers, data, how, descent, net.damage)
