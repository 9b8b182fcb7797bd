"""`--help`: every flag with its meaning in two columns that fit a narrow terminal; sections are the options' panels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDEST = 100  # columns of text that are read with ease
LEFT = 28  # most columns for names; a longer name has its meaning on the line below
Row = tuple[str, "Text"]


class Command(TyperCommand):
    """A command whose help is laid out here."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        show(self, ctx)


class Group(TyperGroup):
    """A group of commands whose help is laid out here."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        show(self, ctx)


def show(command: Any, ctx: Any) -> None:
    """Print a command's help."""
    from rich.console import Console
    from rich.padding import Padding

    out = Console(highlight=False)
    out.width = min(out.width, WIDEST)
    out.print(f"[bold]Usage:[/] {' '.join([ctx.command_path, *_usage(command)])}")
    out.print(Padding(command.help or "", (1, 0, 0, 0)))
    sections = _sections(command, ctx)
    left = min(LEFT, 4 + max(len(name) for rows in sections.values() for name, _ in rows))
    for title, rows in sections.items():
        _print_section(out, title, rows, left)
    if command.epilog:
        out.print(f"\n{command.epilog}")


def _usage(command: Any) -> Iterator[str]:
    for p in command.params:
        if p.param_type_name == "argument":
            yield p.metavar if p.required else rf"\[{p.metavar}]"
    yield command.subcommand_metavar if isinstance(command, TyperGroup) else r"\[OPTIONS]"


def _sections(command: Any, ctx: Any) -> dict[str, list[Row]]:
    """Titles, each with its names and their meanings: commands by panel, arguments, options by panel."""
    found: dict[str, list[Row]] = {}
    for title, row in [*_commands(command, ctx), *_params(command, ctx)]:
        found.setdefault(title, []).append(row)
    found["Options"] = found.pop("Options")  # last
    return found


def _commands(command: Any, ctx: Any) -> Iterator[tuple[str, Row]]:
    from rich.text import Text

    for name in command.list_commands(ctx) if isinstance(command, TyperGroup) else ():
        sub = command.get_command(ctx, name)
        yield sub.rich_help_panel or "Commands", (name, Text.from_markup((sub.help or "").partition("\n\n")[0]))


def _params(command: Any, ctx: Any) -> Iterator[tuple[str, Row]]:
    for p in command.get_params(ctx):
        is_argument = p.param_type_name == "argument"
        title = "Arguments" if is_argument else getattr(p, "rich_help_panel", None) or "Options"
        yield title, (p.metavar if is_argument else _names(p), _meaning(p, ctx))


def _names(option: Any) -> str:
    """`-n N`, `--latent-dim INTEGER`, `--[no-]tied`, `--mean/--draw`."""
    if option.secondary_opts:
        yes, no = option.opts[0], option.secondary_opts[0]
        stem = yes.rpartition(".")[2].removeprefix("--")
        return yes.replace(stem, f"[no-]{stem}") if no == yes.replace(stem, f"no-{stem}") else f"{yes}/{no}"
    return ", ".join(option.opts) + ("" if option.is_flag else f" {option.metavar}")


def _meaning(param: Any, ctx: Any) -> Text:
    """The help text, and what Typer adds of default and range, which is no markup."""
    from rich.text import Text

    plain, (_, whole) = param.help or "", param.get_help_record(ctx)
    added = whole.removeprefix(plain).replace("\\[", "[").replace("x>=", ">= ").strip()  # some versions escape it
    return Text.from_markup(plain) + Text(f" {added}" if added else "", style="dim")


def _print_section(out: Console, title: str, rows: Iterable[Row], left: int) -> None:
    from rich.text import Text

    out.print(f"\n[bold]{title}[/]")
    for name, meaning in rows:
        lines = list(meaning.wrap(out, out.width - left)) or [Text()]
        first = Text(f"  {name}", style="cyan")
        if len(first) > left - 2:
            out.print(first)
            first = Text()
        first.pad_right(left - len(first))
        for start, line in zip([first, *[Text(" " * left)] * (len(lines) - 1)], lines, strict=True):
            out.print(start + line, soft_wrap=True)
