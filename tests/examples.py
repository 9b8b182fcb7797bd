"""Small data of every kind, and small versions of every model, for tests that run over the whole catalog."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from venero.core.catalog import find
from venero.data.audio import Clips

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


def lengths(n: int = 60) -> np.ndarray:
    return np.random.default_rng(3).integers(3, 9, n)


def series() -> list[np.ndarray]:
    """Of two channels and unequal lengths, each step near the one before."""
    rng = np.random.default_rng(4)
    return [np.cumsum(rng.normal(size=(t, 2)), axis=0) * [1.0, 10.0] + [0.0, 50.0] for t in lengths()]


def symbols() -> list[list[int]]:
    """A walk over four places, mostly to the next."""
    rng = np.random.default_rng(5)
    return [(np.cumsum(rng.random(t) < 0.8) % 4).tolist() for t in lengths()]


def texts() -> list[str]:
    return ["".join("abc "[i] for i in row) for row in symbols()]


def clips() -> Clips:
    """Tones of two pitches, in noise."""
    rng = np.random.default_rng(6)
    pitch = rng.choice([300.0, 900.0], len(lengths()))
    waves = [np.sin(2 * np.pi * f * np.arange(160 * t) / 8000) for f, t in zip(pitch, lengths(), strict=True)]
    return Clips([0.5 * w + 0.01 * rng.normal(size=len(w)) for w in waves], rate=8000)


# kind -> examples in users' terms. A model is tried on the forms that its class says it takes.
KINDS = {
    "image": images,
    "table": numbers,
    "bits": bits,
    "series": series,
    "symbols": symbols,
    "text": texts,
    "audio": clips,
}
SEQUENCES = ("series", "symbols", "text", "audio")


def length(X: Any) -> int:
    return len(X)


def plain(value: Any) -> np.ndarray:
    """What a model said, as one array: sequences end to end, their lengths at the end."""
    if not isinstance(value, (list, tuple)):
        return np.asarray(value)
    parts = [np.asarray(list(x) if isinstance(x, str) else x).ravel() for x in value]
    return np.concatenate([np.concatenate(parts), np.array([len(p) for p in parts])])
