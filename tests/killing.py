"""A kill at an update, without a process: for tests of what is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from venero.train.loop import Trainer


class Killed(BaseException):
    """Stands for the kill."""


@contextmanager
def killed_after(updates: int) -> Iterator[None]:
    """Training inside the block ends with `Killed` when so many updates are done; the block ends well in any case."""
    count, update = iter(range(10**6)), Trainer._update

    def dying(*args: Any) -> None:
        if next(count) == updates:
            raise Killed
        update(*args)

    with pytest.MonkeyPatch.context() as m:
        m.setattr(Trainer, "_update", dying)
        try:
            yield
        except Killed:
            return
