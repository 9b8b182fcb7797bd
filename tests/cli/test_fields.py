"""Dataclass fields as options: values are read as the annotation says, and defaults are left alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from venero.cli.fields import Given, build, chosen, described, options, read, shown, words
from venero.core.params import param
from venero.models.autoencoder import AutoEncoder
from venero.models.gaussian import Gaussian
from venero.models.latent import LatentModel


@dataclass(frozen=True, kw_only=True)
class Dish:
    """Something with a field of each kind."""

    eggs: int = param(2, "how many", low=1, high=12)
    salt: float | None = param(None, "grams", above=0)
    spices: tuple[int, ...] = param((1, 2), "by number", low=0)
    how: str = param("fried", "the way", choices=("fried", "soft boiled"))
    served: bool = param(False, "on a plate")
    row: int | str | None = param(None, "name or number")


def flags(**given: object) -> dict[str, object]:
    """What Typer hands over: None where a flag was not given."""
    return {p.name: given.get(p.name) for p in options(Dish(), "Dish")}


def parser(name: str):
    """The reader behind a flag."""
    (option,) = [p for p in options(Dish(), "Dish") if p.name == name]
    return option.annotation.__metadata__[0].parser


def test_what_is_not_given_keeps_its_default():
    assert build(Dish(eggs=5), flags()) == Dish(eggs=5)
    assert build(Dish(eggs=5), flags(eggs=Given(3), served=True)) == Dish(eggs=3, served=True)


def test_none_can_be_given():
    assert build(Dish(salt=2.0), flags(salt=Given(None))).salt is None
    assert parser("salt")("none") == Given(None)


@given(st.integers(), st.floats(allow_nan=False), st.lists(st.integers()))
def test_what_is_shown_reads_back(i, x, many):
    assert read(shown(i), int) == i
    assert read(shown(x), float) == x
    assert read(shown(tuple(many)), tuple[int, ...]) == tuple(many)
    assert read(shown(None), int | None) is None


def test_a_union_is_the_narrowest_that_fits():
    assert [read(text, int | str | None) for text in ("3", "three", "none", "-1")] == [3, "three", None, -1]


@pytest.mark.parametrize(
    ("name", "text"), [("eggs", "0"), ("eggs", "13"), ("salt", "0"), ("spices", "1,-1"), ("how", "raw"), ("eggs", "x")]
)
def test_bounds_and_choices_are_held(name, text):
    with pytest.raises(typer.BadParameter, match="must be"):
        parser(name)(text)


def test_a_choice_with_a_space():
    assert parser("how")("soft boiled") == Given("soft boiled")
    assert described(Dish())[3]["allowed"] == "one of fried, 'soft boiled'"


def test_words():
    assert [words(k) for k in (int, float | None, tuple[float, ...], bool, str)] == [
        "INTEGER",
        "NUMBER|none",
        "NUMBER,...",
        "yes|no",
        "TEXT",
    ]


def test_nested_fields_are_set_by_flags_with_a_dot():
    argv = ["digits", "--first", "autoencoder", "--first.latent-dim", "3"]
    names = {p.name for p in options(LatentModel(), "LatentModel", argv)}
    assert {"first", "prior", "first__latent_dim"} <= names
    assert "prior__ridge" not in names
    given = {"first": Given(AutoEncoder()), "first__latent_dim": Given(3), "first__tied": True, "random_state": Given(7)}
    model = build(LatentModel(prior=Gaussian(ridge=0.5)), given)
    assert (model.random_state, model.first.latent_dim, model.first.tied, model.prior.ridge) == (7, 3, True, 0.5)


def test_the_template_is_not_changed():
    template = LatentModel(first=AutoEncoder())
    build(template, {"first__latent_dim": Given(3)})
    assert template.first.latent_dim == AutoEncoder().latent_dim


def test_which_nested_model_is_chosen():
    default = Gaussian()
    assert chosen(default, ["--priority", "vae"], "--prior") is default
    assert chosen(default, ["--prior"], "--prior") is default
    assert type(chosen(default, ["--prior=autoencoder"], "--prior")) is AutoEncoder
