"""A model on disk: what is saved is what is loaded, a crash while saving loses nothing, and damage is told in one line."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save

import venero
from examples import images, mixed, numbers, small
from venero.core.errors import StorageError, VeneroError
from venero.core.storage import CARD, checksum
from venero.train import checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")

Card = dict[str, Any]
LABELS = np.array(["low", "mid", "high"])
MAKERS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "vae of a mixed table": (lambda: small("vae").fit(mixed()), mixed),
    "vae with labels": (lambda: small("vae", conditional=True).fit(numbers(), LABELS[np.arange(200) % 3]), numbers),
    "auto-encoder of images": (lambda: small("autoencoder").fit(images()), images),
    "two stages": (lambda: small("latent", first=small("autoencoder"), prior=small("vae")).fit(numbers()), numbers),
    "gaussian": (lambda: small("gaussian").fit(numbers()), numbers),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any, Path]]:
    """Model, its data and the folder that it is in; tests change copies of the folder."""
    out = {}
    for name, (make, data) in MAKERS.items():
        model, folder = make(), tmp_path_factory.mktemp("saved") / name
        model.save(folder)
        out[name] = (model, data(), folder)
    return out


@pytest.fixture
def copy(saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path) -> Path:
    """A folder of its own with the mixed table's VAE."""
    return Path(shutil.copytree(saved["vae of a mixed table"][2], tmp_path / "copy"))


def outputs(model: Any, X: Any) -> list[np.ndarray]:
    given = [getattr(model, verb)(X) for verb in ("encode", "score_samples", "reconstruct") if hasattr(model, verb)]
    drawn = [model.sample(5, random_state=0)] if hasattr(model, "sample") else []
    return [np.asarray(v) for v in [*given, *drawn]]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(
        np.array_equal(x, y, equal_nan=x.dtype.kind == "f") if x.dtype != object else _equal(x, y)
        for x, y in zip(a, b, strict=True)
    )


def _equal(x: np.ndarray, y: np.ndarray) -> bool:
    return bool(((x == y) | (pd.isna(x) & pd.isna(y))).all())


def card_of(folder: Path) -> Card:
    return json.loads((folder / CARD).read_text())


def rewrite(folder: Path, card: Card) -> None:
    """The card as another version of venero would have written it: with a checksum that is right."""
    (folder / CARD).write_text(json.dumps(card | {"sha256": checksum(card)}))


def edit(folder: Path, change: Callable[[Card], None]) -> None:
    card = card_of(folder)
    change(card)
    rewrite(folder, card)


def tensors_of(folder: Path) -> Path:
    (path,) = folder.glob("tensors-*.safetensors")
    return path


def put_tensors(folder: Path, content: bytes) -> None:
    """Other tensors, of which the card says that they are the right ones."""
    import hashlib

    tensors_of(folder).write_bytes(content)
    edit(folder, lambda card: card["tensors"].update(sha256=hashlib.sha256(content).hexdigest()))


def refused(folder: Path | str, *words: str) -> str:
    """The one line with which the folder is refused."""
    with pytest.raises(StorageError) as e:
        venero.load(folder)
    text = str(e.value)
    assert "\n" not in text
    assert len(text) < 500
    for word in words:
        assert word in text, text
    return text


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_loaded_is_what_was_saved(name: str, saved: dict[str, tuple[Any, Any, Path]]) -> None:
    model, X, folder = saved[name]
    loaded = venero.load(folder)
    assert type(loaded) is type(model)
    assert same(outputs(loaded, X), outputs(model, X))
    assert repr(loaded) == repr(model)
    assert loaded.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert (loaded.spec_, loaded.history_, loaded.fit_seconds_) == (model.spec_, model.history_, model.fit_seconds_)
    np.testing.assert_array_equal(loaded.classes_, model.classes_)
    assert not loaded.net_.training
    for (key, a), b in zip(model.net_.state_dict().items(), loaded.net_.state_dict().values(), strict=True):
        assert a.dtype == b.dtype and torch.equal(a, b), key


