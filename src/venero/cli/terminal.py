"""What the command line prints, and which process prints it: under `torchrun` only the first one does."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def is_first() -> bool:
    """Whether this is the only process, or the first of those that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


def console() -> Console:
    """Where results are printed."""
    from rich.console import Console

    return Console(quiet=not is_first(), highlight=False)


def say(text: str) -> None:
    """A line as it is: not wrapped, so that paths can be copied, and without markup."""
    console().print(text, markup=False, soft_wrap=True)


def complain(message: str) -> None:
    """One line on stderr, whatever the message's own lines are."""
    who = "venero" if is_first() else f"venero (process {os.environ['RANK']})"
    sys.stderr.write(f"{who}: {' '.join(message.split())}\n")


@contextmanager
def heard() -> Iterator[None]:
    """Within the block, the library's log and warnings are plain lines on stderr."""
    log, lines = logging.getLogger("venero"), _Lines()
    level = log.level
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        log.addHandler(lines)
        log.setLevel(logging.INFO if is_first() else logging.ERROR)
        try:
            yield
        finally:
            log.removeHandler(lines)
            log.setLevel(level)


class _Lines(logging.Handler):
    """Writes to whatever stderr is when a record comes."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


def _warn(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """`warnings.showwarning` in one line, without the place in the source."""
    if is_first():
        complain(f"warning: {message}")
