"""What a page is made of: sections of cards, pictures, tables, notes and code; the template decides how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True)
class Card:
    """One key figure."""

    label: str
    value: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Cards:
    kind: ClassVar[str] = "cards"
    items: Sequence[Card]


@dataclass(frozen=True)
class Picture:
    """A figure as inline SVG; `width` is its natural width in CSS pixels, `alt` says in words what is seen."""

    svg: Markup
    alt: str
    width: int
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side while there is room; `title` stands above them."""

    kind: ClassVar[str] = "pictures"
    items: Sequence[Picture]
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Words in rows; the first cell of a row heads it. `numeric`: the other cells are figures."""

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Note:
    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Claims:
    """Sentences, each with whether the figures bear it out (True), or leave it open (False)."""

    kind: ClassVar[str] = "claims"
    items: Sequence[tuple[bool, str]]


@dataclass(frozen=True)
class Code:
    kind: ClassVar[str] = "code"
    text: str


Block = Cards | Pictures | Table | Note | Claims | Code


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says what is seen and how to read it, and the evidence."""

    id: str
    title: str
    lead: str
    blocks: Sequence[Block] = field(default_factory=tuple)
