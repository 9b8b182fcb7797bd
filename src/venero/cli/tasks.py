"""What a fitted model is for: fill in what is unknown, change an attribute, find groups. Each writes a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from venero.cli.arguments import Count, Folder, Out, Source, one_of
from venero.cli.terminal import say
from venero.cli.using import examples, label_column, load_run, path_for, rows_of, write_result

if TYPE_CHECKING:
    import numpy as np

    from venero.data.datasets import Dataset
    from venero.tasks.cluster import Clusters

Attribute = Annotated[str, typer.Option(help="Class whose look is added and taken away.", metavar="LABEL", show_default=False)]
Number = Annotated[
    int | None,
    typer.Option("-k", min=1, help="How many; by the silhouette where not given.", metavar="K", show_default=False),
]
STEPS = 9  # examples from one end of an edit to the other
SHOWN = 10  # examples of a cluster in a picture
JUDGED = 5000  # examples at most that learn and check an edit's direction


def _middle(length: int) -> slice:
    return slice(length // 4, length - length // 4)


# name -> the part of an image of (height, width) that is hidden
HIDDEN: dict[str, Callable[[int, int], tuple[slice, slice]]] = {
    "left": lambda h, w: (slice(None), slice(0, w // 2)),
    "right": lambda h, w: (slice(None), slice(w // 2, None)),
    "top": lambda h, w: (slice(0, h // 2), slice(None)),
    "bottom": lambda h, w: (slice(h // 2, None), slice(None)),
    "centre": lambda h, w: (_middle(h), _middle(w)),
}
MASKS = f"{', '.join(HIDDEN)}, or a .png or .npy whose bright or True pixels are hidden"
Mask = Annotated[
    str | None,
    typer.Option(help=f"Of images, what to hide: {MASKS}.", metavar="PART", autocompletion=one_of(*HIDDEN), show_default=False),
]


def complete(
    run: Folder,
    source: Source = None,
    rows: Annotated[str | None, typer.Option(help="Only these rows.", metavar="I,...", show_default=False)] = None,
    mask: Mask = None,
    n: Count = None,
    out: Out = None,
) -> None:
    """Fill in a table's missing values, or the hidden part of images; a .png shows what was left over what it became."""
    import numpy as np

    from venero.tasks.impute import impute

    model = load_run(run)
    path = path_for(run, out, "completed", model)
    data = examples(run, source, n, path) if rows is None else rows_of(examples(run, source, n), rows)
    if model.spec_.kind != "image":
        write_result(path, impute(model, data.X))
        return
    known = ~_hidden(mask, data.X.shape[1:3])
    shape = (*known.shape, *[1] * (data.X.ndim - 3))  # (H, W) or (H, W, 1)
    seen = np.where(known.reshape(shape), data.X, np.zeros((), data.X.dtype))
    write_result(path, impute(model, data.X, known), above=seen)


def edit(
    run: Folder,
    attribute: Attribute,
    source: Source = None,
    strength: Annotated[float, typer.Option(min=0, help="1 goes as far as the class lies from the rest.", metavar="S")] = 1.0,
    n: Annotated[int, typer.Option("-n", min=1, help="How many examples.", metavar="N")] = 8,
    out: Out = None,
) -> None:
    """Change examples towards a class and away from it: each from -S to S, one after the other."""
    import numpy as np

    from venero.tasks.edit import attribute_direction
    from venero.tasks.edit import edit as edited

    model = load_run(run, "decode")
    path = path_for(run, out, "edited", model)
    train = _labelled(run, model)
    has = _of_class(run, model, train, attribute)
    direction = attribute_direction(model, train.X, has)
    data = examples(run, source, n)
    strengths = np.linspace(-strength, strength, STEPS)
    ways = [edited(model, data.X, direction, float(s)) for s in strengths]
    if source is None:
        _say_check(run, model, attribute, strength, direction, (train.X, has))
    if hasattr(ways[0], "iloc"):
        _write_frames(path, ways, strengths)
    else:
        both = np.stack(ways, 1)  # (n, STEPS, ...)
        write_result(path, both.reshape(-1, *both.shape[2:]), columns=STEPS)


def cluster(
    run: Folder,
    source: Source = None,
    k: Number = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the clusters repeatable.", metavar="INTEGER")] = 0,
    deep: Annotated[bool, typer.Option("--deep", help="Train the codes for it, on the run's training data.")] = False,
    updates: Annotated[int, typer.Option(min=1, help="Of --deep: most updates.", metavar="N")] = 5000,
    out: Out = None,
) -> None:
    """Group examples by their codes; of images a .png beside the file shows some of each group."""
    import numpy as np
    import pandas as pd

    from venero.tasks.cluster import cluster as grouped

    model = load_run(run, "encode")
    path = path_for(run, out, "clusters")
    data = examples(run, source)
    if deep:
        model, found = _deep(run, model, data.X, k, seed, updates)
    else:
        found = grouped(model, data.X, k, random_state=seed)
    say(f"{len(found.centers)} clusters, silhouette {found.silhouette:.2f}")
    if data.y is not None and data.class_names:
        from venero.metrics.clustering import clustering_accuracy

        say(f"accuracy when each cluster stands for one class: {clustering_accuracy(data.y, found.labels)}")
    table = pd.DataFrame({"row": np.arange(len(data)), "cluster": found.labels})
    write_result(path, table.assign(**label_column(data)))
    if model.spec_.kind == "image":
        pictures = _nearest(data.X, model.encode(data.X), found)
        write_result(path.with_suffix(".png"), pictures, columns=SHOWN)


