"""What every model of the catalog promises, on every kind of data that it says it takes.

A new model is picked up from the catalog by itself: nothing here names one.
"""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

import venero
from examples import KINDS, SEQUENCES, mixed, numbers, plain, small
from killing import killed_after
from venero.core import abilities
from venero.core.abilities import UnfittedError
from venero.core.catalog import MODELS, find
from venero.core.errors import VeneroError
from venero.train.run import Run

pytestmark = [pytest.mark.filterwarnings("ignore:posterior collapse"), pytest.mark.filterwarnings("ignore:GMM. component")]

CASES = [(name, kind) for name in MODELS for kind in KINDS if kind in find(name).forms]
VERBS = {
    "Samples": ["sample"],
    "Scores": ["score_samples", "bits_per_dim"],
    "Encodes": ["encode", "transform"],
    "Decodes": ["decode", "inverse_transform"],
    "Reconstructs": ["reconstruct", "reconstruction_error"],
    "Completes": ["complete"],
}
_fitted: dict[tuple[str, str], Any] = {}


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def case(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """A fitted model and the data that it was fitted on."""
    name, kind = request.param
    if request.param not in _fitted:
        _fitted[request.param] = small(name).fit(KINDS[kind]())
    return _fitted[request.param], KINDS[kind]()


def outputs(model: Any, X: Any) -> dict[str, Any]:
    """Everything that a model can say, as arrays."""
    said = {}
    if hasattr(model, "sample"):
        said["sample"] = model.sample(7, random_state=3)
    if hasattr(model, "score_samples"):
        said["score_samples"] = model.score_samples(X)
    if hasattr(model, "encode"):
        said["encode"] = model.encode(X)
    if hasattr(model, "reconstruct"):
        said["reconstruct"] = model.reconstruct(X)
        said["reconstruction_error"] = model.reconstruction_error(X)
    return {k: plain(v) for k, v in said.items()}


def same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


@pytest.mark.parametrize("name", MODELS)
def test_the_class_line_tells_the_truth(name: str) -> None:
    cls = find(name)
    card = cls.card()
    for ability, verbs in VERBS.items():
        has = hasattr(abilities, ability) and issubclass(cls, getattr(abilities, ability))
        assert (ability in card["abilities"]) == has
        for verb in verbs:
            assert hasattr(cls, verb) == (has or any(verb in VERBS[a] for a in card["abilities"])), f"{verb} of {cls.__name__}"
    assert card["summary"].endswith("."), "the first line of the docstring says what the model is"
    assert card["paper"] and card["how"]
    assert set(cls.forms) - {"vector"} <= set(KINDS)


@pytest.mark.parametrize("name", MODELS)
def test_every_field_says_what_it_is(name: str) -> None:
    for f in fields(find(name)):
        assert f.metadata["help"], f"{name}.{f.name} has no help"


@pytest.mark.parametrize("name", MODELS)
def test_nothing_happens_before_fit(name: str) -> None:
    model = small(name)
    assert not [v for v in vars(model) if v.endswith("_")]
    assert clone(model).get_params(deep=False).keys() == model.get_params(deep=False).keys()
    for verb, argument in (("sample", 1), ("score_samples", numbers()), ("encode", numbers()), ("save", "nowhere")):
        if hasattr(model, verb):
            with pytest.raises(UnfittedError, match="not fitted"):
                getattr(model, verb)(argument)


def bounds() -> list[tuple[str, str, Any]]:
    """Every field's first value beyond its bounds."""
    out = []
    for name in MODELS:
        for f in fields(find(name)):
            m = f.metadata
            beyond = {"low": -1, "high": 1, "above": 0}
            wrong = [(m[k] + step) for k, step in beyond.items() if m.get(k) is not None]
            wrong += ["no such choice"] if m.get("choices") else []
            many = isinstance(f.default, tuple)
            out += [(name, f.name, (v,) if many else v) for v in wrong]
    return out


@pytest.mark.parametrize(("name", "field", "value"), bounds())
def test_a_value_out_of_bounds_is_one_clear_line(name: str, field: str, value: Any) -> None:
    model = small(name, **{field: value})  # __init__ takes anything, as scikit-learn wants it
    with pytest.raises(VeneroError, match=field) as e:
        model.fit(next(make() for kind, make in KINDS.items() if kind in find(name).forms))
    assert "\n" not in str(e.value)
    assert "must be" in str(e.value)


def test_fit_returns_self_and_learns(case: tuple[Any, Any]) -> None:
    model, _ = case
    assert model.n_parameters_ > 0
    assert model.fit_seconds_ > 0
    assert json.loads(json.dumps(model.history_)) == model.history_
    assert all(np.isfinite(v) for row in model.history_ for v in row["train"].values())


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_one(case: tuple[Any, Any]) -> None:
    model, X = case
    torch.manual_seed(11)
    before = torch.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()  # type: ignore[index]
    again = clone(model)
    assert again.fit(X) is again
    same(outputs(model, X), outputs(again, X))
    assert torch.equal(before, torch.get_rng_state())
    assert (numpy_before == np.random.get_state()[1]).all()  # type: ignore[index]


def test_another_seed_gives_another_model(case: tuple[Any, Any]) -> None:
    model, X = case
    if hasattr(model, "encode"):
        other = clone(model).set_params(random_state=1).fit(X)
        assert not np.array_equal(plain(other.encode(X)), plain(model.encode(X)))
    if hasattr(model, "sample"):
        assert not np.array_equal(plain(model.sample(20, random_state=0)), plain(model.sample(20, random_state=1)))


def test_saved_and_loaded_it_is_the_same(case: tuple[Any, Any], tmp_path: Path) -> None:
    model, X = case
    model.save(tmp_path / "m")
    loaded = venero.load(tmp_path / "m")
    same(outputs(model, X), outputs(loaded, X))
    assert repr(loaded) == repr(model)
    assert loaded.history_ == model.history_
    assert not [p for p in (tmp_path / "m").iterdir() if p.suffix not in (".json", ".safetensors")]


def test_it_can_be_copied(case: tuple[Any, Any]) -> None:
    model, X = case
    same(outputs(model, X), outputs(copy.deepcopy(model), X))


def test_what_comes_back_is_in_the_users_terms(case: tuple[Any, Any]) -> None:
    model, X = case
    if isinstance(X, list):
        in_terms_of_sequences(model, X)
        return
    for verb, result in (("sample", 5), ("reconstruct", X[:5])):
        if hasattr(model, verb):
            out = getattr(model, verb)(result)
            assert out.shape == X[:5].shape
            assert out.dtype == X.dtype
    if hasattr(model, "encode"):
        assert model.encode(X[:5]).shape == (5, model.net_.code.numel)
        assert len(model.get_feature_names_out()) == model.net_.code.numel


def in_terms_of_sequences(model: Any, X: list[Any]) -> None:
    for verb, argument in (("sample", 5), ("reconstruct", X[:5])):
        if hasattr(model, verb):
            out = getattr(model, verb)(argument)
            assert (type(out), len(out), type(out[0])) == (type(X), 5, type(X[0]))
            assert {np.ndim(x) for x in out} == {np.ndim(X[0])}
            assert getattr(out[0], "dtype", None) == getattr(X[0], "dtype", None)
    if hasattr(model, "encode"):
        codes = model.encode(X[:5])
        assert len(codes) == 5
        assert {np.shape(c)[-1] for c in codes} == {len(model.get_feature_names_out())}


@pytest.mark.parametrize("case", [c for c in CASES if hasattr(find(c[0]), "score_samples")], indirect=True, ids="-".join)
def test_scores_are_finite_repeatable_and_each_rows_own(case: tuple[Any, Any]) -> None:
    model, X = case
    scores = model.score_samples(X)
    assert scores.shape == (len(X),)
    assert np.isfinite(scores).all()
    assert type(model).score_kind in ("exact", "lower bound", "estimate")
    np.testing.assert_array_equal(scores, model.score_samples(X))
    np.testing.assert_allclose(scores[::-1], model.score_samples(X[::-1]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scores[40:43], model.score_samples(X[40:43]), rtol=1e-4, atol=1e-4)
    assert model.score(X) == pytest.approx(scores.mean(), abs=1e-5)


@pytest.mark.parametrize(
    "case", [c for c in CASES if hasattr(find(c[0]), "complete") and c[1] not in SEQUENCES], indirect=True, ids="-".join
)
def test_what_is_known_stays_bit_for_bit_and_the_rest_is_filled_in(case: tuple[Any, Any]) -> None:
    model, X = case
    known = np.random.default_rng(0).random(X.shape) < 0.5
    done = model.complete(X, known)
    assert (done.dtype, done.shape) == (X.dtype, X.shape)
    assert np.isfinite(done).all()
    np.testing.assert_array_equal(done[known], X[known])
    np.testing.assert_array_equal(model.complete(np.where(known, X, X[::-1]), known), done, err_msg="hidden values count")


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if hasattr(find(c[0]), "complete") and c[1] in SEQUENCES and c[1] != "audio"],
    indirect=True,
    ids="-".join,
)
def test_sequences_go_on_and_keep_what_is_known(case: tuple[Any, Any]) -> None:
    model, X = case
    rng = np.random.default_rng(0)
    known = [rng.random(len(x)) < 0.7 for x in X]
    done = model.complete(X, known, length=9)
    assert type(done) is type(X)
    for x, d, mask in zip(X, done, known, strict=True):
        assert (len(d), type(d)) == (9, type(x))
        for t in np.flatnonzero(mask):
            np.testing.assert_array_equal(d[t], x[t])
        if isinstance(d, np.ndarray):
            assert np.isfinite(d).all()


