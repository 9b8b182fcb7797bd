"""Small data of every kind, and small versions of every model, for tests that run over the whole catalog."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from venero.core.catalog import find

QUICK = {"epochs": 2, "max_iter": 5, "hidden": (16,), "channels": (4,), "latent_dim": 3, "n_steps": 5, "n_hidden": 3}


def small(name: str, **given: Any) -> Any:
    """A model of the catalog with fields that make it quick."""
    cls = find(name)
    has = {f.name for f in fields(cls)}
    return cls(**{k: v for k, v in QUICK.items() if k in has} | {"random_state": 0} | given)


def images() -> np.ndarray:
    return (load_digits().images[:150] * 255 // 16).astype(np.uint8)


def numbers() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + [5.0, -3.0]


def bits() -> np.ndarray:
    rng = np.random.default_rng(2)
    return ((rng.random((200, 1)) < [0.7, 0.7, 0.4, 0.5, 0.2]) ^ (rng.random((200, 5)) < 0.1)).astype(np.int64)


def mixed() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 200
    frame = pd.DataFrame(
        {
            "height": rng.normal(170, 10, n),
            "children": rng.integers(0, 5, n),
            "city": rng.choice(["Vigo", "Gijon", "Oviedo"], n),
            "smoker": rng.random(n) < 0.3,
        }
    )
    frame.loc[::9, "height"] = np.nan
    return frame


# kind -> examples in users' terms. A model is tried on the forms that its class says it takes.
KINDS = {"image": images, "table": numbers, "bits": bits}


def length(X: Any) -> int:
    return len(X)
