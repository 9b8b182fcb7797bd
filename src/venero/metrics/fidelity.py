"""How near generated examples come to real ones, and how much of the real they reach: measured on features of both.

Two distances between the distributions (Fréchet, kernel), and three pairs of shares: how many generated examples are like real
ones (precision, density, clipped density), and how much of the real is generated (recall, coverage, clipped coverage).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from venero.core.errors import VeneroError, shown
from venero.metrics import kernel
from venero.metrics.intervals import Estimate, Z, wilson
from venero.metrics.neighbours import Floats, Places, as_pair, balls_of, nearest, radii

BLOCKS = 10  # of examples that a jackknife leaves out in turn
Side = Callable[[Places], Floats]  # what each example contributes, (n,), from counts (n,) or (n, blocks)


def frechet_distance(real: Any, generated: Any) -> float:
    """Squared 2-Wasserstein distance of Gaussians with the means and covariances of (n, d), (m, d) features; lower is better.

    |mean difference|^2 + tr A + tr B - 2 tr (A B)^(1/2) (Fréchet 1957; Heusel et al. 2017). The last trace is the sum of the
    singular values of a product of factors of A and B, so covariances may be singular and n may be less than d.
    It is biased upwards: of the same distribution it is about c / n > 0, with c growing like d, so compare figures of equal
    n and m only, and with that of real against real. It sees means and covariances alone. `frechet_estimate` has an interval.

    >>> x = np.array([[-1.0], [1.0]])
    >>> round(frechet_distance(x, x + 3), 9), round(frechet_distance(x, 2 * x), 9)  # 3^2, and (2 sd - sd)^2 = 2
    (9.0, 2.0)
    """
    real, generated = as_pair(real, generated)
    return _between(_moments(real), _moments(generated))


def frechet_estimate(real: Any, generated: Any, blocks: int = 10) -> Estimate:
    """`frechet_distance` with a 95 % interval by jackknife: each tenth of each side is left out in turn, 2 x blocks distances.

    The interval is of sampling alone: the bias is the same in all. A bootstrap would add to that bias with every repeated row.
    """
    real, generated = as_pair(real, generated, max(blocks, 2) + 2)
    a, b = _moments(real), _moments(generated)
    value = _between(a, b)
    variance = _jackknife(np.array([_between(part, b) for part in _without(real, blocks)]))
    variance += _jackknife(np.array([_between(a, part) for part in _without(generated, blocks)]))
    half = Z * variance**0.5
    return Estimate(value, max(0.0, value - half), value + half, min(len(real), len(generated)))


def kernel_distance(real: Any, generated: Any, how: str = "cubic") -> Estimate:
    """Squared MMD of features (n, d), (m, d); lower is better, 0 is expected of equals (Gretton et al. 2012).

    how: "cubic" for (x.y / d + 1)^3, which makes it KID (Bińkowski et al. 2018) on all pairs rather than on random subsets,
    and sees little where features are small or heavy-tailed; "gaussian" for exp(-|x - y|^2 / s^2), where s^2 is the mean
    squared distance of real examples, which sees every difference. It has no bias at any n, and so may be
    below 0. The 95 % interval is the normal one; its variance is that of the two-sample U-statistic (Hoeffding 1948), with
    the first-order part corrected for what the second-order part adds to it, so that it holds where both are equal too.

    >>> rng = np.random.default_rng(0)
    >>> kernel_distance(rng.normal(size=(100, 2)), rng.normal(1, 1, size=(100, 2))).low > 0
    True
    """
    real, generated = as_pair(real, generated, 3)
    x, y = kernel.tensors(real, generated)
    if how not in kernel.KERNELS:
        raise VeneroError(f"how = {shown(how)}: must be one of {', '.join(kernel.KERNELS)}")
    k = kernel.KERNELS[how](x)
    xx, yy, xy = kernel.within(x, k), kernel.within(y, k), kernel.across(x, y, k)
    value = xx.mean + yy.mean - 2 * xy.mean
    half = Z * kernel.variance(xx, yy, xy) ** 0.5
    return Estimate(value, value - half, value + half, min(len(real), len(generated)))


def _moments(x: Floats) -> tuple[Floats, Floats]:
    """Mean (d,) and covariance (d, d)."""
    x = x.astype(np.float64)
    mean = x.mean(axis=0)
    x -= mean
    return mean, x.T @ x / (len(x) - 1)


def _without(x: Floats, blocks: int) -> list[tuple[Floats, Floats]]:
    return [_moments(x[np.arange(len(x)) % blocks != block]) for block in range(blocks)]


def _between(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> float:
    """Of two Gaussians, mean and covariance."""
    shift = a[0] - b[0]
    overlap = np.linalg.svd(_factor(a[1]).T @ _factor(b[1]), compute_uv=False).sum()
    return max(0.0, float(shift @ shift + np.trace(a[1]) + np.trace(b[1]) - 2 * overlap))


def _factor(covariance: Floats) -> Floats:
    """L with L L' = covariance; what is zero but for rounding is left out."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))


class Neighbourhoods(NamedTuple):
    """Three pairs of fidelity and diversity. All: 1 is best (density: as dense as the real), 0 is worst."""

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    clipped_density: Estimate
    clipped_coverage: Estimate


