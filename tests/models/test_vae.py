"""Known answers of the variational auto-encoder."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from examples import mixed
from venero.core.errors import VeneroError
from venero.data.spec import Batch
from venero.maths.random import bits
from venero.models.vae import VAE, CollapseWarning

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")

FIT: dict[str, Any] = {"random_state": 0, "validation": 0.0, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def fitted(digits: tuple[np.ndarray, np.ndarray]) -> VAE:
    return VAE(latent_dim=4, net="mlp", hidden=(64,), likelihood="bernoulli", epochs=40, **FIT).fit(digits[0])


def test_the_kl_is_there_and_has_a_gradient(fitted: VAE, digits: tuple[np.ndarray, np.ndarray]) -> None:
    net, x = fitted.net_, fitted.codec_.encode(digits[0][:200])
    kl = net.loss(Batch(x))["kl"]
    assert kl.item() > 1
    kl.backward()
    gradient = net.encoder[-1].weight.grad
    assert gradient is not None and float(gradient.abs().sum()) > 0
    net.zero_grad()
    np.testing.assert_allclose(
        fitted.latent_kl(digits[0][:200]).sum(1).mean(), float(net.loss(Batch(x))["kl"].detach()), rtol=0.1
    )


def test_the_bound_is_reconstruction_minus_kl_and_below_the_likelihood(
    fitted: VAE, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    X = digits[0]
    elbo = fitted.score_samples(X)
    by_particles = [fitted.log_likelihood(X, particles=k).mean() for k in (1, 5, 50, 500)]
    assert elbo.mean() < by_particles[1] < by_particles[2] < by_particles[3]  # monotone in k (Burda et al., theorem 1)
    assert abs(by_particles[0] - elbo.mean()) < 1.0  # one particle is the bound, with more noise


def test_exactly_so_many_draws_whatever_fits_in_memory(
    fitted: VAE, digits: tuple[np.ndarray, np.ndarray], monkeypatch: Any
) -> None:
    import venero.models.vae as module

    X = digits[0][:20]
    whole = fitted.log_likelihood(X, particles=37)
    counted = []
    decode_to = fitted.net_.decode_to
    monkeypatch.setattr(fitted.net_, "decode_to", lambda z, y: counted.append(z.shape[0]) or decode_to(z, y))
    monkeypatch.setattr(module, "CHUNK", 20 * 64 * 5)
    np.testing.assert_allclose(fitted.log_likelihood(X, particles=37), whole, rtol=1e-5)
    assert sum(counted) == 37
    assert max(counted) <= 5


def test_the_likelihood_estimate_is_the_integral() -> None:
    """With one latent dimension p(x) is an integral that a grid can do."""
    X = np.random.default_rng(0).integers(0, 2, (300, 6)).astype(np.float32)
    X[:, 3:] = X[:, :3]
    model = VAE(latent_dim=1, hidden=(16,), likelihood="bernoulli", epochs=60, batch_size=32, **FIT).fit(X)
    z = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        logp = model.net_.observation.log_prob(torch.from_numpy(X[:10])[None], model.net_.decoder(z)[:, None])
        prior = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
        exact = (logp + prior + np.log(16 / 4000)).logsumexp(0)
    np.testing.assert_allclose(model.log_likelihood(X[:10], particles=4000), exact, atol=0.05)
    assert model.score_samples(X[:10]).mean() <= float(exact.mean()) + 0.1


def test_probabilities_of_all_bit_patterns_sum_to_one() -> None:
    patterns = np.array(list(itertools.product([0.0, 1.0], repeat=5)), dtype=np.float32)
    X = np.random.default_rng(0).integers(0, 2, (200, 5)).astype(np.float32)
    model = VAE(latent_dim=2, hidden=(8,), likelihood="bernoulli", epochs=20, **FIT).fit(X)
    assert np.exp(model.log_likelihood(patterns, particles=2000)).sum() == pytest.approx(1, abs=0.02)
    assert not model.net_.density
    assert model.score_of_ == "probability of the binarised example"


def test_a_linear_gaussian_vae_is_probabilistic_pca() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)) @ (2 * rng.normal(size=(2, 5))) + rng.normal(size=(600, 5))
    Z = (X - X.mean(0)) / X.std(0)
    exact = PCA(2).fit(Z).score(Z) - np.log(X.std(0)).sum()
    fields: dict[str, Any] = {"latent_dim": 2, "hidden": (), "likelihood": "gaussian", "batch_size": 600, "schedule": "cosine"}
    model = VAE(epochs=2500, **FIT | fields | {"learning_rate": 1e-2}).fit(X)
    assert model.log_likelihood(X, particles=500).mean() == pytest.approx(exact, abs=0.01)


def test_scores_are_in_the_users_units() -> None:
    X = np.random.default_rng(0).normal(size=(400, 2))
    fields: dict[str, Any] = {"latent_dim": 1, "hidden": (8,), "epochs": 10}
    metres, millimetres = (VAE(**FIT, **fields).fit(scale * X) for scale in (1.0, 1000.0))
    assert millimetres.score(1000 * X) == pytest.approx(metres.score(X) - 2 * np.log(1000), abs=1e-3)
    assert metres.bits_per_dim(X) == pytest.approx(-metres.score(X) / (2 * np.log(2)))


def test_bits_per_dim_of_noise_is_eight() -> None:
    X, new = np.random.default_rng(0).integers(0, 256, (2, 600, 4, 4), dtype=np.uint8)
    model = VAE(latent_dim=2, net="mlp", hidden=(8,), epochs=30, **FIT | {"learning_rate": 1e-2}).fit(X)
    assert 8.0 <= model.bits_per_dim(new) < 8.45  # 8 for the best model; a logistic is not quite flat


def test_active_units_and_collapse(fitted: VAE, digits: tuple[np.ndarray, np.ndarray]) -> None:
    assert fitted.active_units(digits[0]) == 4
    model = VAE(latent_dim=4, net="mlp", hidden=(16,), likelihood="bernoulli", beta=100.0, epochs=5, **FIT)
    with pytest.warns(CollapseWarning, match=r"posterior collapse: 0 of 4 latent dimensions"):
        model.fit(digits[0])
    assert model.active_units(digits[0]) == 0


def test_beta_warm_up_and_free_bits_do_what_they_say(digits: tuple[np.ndarray, np.ndarray]) -> None:
    fields: dict[str, Any] = {"latent_dim": 4, "net": "mlp", "hidden": (32,), "likelihood": "bernoulli", "epochs": 10, **FIT}
    kl = {beta: VAE(beta=beta, **fields).fit(digits[0]).latent_kl(digits[0]).sum() for beta in (0.2, 1.0)}
    assert kl[0.2] > kl[1.0]
    warm = VAE(kl_warmup=2.0, **fields).fit(digits[0])
    assert warm.net_.warmup == 2 * 15
    net = warm.net_.train()
    net.updates.fill_(6)
    assert float(net._beta()) == pytest.approx(7 / 30)
    assert net.eval()._beta() == 1.0
    kept, lost = (VAE(free_bits=b, beta=20.0, **fields | {"epochs": 30}).fit(digits[0]) for b in (1.0, 0.0))
    assert (kept.latent_kl(digits[0]).mean(0) > 0.3).all()
    assert (lost.latent_kl(digits[0]).mean(0) < 0.03).all()


def test_the_importance_weighted_bound_is_the_bound_for_equal_weights(
    fitted: VAE, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    """The particles' loss by the formula of Burda et al., equation 8, on the same noise."""
    net = fitted.net_
    x = (fitted.codec_.encode(digits[0][:30]) > 0.5).float()
    net.options = VAE(**fitted.get_params() | {"particles": 6})
    torch.manual_seed(5)
    got = net.loss(Batch(x))["loss"].detach()
    torch.manual_seed(5)
    with torch.no_grad():
        bits(x)
        mu, log_sigma = net.posterior(x)
        z = mu + log_sigma.exp() * torch.randn(6, *mu.shape)
        q = torch.distributions.Normal(mu, log_sigma.exp()).log_prob(z).sum(-1)
        p = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        likelihood = (
            torch.distributions.Bernoulli(logits=net.decoder(z.flatten(0, 1)).view(6, *x.shape)).log_prob(x).flatten(2).sum(-1)
        )
        want = -(likelihood + p - q).logsumexp(0).mean() + np.log(6)
    net.options = fitted
    assert float(got) == pytest.approx(float(want), rel=1e-5)


