"""The mixture's answers are scikit-learn's, scipy's and enumeration's; gaps, weights and adaptation by their definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

import venero
from venero.core.errors import DataError, VeneroError
from venero.data.spec import Batch, Spec
from venero.maths.covariances import KINDS, Gaussians, log_joint, sums
from venero.maths.missing import gappy_sums
from venero.models.autoencoder import AutoEncoder
from venero.models.gmm import GMM, GMMNet
from venero.models.latent import LatentModel
from venero.tasks.classify import GenerativeClassifier

CENTRES = np.array([[0.0, 0, 0], [3, 1, 0], [-2, 4, 1]])


def clumps(n: int = 600, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Three clumps of different shapes in three dimensions, and which of them each row is of."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, n)
    shapes = rng.normal(size=(3, 3, 3)) * spread
    return CENTRES[which] + np.einsum("nd,nde->ne", rng.normal(size=(n, 3)), shapes[which]), which


def begun(X: np.ndarray, share: np.ndarray, **fields: Any) -> GMMNet:
    """A network after the M-step of given responsibilities."""
    x = torch.from_numpy(X)
    net = GMMNet(Spec("table", X.shape[1:]), GMM(n_components=share.shape[1], **fields))
    net.begin(Batch(x))
    if net.concentration:
        net.scale.copy_(torch.from_numpy(np.cov(X.T)))  # as scikit-learn has it, without a ridge
    net.set_responsibilities(x - net.origin, torch.from_numpy(share))
    return net


def covariance(net: GMMNet) -> np.ndarray:
    roots = KINDS[net.kind].dense(net.chol, *net.mean.shape).numpy()
    return np.asarray(np.broadcast_to(roots @ roots.transpose(0, 2, 1), (*net.mean.shape, net.mean.shape[1])))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("prior", ["none", "dirichlet process"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_from_the_same_start_it_is_scikit_learns(kind: str, prior: str) -> None:
    X, _ = clumps()
    share = np.eye(3)[np.random.default_rng(1).integers(0, 3, len(X))] * 0.7 + 0.1
    base = GaussianMixture if prior == "none" else BayesianGaussianMixture

    class Begun(base):  # type: ignore[misc,valid-type]
        def _initialize_parameters(self, X: Any, random_state: Any, **rest: Any) -> None:
            self._initialize(X, share)

    theirs = Begun(n_components=3, covariance_type=kind, max_iter=9, tol=0).fit(X)
    net = begun(X, share, covariance=kind, prior=prior)
    for _ in range(9):
        bound = net.m_step(net.e_step(Batch(torch.from_numpy(X))))
    np.testing.assert_allclose(net.mean, theirs.means_, atol=1e-6)
    np.testing.assert_allclose(net.log_weight.exp(), theirs.weights_, atol=1e-6)
    their_roots = {"tied": lambda c: c[None], "full": lambda c: c, "diag": lambda c: c[:, :, None] * np.eye(3)}
    their_roots["spherical"] = lambda c: c[:, None, None] * np.eye(3)
    np.testing.assert_allclose(covariance(net), np.broadcast_to(their_roots[kind](theirs.covariances_), (3, 3, 3)), atol=1e-6)
    if bound is None:
        np.testing.assert_allclose(net.log_prob(Batch(torch.from_numpy(X))), theirs.score_samples(X), atol=1e-6)
    else:  # theirs is no density: it is not normalised. The bounds are the same
        assert float(bound) == pytest.approx(np.ravel(theirs.lower_bound_)[0], rel=1e-8)


@pytest.mark.parametrize("kind", list(KINDS))
def test_fitted_it_scores_as_scikit_learns_mixture_of_its_parameters(kind: str) -> None:
    X = clumps()[0] * [1e-3, 1, 1e3] + [0, 50, 0]
    model = GMM(n_components=3, covariance=kind, random_state=0).fit(X)
    Z = (X - model.codec_.stats[0]) / model.codec_.stats[1]
    exact = np.logaddexp.reduce(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(Z)
            for w, m, c in zip(
                model.net_.log_weight.exp().numpy(), model.net_.mean.numpy(), covariance(model.net_), strict=True
            )
        ],
        axis=0,
    )
    np.testing.assert_allclose(
        model.score_samples(X), exact - np.log(model.codec_.stats[1]).sum(), atol=1e-4
    )  # of float32 rows


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_no_iteration_lowers_the_likelihood(kind: str, gaps: bool) -> None:
    X, _ = clumps()
    if gaps:
        X[np.random.default_rng(2).random(X.shape) < 0.3] = np.nan
    net = GMMNet(Spec("table", (3,)), GMM(n_components=5, covariance=kind))
    batch = Batch(torch.from_numpy(X))
    net.begin(batch)
    net.start(batch, 0)
    said = []
    for _ in range(25):
        totals = net.e_step(batch)
        said.append(float(totals["log_likelihood"]))
        net.m_step(totals)
    assert np.diff(said).min() > -1e-3 * 600 * 1e-3  # the ridge of 1e-6 is all that may be lost
    assert said[-1] > said[0]


def test_sums_from_products_are_those_from_differences() -> None:
    """Chunks, products and triangles: against responsibilities and outer products written out."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(5000, 6)))
    weight = torch.from_numpy(rng.random(5000))
    root = torch.linalg.cholesky(torch.from_numpy(np.stack([np.cov(rng.normal(size=(6, 20))) for _ in range(4)])))
    roots = {"full": root, "tied": root[0], "diag": root.diagonal(dim1=1, dim2=2), "spherical": root[:, 0, 0]}
    for kind, chol in roots.items():
        g = Gaussians(torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).log(), x[:4], chol)
        joint = log_joint(kind, g, x)
        share = joint.softmax(1) * weight[:, None]
        found = sums(kind, g, x, weight)
        second = torch.einsum("nk,ni,nj->kij", share, x, x)
        assert float(found.log_p) == pytest.approx(float(joint.logsumexp(1) @ weight), abs=1e-6)
        for ours, exact in ((found.n, share.sum(0)), (found.first, share.T @ x), (found.second, KINDS[kind].of_dense(second))):
            np.testing.assert_allclose(ours, exact, atol=1e-8)
        entropy = -(weight[:, None] * torch.xlogy(joint.softmax(1), joint.softmax(1))).sum()
        assert float(found.entropy) == pytest.approx(float(entropy), abs=1e-7)
        np.testing.assert_allclose(gappy_sums(kind, g, x, weight).second, found.second, atol=1e-8)
        assert float(gappy_sums(kind, g, x, weight).log_p) == pytest.approx(float(found.log_p), abs=1e-6)


