"""What two runs' figures bear out, in words: a claim only where the interval of the difference leaves out zero."""

from __future__ import annotations

from collections.abc import Sequence

from venero.metrics.intervals import difference
from venero.report.pair import Finding, Pair
from venero.report.words import NB, percent

Claim = tuple[bool, str]  # whether it is borne out, and the sentence


def claims(p: Pair) -> list[Claim]:
    """A claim for each question that could be measured."""
    made = [
        _claim(p, "Ordered", p.ordered),
        _claim(p, "Continuous", p.continuous),
        _claim(p, "Filled by a unit Gaussian", p.gaussian, FAIR),
    ]
    return [claim for claim in made if claim]


FAIR = (
    " A model that was never asked to keep its codes in a unit Gaussian can't be blamed for missing it; the fitted Gaussian "
    "is the fair test."
)


def _claim(p: Pair, what: str, findings: Sequence[Finding], remark: str = "") -> Claim | None:
    """One claim from one measure, or from two that have to agree."""
    if not findings:
        return None
    ahead = {f.better for f in findings}
    evidence = " ".join(f"{f.name}: {against(p, f)}" for f in findings)
    winners = [p.names[run] for run in ahead if run is not None]
    if len(winners) == 2:
        return False, f"{what}: the measures contradict each other, so nothing is claimed. {evidence}"
    if not winners:
        return False, f"{what}: the two can't be told apart. {evidence}"
    if None in ahead:
        return False, f"{what}: not settled; one measure puts {winners[0]} ahead, another can't tell the two apart. {evidence}"
    agreed = ", by both measures" if len(findings) == 2 else ""
    return True, f"{what}: {winners[0]} more so{agreed}. {evidence}{remark}"


def against(p: Pair, f: Finding) -> str:
    """Both shares, and their difference as the one who is ahead has it."""
    each = ", ".join(f"{name} {percent(value.value)}" for name, value in zip(p.names, f.values, strict=True))
    gain = f.gain if f.better != 0 else difference(f.values[1], f.values[0])
    how = "difference" if f.better is None else "ahead by"
    return (
        f"{each} ({how} {_points(gain.value)}, 95{NB}% interval {_points(gain.low)} to {_points(gain.high)} percentage points)."
    )


def _points(x: float) -> str:
    return f"{100 * x:.1f}".replace("-", "−")
