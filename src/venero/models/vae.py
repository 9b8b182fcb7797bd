"""Variational auto-encoder.

Kingma & Welling 2013; Rezende, Mohamed & Wierstra 2014. beta: Higgins et al. 2017. Importance-weighted bound: Burda, Grosse &
Salakhutdinov 2015. Free bits: Kingma et al. 2016. Conditional: Sohn, Lee & Yan 2015 (with q(z|x), which x alone decides).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from venero.core.abilities import Reconstructs, Samples, Scores
from venero.core.errors import VeneroError
from venero.core.learners import GradientModel
from venero.core.params import param, positive
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.maths.gaussian import kl_to_standard_normal, log_normal, log_standard_normal
from venero.maths.likelihoods import log_mean_exp
from venero.maths.random import bits, keyed_normal, keyed_uniform, row_keys
from venero.nn.coder import Coder, coder
from venero.nn.mlp import ACTIVATIONS
from venero.nn.observation import OBSERVATIONS
from venero.nn.start import start_at
from venero.train.stage import Stage

DRAWS = 16  # of z for the bound of one example: its noise is then well below a nat
CHUNK = 2**24  # numbers that a decoder may put out at a time when a bound is computed
Bound = Callable[[Tensor, Tensor | None, Tensor], Tensor]  # of x, labels and noise keys
ACTIVE = 0.01  # variance of the posterior mean above which a latent dimension is active (Burda et al. 2015)
SCORED = {"bernoulli": "probability of the binarised example", "logistic": "probability of the 8-bit example"}


class CollapseWarning(UserWarning):
    """The posterior of most latent dimensions has become the prior: the decoder does not listen to them."""


class VAENet(nn.Module):
    """p(z) = N(0, I), p(x|z) = observation(decoder(z)), q(z|x) = N(mu(x), sigma(x)^2); with labels p(x|z,y)."""

    updates: Tensor  # () how often the weights were changed, for the warm-up of the KL
    label_share: Tensor  # (n_classes,) p(y)

    def __init__(self, spec: Spec, coder: Coder, options: VAE, likelihood: str):
        super().__init__()
        self.options, self.warmup, self.n_classes = options, 0, spec.n_classes
        self.observation = OBSERVATIONS[likelihood](spec)
        self.encoder = coder.encoder(2 * options.latent_dim)
        last = [m for m in self.encoder if isinstance(m, nn.Linear)][-1]
        nn.init.zeros_(last.weight[options.latent_dim :])  # sigma is 1 for every x at the start
        self.decoder = coder.decoder(options.latent_dim + spec.n_classes, self.observation.per_element)
        self.code = Spec("vector", (options.latent_dim,), "standard")
        self.density = self.observation.density
        self.score_of = SCORED.get(likelihood, "density in the data's units")
        self.width = spec.numel
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))
        self.register_buffer("label_share", torch.full((spec.n_classes,), 1 / max(1, spec.n_classes)))

    # -- the maths ---------------------------------------------------------------------
    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma of q(z|x): (B, ...) -> two (B, L)."""
        mu, log_sigma = self.encoder(x).chunk(2, dim=1)
        return mu, log_sigma.clamp(-10, 10)

    def decode_to(self, z: Tensor, y: Tensor | None) -> Tensor:
        """What the decoder says of x: (..., B, L) codes and (B,) labels -> (..., B, P * C, ...)."""
        if self.n_classes:
            if y is None:
                raise VeneroError("this VAE is conditional: give the labels y of the codes")
            one_hot = nn.functional.one_hot(y, self.n_classes).to(z.dtype)
            z = torch.cat([z, one_hot.expand(*z.shape[:-1], -1)], -1)
        h: Tensor = self.decoder(z.flatten(0, -2))
        return h.unflatten(0, z.shape[:-1])

    def log_weight(
        self, x: Tensor, z: Tensor, mu: Tensor, log_sigma: Tensor, y: Tensor | None, beta: float | Tensor = 1.0
    ) -> Tensor:
        """log p(x|z) + beta (log p(z) - log q(z|x)) for each draw: z (k, B, L) -> (k, B)."""
        ratio = (log_standard_normal(z) - log_normal(z, mu, log_sigma)).sum(-1)
        return self.observation.log_prob(x, self.decode_to(z, y)) + beta * ratio

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        x = bits(batch.x) if self.observation.binary else batch.x
        mu, log_sigma = self.posterior(x)
        beta = self._beta()
        latent_kl = kl_to_standard_normal(mu, log_sigma)  # (B, L)
        kl = latent_kl.sum(1).mean()
        k = self.options.particles
        z = mu + log_sigma.exp() * torch.randn(*((k,) if k > 1 else ()), *mu.shape, dtype=mu.dtype, device=mu.device)
        if k > 1:
            log_w = self.log_weight(x, z, mu, log_sigma, batch.y, beta)
            bound = log_mean_exp(log_w, 0).mean()
            return {"loss": -bound, "reconstruction": -bound - kl, "kl": kl}
        reconstruction = self.observation.log_prob(x, self.decode_to(z, batch.y)).mean()
        free = self.options.free_bits
        penalty = latent_kl.mean(0).clamp_min(free).sum() if free else kl
        return {"loss": beta * penalty - reconstruction, "reconstruction": -reconstruction, "kl": kl}

    def _beta(self) -> float | Tensor:
        """The weight of the KL term, rising over the first updates."""
        if not self.training or not self.warmup:
            return self.options.beta
        self.updates += 1
        return self.options.beta * (self.updates / self.warmup).clamp_max(1.0)

    # -- abilities ---------------------------------------------------------------------
    def encode(self, x: Tensor) -> Tensor:
        return self.posterior(x)[0]

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.observation.mean(self.decode_to(z, y))

    def sample(self, n: int, y: Tensor | None = None, noise: bool = True) -> Tensor:
        """z ~ p(z), then x ~ p(x|z), or its mean without `noise`; labels that are not given are drawn too."""
        z = torch.randn(n, self.options.latent_dim)
        if self.n_classes and y is None:
            y = self.label_share.multinomial(n, replacement=True)
        h = self.decode_to(z, y)
        return self.observation.sample(h) if noise else self.observation.mean(h)

    def draw(self, z: Tensor) -> Tensor:
        """x ~ p(x|z)."""
        return self.observation.sample(self.decode_to(z, None))

    def redraw(self, x: Tensor) -> Tensor:
        """A draw of p(x'|z) with z from q(z|x): a step of the chain by which unknown values are drawn (Rezende 2014, F)."""
        mu, log_sigma = self.posterior(bits(x) if self.observation.binary else x)
        return self.draw(mu + log_sigma.exp() * torch.randn_like(mu))

    def squared_errors(self, batch: Batch) -> Tensor:
        return self.observation.squared_errors(batch.x, self.decode_to(self.encode(batch.x), self._label(batch)))

    def squared_error(self, batch: Batch) -> Tensor:
        return self.squared_errors(batch).flatten(1).sum(1)

    def element_log_prob(self, batch: Batch) -> Tensor:
        """The mean over draws of z from q(z|x) of log p(x|z), element by element: (B, *shape)."""
        keys, y = row_keys(batch.x), self._label(batch)
        x = self.observed(batch.x, keys)
        draws = self._draws(*self.posterior(x), keys, DRAWS)
        return torch.stack([self.observation.log_probs(x, self.decode_to(z, y)).sum(0) for z in draws]).sum(0) / DRAWS

    def _label(self, batch: Batch) -> Tensor | None:
        """The labels, or where a conditional model is given none the likeliest ones."""
        return self.likeliest(batch) if self.n_classes and batch.y is None else batch.y

    def likeliest(self, batch: Batch) -> Tensor:
        """The label under which the bound is highest (B,)."""
        return self._by_label(batch, self.elbo).argmax(0)

    def latent_kl(self, batch: Batch) -> Tensor:
        """KL(q(z_j|x) || p(z_j)) of each latent dimension: (B, L)."""
        return kl_to_standard_normal(*self.posterior(self.observed(batch.x, row_keys(batch.x))))

    # -- bounds ------------------------------------------------------------------------
    def observed(self, x: Tensor, keys: Tensor) -> Tensor:
        """What is scored: bits drawn from the grey levels, each example's by its own key, where the model is of bits."""
        if not self.observation.binary:
            return x
        return (keyed_uniform(keys ^ 1, x[0].numel()).view_as(x) < x).to(x.dtype)

    def log_prob(self, batch: Batch) -> Tensor:
        """The evidence lower bound (B,), with noise that depends on the example alone; without labels, a bound of log p(x)."""
        return self._over_labels(batch, self.elbo)

    def elbo(self, x: Tensor, y: Tensor | None, keys: Tensor) -> Tensor:
        x = self.observed(x, keys)
        mu, log_sigma = self.posterior(x)
        parts = [self.observation.log_prob(x, self.decode_to(z, y)) for z in self._draws(mu, log_sigma, keys, DRAWS)]
        return torch.cat(parts).mean(0) - kl_to_standard_normal(mu, log_sigma).sum(1)

    def log_likelihood(self, batch: Batch, particles: int) -> Tensor:
        """log of the mean of `particles` importance weights (B,): a lower bound that is tight as their number grows."""
        return self._over_labels(batch, lambda x, y, keys: self._importance(x, y, keys, particles))

    def _importance(self, x: Tensor, y: Tensor | None, keys: Tensor, particles: int) -> Tensor:
        x = self.observed(x, keys)
        mu, log_sigma = self.posterior(x)
        total = torch.full((len(x),), -torch.inf)
        for z in self._draws(mu, log_sigma, keys, particles):
            total = torch.logaddexp(total.to(z), self.log_weight(x, z, mu, log_sigma, y).logsumexp(0))
        return total - log(particles)

    def _draws(self, mu: Tensor, log_sigma: Tensor, keys: Tensor, n: int) -> Iterator[Tensor]:
        """n draws of z from q(z|x), as many at a time as memory is meant to hold: (k, B, L) each."""
        size = mu.shape[1]
        at_once = max(1, CHUNK // (len(mu) * max(size, self.observation.per_element * self.width)))
        for start in range(0, n, at_once):
            k = min(at_once, n - start)
            noise = keyed_normal(keys, k * size, start * size).view(len(mu), k, size)
            yield mu + log_sigma.exp() * noise.transpose(0, 1)

    def _over_labels(self, batch: Batch, bound: Bound) -> Tensor:
        """bound(x, y), or where a conditional model is given no labels log sum_y p(y) exp bound(x, y)."""
        if batch.y is not None or not self.n_classes:
            return bound(batch.x, batch.y, row_keys(batch.x))
        return self._by_label(batch, bound).logsumexp(0)

    def _by_label(self, batch: Batch, bound: Bound) -> Tensor:
        """log p(y) + bound(x, y) for every label: (n_classes, B)."""
        keys = row_keys(batch.x)
        label = lambda c: torch.full((len(batch.x),), c, device=keys.device)  # noqa: E731
        return torch.stack([bound(batch.x, label(c), keys) + self.label_share[c].log() for c in range(self.n_classes)])


@dataclass(eq=False, kw_only=True, repr=False)
class VAE(GradientModel[VAENet], Samples, Scores, Reconstructs):
    """Codes each example as a cloud, not a point, so that nearby codes decode alike and codes can be drawn from a Gaussian.

    Images of any size and channels, and mixed tables with missing values. `score_samples` is the evidence lower bound;
    `log_likelihood` comes closer by importance sampling.
    """

    score_kind = "lower bound"
    paper = "Kingma & Welling 2013; Burda et al. 2015"

    latent_dim: int = param(16, "length of the code z", low=1)
    net: str = param("auto", "fully connected or convolutional; auto: conv for images", choices=("auto", "mlp", "conv"))
    hidden: tuple[int, ...] = param(
        (400,), "widths of the fully connected layers of the encoder; the decoder mirrors them", low=1
    )
    channels: tuple[int, ...] = param((32, 64), "channels of the convolutional layers of the encoder", low=1)
    activation: str = param("relu", "between layers", choices=tuple(ACTIVATIONS))
    likelihood: str = param(
        "auto",
        "p(x|z); auto: bernoulli for bits, logistic for 8-bit images, gaussian for float images, columns for tables",
        choices=("auto", *OBSERVATIONS),
    )
    beta: float = param(1.0, "weight of the KL term; 1 gives the evidence lower bound", low=0)
    kl_warmup: float = param(0.0, "epochs over which the weight of the KL term rises from 0", low=0)
    free_bits: float = param(0.0, "nats of KL that each latent dimension has for nothing", low=0)
    particles: int = param(1, "draws of z per example; more than 1 gives the importance-weighted bound", low=1)
    conditional: bool = param(False, "learn p(x given y): fit and sample take labels")

    def form(self, kind: str) -> str:
        if kind == "image":
            return "unit"
        return {"auto": "columns", "columns": "columns", "gaussian": "standard"}.get(self.likelihood, "unit")

    def build(self, spec: Spec) -> VAENet:
        if self.particles > 1 and self.free_bits:
            raise VeneroError(
                f"VAE.free_bits = {self.free_bits!r}: the importance-weighted bound has no KL term; use particles=1"
            )
        return VAENet(spec, coder(self, spec), self, self.observed_as(spec))

    def observed_as(self, spec: Spec) -> str:
        """The observation model for this data."""
        if self.likelihood == "auto":
            return "columns" if spec.form == "columns" else {2: "bernoulli", 256: "logistic"}.get(spec.levels, "gaussian")
        if self.likelihood == "logistic" and spec.levels < 3:
            raise VeneroError(
                "VAE.likelihood = 'logistic' is for 8-bit images (uint8): use 'gaussian' for floats, 'bernoulli' for bits"
            )
        if self.likelihood == "columns" and spec.form != "columns":
            raise VeneroError(f"VAE.likelihood = 'columns' is for tables, and this is {spec.kind} data: use 'auto'")
        return self.likelihood

    def stages(self, net: VAENet, data: Data) -> Iterator[Stage]:
        net.warmup = round(self.kl_warmup * self.updates(data))
        labels = data.labels()
        if labels is not None:
            net.label_share.copy_(torch.bincount(labels, minlength=net.n_classes) / len(labels))
        start_at(net.decoder, net.observation, data.some(1024).x.mean(0))
        yield from super().stages(net, data)

    def finish(self, net: VAENet, batch: Batch) -> None:
        with torch.no_grad():
            active = int((net.encode(batch.x).var(0, correction=0) > ACTIVE).sum())
        if 4 * active < self.latent_dim or not active:
            way = "try kl_warmup=10, free_bits=0.05, beta < 1, a smaller latent_dim, or more epochs"
            warnings.warn(
                f"posterior collapse: {active} of {self.latent_dim} latent dimensions are active; {way}",
                CollapseWarning,
                stacklevel=3,
            )

    def log_likelihood(self, X: Any, y: Any = None, *, particles: int = 500) -> np.ndarray:
        """Importance-sampled log p(x) of each example with exactly `particles` draws, in nats and user units: (n,).

        A lower bound in expectation that rises with `particles` (Burda et al. 2015, theorem 1). Memory is bounded.
        """
        particles = positive("particles", particles)
        return self._apply(lambda b: self._scored(self.net_.log_likelihood(b, particles), b), X, y).numpy()

    def reconstruction_log_prob(self, X: Any) -> np.ndarray:
        """An & Cho's reconstruction probability (2015): the mean over 16 draws of z from q(z|x) of log p(x|z), in nats: (n,).

        Of the network's units, repeatable, and a row's value does not depend on the other rows.
        """
        return self._apply(lambda b: self.net_.element_log_prob(b).flatten(1).sum(1), X).numpy()

    def latent_kl(self, X: Any) -> np.ndarray:
        """KL of each latent dimension's posterior to its prior, in nats: (n, latent_dim). 0: it says nothing of x."""
        return self._apply(lambda b: self.net_.latent_kl(b), X).numpy()

    def active_units(self, X: Any) -> int:
        """Latent dimensions whose posterior mean varies over X by more than 0.01 (Burda et al. 2015)."""
        return int((self.encode(X).var(0) > ACTIVE).sum())

    def reconstruct(self, X: Any, y: Any = None) -> Any:
        """decode(encode(X)); a conditional model that is given no labels takes the likeliest."""
        if y is None and self.takes_labels:
            y = self.classes_[self._apply(lambda b: self.net_.likeliest(b), X).numpy()]  # type: ignore[index]
        return super().reconstruct(X, y)