@pytest.mark.parametrize("name", [n for n in MODELS if "table" in find(n).forms and hasattr(find(n), "score_samples")])
def test_densities_integrate_to_one_and_agree_with_samples(name: str) -> None:
    """On a table of two columns a density can be summed on a grid: to 1, bounds to no more; its moments are the samples'."""
    X = numbers()
    longer = {"epochs": 60} if hasattr(find(name), "epochs") else {}  # a bound that was hardly trained is far from tight
    model = small(name, **longer).fit(X)
    axes = [np.linspace(c.mean() - 8 * c.std(), c.mean() + 8 * c.std(), 161) for c in X.T]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    cell = np.prod([a[1] - a[0] for a in axes])
    p = np.exp(model.score_samples(grid).astype(np.float64)) * cell
    if model.score_kind == "exact":
        assert p.sum() == pytest.approx(1, abs=1e-3)
    elif model.score_kind == "lower bound":
        assert 0.3 < p.sum() <= 1.02
    if hasattr(model, "sample"):
        draws = model.sample(20_000, random_state=0)
        mean = (p[:, None] * grid).sum(0) / p.sum()
        std = np.sqrt((p[:, None] * (grid - mean) ** 2).sum(0) / p.sum())
        slack = 0.05 if model.score_kind == "exact" else 0.25
        np.testing.assert_allclose(draws.mean(0), mean, atol=slack * X.std(0).max())
        np.testing.assert_allclose(draws.std(0), std, rtol=2 * slack)


