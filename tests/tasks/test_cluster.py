"""Separated groups are found exactly; the target is the paper's; training for clusters leaves the model as it was."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

from examples import numbers, small
from venero.core.abilities import UnfittedError
from venero.core.errors import DataError, VeneroError
from venero.metrics.clustering import clustering_accuracy
from venero.models.autoencoder import AutoEncoder
from venero.models.gaussian import Gaussian
from venero.models.vae import VAE
from venero.tasks.cluster import DeepClustering, cluster, memberships, moved, sharpened
from venero.train.run import Run

CENTERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def groups(spread: float = 0.5, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Four Gaussians in the plane."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, n)
    return CENTERS[y] + spread * rng.normal(size=(n, 2)), y


class Identity:
    """A model whose codes are the examples."""

    def encode(self, X: Any) -> np.ndarray:
        return np.asarray(X)


@pytest.fixture(scope="module")
def fitted() -> AutoEncoder:
    return AutoEncoder(latent_dim=2, net="mlp", hidden=(16,), epochs=15, learning_rate=1e-2, random_state=0).fit(groups()[0])


@pytest.mark.parametrize("k", [4, None])
def test_separated_gaussians_are_found_exactly(k: int | None) -> None:
    X, y = groups()
    found = cluster(Identity(), X, k)
    assert clustering_accuracy(y, found.labels).value == 1
    order = [int(((found.centers - c) ** 2).sum(1).argmin()) for c in CENTERS]
    np.testing.assert_allclose(found.centers[order], [X[y == i].mean(0) for i in range(4)])
    assert found.silhouette > 0.8


def test_memberships_are_students_t() -> None:
    z, centers = np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([[0.0, 0.0], [3.0, 3.0], [1.0, 1.0]])
    kernel = [[(1 + ((a - c) ** 2).sum()) ** -1 for c in centers] for a in z]
    want = np.array(kernel) / np.sum(kernel, 1, keepdims=True)
    np.testing.assert_allclose(memberships(torch.tensor(z), torch.tensor(centers)), want, rtol=1e-6)


def test_the_target_is_the_papers() -> None:
    """p_ij = (q_ij^2 / f_j) / sum_j' (q_ij'^2 / f_j'), with f_j = sum_i q_ij (Xie et al. 2016, eq. 3)."""
    q = np.random.default_rng(0).dirichlet(np.ones(3), 7)
    f = q.sum(0)
    want = np.array([[row[j] ** 2 / f[j] / sum(row[m] ** 2 / f[m] for m in range(3)) for j in range(3)] for row in q])
    p = sharpened(torch.tensor(q)).numpy()
    np.testing.assert_allclose(p, want)
    even = np.array([[0.7, 0.3], [0.3, 0.7]])
    assert (sharpened(torch.tensor(even)).numpy().max(1) > even.max(1)).all(), "between clusters of one size it is sharper"


def test_deep_clustering_draws_clusters_together(fitted: AutoEncoder) -> None:
    """Groups that touch each other: after training each belongs to its cluster more clearly, and no fewer to the right one."""
    X, y = groups(spread=2.0)
    before = fitted.encode(X)
    start = cluster(fitted, X, 4)
    deep = DeepClustering(fitted, 4, updates=300, refresh=30, batch_size=64, weight=1.0, tol=0.0, random_state=0).fit(X)
    codes = deep.model_.encode(X)
    sure = lambda z, centers: float(memberships(torch.tensor(z), torch.tensor(centers, dtype=torch.float32)).amax(1).mean())  # noqa: E731
    assert sure(codes, deep.cluster_centers_) > sure(before, start.centers) + 0.02
    accuracy = clustering_accuracy(y, deep.labels_).value
    assert accuracy > clustering_accuracy(y, start.labels).value - 0.03
    np.testing.assert_array_equal(deep.predict(X), deep.labels_)
    np.testing.assert_array_equal(fitted.encode(X), before, err_msg="the model itself was changed")


def test_it_is_repeatable(fitted: AutoEncoder) -> None:
    X, _ = groups(spread=2.0)
    a, b = (DeepClustering(fitted, 4, updates=20, refresh=10, random_state=5).fit(X) for _ in range(2))
    np.testing.assert_array_equal(a.cluster_centers_, b.cluster_centers_)
    np.testing.assert_array_equal(a.model_.encode(X), b.model_.encode(X))


