"""Imports point one way: a room of the house knows only the rooms before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import venero

HOUSE = Path(venero.__file__).parent
BASE = {"core.errors", "core.params", "data.spec"}
ORDER = [
    {"nn", "maths", *BASE},
    {"data"},
    {"train"},
    {"core"},
    {"models"},
    {"tasks", "metrics", "plots"},
    {"evaluation"},
    {"comparison", "jobs", "terms", "leaderboard", "report"},
    {"cli"},
]
BLIND = {"tasks", "metrics", "plots", "report", "evaluation", "comparison"}  # they ask for abilities and name no model


def room(module: str) -> str:
    return next((b for b in BASE if module == b or module.startswith(b + ".")), module.split(".", maxsplit=1)[0])


def floor(module: str) -> int:
    return next(i for i, rooms in enumerate(ORDER) if room(module) in rooms)


def imported(path: Path) -> list[str]:
    """The venero modules that a file imports anywhere, without "venero."; types alone do not count."""
    tree = ast.parse(path.read_text())
    typing_only = {
        n for i in ast.walk(tree) if isinstance(i, ast.If) and ast.unparse(i.test) == "TYPE_CHECKING" for n in ast.walk(i)
    }
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in typing_only:
            assert not node.level, f"{path}: relative import"
            out += [f"{node.module}.{a.name}" for a in node.names] if node.module else []
        elif isinstance(node, ast.Import) and node not in typing_only:
            out += [a.name for a in node.names]
    return [m.removeprefix("venero.") for m in out if m.startswith("venero.")]


FILES = sorted(p for p in HOUSE.rglob("*.py") if p.parent != HOUSE)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_arrows_point_one_way(path: Path) -> None:
    here = ".".join(path.relative_to(HOUSE).with_suffix("").parts)
    for module in imported(path):
        if module in ("__version__", "Run", "load", "dataset"):  # public names of the house itself
            continue
        assert floor(module) <= floor(here), f"{here} imports {module}"
        assert room(here) not in BLIND or room(module) != "models", f"{here} names a model: {module}"
