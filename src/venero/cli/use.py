"""What a fitted model does: sample, reconstruct, encode, interpolate, denoise, detect. Each writes a file."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from venero.cli.arguments import HELD_OUT, Count, Folder, Out, Source, one_of, sources
from venero.cli.terminal import console, say

if TYPE_CHECKING:
    from venero.data.sources import Dataset

PICTURES = 64  # examples that a .png shows, where no number was asked for
TOP = 10  # anomalies that are printed

Label = Annotated[
    str | None,
    typer.Option("-y", help="Of this class only, where the model is conditional.", metavar="LABEL", show_default=False),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Makes the draws repeatable.", metavar="INTEGER", show_default=False),
]
How = Annotated[
    str,
    typer.Option("--how", help="linear or spherical.", metavar="TEXT", autocompletion=one_of("linear", "spherical")),
]
Noise = Annotated[
    float | None,
    typer.Option("--noise", min=0, help="Its standard deviation; estimated where not given.", metavar="S", show_default=False),
]
KINDS = ("auto", "likelihood", "reconstruction")
Kind = Annotated[
    str,
    typer.Option(
        "--kind", help="What is unusual: auto, likelihood or reconstruction.", metavar="TEXT", autocompletion=one_of(*KINDS)
    ),
]
Reference = Annotated[
    str | None,
    typer.Option(
        help=f"Normal data that set the threshold. {HELD_OUT}", metavar="DATA", autocompletion=sources, show_default=False
    ),
]


def sample(
    run: Folder,
    n: Annotated[int, typer.Option("-n", min=1, help="How many.", metavar="N")] = 64,
    label: Label = None,
    mean: Annotated[bool, typer.Option("--mean/--draw", help="The mean of p(x given z), or a draw from it.")] = False,
    seed: Seed = None,
    out: Out = None,
) -> None:
    """Draw new examples from what the model learned."""
    model = _load(run, "sample")
    path = _path(run, out, "samples", model)
    noisy = "noise" in signature(model.net_.sample).parameters  # other models' draws have no noise to leave out
    options = {"noise": False} if mean and noisy else {}
    _write(path, model.sample(n, y=_label(run, model, label), random_state=seed, **options))


def reconstruct(run: Folder, source: Source = None, n: Count = None, out: Out = None) -> None:
    """Squeeze examples through the code and back; a .png shows them over their reconstructions."""
    model = _load(run, "reconstruct")
    path = _path(run, out, "reconstructions", model)
    data = _examples(run, source, n, path)
    _write(path, model.reconstruct(data.X, data.y if model.takes_labels else None), above=data.X)


def encode(run: Folder, source: Source = None, n: Count = None, out: Out = None) -> None:
    """Write the code of each example, with its label where there is one."""
    model = _load(run, "encode")
    path = _path(run, out, "codes")
    data = _examples(run, source, n, path)
    codes = model.encode(data.X)
    _write(path, codes, names=[f"z{i}" for i in range(codes.shape[1])], extra=label_column(data))


def interpolate(
    run: Folder,
    source: Source = None,
    first: Annotated[str, typer.Option("--from", help="Rows of the examples to start from.", metavar="I,...")] = "0",
    last: Annotated[str, typer.Option("--to", help="Rows of the examples to end at.", metavar="J,...")] = "1",
    steps: Annotated[int, typer.Option(min=2, help="Examples on the way, the ends counted in.", metavar="N")] = 8,
    how: How = "linear",
    out: Out = None,
) -> None:
    """Write what lies between examples in the model's latent space: one way after the other."""
    from venero.tasks.interpolate import interpolate as between

    model = _load(run, "decode")
    path = _path(run, out, "interpolation", model)
    data = _examples(run, source)
    ways = between(model, _rows(data, first).X, _rows(data, last).X, steps, how)
    _write(path, ways if hasattr(ways, "iloc") else ways.reshape(-1, *ways.shape[2:]), columns=steps)  # (n * steps, ...)


