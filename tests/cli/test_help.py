"""What `--help`, `models` and completion show, and that looking costs little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import fields

import pytest

from venero import __version__
from venero.cli.fields import flag
from venero.core.catalog import find, models

COMMANDS = (
    "models",
    "data",
    "fit",
    "classify",
    "report",
    "sample",
    "reconstruct",
    "encode",
    "interpolate",
    "denoise",
    "detect",
    "complete",
    "edit",
    "cluster",
)


def test_version(venero):
    assert venero("--version").out == f"venero {__version__}\n"


def test_help_lists_every_command_in_the_order_of_use(venero):
    shown = venero("--help").out
    assert venero().out.strip() == shown.strip()
    places = [shown.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", [*COMMANDS, "fit autoencoder", "fit latent --prior gaussian"])
def test_help_fits_the_terminal(venero, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    done = venero(*command.split(), "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: venero {' '.join(command.split()[:2]) if command.startswith('fit') else command}")
    assert max(len(line) for line in done.out.splitlines()) <= columns


@pytest.mark.parametrize("name", models())
def test_fit_has_a_flag_for_every_field_with_its_help(venero, name):
    shown = " ".join(venero("fit", name, "--help").out.split())
    for f in fields(find(name)):
        assert flag(f.name) in shown or f"--[no-]{f.name.replace('_', '-')}" in shown
        assert " ".join(f.metadata["help"].split()) in shown


def test_help_of_a_field_says_type_default_and_bounds(venero):
    shown = " ".join(venero("fit", "vae", "--help").out.split())
    assert "--latent-dim INTEGER length of the code z [default: 16; >= 1]" in shown
    assert "--[no-]conditional" in shown
    assert "one of adam, adamw, sgd]" in shown


def test_a_nested_model_that_is_named_shows_its_fields(venero):
    assert "--first.latent-dim" not in venero("fit", "latent", "--help").out
    assert "--first.latent-dim" in venero("fit", "latent", "--first", "autoencoder", "--help").out
    assert "--first.beta" in venero("fit", "latent", "--first=vae", "--help").out


def test_fit_alone_lists_the_models(venero):
    shown = venero("fit").out
    assert all(f"\n  {name} " in shown for name in models())


def test_models(venero):
    shown = venero("models").out
    for name in models():
        card = find(name).card()
        assert name in shown
        assert card["paper"].split(";")[0] in shown
    assert json.loads(venero("models", "--json").out) == [find(name).card() for name in models()]


def test_one_model(venero):
    shown = venero("models", "autoencoder").out
    assert "encode, decode, reconstruct" in shown
    assert all(f.name in shown for f in fields(find("autoencoder")))
    card = json.loads(venero("models", "vae", "--json").out)
    expected = {"name": "latent_dim", "type": "INTEGER", "default": "16", "allowed": ">= 1", "help": "length of the code z"}
    assert expected in card["fields"]


COMPLETED = {
    "fit v": {"vae"},
    "fit ": set(models()),
    "fit vae di": {"digits", "diabetes"},
    "fit vae digits --latent": {"--latent-dim"},
    "fit vae digits --net ": {"auto", "mlp", "conv"},
    "fit latent digits --prior ga": {"gaussian"},
    "fit latent digits --prior gaussian --prior.": {"--prior.max-iter", "--prior.random-state", "--prior.ridge", "--prior.tol"},
    "models aut": {"autoencoder"},
    "data fash": {"fashion-mnist"},
    "interpolate run --how s": {"spherical"},
    "detect run --kind l": {"likelihood"},
    "rec": {"reconstruct"},
}


@pytest.mark.parametrize("typed", COMPLETED)
def test_bash_completion(venero, monkeypatch, typed):
    words = f"venero {typed}".split()
    monkeypatch.setenv("_VENERO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - (not typed.endswith(" "))))
    assert set(venero().out.split()) >= COMPLETED[typed]


def test_completion_script(venero, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "complete -o default -F" in venero("--show-completion", "bash").out


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"})


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_looking_imports_nothing_heavy(option):
    code = f"import sys; from venero.cli.app import main; main([{option!r}]); print(sorted(sys.modules), file=sys.stderr)"
    loaded = run("-c", code).stderr
    assert not [name for name in ("torch", "sklearn", "pandas", "numpy", "matplotlib") if f"'{name}'" in loaded]


def test_looking_is_quick():
    def seconds() -> float:
        start = time.perf_counter()
        assert run("-m", "venero.cli", "--help").returncode == 0
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.5


def test_as_a_program():
    done = run("-m", "venero.cli", "fit", "vea")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "venero: unknown model 'vea': did you mean 'vae'?\n")