def test_labels_come_back(saved: dict[str, tuple[Any, Any, Path]]) -> None:
    loaded = venero.load(saved["vae with labels"][2])
    assert loaded.sample(2, y="high", random_state=0).shape == (2, 2)
    assert loaded.classes_.dtype == LABELS.dtype


def test_a_loaded_model_saves_the_same_again(saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path) -> None:
    for name, (_, _, folder) in saved.items():
        venero.load(folder).save(tmp_path / name)
        assert {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} == {
            p.name: p.read_bytes() for p in folder.iterdir()
        }


def test_a_folder_holds_the_card_and_the_tensors_alone(saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path) -> None:
    saved["gaussian"][0].save(tmp_path)
    saved["vae with labels"][0].save(tmp_path)  # over the other
    assert sorted(p.name for p in tmp_path.iterdir()) == [CARD, tensors_of(tmp_path).name]
    assert type(venero.load(str(tmp_path))).__name__ == "VAE"


class Crash(BaseException):
    """Stands for a kill or a power cut."""


def crashing(call: Callable[..., Any], after: int, count: list[int]) -> Callable[..., Any]:
    def crash(*args: Any, **options: Any) -> Any:
        if count[0] == after:
            raise Crash
        count[0] += 1
        return call(*args, **options)

    return crash


def halved(after: int, count: list[int]) -> Callable[..., Any]:
    """Path.open, whose file crashes in the middle of its content."""
    open_whole = Path.open

    def opened(path: Path, *args: Any, **options: Any) -> Any:
        f = open_whole(path, *args, **options)
        if count[0] == after:
            write = f.write

            class Half:
                __enter__ = lambda self: self  # noqa: E731
                __exit__ = lambda self, *_: f.close()  # noqa: E731

                def write(self, content: bytes) -> None:
                    write(content[: len(content) // 2])
                    f.flush()
                    raise Crash

            return Half()
        count[0] += 1
        return f

    return opened


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("place", ["open", "write", "fsync", "replace", "unlink"])
def test_a_crash_while_saving_leaves_the_old_model_or_the_new(
    place: str, after: int, saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old, X, folder), new = saved["gaussian"], small("gaussian").fit(numbers() + 1)
    shutil.copytree(folder, tmp_path / "m")
    count = [0]
    steps: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "open": (Path, "open", crashing(Path.open, after, count)),
        "write": (Path, "open", halved(after, count)),
        "fsync": (checkpoint.os, "fsync", crashing(os.fsync, after, count)),
        "replace": (checkpoint.os, "replace", crashing(os.replace, after, count)),
        "unlink": (Path, "unlink", crashing(Path.unlink, after, count)),
    }
    crashed = False
    with monkeypatch.context() as m:
        m.setattr(*steps[place])
        try:
            new.save(tmp_path / "m")
        except Crash:
            crashed = True
    assert crashed == (after < (1 if place == "unlink" else 2))  # two files are written, one is taken away
    got = outputs(venero.load(tmp_path / "m"), X)
    is_new = place == "unlink" or not crashed
    assert same(got, outputs(new if is_new else old, X))
    new.save(tmp_path / "m")  # and what the crash left is no hindrance
    assert same(outputs(venero.load(tmp_path / "m"), X), outputs(new, X))


def test_a_folder_that_can_not_be_written_is_told(
    saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved["gaussian"][0]
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"can't be written .*choose another folder") as e:
        model.save(tmp_path / "file")
    assert "\n" not in str(e.value)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        model.save(tmp_path / "m")
    assert not list((tmp_path / "m").iterdir())  # no half file is left


def test_what_is_no_model_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere is not there", "give the folder that model.save")
    refused(tmp_path, "has no model.json", "give the folder that model.save")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    refused(tmp_path, "has no model.json")
    refused(tmp_path / "model.pkl", "has no model.json")
    (tmp_path / CARD).write_bytes(pickle.dumps({"a": 1}))
    refused(tmp_path, "is not readable JSON")


class Bomb:
    """Unpickled, it would tell."""

    def __reduce__(self) -> Any:
        return (os.mkdir, ("unpickled",))


def test_nothing_is_unpickled(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    put_tensors(copy, pickle.dumps(Bomb()))
    refused(copy, "is missing or damaged")
    torch.save({"a": torch.zeros(2)}, copy / "tensors.pt")
    edit(copy, lambda card: card["tensors"].update(file="tensors.pt"))
    refused(copy, "is missing or damaged")
    assert not Path("unpickled").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not readable JSON"),
        ("{", "is not readable JSON"),
        ("not json", "is not readable JSON"),
        ("[" * 200_000, "is not readable JSON"),
        ("\udcff\udcfe", "is not readable JSON"),
        ("[]", "was not written by venero"),
        ("null", "was not written by venero"),
        ('{"architectures": ["BertModel"], "format": 1}', "was not written by venero"),
        ('{"venero": "9.9", "format": 2}', "has format 2, and this version reads 1: install the venero that wrote it"),
        ('{"venero": "9.9", "format": null}', "has format None"),
        ('{"venero": "9.9", "format": 1}', "was changed or damaged since it was saved"),
    ],
)
def test_a_card_that_is_not_ours_is_refused(content: str, words: str, copy: Path) -> None:
    (copy / CARD).write_bytes(content.encode(errors="surrogateescape"))
    refused(copy, str(copy / CARD), words)


