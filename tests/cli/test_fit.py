"""`venero fit`: one run folder with all that a run is, which can be gone on with and is not lost by accident."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from calling import QUICK, SMALL

import venero as library
from venero.core.runs import read_config, split
from venero.core.storage import fields_to_json


def test_a_run_folder_holds_the_run(vae):
    names = {p.name for p in vae.iterdir()}
    assert {"model.json", "checkpoint.safetensors", "log.jsonl", "config.json"} <= names
    events = [json.loads(line)["event"] for line in (vae / "log.jsonl").read_text().splitlines()]
    assert events == ["start", "epoch", "epoch", "epoch", "end"]


def test_config_says_how_to_do_it_again(vae):
    config = read_config(vae)
    assert config["data"] == {"source": "digits", "size": None, "target": None, "read": None, "rate": None}
    assert config["split"] == {"test": 0.2, "random_state": 0}
    assert config["limit"] is None
    assert config["command"].startswith("venero fit vae digits --latent-dim 2 --learning-rate 0.005 --net mlp")
    assert config["fields"] == fields_to_json(library.load(vae))
    assert {"python", "venero", "torch"} <= set(config["versions"])
    assert {"system", "cpus", "threads", "gpu"} == set(config["machine"])


def test_flags_are_fields(vae):
    model = library.load(vae)
    assert (model.latent_dim, model.learning_rate, model.net, model.hidden, model.epochs) == (2, 0.005, "mlp", (32,), 3)
    assert model.batch_size == library.model("vae")().batch_size


def test_the_model_is_the_one_that_python_fits(vae):
    model = library.load(vae)
    train, _ = library.dataset("digits").split(0.2, random_state=0)
    twin = library.model("vae")(**model.get_params()).fit(train.X)
    assert (twin.encode(train.X) == model.encode(train.X)).all()


def test_what_is_said_is_true(venero, vae):
    said = venero("fit", "vae", "--resume", "--out", vae, *QUICK).out
    model, test = library.load(vae), library.dataset("digits").split(0.2, random_state=0)[1]
    assert "digits: 1,438 examples to learn from, 359 held out" in said
    assert f"{model.score(test.X):.5g} nats per example (lower bound)" in said
    assert f"{model.bits_per_dim(test.X):.4g}" in said
    assert f"{model.reconstruction_error(test.X).mean():.4g} squared" in said
    assert f"{model.active_units(test.X)} of 2" in said


def test_a_report_is_written(venero, csv):
    done = venero("fit", "gaussian", "iris", "--progress", "none")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "report  runs/gaussian-iris/report.html"
    assert "<html" in (csv.parent / "runs" / "gaussian-iris" / "report.html").read_text(encoding="utf-8")


def test_digits_are_the_default_and_limit_leaves_the_test_data_alone(venero):
    done = venero("fit", "gaussian", "--limit", 100, "--split-seed", 3, "--test", 0.5, *QUICK)
    assert "digits: 100 examples to learn from, 898 held out" in done.out
    assert done.out.splitlines()[-1] == "model   runs/gaussian-digits"
    train, test, _ = split(read_config(Path("runs/gaussian-digits")))
    whole = library.dataset("digits").split(0.5, random_state=3)
    assert (test.X == whole[1].X).all()
    assert len(train) == 100
    assert {x.tobytes() for x in train.X} <= {x.tobytes() for x in whole[0].X}


def test_a_run_is_not_lost_by_accident(venero, tmp_path):
    command = ("fit", "gaussian", "iris", "--out", "run", *QUICK)
    assert venero(*command).code == 0
    (tmp_path / "run" / "notes.txt").write_text("mine")
    before = (tmp_path / "run" / "model.json").read_bytes()
    assert venero(*command).code == 2
    assert (tmp_path / "run" / "model.json").read_bytes() == before
    assert venero(*command, "--overwrite", "--ridge", "0.5").code == 0
    assert library.load("run").ridge == 0.5
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_refused_resume_leaves_the_config(venero, vae):
    before = (vae / "config.json").read_bytes()
    assert venero("fit", "vae", "--resume", "--epochs", 50, "--out", vae).code == 2
    assert (vae / "config.json").read_bytes() == before


def test_a_stopped_run_goes_on_with_its_own_data_and_fields(venero, csv, monkeypatch):
    run = ("--out", "run", "--threads", 1, "--no-report")
    fields = ("--net", "mlp", "--hidden", 8, "--epochs", 4, "--random-state", 1, "--progress", "none")
    command = ("fit", "autoencoder", "people.csv", "--target", "kind", "--limit", 50, *fields)
    assert venero(*command, *run).code == 0
    undisturbed = library.load("run").encode(split(read_config(csv.parent / "run"))[1].X)
    interrupt_after(2, monkeypatch)
    stopped = venero(*command, *run, "--overwrite")
    monkeypatch.undo()
    assert stopped.code == 130
    assert len(stopped.err.splitlines()) == 1
    assert "go on from the last checkpoint with: venero fit autoencoder --out run --resume" in stopped.err
    monkeypatch.chdir(csv.parent)
    assert venero("fit", "autoencoder", "--resume", "--progress", "none", *run).code == 0
    resumed = library.load("run")
    assert resumed.epochs == 4
    assert len(resumed.history_) == 4
    assert (resumed.encode(split(read_config(csv.parent / "run"))[1].X) == undisturbed).all()


def interrupt_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C when a run has come so far, with a checkpoint after every update."""
    from venero.train import run

    def stop(row: dict[str, object]) -> None:
        if row["epoch"] == epochs:
            raise KeyboardInterrupt

    plain = run.Run
    monkeypatch.setattr(run, "Run", lambda **how: plain(**how, callbacks=[stop], checkpoint_seconds=0))


def test_only_the_first_process_speaks_and_writes(venero, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    done = venero("fit", "gaussian", "iris", "--out", "run", *QUICK)
    assert done == (0, "", "")
    assert not {"config.json", "model.json", "report.html"} & {p.name for p in (tmp_path / "run").glob("*")}


def test_sources_are_found_from_another_folder(venero, csv, tmp_path, monkeypatch):
    assert venero("fit", "vae", "people.csv", "--target", "kind", *SMALL).code == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert venero("encode", "../runs/vae-people").code == 0


def test_images_are_resized(venero, tmp_path):
    from PIL import Image

    for i in range(12):
        (tmp_path / "pics" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (9 + i % 3, 12)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pics" / "ab"[i % 2] / f"{i}.png")
    assert "size=" in venero("fit", "gaussian", "pics", *QUICK).err
    assert venero("fit", "gaussian", "pics", "--size", "6", *QUICK).code == 0
    assert library.load("runs/gaussian-pics").sample().shape == (1, 6, 6)
    assert venero("fit", "gaussian", "pics", "--size", "6,8", "--out", "b", *QUICK).code == 0
    assert library.load("b").sample().shape == (1, 6, 8)


def test_progress_lines_go_to_stderr(venero):
    done = venero("fit", "gaussian", "iris", "--progress", "lines", "--no-report")
    assert "epoch 1" in done.err
    assert "epoch 1" not in done.out


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send to a process there")
def test_ctrl_c_ends_with_one_line_and_130(tmp_path):
    command = [sys.executable, "-m", "venero.cli", "fit", "vae", "--out", "run", "--epochs", "100000", *SMALL[:4], *QUICK]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs have it switched off
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    signal.signal(signal.SIGINT, before)
    log, deadline = tmp_path / "run" / "log.jsonl", time.monotonic() + 60
    while not (log.exists() and '"epoch"' in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "venero: stopped; go on from the last checkpoint with: venero fit vae --out run --resume\n"
