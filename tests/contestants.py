"""Models that fail on purpose, each in its own way; in a module, so that other processes can import them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import torch

from venero.core.errors import VeneroError
from venero.data.spec import Spec
from venero.models.autoencoder import AutoEncoder
from venero.models.gaussian import Gaussian


@dataclass(eq=False, kw_only=True, repr=False)
class Raises(Gaussian):
    def build(self, spec: Spec) -> Any:
        raise VeneroError("it never worked")


@dataclass(eq=False, kw_only=True, repr=False)
class Broken(Gaussian):
    def build(self, spec: Spec) -> Any:
        return {}["a bug"]


@dataclass(eq=False, kw_only=True, repr=False)
class Eats(Gaussian):
    def build(self, spec: Spec) -> Any:
        self.eaten = torch.ones(int(3e9))  # 12 GB
        return super().build(spec)


@dataclass(eq=False, kw_only=True, repr=False)
class Dies(Gaussian):
    def build(self, spec: Spec) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


def diverging() -> AutoEncoder:
    return AutoEncoder(optimizer="sgd", learning_rate=1e6, epochs=5, hidden=(16,), latent_dim=2)
