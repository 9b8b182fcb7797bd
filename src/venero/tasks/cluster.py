"""Groups among the codes of any model that encodes: k-means, and deep clustering, which trains the codes for it.

Xie, Girshick & Farhadi 2016 (DEC); Guo, Gao, Liu & Yin 2017 (IDEC); Guo, Liu, Zhu & Yin 2017 (DCEC, convolutional).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass, replace
from math import ceil
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from torch import Tensor, nn

from venero.core.abilities import UnfittedError
from venero.core.errors import DataError, VeneroError, shown
from venero.core.params import LARGEST_SEED, check, param, positive
from venero.data.data import Data
from venero.data.spec import Batch
from venero.tasks.finetune import examples_of, train, with_codes, with_net
from venero.train.loop import Trainer
from venero.train.progress import Row
from venero.train.rules import Descent, GradientDescent, Objective
from venero.train.run import Run
from venero.train.stage import Stage

Floats = NDArray[np.floating[Any]]

RESTARTS = 20  # of k-means, the best of which is taken
TRIED = range(2, 13)  # numbers of clusters among which the silhouette chooses
LOOKED_AT = 2000  # examples at most that a silhouette is computed on: it takes all pairs


class Clusters(NamedTuple):
    """Which cluster each example is in (n,), the clusters' centres among the codes (k, d), and the silhouette, -1..1."""

    labels: NDArray[np.int64]
    centers: Floats
    silhouette: float


def cluster(model: Any, X: Any, k: int | None = None, *, random_state: int = 0) -> Clusters:
    """k-means on the codes of X, the best of 20 starts; k of None takes the one from 2 to 12 of the highest silhouette.

    The silhouette (Rousseeuw 1987) compares how near an example is to its own cluster and to the next, on 2,000 examples.
    """
    if not hasattr(model, "encode"):
        raise VeneroError(f"{type(model).__name__} has no codes to group: it can't encode")
    codes = np.asarray(model.encode(X), np.float64)
    tried = [k for k in TRIED if k < len(codes)] if k is None else [positive("k", k)]
    if not tried or tried[0] > len(codes):
        raise DataError(f"k = {k}: {len(codes)} examples are too few; give more, or a smaller k")
    return max((grouped(codes, k, random_state) for k in tried), key=lambda found: found.silhouette)


def grouped(codes: Floats, k: int, random_state: int = 0) -> Clusters:
    """k-means on codes (n, d)."""
    from sklearn.cluster import KMeans

    means = KMeans(k, n_init=RESTARTS, random_state=random_state).fit(codes)
    labels = means.labels_.astype(np.int64)
    return Clusters(labels, means.cluster_centers_, silhouette(codes, labels, random_state))


def silhouette(codes: Floats, labels: NDArray[np.int64], random_state: int = 0) -> float:
    """How much nearer codes (n, d) are to their own cluster than to the next, -1..1; of 2,000 at most; 0 of one cluster."""
    from sklearn.metrics import silhouette_score

    some = np.random.default_rng(random_state).permutation(len(codes))[:LOOKED_AT]
    told_apart = 1 < len(np.unique(labels[some])) < len(some)
    return float(silhouette_score(codes[some], labels[some])) if told_apart else 0.0


def memberships(z: Tensor, centers: Tensor) -> Tensor:
    """q: how far each code belongs to each centre, by Student's t with one degree of freedom: (B, d), (k, d) -> (B, k).

    >>> memberships(torch.tensor([[0.0]]), torch.tensor([[0.0], [1.0]]))
    tensor([[0.6667, 0.3333]])
    """
    near = 1 / (1 + torch.cdist(z, centers) ** 2)
    return near / near.sum(1, keepdim=True)


def sharpened(q: Tensor) -> Tensor:
    """p: q squared, over the clusters' sizes so that large ones don't swallow the rest: (n, k) -> (n, k), rows sum to 1."""
    weight = q**2 / q.sum(0)
    return weight / weight.sum(1, keepdim=True)


def moved(x: Tensor, most: float) -> Tensor:
    """Each image shifted by up to this share of its sides and turned by up to as many radians: (B, C, H, W), same shape."""
    turn, right, down = ((2 * torch.rand(3, len(x), device=x.device) - 1) * most).unbind()
    rows = [torch.stack([turn.cos(), -turn.sin(), 2 * right], 1), torch.stack([turn.sin(), turn.cos(), 2 * down], 1)]
    grid = nn.functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)  # (B, H, W, 2)
    return nn.functional.grid_sample(x, grid, align_corners=False)


class ClusteringNet(nn.Module):
    """An auto-encoder's network with k centres among its codes; minimises its own loss + weight KL(p || q)."""

    def __init__(self, net: Any, centers: Tensor, weight: float, augment: float = 0.0):
        super().__init__()
        self.net, self.weight, self.augment = net, weight, augment
        self.centers = nn.Parameter(centers)

    def memberships(self, x: Tensor) -> Tensor:
        return memberships(self.net.encode(x), self.centers)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """batch.y are the targets p (B, k). The own loss counts per element, so that `weight` suits examples of any size."""
        if batch.y is None:
            raise VeneroError("a clustering network learns from targets")
        x = moved(batch.x, self.augment) if self.augment else batch.x
        own: Tensor = self.net.loss(Batch(x))["loss"] / x[0].numel()
        q = self.memberships(x)
        kl = (batch.y * (batch.y.clamp_min(1e-12) / q.clamp_min(1e-12)).log()).sum(1).mean()
        return {"loss": own + self.weight * kl, "own loss": own, "clustering": kl}

    @torch.no_grad()
    def over(self, data: Data) -> Tensor:
        """The memberships of all examples (n, k)."""
        training = self.training
        self.eval()
        q = torch.cat([self.memberships(batch.x) for batch in data.batches(1024)])
        self.train(training)
        return q