def _deep(run: Path, model: Any, X: Any, k: int | None, seed: int, updates: int) -> tuple[Any, Clusters]:
    """The model with codes trained further on the run's training data, and the groups of X among them."""
    from venero.core.runs import read_config, split
    from venero.tasks.cluster import Clusters, DeepClustering, silhouette
    from venero.tasks.cluster import cluster as grouped
    from venero.train.run import Run

    train = split(read_config(run)).train
    k = k or len(grouped(model, train.X, random_state=seed).centers)
    deep = DeepClustering(model, k, updates=updates, random_state=seed).fit(train.X, run=Run(progress="auto"))
    codes, labels = deep.model_.encode(X), deep.predict(X)
    return deep.model_, Clusters(labels, deep.cluster_centers_, silhouette(codes, labels, seed))


def _hidden(mask: str | None, size: tuple[int, int]) -> np.ndarray:
    """Which pixels are hidden, (H, W) booleans."""
    import numpy as np

    from venero.core.errors import VeneroError

    if mask is None:
        raise VeneroError(f"--mask is needed for images, what to hide: {MASKS}")
    if mask in HIDDEN:
        hidden = np.zeros(size, bool)
        hidden[HIDDEN[mask](*size)] = True
        return hidden
    if not Path(mask).is_file():
        raise VeneroError(f"--mask {mask}: must be {MASKS}")
    hidden = _read_mask(Path(mask))
    if hidden.shape != size:
        raise VeneroError(
            f"--mask {mask} has {hidden.shape[0]}x{hidden.shape[1]} pixels: must have {size[0]}x{size[1]}, as X has"
        )
    return hidden


def _read_mask(path: Path) -> np.ndarray:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    from venero.core.errors import VeneroError

    try:
        if path.suffix.lower() == ".npy":
            mask = np.load(path, allow_pickle=False)
        else:
            with Image.open(path) as image:
                mask = np.asarray(image.convert("L")) > 127
    except (ValueError, UnidentifiedImageError) as e:
        raise VeneroError(f"--mask {path} is no picture and no .npy of booleans") from e
    if mask.ndim != 2 or mask.dtype != bool:
        raise VeneroError(f"--mask {path} has shape {mask.shape} and dtype {mask.dtype}: must be booleans (H, W)")
    return mask


def _labelled(run: Path, model: Any) -> Dataset:
    """Examples that the model learned from, with their labels."""
    from venero.core.errors import VeneroError
    from venero.core.runs import read_config, split

    if model.takes_labels:
        raise VeneroError(f"{run} holds a conditional model, whose codes leave the class out: use `venero sample -y LABEL`")
    train = split(read_config(run)).train
    if train.y is None or not train.class_names:
        raise VeneroError(f"the data of {run} have no classes: an attribute is one of the classes")
    return train.take(slice(JUDGED))


def _of_class(run: Path, model: Any, data: Dataset, name: str) -> np.ndarray:
    """Which examples are of the class that the user named: (n,)."""
    import numpy as np

    from venero.core.errors import VeneroError, nearest

    if name not in data.class_names:
        raise VeneroError(f"--attribute {name}: {nearest(name, data.class_names)}")
    return np.asarray(data.y == data.class_names.index(name))


def _say_check(run: Path, model: Any, name: str, strength: float, direction: Any, train: tuple[Any, np.ndarray]) -> None:
    """Whether held-out examples are taken for the class more often than before."""
    from venero.tasks.edit import check_edit

    test = examples(run, None, JUDGED)
    has = _of_class(run, model, test, name)
    if has.all():
        return
    found = check_edit(model, direction, (train[0], {name: train[1]}), (test.X, {name: has}), name, strength=strength)
    value, low, high, _ = found.moved
    say(f"at {strength:g}, {value:.0%} ({low:.0%} to {high:.0%}) more of the held-out rest pass for {name} than before")


def _write_frames(path: Path, ways: list[Any], strengths: np.ndarray) -> None:
    """Tables one under the other, each row by row from one end to the other."""
    import numpy as np
    import pandas as pd

    n = len(ways[0])
    order = np.arange(n * len(ways)).reshape(len(ways), n).T.ravel()
    table = pd.concat(ways, ignore_index=True).iloc[order].reset_index(drop=True)
    write_result(path, table.assign(strength=np.tile(strengths, n)))


def _nearest(X: Any, codes: np.ndarray, found: Any) -> np.ndarray:
    """The examples nearest to each centre, a row for each cluster; black where a cluster has fewer."""
    import numpy as np

    rows = []
    for number, center in enumerate(found.centers):
        members = np.flatnonzero(found.labels == number)
        near = members[((codes[members] - center) ** 2).sum(1).argsort()[:SHOWN]]
        rows.append(np.concatenate([X[near], np.zeros((SHOWN - len(near), *X.shape[1:]), X.dtype)]))
    return np.concatenate(rows)
