"""`venero fit MODEL DATA`: a command for each model of the catalog, with a flag for each of its fields.

A command is made only when it is called or completed, because that imports torch; lists of models read their source instead.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from venero.cli.help import Command, Group


class FitGroup(Group):
    """The models of the catalog as commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        from venero.core.catalog import models

        return list(models())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A model's name and summary, for the list of commands."""
        return _command(lambda: None, cmd_name, summary(cmd_name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the model that was named, with all its flags."""
        if ctx.resilient_parsing and args[0] not in self.list_commands(ctx):
            return None, None, args[1:]
        return args[0], self.command(args[0], args[1:]), args[1:]

    def command(self, name: str, argv: Sequence[str]) -> Any:
        """The command of a model; argv is what follows, which may name the models of nested fields."""
        return command(name, argv)


def summary(name: str) -> str:
    """The first line of a model's docstring, without importing the model."""
    from venero.core.catalog import models

    module, _, cls = models()[name].partition(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls)
    return (ast.get_docstring(next(classes)) or "").partition("\n")[0]


def command(name: str, argv: Sequence[str]) -> Any:
    """`venero fit NAME`; argv is what follows, which may name the models of nested fields."""
    from venero.cli.fields import options
    from venero.cli.job import DataOptions, RunOptions, fit
    from venero.core.catalog import find

    template = find(name)()
    title = type(template).__name__
    parameters = [data(), *options(template, title, argv), *options(DataOptions(), "Data"), *options(RunOptions(), "Run")]

    def run(**flags: Any) -> None:
        fit(template, flags, shlex.join(["venero", "fit", name, *argv]))

    return with_parameters(run, parameters, name, f"Fit {title} to data. {summary(name)}")


def data() -> Parameter:
    """The argument that names the data."""
    from venero.cli.arguments import SOURCE, sources

    text = f"{SOURCE} [dim]Default: digits.[/dim]"
    info = typer.Argument(metavar="DATA", help=text, autocompletion=sources, show_default=False)
    return Parameter("data", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Annotated[str | None, info])


def with_parameters(run: Callable[..., Any], parameters: Sequence[Parameter], name: str, help: str) -> Any:
    """A command that calls run(**flags) with the values of these parameters."""
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return _command(run, name, help)


def _command(function: Callable[..., Any], name: str, help: str) -> Any:
    app = typer.Typer(rich_markup_mode="rich", add_completion=False, pretty_exceptions_enable=False)
    app.command(name, help=help, cls=Command)(function)
    return typer.main.get_command(app)