def neighbourhoods(real: Any, generated: Any, k: int = 5) -> Neighbourhoods:
    """All six shares of features (n, d), (m, d), for little more than the price of one pair; each is explained at its function.

    The intervals allow for both samples: the spread of the shares over the side that is averaged, and a jackknife over ten
    blocks of the other side (radii are kept as they are). They are of the figure at these n and m, on which all six depend.
    """
    real, generated = as_pair(real, generated, k + 2)
    distances, places = nearest(real, real, k, same=True)
    radius = distances[:, -1]
    short = np.minimum(radius, np.median(radius))
    sets = [radius, np.nextafter(short, np.inf)]  # a short ball has its surface
    held, clipped, reached = balls_of(generated, real, sets, BLOCKS, back=radii(generated, k))
    ideal = np.bincount(places[distances <= short[:, None]], minlength=len(real))  # short balls that each real example is in
    return Neighbourhoods(
        _share(held.by_point, _any),
        _share(reached.by_point, _any),
        _share(held.by_point, lambda count: count / k, above=np.inf),
        _share(held.by_centre, _any),
        _clipped_density(clipped.by_point, ideal, k),
        _clipped_coverage(held.by_centre, len(generated), k),
    )


def precision_recall(real: Any, generated: Any, k: int = 5) -> tuple[Estimate, Estimate]:
    """Improved precision and recall (Kynkäänniemi et al. 2019) of features (n, d), (m, d).

    Precision: the share of generated examples in any ball around a real one that reaches to its k-th real neighbour. Recall:
    the same the other way round. One real outlier with a wide ball raises precision; a copy of train scores as real does.
    """
    return neighbourhoods(real, generated, k)[:2]


def density_coverage(real: Any, generated: Any, k: int = 5) -> tuple[Estimate, Estimate]:
    """Density and coverage (Naeem et al. 2020) of features (n, d), (m, d).

    Density: in how many real balls a generated example is, over k; 1 is expected of the real distribution; more is no better.
    Coverage: the share of real balls with a generated example in them; about 1 - 2^-k is expected where n = m.
    """
    return neighbourhoods(real, generated, k)[2:4]


def clipped_density_coverage(real: Any, generated: Any, k: int = 5) -> tuple[Estimate, Estimate]:
    """Clipped density and clipped coverage (Salvy, Talbot & Thirion 2025) of features (n, d), (m, d).

    Both read as the share of generated examples that are good. Density: radii are at most the median radius, an example counts
    for 1 at most, and the mean is divided by that of the real examples themselves. Coverage: the mean over real balls of the
    generated examples in them, at most k, over k; then the share of good examples of which this would be expected.
    Both end at 1, so that a score of real against real is a little below 1 about half of the time.
    """
    return neighbourhoods(real, generated, k)[4:]


def _any(count: Places) -> Floats:
    return (count > 0).astype(np.float64)


def _clipped_density(counts: Places, real: Places, k: int) -> Estimate:
    ideal = float(np.minimum(real / k, 1).mean())
    return _share(counts, lambda count: np.minimum(count / k, 1) / ideal)


def _clipped_coverage(counts: Places, m: int, k: int) -> Estimate:
    raw = _share(counts, lambda count: np.minimum(count, k) / k)
    expected = expected_coverage(len(counts), m, k)
    value, low, high = np.interp(raw[:3], expected, np.linspace(0, 1, m + 1)).tolist()
    return Estimate(value, low, high, raw.n)


def expected_coverage(n: int, m: int, k: int) -> Floats:
    """What the raw clipped coverage is on average if 0, 1, ... m examples are real ones and the others cover nothing.

    (m + 1,). The mass of a real ball is Beta(k, n - k), whatever the distribution, so that the number of good examples in it
    is beta-binomial, and the mean of min(number, k) is k less the sum over j < k of (k - j) P(j).
    """
    from scipy.special import betaln, gammaln

    good, j = np.arange(m + 1)[:, None], np.arange(k)  # (m + 1, 1), (k,)
    missed = np.maximum(good - j, 0)
    choose = gammaln(good + 1) - gammaln(j + 1) - gammaln(missed + 1)
    p = np.exp(choose + betaln(k + j, n - k + missed) - betaln(k, n - k)) * (j <= good)
    return np.asarray(1 - (p * (k - j)).sum(axis=1) / k)


def _share(counts: Places, of: Side, above: float = 1.0) -> Estimate:
    """The mean of what examples contribute, from counts (n, blocks) of the other side; cut to 0..above."""
    total = counts.sum(axis=1)
    each = of(total)
    left_out = np.array([of(total - counts[:, block]).mean() for block in range(counts.shape[1])])
    variance = float(each.var(ddof=1)) / len(each) + _jackknife(left_out)
    value = min(above, float(each.mean()))
    if ((each == 0) | (each == 1)).all():
        return _wilson_of(value, variance, len(each))
    half = Z * variance**0.5
    return Estimate(value, max(0.0, value - half), min(above, value + half), len(each))


def _wilson_of(p: float, variance: float, n: int) -> Estimate:
    """Wilson's interval for as many independent cases as would have this variance: it holds near 0 and 1."""
    effective = p * (1 - p) / variance if variance > 0 and 0 < p < 1 else n
    return Estimate(p, *wilson(p, min(n, effective)), n)


def _jackknife(left_out: NDArray[np.float64]) -> float:
    """The variance of a figure, from its values with each of some blocks left out (Quenouille 1956, Tukey 1958)."""
    blocks = len(left_out)
    return float((blocks - 1) * left_out.var())