def test_conditional(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[y]
    model = VAE(conditional=True, latent_dim=4, net="mlp", hidden=(128,), likelihood="bernoulli", epochs=40, **FIT).fit(
        X, names
    )
    from sklearn.neighbors import KNeighborsClassifier

    judge = KNeighborsClassifier().fit(X.reshape(len(X), -1), names)
    drawn = model.sample(100, y="three", random_state=0, noise=False)
    assert (judge.predict(drawn.reshape(100, -1)) == "three").mean() > 0.85
    wanted = np.repeat(["one", "eight"], 20)
    assert (judge.predict(model.sample(40, y=wanted, random_state=0, noise=False).reshape(40, -1)) == wanted).mean() > 0.85
    marginal, given = model.score_samples(X[:200]), model.score_samples(X[:200], names[:200])
    assert given.mean() > marginal.mean()  # the label tells something
    assert (marginal >= given + np.log(np.mean(names == names[0])) - 1).mean() > 0.9
    assert model.reconstruct(X[:3]).shape == (3, 8, 8)
    with pytest.raises(VeneroError, match="'eleven' is not a label that fit saw"):
        model.sample(2, y="eleven")
    with pytest.raises(VeneroError, match="give the labels y"):
        model.decode(np.zeros((2, 4)))


def test_labels_that_can_not_be() -> None:
    X = np.random.default_rng(0).normal(size=(40, 2))
    with pytest.raises(VeneroError, match=r"needs labels: fit\(X, y\)"):
        VAE(conditional=True).fit(X)
    with pytest.raises(VeneroError, match="fractions"):
        VAE(conditional=True).fit(X, X[:, 0])
    with pytest.raises(VeneroError, match="one label for each row"):
        VAE(conditional=True).fit(X, [1, 2])
    with pytest.raises(VeneroError, match="fitted without labels; fit it with conditional=True"):
        VAE(latent_dim=1, epochs=20, hidden=(8,), **FIT).fit(X @ np.ones((2, 2))).sample(1, y=1)


def test_likelihoods_that_do_not_fit_the_data(digits: tuple[np.ndarray, np.ndarray]) -> None:
    for fields, X, word in (
        ({"likelihood": "logistic"}, digits[0] / 255, "8-bit"),
        ({"likelihood": "columns"}, digits[0], "tables"),
        ({"net": "conv"}, mixed(), "images"),
        ({"particles": 2, "free_bits": 0.1}, digits[0], "particles"),
    ):
        with pytest.raises(VeneroError, match=word) as e:
            VAE(**fields).fit(X)
        assert "\n" not in str(e.value)


@pytest.mark.parametrize("shape", [(8, 8), (31, 45), (9, 7, 3), (12, 12, 2)])
def test_images_of_any_size(shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).integers(0, 256, (12, *shape), dtype=np.uint8)
    model = VAE(latent_dim=2, channels=(4, 4), epochs=1, beta=0.0, **FIT).fit(X)
    assert model.sample(3, random_state=0).shape == (3, *shape)
    assert model.sample(3, random_state=0).dtype == np.uint8
