"""Figures in words."""

from __future__ import annotations

from venero.metrics.intervals import Estimate

NB = "\N{NO-BREAK SPACE}"


def number(x: float) -> str:
    """A figure with about four digits, as people write it.

    >>> number(101.234), number(0.0123456), number(1234567), number(-3.5), number(0)
    ('101.2', '0.01235', '1,234,567', '−3.5', '0')
    """
    text = f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}"
    return text.replace("-", "−")


def percent(share: float) -> str:
    r"""A share in per cent.

    >>> percent(0.934), percent(-0.66), percent(1)
    ('93.4\xa0%', '−66.0\xa0%', '100\xa0%')
    """
    text = f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"
    return text.replace("-", "−") + NB + "%"


def span(estimate: Estimate, *, shares: bool = False) -> str:
    r"""The interval of an estimate.

    >>> span(Estimate(5.0, 4.0, 6.25, 100))
    '95\xa0% interval 4 to 6.25'
    """
    say = percent if shares else number
    return f"95{NB}% interval {say(estimate.low)} to {say(estimate.high)}"


def duration(seconds: float) -> str:
    """A time span.

    >>> duration(0.42), duration(75), duration(7300)
    ('0.42 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plural(n: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "image"), plural(1437, "image")
    ('1 image', '1,437 images')
    """
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def listed(words: list[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
