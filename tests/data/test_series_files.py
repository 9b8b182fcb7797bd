"""Series and texts in files: .ts, wide and long tables, .txt."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import venero
from venero.core.errors import DataError
from venero.data.datasets import Dataset
from venero.data.series import Series
from venero.data.sources import dataset

HEAD = "# a comment\n@problemName p\n@timeStamps false\n@univariate false\n@classLabel true b a\n@data\n"
TRAIN = HEAD + "1,2,3:4,?,6:a\n7,8:9,10:b\n"


def written(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("suffix", [".ts", ".ts.gz"])
def test_ts_files_and_their_test_set(tmp_path, suffix):
    train = written(tmp_path / f"p_TRAIN{suffix}", TRAIN)
    written(tmp_path / f"p_TEST{suffix}", HEAD + "0:1:b\n")
    for source in (train, tmp_path / "p.ts"):
        data = dataset(source)
        assert (data.kind, data.name, data.class_names) == ("series", "p", ("a", "b"))
        np.testing.assert_array_equal(data.X[0], [[1, 4], [2, np.nan], [3, 6]])
        np.testing.assert_array_equal(data.X[1], [[7, 9], [8, 10]])
        assert data.y.tolist() == [0, 1]
        first, last = data.split()
        assert (len(first), len(last), last.y.tolist()) == (2, 1, [1])
    assert "official test split: 1" in data.describe()
    assert "2 series of 2 to 3 steps and 2 channels, 1 missing values" in data.describe()
    assert dataset(tmp_path / f"p_TEST{suffix}").test is None


def test_ts_values_instead_of_classes(tmp_path):
    data = dataset(written(tmp_path / "a.ts", "@targetLabel true\n@data\n1,2:0.5\n3,4:1.25\n"))
    assert data.y.tolist() == [0.5, 1.25]
    assert data.class_names == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD + "1,2:3:a\n", "line 7: its channels are 2, 1 steps long"),
        (HEAD + "1,x:3,4:a\n", "line 7: could not convert.*'x'"),
        (HEAD + "1:2:a\n1:a\n", "series of 1 and of 2 channels"),
        (HEAD, "no series below @data"),
        (HEAD.replace("timeStamps false", "timeStamps true") + "(1,2):a\n", "time stamps are not read"),
        (HEAD + "a\n", "line 7: no values before the label"),
    ],
)
def test_ts_files_that_are_wrong(tmp_path, text, problem):
    with pytest.raises(DataError, match=problem) as e:
        dataset(written(tmp_path / "a.ts", text))
    assert "\n" not in str(e.value)


def test_wide_tables(tmp_path):
    file = written(tmp_path / "w.csv", "class,t0,t1,t2\nu,1,2,3\nv,4,5,\nu,6,,7\n")
    data = dataset(file, read="wide", target="class")
    assert [x[:, 0].tolist() for x in data.X[:2]] == [[1, 2, 3], [4, 5]]
    assert np.isnan(data.X[2][1, 0]), "a gap inside stays one"
    assert (data.y.tolist(), data.class_names) == ([0, 1, 0], ("u", "v"))
    with pytest.raises(DataError, match="column 'class' holds no numbers"):
        dataset(file, read="wide")
    with pytest.raises(DataError, match="row 1 has no values"):
        dataset(written(tmp_path / "e.csv", "a,b\n1,2\n,\n3,4\n").rename(tmp_path / "e2.csv"), read="wide")


def test_long_tables(tmp_path):
    text = "who,hour,pulse,kind,temp\np2,1,60,x,36\np1,2,80,y,37\np2,0,61,x,\np1,1,82,y,38\np1,3,84,y,39\n"
    file = written(tmp_path / "l.csv", text)
    for read in ("long", "long:who,hour"):
        data = dataset(file, read=read, target="kind")
        assert data.feature_names == ("pulse", "temp")
        np.testing.assert_array_equal(data.X[0], [[61, np.nan], [60, 36]])
        np.testing.assert_array_equal(data.X[1], [[82, 38], [80, 37], [84, 39]])
        assert [data.class_names[i] for i in data.y] == ["x", "y"]
    for read, target, problem in (
        ("long:who", None, "name the columns of the series' id and of the time"),
        ("long:who,hours", None, "no column 'hours'; did you mean 'hour'"),
        ("long", None, "'kind' holds no numbers"),
        ("square", None, "read = 'square'"),
    ):
        with pytest.raises(DataError, match=problem):
            dataset(file, read=read, target=target)
    with pytest.raises(DataError, match="series 1 has 2 different values of 'd'"):
        dataset(written(tmp_path / "d.csv", "a,b,c,d\n1,1,5,0\n1,2,6,1\n"), read="long", target="d")
    twice = written(tmp_path / "t.csv", "a,b,c\n1,1,5\n1,1,6\n")
    with pytest.raises(DataError, match="two rows of one time"):
        dataset(twice, read="long")


def test_texts(tmp_path):
    file = written(tmp_path / "a.txt", "to be\r\nor not\n\n\nto be\n")
    assert dataset(file).X == ["to be\nor not\n\n\nto be\n"]
    assert dataset(file, read="lines").X == ["to be", "or not", "to be"]
    assert dataset(file, read="paragraphs").X == ["to be\nor not", "to be"]
    assert dataset(file).kind == "text"
    first, last = dataset(file).split(0.25)
    assert first.X[0] + last.X[0] == dataset(file).X[0], "one text is cut, and its end is the test"
    assert len(last.X[0]) == round(0.25 * 21)
    with pytest.raises(DataError, match="read = 'words'"):
        dataset(file, read="words")
    (tmp_path / "bad.txt").write_bytes(b"na\xefve")
    with pytest.raises(DataError, match="not UTF-8 text \\(byte 0xef at 2\\)"):
        dataset(tmp_path / "bad.txt")


def test_folders_of_texts(tmp_path):
    for kind, name, text in (("x", "1", "a\nb"), ("y", "2", "c"), ("y", "3", "d\ne")):
        (tmp_path / kind).mkdir(exist_ok=True)
        written(tmp_path / kind / f"{name}.txt", text)
    data = dataset(tmp_path)
    assert (data.X, data.y.tolist(), data.class_names) == (["a\nb", "c", "d\ne"], [0, 1, 1], ("x", "y"))
    lines = dataset(tmp_path, read="lines")
    assert lines.X == ["a", "b", "c", "d", "e"]
    assert lines.groups.tolist()[:2] == ["x/1.txt"] * 2
    train, test = lines.split(0.4)
    assert not set(train.groups) & set(test.groups)


def test_sequences_are_taken_and_split():
    X = Series([np.full((t, 1), t) for t in range(1, 11)])
    data = Dataset(X, y=np.arange(10) % 2, class_names=("a", "b"))
    some = data.take(np.array([3, 1]))
    assert isinstance(some.X, Series)
    assert [len(x) for x in some.X] == [4, 2]
    assert [len(x) for x in data.take(data.y == 1).X] == [2, 4, 6, 8, 10]
    train, test = data.split(0.4, random_state=1)
    assert sorted(len(x) for x in [*train.X, *test.X]) == list(range(1, 11))
    assert np.bincount(test.y).tolist() == [2, 2], "in equal shares"


def test_the_real_vowels(real_data):
    data = venero.dataset(real_data / "series" / "JapaneseVowels.ts")
    assert (len(data), len(data.test), data.X[0].shape[1], len(data.class_names)) == (270, 370, 12, 9)
    assert {len(x) for x in data.X} <= set(range(7, 30))