@dataclass(eq=False, repr=False)
class DeepClustering(ClusterMixin, BaseEstimator):
    """Trains an auto-encoder further so that its codes fall into clusters, which start from k-means.

    Every `refresh` updates each example's memberships q are sharpened into a target p (squared, and over the clusters' sizes);
    the network learns to come closer to p and still to restore the examples. With `augment` it sees images moved a little, each
    time otherwise, and the target is that of the image as it is (Guo, Zhu, Liu & Yin 2018). The model itself stays as it is:
    `model_` is the copy that was trained. Sets labels_ (n,), cluster_centers_ (k, d), n_updates_ and history_.

    >>> import venero
    >>> X = venero.dataset("digits").X[:300]
    >>> model = venero.AutoEncoder(latent_dim=5, net="mlp", epochs=2, random_state=0).fit(X)
    >>> DeepClustering(model, 10, updates=20, refresh=10, random_state=0).fit_predict(X).shape
    (300,)
    """

    model: Any = param(None, "model that encodes and has a loss; it learns from X first, unless it is fitted")
    n_clusters: int = param(10, "number of clusters", low=1)
    _: KW_ONLY
    weight: float = param(0.1, "weight of the clusters' loss beside the model's own per pixel or column", low=0)
    augment: float = param(
        0.0, "share of their sides that images are moved by at most, and radians that they are turned", low=0, high=1
    )
    refresh: int = param(140, "updates between new targets", low=1)
    updates: int = param(20_000, "most updates", low=0)
    batch_size: int = param(256, "examples per update", low=1)
    learning_rate: float = param(1e-3, "size of a step", above=0)
    tol: float = param(1e-3, "stop when no larger share of the examples changes its cluster between targets", low=0, high=1)
    random_state: int | None = param(None, "makes fit repeatable", low=0, high=LARGEST_SEED)

    def fit(self, X: Any, y: Any = None, *, run: Run | None = None) -> Self:
        """Learn clusters of X, as the model took them: (n, ...). y is ignored. Returns self."""
        check(self)
        model = with_codes(self.model, X, run)
        if not hasattr(model.net_, "loss"):
            raise VeneroError(f"model = {shown(model)}: its network has no loss of its own; give its auto-encoder")
        if self.augment and model.spec_.kind != "image":
            raise VeneroError(f"DeepClustering.augment = {self.augment!r}: only images can be moved; leave it at 0")
        seed = int(np.random.SeedSequence().generate_state(1)[0]) if self.random_state is None else self.random_state
        start = cluster(model, X, self.n_clusters, random_state=seed)
        device = (run or Run()).torch_device()
        centers = torch.as_tensor(start.centers, dtype=torch.float32)
        net = ClusteringNet(deepcopy(model.net_), centers, self.weight, self.augment).to(device)
        data = examples_of(model, X, device=device)
        self.n_updates_ = 0
        self.history_: list[Row] = train(net, lambda trainer: self._stages(net, data, trainer), run, seed)
        self.labels_ = net.over(data).argmax(1).cpu().numpy()
        self.model_ = with_net(model, net.net)
        self.cluster_centers_ = net.centers.detach().cpu().numpy()
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The cluster whose centre is nearest, of each example: (n, ...) -> (n,)."""
        if not hasattr(self, "model_"):
            raise UnfittedError("This DeepClustering instance is not fitted yet: call fit(X) first")
        z, centers = torch.from_numpy(self.model_.encode(X)), torch.from_numpy(self.cluster_centers_)
        labels: NDArray[np.int64] = memberships(z, centers).argmax(1).numpy()
        return labels

    def _stages(self, net: ClusteringNet, data: Data, trainer: Trainer) -> Iterator[Stage]:
        """A stage for each target, until clusters stay as they are."""
        rule = GradientDescent(net, [Objective("clusters", net, net.loss)], Descent(learning_rate=self.learning_rate))
        before = None
        for number in range(ceil(self.updates / self.refresh)):
            q = net.over(data)
            labels = q.argmax(1)
            still = before is not None and float((labels != before).float().mean()) <= self.tol
            if still or trainer.place.reason != "finished":  # or time is over
                return
            before = labels
            yield self._stage(f"target {number + 1}", replace(data, y=sharpened(q)), rule)

    def _stage(self, name: str, data: Data, rule: GradientDescent) -> Stage:
        """As many updates as there are between two targets, on examples drawn without replacement, epoch by epoch."""
        wanted = self.refresh * self.batch_size
        epochs = ceil(wanted / len(data))
        rows = torch.randperm(len(data))[: wanted // epochs].to(data.rows.device)
        self.n_updates_ += epochs * ceil(len(rows) / self.batch_size)
        return Stage(name, data.subset(rows), rule, epochs, self.batch_size)
