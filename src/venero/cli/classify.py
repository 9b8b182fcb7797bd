"""`venero classify MODEL DATA`: a density for each class and Bayes' rule, judged on held-out examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venero.cli.fields import build, options
from venero.cli.fit import FitGroup, data, summary, with_parameters
from venero.cli.job import DEFAULT, DataOptions
from venero.cli.terminal import console, say
from venero.core.params import param

if TYPE_CHECKING:
    import numpy as np

    from venero.data.datasets import Dataset

MOST_SHOWN = 20  # classes of which the confusions are printed


@dataclass(frozen=True, kw_only=True)
class RuleOptions:
    """How the classes' densities become decisions, and where those go."""

    priors: str = param("data", "of the classes: as often as in the data, or all alike", choices=("data", "uniform"))
    calibration: float = param(
        0.0, "share of the rows to learn from that is held out to temper the probabilities", low=0, high=0.9
    )
    out: str = param("predictions.csv", "file to write, .csv or .parquet")
    progress: str = param("auto", "how to tell of it", choices=("auto", "bar", "lines", "none"))
    threads: int | None = param(None, "CPU threads", low=1)


class ClassifyGroup(FitGroup):
    """The models of the catalog as commands, each fitted class by class."""

    def command(self, name: str, argv: Sequence[str]) -> Any:
        from venero.core.catalog import find

        template = find(name)()
        title = type(template).__name__
        parameters = [data(), *options(template, title, argv), *options(DataOptions(), "Data"), *options(RuleOptions(), "Rule")]

        def run(**flags: Any) -> None:
            classify(template, flags)

        return with_parameters(run, parameters, name, f"Tell classes apart by {title}, one for each. {summary(name)}")


def classify(template: Any, flags: Mapping[str, Any]) -> None:
    """Carry out one `venero classify`: template is the model with its defaults, flags what the command line gave."""
    import torch

    from venero.cli.output import check_suffix
    from venero.tasks.classify import GenerativeClassifier
    from venero.train.run import Run

    how = build(RuleOptions(), flags)
    check_suffix(path := Path(how.out), "a table of mixed columns")
    if how.threads:
        torch.set_num_threads(how.threads)
    model = build(template, flags)
    train, test = _labelled(flags)
    say(f"{train.name}: {len(train):,} examples of {len(train.class_names)} classes to learn from, {len(test):,} held out")
    seed = model.random_state
    found = GenerativeClassifier(model, priors=how.priors, calibration=how.calibration, random_state=seed)
    found.fit(train.X, train.y, run=Run(progress=how.progress))
    log_p = found.predict_log_proba(test.X)
    _judge(found, log_p, train, test)
    _write(path, found, log_p, test)


def _labelled(flags: Mapping[str, Any]) -> tuple[Dataset, Dataset]:
    """What is learned from and what is held out of the data that were named, which must have classes."""
    from venero.core.errors import DataError
    from venero.core.runs import split

    source = flags["data"] or DEFAULT
    train, test, _ = split(build(DataOptions(), flags).card(source))
    if train.y is None or not train.class_names:
        what = "no labels" if train.y is None else "measurements for labels"
        raise DataError(f"{source} has {what}: name the column that holds classes with --target")
    return train, test


def _judge(found: Any, log_p: np.ndarray, train: Dataset, test: Dataset) -> None:
    """Accuracy with its interval, beside that of always saying the largest class; log loss; who is taken for whom."""
    import numpy as np

    from venero.metrics.intervals import share

    guess = found.classes_[log_p.argmax(1)]
    accuracy = share(guess == test.y)
    largest = (test.y == np.bincount(train.y).argmax()).mean()  # type: ignore[arg-type]
    say(f"accuracy {accuracy} on the {len(test):,} held out, 95 % interval; always the largest class: {largest:.3g}")
    place = {label: i for i, label in enumerate(found.classes_.tolist())}
    right = [log_p[i, place[y]] if y in place else -np.inf for i, y in enumerate(test.y.tolist())]  # type: ignore[union-attr]
    say(f"log loss {-np.mean(right):.3g} nats per example, temperature {found.temperature_:.3g}")
    if len(test.class_names) <= MOST_SHOWN:
        _print_confusions(test, guess)


def _print_confusions(test: Dataset, guess: np.ndarray) -> None:
    from rich.table import Table
    from sklearn.metrics import confusion_matrix

    names = test.class_names
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("held out \\ predicted", style="bold")
    for name in names:
        shown.add_column(name, justify="right")
    for name, row in zip(names, confusion_matrix(test.y, guess, labels=range(len(names))), strict=True):
        shown.add_row(name, *(str(count) if count else "·" for count in row))
    console().print(shown)


def _write(path: Path, found: Any, log_p: np.ndarray, test: Dataset) -> None:
    """Each held-out row with its label, the one predicted, and every class's probability."""
    import numpy as np
    import pandas as pd

    from venero.cli.using import write_result

    names = [test.class_names[c] for c in found.classes_]
    columns = {f"p({name})": np.exp(log_p[:, i]) for i, name in enumerate(names)}
    predicted = [names[i] for i in log_p.argmax(1)]
    label = [test.class_names[i] for i in test.y]  # type: ignore[union-attr]
    write_result(path, pd.DataFrame({"row": np.arange(len(test)), "label": label, "predicted": predicted, **columns}))
