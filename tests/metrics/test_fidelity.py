"""Fidelity: against closed forms and published formulas, under planted damage, and where there is no difference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from venero.core.errors import DataError, VeneroError
from venero.metrics import kernel
from venero.metrics.fidelity import (
    clipped_density_coverage,
    density_coverage,
    expected_coverage,
    frechet_distance,
    frechet_estimate,
    kernel_distance,
    neighbourhoods,
    precision_recall,
)


def normal(seed: int, n: int = 400, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def with_moments(mean: np.ndarray, factor: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n rows whose sample mean and covariance are exactly mean and factor factor'."""
    z = normal(seed, n, factor.shape[1])
    z = np.linalg.qr(z - z.mean(0))[0] * np.sqrt(n - 1)
    return mean + (z - z.mean(0)) @ factor.T


def formula(m1: np.ndarray, c1: np.ndarray, m2: np.ndarray, c2: np.ndarray) -> float:
    return float(np.sum((m1 - m2) ** 2) + np.trace(c1 + c2) - 2 * np.trace(sqrtm(c1 @ c2)).real)


def test_frechet_distance_of_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    a, b, m1, m2 = rng.normal(size=(5, 5)), rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5)
    found = frechet_distance(with_moments(m1, a, 60, 1), with_moments(m2, b, 40, 2))
    assert found == pytest.approx(formula(m1, a @ a.T, m2, b @ b.T), rel=1e-9)


def test_frechet_distance_of_singular_covariances() -> None:
    """Two planes that share one axis: the other variances are moved in full."""
    a, b = np.diag([2.0, 3.0, 0.0]), np.diag([5.0, 0.0, 1.0])
    found = frechet_distance(with_moments(np.zeros(3), a, 50, 1), with_moments(np.zeros(3), b, 50, 2))
    assert found == pytest.approx((5 - 2) ** 2 + 3**2 + 1**2, rel=1e-9)


def test_frechet_distance_with_fewer_examples_than_features() -> None:
    x = normal(0, 10, 40)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + 1) == pytest.approx(40, rel=1e-9)
    assert frechet_distance(x, 3 * x) == pytest.approx(4 * np.trace(np.cov(x, rowvar=False)) + 4 * x.mean(0) @ x.mean(0))


def test_frechet_interval_covers_its_mean_and_falls_with_n() -> None:
    found = [frechet_estimate(normal(s, 150, 3), 1.5 * normal(s + 1000, 150, 3) + 1) for s in range(80)]
    middle = np.mean([f.value for f in found])
    assert np.mean([f.low <= middle <= f.high for f in found]) > 0.86
    biases = [np.mean([frechet_distance(normal(s, n), normal(s + 500, n)) for s in range(10)]) for n in (50, 200, 800)]
    assert biases[0] > 3 * biases[1] > 9 * biases[2] > 0  # c / n


def naive_kid(x: np.ndarray, y: np.ndarray) -> float:
    """Bińkowski et al. 2018, all pairs in float64."""
    n, m = len(x), len(y)
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())


def test_kernel_distance_is_that_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "TILE", 32)
    x, y = normal(0, 90), 1.2 * normal(1, 70) + 0.3
    assert kernel_distance(x, y).value == pytest.approx(naive_kid(x, y), rel=1e-5)
    assert kernel_distance(x * 1e3, y * 1e3).value == pytest.approx(naive_kid(x * 1e3, y * 1e3), rel=1e-9)


def test_gaussian_kernel_distance_is_that_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "TILE", 32)
    x, y = normal(0, 70) + 50, normal(1, 90) * 1.3 + 50
    squares = lambda a, b: ((a[:, None].astype(float) - b) ** 2).sum(2)  # noqa: E731
    width = squares(x, x).mean()
    k = lambda a, b: np.exp(-squares(a, b) / width)  # noqa: E731
    off = lambda m: m[~np.eye(len(m), dtype=bool)].mean()  # noqa: E731
    exact = off(k(x, x)) + off(k(y, y)) - 2 * k(x, y).mean()
    assert kernel_distance(x, y, "gaussian").value == pytest.approx(exact, abs=1e-5)
    assert kernel_distance(x * 1e3, y * 1e3, "gaussian").value == pytest.approx(exact, abs=1e-5)


def test_gaussian_kernel_sees_what_the_cubic_one_does_not() -> None:
    """Small features, and noise that changes no moment but the variances."""
    real, noisy = normal(0, 400) * 0.3 + 0.3, normal(1, 400) * 0.5 + 0.3
    assert kernel_distance(real, noisy, "gaussian").low > 0.01
    assert np.mean([kernel_distance(normal(s, 100), normal(s + 900, 100), "gaussian").value for s in range(100)]) < 2e-3


def test_an_unknown_kernel_is_told() -> None:
    with pytest.raises(VeneroError, match=r"how = 'rbf'.*cubic, gaussian"):
        kernel_distance(normal(0), normal(1), "rbf")


def test_kernel_distance_is_zero_on_average_where_nothing_differs() -> None:
    found = [kernel_distance(normal(s, 100), normal(s + 5000, 100)) for s in range(400)]
    values = np.array([f.value for f in found])
    assert abs(values.mean()) < 4 * values.std() / 20
    assert np.mean([f.low <= 0 <= f.high for f in found]) > 0.92
    width = np.sqrt(np.mean([((f.high - f.low) / 3.92) ** 2 for f in found]))
    assert width == pytest.approx(values.std(), rel=0.25)


def test_kernel_interval_covers_a_true_difference() -> None:
    found = [kernel_distance(normal(s, 100), normal(s + 5000, 130) + 0.5) for s in range(300)]
    middle = np.mean([f.value for f in found])  # unbiased
    assert np.mean([f.low <= middle <= f.high for f in found]) == pytest.approx(0.95, abs=0.05)


