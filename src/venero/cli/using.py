"""What the commands that use a fitted model share: its run, its data, the file to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from venero.cli.terminal import say

if TYPE_CHECKING:
    from venero.data.sources import Dataset

WORDS = {"images": "images", "series": "series", "text": "texts", "audio": "clips"}
PICTURES = 64  # examples that a .png shows, where no number was asked for


def load_run(run: Path, verb: str = "") -> Any:
    """The run's model, which must be able to do the verb, if there is one."""
    from venero.core.errors import VeneroError
    from venero.core.storage import load

    model = load(run)
    if verb and not hasattr(model, verb):
        what = type(model).__name__
        raise VeneroError(f"{run} holds a model that can't {verb} ({what}): see what others can with `venero models`")
    return model


def examples(run: Path, source: str | None, n: int | None = None, path: Path | None = None) -> Dataset:
    """The data to use: those named, else the run's held-out ones; a picture takes the first few."""
    from venero.core.runs import like, read_config, split

    config = read_config(run)
    data = split(config).test if source is None else like(config, source)
    n = PICTURES if n is None and path is not None and path.suffix.lower() == ".png" else n
    return data if n is None else data.take(slice(n))


def rows_of(data: Dataset, text: str) -> Dataset:
    """The examples at rows that the user named, `3` or `3,1,4`."""
    from venero.core.errors import VeneroError

    try:
        rows = [int(part) for part in text.split(",")]
    except ValueError as e:
        raise VeneroError(f"{text!r} names no rows: give numbers, such as 3 or 3,1,4") from e
    if not all(0 <= row < len(data) for row in rows):
        raise VeneroError(f"there is no row {max(rows, key=abs)}: the data have rows 0 to {len(data) - 1}")
    return data.take(rows)


def path_for(run: Path, out: Path | None, name: str, model: Any = None) -> Path:
    """The file to write, its suffix checked before any work is done; `model` where examples like its data are written."""
    from venero.cli.output import check_suffix

    what = "numbers" if model is None else made_of(model)
    path = out or run / f"{name}{SUFFIX.get(what, '.csv')}"
    check_suffix(path, what)
    return path


SUFFIX = {"images": ".png", "text": ".txt", "audio": ".zip"}


def made_of(model: Any) -> str:
    """What the model's examples are, as a writer has it."""
    if not model.spec_.sequential:
        return "images" if model.spec_.kind == "image" else "numbers"
    return str(model.codec_.takes[-1 if getattr(model.codec_, "container", "") == "text" else 0])


def label_named(run: Path, model: Any, text: str | None) -> Any:
    """A label as fit saw it: a number of the class that the user named."""
    from venero.core.runs import CONFIG, read_config

    names = read_config(run).get("classes", ()) if (run / CONFIG).exists() else ()
    known = {str(label): label for label in ([] if model.classes_ is None else model.classes_.tolist())}
    return {**known, **{name: place for place, name in enumerate(names)}}.get(text or "", text)


def label_column(data: Dataset) -> dict[str, Any]:
    """The labels as a column of a table, by name where the classes have names."""
    if data.y is None:
        return {}
    return {"label": [data.class_names[i] for i in data.y] if data.class_names else data.y}


def write_result(path: Path, value: Any, *, above: Any = None, columns: int | None = None, **more: Any) -> None:
    """Write a result and say where; `above` are the images that a picture shows over the result's."""
    from venero.cli.output import Result, kind, over, write

    pairs = above is not None and path.suffix.lower() == ".png"
    picture, columns = over(above, value) if pairs else (None, columns)
    write(path, Result(value, picture, columns, **more))
    what = kind(value)
    say(f"wrote {path} ({len(value):,} {WORDS.get(what, 'sequences' if isinstance(value, list) else 'rows')})")
