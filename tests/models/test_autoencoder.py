"""Known answers of the auto-encoders: PCA, closed forms of the penalties, statistics of the corruptions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn import functional as F

from venero.core.errors import VeneroError
from venero.data.spec import Batch
from venero.models.autoencoder import CORRUPTIONS, AutoEncoder, kl_target, l1, squared_jacobian

FIT: dict[str, Any] = {"random_state": 0, "validation": 0.0, "learning_rate": 3e-3}
Digits = tuple[np.ndarray, np.ndarray]


def factors(n: int = 500) -> np.ndarray:
    """A table of 8 columns that 3 hidden numbers mostly explain, in many units."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 8)) + 0.5 * rng.normal(size=(n, 8))
    return X * 10.0 ** np.arange(-3, 5) + np.arange(8)


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_autoencoder_is_pca(tied: bool) -> None:
    """Baldi & Hornik 1989: its minimum is the projection onto the first principal components."""
    X = factors()
    Z = (X - X.mean(0)) / X.std(0)
    exact = ((Z - PCA(3).fit(Z).inverse_transform(PCA(3).fit_transform(Z))) ** 2).sum(1)
    fields: dict[str, Any] = FIT | {"hidden": (), "tied": tied, "batch_size": 100, "schedule": "cosine", "learning_rate": 3e-2}
    model = AutoEncoder(latent_dim=3, epochs=120, **fields).fit(X)
    errors = model.reconstruction_error(X)
    assert exact.mean() <= errors.mean() + 1e-6
    assert errors.mean() == pytest.approx(exact.mean(), rel=0.005)
    np.testing.assert_allclose((((X - model.reconstruct(X)) / X.std(0)) ** 2).sum(1), errors, rtol=1e-3, atol=1e-5)
    assert model.score(X) == pytest.approx(-errors.mean())


def test_a_tied_decoder_is_the_encoder_transposed(digits: Digits) -> None:
    tied, free = (
        AutoEncoder(latent_dim=5, net="mlp", hidden=(), tied=t, epochs=0, **FIT).fit(digits[0]) for t in (True, False)
    )
    weight, z = tied.net_.encoder[-1].weight.detach(), torch.randn(4, 5)
    with torch.no_grad():
        linear = tied.net_.decoder(z) - tied.net_.decoder(torch.zeros(1, 5))  # without the bias
        np.testing.assert_allclose(linear.flatten(1), z @ weight, rtol=1e-5, atol=1e-5)
    assert free.n_parameters_ - tied.n_parameters_ == weight.numel()
    assert sum(k.endswith("weight") for k in tied.net_.state_dict()) == 1


@pytest.mark.parametrize("shape", [(8, 8), (31, 45), (9, 7, 3), (5, 33, 2), (1, 1)])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_images_of_any_size(shape: tuple[int, ...], tied: bool, net: str) -> None:
    X = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
    model = AutoEncoder(latent_dim=2, net=net, channels=(4, 3, 5), hidden=(7,), tied=tied, epochs=1, **FIT).fit(X)
    assert model.reconstruct(X).shape == X.shape
    assert model.reconstruct(X).dtype == np.uint8
    assert model.encode(X).shape == (6, 2)
    error = (
        X / 255 - model.net_.decode(torch.from_numpy(model.encode(X))).detach().movedim(1, -1).reshape(X.shape).numpy()
    ) ** 2
    np.testing.assert_allclose(model.reconstruction_error(X), error.reshape(6, -1).sum(1), rtol=1e-4)


def test_auto_is_convolutional_for_images_and_fully_connected_for_tables(digits: Digits) -> None:
    kinds = lambda model: {type(m).__name__ for m in model.net_.modules()}  # noqa: E731
    assert "Conv2d" in kinds(AutoEncoder(epochs=0, **FIT).fit(digits[0]))
    assert "Conv2d" not in kinds(AutoEncoder(epochs=0, **FIT).fit(factors()))