def test_without_updates_it_is_kmeans(fitted: AutoEncoder) -> None:
    X, _ = groups()
    deep, start = DeepClustering(fitted, 4, updates=0, random_state=0).fit(X), cluster(fitted, X, 4)
    np.testing.assert_array_equal(deep.labels_, start.labels)
    np.testing.assert_allclose(deep.cluster_centers_, start.centers, rtol=1e-6)


def test_it_stops_when_clusters_stay_as_they_are_or_time_is_over(fitted: AutoEncoder) -> None:
    X, _ = groups()
    still = DeepClustering(fitted, 4, updates=10_000, refresh=4, batch_size=100, random_state=0).fit(X)
    assert still.n_updates_ == 4, "the second target finds every example where it was"
    late = DeepClustering(fitted, 4, refresh=5, tol=0.0, random_state=0).fit(groups(3.0)[0], run=Run(minutes=1e-6))
    assert late.history_[-1]["step"] <= 3


def test_a_model_that_is_not_fitted_learns_first() -> None:
    X = groups()[0]
    model = AutoEncoder(latent_dim=2, net="mlp", hidden=(8,), epochs=2, random_state=0)
    deep = DeepClustering(clone(model).fit(X), 4, updates=2, refresh=1, random_state=0).fit(X)
    again = clone(DeepClustering(model, 4, updates=2, refresh=1, random_state=0)).fit(X)
    np.testing.assert_array_equal(again.cluster_centers_, deep.cluster_centers_)
    assert not hasattr(model, "net_")


def test_any_model_with_codes_and_a_loss() -> None:
    X = groups()[0]
    model = VAE(latent_dim=2, hidden=(16,), epochs=10, learning_rate=1e-2, random_state=0).fit(X)
    assert DeepClustering(model, 4, updates=4, refresh=2, random_state=0).fit_predict(X).shape == (len(X),)


def test_images_are_moved_as_far_as_is_said() -> None:
    """A blot in the middle keeps its mass, and its centre lies within reach; no way at all changes nothing."""
    x = torch.zeros(200, 1, 21, 31)
    x[:, :, 9:12, 14:17] = 1
    torch.manual_seed(0)
    y = moved(x, 0.2)
    np.testing.assert_allclose(y.sum((1, 2, 3)), 9, rtol=0.25)
    rows = (y.sum((1, 3)) * torch.arange(21)).sum(1) / y.sum((1, 2, 3)) - 10
    columns = (y.sum((1, 2)) * torch.arange(31)).sum(1) / y.sum((1, 2, 3)) - 15
    for way, side in ((rows, 21), (columns, 31)):
        assert 0.15 * side < way.abs().max() < 0.26 * side
        assert abs(float(way.mean())) < 0.03 * side
    np.testing.assert_allclose(moved(x, 0.0), x, atol=1e-5)


def test_accuracy_is_that_of_the_best_matching() -> None:
    rng = np.random.default_rng(0)
    y, found = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    best = max(np.mean(np.array(p)[found] == y) for p in permutations(range(4)))
    assert clustering_accuracy(y, found).value == pytest.approx(best)
    assert clustering_accuracy(y, (y + 1) % 4).value == 1
    assert clustering_accuracy(y, np.arange(60)).value == pytest.approx(4 / 60), "one cluster for each example explains few"
    with pytest.raises(DataError, match="must both be"):
        clustering_accuracy(y, found[:-1])


def test_what_can_not_be(fitted: AutoEncoder) -> None:
    X = numbers()
    for match, call in (
        ("can't encode", lambda: cluster(Gaussian(), X, 2)),
        ("k = 0: must be an integer >= 1", lambda: cluster(Identity(), X, 0)),
        ("k = 500: 200 examples are too few", lambda: cluster(Identity(), X, 500)),
        ("must be a model that can encode", lambda: DeepClustering(Gaussian(random_state=0).fit(X)).fit(X)),
        ("conditional=False", lambda: DeepClustering(small("vae", conditional=True).fit(X, X[:, 0] > 0)).fit(X)),
        ("DeepClustering.weight = -1: must be >= 0", lambda: DeepClustering(fitted, weight=-1).fit(X)),
        ("has no loss of its own", lambda: DeepClustering(small("latent", first=fitted).fit(X)).fit(X)),
        ("augment = 0.1: only images", lambda: DeepClustering(fitted, augment=0.1).fit(X)),
        ("can't be resumed", lambda: DeepClustering(fitted, 2).fit(X, run=Run(folder="runs/none", resume=True))),
    ):
        with pytest.raises(VeneroError, match=match) as e:
            call()
        assert "\n" not in str(e.value)
    with pytest.raises(UnfittedError, match="not fitted yet"):
        DeepClustering(fitted).predict(X)