@pytest.mark.parametrize("name", [n for n in MODELS if find(n).forms.get("table") == "columns"])
def test_mixed_tables_with_missing_values(name: str) -> None:
    frame = mixed()
    model = small(name).fit(frame)
    for verb, argument in (("sample", 50), ("reconstruct", frame)):
        if hasattr(model, verb):
            out = getattr(model, verb)(argument)
            assert list(out.columns) == list(frame.columns)
            assert (out.dtypes == frame.dtypes).all()
            assert set(out["city"].dropna()) <= set(frame["city"])
            assert out["children"].between(0, 4).all()
    assert all(np.isfinite(v).all() for k, v in outputs(model, frame).items() if v.dtype != object)


@pytest.mark.parametrize("after", [1, 3, 4])
def test_a_killed_run_resumes_bit_for_bit(case: tuple[Any, Any], after: int, tmp_path: Path) -> None:
    model, X = case
    run = Run(folder=tmp_path / str(after), checkpoint_seconds=0)
    with killed_after(after):
        clone(model).fit(X, run=run)
    resumed = clone(model).fit(X, run=Run(folder=run.folder, checkpoint_seconds=0, resume=True))
    for (name, a), b in zip(model.net_.state_dict().items(), resumed.net_.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    drop = lambda rows: [{k: v for k, v in row.items() if k != "seconds"} for row in rows]  # noqa: E731
    assert drop(resumed.history_) == drop(model.history_)
