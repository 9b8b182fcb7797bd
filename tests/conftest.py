"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("VENERO_DATA", str(ROOT.parent / "shared" / "data"))
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits (n, 8, 8) uint8, and their labels."""
    X, y = load_digits(return_X_y=True)
    return (X.reshape(-1, 8, 8) * 255 // 16).astype(np.uint8), y


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ["VENERO_DATA"])
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set VENERO_DATA to the folder that holds them")
    return folder