def test_a_card_cut_anywhere_is_refused(copy: Path) -> None:
    content = (copy / CARD).read_bytes()
    for end in range(0, len(content), 97):
        (copy / CARD).write_bytes(content[:end])
        refused(copy, CARD, "is not readable JSON")


@pytest.mark.parametrize("field", ["latent_dim", "hidden", "likelihood"])
def test_a_card_edited_by_hand_is_refused(field: str, copy: Path) -> None:
    card = card_of(copy)
    card["fields"][field] = {"latent_dim": 5, "hidden": [7], "likelihood": "gaussian"}[field]
    (copy / CARD).write_text(json.dumps(card))
    refused(copy, "was changed or damaged since it was saved", "fit the model again")


def test_spacing_and_order_of_the_card_do_not_matter(copy: Path) -> None:
    (copy / CARD).write_text(json.dumps(dict(reversed(card_of(copy).items())), indent=8))
    assert venero.load(copy).latent_dim == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(model="vea"), "unknown model 'vea': did you mean 'vae'?"),
        (lambda c: c.update(model=3), "unknown model 3"),
        (lambda c: c.update(model="os:system"), "unknown model 'os:system'"),
        (lambda c: c["fields"].update(wings=2), "vae has no field 'wings': the model was saved by another version of venero"),
        (lambda c: c["fields"].update(latent_dim=0), "VAE.latent_dim = 0: must be >= 1"),
        (lambda c: c["fields"].update(latent_dim="x"), "VAE.latent_dim = 'x': must be int"),
        (lambda c: c["fields"].update(likelihood="poisson"), "VAE.likelihood = 'poisson': must be one of"),
        (lambda c: c["fields"].update(latent_dim=4), "does not fit its tensors"),
        (lambda c: c["fields"].update(hidden=[5]), "does not fit its tensors"),
        (lambda c: c["spec"].update(shape=[9]), "does not fit its tensors"),
        (lambda c: c["spec"].pop("columns"), "does not fit its tensors"),
        (lambda c: c["codec"].update(name="morse"), "unknown codec 'morse'"),
        (lambda c: c["codec"].pop("columns"), "does not fit its tensors"),
        (lambda c: c.pop("fields"), "does not fit its tensors"),
        (lambda c: c.update(tensors=None), "names no tensors"),
        (lambda c: c["tensors"].pop("file"), "names no tensors"),
    ],
)
def test_a_card_of_another_version_is_refused(change: Callable[[Card], None], words: str, copy: Path) -> None:
    edit(copy, change)
    refused(copy, words)


