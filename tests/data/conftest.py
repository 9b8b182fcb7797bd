"""Shared by the tests of the data room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from venero.core.errors import DataError


@pytest.fixture
def refused():
    """`with refused("part of the message", "the way out")`: a DataError of one line that holds both."""

    @contextmanager
    def check(*parts: str) -> Iterator[None]:
        with pytest.raises(DataError) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message
        for part in parts:
            assert part in message, f"{part!r} is not in {message!r}"

    return check


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or a skip."""
    folder = Path(os.environ.get("VENERO_DATA", Path(__file__).parents[2] / "../shared/data"))
    if not folder.is_dir():
        pytest.skip("no real data: set VENERO_DATA to the folder that holds them")
    return folder.resolve()
