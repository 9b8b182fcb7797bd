"""The report on a comparison: who is ahead in what, what each model makes of the same examples, what failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from venero.core.catalog import MODELS
from venero.leaderboard import CODE, QUESTIONS, TIMING, Leaderboard, Place, Question
from venero.metrics.figure import CEILING, FLOOR, Figure
from venero.plots.images import image_grid, pairs
from venero.plots.ranking import Standing, ranking
from venero.report.blocks import Block, Card, Cards, Claims, Code, Note, Pictures, Section, Table
from venero.report.figures import picture
from venero.report.tabular import cell
from venero.report.words import duration, listed, number, percent, plural

if TYPE_CHECKING:
    from venero.core.estimator import Estimator

REPORT = "report.html"
DRAWN = 10


def write_leaderboard(board: Leaderboard, out: Any = None) -> Path:
    """Write the page; returns its path."""
    path = Path(out) if out is not None else Path(board.folder) / REPORT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(leaderboard_page(board), encoding="utf-8")
    return path


def leaderboard_page(board: Leaderboard) -> str:
    """The report as HTML."""
    from venero import __version__
    from venero.report.page import rendered

    start = perf_counter()
    models = _models(board)
    made = [
        _verdict(board),
        *(_question(board, q) for q in QUESTIONS if board.ranking(q.name)),
        _samples(models),
        _restored(board, models),
        _held_against(board),
        _failures(board),
        _again(board),
    ]
    return rendered(
        title=f"{plural(len(board.names), 'model')} on {board.data}",
        summary=_summary(board),
        cards=_cards(board),
        sections=[section for section in made if section],
        foot=f"Written by venero {__version__} in {duration(perf_counter() - start)}.",
    )


def _summary(board: Leaderboard) -> str:
    how = board.how
    seeds = f"with {how['seeds']} seeds each" if how["seeds"] > 1 else "with one seed each"
    each = duration(60 * how["minutes_each"])
    return (
        f"{listed(board.names)} learned from the same {how['train']:,} examples, {seeds} and at most {each} a fit, and were "
        f"judged on the same {how['held_out']:,} that none of them ever saw."
    )


def _cards(board: Leaderboard) -> Cards:
    """Who is first, question by question, where that can be said."""
    items = []
    for q in QUESTIONS:
        places = board.ranking(q.name)
        first = [p for p in places if p.place == 1]
        if len(places) > 1:
            ahead = listed([p.name for p in first])
            items.append(Card(q.best, board.winner(q.name) or "no clear winner", note=f"{first[0].figure.name}: {ahead} ahead"))
    return Cards(items)


def _verdict(board: Leaderboard) -> Section:
    lead = "What the figures bear out: a claim only where the interval of the difference leaves out zero."
    blocks: list[Block] = [Claims(board.verdict()), *map(Note, board.remarks())]
    if board.how["seeds"] == 1:
        blocks.append(
            Note(
                "One seed: the intervals say how much other held-out examples would change, not how much another start of "
                "training would. Compare with --seeds 3 before you rely on a close call."
            )
        )
    return Section("verdict", "The verdict", lead, blocks)


def _question(board: Leaderboard, q: Question) -> Section:
    places = board.ranking(q.name)
    figure = places[0].figure
    way = {"higher": "higher is better", "lower": "lower is better"}.get(figure.better, "")
    where = f"{',' if figure.group == 'likelihood' else ' in'} {figure.space}" if figure.space else ""
    lead = f"Measured by {figure.name}{where}; {way}. Models that share a place can't be told apart from the first of them."
    notes = [_note(board, q, p) for p in places]
    shared = notes[0] if len(set(notes)) == 1 else ""
    rows = [(p.name, str(p.place), *_words(p), *([] if shared else [note])) for p, note in zip(places, notes, strict=True)]
    head = ("model", "place", "value", "95 % interval", *([] if shared or not any(notes) else ["what it is"]))
    blocks: list[Block] = [_picture(q, places)] if len(places) > 1 else []
    blocks.append(Table(head, [row[: len(head)] for row in rows]))
    if shared:
        blocks.append(Note(f"{shared[0].upper()}{shared[1:]}."))
    if q.agree:
        blocks.append(Note(f"A winner is claimed only where {listed(list(q.agree))} put nobody else clearly ahead."))
    if left := board.left_out(q.name):
        blocks.append(Note(f"Without a comparable answer: {listed(left)}."))
    return Section(q.name, q.asks, lead, blocks)


def _picture(q: Question, places: list[Place]) -> Pictures:
    """Values with their intervals, and what real data, a copy of train and independent values have."""
    figure = places[0].figure
    standings = [Standing(p.name, *p.value[:3]) for p in places]
    marks = {name: figure.references[name] for name in (CEILING,) if name in figure.references}
    label = f"{figure.name} [{figure.unit}]" if figure.unit else figure.name
    return Pictures([picture(ranking(standings, label, marks), f"{q.asks} {label}: each model with its 95 % interval.")])


def _note(board: Leaderboard, q: Question, place: Place) -> str:
    """What a reader must know of a value: with codes, how long they are."""
    card = board.cards(place.name)[0]
    length = f"codes of {card[CODE].value.value:.0f} numbers" if q.name == "compression" and CODE in card else ""
    once = f"a time that was taken once is allowed {percent(TIMING)} either way" if q.name == "cost" else ""
    return "; ".join(part for part in (length, once, place.figure.note) if part)


def _words(place: Place) -> tuple[str, str]:
    value, interval = place.words
    return value.replace("-", "−"), interval.replace("-", "−") or "–"


# -- what they make -------------------------------------------------------------------------
def _models(board: Leaderboard) -> dict[str, Estimator[Any]]:
    """Each model's first fit that went well, read back from its folder."""
    from venero.core.storage import load

    rows = {
        row.name: row for row in reversed(board.rows) if row.card is not None and (Path(row.folder) / "model.json").is_file()
    }
    return {name: load(rows[name].folder) for name in board.names if name in rows}


