"""Ctrl-C and SIGTERM lose nothing: the run saves what it has, stops, and goes on from there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from venero.models.vae import VAE
from venero.train import checkpoint
from venero.train.interrupt import requests
from venero.train.run import Run

X = np.random.default_rng(0).normal(size=(300, 5))
STOPS = [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
pytestmark = pytest.mark.filterwarnings("ignore:posterior collapse")


@pytest.fixture(autouse=True)
def _usual_handlers() -> Iterator[None]:
    """A shell starts processes in the background with Ctrl-C switched off."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def model() -> VAE:
    return VAE(epochs=6, hidden=(8,), latent_dim=2, batch_size=32, random_state=0)


@pytest.mark.parametrize(("asked", "raised"), STOPS)
def test_what_was_learned_is_saved_and_gone_on_from(asked: int, raised: type, tmp_path: Path) -> None:
    def stop(row: dict) -> None:
        if row["epoch"] == 3:
            signal.raise_signal(asked)

    handlers = [signal.getsignal(s) for s, _ in STOPS]
    with pytest.raises(raised):
        model().fit(X, run=Run(folder=tmp_path, callbacks=[stop], checkpoint_seconds=1e9))
    assert [signal.getsignal(s) for s, _ in STOPS] == handlers
    saved = checkpoint.read(tmp_path)
    assert (saved["place"]["epoch"], saved["place"]["update"]) == (3, 1)  # the first update after the request
    resumed = model().fit(X, run=Run(folder=tmp_path, resume=True))
    whole = model().fit(X)
    for name, weight in whole.net_.state_dict().items():
        np.testing.assert_array_equal(weight, resumed.net_.state_dict()[name])


def test_a_second_request_stops_at_once() -> None:
    with requests() as request:
        signal.raise_signal(signal.SIGINT)
        assert request
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_without_a_folder_nothing_waits() -> None:
    with requests(wanted=False) as request, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert not request


def test_a_handler_of_the_users_own_is_left_alone() -> None:
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with requests() as request:
            signal.raise_signal(signal.SIGINT)
        assert heard and not request
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_can_fit() -> None:
    found: list[bool] = []

    def work() -> None:
        with requests() as request:
            found.append(bool(request))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
