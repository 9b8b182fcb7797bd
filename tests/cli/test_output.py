"""Files: the suffix says how a result is written, and what is written is the result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from calling import pixels

from venero.cli.output import WRITERS, Result, check_suffix, grid, kind, over, write
from venero.core.errors import VeneroError


def test_kinds():
    assert kind(np.zeros((2, 3))) == "numbers"
    assert kind(np.zeros((2, 3, 4, 1))) == "images"
    assert kind(pd.DataFrame({"a": [1.5], "b": [True]})) == "numbers"
    assert kind(pd.DataFrame({"a": ["x"]})) == "a table of mixed columns"


@pytest.mark.parametrize("what", WRITERS)
def test_an_impossible_suffix_names_the_possible_ones(tmp_path, what):
    with pytest.raises(VeneroError, match=", ".join(WRITERS[what])):
        check_suffix(tmp_path / "x.docx", what)


def test_a_grid_holds_every_image_enlarged_by_a_whole_factor(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    write(tmp_path / "x.png", Result(images, columns=3))
    sheet = pixels(tmp_path / "x.png")
    assert sheet.shape == (2 * 64 + 2, 3 * 64 + 2 * 2, 4)
    for i, image in enumerate(images):
        top, left = i // 3 * 66, i % 3 * 66
        tile = sheet[top : top + 64, left : left + 64]
        assert (tile[::8, ::8, 0] == image).all()
        assert (tile[7::8, 7::8, :3] == image[..., None]).all()
    assert (sheet[66:, 2 * 66 :, 3] == 0).all()  # where there is no image


def test_any_images_are_pictures():
    rng = np.random.default_rng(0)
    grey = rng.random((3, 31, 45)).astype(np.float32)
    assert (grid(grey)[:31, :45, 0] == np.rint(grey[0] * 255)).all()
    assert (grid(grey > 0.5)[:31, :45, 0] == 255 * (grey[0] > 0.5)).all()
    colour = rng.integers(0, 256, (2, 70, 50, 3)).astype(np.uint8)
    assert (grid(colour)[:70, :50, :3] == colour[0]).all()
    with pytest.raises(VeneroError, match="2 channels"):
        grid(rng.random((1, 8, 8, 2)))


def test_rows_of_images_stand_over_rows_of_their_counterparts():
    above = np.arange(20, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    picture, columns = over(above, above + 100)
    assert columns == 16
    assert picture[:, 0, 0].tolist() == [*range(16), *range(100, 116), *range(16, 20), *[0] * 12, *range(116, 120), *[0] * 12]


def test_numbers_come_back(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    result = Result(values, names=("z0", "z1"), extra={"label": list("abca")})
    for suffix in (".npy", ".csv", ".parquet"):
        write(tmp_path / f"x{suffix}", result)
    assert (np.load(tmp_path / "x.npy") == values).all()
    for table in (pd.read_csv(tmp_path / "x.csv"), pd.read_parquet(tmp_path / "x.parquet")):
        assert list(table.columns) == ["z0", "z1", "label"]
        assert np.allclose(table[["z0", "z1"]], values)
        assert table["label"].tolist() == list("abca")


def test_a_mixed_table_comes_back(tmp_path):
    table = pd.DataFrame(
        {"age": [1.5, None], "city": pd.Categorical(["Quito", "Lima"]), "n": pd.array([1, None], dtype="Int64")}
    )
    write(tmp_path / "x.parquet", Result(table))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "x.parquet"), table)
    with pytest.raises(VeneroError, match=r"x\.npy: a table of mixed columns can be written as \.csv, \.parquet"):
        write(tmp_path / "x.npy", Result(table))


def test_a_table_is_not_changed_by_writing(tmp_path):
    table = pd.DataFrame({0: [1.0], 1: [2.0]})
    write(tmp_path / "x.parquet", Result(table, extra={"label": [3]}))
    assert list(table.columns) == [0, 1]


def test_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "x.npy", Result(np.zeros((1, 2))))
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["x.npy"]
