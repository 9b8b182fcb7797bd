"""Small runs to use the command line on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from calling import QUICK, SMALL, Outcome, call


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lines that do not wrap, and a folder of its own for every test."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def venero() -> Callable[..., Outcome]:
    return call


def fitted(folder: Path, *args: object) -> Path:
    done = call("fit", *args, "--out", folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture(scope="session")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of digits that knows their labels."""
    folder = tmp_path_factory.mktemp("runs") / "vae"
    return fitted(folder, "vae", "digits", "--latent-dim", 2, "--learning-rate", 0.005, *SMALL)


@pytest.fixture(scope="session")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of irises that are drawn by label, so tables too."""
    folder = tmp_path_factory.mktemp("runs") / "conditional"
    return fitted(
        folder,
        "vae",
        "iris",
        "--conditional",
        "--latent-dim",
        2,
        "--learning-rate",
        0.01,
        "--hidden",
        32,
        "--epochs",
        20,
        *QUICK,
    )


@pytest.fixture(scope="session")
def autoencoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An auto-encoder of digits: it can't sample."""
    return fitted(tmp_path_factory.mktemp("runs") / "autoencoder", "autoencoder", "digits", "--latent-dim", 2, *SMALL)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A table of mixed columns with gaps."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 120)
    table = pd.DataFrame(
        {
            "age": rng.normal(40 + 20 * kind, 5).round(1),
            "city": np.where(kind == 1, "Quito", "Lima"),
            "kind": np.where(kind == 1, "b", "a"),
        }
    )
    table.loc[::17, "age"] = np.nan
    table.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"
