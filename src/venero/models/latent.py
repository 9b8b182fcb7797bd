"""Two stages: an auto-encoder, then any generative model of its codes.

An auto-encoder with a Gaussian over its codes can sample (ex-post density estimation: Ghosh et al. 2020).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from sklearn.base import clone
from torch import Tensor, nn

from venero.core.abilities import Reconstructs, Samples
from venero.core.errors import VeneroError, shown
from venero.core.estimator import Estimator
from venero.core.params import param
from venero.data.data import Data
from venero.data.spec import Batch, Spec
from venero.models.autoencoder import AutoEncoder
from venero.models.gaussian import Gaussian
from venero.train.stage import Stage

FIRST = 0.5  # the first model's share of a budget of time


class LatentNet(nn.Module):
    """x = first.decode(z), z ~ prior."""

    def __init__(self, first: Any, prior: Any):
        super().__init__()
        self.first, self.prior = first, prior
        self.code = first.code

    @property
    def noisy(self) -> bool:
        """Whether a code leaves x open: the first model has a density p(x|z)."""
        return hasattr(self.first, "draw")

    def encode(self, x: Tensor) -> Tensor:
        z: Tensor = self.first.encode(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        x: Tensor = self.first.decode(z)
        return x

    def squared_errors(self, batch: Batch) -> Tensor:
        errors: Tensor = self.first.squared_errors(batch)
        return errors

    def squared_error(self, batch: Batch) -> Tensor:
        error: Tensor = self.first.squared_error(batch)
        return error

    def sample(self, n: int, labels: Tensor | None = None, noise: bool = True) -> Tensor:
        """z from the prior, then x ~ p(x|z) where the first model has one, else (or without `noise`) its decoding of z."""
        z = self.prior.sample(n).to(torch.float32)
        x: Tensor = self.first.draw(z) if noise and self.noisy else self.decode(z)
        return x


@dataclass(eq=False, kw_only=True, repr=False)
class LatentModel(Estimator[LatentNet], Samples, Reconstructs):
    """An auto-encoder and a generative model of its codes, learned one after the other.

    A `first` that is fitted already is used as it is: only the prior is learned.
    """

    paper = "Ghosh et al. 2020"
    how = "two stages"

    first: Estimator[Any] | None = param(None, "auto-encoder, learned first; None: AutoEncoder()")
    prior: Estimator[Any] | None = param(None, "generative model of its codes; None: Gaussian()")

    def _parts(self) -> tuple[Any, Any]:
        return (AutoEncoder() if self.first is None else self.first, Gaussian() if self.prior is None else self.prior)

    def patient(self) -> Self:
        first, prior = self._parts()
        return clone(self).set_params(first=first if hasattr(first, "net_") else first.patient(), prior=prior.patient())

    def form(self, kind: str) -> str:
        first: Estimator[Any] = self._parts()[0]
        return first.form(kind)

    def _fit_codec(self, X: Any) -> Spec:
        first = self._parts()[0]
        if not hasattr(first, "net_"):
            return super()._fit_codec(X)
        self.codec_ = first.codec_
        return replace(first.spec_, n_classes=0)

    def build(self, spec: Spec) -> LatentNet:
        first, prior = self._parts()
        for name, part, needs in (("first", first, "decode"), ("prior", prior, "sample")):
            if not hasattr(part, needs):
                raise VeneroError(f"LatentModel.{name} = {shown(part)}: must be a model that can {needs}")
            if part.takes_labels:
                raise VeneroError(f"LatentModel.{name} = {shown(part)}: must not be conditional; set conditional=False in it")
        net = first.build(spec)
        return LatentNet(net, prior.build(net.code))

    def stages(self, net: LatentNet, data: Data) -> Iterator[Stage]:
        first, prior = self._parts()
        if hasattr(first, "net_"):
            net.first.load_state_dict(first.net_.state_dict())
        else:
            for stage in first.stages(net.first, data):
                yield replace(stage, name=f"first/{stage.name}", share=FIRST * stage.share)
        net.first.eval()
        codes = data.map(lambda batch: net.first.encode(batch.x), net.first.code)
        for stage in prior.stages(net.prior, codes):
            yield replace(stage, name=f"prior/{stage.name}")
