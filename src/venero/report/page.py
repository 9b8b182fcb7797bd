"""Run folders in, one HTML file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from venero.core.errors import VeneroError
from venero.report import compare, facts, sections
from venero.report.blocks import Section
from venero.report.pair import Pair
from venero.report.runs import read_run
from venero.report.subject import Subject
from venero.report.words import duration, plural

if TYPE_CHECKING:
    from venero.data.sources import Dataset

REPORT = "report.html"


def write_report(runs: Sequence[Path | str], out: Path | str | None = None) -> Path:
    """Write the report on one run folder, or on two side by side, and return its path.

    out: the file; None: `report.html` in the folder of a single run, `report-A-vs-B.html` beside the first of two.
    Raises VeneroError where a folder is no run of `venero fit`, its data are gone, or two runs are not about the same data.
    """
    folders = [Path(run) for run in runs]
    if len(folders) not in (1, 2):
        raise VeneroError(f"{len(folders)} runs were given: a report is about one run, or compares two")
    subjects = [read_run(folder) for folder in folders]
    path = Path(out) if out is not None else _beside(folders)
    html = page(subjects[0]) if len(subjects) == 1 else pair_page(subjects[0], subjects[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return path


def _beside(folders: list[Path]) -> Path:
    if len(folders) == 1:
        return folders[0] / REPORT
    a, b = (folder.resolve() for folder in folders)
    return a.parent / f"report-{a.name}-vs-{b.name}.html"


def build(model: Any, train: Dataset, test: Dataset, config: Mapping[str, Any] | None = None) -> str:
    """The report on a fitted model as HTML, without a run folder; `config` as `venero fit` writes it, where there is one."""
    return page(Subject(model, train, test, config or {}))


# -- the page ----------------------------------------------------------------------------
def page(subject: Subject) -> str:
    """The report on one model."""
    start = perf_counter()
    cards = facts.key_figures(subject)
    return rendered(
        title=f"{subject.title} on {subject.train.name}",
        summary=_summary(subject),
        cards=cards,
        sections=sections.sections(subject),
        foot=_foot([subject], start),
    )


def _summary(subject: Subject) -> str:
    card = type(subject.model).card() if hasattr(subject.model, "card") else {}
    said = f"{card['summary']} " if card.get("summary") else ""
    held_out = plural(len(subject.shown), f"{subject.noun} that was" if len(subject.shown) == 1 else subject.noun)
    return f"{said}Fitted to {plural(len(subject.train), subject.noun)}, and judged here on {held_out} it never saw."


def pair_page(a: Subject, b: Subject) -> str:
    """The report on two models of the same data."""
    start = perf_counter()
    _check_same(a, b)
    pair = Pair((a, b), _names(a, b))
    return rendered(
        title=f"{pair.names[0]} and {pair.names[1]} on {a.train.name}",
        summary=f"Two models of the same data, judged on the same {plural(len(a.shown), a.noun)} that neither ever saw.",
        cards=None,
        sections=compare.sections(pair),
        foot=_foot([a, b], start),
    )


def _check_same(a: Subject, b: Subject) -> None:
    for key in ("data", "split"):
        ours, theirs = a.config.get(key), b.config.get(key)
        if ours != theirs:
            raise VeneroError(
                f"the two runs differ in their {key} ({_said(ours)} and {_said(theirs)}): compare runs on the same data and "
                "split"
            )


def _said(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items() if v is not None) if isinstance(value, dict) else str(value)


def _names(a: Subject, b: Subject) -> tuple[str, str]:
    """The models' names, or their folders' where both are of a kind."""
    if a.title != b.title:
        return a.title, b.title
    names = [Path(s.name).name for s in (a, b)]
    return (names[0], names[1]) if names[0] != names[1] else (f"{a.title} A", f"{b.title} B")


def _foot(subjects: list[Subject], start: float) -> str:
    from venero import __version__

    n = sum(len(s.shown) for s in subjects[:1])
    return (
        f"Written by venero {__version__} in {duration(perf_counter() - start)}. Figures are of {n:,} held-out examples, "
        "unless another n is stated."
    )


def rendered(**parts: str | Sequence[Section] | Any) -> str:
    return _templates().get_template("page.html.j2").render(**parts)


@cache
def _templates() -> Environment:
    loader = PackageLoader("venero.report", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
