"""A polite request to stop: Ctrl-C, or the SIGTERM of a cluster that wants its machine back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKS = (signal.SIGINT, signal.SIGTERM)


class Request:
    """Which signal has asked to stop, if any."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def obey(self) -> None:
        """Stop as the signal would have done by itself."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signal is not None:
            raise SystemExit(128 + self.signal)


@contextmanager
def requests(wanted: bool = True) -> Iterator[Request]:
    """Inside the block the first request is noted, so that there is time to save; the second stops at once.

    Where it is not wanted, in other threads than the main one, and where a handler of the user's own stands, nothing changes.
    """
    request = Request()

    def note(number: int, frame: FrameType | None) -> None:
        again, request.signal = bool(request), number
        if again:
            request.obey()

    ours: dict[int, object] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    here = wanted and threading.current_thread() is threading.main_thread()
    before = {s: signal.signal(s, note) for s in ASKS if here and signal.getsignal(s) is ours[s]}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
