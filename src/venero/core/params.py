"""Hyper-parameters: one declaration gives the type, default, meaning and bounds."""

from __future__ import annotations

import math
import numbers
from dataclasses import MISSING, Field, field, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from venero.core.errors import VeneroError, nearest, shown

LARGEST_SEED = 2**32 - 1  # of a random_state, as scikit-learn has it


def param(
    default: Any = MISSING,
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] | None = None,
    above: float | None = None,
) -> Any:
    """A dataclass field that also carries what `fit`, the command line and the docs need.

    `low` and `high` are inclusive bounds, `above` an exclusive lower one; for a tuple they bound each element.
    """
    bounds = {"low": low, "high": high, "choices": choices, "above": above}
    return field(default=default, metadata={"help": help, **bounds})


def allowed(f: Field[Any]) -> str:
    """What a field accepts, in words: `>= 1`, `one of 'mlp', 'conv'`; empty when anything goes."""
    m = f.metadata
    if m.get("choices"):
        return "one of " + ", ".join(map(repr, m["choices"]))
    signs = {"above": ">", "low": ">=", "high": "<="}
    return " and ".join(f"{sign} {m[key]:g}" for key, sign in signs.items() if m.get(key) is not None)


def accepts(value: Any, kind: Any) -> bool:
    """Whether a value fits an annotation: int, float, bool, str, tuple[...], unions; classes by isinstance.

    >>> accepts(3, float), accepts(True, int), accepts((4, 2), tuple[int, ...]), accepts(None, int | None)
    (True, False, True, True)
    """
    if kind is Any:
        return True
    if get_origin(kind) in (Union, UnionType):
        return any(accepts(value, k) for k in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, (tuple, list)) and all(accepts(v, get_args(kind)[0]) for v in value)
    if kind is float:
        return _is_number(value)
    if kind is int:
        return _is_number(value) and float(value).is_integer() and not isinstance(value, float)
    return isinstance(value, get_origin(kind) or kind)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and not math.isnan(value)


def check(model: Any) -> None:
    """Raise a VeneroError for the first field whose value is of the wrong type or out of bounds."""
    hints = get_type_hints(type(model))
    for f in fields(model):
        value, kind = getattr(model, f.name), hints[f.name]
        where = f"{type(model).__name__}.{f.name} = {shown(value)}"
        if not accepts(value, kind):
            raise VeneroError(f"{where}: must be {type_name(kind)}" + (f", {allowed(f)}" if allowed(f) else ""))
        if hasattr(value, "get_params") and is_dataclass(value):
            check(value)
        if value is None:
            continue
        if f.metadata.get("choices") and value not in f.metadata["choices"]:
            hint = nearest(str(value), map(str, f.metadata["choices"]))
            raise VeneroError(f"{where}: must be {allowed(f)}" + (f"; {hint}" if hint.startswith("did") else ""))
        for v in value if isinstance(value, (tuple, list)) else (value,):
            if not _within(v, f):
                raise VeneroError(f"{where}: must be {allowed(f)}")


def positive(name: str, value: Any) -> int:
    """An argument that must be an integer of at least 1, checked."""
    if not accepts(value, int) or value < 1:
        raise VeneroError(f"{name} = {shown(value)}: must be an integer >= 1")
    return int(value)


def _within(value: Any, f: Field[Any]) -> bool:
    low, high, above = (f.metadata.get(k) for k in ("low", "high", "above"))
    return (low is None or value >= low) and (high is None or value <= high) and (above is None or value > above)


def type_name(kind: Any) -> str:
    """An annotation in words.

    >>> type_name(int | None), type_name(tuple[int, ...])
    ('int or None', 'a tuple of int')
    """
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(type_name(k) for k in get_args(kind))
    if get_origin(kind) is tuple:
        return f"a tuple of {type_name(get_args(kind)[0])}"
    return "None" if kind is type(None) else getattr(kind, "__name__", str(kind))