def test_many_dimensions_take_the_other_way_to_the_same_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(300, 5)))
    g = Gaussians(torch.full((2,), 0.5, dtype=torch.float64).log(), x[:2], torch.eye(5, dtype=torch.float64).repeat(2, 1, 1))
    narrow = sums("full", g, x)
    monkeypatch.setattr("venero.maths.covariances.WIDEST", 4)
    for a, b in zip(narrow, sums("full", g, x), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)


def test_gaps_are_integrated_out_and_filled_with_their_exact_mean() -> None:
    """Against a sum over a fine grid of the missing number."""
    X, _ = clumps()
    model = GMM(n_components=3, random_state=0).fit(X)
    row = np.array([[1.0, np.nan, 0.5]])
    grid = np.linspace(-60, 60, 24_001)
    rows = np.stack([np.full_like(grid, 1.0), grid, np.full_like(grid, 0.5)], 1)
    p = np.exp(model.score_samples(rows).astype(np.float64)) * (grid[1] - grid[0])
    assert model.score_samples(row)[0] == pytest.approx(np.log(p.sum()), abs=1e-4)
    assert model.complete(row)[0, 1] == pytest.approx((p * grid).sum() / p.sum(), abs=1e-3)
    assert model.complete(row)[0, [0, 2]].tolist() == [1.0, 0.5]
    assert model.score_samples([[np.nan] * 3])[0] == 0
    np.testing.assert_allclose(model.complete([[np.nan] * 3])[0], X.mean(0), atol=0.01)


