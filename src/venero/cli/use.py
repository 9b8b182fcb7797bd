"""What a fitted model does: sample, reconstruct, encode, interpolate, denoise. Each writes a file."""

from __future__ import annotations

from inspect import signature
from typing import Annotated

import typer

from venero.cli.arguments import Count, Folder, Out, Source, one_of
from venero.cli.using import examples, label_column, label_named, load_run, path_for, rows_of, write_result

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


def sample(
    run: Folder,
    n: Annotated[int, typer.Option("-n", min=1, help="How many.", metavar="N")] = 64,
    label: Label = None,
    mean: Annotated[bool, typer.Option("--mean/--draw", help="The mean of p(x given z), or a draw from it.")] = False,
    seed: Seed = None,
    out: Out = None,
) -> None:
    """Draw new examples from what the model learned."""
    model = load_run(run, "sample")
    path = path_for(run, out, "samples", model)
    noisy = "noise" in signature(model.net_.sample).parameters  # other models' draws have no noise to leave out
    options = {"noise": False} if mean and noisy else {}
    write_result(path, model.sample(n, y=label_named(run, model, label), random_state=seed, **options))


def reconstruct(run: Folder, source: Source = None, n: Count = None, out: Out = None) -> None:
    """Squeeze examples through the code and back; a .png shows them over their reconstructions."""
    model = load_run(run, "reconstruct")
    path = path_for(run, out, "reconstructions", model)
    data = examples(run, source, n, path)
    write_result(path, model.reconstruct(data.X, data.y if model.takes_labels else None), above=data.X)


def encode(run: Folder, source: Source = None, n: Count = None, out: Out = None) -> None:
    """Write the code of each example, with its label where there is one."""
    model = load_run(run, "encode")
    path = path_for(run, out, "codes")
    data = examples(run, source, n, path)
    codes = model.encode(data.X)
    codes = list(codes) if codes[0].ndim == 2 else codes  # a code for each step
    write_result(path, codes, names=[f"z{i}" for i in range(codes[0].shape[-1])], extra=label_column(data))


def interpolate(
    run: Folder,
    source: Source = None,
    first: Annotated[str, typer.Option("--from", help="Rows of the examples to start from.", metavar="I,...")] = "0",
    last: Annotated[str, typer.Option("--to", help="Rows of the examples to end at.", metavar="J,...")] = "1",
    steps: Annotated[int, typer.Option(min=2, help="Examples on the way, the ends counted in.", metavar="N")] = 8,
    how: How = "linear",
    label: Label = None,
    out: Out = None,
) -> None:
    """Write what lies between examples in the model's latent space: one way after the other."""
    from venero.tasks.interpolate import interpolate as between

    model = load_run(run, "decode")
    path = path_for(run, out, "interpolation", model)
    data = examples(run, source)
    ends = rows_of(data, first).X, rows_of(data, last).X
    ways = between(model, *ends, steps, how, y=None if label is None else label_named(run, model, label))
    write_result(path, ways if hasattr(ways, "iloc") else ways.reshape(-1, *ways.shape[2:]), columns=steps)  # (n * steps, ...)


def denoise(run: Folder, source: Source = None, noise: Noise = None, n: Count = None, out: Out = None) -> None:
    """Take the noise out of examples; a .png shows them over what is left."""
    from venero.tasks.denoise import denoise as cleaned

    model = load_run(run, "reconstruct")
    path = path_for(run, out, "denoised", model)
    X = examples(run, source, n, path).X
    write_result(path, cleaned(model, X, noise), above=X)
