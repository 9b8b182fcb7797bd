"""Each command on a fitted model writes what the model itself gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from calling import pixels

import venero as library


@pytest.fixture(scope="module")
def held_out():
    return library.dataset("digits").split(0.2, random_state=0)[1]


@pytest.fixture(scope="module")
def irises():
    return library.dataset("iris").split(0.2, random_state=0)[1]


def test_sample(venero, vae):
    assert venero("sample", vae, "-n", 7, "--seed", 3, "-o", "s.npy").out == "wrote s.npy (7 images)\n"
    model = library.load(vae)
    assert (np.load("s.npy") == model.sample(7, random_state=3)).all()
    venero("sample", vae, "-n", 7, "--seed", 3, "--mean", "-o", "m.npy")
    assert (np.load("m.npy") == model.sample(7, random_state=3, noise=False)).all()


def test_sample_is_a_picture_in_the_run_by_default(venero, vae):
    done = venero("sample", vae)
    assert done.out == f"wrote {vae / 'samples.png'} (64 images)\n"
    assert pixels(vae / "samples.png").shape == (8 * 66 - 2, 8 * 66 - 2, 4)


def test_sample_of_a_label(venero, conditional, irises):
    model = library.load(conditional)
    for label in ("virginica", "2"):
        done = venero("sample", conditional, "-n", 50, "-y", label, "--seed", 0, "-o", "s.csv")
        assert done.code == 0, done.err
        drawn = pd.read_csv("s.csv")
        pd.testing.assert_frame_equal(drawn, model.sample(50, y=2, random_state=0))
    petals = irises.X.columns[2]
    venero("sample", conditional, "-n", 50, "-y", "setosa", "--seed", 0, "-o", "setosa.csv")
    assert pd.read_csv("setosa.csv")[petals].mean() < drawn[petals].mean() - 1


def test_models_without_noise_take_mean_for_granted(venero):
    venero("fit", "gaussian", "iris", "--no-report", "--progress", "none")
    assert venero("sample", "runs/gaussian-iris", "--mean", "-n", 3, "-o", "s.parquet").code == 0
    assert pd.read_parquet("s.parquet").shape == (3, 4)


def test_reconstruct(venero, vae, held_out):
    model = library.load(vae)
    venero("reconstruct", vae, "-o", "r.npy")
    assert (np.load("r.npy") == model.reconstruct(held_out.X)).all()
    venero("reconstruct", vae, "digits", "-n", 5, "-o", "r.npy")
    assert (np.load("r.npy") == model.reconstruct(library.dataset("digits").X[:5])).all()


def test_a_picture_of_reconstructions_shows_originals_above(venero, vae, held_out):
    venero("reconstruct", vae, "-n", 3, "-o", "r.png")
    sheet = pixels("r.png")[:, :, 0]
    assert (sheet[:64:8, :64:8] == held_out.X[0]).all()
    assert (sheet[66::8, :64:8] == library.load(vae).reconstruct(held_out.X[:1])[0]).all()


def test_reconstruct_with_labels(venero, conditional, irises):
    done = venero("reconstruct", conditional, "-o", "r.csv")
    assert done.code == 0, done.err
    expected = library.load(conditional).reconstruct(irises.X, irises.y)
    assert np.allclose(pd.read_csv("r.csv"), expected)


def test_encode(venero, vae, held_out):
    codes = library.load(vae).encode(held_out.X)
    for name, reader in (("z.csv", pd.read_csv), ("z.parquet", pd.read_parquet)):
        assert venero("encode", vae, "-o", name).code == 0
        table = reader(name)
        assert np.allclose(table[["z0", "z1"]], codes, atol=1e-6)
        assert (table["label"].astype(int) == held_out.y).all()
    venero("encode", vae, "-o", "z.npy")
    assert (np.load("z.npy") == codes).all()


def test_labels_are_written_by_name(venero, conditional, irises):
    venero("encode", conditional, "-o", "z.csv")
    assert pd.read_csv("z.csv")["label"].tolist() == [irises.class_names[i] for i in irises.y]


def test_interpolate(venero, vae, held_out):
    done = venero("interpolate", vae, "--from", 4, "--to", 9, "--steps", 5, "--how", "spherical", "-o", "i.npy")
    assert done.code == 0, done.err
    way, model = np.load("i.npy"), library.load(vae)
    assert way.shape == (5, 8, 8)
    assert (way[[0, -1]] == model.reconstruct(held_out.X[[4, 9]])).all()
    assert (way == library.interpolate(model, held_out.X[4:5], held_out.X[9:10], 5, "spherical")[0]).all()
    venero("interpolate", vae, "--from", "4,0,7", "--to", "9,2,3", "--steps", 5, "-o", "i.npy")
    assert (np.load("i.npy")[::5] == model.reconstruct(held_out.X[[4, 0, 7]])).all()
    assert (np.load("i.npy")[4::5] == model.reconstruct(held_out.X[[9, 2, 3]])).all()
    venero("interpolate", vae, "--from", "4,0,7", "--to", "9,2,3", "--steps", 5, "-o", "i.png")
    assert pixels("i.png").shape == (3 * 66 - 2, 5 * 66 - 2, 4)
    venero("interpolate", vae, "--steps", 5, "-o", "i.png")
    assert pixels("i.png").shape == (64, 5 * 66 - 2, 4)


def test_denoise(venero, autoencoder, held_out):
    venero("denoise", autoencoder, "--noise", 0.1, "-n", 4, "-o", "d.npy")
    assert (np.load("d.npy") == library.denoise(library.load(autoencoder), held_out.X[:4], 0.1)).all()


def test_mixed_tables_with_gaps(venero, csv):
    table = pd.read_csv(csv)
    fit = (
        "--target",
        "kind",
        "--epochs",
        20,
        "--learning-rate",
        0.01,
        "--latent-dim",
        2,
        "--random-state",
        0,
        "--progress",
        "none",
    )
    done = venero("fit", "vae", csv.name, *fit, "--no-report")
    assert done.code == 0, done.err
    for command in ("sample", "reconstruct", "encode", "interpolate", "denoise", "detect"):
        assert venero(command, "runs/vae-people").code == 0
    drawn = pd.read_csv("runs/vae-people/samples.csv")
    assert list(drawn.columns) == ["age", "city"]
    assert set(drawn["city"]) <= {"Quito", "Lima"}
    table.drop(columns="kind").to_csv("new.csv", index=False)  # without labels
    assert venero("encode", "runs/vae-people", "new.csv", "-o", "z.csv").code == 0
    assert list(pd.read_csv("z.csv").columns) == ["z0", "z1"]
    assert venero("encode", "runs/vae-people", csv.name, "-o", "z.csv").code == 0
    assert pd.read_csv("z.csv")["label"].tolist() == table["kind"].tolist()


def test_data(venero):
    done = venero("data", "iris", "-n", 3, "-o", "iris.csv")
    assert library.dataset("iris").describe() in done.out
    assert pd.read_csv("iris.csv")["label"].tolist() == ["setosa"] * 3
    venero("data", "digits", "-o", "digits.npy")
    assert (np.load("digits.npy") == library.dataset("digits").X[:64]).all()


def test_report(venero, vae, autoencoder, tmp_path):
    assert venero("report", vae, "-o", "a.html").out == "wrote a.html\n"
    assert venero("report", vae, autoencoder, "-o", "b.html").out == "wrote b.html\n"
    assert "<html" in (tmp_path / "b.html").read_text(encoding="utf-8")
