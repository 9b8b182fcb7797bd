"""Bad input: one line on stderr that says what to do, exit code 2, never a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from calling import QUICK


def one_line(outcome) -> str:
    """The line, if it is one and all that was said."""
    assert outcome.code == 2, outcome
    lines = outcome.err.splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("venero: ")
    return lines[0]


BAD_COMMANDS = {
    "an unknown command": ("fitt", "fit"),
    "a command without what it needs": ("sample", "RUN"),
    "an unknown model": ("fit vea digits", "did you mean 'vae'?"),
    "an unknown model to show": ("models vea", "did you mean 'vae'?"),
    "an unknown nested model": (
        "fit latent digits --prior gausian",
        "'--prior': unknown model 'gausian': did you mean 'gaussian'?",
    ),
    "unknown data": ("fit vae digist", "did you mean 'digits'?"),
    "unknown data to show": ("data digist", "did you mean 'digits'?"),
    "a missing file": ("fit vae nowhere.csv", "nowhere.csv does not exist"),
    "an unknown flag": ("fit vae digits --latentdim 2", "did you mean --latent-dim?"),
    "a flag that is like none": ("fit gaussian digits --epochs 2", "--epochs (see venero fit gaussian --help)"),
    "a flag that is cut short": ("fit vae digits --latent 2", "did you mean --latent-dim?"),
    "a flag without its value": ("fit vae digits --latent-dim", "--latent-dim"),
    "a field out of range": ("fit vae digits --latent-dim 0", "'--latent-dim': '0' must be >= 1"),
    "text where an integer is due": ("fit vae digits --latent-dim many", "'many' must be INTEGER, >= 1"),
    "a fraction where an integer is due": ("fit vae digits --epochs 0.5", "'0.5' must be INTEGER"),
    "text where a number is due": ("fit vae digits --beta big", "'big' must be NUMBER, >= 0"),
    "nan where a number is due": ("fit vae digits --beta nan", "'nan' must be float"),
    "text in a list of integers": ("fit vae digits --hidden 32,wide", "'32,wide' must be INTEGER,..., >= 1"),
    "an element out of range": ("fit vae digits --hidden 32,0", "'32,0' must be >= 1"),
    "an unknown choice": ("fit vae digits --optimizer adm", "did you mean 'adam'?"),
    "a share out of range": ("fit vae digits --test 1", "'1' must be > 0 and <= 0.9"),
    "a device that is not there": ("fit vae digits --device tpu", "'auto' takes"),
    "a size for data that have one": ("fit vae digits --size 9", "leave it out"),
    "too many arguments": ("fit vae digits again", "again"),
    "resuming nothing": ("fit vae digits --resume --out none", "none is not there"),
    "a run that is not there": ("sample none", "none is not there"),
    "a report on nothing": ("report none", "none is not there"),
    "none to draw": ("sample none -n 0", "'-n'"),
}


@pytest.mark.parametrize(("command", "says"), BAD_COMMANDS.values(), ids=BAD_COMMANDS)
def test_bad_command(venero, command, says):
    assert says in one_line(venero(*command.split()))


BAD_USES = {
    "pictures as a table": ("sample {vae} -o s.csv", "s.csv: images can be written as .png, .npy"),
    "codes as pictures": ("encode {vae} -o z.png", "z.png: numbers can be written as .csv, .parquet, .npy"),
    "no suffix": ("sample {vae} -o s", "images can be written as .png, .npy"),
    "labels the model has not": ("sample {vae} -y 3", "conditional=True"),
    "a row that is not there": ("interpolate {vae} --to 5000", "the data have rows 0 to 358"),
    "a row that is no number": ("interpolate {vae} --from one", "'one' names no rows"),
    "starts without ends": ("interpolate {vae} --from 1,2 --to 3", "give as many"),
    "an unknown path": ("interpolate {vae} --how straight", "'linear', 'spherical'"),
    "an unknown score": ("detect {vae} --kind guess", "'likelihood', 'reconstruction'"),
    "negative noise": ("denoise {vae} --noise -1", "noise"),
    "a folder in the way": ("fit vae digits --out {vae}", "is not empty: give another --out"),
    "resuming with other fields": ("fit vae digits --out {vae} --resume --epochs 9", "epochs was 3 there and is 9 here"),
    "resuming as another model": ("fit autoencoder digits --out {vae} --resume", "holds a run of vae"),
}


@pytest.mark.parametrize(("command", "says"), BAD_USES.values(), ids=BAD_USES)
def test_bad_use(venero, vae, command, says):
    assert says in one_line(venero(*command.format(vae=vae).split()))


def test_a_model_that_can_not(venero, autoencoder):
    assert "can't sample (AutoEncoder)" in one_line(venero("sample", autoencoder))


def test_a_label_that_fit_did_not_see(venero, conditional):
    assert "'tulip' is not a label that fit saw" in one_line(venero("sample", conditional, "-y", "tulip"))


def test_data_of_another_shape(venero, vae, tmp_path):
    np.save(tmp_path / "other.npy", np.zeros((5, 9, 9), np.uint8))
    assert "fit saw (8, 8)" in one_line(venero("encode", vae, "other.npy"))


def test_foreign_folders(venero, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "has no model.json" in one_line(venero("sample", tmp_path))
    refused = one_line(venero("fit", "vae", "digits", "--overwrite", "--out", tmp_path, *QUICK))
    assert "is not empty" in refused
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_config(venero, vae, tmp_path):
    for name in ("model.json", *(p.name for p in vae.glob("tensors-*"))):
        (tmp_path / name).write_bytes((vae / name).read_bytes())
    assert "has no config.json" in one_line(venero("encode", tmp_path))
    (tmp_path / "config.json").write_text("{")
    assert "is not readable JSON" in one_line(venero("encode", tmp_path))
    (tmp_path / "config.json").write_text('{"data": 3}')
    assert "was not written by `venero fit`" in one_line(venero("encode", tmp_path))


def test_data_that_can_not_be_learned(venero, tmp_path):
    np.save(tmp_path / "gap.npy", np.array([[1.0, np.nan]] * 20))
    np.savetxt(tmp_path / "text.csv", [["a b", "c"]] * 3, fmt="%s", delimiter=",")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    assert "missing values (NaN) in column 1" in one_line(venero("fit", "gaussian", "gap.npy", *QUICK))
    assert "text or categories" in one_line(venero("fit", "gaussian", "text.csv", *QUICK))
    assert "broken.parquet" in one_line(venero("data", "broken.parquet"))


def test_a_failed_run_is_not_in_the_way(venero, tmp_path):
    np.save(tmp_path / "gap.npy", np.array([[1.0, np.nan]] * 20))
    np.save(tmp_path / "whole.npy", np.random.default_rng(0).normal(size=(20, 2)))
    assert venero("fit", "gaussian", "gap.npy", "--out", "run", *QUICK).code == 2
    assert venero("fit", "gaussian", "whole.npy", "--out", "run", *QUICK).code == 0


def test_a_place_that_can_not_be_written(venero, vae, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file" in one_line(venero("sample", vae, "-o", tmp_path / "file" / "s.png"))


def test_debug_shows_the_traceback(venero, capsys):
    with pytest.raises(ValueError, match="unknown model"):
        venero("models", "vea", "--debug")


def test_a_fault_of_the_program_is_not_hidden(venero, monkeypatch):
    def broken(*args, **options):
        raise ValueError("a fault")

    monkeypatch.setattr("venero.data.sources.dataset", broken)
    with pytest.raises(ValueError, match="a fault"):
        venero("data", "digits")


def test_other_processes_say_which_they_are(venero, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    done = venero("models", "vea")
    assert re.fullmatch(r"venero \(process 1\): unknown model .*\n", done.err)


def test_paths_are_not_wrapped(venero, vae, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    deep = Path("a" * 30) / ("b" * 30) / "s.npy"
    assert f"wrote {deep}" in venero("sample", vae, "-n", 1, "-o", deep).out
