"""Densities against scipy, sums over all outcomes, and closed forms against Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence

from venero.maths.gaussian import kl_to_standard_normal, log_multivariate_normal, log_normal, log_standard_normal
from venero.maths.likelihoods import log_bernoulli, log_discretised_logistic, log_mean_exp, sample_logistic


def test_normal_densities() -> None:
    x, mean, log_sigma = torch.randn(3, 50, dtype=torch.float64)
    np.testing.assert_allclose(log_normal(x, mean, log_sigma), stats.norm.logpdf(x, mean, log_sigma.exp()))
    np.testing.assert_allclose(log_standard_normal(x), stats.norm.logpdf(x))
    a = torch.randn(4, 4, dtype=torch.float64)
    cov = a @ a.T + torch.eye(4)
    got = log_multivariate_normal(
        torch.ones(1, 4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64), torch.linalg.cholesky(cov)
    )
    assert float(got) == pytest.approx(stats.multivariate_normal.logpdf(np.ones(4), np.zeros(4), cov.numpy()))


def test_kl_closed_form_is_torchs_and_monte_carlos() -> None:
    torch.manual_seed(0)
    mean, log_sigma = torch.randn(2, 6, dtype=torch.float64) * 0.7
    closed = kl_to_standard_normal(mean, log_sigma)
    np.testing.assert_allclose(closed, kl_divergence(Normal(mean, log_sigma.exp()), Normal(0.0, 1.0)))
    z = mean + log_sigma.exp() * torch.randn(200_000, 6, dtype=torch.float64)
    draws = log_normal(z, mean, log_sigma) - log_standard_normal(z)
    error = draws.std(0) / 200_000**0.5
    assert ((draws.mean(0) - closed).abs() < 5 * error).all()
    assert (closed > 0).all()


def test_kl_has_a_gradient() -> None:
    mean, log_sigma = torch.tensor([0.5], requires_grad=True), torch.tensor([0.3], requires_grad=True)
    kl_to_standard_normal(mean, log_sigma).sum().backward()
    assert float(mean.grad) == pytest.approx(0.5)  # d/dmu = mu
    assert float(log_sigma.grad) == pytest.approx(float(np.exp(0.6)) - 1, rel=1e-6)  # d/dlog sigma = sigma^2 - 1


def test_bernoulli() -> None:
    logits = torch.randn(20, dtype=torch.float64)
    for x in (0.0, 1.0):
        np.testing.assert_allclose(log_bernoulli(torch.tensor(x), logits), stats.bernoulli.logpmf(x, logits.sigmoid()))


@pytest.mark.parametrize("levels", [3, 17, 256])
@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 0.0])
def test_discretised_logistic_sums_to_one_and_is_a_difference_of_cdfs(levels: int, log_scale: float) -> None:
    grid = torch.linspace(0, 1, levels, dtype=torch.float64)
    mean, scale = torch.tensor(0.31, dtype=torch.float64), torch.tensor(log_scale, dtype=torch.float64)
    logp = log_discretised_logistic(grid, mean, scale, levels)
    assert float(logp.exp().sum()) == pytest.approx(1, abs=1e-9)
    half = 0.5 / (levels - 1)
    cdf = lambda v: stats.logistic.cdf(v, 0.31, np.exp(log_scale))  # noqa: E731
    upper = np.where(grid > 1 - half, 1, cdf(grid + half))
    lower = np.where(grid < half, 0, cdf(grid - half))
    np.testing.assert_allclose(logp.exp(), upper - lower, atol=1e-12)
    assert torch.isfinite(logp).all()  # far tails do not underflow to -inf


def test_discretised_logistic_has_finite_gradients_far_out() -> None:
    mean = torch.tensor([0.0, 1.0], requires_grad=True)
    log_scale = torch.tensor([-7.0, -7.0], requires_grad=True)
    log_discretised_logistic(torch.tensor([1.0, 0.0]), mean, log_scale, 256).sum().backward()
    assert torch.isfinite(mean.grad).all() and torch.isfinite(log_scale.grad).all()
    assert float(mean.grad[0]) > 0 > float(mean.grad[1])


def test_logistic_draws_have_the_logistic_distribution() -> None:
    torch.manual_seed(0)
    draws = sample_logistic(torch.full((20_000,), 0.4), torch.tensor(-1.0))
    assert stats.kstest(draws.numpy(), stats.logistic(0.4, np.exp(-1)).cdf).pvalue > 1e-3


def test_log_mean_exp() -> None:
    x = torch.randn(7, 3, dtype=torch.float64)
    np.testing.assert_allclose(log_mean_exp(x, 0), x.exp().mean(0).log(), rtol=1e-6)