def denoise(run: Folder, source: Source = None, noise: Noise = None, n: Count = None, out: Out = None) -> None:
    """Take the noise out of examples; a .png shows them over what is left."""
    from venero.tasks.denoise import denoise as cleaned

    model = _load(run, "reconstruct")
    path = _path(run, out, "denoised", model)
    X = _examples(run, source, n, path).X
    _write(path, cleaned(model, X, noise), above=X)


def detect(
    run: Folder,
    source: Source = None,
    kind: Kind = "auto",
    reference: Reference = None,
    fpr: Annotated[float, typer.Option(min=0, max=1, help="Share of normal data that may be flagged.", metavar="SHARE")] = 0.05,
    out: Out = None,
) -> None:
    """Score how unusual examples are, and rank them; with DATA or --reference, flag those beyond a threshold."""
    import numpy as np
    import pandas as pd

    from venero.tasks.anomaly import anomaly_score

    model = _load(run)
    path = _path(run, out, "scores")
    data = _examples(run, source)
    table = pd.DataFrame({"row": np.arange(len(data)), "score": anomaly_score(model, data.X, kind)})
    table["rank"] = table["score"].rank(ascending=False, method="first").astype(int)
    if source or reference:
        normal = anomaly_score(model, _examples(run, reference).X, kind)
        table["flag"] = table["score"] > np.quantile(normal, 1 - fpr)
    table = table.assign(**label_column(data))
    _print_top(table)
    _write(path, table)


# -- what they share -------------------------------------------------------------------
def _load(run: Path, verb: str = "") -> Any:
    """The run's model, which must be able to do the verb, if there is one."""
    from venero.core.errors import VeneroError
    from venero.core.storage import load

    model = load(run)
    if verb and not hasattr(model, verb):
        what = type(model).__name__
        raise VeneroError(f"{run} holds a model that can't {verb} ({what}): see what others can with `venero models`")
    return model


def _examples(run: Path, source: str | None, n: int | None = None, path: Path | None = None) -> Dataset:
    """The data to use: those named, else the run's held-out ones; a picture takes the first few."""
    from venero.core.runs import like, read_config, split

    config = read_config(run)
    data = split(config).test if source is None else like(config, source)
    n = PICTURES if n is None and path is not None and path.suffix.lower() == ".png" else n
    return data if n is None else data.take(slice(n))


def _rows(data: Dataset, text: str) -> Dataset:
    """The examples at rows that the user named, `3` or `3,1,4`."""
    from venero.core.errors import VeneroError

    try:
        rows = [int(part) for part in text.split(",")]
    except ValueError as e:
        raise VeneroError(f"{text!r} names no rows: give numbers, such as 3 or 3,1,4") from e
    if not all(0 <= row < len(data) for row in rows):
        raise VeneroError(f"there is no row {max(rows, key=abs)}: the data have rows 0 to {len(data) - 1}")
    return data.take(rows)


def _path(run: Path, out: Path | None, name: str, model: Any = None) -> Path:
    """The file to write, its suffix checked before any work is done; `model` where examples like its data are written."""
    from venero.cli.output import check_suffix

    images = model is not None and model.spec_.kind == "image"
    path = out or run / f"{name}{'.png' if images else '.csv'}"
    check_suffix(path, "images" if images else "numbers")
    return path


def _label(run: Path, model: Any, text: str | None) -> Any:
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


def _write(path: Path, value: Any, *, above: Any = None, columns: int | None = None, **more: Any) -> None:
    """Write a result and say where; `above` are the images that a picture shows over the result's."""
    from venero.cli.output import Result, kind, over, write

    pairs = above is not None and path.suffix.lower() == ".png"
    picture, columns = over(above, value) if pairs else (None, columns)
    write(path, Result(value, picture, columns, **more))
    say(f"wrote {path} ({len(value):,} {'images' if kind(value) == 'images' else 'rows'})")


def _print_top(table: Any) -> None:
    from rich.table import Table

    top = table.sort_values("rank").head(TOP)
    say(f"the {len(top)} most unusual of {len(table):,}:")
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in top.columns:
        shown.add_column(name, justify="left" if name == "label" else "right")
    for row in top.itertuples(index=False):
        shown.add_row(*(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row))
    console().print(shown)
