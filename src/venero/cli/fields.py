"""Dataclass fields -> command-line options: one declaration gives the flag, its type, default, bounds, help and completion.

Options are written as the parameters of a function, which is what Typer reads; a template (an instance of the dataclass) holds
the defaults. A field that holds another model is given by that model's name, and the fields of that one by flags with a dot:
`--prior gaussian --prior.components 5`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from inspect import Parameter, get_annotations
from shlex import quote
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from rich.markup import escape

from venero.cli.arguments import models, one_of
from venero.core.errors import VeneroError
from venero.core.params import allowed, check


@dataclass(frozen=True)
class Given:
    """A value that stood on the command line (which may be None: `--patience none`)."""

    value: Any


# -- text to values --------------------------------------------------------------------
def _none(text: str) -> None:
    if text.lower() != "none":
        raise ValueError(text)


READ: dict[Any, Callable[[str], Any]] = {int: int, float: float, str: str, NoneType: _none}
SHORT = {"out": ("-o",)}
WORDS = {int: "INTEGER", float: "NUMBER", str: "TEXT", bool: "yes|no", NoneType: "none"}


def read(text: str, kind: Any) -> Any:
    """A flag's text as a value of an annotation; ValueError where it is none.

    >>> read("400,200", tuple[int, ...]), read("none", int | None), read("0.5", float), read("", tuple[int, ...])
    ((400, 200), None, 0.5, ())
    """
    if get_origin(kind) in (Union, UnionType):
        return _read_as_first(text, sorted(get_args(kind), key=lambda k: k is str))  # any text would do as a str
    if get_origin(kind) is tuple:
        return tuple(read(part.strip(), get_args(kind)[0]) for part in text.split(",") if part.strip())
    return READ[kind](text)


def _read_as_first(text: str, kinds: Sequence[Any]) -> Any:
    for kind in kinds:
        try:
            return read(text, kind)
        except ValueError:
            continue
    raise ValueError(text)


def words(kind: Any) -> str:
    """What to write for an annotation.

    >>> words(int | None), words(tuple[int, ...])
    ('INTEGER|none', 'INTEGER,...')
    """
    if get_origin(kind) in (Union, UnionType):
        return "|".join(words(k) for k in get_args(kind))
    if get_origin(kind) is tuple:
        return f"{words(get_args(kind)[0])},..."
    return WORDS.get(kind, "MODEL")


def shown(value: Any) -> str:
    """A value as one would write it on the command line.

    >>> shown((400, 200)), shown(None), shown(False), shown(0.001)
    ('400,200', 'none', 'no', '0.001')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ",".join(map(shown, value))
    return "none" if value is None else _name(value) if is_dataclass(value) else str(value)


def _name(model: Any) -> str:
    from venero.core.catalog import name_of

    return name_of(model)


def described(template: Any) -> list[dict[str, Any]]:
    """Each field of a model: name, type, default, bounds and meaning, in words."""
    hints = get_type_hints(type(template))
    return [
        {
            "name": f.name,
            "type": words(hints[f.name]),
            "default": shown(getattr(template, f.name)),
            "allowed": bounds(f),
            "help": f.metadata.get("help", ""),
        }
        for f in fields(template)
    ]


def bounds(f: Field[Any]) -> str:
    """What a field takes, as one would write it on the command line."""
    choices = f.metadata.get("choices")
    return "one of " + ", ".join(quote(str(c)) for c in choices) if choices else allowed(f)


# -- fields to options -----------------------------------------------------------------
def flag(path: str) -> str:
    """A field's path as a flag: first.latent_dim -> --first.latent-dim."""
    return "--" + path.replace("_", "-")


def key(path: str) -> str:
    """A field's path as the name of a parameter, which can't have dots: first.latent_dim -> first__latent_dim."""
    return path.replace(".", "__")


def options(template: Any, panel: str, argv: Sequence[str] = (), prefix: str = "") -> Iterator[Parameter]:
    """The parameters of a command that sets the template's fields. `argv` tells which models its nested fields hold."""
    hints = get_type_hints(type(template))
    own = get_annotations(type(template))
    for f in sorted(fields(template), key=lambda f: f.name not in own):
        kind, where = hints[f.name], panel if f.name in own or prefix else "Training"
        yield _option(template, f, kind, where, prefix + f.name)
        nested = chosen(getattr(template, f.name), argv, flag(prefix + f.name)) if _is_model(kind) else None
        if nested is not None:
            yield from options(nested, f"{flag(prefix + f.name)} {_name(nested)}", argv, f"{prefix}{f.name}.")


def build(template: Any, flags: Mapping[str, Any], prefix: str = "") -> Any:
    """The template with what the flags give."""
    changes = {}
    for f in fields(template):
        value = flags.get(key(prefix + f.name))
        if value is not None:
            changes[f.name] = value.value if isinstance(value, Given) else value
        nested = changes.get(f.name, getattr(template, f.name))
        if is_dataclass(nested):
            changes[f.name] = build(nested, flags, f"{prefix}{f.name}.")
    return replace(template, **changes)


def chosen(default: Any, argv: Sequence[str], name: str) -> Any:
    """The model that a nested field holds: the one that argv names, else the default."""
    from venero.core.catalog import models as known

    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        model = following if word == name else word.removeprefix(name + "=")
        if word.startswith(name) and model in known():
            return _named(model)
    return default


def _is_model(kind: Any) -> bool:
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return any(is_dataclass(get_origin(k) or k) for k in kinds)


def _named(model: str) -> Any:
    from venero.core.catalog import find

    return find(model)()


def _read_model(text: str) -> Any:
    try:
        return _named(text)
    except VeneroError as e:
        raise typer.BadParameter(str(e)) from e


def _option(template: Any, f: Field[Any], kind: Any, panel: str, path: str) -> Parameter:
    note = "; ".join(filter(None, [f"default: {shown(getattr(template, f.name))}", bounds(f)]))
    text = escape(f"{f.metadata.get('help', '')} [{note}]")
    if kind is bool:
        both = f"{flag(path)}/{flag(path.removesuffix(f.name) + 'no_' + f.name)}"
        info = typer.Option(both, help=text, show_default=False, rich_help_panel=panel, metavar="")
        return Parameter(key(path), Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[bool | None, info])
    reads, completes, metavar = (_read_model, models, "MODEL") if _is_model(kind) else _reader(template, f, kind)
    info = typer.Option(
        *SHORT.get(path, ()),
        flag(path),
        parser=lambda text: Given(reads(text)),
        autocompletion=completes,
        help=text,
        metavar=metavar,
        show_default=False,
        rich_help_panel=panel,
    )
    return Parameter(key(path), Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[Any, info])


def _reader(template: Any, f: Field[Any], kind: Any) -> tuple[Callable[[str], Any], Callable[[str], list[str]], str]:
    """How a plain field's text is read, completed and called."""

    def reads(text: str) -> Any:
        try:
            value = read(text, kind)
        except ValueError as e:
            raise typer.BadParameter(f"{text!r} must be {words(kind)}" + (f", {bounds(f)}" if bounds(f) else "")) from e
        try:
            check(replace(template, **{f.name: value}))
        except VeneroError as e:
            raise typer.BadParameter(f"{text!r} {str(e).partition(': ')[2]}") from e
        return value

    return reads, one_of(*map(str, f.metadata.get("choices") or ())), words(kind)
