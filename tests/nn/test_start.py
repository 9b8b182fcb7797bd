"""What decoders say before they have learned anything, and that they learn from there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from examples import mixed
from venero.data.codecs import codec_for
from venero.data.spec import Spec
from venero.models.autoencoder import AutoEncoder
from venero.nn.coder import Coder
from venero.nn.observation import OBSERVATIONS, Columns, Squared
from venero.nn.start import start_at
from venero.nn.tied import TiedDecoder

IMAGE = Spec("image", (2, 8, 8), "unit", 256)
TABLE = Spec("table", (5,), "standard")
EVERY = [v for k, v in OBSERVATIONS.items() if k != "columns"] + [Squared]


@pytest.mark.parametrize("kind", EVERY)
def test_inverse_is_the_inverse_of_mean(kind: type) -> None:
    grey = torch.rand(2, 8, 8) * 0.9 + 0.05
    observation = kind(IMAGE)
    torch.testing.assert_close(observation.mean(observation.inverse(grey)[None])[0], grey)


@pytest.mark.parametrize("kind", EVERY)
def test_a_fully_connected_decoder_starts_at_the_mean_of_each_element(kind: type) -> None:
    grey, observation = torch.rand(2, 8, 8) * 0.9 + 0.05, kind(IMAGE)
    decoder = Coder("mlp", IMAGE.shape, (16,), "relu").decoder(3, observation.per_element)
    start_at(decoder, observation, grey)
    torch.testing.assert_close(observation.mean(decoder(torch.zeros(1, 3)))[0], grey)


@pytest.mark.parametrize("kind", EVERY)
def test_a_convolutional_decoder_starts_at_the_mean_of_each_channel(kind: type) -> None:
    grey, observation = torch.rand(2, 8, 8) * 0.9 + 0.05, kind(IMAGE)
    decoder = Coder("conv", IMAGE.shape, (4, 8), "relu").decoder(3, observation.per_element)
    start_at(decoder, observation, grey)
    expected = grey.mean((1, 2))[:, None, None].expand_as(grey)
    torch.testing.assert_close(observation.mean(decoder(torch.zeros(1, 3)))[0], expected)


def test_a_tied_decoder_and_a_table_start_at_the_mean() -> None:
    encoder = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
    decoder, mean = TiedDecoder(encoder, TABLE.shape), torch.randn(5)
    start_at(decoder, Squared(TABLE), mean)
    torch.testing.assert_close(decoder(torch.zeros(1, 2))[0], mean)


def test_mixed_columns_start_at_the_shares_of_their_levels() -> None:
    codec = codec_for(mixed(), "columns")
    spec = codec.fit(mixed())
    mean, observation = codec.encode(mixed()).mean(0), Columns(spec)
    h = observation.inverse(mean)
    for a, b in observation.blocks:
        torch.testing.assert_close(h[a:b].softmax(-1), mean[a:b])
    torch.testing.assert_close(h[observation.flag].sigmoid(), mean[observation.flag])
    torch.testing.assert_close(h[observation.start], mean[observation.start])


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_images_that_are_mostly_black_are_learned_at_once(activation: str) -> None:
    """From a start at mid-grey, all of the net's first steps go to black, and it stayed there for epochs."""
    digits = load_digits().images[:1000].repeat(3, 1).repeat(3, 2) / 16
    X = np.pad(digits * (digits > 0.5), ((0, 0), (4, 4), (4, 4))).astype(np.float32)
    model = AutoEncoder(activation=activation, learning_rate=2e-3, epochs=4, random_state=0).fit(X)
    assert model.reconstruction_error(X).mean() < 0.4 * (X**2).sum((1, 2)).mean()
