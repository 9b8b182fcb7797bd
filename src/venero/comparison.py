"""`venero.compare`: many models, one data set, one budget, one set of held-out examples -> a Leaderboard."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from venero.core.catalog import MODELS, find, name_of
from venero.core.errors import StorageError, VeneroError, nearest, shown
from venero.core.params import check
from venero.core.runs import Config, Parts, circumstances, parts, split
from venero.core.storage import fields_to_json
from venero.data.datasets import Dataset
from venero.data.sources import names
from venero.evaluation.evaluate import evaluate
from venero.evaluation.scorecard import Scorecard
from venero.jobs import CARD, FAILED, Job, run_all
from venero.leaderboard import CODE, PLANTED, RARE, Leaderboard, Row
from venero.metrics.figure import HIGHER, LOWER, Figure, exactly
from venero.metrics.planted import plant
from venero.metrics.ranking import auroc
from venero.tasks.anomaly import anomaly_score
from venero.terms import Terms
from venero.train.checkpoint import write_whole

PLAN = "compare.json"
FITTING = 0.75  # share of the minutes that goes into fits; the rest is about what judging takes
SHOWN = 10  # held-out examples that the report shows each model's way with
RAREST = 0.2  # share of the examples up to which one of two classes is taken for anomalies
SHARE_OF_MEMORY = 0.8  # of the machine's, for all jobs that run at a time
Models = Sequence[Any] | Mapping[str, Any]
Tell = Callable[[Row], None]


def compare(data: Any, models: Models | None = None, *, tell: Tell | None = None, **terms: Any) -> Leaderboard:
    """Fit models to the same training data under the same budget, and judge all on the same held-out examples.

    data: a Dataset, or what `venero.dataset` reads. models: catalog names, estimators, or a dict of name -> either; None: all
    of the catalog that take such data. Those given by name train until held-out loss gets no better or their time is up; an
    estimator keeps its own fields. tell: called with each row when it is there. terms: the fields of `Terms`, which are
    minutes=5, seeds=1, jobs=1, memory=None (gigabytes a fit), out=None (folder), resume=True, test=0.2, limit=None and
    random_state=0.

    Cut off at any moment, the same call goes on. A model that fails is a row that says why. Inside
    `joblib.parallel_config(backend="dask")` the fits go to that cluster, which must see the folder.
    """
    for name in terms.keys() - {f.name for f in fields(Terms)}:
        raise VeneroError(f"compare has no {name!r}: {nearest(name, [f.name for f in fields(Terms)])}")
    agreed = Terms(**terms)
    check(agreed)
    source = str(data) if isinstance(data, (str, Path)) else None
    config = _config(source or getattr(data, "name", "") or "data", agreed)
    parts = split(config) if source else _parts(data, agreed)
    folder = Path(agreed.out or f"runs/compare-{Path(config['data']['source']).stem}")
    every = _jobs(_models(models, parts.train), config, None if source else parts, folder, agreed)
    _open(folder, {"data": config["data"], **agreed.decides()}, agreed.resume)
    for job in run_all(every, partial(judge, random_state=agreed.random_state), agreed.jobs):
        if tell:
            tell(_row(job))
    sizes = {"train": len(parts.train), "held_out": len(parts.test), "chosen": parts.chosen, "minutes_each": every[0].minutes}
    how, examples = (
        agreed.decides() | config["data"] | sizes | {"source": source and config["data"]["source"]},
        parts.test.take(slice(SHOWN)).X,
    )
    return Leaderboard(parts.train.name or "data", tuple(map(_row, every)), how, str(folder), examples)


def _jobs(models: Mapping[str, Any], config: Config, parts: Parts | None, folder: Path, terms: Terms) -> list[Job]:
    from sklearn.base import clone

    made = []
    for seed in range(terms.random_state, terms.random_state + terms.seeds):
        for name, model in models.items():
            one = clone(model).set_params(random_state=seed)
            said = config | {"model": _catalog_name(one), "fields": fields_to_json(one), "command": "venero compare"}
            minutes = FITTING * terms.minutes * terms.jobs / (len(models) * terms.seeds)
            memory = terms.memory or _share_of_memory(terms.jobs)
            made.append(
                Job(name, seed, one, folder / f"{name}-{seed}", said, parts and (parts.train, parts.test), minutes, memory)
            )
    return made


def judge(model: Any, test: Dataset, train: Dataset, random_state: int = 0) -> Scorecard:
    """`evaluate`, and what a comparison asks besides: the length of codes, and anomalies planted into the held-out examples."""
    card = evaluate(model, test, train, random_state=random_state)
    return replace(card, figures=(*card.figures, *_more(model, test, random_state)))


def _more(model: Any, test: Dataset, random_state: int) -> list[Figure]:
    rows = test.take(slice(1000)).X
    figures: list[Figure] = []
    if hasattr(model, "encode"):
        figures.append(Figure("reconstruction", CODE, exactly(model.encode(rows[:2]).shape[1]), better=LOWER))
    if hasattr(model, "score_samples") or hasattr(model, "reconstruction_error"):
        figures += _anomalies(model, test.take(slice(1000)), random_state)
    return figures


def _anomalies(model: Any, test: Dataset, random_state: int) -> Iterator[Figure]:
    """How well a model tells planted anomalies, and a rare class where there is one, from ordinary examples."""
    scores = anomaly_score(model, test.X)
    found = auroc(anomaly_score(model, plant(test.X, random_state)), scores)
    yield Figure(
        "anomalies", PLANTED, found, better=HIGHER, note="AUROC: examples against the same with half of another in them"
    )
    if (rare := rare_class(test)) is not None:
        note = f"AUROC: held-out examples of the rare class {test.class_names[rare]} against the others; both were learned from"
        is_rare = np.asarray(test.y) == rare
        yield Figure("anomalies", RARE, auroc(scores[is_rare], scores[~is_rare]), better=HIGHER, note=note)


def rare_class(data: Dataset) -> int | None:
    """The rarer of two classes, where it is so rare that its examples may be called anomalies.

    >>> X = np.zeros((100, 2))
    >>> rare_class(Dataset(X, np.arange(100) // 90, class_names=("common", "rare")))
    1
    """
    if data.y is None or len(data.class_names) != 2:
        return None
    counts = np.bincount(data.y, minlength=2)
    return int(counts.argmin()) if 1 < counts.min() <= RAREST * counts.sum() else None


# -- what is compared ------------------------------------------------------------------------
def _config(source: str, terms: Terms) -> Config:
    held_out = {"test": terms.test, "random_state": terms.random_state}
    if source not in names() and Path(source).exists():
        source = str(Path(source).resolve())  # the runs may be used from another folder
    size = terms.size and (terms.size[0] if len(terms.size) == 1 else list(terms.size))
    data = {"source": source, "size": size, "target": terms.target}
    return {"data": data, "split": held_out, "limit": terms.limit, **circumstances()}


def _parts(data: Any, terms: Terms) -> Parts:
    if not isinstance(data, Dataset):
        raise VeneroError(f"data = {shown(data)}: give a venero.Dataset, or what venero.dataset reads, such as a file's name")
    return parts(data, terms.test, terms.random_state, terms.limit)


def _models(models: Models | None, train: Dataset) -> dict[str, Any]:
    """Name -> unfitted estimator."""
    if models is None:
        found = {name: find(name)().patient() for name in MODELS if train.kind in find(name).forms}
        if not found:
            raise VeneroError(f"no model of the catalog takes {train.kind} data")
        return found
    given = models if isinstance(models, Mapping) else {_title(m, i): m for i, m in enumerate(models)}
    if not given:
        raise VeneroError("models = []: name one at least, or leave it out for all that take these data")
    return {name: find(m)().patient() if isinstance(m, str) else m for name, m in given.items()}


def _title(model: Any, place: int) -> str:
    return model if isinstance(model, str) else f"{type(model).__name__.lower()}-{place}"


def _catalog_name(model: Any) -> str:
    try:
        return name_of(model)
    except VeneroError:  # a model of the user's own
        return type(model).__name__


def _share_of_memory(jobs: int) -> float | None:
    """Gigabytes for each of the jobs that run at a time; None where the machine does not say what it has."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return SHARE_OF_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30 / jobs


# -- its folder --------------------------------------------------------------------------------
def _open(folder: Path, plan: Mapping[str, Any], resume: bool) -> None:
    """Begin, or go on with, a comparison; one of other data or another budget is not mixed into it."""
    path = folder / PLAN
    if path.is_file() and not resume:
        rmtree(folder)
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        differs = [k for k, v in plan.items() if before.get(k) != v]
        if differs:
            says = f"{differs[0]} was {shown(before.get(differs[0]))} and is {shown(plan[differs[0]])}"
            raise StorageError(f"{folder} holds another comparison ({says}): give another out, or resume=False to replace it")
    elif folder.is_dir() and any(folder.iterdir()):
        raise StorageError(f"{folder} is not empty and holds no comparison: give another out")
    write_whole(path, json.dumps(plan, indent=1).encode())


def _row(job: Job) -> Row:
    if (job.folder / CARD).exists():
        card = Scorecard.from_json((job.folder / CARD).read_text(encoding="utf-8"))
        return Row(job.name, job.seed, card, folder=str(job.folder))
    why = json.loads((job.folder / FAILED).read_text(encoding="utf-8"))["why"]
    return Row(job.name, job.seed, failure=why, folder=str(job.folder))
