"""Figures as inline SVG: words in the page's typeface, ink in the page's colours (light or dark), pictures in whole pixels."""

from __future__ import annotations

import re
import warnings
from hashlib import blake2b
from html import escape
from io import StringIO

from markupsafe import Markup
from matplotlib.figure import Figure

from venero.plots.style import GRID, INK, MUTED, PALETTE, PAPER, styled
from venero.report.blocks import Picture

THEMED = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--card)",
    PALETTE[2]: "var(--red)",  # these two are too dark on a dark page
    PALETTE[4]: "var(--purple)",
}
UNSAID = {"Date": None, "Creator": None, "Format": None, "Type": None}  # no metadata: same figure, same bytes


def picture(figure: Figure, alt: str, caption: str = "") -> Picture:
    """A figure for the page; `alt` is what someone is told who can't see it."""
    width = round(figure.get_figwidth() * 96)
    return Picture(Markup(_inline(_drawn(figure), alt, width)), alt, width, caption)


@styled
def _drawn(figure: Figure) -> str:
    out = StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has its own fonts
        figure.savefig(out, format="svg", transparent=True, metadata=UNSAID)
    return out.getvalue()


def _inline(svg: str, alt: str, width: int) -> str:
    """A stand-alone SVG file as an element of an HTML page."""
    head, body = re.search(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>(.*)", svg, re.S).groups()  # type: ignore[union-attr]
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*; ?", "", body)
    body = re.sub(r"\n\s*", "\n", body).replace("base64,\n", "base64,")
    for colour, variable in THEMED.items():
        body = body.replace(colour, variable)
    mark = blake2b((alt + body).encode(), digest_size=4).hexdigest()
    body = re.sub(r"<g id=\"[^\"]*\"", "<g", body)
    body = re.sub(r"(\bid=\"|url\(#|href=\"#)", rf"\g<1>f{mark}-", body)
    return f'<svg {head} role="img" aria-label="{escape(alt)}" style="max-width:{width}px">{body}'
