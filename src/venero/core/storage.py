"""A model on disk: model.json (what it is) and one safetensors file (what it learned). No pickle.

Writing is atomic: the tensors go to a file with a name of their own, and model.json, which names that file, takes the place
of the old one in a single step. A crash leaves the old model or the new one. Both carry a checksum, so that damage is told.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from venero.core.catalog import find, name_of
from venero.core.errors import StorageError, VeneroError, shown
from venero.core.params import check
from venero.data.spec import Column, Spec

if TYPE_CHECKING:
    from venero.core.estimator import Estimator

FORMAT = 1
CARD = "model.json"


def fields_to_json(model: Estimator[Any]) -> dict[str, Any]:
    """Hyper-parameters as JSON; an estimator in a field becomes {"model": name, "fields": {...}}."""
    return {f.name: _to_json(getattr(model, f.name)) for f in fields(model)}


def _to_json(value: Any) -> Any:
    if hasattr(value, "get_params"):
        return {"model": name_of(value), "fields": fields_to_json(value)}
    if isinstance(value, (list, tuple)):
        return [_to_json(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def from_json(card: dict[str, Any]) -> Estimator[Any]:
    """An unfitted estimator from {"model": name, "fields": {...}}; unknown fields and values out of bounds are refused."""
    cls = find(card["model"])
    known = {f.name for f in fields(cls)}
    unknown = set(card["fields"]) - known
    if unknown:
        raise StorageError(
            f"{card['model']} has no field {sorted(unknown)[0]!r}: the model was saved by another version of venero"
        )
    model = cls(**{k: _from_json(v) for k, v in card["fields"].items()})
    check(model)
    return model


def _from_json(value: Any) -> Any:
    if isinstance(value, dict) and "model" in value:
        return from_json(value)
    return tuple(map(_from_json, value)) if isinstance(value, list) else value


def save(model: Estimator[Any], folder: Path | str) -> None:
    """Write a fitted model into a folder, which is made where it is not there."""
    from safetensors.torch import save as to_bytes

    from venero import __version__
    from venero.core.abilities import UnfittedError
    from venero.train.checkpoint import write_whole

    if not hasattr(model, "net_"):
        raise UnfittedError(
            f"This {type(model).__name__} instance is not fitted yet: there is nothing to save; call fit(X) first"
        )
    folder = Path(folder)
    codec_tensors, codec_card = model.codec_.state()
    tensors = {
        f"net.{k}": v.detach().cpu().clone(memory_format=torch.contiguous_format) for k, v in model.net_.state_dict().items()
    }
    content = to_bytes(tensors | {f"codec.{k}": v.contiguous() for k, v in codec_tensors.items()})
    digest = hashlib.sha256(content).hexdigest()
    name = f"tensors-{digest[:12]}.safetensors"
    card = {
        "format": FORMAT,
        "venero": __version__,
        "model": name_of(model),
        "fields": fields_to_json(model),
        "spec": asdict(model.spec_),
        "codec": {"name": model.codec_.name, **codec_card},
        "classes": _classes_to_json(getattr(model, "classes_", None)),
        "features": [str(c) for c in getattr(model, "feature_names_in_", [])],
        "n_features": getattr(model, "n_features_in_", None),
        "history": model.history_,
        "fit_seconds": model.fit_seconds_,
        "tensors": {"file": name, "sha256": digest},
    }
    write_whole(folder / name, content)
    write_whole(folder / CARD, json.dumps(card | {"sha256": checksum(card)}, indent=1).encode())
    for old in folder.glob("tensors-*.safetensors"):
        if old.name != name:
            old.unlink()


def checksum(card: dict[str, Any]) -> str:
    """Of a card's contents, whatever the spacing and order of its keys; its own checksum is not part of it."""
    content = {k: v for k, v in card.items() if k != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(folder: Path | str) -> Any:
    """A fitted model from its folder. Refuses, in one line, what is not a whole model of this library."""
    folder = Path(folder)
    card = _read_card(folder)
    tensors = _read_tensors(folder, card)
    try:
        model = _rebuild(card, tensors)
    except VeneroError as e:
        raise StorageError(f"{folder / CARD}: {e}") from e
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError, ArithmeticError) as e:
        raise StorageError(
            f"{folder / CARD} does not fit its tensors ({' '.join(str(e).split())[:120]}): it was changed or is damaged"
        ) from e
    return model


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    if not path.is_file():
        what = "is not there" if not folder.exists() else f"has no {CARD}"
        raise StorageError(f"{folder} {what}: give the folder that model.save or `venero fit` wrote")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as e:
        raise StorageError(f"{path} is not readable JSON: copy the whole folder again, or fit the model again") from e
    if not isinstance(card, dict) or not {"format", "venero"} <= set(card):
        raise StorageError(f"{path} was not written by venero: give the folder that model.save or `venero fit` wrote")
    if card["format"] != FORMAT:
        raise StorageError(
            f"{path} has format {shown(card['format'])}, and this version reads {FORMAT}: install the venero that wrote it"
        )
    if card.get("sha256") != checksum(card):
        raise StorageError(
            f"{path} was changed or damaged since it was saved: copy the whole folder again, or fit the model again"
        )
    return card


def _read_tensors(folder: Path, card: dict[str, Any]) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    try:
        name, digest = str(card["tensors"]["file"]), card["tensors"]["sha256"]
    except (KeyError, TypeError) as e:
        raise StorageError(f"{folder / CARD} names no tensors: fit the model again") from e
    path = folder / Path(name).name  # never outside the folder
    try:
        content = path.read_bytes()
        tensors = from_bytes(content)
    except (OSError, SafetensorError, ValueError) as e:
        raise StorageError(f"{path} is missing or damaged: copy the whole folder again, or fit the model again") from e
    if hashlib.sha256(content).hexdigest() != digest:
        raise StorageError(f"{path} is not the file that {CARD} was written with: copy the whole folder again")
    for key, value in tensors.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise StorageError(f"{path}: {key} holds NaN or infinity; fit the model again")
    return tensors


def _rebuild(card: dict[str, Any], tensors: dict[str, Tensor]) -> Estimator[Any]:
    from venero.data.codecs import CODECS

    part = lambda p: {k[len(p) :]: v for k, v in tensors.items() if k.startswith(p)}  # noqa: E731
    model = from_json(card)
    model.spec_ = _spec(card["spec"])
    codec = dict(card["codec"])
    name = codec.pop("name")
    if name not in CODECS:
        raise StorageError(f"unknown codec {name!r}: the model was saved by another version of venero")
    model.codec_ = CODECS[name].restore(part("codec."), codec)
    model.classes_ = _classes_from_json(card["classes"])
    model.net_ = model.build(model.spec_)
    model.net_.load_state_dict(part("net."))
    model.net_.eval()
    model.history_, model.fit_seconds_ = card["history"], card["fit_seconds"]
    if card["n_features"] is not None:
        model.n_features_in_ = card["n_features"]
    if card["features"]:
        model.feature_names_in_ = np.asarray(card["features"], dtype=object)
    return model


def _spec(card: dict[str, Any]) -> Spec:
    columns = tuple(Column(**c) for c in card["columns"])
    return Spec(**{**card, "shape": tuple(card["shape"]), "columns": columns})


def _classes_to_json(classes: np.ndarray | None) -> dict[str, Any] | None:
    return (
        None
        if classes is None
        else {"dtype": classes.dtype.str if classes.dtype != object else "object", "labels": classes.tolist()}
    )


def _classes_from_json(card: dict[str, Any] | None) -> np.ndarray | None:
    return None if card is None else np.asarray(card["labels"], dtype=np.dtype(card["dtype"]))
