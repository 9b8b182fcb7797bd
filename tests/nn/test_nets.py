"""Shapes of any size, tied weights, and observation models that are distributions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from venero.data.spec import Column, Spec
from venero.nn.coder import Coder
from venero.nn.conv import levels
from venero.nn.observation import OBSERVATIONS, PACE, Bernoulli, Columns, DiscretisedLogistic, Gaussian
from venero.nn.tied import TiedDecoder

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 31, 45), (2, 1, 100), (1, 3, 3), (4, 64, 16), (1, 5, 7)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("net", ["mlp", "conv"])
def test_any_image_goes_in_and_comes_out(net: str, shape: tuple[int, ...]) -> None:
    coder = Coder(net, shape, (8, 16), "relu")
    encoder = coder.encoder(5)
    x = torch.randn(2, *shape)
    z = encoder(x)
    assert z.shape == (2, 5)
    assert coder.decoder(5)(z).shape == (2, *shape)
    assert coder.decoder(5, per_element=2)(z).shape == (2, 2 * shape[0], *shape[1:])
    assert TiedDecoder(encoder, shape)(z).shape == (2, *shape)


def test_no_axis_shrinks_to_nothing() -> None:
    assert levels((1, 28, 28), (1, 1, 1, 1, 1))[-1].size_out == (3, 3)
    assert levels((1, 1, 100), (1, 1))[-1].size_out == (1, 25)


@pytest.mark.parametrize("net", ["mlp", "conv"])
def test_a_tied_decoder_is_the_transpose_and_owns_only_biases(net: str) -> None:
    """<decoder(z), x> = <z, encoder(x)> where there are no biases and activations: the definition of a transpose."""
    shape = (2, 9, 6)
    encoder = nn.Sequential(*[m for m in Coder(net, shape, (4,), "relu").encoder(3) if not isinstance(m, nn.ReLU)])
    decoder = TiedDecoder(encoder, shape)
    assert {n.split(".")[0] for n in decoder.state_dict()} == {"biases"}
    for module in encoder:
        if hasattr(module, "bias") and module.bias is not None:
            nn.init.zeros_(module.bias)
    x, z = torch.randn(1, *shape).double(), torch.randn(1, 3).double()
    encoder.double(), decoder.double()
    with torch.no_grad():
        assert float((decoder(z) * x).sum()) == pytest.approx(float((z * encoder(x)).sum()), rel=1e-9)


def test_every_bernoulli_outcome_sums_to_one() -> None:
    spec = Spec("image", (1, 2, 2), levels=2)
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4))).view(16, 1, 2, 2)
    h = torch.randn(1, 1, 2, 2)
    assert float(Bernoulli(spec).log_prob(x, h).exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "logistic"])
@torch.no_grad()
def test_draws_have_the_mean_that_the_observation_says(likelihood: str) -> None:
    torch.manual_seed(0)
    observation = OBSERVATIONS[likelihood](Spec("image", (1, 1, 2), levels=256))
    if isinstance(observation, Gaussian):
        nn.init.constant_(observation.paced_log_sigma, -2.0 / PACE)
    h = torch.tensor([0.3, -0.4, -1.0, -1.0])[: 2 * observation.per_element].view(1, observation.per_element, 1, 2)
    draws = observation.sample(h.expand(20_000, -1, -1, -1))
    assert draws.shape == (20_000, 1, 1, 2)
    np.testing.assert_allclose(draws.mean(0), observation.mean(h)[0], atol=0.02)


def test_leading_axes_broadcast() -> None:
    spec = Spec("image", (1, 3, 2), levels=256)
    x, h = torch.rand(5, 1, 3, 2), torch.randn(4, 5, 2, 3, 2)
    logp = DiscretisedLogistic(spec).log_prob(x, h)
    assert logp.shape == (4, 5)
    assert float(logp[2, 1]) == pytest.approx(float(DiscretisedLogistic(spec).log_prob(x[1:2], h[2, 1:2])), rel=1e-5)


def mixed() -> tuple[Columns, Spec]:
    """A continuous column with a missing flag, one of three levels, and a plain continuous one."""
    columns = (Column("a", 0, missing=True), Column("b", 2, levels=3), Column("c", 5))
    spec = Spec("table", (6,), "columns", columns=columns)
    return Columns(spec), spec


@torch.no_grad()
def test_mixed_columns_are_the_product_of_their_columns() -> None:
    observation, _ = mixed()
    nn.init.constant_(observation.paced_log_sigma, 0.5 / PACE)
    h = torch.tensor([0.3, -1.0, 0.1, 0.2, -0.5, 2.0])
    x = torch.tensor([1.2, 0.0, 0.0, 1.0, 0.0, -1.0])
    p = torch.softmax(h[2:5], 0)[1]
    want = stats.norm.logpdf(1.2, 0.3, np.exp(0.5)) + stats.norm.logpdf(-1, 2, np.exp(0.5)) + float(p.log())
    want += float((1 - torch.sigmoid(h[1])).log())
    assert float(observation.log_prob(x, h)) == pytest.approx(want, rel=1e-5)
    gone = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, -1.0])
    want_gone = stats.norm.logpdf(-1, 2, np.exp(0.5)) + float(p.log()) + float(torch.sigmoid(h[1]).log())
    assert float(observation.log_prob(gone, h)) == pytest.approx(want_gone, rel=1e-5)


@torch.no_grad()
def test_mixed_draws_are_of_the_form_that_the_codec_gives() -> None:
    torch.manual_seed(0)
    observation, _ = mixed()
    draws = observation.sample(torch.tensor([0.3, -1.0, 0.1, 0.2, -0.5, 2.0]).expand(20_000, 6))
    assert set(draws[:, 1].unique().tolist()) == {0.0, 1.0}
    assert (draws[draws[:, 1] == 1, 0] == 0).all()
    assert float(draws[:, 1].mean()) == pytest.approx(float(torch.sigmoid(torch.tensor(-1.0))), abs=0.01)
    np.testing.assert_array_equal(draws[:, 2:5].sum(1), 1)
    np.testing.assert_allclose(draws[:, 2:5].mean(0), torch.softmax(torch.tensor([0.1, 0.2, -0.5]), 0), atol=0.015)
    assert float(draws[:, 5].mean()) == pytest.approx(2.0, abs=0.03)


@torch.no_grad()
def test_missing_cells_count_nothing_in_the_distance() -> None:
    observation, _ = mixed()
    x = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.0, 2.0]])
    near, far = torch.tensor([[0.0, 9.0, -9.0, 9.0, -9.0, 2.0]]), torch.tensor([[50.0, 9.0, -9.0, 9.0, -9.0, 2.0]])
    torch.testing.assert_close(observation.distance(x, near), observation.distance(x, far))
    assert float(observation.squared_error(x, far)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("activation", ["relu", "silu", "tanh"])
@pytest.mark.parametrize(("net", "widths"), [("mlp", (300,) * 6), ("conv", (32, 64, 64))])
def test_signals_keep_their_size_through_many_layers(net: str, widths: tuple[int, ...], activation: str) -> None:
    torch.manual_seed(0)
    coder = Coder(net, (1, 32, 32), widths, activation)
    z = coder.encoder(20)(torch.randn(200, 1, 32, 32))
    x = coder.decoder(20)(torch.randn(200, 20))
    for signal in (z, x):
        assert 0.1 < float(signal.detach().std()) < 2  # torch's own start leaves 0.04 of it
