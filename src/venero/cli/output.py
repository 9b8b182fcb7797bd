"""Results as files: the suffix says how, .png (a grid of pictures), .npy, .npz, .csv, .parquet, .txt, .zip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from venero.core.errors import VeneroError

if TYPE_CHECKING:
    import pandas as pd

ACROSS = 16  # pairs of pictures side by side
SIDE = 64  # pixels: smaller pictures are enlarged by a whole factor, to about this


@dataclass(frozen=True)
class Result:
    """What a command found, and how it may be written.

    value: images (n, H, W) or (n, H, W, C), paths of images (n, steps, ...), a 2-D array, a DataFrame, or a list of sequences.
    picture: the images that a .png shows, where that is not `value`; `columns` of them in a row.
    names: of a 2-D array's columns. extra: more columns for .csv and .parquet, such as labels.
    """

    value: Any
    picture: Any = None
    columns: int | None = None
    names: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def _png(result: Result) -> bytes:
    from PIL import Image

    images = result.value if result.picture is None else result.picture
    buffer = BytesIO()
    Image.fromarray(grid(images, result.columns)).save(buffer, format="PNG")
    return buffer.getvalue()


def _npy(result: Result) -> bytes:
    buffer = BytesIO()
    np.save(buffer, np.asarray(result.value), allow_pickle=False)
    return buffer.getvalue()


def _csv(result: Result) -> bytes:
    text: str = frame(result).to_csv(index=False)
    return text.encode()


def _parquet(result: Result) -> bytes:
    content: bytes = frame(result).to_parquet(index=False)
    return content


def _long_csv(result: Result) -> bytes:
    """One step in each row: the number of its sequence, its own, and its channels or its symbol."""
    import pandas as pd

    parts = []
    for i, x in enumerate(result.value):
        steps = np.asarray(list(x) if isinstance(x, str) else x)
        names = list(result.names) or (["symbol"] if steps.dtype.kind in "iU" else [f"c{j}" for j in range(steps[0].size)])
        table = pd.DataFrame(steps.reshape(len(steps), -1), columns=names)
        table.insert(0, "step", np.arange(len(steps)))
        table.insert(0, "id", i)
        parts.append(table.assign(**{name: values[i] for name, values in result.extra.items()}))
    text: str = pd.concat(parts).to_csv(index=False)
    return text.encode()


def _npz(result: Result) -> bytes:
    """All sequences end to end as `values`, with `lengths`; of audio with its `rate`."""
    buffer = BytesIO()
    rate = {"rate": result.value.rate} if hasattr(result.value, "rate") else {}
    values = np.concatenate([np.asarray(x) for x in result.value])
    np.savez_compressed(buffer, allow_pickle=False, values=values, lengths=[len(x) for x in result.value], **rate)
    return buffer.getvalue()


def _txt(result: Result) -> bytes:
    """Texts line by line, or with an empty line between where some have lines of their own."""
    several = any("\n" in text for text in result.value)
    return (("\n\n" if several else "\n").join(result.value) + "\n").encode()


def _zip(result: Result) -> bytes:
    """A WAV file of each clip."""
    from zipfile import ZipFile

    from venero.data.audio import wav_bytes

    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for i, clip in enumerate(result.value):
            archive.writestr(f"{i:04d}.wav", wav_bytes(clip, result.value.rate))
    return buffer.getvalue()


Writer = Callable[[Result], bytes]
WRITERS: dict[str, dict[str, Writer]] = {
    "images": {".png": _png, ".npy": _npy},
    "numbers": {".csv": _csv, ".parquet": _parquet, ".npy": _npy},
    "a table of mixed columns": {".csv": _csv, ".parquet": _parquet},
    "series": {".csv": _long_csv, ".npz": _npz},
    "symbols": {".csv": _long_csv, ".npz": _npz},
    "text": {".txt": _txt, ".csv": _long_csv},
    "audio": {".zip": _zip, ".npz": _npz},
}


def kind(value: Any) -> str:
    """Which writers a value has.

    >>> kind(np.zeros((5, 8, 8))), kind(np.zeros((5, 2)))
    ('images', 'numbers')
    """
    if isinstance(value, list):
        from venero.data.arrays import kind_of

        return kind_of(value, ("series", "symbols", "text", "audio"))
    if hasattr(value, "iloc") and not all(isinstance(t, np.dtype) and t.kind in "buif" for t in value.dtypes):
        return "a table of mixed columns"
    return "numbers" if np.ndim(value) == 2 else "images"


def check_suffix(path: Path, kind: str) -> None:
    """Raise a VeneroError if a path's suffix can't hold this kind of result."""
    if path.suffix.lower() not in WRITERS[kind]:
        raise VeneroError(f"{path}: {kind} can be written as {', '.join(WRITERS[kind])}")


def write(path: Path, result: Result) -> None:
    """Write a result as its file's suffix says; the file is there whole or not at all."""
    from venero.train.checkpoint import write_whole

    check_suffix(path, kind(result.value))
    write_whole(path, WRITERS[kind(result.value)][path.suffix.lower()](result))


def frame(result: Result) -> pd.DataFrame:
    """A table-like result with its extra columns."""
    import pandas as pd

    value = result.value
    table = value if hasattr(value, "iloc") else pd.DataFrame(value, columns=list(result.names) or None)
    return table.set_axis(table.columns.astype(str), axis=1).assign(**result.extra)  # .parquet takes no numbers as names


def over(above: Any, below: Any) -> tuple[np.ndarray, int]:
    """Pairs as a picture: a row of images over a row of their counterparts, and so on; with the number in a row."""
    columns = min(len(above), ACROSS)
    rows = [(above[i : i + columns], below[i : i + columns]) for i in range(0, len(above), columns)]
    blank = lambda part: np.zeros((columns - len(part), *part.shape[1:]), part.dtype)  # noqa: E731
    return np.concatenate([np.concatenate([part, blank(part)]) for pair in rows for part in map(np.asarray, pair)]), columns


def grid(images: Any, columns: int | None = None) -> np.ndarray:
    """Images row by row on one sheet, (n, H, W[, C]) -> (height, width, 4) bytes; small ones enlarged by a whole factor."""
    from venero.plots.images import tile

    tiles = _pixels(np.asarray(images))
    factor = max(1, round(SIDE / max(tiles.shape[1:3])))
    tiles = tiles.repeat(factor, axis=1).repeat(factor, axis=2)
    sheet: np.ndarray = tile(tiles, columns or ceil(sqrt(len(tiles))), gap=2)
    return sheet


def _pixels(x: np.ndarray) -> np.ndarray:
    """Images as RGBA bytes, (n, H, W, 4)."""
    x = x if x.dtype == np.uint8 else np.rint(np.clip(x.astype(np.float32), 0, 1) * 255).astype(np.uint8)
    x = x[..., None] if x.ndim == 3 else x  # (n, H, W, C)
    if x.shape[-1] not in (1, 3, 4):
        raise VeneroError(f"images of {x.shape[-1]} channels have no colours: write them as .npy")
    opaque = np.full((*x.shape[:3], 1), 255, np.uint8)
    colours = x if x.shape[-1] == 4 else np.concatenate([np.broadcast_to(x, (*x.shape[:3], 3)), opaque], axis=-1)
    return np.ascontiguousarray(colours)
