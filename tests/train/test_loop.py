"""What the loop does on the way: early stopping, the averaged weights, the time budget, losses that are not finite, its log."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from venero.core.errors import TrainingError
from venero.models.autoencoder import AutoEncoder
from venero.models.vae import VAE
from venero.train.run import Run

FIT: dict[str, Any] = {"latent_dim": 2, "hidden": (16,), "random_state": 0, "batch_size": 32}
X = np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 6))


def test_early_stopping_keeps_the_weights_of_the_best_epoch(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(60, 6))  # nothing to learn: the held-out loss soon rises
    model = AutoEncoder(epochs=400, patience=5, validation=0.3, learning_rate=1e-2, **FIT | {"hidden": (64,)})
    model.fit(noise, run=Run(folder=tmp_path))
    losses = [row["validation"]["loss"] for row in model.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 5 < 400
    again = AutoEncoder(**model.get_params() | {"epochs": best + 1, "patience": None}).fit(noise)
    for a, b in zip(model.net_.parameters(), again.net_.parameters(), strict=True):
        assert torch.equal(a, b)
    ending = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert ending["event"] == "end" and f"epoch {best + 1} has the best" in ending["reason"]


def test_averaged_weights_are_taken_at_the_end() -> None:
    seen: list[list[torch.Tensor]] = []
    plain = AutoEncoder(epochs=1, **FIT)
    averaged = AutoEncoder(epochs=1, ema=0.5, **FIT).fit(X)

    class Watched(AutoEncoder):
        def objectives(self, net: Any) -> Any:
            (objective,) = super().objectives(net)
            loss = objective.loss

            def watched(batch: Any) -> Any:
                if torch.is_grad_enabled():
                    seen.append([p.detach().clone() for p in net.parameters()])
                return loss(batch)

            yield type(objective)(objective.name, net, watched)

    final = Watched(**plain.get_params()).fit(X)
    after = [*seen[1:], list(final.net_.parameters())]
    average = seen[0]
    for t, weights in enumerate(after):  # the formula, by hand
        decay = min(0.5, (1 + t) / (10 + t))
        average = [decay * a + (1 - decay) * w.detach() for a, w in zip(average, weights, strict=True)]
    for a, b in zip(averaged.net_.parameters(), average, strict=True):
        torch.testing.assert_close(a, b)


def test_a_time_budget_ends_a_run_and_counts_what_was_before_a_resume(tmp_path: Path) -> None:
    run = Run(folder=tmp_path, minutes=0.02, checkpoint_seconds=0.1)
    began = time.monotonic()
    model = AutoEncoder(epochs=100_000, **FIT).fit(X, run=run)
    assert time.monotonic() - began < 60  # a budget of 1.2 s, on a machine that may be busy
    assert model.fit_seconds_ >= 1.2
    assert "stopped after 0.02 minutes" in (tmp_path / "log.jsonl").read_text()
    assert 1 <= len(model.history_) < 100_000


def test_a_budget_that_is_over_at_the_end_of_an_epoch_is_told_too(tmp_path: Path) -> None:
    """One update an epoch, and a callback that takes the time that is left."""
    run = Run(folder=tmp_path, minutes=0.01, callbacks=[lambda row: time.sleep(0.7)])
    AutoEncoder(epochs=5, **FIT | {"batch_size": 1000}).fit(X, run=run)
    assert "stopped after 0.01 minutes, after epoch 1" in (tmp_path / "log.jsonl").read_text()


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    model = AutoEncoder(epochs=50, optimizer="sgd", learning_rate=1e3, validation=0.0, **FIT)
    with pytest.raises(
        TrainingError, match=r"is not finite at stage 'fit', epoch \d+, update \d+: try a smaller learning_rate"
    ) as e:
        model.fit(X, run=Run(folder=tmp_path, checkpoint_seconds=0))
    assert "\n" not in str(e.value) and "last good checkpoint is in" in str(e.value)
    from venero.train import checkpoint

    saved = checkpoint.read(tmp_path)
    assert saved is not None
    assert all(torch.isfinite(w).all() for w in saved["net"].values())


def test_a_callback_sees_every_epoch_and_can_end_the_stage() -> None:
    rows: list[Any] = []
    model = AutoEncoder(epochs=30, **FIT).fit(X, run=Run(callbacks=[lambda row: rows.append(row) or len(rows) == 4]))
    assert rows == model.history_
    assert [r["epoch"] for r in rows] == [1, 2, 3, 4]
    assert rows[-1]["step"] == 4 * 9  # 270 rows in batches of 32


def test_losses_are_means_over_examples_not_over_batches() -> None:
    """With no steps taken, the epoch's loss is the loss of all rows at once, whatever the last batch's size."""
    fields = FIT | {"validation": 0.0, "epochs": 1, "learning_rate": 1e-30, "optimizer": "sgd"}
    by_batches = AutoEncoder(**fields).fit(X).history_[0]["train"]["loss"]
    at_once = AutoEncoder(**fields | {"batch_size": 300}).fit(X).history_[0]["train"]["loss"]
    assert by_batches == pytest.approx(at_once, rel=1e-6)


@pytest.mark.filterwarnings("ignore:posterior collapse")
def test_mixed_precision_learns_nearly_the_same() -> None:
    whole, half = (VAE(epochs=20, **FIT).fit(X, run=Run(precision=p)) for p in ("float32", "bfloat16"))
    assert all(p.dtype == torch.float32 for p in half.net_.parameters())
    assert half.score(X) == pytest.approx(whole.score(X), abs=0.5)


def test_progress_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="venero"):
        AutoEncoder(epochs=3, **FIT).fit(X, run=Run(progress="lines"))
    assert "epoch 3 of 3: loss" in caplog.text
    assert "validation loss" in caplog.text
    assert "finished (" in caplog.text


def test_a_memory_mapped_file_that_is_large_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights from disk as from memory."""
    import venero.data.data as module

    images = np.random.default_rng(0).integers(0, 256, (200, 6, 6), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    fields = FIT | {"net": "mlp", "epochs": 2}
    held = AutoEncoder(**fields).fit(images)
    monkeypatch.setattr(module, "LARGEST_IN_MEMORY", 0)
    monkeypatch.setattr(module, "PAGES", 10_000)
    streamed = AutoEncoder(**fields).fit(mapped)
    for a, b in zip(held.net_.parameters(), streamed.net_.parameters(), strict=True):
        assert torch.equal(a, b)
    np.testing.assert_array_equal(streamed.encode(mapped), held.encode(images))
