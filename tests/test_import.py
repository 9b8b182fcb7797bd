"""`import venero` is quick, and every public name is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import venero
from venero.core.catalog import CLASSES

LIMIT = 0.3  # seconds, on a machine that does nothing else


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_import_is_quick() -> None:
    """The best of three, over what Python itself takes; twice the limit, for machines that are busy."""
    code = "import time; t = time.perf_counter(); import venero; print(time.perf_counter() - t)"
    assert min(float(python(code)) for _ in range(3)) < 2 * LIMIT


def test_import_leaves_the_heavy_libraries_alone() -> None:
    loaded = python("import sys, venero; venero.__all__; dir(venero); print(*sys.modules)").split()
    heavy = {"torch", "numpy", "pandas", "sklearn", "matplotlib", "scipy", "PIL", "rich", "typer"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("name", [*venero.__all__, *CLASSES])
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(venero, name) is not None
    assert name in dir(venero)


def test_no_public_name_is_hidden_by_a_package_of_the_same_name() -> None:
    """`import venero.models.vae` makes `venero.models` the package, whatever it was before."""
    packages = {p.name for p in Path(venero.__file__).parent.iterdir() if (p / "__init__.py").is_file()}
    assert not packages & {*venero.__all__, *CLASSES}


def test_names() -> None:
    from venero.models.vae import VAE

    assert venero.VAE is VAE is venero.model("vae")
    assert set(venero.catalog()) >= {"autoencoder", "vae", "latent", "gaussian"}
    assert venero.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="module 'venero' has no attribute 'GPT5'"):
        venero.GPT5  # noqa: B018
    namespace: dict[str, object] = {}
    exec("from venero import *", namespace)
    assert set(venero.__all__) - {"__version__"} <= set(namespace)