def test_nested_models_are_checked_too(saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(saved["two stages"][2], tmp_path / "m"))
    edit(folder, lambda card: card["fields"]["first"]["fields"].update(epochs=-1))
    refused(folder, "AutoEncoder.epochs = -1: must be >= 0")
    edit(folder, lambda card: card["fields"].update(first={"model": "vaee", "fields": {}}))
    refused(folder, "unknown model 'vaee': did you mean 'vae'?")


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "..", ".", "", "/etc/passwd", "a\0b", "sub/../../secret.safetensors"]
)
def test_a_tensors_name_never_leaves_the_folder(name: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(tensors_of(copy), copy.parent / "secret.safetensors")
    read, paths = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda path: paths.append(path) or read(path))
    edit(copy, lambda card: card["tensors"].update(file=name))
    refused(copy, "is missing or damaged")
    assert all(p.resolve().is_relative_to(copy) or p.name == ".." for p in paths if "\0" not in str(p))


def test_tensors_that_are_not_the_cards_are_refused(saved: dict[str, tuple[Any, Any, Path]], copy: Path) -> None:
    path = tensors_of(copy)
    content = path.read_bytes()
    for end in [0, 1, 7, 8, 9, *range(50, len(content), 997), len(content) - 1]:
        path.write_bytes(content[:end])
        refused(copy, "copy the whole folder again")
    path.write_bytes(content + b"\0")
    refused(copy, "copy the whole folder again")
    path.write_bytes(tensors_of(saved["gaussian"][2]).read_bytes())  # another model's
    refused(copy, f"is not the file that {CARD} was written with")
    path.unlink()
    refused(copy, "is missing or damaged")
    for value in (float("nan"), float("inf")):
        path.write_bytes(content)
        tensors = load(content)
        tensors["net.encoder.1.weight"][0, 0] = value
        put_tensors(copy, save(tensors))
        refused(copy, "net.encoder.1.weight holds NaN or infinity")


def test_tensors_of_other_names_or_shapes_are_refused(copy: Path) -> None:
    content = tensors_of(copy).read_bytes()
    changes: list[Callable[[dict[str, torch.Tensor]], Any]] = [
        lambda t: t.pop("net.encoder.1.weight"),
        lambda t: t.pop("codec.stats"),
        lambda t: t.update({"net.extra": torch.zeros(1)}),
        lambda t: t.update({"net.encoder.1.weight": t["net.encoder.1.weight"][:, :-1].contiguous()}),
    ]
    for change in changes:
        tensors = load(content)
        change(tensors)
        put_tensors(copy, save(tensors))
        refused(copy, "does not fit its tensors")


@pytest.mark.parametrize("name", MAKERS)
def test_any_damage_is_harmless_or_told_in_one_line(name: str, saved: dict[str, tuple[Any, Any, Path]], tmp_path: Path) -> None:
    """200 random cuts, flipped bits, foreign bytes and lost, doubled or swapped files."""
    model, X, folder = saved[name]
    want, rng = outputs(model, X), np.random.default_rng(len(name))
    told = 0
    for _ in range(200):
        broken = tmp_path / "broken"
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(folder, broken)
        damage(rng.choice(sorted(broken.iterdir())), rng)
        try:
            loaded = venero.load(broken)
        except StorageError as e:
            told += 1
            assert "\n" not in str(e)
            assert re.search("give|copy|fit|install", str(e))
        else:
            assert same(outputs(loaded, X), want)
    assert told > 150


def damage(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    at = int(rng.integers(len(content)))
    kinds: list[Callable[[], Any]] = [
        lambda: content.__delitem__(slice(at, None)),
        lambda: content.__setitem__(at, content[at] ^ (1 << int(rng.integers(8)))),
        lambda: content.__setitem__(slice(at, at), rng.bytes(4)),
        lambda: content.__setitem__(slice(at, at + 8), rng.bytes(8)),
        lambda: content.__delitem__(slice(at, at + int(rng.integers(1, 40)))),
        lambda: content.extend(content[at:]),
        lambda: content.__setitem__(slice(at, None), bytes(len(content) - at)),  # blocks that never reached the disk
    ]
    kinds[rng.integers(len(kinds))]()
    path.write_bytes(content)


def test_a_model_that_is_not_in_the_catalog_can_not_be_saved(tmp_path: Path) -> None:
    class Mine(venero.Gaussian):  # type: ignore[name-defined, misc]
        pass

    with pytest.raises(VeneroError, match="Mine is not in the catalog"):
        Mine(random_state=0).fit(numbers()).save(tmp_path)
    assert not list(tmp_path.iterdir())
