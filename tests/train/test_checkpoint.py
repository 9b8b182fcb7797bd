"""Checkpoints: what is written is what is read, whole or not at all; and a run goes on only from its own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from examples import images, numbers, small
from venero.core.errors import StorageError, TrainingError, VeneroError
from venero.train import checkpoint
from venero.train.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool]


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size, dtype = math.prod(shape), draw(st.sampled_from(DTYPES))
    x = torch.tensor(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), dtype=dtype).reshape(shape)
    return x.T if x.ndim == 2 and draw(st.booleans()) else x


KEYS = st.one_of(
    st.text(max_size=5), st.integers(-3, 3), st.sampled_from(["a", "a.b", "b", "$tensor", "$map", "$float", "0", "1.0"])
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**80), 2**80), st.floats(), st.text(max_size=8))
STATES = st.dictionaries(
    KEYS,
    st.recursive(
        st.one_of(SCALARS, tensors()),
        lambda s: st.one_of(st.lists(s, max_size=3), st.dictionaries(KEYS, s, max_size=3)),
        max_leaves=12,
    ),
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b)))


@settings(max_examples=150, deadline=None)
@given(STATES)
def test_packed_and_unpacked_it_is_the_same(state: dict[Any, Any]) -> None:
    found: dict[str, torch.Tensor] = {}
    packed = json.loads(json.dumps(checkpoint.pack(state, found), allow_nan=False))
    assert same(state, checkpoint.unpack(packed, found))


@settings(max_examples=40, deadline=None)
@given(STATES)
def test_written_and_read_it_is_the_same(tmp_path_factory: pytest.TempPathFactory, state: dict[Any, Any]) -> None:
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint.write(folder, state)
    assert same(state, checkpoint.read(folder))


def test_keys_that_look_alike_and_tensors_that_share_memory(tmp_path: Path) -> None:
    x = torch.arange(6.0)
    state = {"a.b": x, "a": {"b": x + 1}, 1: x + 2, "1": x + 3, "again": x, "view": x[2:4], "whole": [x, x.view(2, 3).T]}
    checkpoint.write(tmp_path, state)
    assert same(state, checkpoint.read(tmp_path))


def test_a_packed_state_does_not_change_with_the_weights() -> None:
    x, found = torch.zeros(3), {}
    checkpoint.pack({"x": x}, found)
    x += 1
    assert torch.equal(next(iter(found.values())), torch.zeros(3))


def test_there_is_none_yet(tmp_path: Path) -> None:
    assert checkpoint.read(tmp_path) is None
    assert checkpoint.read(tmp_path / "nowhere") is None


class Crash(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_while_writing_leaves_the_old_one(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise Crash

    checkpoint.write(tmp_path, {"x": torch.zeros(2)})
    with monkeypatch.context() as m:
        m.setattr(checkpoint.os, step, crash)
        with pytest.raises(Crash):
            checkpoint.write(tmp_path, {"x": torch.ones(2)})
    assert same(checkpoint.read(tmp_path), {"x": torch.zeros(2)})
    checkpoint.write(tmp_path, {"x": torch.ones(2)})
    assert same(checkpoint.read(tmp_path), {"x": torch.ones(2)})


def test_a_reader_sees_the_old_or_the_new_while_one_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [{"x": torch.full((1000,), float(i))} for i in range(3)]
    checkpoint.write(tmp_path, states[0])
    seen: list[Any] = []
    fsync, replace = checkpoint.os.fsync, checkpoint.os.replace
    monkeypatch.setattr(checkpoint.os, "fsync", lambda f: seen.append(checkpoint.read(tmp_path)) or fsync(f))
    monkeypatch.setattr(checkpoint.os, "replace", lambda a, b: replace(a, b) or seen.append(checkpoint.read(tmp_path)))
    checkpoint.write(tmp_path, states[1])
    assert [same(s, w) for s, w in zip(seen, states, strict=False)] == [True, True]


def refused(folder: Path) -> str:
    with pytest.raises(StorageError) as e:
        checkpoint.read(folder)
    assert "\n" not in str(e.value)
    assert str(folder / checkpoint.NAME) in str(e.value)
    assert "delete it to start afresh" in str(e.value)
    return str(e.value)


def test_any_damage_is_told_in_one_line(tmp_path: Path) -> None:
    state = {
        "net": {"w": torch.randn(50), "n": torch.arange(9)},
        "place": {"epoch": 3, "best": math.inf},
        "history": [{"loss": 0.5}],
    }
    checkpoint.write(tmp_path, state)
    path = tmp_path / checkpoint.NAME
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for i in range(300):
        broken, at = bytearray(content), int(rng.integers(len(content)))
        if i % 3 == 0:
            del broken[at:]
        elif i % 3 == 1:
            broken[at] ^= 1 << int(rng.integers(8))
        else:
            broken[at : at + 4] = rng.bytes(4)
        path.write_bytes(broken)
        if bytes(broken) != content:
            try:
                got = checkpoint.read(tmp_path)
            except StorageError as e:
                assert "\n" not in str(e) and "delete it to start afresh" in str(e)
            else:
                assert same(got, state)


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / checkpoint.NAME
    save_file({"weight": torch.zeros(3)}, path)
    assert "was not written by this version" in refused(tmp_path)
    save_file({"weight": torch.zeros(3)}, path, metadata={"venero": json.dumps({"format": 99})})
    assert "was not written by this version" in refused(tmp_path)
    save_file({"weight": torch.zeros(3)}, path, metadata={"venero": "[" * 100_000})
    refused(tmp_path)
    torch.save({"weight": torch.zeros(3)}, path)  # a pickle is not read
    assert "is not a whole checkpoint" in refused(tmp_path)
    path.write_bytes(b"")
    refused(tmp_path)
    path.unlink()
    path.mkdir()
    refused(tmp_path)


def fit(folder: Path, name: str = "autoencoder", X: Any = None, y: Any = None, resume: bool = False, **fields: Any) -> Any:
    run = Run(folder=folder, resume=resume, checkpoint_seconds=0)
    return small(name, **fields).fit(numbers() if X is None else X, y, run=run)


def one_cell_changed() -> np.ndarray:
    X = numbers().copy()
    X[100, 1] = np.nextafter(np.float32(X[100, 1]), np.float32(9))
    return X


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"epochs": 3}, "epochs was 2 there and is 3 here"),
        ({"hidden": (17,)}, r"hidden was \[16\] there and is \[17\] here"),
        ({"learning_rate": 0.5}, "learning_rate was 0.001 there and is 0.5 here"),
        ({"random_state": 1}, "seed was 0 there and is 1 here"),
        ({"X": numbers()[:150]}, "rows was 200 there and is 150 here"),
        ({"X": np.c_[numbers(), numbers()]}, r"shape was \[2\] there and is \[4\] here"),
        ({"X": numbers()[::-1]}, "checksum of the data was .* there and is .* here"),
        ({"X": one_cell_changed()}, "checksum of the data was .* there and is .* here"),
        ({"X": images()}, "rows was 200 there and is 150 here"),
    ],
)
def test_a_run_goes_on_only_with_its_own_fields_and_data(fields: dict[str, Any], named: str, tmp_path: Path) -> None:
    fit(tmp_path)
    with pytest.raises(TrainingError, match=f"can't resume in {tmp_path}: {named}; use another folder") as e:
        fit(tmp_path, resume=True, **fields)
    assert "\n" not in str(e.value)


def test_a_run_goes_on_only_with_its_own_labels(tmp_path: Path) -> None:
    y = np.arange(200) % 3
    fit(tmp_path, "vae", y=y, conditional=True)
    fit(tmp_path, "vae", y=y, conditional=True, resume=True)
    with pytest.raises(TrainingError, match="checksum of the data was"):
        fit(tmp_path, "vae", y=y[::-1], conditional=True, resume=True)


def test_nested_models_are_part_of_what_must_be_the_same(tmp_path: Path) -> None:
    fit(tmp_path, "latent", first=small("autoencoder"))
    with pytest.raises(TrainingError, match=r"first was .* there and is .* here") as e:
        fit(tmp_path, "latent", first=small("autoencoder", learning_rate=0.5), resume=True)
    assert len(str(e.value)) < 500


def test_a_damaged_checkpoint_stops_a_run_before_it_begins(tmp_path: Path) -> None:
    fit(tmp_path)
    path = tmp_path / checkpoint.NAME
    content = bytearray(path.read_bytes())
    content[-5] ^= 4
    path.write_bytes(content)
    with pytest.raises(VeneroError, match="was changed or damaged since it was written: delete it to start afresh"):
        fit(tmp_path, resume=True)
    path.unlink()
    assert len(fit(tmp_path, resume=True).history_) == 2  # and then it starts afresh


def test_without_a_fixed_seed_a_resumed_run_takes_the_one_that_it_drew(tmp_path: Path) -> None:
    first = fit(tmp_path, random_state=None)
    again = fit(tmp_path, random_state=None, resume=True)
    assert all(torch.equal(a, b) for a, b in zip(first.net_.parameters(), again.net_.parameters(), strict=True))
    other = fit(tmp_path / "other", random_state=None)
    assert not torch.equal(next(first.net_.parameters()), next(other.net_.parameters()))
