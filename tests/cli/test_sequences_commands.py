"""Sequences on the command line: what `venero data` says and writes, and what results become as files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steps import examples
from venero.cli.output import Result, write
from venero.core.errors import VeneroError
from venero.data.sources import dataset


def test_series_are_written_long_and_read_again(tmp_path):
    X = examples("series")
    write(tmp_path / "a.csv", Result(X, extra={"label": ["u"] * len(X)}))
    back = dataset(tmp_path / "a.csv", read="long:id,step", target="label")
    assert back.class_names == ("u",)
    for a, b in zip(X, back.X, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("kind", ["series", "symbols", "audio"])
def test_an_archive_has_all_end_to_end(tmp_path, kind):
    X = examples(kind)
    write(tmp_path / "a.npz", Result(X))
    found = np.load(tmp_path / "a.npz")
    assert found["lengths"].tolist() == [len(x) for x in X]
    np.testing.assert_array_equal(found["values"], np.concatenate([np.asarray(x) for x in X]))
    assert ("rate" in found) == (kind == "audio")


def test_texts_and_symbols(tmp_path):
    write(tmp_path / "a.txt", Result(["to be", "or not"]))
    assert dataset(tmp_path / "a.txt", read="lines").X == ["to be", "or not"]
    write(tmp_path / "b.txt", Result(["to\nbe", "or"]))
    assert dataset(tmp_path / "b.txt", read="paragraphs").X == ["to\nbe", "or"]
    write(tmp_path / "c.csv", Result([[3, 1], [2]]))
    assert pd.read_csv(tmp_path / "c.csv").to_dict("list") == {"id": [0, 0, 1], "step": [0, 1, 0], "symbol": [3, 1, 2]}
    with pytest.raises(VeneroError, match=r"text can be written as \.txt, \.csv"):
        write(tmp_path / "a.npy", Result(["to", "be"]))


def test_clips_become_wavs(tmp_path):
    pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
    X = examples("audio")
    write(tmp_path / "a.zip", Result(X))
    back = dataset(tmp_path / "a.zip").X
    assert back.rate == X.rate
    for a, b in zip(X, back, strict=True):
        np.testing.assert_allclose(a, b, atol=2 / 32768)


def test_venero_data_says_and_writes(tmp_path, venero):
    (tmp_path / "w.csv").write_text("k,a,b,c\nu,1,2,3\nv,4,5,\n")
    said = venero("data", tmp_path / "w.csv", "--read", "wide", "--target", "k", "-o", tmp_path / "o.csv")
    assert "2 series of 2 to 3 steps and 1 channel" in said.out, said.err
    assert pd.read_csv(tmp_path / "o.csv")["label"].tolist() == ["u"] * 3 + ["v"] * 2
