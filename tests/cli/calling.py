"""The command line as a user calls it."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from venero.cli.app import main

QUICK = ("--threads", "1", "--progress", "none", "--no-report", "--random-state", "0")
SMALL = ("--net", "mlp", "--hidden", "32", "--epochs", "3", *QUICK)


def pixels(path: Path | str) -> np.ndarray:
    """A picture's (height, width, 4) bytes."""
    with Image.open(path) as image:
        return np.asarray(image)


class Outcome(NamedTuple):
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


def call(*args: object) -> Outcome:
    """`venero ARGS` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(a) for a in args])
        except SystemExit as end:  # what Typer's completion ends with
            code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())
