"""`venero ...`: the commands, and what becomes of errors: one line on stderr and exit code 2.

Nothing here imports torch; each command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from venero import __version__
from venero.cli import compare, show, tasks, use
from venero.cli.classify import ClassifyGroup
from venero.cli.detect import detect
from venero.cli.evaluate import evaluate
from venero.cli.fit import FitGroup
from venero.cli.help import Command, Group
from venero.cli.terminal import complain, heard

FIT = "Fit a model"
TASKS = ("complete", "edit", "cluster")
USE = ("sample", "reconstruct", "encode", "interpolate", "denoise")
BAD_INPUT = 2
STOPPED = 130  # what a shell reports of a program that Ctrl-C ended
UsageError: Any = typer.BadParameter.__mro__[1]  # Typer gives its base class no public name


class Root(Group):
    """The commands in the order in which one needs them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return ["models", "data", "fit", "compare", "classify", "report", "evaluate", *USE, "detect", *TASKS]


app = typer.Typer(name="venero", cls=Root, rich_markup_mode="rich", pretty_exceptions_enable=False)
fit = typer.Typer(cls=FitGroup, rich_markup_mode="rich", subcommand_metavar="MODEL [DATA] [OPTIONS]")

classify = typer.Typer(cls=ClassifyGroup, rich_markup_mode="rich", subcommand_metavar="MODEL [DATA] [OPTIONS]")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"venero {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Generative models on your own data: fit one, look at what it learned, and use it.

    [dim]Start with:[/dim] venero fit vae digits
    """
    if context.invoked_subcommand is None:
        context.get_help()


@fit.callback(
    invoke_without_command=True, epilog="The fields of a model are its flags: [bold]venero fit MODEL --help[/bold] lists them."
)
def start_fit(context: typer.Context) -> None:
    """Fit a model to data; write the model, its log and a report to a folder."""
    if context.invoked_subcommand is None:
        context.get_help()


@classify.callback(invoke_without_command=True)
def start_classify(context: typer.Context) -> None:
    """Fit a model to each class of labelled data, and judge how well they tell held-out examples apart."""
    if context.invoked_subcommand is None:
        context.get_help()


app.command("models", cls=Command, rich_help_panel=FIT)(show.models)
app.command("data", cls=Command, rich_help_panel=FIT)(show.data)
app.command("report", cls=Command, rich_help_panel=FIT)(show.report)
app.add_typer(fit, name="fit", rich_help_panel=FIT)
app.add_typer(classify, name="classify", rich_help_panel=FIT)
app.command("compare", cls=Command, rich_help_panel=FIT)(compare.compare)
app.command("evaluate", cls=Command, rich_help_panel="Use a fitted model")(evaluate)
for name in USE:
    app.command(name, cls=Command, rich_help_panel="Use a fitted model")(getattr(use, name))
app.command("detect", cls=Command, rich_help_panel="Use a fitted model")(detect)
for name in TASKS:
    app.command(name, cls=Command, rich_help_panel="Use a fitted model")(getattr(tasks, name))


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    argv = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in argv
    try:
        with heard():
            return _run([a for a in argv if a != "--debug"])
    except UsageError as e:
        complain(_usage(e))
    except typer.Abort:
        return STOPPED
    except (ValueError, OSError) as e:
        if debug or not (message := _explained(e)):
            raise
        complain(message)
    return BAD_INPUT


def _run(argv: list[str]) -> int:
    code = typer.main.get_command(app).main(argv, prog_name="venero", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _explained(error: ValueError | OSError) -> str:
    """An error that the user can mend, in one line; empty for a fault of the program."""
    from venero.core.errors import VeneroError

    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return str(error) if isinstance(error, VeneroError) else ""


def _usage(error: Any) -> str:
    """What was wrong with the command line, with the nearest flag or where help is."""
    name = getattr(error, "option_name", "")
    if name and (close := _nearest(name, getattr(error, "possibilities", None) or ())):
        return f"there is no flag {name}: did you mean {close}?"
    says_all = isinstance(error, typer.BadParameter) and error.message
    where = f" (see {error.ctx.command_path} --help)" if error.ctx and not says_all else ""
    return str(error.format_message()).partition(" (Possible options")[0].rstrip(".") + where


def _nearest(name: str, known: Sequence[str]) -> str:
    """The flag that was meant: what it begins, else what it is like; dashes, which all have, do not count."""
    begun = [flag for flag in known if flag.startswith(name)]
    bare = {flag.strip("-"): flag for flag in known}
    like = get_close_matches(name.strip("-"), bare, n=1)
    return begun[0] if len(begun) == 1 else bare[like[0]] if like else ""
