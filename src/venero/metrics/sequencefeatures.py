"""Features of sequences, which have no fixed length: summary statistics of series, of sound, and of texts and symbols.

Each function takes n examples in the user's terms to (n, d) numbers of the same d for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from venero.data.datasets import Dataset

Floats = NDArray[np.float64]
BANDS = 4  # octaves of a series' spectrum, the highest frequencies first
PLACES = 256  # of hashed pairs


def of_series(X: Any) -> Floats:
    """Of each channel: mean, standard deviation, least, largest, slope, lag-1 autocorrelation, share of power in bands; and log
    of the length. Gaps are left out; 0 where there is nothing to tell."""
    steps = [np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in X]
    return np.stack([np.concatenate([[np.log(len(x))], *(_channel(c) for c in x.T)]) for x in steps])


def _channel(values: Floats) -> Floats:
    """(T,) -> (6 + BANDS,)."""
    v = values[np.isfinite(values)]
    if not len(v):
        return np.zeros(6 + BANDS)
    time = np.linspace(-1, 1, len(v)) if len(v) > 1 else np.zeros(1)
    off, spread = v - v.mean(), max(float(v.std()), 1e-12)
    slope = float(time @ off) / max(float(time @ time), 1e-12)
    lag = float((off[1:] * off[:-1]).sum()) / (len(v) * spread**2) if spread > 1e-12 else 0.0
    return np.concatenate([[v.mean(), v.std(), v.min(), v.max(), slope, lag], _bands(off)])


def _bands(off: Floats) -> Floats:
    """Shares of the power in octaves below half the sampling rate; what is lower is the rest."""
    power = np.abs(np.fft.rfft(off))[1:] ** 2
    where = np.arange(1, len(power) + 1) / max(len(power), 1)
    octave = np.floor(-np.log2(where, where=where > 0, out=np.zeros_like(where)) + 1e-9)
    total = max(float(power.sum()), 1e-12)
    return np.array([power[octave == k].sum() / total for k in range(BANDS)])


def of_audio(X: Any) -> Floats:
    """Mean and standard deviation over time of each band of the log-mel spectrum, and log of the length in frames."""
    import torch

    from venero.maths.mel import Frames, log_mel

    how = Frames(X.rate)
    frames = [log_mel(torch.from_numpy(np.asarray(x, np.float32)), how).numpy().astype(np.float64) for x in X]
    return np.stack([np.concatenate([[np.log(len(f))], f.mean(0), f.std(0)]) for f in frames])


def of_texts(X: Any) -> Floats:
    """Shares of single symbols and of pairs - of a text, its bytes - the pairs hashed to 256 places; and log of the length.

    Square roots of shares: their distances are Hellinger's, so that rare symbols count.
    """
    return np.stack([_counts(_bytes(x)) for x in X])


def _bytes(x: Any) -> NDArray[np.int64]:
    """A sequence as numbers 0..255."""
    if isinstance(x, str):
        return np.frombuffer(x.encode(), np.uint8).astype(np.int64)
    values = list(x.tolist() if isinstance(x, np.ndarray) else x)
    return np.array([v % 256 if isinstance(v, int) else crc32(str(v).encode()) % 256 for v in values], dtype=np.int64)


def _counts(codes: NDArray[np.int64]) -> Floats:
    single = np.bincount(codes, minlength=256) / max(len(codes), 1)
    pairs = np.bincount((codes[:-1] * 31 + codes[1:] * 7) % PLACES, minlength=PLACES) / max(len(codes) - 1, 1)
    return np.concatenate([[np.log(max(len(codes), 1))], np.sqrt(single), np.sqrt(pairs)])


def standardised(train: Dataset, of: Callable[[Any], Floats]) -> Callable[[Any], Floats]:
    """The features in training standard deviations; what does not vary in training stays as it is."""
    seen = of(train.X)
    mean, std = seen.mean(0), seen.std(0)
    scale = np.where(std > 1e-9, std, 1.0)
    return lambda X: (of(X) - mean) / scale
