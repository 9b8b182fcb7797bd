"""What speech is seen as: log-mel spectra and their cepstra (MFCC), with deltas; and back to a wave by Griffin & Lim 1984."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log, pi

import torch
from torch import Tensor

FLOOR = 1e-10  # of a mel band's power: what is quieter is silence


@dataclass(frozen=True)
class Frames:
    """How a wave is cut: windows of 25 ms, one each 10 ms, centred, with zeros beyond the ends."""

    rate: int  # samples a second
    n_mels: int = 40
    n_mfcc: int = 13

    @property
    def window(self) -> int:
        return max(2, round(0.025 * self.rate))

    @property
    def hop(self) -> int:
        return max(1, round(0.01 * self.rate))

    @property
    def n_fft(self) -> int:
        """Twice the next power of two: the lowest mel bands are narrow."""
        return int(2 ** ((self.window - 1).bit_length() + 1))

    def count(self, samples: int) -> int:
        """Frames of a wave of so many samples."""
        return 1 + samples // self.hop


def log_mel(wave: Tensor, how: Frames) -> Tensor:
    """Natural logarithms of the power in mel bands: (N,) -> (frames, n_mels)."""
    power = _spectrum(wave, how).abs().square()  # (bins, frames)
    return (mel_bands(how) @ power).clamp_min(FLOOR).log().T


def mfcc(wave: Tensor, how: Frames) -> Tensor:
    """Cepstra, an orthonormal DCT-II of the log-mel spectrum: (N,) -> (frames, n_mfcc)."""
    return log_mel(wave, how) @ cosines(how.n_mels, how.n_mfcc).T


def mfcc_with_deltas(wave: Tensor, how: Frames) -> Tensor:
    """Cepstra with their slopes, and the slopes of these: (N,) -> (frames, 3 n_mfcc)."""
    c = mfcc(wave, how)
    return torch.cat([c, deltas(c), deltas(deltas(c))], dim=1)


def deltas(x: Tensor, width: int = 9) -> Tensor:
    """Slope of a line through `width` frames around each, the ends repeated (Furui 1986): (T, d) -> (T, d)."""
    half = width // 2
    long = torch.cat([x[:1].expand(half, -1), x, x[-1:].expand(half, -1)])
    steps = range(1, half + 1)
    slope = sum(k * (long[half + k : half + k + len(x)] - long[half - k : half - k + len(x)]) for k in steps)
    return torch.as_tensor(slope) / (2 * sum(k * k for k in steps))


@cache
def mel_bands(how: Frames) -> Tensor:
    """Triangles on Slaney's mel scale, each of area 1 (Auditory Toolbox 1998): (n_mels, n_fft / 2 + 1)."""
    top = _to_mel(how.rate / 2)
    edges = torch.tensor([_from_mel(top * i / (how.n_mels + 1)) for i in range(how.n_mels + 2)], dtype=torch.float64)
    bins = torch.linspace(0, how.rate / 2, how.n_fft // 2 + 1, dtype=torch.float64)
    ramps = edges[:, None] - bins  # (n_mels + 2, bins)
    width = edges.diff()[:, None]
    bands = torch.minimum(-ramps[:-2] / width[:-1], ramps[2:] / width[1:]).clamp_min(0)
    return (bands * (2 / (edges[2:] - edges[:-2]))[:, None]).float()


@cache
def cosines(n: int, k: int) -> Tensor:
    """The first k rows of an orthonormal DCT-II of length n."""
    angle = pi / n * torch.arange(k, dtype=torch.float64)[:, None] * (torch.arange(n, dtype=torch.float64) + 0.5)
    rows = torch.cos(angle) * (2 / n) ** 0.5
    rows[0] /= 2**0.5
    return rows.float()


def wave_of(log_mels: Tensor, how: Frames, rounds: int = 32) -> Tensor:
    """A wave whose log-mel spectrum is about this one: (frames, n_mels) -> (N,). Phases are sought from 0, without chance."""
    bands = mel_bands(how)
    power = (torch.linalg.pinv(bands) @ log_mels.T.clamp(max=20.0).exp()).clamp_min(0)
    size = power.sqrt()
    samples = (log_mels.shape[0] - 1) * how.hop + 1
    wave = _inverse(size.to(torch.complex64), how, samples)
    for _ in range(rounds):
        found = _spectrum(wave, how)
        wave = _inverse(torch.polar(size, found.angle()), how, samples)
    return wave


def _spectrum(wave: Tensor, how: Frames) -> Tensor:
    window = torch.hann_window(how.window)
    return torch.stft(
        wave.float(), how.n_fft, how.hop, how.window, window, center=True, pad_mode="constant", return_complex=True
    )


def _inverse(spectrum: Tensor, how: Frames, samples: int) -> Tensor:
    window = torch.hann_window(how.window)
    return torch.istft(spectrum, how.n_fft, how.hop, how.window, window, center=True, length=samples)


def _to_mel(hertz: float) -> float:
    """Linear below 1 kHz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * log(hertz / 1000) / log(6.4)


def _from_mel(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else float(1000 * 6.4 ** ((mel - 15) / 27))