def published(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float, float, float]:
    """Precision, recall, density, coverage as Naeem et al. 2020 define them, from all pairs."""
    reach = [np.sort(cdist(x, x), axis=1)[:, k] for x in (real, fake)]
    pairs = cdist(real, fake)
    precision = (pairs < reach[0][:, None]).any(0).mean()
    recall = (pairs < reach[1][None]).any(1).mean()
    density = (pairs < reach[0][:, None]).sum(0).mean() / k
    return precision, recall, density, (pairs.min(1) < reach[0]).mean()


def clipped(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float]:
    """Clipped density, and clipped coverage before its calibration, as Salvy et al. 2025 define them, from all pairs."""
    own, pairs = cdist(real, real), cdist(real, fake)
    reach = np.sort(own, axis=1)[:, k]
    short = np.minimum(reach, np.median(reach))[:, None]
    np.fill_diagonal(own, np.inf)
    ideal = np.minimum((own <= short).sum(0) / k, 1).mean()
    density = min(1.0, np.minimum((pairs <= short).sum(0) / k, 1).mean() / ideal)
    return density, np.minimum((pairs < reach[:, None]).sum(1), k).mean() / k


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_the_six_shares_are_those_of_the_published_formulas(k: int, spread: float) -> None:
    real, fake = normal(0, 130), spread * normal(1, 90) + 0.2
    found = neighbourhoods(real, fake, k)
    assert [e.value for e in found[:4]] == pytest.approx(published(real, fake, k), abs=1e-12)
    density, raw = clipped(real, fake, k)
    assert found.clipped_density.value == pytest.approx(density, abs=1e-12)
    expected = expected_coverage(130, 90, k)
    assert found.clipped_coverage.value == pytest.approx(np.interp(raw, expected, np.arange(91) / 90), abs=1e-12)
    assert all(e.low <= e.value <= e.high for e in found)
    assert (precision_recall(real, fake, k), density_coverage(real, fake, k)) == (found[:2], found[2:4])
    assert clipped_density_coverage(real, fake, k) == found[4:]


def test_expected_coverage_is_what_simulation_gives() -> None:
    raw = [clipped(normal(s, 60, 2), normal(s + 999, 40, 2), 3)[1] for s in range(200)]
    assert expected_coverage(60, 40, 3)[-1] == pytest.approx(np.mean(raw), abs=4 * np.std(raw) / 200**0.5)
    assert expected_coverage(60, 40, 3)[:2] == pytest.approx([0, 1 / 60])  # one example is in a k-th part of k / n of the balls


def test_the_shares_do_not_change_with_a_turn_a_shift_or_a_scale() -> None:
    real, fake = normal(0, 120), 1.1 * normal(1, 100)
    turn = np.linalg.qr(normal(2, 4))[0]
    values = [[e.value for e in neighbourhoods(a, b)] for a, b in ((real, fake), (real @ turn * 7 + 3, fake @ turn * 7 + 3))]
    assert values[0] == pytest.approx(values[1], abs=1e-9)


def test_intervals_of_the_shares_cover_their_mean_over_new_samples() -> None:
    found = [neighbourhoods(normal(s, 200), 1.3 * normal(s + 999, 200)) for s in range(35)]
    for each in zip(*found, strict=True):
        middle = np.mean([e.value for e in each])
        assert np.mean([e.low <= middle <= e.high for e in each]) >= 0.8


def modes(seed: int, n: int = 300, kept: int = 6) -> np.ndarray:
    """Six clusters, or some of them."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)) * 0.5 + np.random.default_rng(99).normal(size=(6, 4))[rng.integers(0, kept, n)] * 5


def noisy(strength: float) -> np.ndarray:
    x = modes(1)
    return x + strength * np.random.default_rng(3).normal(size=x.shape)


FALLS: dict[str, tuple[Callable[[], list[np.ndarray]], list[str]]] = {
    "dropped modes": (
        lambda: [modes(1, kept=kept) for kept in (6, 4, 2)],
        ["recall", "coverage", "clipped_coverage"],
    ),
    "noise": (
        lambda: [noisy(strength) for strength in (0, 1, 3)],
        ["precision", "density", "coverage", "clipped_density", "clipped_coverage"],
    ),
    "one example again and again": (
        lambda: [np.repeat(modes(1)[: 300 // times], times, axis=0) for times in (1, 20, 100)],
        ["coverage", "clipped_coverage"],
    ),
}


@pytest.mark.parametrize("damage", FALLS)
def test_damage_is_seen_and_more_damage_is_worse(damage: str) -> None:
    make, names = FALLS[damage]
    steps = make()
    found = [neighbourhoods(modes(0), fake) for fake in steps]
    for name in names:
        values = [getattr(f, name).value for f in found]
        assert values[0] > values[1] > values[2], name
    for distance in (frechet_distance, lambda a, b: kernel_distance(a, b).value):
        values = [distance(modes(0), fake) for fake in steps]
        assert values[0] < values[1] < values[2]


def test_half_of_nonsense_halves_the_clipped_pair() -> None:
    real, good, bad = normal(0, 600), normal(1, 300), normal(2, 300) + 50
    density, coverage = clipped_density_coverage(real, np.vstack([good, bad]))
    assert (density.value, coverage.value) == pytest.approx((0.5, 0.5), abs=0.07)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(DataError, match="generated has 3 rows: at least 7"):
        neighbourhoods(normal(0), normal(0, 3))
    with pytest.raises(DataError, match="real has 4 columns and generated 5"):
        kernel_distance(normal(0), normal(0, 9, 5))