def test_corruptions_damage_as_they_say() -> None:
    torch.manual_seed(0)
    x = 0.2 + 0.6 * torch.rand(400, 1, 20, 20)  # neither 0 nor 1
    assert torch.equal(CORRUPTIONS["none"](x, 0.5), x)
    masked = CORRUPTIONS["masking"](x, 0.3)
    assert float((masked == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(masked[masked != 0], x[masked != 0])
    salted = CORRUPTIONS["salt and pepper"](x, 0.3)
    assert float((salted == 0).float().mean()) == pytest.approx(0.15, abs=0.01)
    assert float((salted == 1).float().mean()) == pytest.approx(0.15, abs=0.01)
    kept = (salted != 0) & (salted != 1)
    assert torch.equal(salted[kept], x[kept])
    noise = CORRUPTIONS["gaussian"](x, 0.3) - x
    assert float(noise.std()) == pytest.approx(0.3, rel=0.01)
    assert float(noise.mean()) == pytest.approx(0, abs=0.005)
    for name in ("masking", "salt and pepper"):
        assert not torch.isin(CORRUPTIONS[name](x, 1.0), x).any()
        assert torch.equal(CORRUPTIONS[name](x, 0.0), x)


@pytest.mark.parametrize("corruption", [c for c in CORRUPTIONS if c != "none"])
def test_denoising_beats_plain_on_damaged_digits(corruption: str, digits: Digits) -> None:
    X = digits[0]
    train, test = X[:1300], X[1300:] / 255
    fields: dict[str, Any] = FIT | {"latent_dim": 32, "net": "mlp", "hidden": (128,), "epochs": 25, "batch_size": 64}
    level = 0.4
    plain = AutoEncoder(**fields).fit(train)
    denoising = AutoEncoder(corruption=corruption, corruption_level=level, **fields).fit(train)
    torch.manual_seed(1)
    damaged = CORRUPTIONS[corruption](torch.from_numpy(test).float(), level).clamp(0, 1).numpy()
    damaged = (255 * damaged).round().astype(np.uint8)
    error = lambda model: ((model.reconstruct(damaged) / 255 - test) ** 2).sum((1, 2)).mean()  # noqa: E731
    assert error(denoising) < 0.8 * error(plain)
    assert error(denoising) < 0.6 * ((damaged / 255 - test) ** 2).sum((1, 2)).mean()


def test_the_target_of_denoising_is_the_clean_example(digits: Digits) -> None:
    model = AutoEncoder(latent_dim=3, net="mlp", hidden=(8,), corruption="masking", corruption_level=1.0, epochs=0, **FIT).fit(
        digits[0]
    )
    x = model.codec_.encode(digits[0][:50])
    with torch.no_grad():
        blind = model.net_.decode(model.net_.encode(torch.zeros_like(x)))  # all that it is given is black
        loss = float(model.net_.loss(Batch(x))["reconstruction"])
    assert loss == pytest.approx(float(((blind - x) ** 2).flatten(1).sum(1).mean()), rel=1e-4)


def test_the_contractive_penalty_is_the_squared_jacobian() -> None:
    """Rifai et al. 2011, equation 7: for z = sigmoid(Wx + b) it is sum_j (z_j (1 - z_j))^2 sum_i W_ji^2."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 4)
    x = torch.randn(3, 6)
    encode = lambda v: layer(v).sigmoid()  # noqa: E731
    z = encode(x)
    closed = ((z * (1 - z)) ** 2 @ (layer.weight**2).sum(1)).detach()
    estimate = squared_jacobian(encode, x.repeat(40_000, 1)).view(-1, 3).mean(0)
    np.testing.assert_allclose(estimate.detach(), closed, rtol=0.02)


def test_the_contractive_penalty_of_a_deep_encoder(digits: Digits) -> None:
    model = AutoEncoder(latent_dim=3, channels=(2, 2), epochs=1, contractive=0.1, **FIT).fit(digits[0][:100])
    x = model.codec_.encode(digits[0][:2])
    exact = [float((torch.func.jacrev(lambda v: model.net_.encode(v[None])[0])(row).detach() ** 2).sum()) for row in x]
    estimate = squared_jacobian(model.net_.encode, x.repeat(20_000, 1, 1, 1)).view(-1, 2).mean(0)
    np.testing.assert_allclose(estimate.detach(), exact, rtol=0.03)


def test_contraction_contracts(digits: Digits) -> None:
    fields: dict[str, Any] = FIT | {"latent_dim": 8, "net": "mlp", "hidden": (32,), "epochs": 15, "code": "sigmoid"}
    plain, contractive = (AutoEncoder(contractive=c, **fields).fit(digits[0]) for c in (0.0, 1.0))
    x = plain.codec_.encode(digits[0])
    torch.manual_seed(0)
    stretch = lambda model: float(squared_jacobian(model.net_.encode, x).mean().detach())  # noqa: E731
    assert stretch(contractive) < 0.5 * stretch(plain)
    last = contractive.history_[-1]["train"]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["contraction"], rel=1e-5)
    assert "contraction" not in plain.history_[-1]["train"]


def test_the_kl_penalty_is_a_divergence_of_bernoullis() -> None:
    z = torch.tensor([[0.1, 0.9], [0.3, 0.5]])
    want = sum(
        float(torch.distributions.kl_divergence(torch.distributions.Bernoulli(0.05), torch.distributions.Bernoulli(m)))
        for m in (0.2, 0.7)
    )
    assert float(kl_target(z, 0.05)) == pytest.approx(want, rel=1e-5)
    assert float(kl_target(torch.full((7, 3), 0.05), 0.05)) == pytest.approx(0, abs=1e-6)
    assert float(l1(torch.tensor([[1.0, -2.0], [0.0, 3.0]]), 0.0)) == 3.0


@pytest.mark.parametrize("target", [0.05, 0.2])
def test_kl_sparsity_drives_the_mean_activation_to_its_target(target: float, digits: Digits) -> None:
    fields: dict[str, Any] = FIT | {"latent_dim": 20, "net": "mlp", "hidden": (), "code": "sigmoid", "epochs": 30}
    model = AutoEncoder(sparsity="kl", sparsity_weight=20.0, sparsity_target=target, **fields).fit(digits[0])
    np.testing.assert_allclose(model.encode(digits[0]).mean(0), target, rtol=0.25)
    assert np.abs(AutoEncoder(**fields).fit(digits[0]).encode(digits[0]).mean() - target) > 0.1


def test_l1_makes_codes_sparser(digits: Digits) -> None:
    fields: dict[str, Any] = FIT | {"latent_dim": 30, "net": "mlp", "hidden": (), "code": "relu", "epochs": 15}
    zeros = [
        float((AutoEncoder(sparsity=s, sparsity_weight=0.1, **fields).fit(digits[0]).encode(digits[0]) == 0).mean())
        for s in ("none", "l1")
    ]
    assert zeros[1] > zeros[0] + 0.15


def test_cross_entropy_is_binary_cross_entropy(digits: Digits) -> None:
    model = AutoEncoder(latent_dim=4, net="mlp", hidden=(16,), loss="cross entropy", epochs=3, **FIT).fit(digits[0])
    x = model.codec_.encode(digits[0][:40])
    with torch.no_grad():
        logits = model.net_.decoder(model.net_.encode(x))
        want = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1).mean()
        assert float(model.net_.loss(Batch(x))["loss"]) == pytest.approx(float(want), rel=1e-5)
    bits = (np.random.default_rng(0).random((200, 6)) < 0.3).astype(float)
    table = AutoEncoder(latent_dim=6, hidden=(64,), loss="cross entropy", epochs=60, **FIT | {"learning_rate": 1e-2}).fit(bits)
    assert table.spec_.form == "unit"
    assert (table.reconstruct(bits).round() == bits).all()


def test_missing_cells_count_nothing() -> None:
    X = factors(200)
    X[::5, 2] = np.nan
    X[1::5, 6] = np.nan
    model = AutoEncoder(latent_dim=3, hidden=(32,), epochs=60, **FIT).fit(X)
    x = model.codec_.encode(X)
    h = model.net_.decoder(model.net_.encode(x)).detach().requires_grad_()
    model.net_.observation.distance(x, h).sum().backward()
    at = {c.name: c for c in model.spec_.columns}
    gradient = h.grad.numpy()
    for name, rows in (("2", np.arange(0, 200, 5)), ("6", np.arange(1, 200, 5))):
        assert (gradient[rows, at[name].start] == 0).all()  # no value is asked for
        assert (gradient[rows, at[name].start + 1] != 0).all()  # that it is missing is
        others = np.setdiff1d(np.arange(200), rows)
        assert (gradient[others, at[name].start] != 0).all()
    back = model.reconstruct(X)
    seen, shown = ~np.isnan(X), ~np.isnan(back)
    assert (seen == shown).mean() > 0.95
    both = seen & shown
    scale = np.nanstd(X, axis=0)
    assert np.mean((((X - back) / scale)[both]) ** 2) < 0.35  # of a variance of 1, of which three factors explain most
    present = (x.numpy() - model.net_.decode(model.net_.encode(x)).detach().numpy()) ** 2
    for name in ("2", "6"):
        present[x[:, at[name].start + 1] > 0.5, at[name].start] = 0
    np.testing.assert_allclose(model.reconstruction_error(X), present.sum(1), rtol=1e-4)


def test_categories_come_back() -> None:
    rng = np.random.default_rng(0)
    kind = rng.choice(["oak", "elm", "ash"], 300)
    tall = pd.Series({"oak": 30.0, "elm": 20.0, "ash": 10.0})[kind].to_numpy() + rng.normal(size=300)
    frame = pd.DataFrame({"kind": kind, "height": tall, "old": tall > 20})
    model = AutoEncoder(latent_dim=2, hidden=(32,), epochs=60, **FIT | {"learning_rate": 1e-2}).fit(frame)
    back = model.reconstruct(frame)
    assert (back["kind"] == frame["kind"]).mean() > 0.98
    assert (back["old"] == frame["old"]).mean() > 0.9
    assert np.abs(back["height"] - frame["height"]).mean() < 2


def test_more_room_makes_fewer_errors(digits: Digits) -> None:
    errors = [
        AutoEncoder(latent_dim=d, net="mlp", hidden=(64,), epochs=15, **FIT)
        .fit(digits[0])
        .reconstruction_error(digits[0])
        .mean()
        for d in (1, 4, 16)
    ]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"sparsity": "kl"}, "set code='sigmoid'"),
        ({"sparsity": "kl", "code": "relu"}, "AutoEncoder.code = 'relu'"),
        ({"corruption": "salt and pepper", "corruption_level": 1.5}, "must be <= 1"),
        ({"loss": "columns"}, "does not fit image data: use 'auto'"),
    ],
)
def test_fields_that_do_not_go_together(fields: dict[str, Any], word: str, digits: Digits) -> None:
    with pytest.raises(VeneroError, match=word) as e:
        AutoEncoder(**fields).fit(digits[0])
    assert "\n" not in str(e.value)


def test_it_neither_samples_nor_scores() -> None:
    for verb in ("sample", "score_samples", "bits_per_dim"):
        assert not hasattr(AutoEncoder(), verb)
