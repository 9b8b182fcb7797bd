"""The models there are, by name. Adding a model is its file, its line here, and its tests."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from venero.core.errors import VeneroError, nearest, shown

if TYPE_CHECKING:
    from venero.core.estimator import Estimator

MODELS: dict[str, str] = {
    "autoencoder": "venero.models.autoencoder:AutoEncoder",
    "boltzmann": "venero.models.boltzmann:BoltzmannMachine",
    "dbn": "venero.models.dbn:DBN",
    "gaussian": "venero.models.gaussian:Gaussian",
    "gmm": "venero.models.gmm:GMM",
    "independent": "venero.models.independent:Independent",
    "latent": "venero.models.latent:LatentModel",
    "made": "venero.models.made:MADE",
    "markov": "venero.models.markov:MarkovChain",
    "rbm": "venero.models.rbm:RBM",
    "vae": "venero.models.vae:VAE",
}

CLASSES = {path.partition(":")[2]: path for path in MODELS.values()}


def models() -> dict[str, str]:
    """Catalog name -> "module:Class" of every model."""
    return dict(MODELS)


def find(name: str) -> type[Estimator[Any]]:
    """The class of a model.

    >>> find("vae").__name__
    'VAE'
    """
    if not isinstance(name, str) or name not in MODELS:
        raise VeneroError(f"unknown model {shown(name)}: {nearest(str(name), MODELS)}")
    module, _, cls = MODELS[name].partition(":")
    found: type[Estimator[Any]] = getattr(import_module(module), cls)
    return found


def name_of(model: Estimator[Any] | type[Estimator[Any]]) -> str:
    """The catalog name of a model or its class."""
    cls = model if isinstance(model, type) else type(model)
    path = f"{cls.__module__}:{cls.__qualname__}"
    for name, known in MODELS.items():
        if known == path:
            return name
    raise VeneroError(f"{cls.__name__} is not in the catalog (core/catalog.py), so it can't be saved")