def _samples(models: dict[str, Any]) -> Section | None:
    able = {name: m for name, m in models.items() if hasattr(m, "sample")}
    if not able:
        return None
    lead = "Draws from each model with the same seed: they should be like the data, and differ from each other."
    drawn = {name: m.sample(2 * DRAWN, random_state=0) for name, m in able.items()}
    return Section("drawn", "Samples side by side", lead, list(_shown(drawn)))


def _shown(drawn: dict[str, Any]) -> Iterator[Block]:
    """Pictures, or the first rows of tables."""
    for name, X in drawn.items():
        if np.ndim(X) >= 3:
            yield Pictures([picture(image_grid(X, DRAWN), f"Images drawn from {name}.")], name)
        else:
            yield _rows(X, name)


def _rows(X: Any, name: str) -> Table:
    frame = X if hasattr(X, "iloc") else pd.DataFrame(np.asarray(X), columns=[f"column {i + 1}" for i in range(np.shape(X)[1])])
    lines = [(str(i + 1), *map(cell, row)) for i, row in enumerate(frame.head(4).itertuples(index=False))]
    return Table(("row", *map(str, frame.columns)), lines, name)


def _restored(board: Leaderboard, models: dict[str, Any]) -> Section | None:
    able = {name: m for name, m in models.items() if hasattr(m, "reconstruct")}
    if not able or board.examples is None or np.ndim(board.examples) < 3:
        return None
    lead = "The same held-out images, and below each what comes back of it from each model's code."
    blocks = [
        Pictures(
            [picture(pairs(board.examples, m.reconstruct(board.examples)), f"Held-out images over {name}'s reconstructions.")],
            name,
        )
        for name, m in able.items()
    ]
    return Section("reconstructions", "Reconstructions side by side", lead, blocks)


# -- what they are held against -----------------------------------------------------------
def _held_against(board: Leaderboard) -> Section | None:
    """Figures with a ceiling, a memoriser and a floor."""
    figures = {
        name: [f for card in board.cards(name)[:1] for f in card.figures if {CEILING, FLOOR} <= set(f.references)]
        for name in board.names
    }
    names = list(dict.fromkeys(f.name for each in figures.values() for f in each))
    if not names:
        return None
    references = list(dict.fromkeys(r for each in figures.values() for f in each for r in f.references))
    rows = [(name, *_line(name, figures, references)) for name in names]
    lead = (
        "Figures of samples beside the same figures of what is known: real examples against other real ones (as good as it "
        "gets), rows of the training data handed out as samples (a memoriser, which looks perfect where only likeness is "
        "measured), and columns or pixels drawn each on its own."
    )
    able = [n for n in board.names if figures[n]]
    return Section(
        "references", "Between the ceiling and the floor", lead, [Table(("figure", *able, *references), rows, numeric=True)]
    )


def _line(name: str, figures: dict[str, list[Figure]], references: list[str]) -> Iterator[str]:
    found = {model: next((f for f in each if f.name == name), None) for model, each in figures.items() if each}
    for f in found.values():
        yield number(f.value.value) if f else "–"
    one = next(f for f in found.values() if f)
    for reference in references:
        yield number(one.references[reference]) if reference in one.references else "–"


def _failures(board: Leaderboard) -> Section | None:
    if not board.failures:
        return None
    lead = "These have no figures; the others were not held up by them."
    return Section("failures", "What failed", lead, [Table(("fit", "why"), list(board.failures.items()))])


def _again(board: Leaderboard) -> Section:
    how = board.how
    lead = f"Held out: {how['chosen']}. Each fit is a run folder of its own, for venero report, sample, evaluate and the rest."
    if not (how["source"] and set(board.names) <= set(MODELS)):
        return Section("again", "Do it again", lead, [Note(f"Called from Python, with models or data of its own: {how}.")])
    terms = [f"--{k.replace('_', '-')} {how[k]}" for k in ("minutes", "seeds", "test", "random_state")]
    options = [f"--{k} {how[k]}" for k in ("limit", "target", "size") if how.get(k) is not None]
    words = ["venero compare", quote(how["source"]), *board.names, *terms, *options, "--out", quote(board.folder)]
    return Section("again", "Do it again", lead, [Code(" ".join(words))])
