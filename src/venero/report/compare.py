"""The sections of the page about two runs: a verdict that claims what the intervals bear out, then the evidence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from venero.metrics.intervals import Estimate, mean
from venero.metrics.representation import SURE, gaussian_of
from venero.plots import images
from venero.plots.curves import Dot, Measure, intervals
from venero.plots.latent import latent_map
from venero.report import latent, verdict
from venero.report.blocks import Block, Claims, Note, Picture, Pictures, Section, Table
from venero.report.figures import picture
from venero.report.pair import Pair
from venero.report.subject import Subject
from venero.report.words import duration, number, percent, plural

WIDTH = 520  # of a picture that has another at its side
DRAWS = 40
SIMILAR = 1.1  # ratio of parameters up to which two runs are called equal in size


def outcome(p: Pair) -> Section:
    lead = (
        "What the figures on this page bear out, and what they leave open. A claim is made only where the 95 % interval of "
        "the difference leaves out zero."
    )
    claims = verdict.claims(p)
    if not claims:
        why = (
            "There is nothing to measure it by: that takes class labels, data that are arrays, and two models that encode "
            "and decode without labels."
        )
        return Section("verdict", "Verdict", lead, [Note(why)])
    caution = (
        "The intervals are about the held-out examples and the points drawn. They do not cover the luck of training: each "
        "run is one training, and another random state gives other figures."
    )
    return Section("verdict", "Verdict", lead, [Claims(claims), Note(caution)])


# -- the evidence ------------------------------------------------------------------------
def table(p: Pair) -> Section:
    """The two runs in figures."""
    rows = [(name, *(say(s) for s in p.runs)) for name, say in ROWS.items()]
    filled = [row for row in rows if any(cell != "–" for cell in row[1:])]
    sizes = [getattr(s.model, "n_parameters_", 0) for s in p.runs]
    lead = "What was trained."
    if min(sizes) and max(sizes) <= SIMILAR * min(sizes):
        lead += " They are of equal size within 10 %, so that size does not explain a difference."
    elif min(sizes):
        lead += f" Mind that one has {number(round(max(sizes) / min(sizes), 1))} times as many parameters as the other."
    return Section("runs", "The two runs", lead, [Table(("", *p.names), filled, numeric=True)])


def _estimate(estimate: Estimate) -> str:
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


ROWS: dict[str, Callable[[Subject], str]] = {
    "Model": lambda s: s.title,
    "Length of the code": lambda s: str(s.latent_dim) if hasattr(s.model, "encode") else "–",
    "Learned from": lambda s: plural(len(s.train), s.noun),
    "Parameters": lambda s: f"{s.model.n_parameters_:,}" if hasattr(s.model, "n_parameters_") else "–",
    "Training": lambda s: (
        f"{duration(s.model.fit_seconds_)}, {len(s.model.history_)} epochs" if hasattr(s.model, "fit_seconds_") else "–"
    ),
    "Squared reconstruction error": lambda s: _estimate(mean(s.errors)) if hasattr(s.model, "reconstruction_error") else "–",
    "PCA with as long a code": lambda s: _estimate(s.linear_errors) if hasattr(s.model, "encode") and s.linear_errors else "–",
    "log p(x), nats": lambda s: (
        f"{_estimate(mean(s.scores))}, {s.model.score_kind}" if hasattr(s.model, "score_samples") else "–"
    ),
    "Can draw new examples": lambda s: "yes" if hasattr(s.model, "sample") else "no",
}


def maps(p: Pair) -> Section | None:
    if not all(hasattr(s.model, "encode") for s in p.runs):
        return None
    pictures = [
        picture(latent_map(s.codes, s.classes, s.class_names, width=WIDTH), f"Latent map of {n}.", n) for s, n in _named(p)
    ]
    lead = (
        f"The same {len(p.runs[0].shown):,} held-out {p.runs[0].noun}s, as each run codes them; look at the numbers along the "
        "axes too. Codes that were asked to fill a unit Gaussian lie together around 0"
        + (" (95 % of it lie inside the dashed circle)" if all(s.latent_dim == 2 for s in p.runs) else "")
        + "; codes that were not may lie anywhere, far apart and with gaps."
    )
    return Section("maps", "Latent maps", lead, [Pictures(pictures)])


def planes(p: Pair) -> Section | None:
    if not _decodable(p) or any(s.latent_dim != 2 for s in p.runs):
        return None
    lead = (
        "The middle of each run's own codes, decoded on a grid (quantiles of a Gaussian with their mean and spread): in a "
        "continuous space every picture is of something, and neighbours change little."
    )
    return Section(
        "planes",
        "Decoded planes",
        lead,
        [Pictures([_captioned(latent.decoded_plane(s, width=WIDTH), n) for s, n in _named(p)])],
    )


def draws(p: Pair) -> Section | None:
    if not _decodable(p):
        return None
    lead = (
        f"{DRAWS} points drawn at random, decoded. From a unit Gaussian, which only a model that learned to fill it can be "
        "expected to hit; and from a Gaussian with the mean and covariance of the run's own codes, which is fair to both."
    )
    unit = [_drawn(s, n, np.zeros(s.latent_dim), np.eye(s.latent_dim)) for s, n in _named(p)]
    fitted = [_drawn(s, n, *gaussian_of(s.codes)) for s, n in _named(p)]
    return Section(
        "draws",
        "Decoded random points",
        lead,
        [Pictures(unit, "From a unit Gaussian"), Pictures(fitted, "From a Gaussian fitted to its codes")],
    )


def _drawn(s: Subject, name: str, centre: np.ndarray, covariance: np.ndarray) -> Picture:
    z = np.random.default_rng(1).multivariate_normal(centre, covariance, DRAWS, method="eigh").astype(np.float32)
    return picture(images.image_grid(s.model.decode(z), 10, width=WIDTH), f"{DRAWS} random points decoded by {name}.", name)


def ways(p: Pair) -> Section | None:
    if not _decodable(p):
        return None
    lead = (
        "The same pairs of real images, and what each run decodes on the straight line between their codes. Look at the "
        "middle: a believable image, or two that fade over each other?"
    )
    return Section(
        "ways", "Between classes", lead, [Pictures([_captioned(latent.between(s, width=WIDTH), n) for s, n in _named(p)])]
    )


def measured(p: Pair) -> Section | None:
    findings = [*p.ordered, *p.continuous, *p.gaussian]
    if not findings:
        return None
    figure = intervals([Measure(f.name, [Dot(*v[:3]) for v in f.values], f.marks) for f in findings], p.names)
    alt = "Shares with intervals. " + " ".join(f"{f.name}: {verdict.against(p, f)}" for f in findings)
    rows = [
        (
            f.name,
            *(f"{percent(v.value)} ({percent(v.low)} to {percent(v.high)})" for v in f.values),
            f"{min(v.n for v in f.values):,}",
        )
        for f in findings
    ]
    blocks: list[Block] = [
        Pictures([picture(figure, alt)]),
        Table(("", *p.names, "n"), rows, "Shares with their 95 % intervals", numeric=True),
        *_judge(p),
    ]
    lead = "Further right is better. The bar is the 95 % interval; dotted marks show what to read a figure against."
    return Section("measured", "Ordered and continuous, in figures", lead, blocks)


def _judge(p: Pair) -> list[Block]:
    notes: list[Block] = [Note("Ordered: the class of a held-out code, told by a vote of its 5 nearest training codes.")]
    if p.continuous and p.judge:
        notes.append(
            Note(
                f"Clear: a classifier that was trained on real data alone gives one class more than {percent(SURE)}. On "
                f"held-out real data it is right for {percent(p.judge.accuracy.value)} and sure of "
                f"{percent(p.judge.sure_of_real.value)}. It is built to be unsure of what is like no training example and of "
                "two classes faded over each other, yet it is no judge of beauty: clear is needed for a good picture, not "
                "enough."
            )
        )
    return notes


def _named(p: Pair) -> list[tuple[Subject, str]]:
    return list(zip(p.runs, p.names, strict=True))


def _captioned(shown: Picture, caption: str) -> Picture:
    return Picture(shown.svg, f"{caption}: {shown.alt}", shown.width, caption)


def _decodable(p: Pair) -> bool:
    return all(s.pictures and s.codes_and_back and not s.conditional for s in p.runs)


def sections(p: Pair) -> list[Section]:
    """The sections that these two runs have."""
    return [section for make in (outcome, table, maps, planes, draws, ways, measured) if (section := make(p))]
