"""A checkpoint: one file of tensors with JSON in its header, written so that it is there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from venero.core.errors import StorageError

FORMAT = 1
NAME = "checkpoint.safetensors"


def pack(value: Any, tensors: dict[str, Tensor], path: str = "state") -> Any:
    """Nested dicts, lists and scalars -> JSON, with each tensor moved to `tensors` and its name left in its place."""
    if isinstance(value, Tensor):
        name = f"{len(tensors)} {path}"  # the number tells "a.b" from "b" in "a"
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)  # none may share memory
        return {"$tensor": name}
    if isinstance(value, Mapping):
        return {"$map": [[k, pack(v, tensors, f"{path}.{k}")] for k, v in value.items()]}  # keys may be numbers
    if isinstance(value, (list, tuple)):
        return [pack(v, tensors, f"{path}.{i}") for i, v in enumerate(value)]
    if isinstance(value, float) and not isfinite(value):
        return {"$float": str(value)}
    return value


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack` (tuples come back as lists)."""
    if isinstance(value, list):
        return [unpack(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$float" in value:
        return float(value["$float"])
    return {k: unpack(v, tensors) for k, v in value["$map"]}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old content or the new, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    except OSError as e:
        with suppress(OSError):
            part.unlink()
        raise StorageError(f"{path} can't be written ({e.strerror or e}): choose another folder, or make room") from e


def write(folder: Path, state: Mapping[str, Any]) -> None:
    """Save a nested state as the folder's checkpoint."""
    tensors: dict[str, Tensor] = {}
    packed = pack(state, tensors)
    card = {"format": FORMAT, "state": packed, "checksum": checksum(packed, tensors)}
    write_whole(folder / NAME, to_bytes(tensors, metadata={"venero": json.dumps(card)}))


def checksum(packed: Any, tensors: Mapping[str, Tensor]) -> int:
    """CRC-32 of all that `pack` made, so that a bad copy or disk is told before training goes on from it."""
    total = crc32(json.dumps(packed).encode())
    for name, tensor in sorted(tensors.items()):
        total = crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), total)
        total = crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return total


def read(folder: Path) -> dict[str, Any] | None:
    """The folder's checkpoint, or None where there is none yet."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as f:
            card = json.loads((f.metadata() or {}).get("venero", "null"))
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError, RecursionError) as e:
        raise StorageError(f"{path} is not a whole checkpoint ({_first_line(e)}): delete it to start afresh") from e
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise StorageError(f"{path} was not written by this version of venero: delete it to start afresh")
    if card.get("checksum") != checksum(card.get("state"), tensors):
        raise StorageError(f"{path} was changed or damaged since it was written: delete it to start afresh")
    state: dict[str, Any] = unpack(card["state"], tensors)
    return state


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def clone_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A copy of a state_dict that training does not change."""
    with torch.no_grad():
        return {k: v.detach().clone() for k, v in state.items()}
