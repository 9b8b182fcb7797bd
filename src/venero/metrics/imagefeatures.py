"""Feature spaces of images: a small classifier trained on the spot, fixed random convolutions, Inception where installed.

Figures made with the first two are comparable only on the same data with the same random_state; they are never called FID.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from venero.maths.random import seeded
from venero.metrics.intervals import Estimate, share

LEARNED = 10_000  # training images that the classifier sees at most
LARGEST = 32  # pixels: larger images are averaged down to about this before they are looked at
UPDATES = 200
BATCH = 100
AT_ONCE = 512
WIDTH = 64  # features
DEPTHS = (16, 32, 64)  # channels of the random convolutions


def as_tensor(X: Any) -> Tensor:
    """Images (n, H, W[, C]) as (n, C, H, W) floats, bytes on 0..1; larger ones averaged down to 32 pixels or a little more."""
    x = torch.from_numpy(np.ascontiguousarray(X))
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    x = x[:, None] if x.ndim == 3 else x.movedim(-1, 1)
    factor = max(1, max(x.shape[2:]) // LARGEST)
    return F.avg_pool2d(x, factor) if factor > 1 else x


@dataclass(frozen=True)
class Classifier:
    """A trained network: its last hidden layer (n, 64) is the feature space; accuracy on training images it did not see."""

    body: nn.Module
    accuracy: Estimate

    @torch.no_grad()
    def __call__(self, X: Any) -> NDArray[np.float32]:
        return _by_pieces(self.body, X)


def classifier(X: Any, y: NDArray[Any], random_state: int = 0) -> Classifier:
    """Learn to tell the classes of images from a tenth fewer than are given (at most 10,000), in seconds on a CPU."""
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(X))[:LEARNED]
    cut = max(1, len(order) // 10)
    names, places = np.unique(y, return_inverse=True)
    held_out, learned = np.sort(order[:cut]), np.sort(order[cut:])
    x, labels = as_tensor(X[learned]), torch.from_numpy(places[learned])
    with seeded(random_state):
        body = _body(x.shape[1:])
        head = nn.Linear(WIDTH, len(names))
        _learn(nn.Sequential(body, head), x, labels)
    body.eval()
    with torch.no_grad():
        found = head(torch.from_numpy(_by_pieces(body, X[held_out]))).argmax(1).numpy()
    return Classifier(body, share(found == places[held_out]))


def _body(shape: torch.Size) -> nn.Sequential:
    """Two convolutions and a layer of features, for (C, H, W) images of any size.

    Batches are normalised: in half the updates, neighbours among the features of held-out digits then tell their class in
    0.97 of cases, else in 0.87.
    """
    channels, height, width = shape
    cells = -(-height // 4) * -(-width // 4)
    features = [nn.Flatten(), nn.Linear(32 * cells, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU()]
    return nn.Sequential(*_convolution(channels, 16), *_convolution(16, 32), *features)


def _convolution(before: int, after: int) -> list[nn.Module]:
    conv = nn.Conv2d(before, after, 3, padding=1)
    return [conv, nn.BatchNorm2d(after), nn.ReLU(), nn.AvgPool2d(2, ceil_mode=True)]


def _learn(net: nn.Module, x: Tensor, y: Tensor) -> None:
    """Adam with a rate that falls to zero, on cross entropy."""
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, UPDATES)
    for _ in range(UPDATES):
        rows = torch.randint(len(x), (BATCH,))
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(net(x[rows]), y[rows]))
        optimizer.step()
        schedule.step()


class RandomConvolutions:
    """Means and standard deviations of what a random convolutional network sees at each of its depths: (n, 224).

    No label is needed; such features tell apart what differs in texture and in shape at several scales (Gu et al. 2021 found
    distances in untrained features to follow those in trained ones). Standardised by the training images.
    """

    def __init__(self, train: Any, random_state: int = 0):
        with seeded(random_state):
            widths = (as_tensor(train[:1]).shape[1], *DEPTHS)
            self.layers = [nn.Conv2d(a, b, 3, 1, 1) for a, b in pairwise(widths)]
            for layer in self.layers:
                nn.init.orthogonal_(layer.weight, 2**0.5)
        self.mean, self.scale = torch.zeros(()), torch.ones(())
        rows = np.sort(np.random.default_rng(random_state).permutation(len(train))[:2000])
        seen = torch.from_numpy(self(train[rows]))
        self.mean, self.scale = seen.mean(0), seen.std(0).clamp_min(1e-6)

    @torch.no_grad()
    def __call__(self, X: Any) -> NDArray[np.float32]:
        return _by_pieces(self._seen, X)

    def _seen(self, x: Tensor) -> Tensor:
        found = []
        for layer in self.layers:
            x = F.relu(layer(x))
            found += [x.mean((2, 3)), x.std((2, 3), correction=0)]
            x = F.avg_pool2d(x, 2, ceil_mode=True)
        return (torch.cat(found, 1) - self.mean) / self.scale


class Inception:
    """torch-fidelity's Inception v3, whose features the literature's FID is made of."""

    def __init__(self) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        self.net = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"]).eval()

    @torch.no_grad()
    def __call__(self, X: Any) -> NDArray[np.float32]:
        x = torch.from_numpy(np.ascontiguousarray(X))
        x = x if x.dtype == torch.uint8 else (x.clamp(0, 1) * 255).round().to(torch.uint8)
        x = x[:, None].expand(-1, 3, -1, -1) if x.ndim == 3 else x.movedim(-1, 1).expand(-1, 3, -1, -1)  # (n, 3, H, W)
        return np.concatenate([self.net(part)[0].numpy() for part in torch.split(x, 64)])


def _by_pieces(f: Any, X: Any) -> NDArray[np.float32]:
    parts = [f(as_tensor(X[i : i + AT_ONCE])) for i in range(0, len(X), AT_ONCE)]
    return np.asarray(torch.cat(parts).numpy())