def test_one_component_with_gaps_is_the_closed_form_of_monotone_data() -> None:
    """The second column missing at random given the first: its mean is the regression's (Little & Rubin, example 6.2)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    X = np.stack([x, 2 * x + 0.5 * rng.normal(size=400)], 1)
    seen = X.copy()
    seen[x > 0.3, 1] = np.nan
    model = GMM(n_components=1, max_iter=500, tol=1e-12, random_state=0).fit(seen)
    mean = model.codec_.stats[0] + model.codec_.stats[1] * model.net_.mean[0].numpy()
    there = x <= 0.3
    slope, shift = np.polyfit(x[there], X[there, 1], 1)
    assert mean[1] == pytest.approx(shift + slope * x.mean(), abs=1e-3)
    assert abs(np.nanmean(seen[:, 1]) - X[:, 1].mean()) > 10 * abs(mean[1] - X[:, 1].mean())


def test_weights_count_examples_as_often_as_they_say() -> None:
    X, _ = clumps(200)
    times = np.random.default_rng(0).integers(1, 4, len(X))
    share = np.eye(3)[np.arange(len(X)) % 3] * 0.7 + 0.1
    once, often = begun(X, share), begun(np.repeat(X, times, 0), np.repeat(share, times, 0))
    once.set_responsibilities(torch.from_numpy(X) - once.origin, torch.from_numpy(share * times[:, None]))
    for _ in range(5):
        once.m_step(once.e_step(Batch(torch.from_numpy(X), torch.from_numpy(times.astype(float)))))
        often.m_step(often.e_step(Batch(torch.from_numpy(np.repeat(X, times, 0)))))
    np.testing.assert_allclose(once.mean, often.mean, atol=1e-9)
    np.testing.assert_allclose(covariance(once), covariance(often), atol=1e-9)
    weighted = GMM(n_components=1, random_state=0).fit(X, sample_weight=(X[:, 0] > 1).astype(float))
    mean = weighted.codec_.stats[0] + weighted.codec_.stats[1] * weighted.net_.mean[0].numpy()
    np.testing.assert_allclose(mean, X[X[:, 0] > 1].mean(0), atol=1e-5)
    for wrong in (np.ones(3), -np.ones(200), np.zeros(200), np.full(200, np.nan), ["a"] * 200):
        with pytest.raises(DataError, match="sample_weight"):
            GMM().fit(X, sample_weight=wrong)


def test_clumps_are_found_and_more_starts_are_no_worse() -> None:
    X, which = clumps(spread=0.3)
    model = GMM(n_components=3, random_state=0, n_init=4).fit(X)
    assert adjusted_rand_score(which, model.encode(X).argmax(1)) > 0.95
    assert model.score(X) >= GMM(n_components=3, random_state=0).fit(X).score(X) - 1e-3


def test_criteria_are_scikit_learns_and_find_the_number() -> None:
    X, _ = clumps(spread=0.3)
    for kind in KINDS:
        model = GMM(n_components=3, covariance=kind, random_state=0).fit(X)
        theirs = GaussianMixture(3, covariance_type=kind).fit(X)
        assert model.n_free_ == theirs._n_parameters()
        assert model.bic(X) + 2 * model.score(X) * len(X) == pytest.approx(
            theirs.bic(X) + 2 * theirs.score(X) * len(X), abs=0.1
        )
    scores = {k: GMM(n_components=k, random_state=0, n_init=3).fit(X).bic(X) for k in (1, 2, 3, 4, 5)}
    assert min(scores, key=scores.__getitem__) == 3


def test_a_dirichlet_process_leaves_what_it_does_not_need_empty() -> None:
    X, which = clumps(spread=0.3)
    model = GMM(n_components=8, prior="dirichlet process", concentration=1e-3, max_iter=400, tol=1e-6, random_state=0).fit(X)
    assert model.n_effective_ == 3
    assert adjusted_rand_score(which, model.encode(X).argmax(1)) > 0.95


def test_adaptation_goes_from_the_background_to_the_speakers_own_means() -> None:
    X, which = clumps()
    ubm = GMM(n_components=3, covariance="diag", random_state=0).fit(X)
    new = X[which == 0][:60] + 0.5
    share = ubm.encode(new).astype(np.float64)
    own = (share.T @ new) / share.sum(0)[:, None]
    mean = lambda m: m.codec_.stats[0] + m.codec_.stats[1] * m.net_.mean.numpy()  # noqa: E731
    np.testing.assert_allclose(mean(ubm.adapt(new, relevance=0)), own, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(mean(ubm.adapt(new, relevance=np.inf)), mean(ubm))
    part = (share.sum(0) / (share.sum(0) + 16))[:, None]
    np.testing.assert_allclose(mean(ubm.adapt(new)), part * own + (1 - part) * mean(ubm), rtol=1e-4, atol=1e-4)
    assert (ubm.adapt(new).score_samples(new) - ubm.score_samples(new)).mean() > 0.01
    with pytest.raises(VeneroError, match="relevance = -1"):
        ubm.adapt(new, relevance=-1)


def test_a_sequences_score_is_the_sum_over_its_steps(tmp_path: Path) -> None:
    X, _ = clumps()
    ragged = [X[:40], X[40:47], X[47:300], X[300:]]
    model = GMM(n_components=3, random_state=0).fit(ragged)
    table = GMM(n_components=3, random_state=0).fit(X)
    np.testing.assert_allclose(model.net_.mean, table.net_.mean, atol=0.2)
    single = model.score_samples([row[None] for row in X])
    sums = [single[:40].sum(), single[40:47].sum(), single[47:300].sum(), single[300:].sum()]
    np.testing.assert_allclose(model.score_samples(ragged), sums, rtol=1e-5)
    assert model.encode(ragged).shape == (4, 3)
    drawn = model.sample(300, random_state=0)
    assert {len(d) for d in drawn} == {40, 7, 253, 300}
    np.testing.assert_allclose(np.concatenate(drawn).mean(0), X.mean(0), atol=0.1)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(venero.load(tmp_path / "m").score_samples(ragged), model.score_samples(ragged))
    holed = [r.copy() for r in ragged]
    holed[1][2] = [np.nan, 1.0, np.nan]
    filled = model.complete(holed)[1]
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(filled[2], model.complete([np.array([[np.nan, 1.0, np.nan]])])[0][0], rtol=1e-5)


def test_collapse_is_told_by_number_and_never_nan() -> None:
    X = np.repeat([[0.0, 0.0], [1.0, 5.0], [9.0, 2.0]], 50, axis=0)
    with pytest.warns(UserWarning, match=r"component .*\d of 5 collapsed .*set n_components to"):
        model = GMM(n_components=5, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert adjusted_rand_score(np.repeat([0, 1, 2], 50), [row.tobytes().__hash__() for row in model.encode(X)]) == 1
    with pytest.raises(DataError, match=r"n_components = 9 is more than the 5 sample\(s\) of X: set n_components to 5 or less"):
        GMM(n_components=9).fit(np.random.default_rng(0).normal(size=(5, 2)))
    with pytest.raises(DataError, match="nothing but missing values"):
        GMM().fit(np.c_[np.arange(9.0), np.full(9, np.nan)])


def test_a_component_that_lost_its_examples_stays_where_it_was() -> None:
    X, _ = clumps()
    for kind in KINDS:
        net = begun(X, np.c_[np.full((600, 2), 0.5), np.zeros(600)], covariance=kind)
        assert torch.isfinite(net.mean).all()
        net.mean[2] += 1e4
        far = net.mean[2].clone()
        net.m_step(net.e_step(Batch(torch.from_numpy(X))))
        assert torch.equal(net.mean[2], far)
        assert torch.isfinite(net.log_prob(Batch(torch.from_numpy(X)))).all()
        assert net.collapsed() == [2]


def test_as_a_prior_of_codes_and_as_the_density_of_classes() -> None:
    X, which = clumps(spread=0.3)
    first = AutoEncoder(latent_dim=2, hidden=(16,), epochs=3, random_state=0)
    model = LatentModel(first=first, prior=GMM(n_components=3), random_state=0).fit(X)
    Z = model.encode(X)
    torch.manual_seed(0)
    drawn = model.net_.prior.sample(20_000).numpy()
    np.testing.assert_allclose(drawn.mean(0), Z.mean(0), atol=0.05 * Z.std())
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(Z.T), atol=0.05 * Z.var())
    classify = GenerativeClassifier(GMM(n_components=2, random_state=0)).fit(X[::2], which[::2])
    assert classify.score(X[1::2], which[1::2]) > 0.97
