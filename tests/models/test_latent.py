"""Two stages: the second learns the codes of the first, and only those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

import venero
from examples import images, mixed, numbers, small
from killing import killed_after
from venero.core.errors import VeneroError
from venero.models.autoencoder import AutoEncoder
from venero.models.gaussian import Gaussian
from venero.models.latent import LatentModel
from venero.models.vae import VAE
from venero.train.loop import Trainer
from venero.train.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")

Digits = tuple[np.ndarray, np.ndarray]
FIRST: dict[str, Any] = {"latent_dim": 4, "net": "mlp", "hidden": (32,), "epochs": 4, "random_state": 0}


def same_weights(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
    return all(m == n and torch.equal(v, w) for (m, v), (n, w) in pairs)


def test_sampled_codes_have_the_mean_and_covariance_of_the_codes(digits: Digits) -> None:
    model = LatentModel(first=AutoEncoder(**FIRST), prior=Gaussian(), random_state=0).fit(digits[0])
    Z = model.encode(digits[0])
    torch.manual_seed(0)
    drawn = model.net_.prior.sample(50_000).numpy()
    np.testing.assert_allclose(drawn.mean(0), Z.mean(0), atol=0.03 * Z.std())
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(Z.T), atol=0.03 * Z.var())
    sampled = model.sample(20, random_state=3)
    torch.manual_seed(3)
    np.testing.assert_array_equal(sampled, model.decode(model.net_.prior.sample(20).numpy()))


def test_samples_look_like_the_data_and_better_than_codes_drawn_at_random(digits: Digits) -> None:
    from sklearn.neighbors import NearestNeighbors

    model = LatentModel(first=AutoEncoder(**FIRST | {"epochs": 40}), prior=Gaussian(), random_state=0).fit(digits[0])
    near = NearestNeighbors(n_neighbors=1).fit(digits[0].reshape(-1, 64))
    distance = lambda X: near.kneighbors(X.reshape(-1, 64).astype(float))[0].mean()  # noqa: E731
    Z = model.encode(digits[0])
    wrong = np.random.default_rng(0).normal(size=(300, 4)) * np.abs(Z).max()  # no prior: any code
    assert distance(model.sample(300, random_state=0)) < 0.8 * distance(model.decode(wrong))


def test_a_fitted_first_stage_is_used_as_it_is(digits: Digits) -> None:
    first = AutoEncoder(**FIRST).fit(digits[0])
    before = {k: v.clone() for k, v in first.net_.state_dict().items()}
    model = LatentModel(first=first, prior=Gaussian(), random_state=0).fit(digits[0][:500])
    assert model.codec_ is first.codec_
    assert same_weights(model.net_.first, first.net_)
    assert all(torch.equal(v, before[k]) for k, v in first.net_.state_dict().items())
    assert model.net_.first is not first.net_  # its own copy
    np.testing.assert_array_equal(model.encode(digits[0]), first.encode(digits[0]))
    np.testing.assert_array_equal(model.reconstruct(digits[0]), first.reconstruct(digits[0]))
    assert {row["stage"] for row in model.history_} == {"prior/fit"}


def test_the_prior_learns_the_codes_of_the_data_given_to_it(digits: Digits) -> None:
    first = AutoEncoder(**FIRST).fit(digits[0])
    ones = digits[0][digits[1] == 1]
    model = LatentModel(first=first, prior=Gaussian(), random_state=0).fit(ones)
    np.testing.assert_allclose(model.net_.prior.mean, first.encode(ones).mean(0), rtol=1e-3, atol=1e-3)


def test_a_fitted_first_stage_keeps_its_units() -> None:
    X = numbers()
    first = AutoEncoder(latent_dim=2, hidden=(16,), epochs=5, random_state=0).fit(X)
    model = LatentModel(first=first, random_state=0).fit(X[:50] + 100)
    assert model.codec_ is first.codec_
    with pytest.raises(VeneroError, match="fit saw 2 columns"):
        LatentModel(first=first, random_state=0).fit(np.ones((5, 3)))
    with pytest.raises(VeneroError, match="fit saw"):
        LatentModel(first=AutoEncoder(**FIRST).fit(images()), random_state=0).fit(np.zeros((5, 9, 9), np.uint8))


def test_without_parts_it_is_an_autoencoder_and_a_gaussian() -> None:
    model = LatentModel(random_state=0).set_params(first=small("autoencoder")).fit(numbers())
    assert (type(model._parts()[0]), type(model._parts()[1])) == (AutoEncoder, Gaussian)
    assert model.history_[0]["stage"] == "first/fit"
    assert model.first.__dict__.keys() == small("autoencoder").__dict__.keys()  # what is given is not changed


@pytest.mark.parametrize("data", [images, numbers, mixed])
def test_a_vae_can_be_the_prior(data: Any, tmp_path: Path) -> None:
    X = data()
    prior = VAE(latent_dim=2, hidden=(16,), epochs=3)
    model = LatentModel(first=small("autoencoder"), prior=prior, random_state=0).fit(X)
    assert {row["stage"] for row in model.history_} == {"first/fit", "prior/fit"}
    drawn = model.sample(6, random_state=0)
    assert drawn.shape == X[:6].shape
    assert type(drawn) is type(X)
    model.save(tmp_path)
    loaded = venero.load(tmp_path)
    assert np.array_equal(np.asarray(loaded.sample(6, random_state=0), dtype=str), np.asarray(drawn, dtype=str))
    assert same_weights(loaded.net_, model.net_)


def test_a_vae_can_be_the_first_stage(digits: Digits) -> None:
    model = LatentModel(first=VAE(**FIRST), prior=Gaussian(), random_state=0).fit(digits[0])
    assert model.sample(3, random_state=0).shape == (3, 8, 8)
    assert not hasattr(model, "score_samples")


def test_a_saved_model_whose_first_stage_was_fitted_before(digits: Digits, tmp_path: Path) -> None:
    first = AutoEncoder(**FIRST).fit(digits[0])
    model = LatentModel(first=first, prior=Gaussian(), random_state=0).fit(digits[0])
    model.save(tmp_path)
    loaded = venero.load(tmp_path)
    np.testing.assert_array_equal(loaded.sample(5, random_state=0), model.sample(5, random_state=0))
    np.testing.assert_array_equal(loaded.encode(digits[0]), model.encode(digits[0]))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"first": Gaussian()}, r"LatentModel.first = Gaussian\(\): must be a model that can decode"),
        ({"prior": AutoEncoder()}, r"LatentModel.prior = AutoEncoder\(\): must be a model that can sample"),
        ({"first": VAE(conditional=True)}, r"LatentModel.first = .*: must not be conditional; set conditional=False"),
        ({"prior": VAE(conditional=True)}, r"LatentModel.prior = .*: must not be conditional"),
        ({"first": "autoencoder"}, r"LatentModel.first = 'autoencoder': must be Estimator or None"),
        ({"first": AutoEncoder(epochs=-1)}, r"AutoEncoder.epochs = -1: must be >= 0"),
        ({"first": AutoEncoder(net="conv")}, r"net = 'conv' is for images"),
        ({"prior": VAE(likelihood="columns")}, r"VAE.likelihood = 'columns' is for tables"),
        (
            {"prior": AutoEncoder(latent_dim=7, hidden=(1, 2, 3, 4, 5, 6, 7, 8, 9), channels=(1, 2, 3), epochs=3, tied=True)},
            "can sample",
        ),
    ],
)
def test_parts_that_can_not_be(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(VeneroError, match=line) as e:
        LatentModel(random_state=0, **fields).fit(numbers())
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("prior", ["vae", "gaussian"])
@pytest.mark.parametrize("epochs", [3])
def test_killed_in_either_stage_and_resumed_it_is_the_same(
    prior: str, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation splits in both stages, so that the second one's random stream must be found again."""
    shared: dict[str, Any] = {
        "latent_dim": 3,
        "hidden": (16,),
        "epochs": epochs,
        "validation": 0.2,
        "batch_size": 40,
        "ema": 0.9,
    }
    priors = {"vae": VAE(**shared | {"latent_dim": 2, "patience": 2}), "gaussian": Gaussian(tol=0.0, max_iter=4)}
    model = LatentModel(first=AutoEncoder(**shared), prior=priors[prior], random_state=0)
    whole = clone(model).fit(numbers())
    update, updates = Trainer._update, []
    with monkeypatch.context() as m:
        m.setattr(Trainer, "_update", lambda *a: updates.append(a[1].name) or update(*a))
        clone(model).fit(numbers())
    assert updates[4 * epochs - 1 : 4 * epochs + 1] == ["first/fit", "prior/fit"]
    for after in (2, 4 * epochs - 1, 4 * epochs, 4 * epochs + 1, len(updates) - 1):
        folder = tmp_path / str(after)
        with killed_after(after):
            clone(model).fit(numbers(), run=Run(folder=folder, checkpoint_seconds=0))
        resumed = clone(model).fit(numbers(), run=Run(folder=folder, checkpoint_seconds=0, resume=True))
        assert same_weights(resumed.net_, whole.net_), after
        rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in fit.history_] for fit in (resumed, whole)]
        assert rows[0] == rows[1]


def test_a_budget_of_time_is_shared_by_both_stages() -> None:
    parts: dict[str, Any] = {"first": AutoEncoder(epochs=100_000), "prior": VAE(hidden=(8,), epochs=100_000)}
    model = LatentModel(random_state=0, **parts).fit(numbers(), run=Run(minutes=0.04))
    seconds = {row["stage"]: row["seconds"] for row in model.history_}  # when each stage ended
    assert seconds["prior/fit"] - seconds["first/fit"] > 0.3 * seconds["prior/fit"]


def test_draws_come_from_the_first_models_own_density() -> None:
    """With a linear VAE whose codes have a Gaussian prior, sampled columns vary as the data do; means of p(x|z) would not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 1)) @ np.ones((1, 4)) + rng.normal(size=(600, 4))  # half of each column's variance is its own
    first = VAE(latent_dim=1, hidden=(), likelihood="gaussian", epochs=60, learning_rate=1e-2, validation=0.0)
    model = LatentModel(first=first, random_state=0).fit(X)
    drawn, means = model.sample(4000, random_state=0), model.sample(4000, random_state=0, noise=False)
    assert drawn.var(0) == pytest.approx(X.var(0), rel=0.25)
    assert (means.var(0) < 0.75 * drawn.var(0)).all()
