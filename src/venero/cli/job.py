"""What `venero fit` does: read the data, hold some out, fit, save, judge, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import typer

from venero.cli.fields import build
from venero.cli.terminal import complain, is_first, say
from venero.core.errors import StorageError
from venero.core.params import param
from venero.core.runs import CONFIG, Config, circumstances, read_config, split, write_config

if TYPE_CHECKING:
    from venero.data.sources import Dataset

WRITTEN = ("config.json", "model.json", "tensors-*.safetensors", "checkpoint.safetensors", "log.jsonl", "report.html")
BEGUN = {CONFIG, "log.jsonl"}  # all there is of a run that failed before it learned anything
DEFAULT = "digits"
OUT = "runs/MODEL-DATA"


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which data are learned from; kept in the run's config.json."""

    size: tuple[int, ...] | None = param(None, "resize images: pixels of a side, or height,width", low=1)
    target: int | str | None = param(None, "the column of a table that holds labels, by name or place")
    read: str | None = param(None, "wide or long:ID,TIME for tables of series, lines or paragraphs for texts")
    rate: int | None = param(None, "resample audio to so many samples a second, in one channel", low=1)
    test: float = param(
        0.2, "share held out to judge the model on, where the data have no test set of their own", above=0, high=0.9
    )
    split_seed: int = param(0, "decides which are held out", low=0)
    limit: int | None = param(None, "learn from so many examples at most", low=1)

    @classmethod
    def of(cls, config: Config) -> DataOptions:
        """Those of a run."""
        size = config["data"]["size"]
        sides = (size,) if isinstance(size, int) else size and tuple(size)
        test, seed = config["split"]["test"], config["split"]["random_state"]
        what = config["data"]
        more = {"read": what.get("read"), "rate": what.get("rate")}
        return cls(size=sides, target=what["target"], **more, test=test, split_seed=seed, limit=config["limit"])

    def card(self, source: str) -> Config:
        """The other way, with the data's name."""
        size = self.size[0] if self.size and len(self.size) == 1 else self.size
        split = {"test": self.test, "random_state": self.split_seed}
        data = {"source": source, "size": size, "target": self.target, "read": self.read, "rate": self.rate}
        return {"data": data, "split": split, "limit": self.limit}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a fit is run; nothing here changes what it ends with."""

    out: str = param(OUT, "folder of the run")
    resume: bool = param(False, "go on with the run in that folder, with its data and fields")
    overwrite: bool = param(False, "replace the run in that folder")
    device: str = param("auto", "auto, cpu, cuda, cuda:1, mps")
    precision: str = param("auto", "of the arithmetic", choices=("auto", "float32", "bfloat16"))
    minutes: float | None = param(None, "stop after so long", above=0)
    progress: str = param("auto", "how to tell of it", choices=("auto", "bar", "lines", "none"))
    threads: int | None = param(None, "CPU threads", low=1)
    report: bool = param(True, "write report.html")


def fit(template: Any, flags: Mapping[str, Any], command: str) -> None:
    """Carry out one `venero fit`: template is the model with its defaults, flags what the command line gave."""
    import torch

    from venero.core.catalog import name_of

    how = build(RunOptions(), flags)
    if how.threads:
        torch.set_num_threads(how.threads)
    out = Path(f"runs/{name_of(template)}-{_stem(flags['data'] or DEFAULT)}" if how.out == OUT else how.out)
    saved = _opened(out, how, name_of(template))
    model, config = _described(template, flags, saved, command)
    train, test, _ = split(config)
    if is_first() and not saved:
        write_config(out, config | {"classes": train.class_names})
    _announce(model, train, test)
    _train(model, train, how, out)
    if is_first():
        _finish(model, test, out, how)


def _stem(source: str) -> str:
    return Path(source).stem.replace(":", "-") or "data"


def _opened(out: Path, how: RunOptions, name: str) -> Config | None:
    """The run to go on with, or None for a new one, whose folder is then free."""
    if how.resume:
        saved = read_config(out)
        if saved["model"] != name:
            raise StorageError(f"{out} holds a run of {saved['model']}: resume it with `venero fit {saved['model']} --resume`")
        return saved
    if out.is_dir() and {path.name for path in out.iterdir()} - BEGUN:
        if not (how.overwrite and (out / CONFIG).is_file()):
            raise StorageError(f"{out} is not empty: give another --out, or --resume or --overwrite for the run that is there")
        for path in (p for pattern in WRITTEN for p in out.glob(pattern) if is_first()):
            path.unlink()
    return None


def _described(template: Any, flags: Mapping[str, Any], saved: Config | None, command: str) -> tuple[Any, Config]:
    """The model to fit, and what config.json says of the run."""
    from venero.core.catalog import name_of
    from venero.core.storage import fields_to_json, from_json
    from venero.data.sources import names

    model = build(from_json(saved) if saved else template, flags)
    data = build(DataOptions.of(saved) if saved else DataOptions(), flags)
    source = flags["data"] or (saved["data"]["source"] if saved else DEFAULT)
    if source not in names() and Path(source).exists():
        source = str(Path(source).resolve())  # the run may be used from another folder
    what = {"model": name_of(model), "fields": fields_to_json(model), "command": command}
    return model, {**data.card(source), **what, **circumstances()}


def _announce(model: Any, train: Dataset, test: Dataset) -> None:
    say(f"{train.name}: {len(train):,} examples to learn from, {len(test):,} held out")
    say(f"{' '.join(repr(model).split())}")


def _train(model: Any, train: Dataset, how: RunOptions, out: Path) -> None:
    from venero.train.run import Run

    run = Run(
        device=how.device,
        precision=how.precision,
        folder=out,
        resume=how.resume,
        minutes=how.minutes,
        progress=how.progress,
    )
    try:
        model.fit(train.X, train.y, run=run)
    except KeyboardInterrupt:
        saved = (out / "checkpoint.safetensors").exists()
        where = "go on from the last checkpoint" if saved else "there is no checkpoint yet, begin again"
        complain(f"stopped; {where} with: venero fit {type(model).card()['name']} --out {quote(str(out))} --resume")
        raise typer.Exit(130) from None


def _finish(model: Any, test: Dataset, out: Path, how: RunOptions) -> None:
    """Save the model, tell how good it is, and write the report."""
    model.save(out)
    say(f"on the {len(test):,} held out:")
    for name, value in figures(model, test):
        say(f"  {name:<22}{value}")
    say(f"model   {out}")
    if how.report:
        from venero.report.page import write_report

        say(f"report  {write_report([out])}")


def figures(model: Any, test: Dataset) -> Iterator[tuple[str, str]]:
    """How good a model is on held-out data: names and values in words."""
    if hasattr(model, "score_samples"):
        yield "log-likelihood", f"{model.score(test.X):.5g} nats per example ({model.score_kind})"
        if model.spec_.kind == "image":
            yield "bits per dimension", f"{model.bits_per_dim(test.X):.4g}"
        if model.spec_.sequential:
            yield "bits per step", f"{model.bits_per_dim(test.X):.4g}"
    if hasattr(model, "reconstruction_error"):
        yield "reconstruction error", f"{model.reconstruction_error(test.X).mean():.4g} squared, per example"
    if hasattr(model, "active_units"):
        yield "active units", f"{model.active_units(test.X)} of {model.latent_dim}"
