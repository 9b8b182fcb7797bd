"""Where data come from: names, files, downloads; what tables hold; splits; refusals."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from venero import Dataset, dataset
from venero.data import datasets, idx
from venero.data.tablefiles import read_table

# --- names ---


def test_digits_are_the_bundled_ones_as_8_bit_greys():
    data = dataset("digits")
    np.testing.assert_array_equal(np.rint(data.X / (255 / 16)), load_digits().images)
    assert (data.X.min(), data.X.max()) == (0, 255)
    np.testing.assert_array_equal(data.y, load_digits().target)
    assert "x * 255 // 16" in data.describe()
    assert "1797 images of 8x8 pixels" in data.describe()


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes"), [("iris", 150, 4, 3), ("wine", 178, 13, 3), ("breast_cancer", 569, 30, 2)]
)
def test_bundled_tables(name, rows, columns, classes):
    data = dataset(name)
    assert data.X.shape == (rows, columns)
    assert data.feature_names == tuple(data.X.columns)
    assert len(data.class_names) == classes
    assert np.unique(data.y).tolist() == list(range(classes))


def test_measurements_are_no_classes():
    data = dataset("diabetes")
    assert (data.y.dtype, data.class_names) == (np.float64, ())
    assert "y: numbers from 25 to 346" in data.describe()


@pytest.mark.parametrize(
    ("source", "options", "problem", "way_out"),
    [
        ("digts", {}, "source = 'digts'", "did you mean 'digits'?"),
        ("no/such.csv", {}, "no/such.csv does not exist", "check the path"),
        ("nothing.csv", {}, "nothing.csv does not exist", "check the path"),
        ("iris", {"target": "species"}, "target = 'species'", "leave it out"),
        ("digits", {"size": 8}, "size = 8", "leave it out"),
        ("openml:", {}, "'openml:'", "openml:NAME"),
        ("openml:adult:x", {}, "'openml:adult:x'", "openml:NAME:VERSION"),
    ],
)
def test_what_names_refuse(source, options, problem, way_out, refused):
    with refused(problem, way_out):
        dataset(source, **options)


def test_a_run_folder_is_not_data(tmp_path, refused):
    (tmp_path / "model.json").write_text("{}")
    with refused("is a run or a saved model", "pass what it was fitted on"):
        dataset(tmp_path)


def test_files_of_unknown_kinds(tmp_path, refused):
    for name in ("x.xlsx", "x.pkl", "x.npy.gz"):
        (tmp_path / name).write_bytes(b"x")
        with refused(f"{name} is of an unknown kind", ".npy, .npz, .csv"):
            dataset(tmp_path / name)


# --- MNIST and its kin ---


def write_idx(file, array):
    head = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    content = head + array.astype(np.uint8).tobytes()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)
    return content


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A published data set like MNIST, served from a folder."""
    rng = np.random.default_rng(0)
    shapes = [(20, 5, 4), (20,), (6, 5, 4), (6,)]
    for part, shape in zip(idx.PARTS, shapes, strict=True):
        write_idx(tmp_path / "server" / f"{part}.gz", rng.integers(0, 10, shape))
    sums = tuple(hashlib.md5((tmp_path / "server" / f"{part}.gz").read_bytes()).hexdigest() for part in idx.PARTS)
    served = replace(idx.ARCHIVES["mnist"], address=f"{(tmp_path / 'server').as_uri()}/", md5=sums)
    monkeypatch.setitem(idx.ARCHIVES, "mnist", served)
    monkeypatch.delenv("VENERO_DATA", raising=False)
    return tmp_path / "server"


def test_download_checks_and_keeps(archive, tmp_path, monkeypatch):
    data = dataset("mnist", data_home=tmp_path / "home")
    assert data.X.shape == (20, 5, 4)
    assert data.test.X.shape == (6, 5, 4)
    np.testing.assert_array_equal(data.X, idx.read_idx(archive / "train-images-idx3-ubyte.gz"))
    assert data.class_names == tuple("0123456789")
    assert (data.provenance["licence"], len(data.provenance["sha256"])) == ("CC BY-SA 3.0", 4)
    monkeypatch.setattr(idx, "urlopen", None)  # not needed any more
    assert len(dataset("mnist", data_home=tmp_path / "home")) == 20


def test_what_was_not_published_is_not_kept(archive, tmp_path, refused):
    write_idx(archive / "t10k-images-idx3-ubyte.gz", np.zeros((6, 5, 4)))
    with refused("is not the file that was published", "try again"):
        dataset("mnist", data_home=tmp_path / "home")
    assert not (tmp_path / "home/mnist/t10k-images-idx3-ubyte.gz").exists()


def test_without_network_the_error_says_where_to_put_the_files(archive, tmp_path, monkeypatch, refused):
    def unreachable(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(idx, "urlopen", unreachable)
    with refused("mnist can't be downloaded", "no route to host", str(tmp_path / "home/mnist"), "VENERO_DATA"):
        dataset("mnist", data_home=tmp_path / "home")


@pytest.mark.parametrize("place", ["mnist", "."])
def test_venero_data_names_a_folder(archive, tmp_path, monkeypatch, place):
    for name in ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"):  # unpacked, and with a dot
        packed = (archive / f"{name.replace('.', '-')}.gz").read_bytes()
        (tmp_path / "data" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / place / name).write_bytes(gzip.decompress(packed))
    monkeypatch.setenv("VENERO_DATA", str(tmp_path / "data"))
    data = dataset("mnist", data_home=tmp_path / "home")
    assert (len(data), data.test) == (20, None)
    assert not (tmp_path / "home").exists()


def test_a_folder_of_idx_files_by_its_path(archive):
    data = dataset(archive)
    assert (data.name, len(data), len(data.test)) == ("server", 20, 6)
    train, test = data.split()
    assert (train.X is data.X, train.test, test) == (True, None, data.test)


def test_damaged_idx_files(archive, refused):
    images, labels = archive / "train-images-idx3-ubyte.gz", archive / "train-labels-idx1-ubyte.gz"
    packed, content = images.read_bytes(), gzip.decompress(images.read_bytes())
    for damaged, problem in [
        (packed[:-30], "cut short or damaged"),
        (packed[:50] + b"\0\0\0\0" + packed[54:], "cut short or damaged"),
        (content[:-1], "415 bytes, and 416 are due"),
        (content[:10], "cut short or damaged"),
        (b"PK\3\4" + content, "no IDX file"),
        (b"", "no IDX file"),
    ]:
        images.write_bytes(damaged)
        with refused(str(images), problem, "download it again"):
            dataset(archive)
    images.write_bytes(packed)
    with refused("one file of several", f"pass its folder, {archive}"):
        dataset(images)
    write_idx(labels, np.zeros(19))
    with refused("(20, 5, 4)", "(19,)", "don't belong together"):
        dataset(archive)
    labels.unlink()
    with refused("has no labels beside it", "train-labels-idx1-ubyte.gz"):
        dataset(archive)


def test_idx_files_of_other_types(tmp_path):
    values = np.array([[1.5, -2.0]])
    (tmp_path / "x").write_bytes(struct.pack(">4B2I", 0, 0, 0x0E, 2, 1, 2) + values.astype(">f8").tobytes())
    np.testing.assert_array_equal(idx.read_idx(tmp_path / "x"), values)


def test_the_real_mnist(real_data):
    if not (real_data / "mnist").is_dir():
        pytest.skip("no MNIST in the folder of real data")
    data = dataset(real_data / "mnist")
    assert (data.X.shape, data.test.X.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert data.X.mean() == pytest.approx(33.3184, abs=1e-4)  # 0.1307 of 255, as every tutorial has it
    assert np.bincount(data.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


# --- arrays ---


def test_npy_files_stay_on_disk(tmp_path):
    X = np.random.default_rng(0).random((10, 3))
    np.save(tmp_path / "x.npy", X)
    data = dataset(tmp_path / "x.npy")
    assert isinstance(data.X, np.memmap)
    np.testing.assert_array_equal(data.X, X)
    assert data.provenance["sha256"] == {"x.npy": hashlib.sha256((tmp_path / "x.npy").read_bytes()).hexdigest()}
    assert "10 rows and 3 columns, float64, on disk" in data.describe()


def test_npz_files_with_an_official_split(tmp_path):
    X = np.arange(8 * 12, dtype=np.uint8).reshape(8, 2, 2, 3)
    y = np.array([2, 0, 2, 0, 0, 2, 2, 0])
    np.savez(tmp_path / "a.npz", x_train=X[:5], y_train=y[:5], x_test=X[5:], y_test=y[5:], classes=np.array(["a", "b", "c"]))
    train, test = dataset(tmp_path / "a.npz").split()
    np.testing.assert_array_equal(test.X, X[5:])
    assert train.class_names == test.class_names == ("a", "b", "c")
    assert (train.y.tolist(), test.y.tolist()) == ([2, 0, 2, 0, 0], [2, 2, 0])
    np.savez(tmp_path / "b.npz", x_train=X[:5], y_train=y[:5], x_test=X[5:], y_test=y[5:])
    train, test = dataset(tmp_path / "b.npz").split()
    assert train.class_names == test.class_names == ("0", "2")
    assert test.y.tolist() == [1, 1, 0]


def test_npz_files_with_or_without_y(tmp_path):
    X = np.random.default_rng(0).random((50, 2))
    np.savez(tmp_path / "a.npz", X=X, y=np.where(X[:, 0] > 0.5, "yes", "no"))
    data = dataset(tmp_path / "a.npz")
    np.testing.assert_array_equal(np.array(data.class_names)[data.y] == "yes", X[:, 0] > 0.5)
    np.savez(tmp_path / "b.npz", X=X, y=X[:, 0])
    np.testing.assert_array_equal(dataset(tmp_path / "b.npz").y, X[:, 0])
    np.savez(tmp_path / "c.npz", anything=X)
    assert dataset(tmp_path / "c.npz").y is None


def test_what_array_files_refuse(tmp_path, refused):
    good = np.eye(3)
    np.save(tmp_path / "objects.npy", np.array([{1: 2}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "objects.npz", X=np.array([{1: 2}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "names.npz", signal=good, offset=good)
    np.savez(tmp_path / "labels.npz", X=good, y=np.zeros(2))
    np.save(tmp_path / "flat.npy", good.ravel())
    np.save(tmp_path / "none.npy", good[:0])
    np.save(tmp_path / "cut.npy", good)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-9])
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(good))
    (tmp_path / "text.npz").write_text("some text")
    np.savez(tmp_path / "cut.npz", X=good)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:-40])
    (tmp_path / "named.npz").write_bytes((tmp_path / "none.npy").read_bytes())
    (tmp_path / "named.npy").write_bytes((tmp_path / "names.npz").read_bytes())
    for name, problem, way_out in [
        ("objects.npy", "pickled", "save plain arrays"),
        ("objects.npz", "pickled", "save plain arrays"),
        ("pickle.npy", "pickled", "save plain arrays"),
        ("text.npz", "can't be read", "damaged"),
        ("names.npz", "holds signal, offset", "name its arrays X and y"),
        ("labels.npz", "y has shape (2,) beside 3 rows", "one label"),
        ("flat.npy", "shape (9,)", "X.reshape(-1, 1)"),
        ("none.npy", "0 rows", "at least 1"),
        ("cut.npy", "can't be read", "damaged"),
        ("empty.npy", "can't be read", "damaged"),
        ("cut.npz", "can't be read", "damaged"),
        ("named.npz", "single array", "rename it to .npy"),
        ("named.npy", "archive", "rename it to .npz"),
    ]:
        with refused(name, problem, way_out):
            dataset(tmp_path / name)
    with refused("target = 'y'", "leave it out"):
        dataset(tmp_path / "flat.npy", target="y")
    with refused("size = 8", "leave it out"):
        dataset(tmp_path / "flat.npy", size=8)


# --- tables ---


def write(tmp_path, text, name="t.csv"):
    file = tmp_path / name
    content = text.encode()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file


MIXED = "age, city,member,since,income\n30, Lima,True,2020-01-05,1.5\n?, Oslo,False,2021-03-01,\n41,,,2019-12-31,2.5\n"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.tsv.gz"])
def test_columns_find_their_types(tmp_path, name):
    text = MIXED.replace(",", "\t") if "tsv" in name else MIXED
    frame = dataset(write(tmp_path, text, name)).X
    expected = pd.DataFrame(
        {
            "age": [30, np.nan, 41],
            "city": pd.Categorical(["Lima", "Oslo", None]),
            "member": pd.array([True, False, None], dtype="boolean"),
            "since": pd.to_datetime(["2020-01-05", "2021-03-01", "2019-12-31"]),
            "income": [1.5, np.nan, 2.5],
        }
    )
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)
    kinds = [str(dtype).partition("[")[0] for dtype in frame.dtypes]
    assert kinds == ["float64", "category", "boolean", "datetime64", "float64"]


def test_parquet_keeps_types(tmp_path):
    frame = pd.DataFrame(
        {"a": np.array([1, 2], np.int16), "b": ["x", "y"], "t": pd.to_datetime(["2020-01-05", "2021-03-01"])}, index=[5, 6]
    )
    frame.to_parquet(tmp_path / "t.parquet")
    X = dataset(tmp_path / "t.parquet").X
    pd.testing.assert_frame_equal(X, frame.astype({"b": "category"}).reset_index(drop=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n3,4\n", ["a", "b"]),
        ("1,2\n3,4\n", ["0", "1"]),
        ("M,0.4,15\nF,0.3,7\n", ["0", "1", "2"]),
        ("id,2019,2020\n1,2,3\n4,5,6\n", ["id", "2019", "2020"]),
        ("p,x,n\ne,x,n\np,y,n\ne,x,m\n", ["0", "1", "2"]),
        ("name,town\nAnn,Rome\nBob,Rome\n", ["name", "town"]),
        (",a,b\n0,1,x\n1,3,y\n", ["a", "b"]),
        ("?,1,u\n3,2,v\n", ["0", "1", "2"]),
        ("a;b\n1,5;2\n3;4\n", ["a", "b"]),
        ("a|b\nx|2\ny|4\n", ["a", "b"]),
        ('a,"b, c"\n1,"x, y"\n2,z\n', ["a", "b, c"]),
        ("\ufeffa,b\r\n1,2\r\n", ["a", "b"]),
        ("value\n1\n2\n", ["value"]),
    ],
)
def test_header_and_delimiter_are_told(tmp_path, text, names):
    assert list(read_table(write(tmp_path, text)).columns) == names


def test_decimal_commas(tmp_path):
    frame = read_table(write(tmp_path, "a;b\n1,5;x\n-0,25;y\n"))
    assert frame["a"].tolist() == [1.5, -0.25]


def test_texts_without_repeats_stay_texts(tmp_path):
    frame = read_table(write(tmp_path, "id,n\n" + "".join(f"name {i},{i}\n" for i in range(300))))
    assert not isinstance(frame["id"].dtype, pd.CategoricalDtype)


def test_target_by_name_or_place(tmp_path):
    file = write(tmp_path, "x,kind\n1,b\n2,a\n3,b\n")
    for target in ("kind", 1, "1", -1, "-1"):
        data = dataset(file, target=target)
        assert (data.y.tolist(), data.class_names, data.feature_names) == ([1, 0, 1], ("a", "b"), ("x",))
    assert dataset(file, target="x").class_names == ("1", "2", "3")
    many = write(tmp_path, "x,y\n" + "".join(f"{i},{i * 2}\n" for i in range(30)))
    assert dataset(many, target="y").y.tolist() == [2.0 * i for i in range(30)]


def test_what_tables_refuse(tmp_path, refused):
    numbers = "".join(f"{i}\n" for i in range(100))
    for text, problem, way_out in [
        ("", "is empty", "a header and rows"),
        ("\n \n", "is empty", "a header and rows"),
        ("a,b\n", "no rows", "at least one"),
        ("a,b\n1,2\n3,4,5\n", "Expected 2 fields in line 3, saw 3", "correct that line"),
        ("a b c\n1 2 3\n4 5 6\n", "can't tell the columns apart", "commas, semicolons or tabs"),
        (f"n\n{numbers}abc\n", "column 'n' holds numbers and the text 'abc' (row 101)", "leave it empty"),
        ("a\0,b\n1,2\n", "zero bytes", "UTF-8"),
    ]:
        with refused("t.csv", problem, way_out):
            dataset(write(tmp_path, text))
    (tmp_path / "latin.csv").write_bytes("name,n\nJosé,1\n".encode("latin-1"))
    with refused("latin.csv is not UTF-8 text (byte 0xe9 at 10)", "UTF-8 encoding"):
        dataset(tmp_path / "latin.csv")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(MIXED.encode())[:-12])
    with refused("cut.csv.gz can't be read", "is it whole?"):
        dataset(tmp_path / "cut.csv.gz")
    (tmp_path / "not.csv.gz").write_text(MIXED)
    with refused("not.csv.gz can't be read"):
        dataset(tmp_path / "not.csv.gz")
    (tmp_path / "not.parquet").write_text(MIXED)
    with refused("not.parquet can't be read as parquet", "write it again"):
        dataset(tmp_path / "not.parquet")


def test_what_a_target_refuses(tmp_path, refused):
    file = write(tmp_path, MIXED)
    with refused("no column 'incom'", "did you mean 'income'?"):
        dataset(file, target="incom")
    with refused("5 columns, target = 7", "0..4"):
        dataset(file, target=7)
    with refused("target 'income' is missing in 1 rows", "leave those rows out"):
        dataset(file, target="income")
    with refused("no column besides the target 'a'", "leave target out"):
        dataset(write(tmp_path, "a\n1\n2\n"), target="a")


@pytest.mark.parametrize(
    ("file", "rows", "categories", "missing", "classes"),
    [
        ("adult-train.csv.gz", 32561, 8, 4262, ("<=50K", ">50K")),
        ("german.csv", 1000, 13, 0, ("1", "2")),
        ("abalone.csv", 4177, 1, 0, ()),
    ],
)
def test_real_tables(real_data, file, rows, categories, missing, classes):
    if not (real_data / "tables" / file).is_file():
        pytest.skip(f"no {file} in the folder of real data")
    data = dataset(real_data / "tables" / file, target=-1)
    assert len(data) == rows
    assert data.X.select_dtypes("category").shape[1] == categories
    assert data.X.isna().to_numpy().sum() == missing
    assert data.class_names == classes


def test_openml_tables(monkeypatch, tmp_path, refused):
    asked = {}
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "class": pd.Categorical(["u", "v"])})

    def fetch(**options):
        asked.update(options)
        return Bunch(frame=frame, data=frame[["a", "b"]], target=frame["class"], details={"licence": "CC0"}, url="there")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    data = dataset("openml:adult:2", data_home=tmp_path)
    assert (asked["name"], asked["version"], asked["data_home"]) == ("adult", 2, tmp_path)
    assert (data.feature_names, data.class_names, data.y.tolist()) == (("a", "b"), ("u", "v"), [0, 1])
    assert data.provenance["licence"] == "CC0"
    assert dataset("openml:1590", target="a").class_names == ("1", "2")
    assert asked["data_id"] == 1590

    for error, parts in [
        (URLError("no route"), ("can't be fetched", "check the network")),
        (ValueError("Dataset nix\nnot found"), ("no table there (Dataset nix not found)", "openml.org")),
    ]:

        def fail(error=error, **_):
            raise error

        monkeypatch.setattr("sklearn.datasets.fetch_openml", fail)
        with refused("openml:nix", *parts):
            dataset("openml:nix")


# --- splits ---


def test_split_keeps_the_shares_of_classes_and_every_row_once():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    data = Dataset(np.arange(100)[:, None], y, class_names=("a", "b", "c"))
    train, test = data.split(0.3, random_state=1)
    assert np.bincount(test.y).tolist() == [18, 9, 3]
    np.testing.assert_array_equal(np.sort(np.concatenate([train.X, test.X]), axis=0), data.X)
    np.testing.assert_array_equal(y[test.X.ravel()], test.y)
    again = data.split(0.3, random_state=1)[1]
    np.testing.assert_array_equal(again.X, test.X)
    assert (data.split(0.3, random_state=2)[1].X != test.X).any()


def test_split_keeps_groups_together():
    groups = np.array(list("aabbbccccd"))
    data = Dataset(np.arange(10)[:, None], groups=groups)
    for seed in range(10):
        train, test = data.split(0.3, random_state=seed)
        assert set(train.groups) | set(test.groups) == set("abcd")
        assert not set(train.groups) & set(test.groups)
        assert len(test) >= 3 or len(set(train.groups)) == 1


@pytest.mark.parametrize("y", [None, np.zeros(5, int), np.array([0, 0, 0, 0, 1]), np.arange(5), np.linspace(0, 1, 5)])
def test_split_of_a_few_rows(y):
    names = () if y is None or y.dtype == float else tuple("abcde")
    train, test = Dataset(np.arange(5)[:, None], y, class_names=names).split()
    assert (len(train), len(test)) == (4, 1)


def test_split_of_frames_renumbers_the_rows():
    data = Dataset(pd.DataFrame({"a": range(10)}))
    train, test = data.split()
    assert train.X.index.tolist() == list(range(8))
    assert sorted([*train.X["a"], *test.X["a"]]) == list(range(10))


def test_large_files_are_split_without_reading_them(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.arange(10)[:, None])
    monkeypatch.setattr(datasets, "LARGE", 8)
    train, test = dataset(tmp_path / "x.npy").split()
    assert isinstance(train.X, np.memmap)
    assert (train.X.ravel().tolist(), test.X.ravel().tolist()) == (list(range(8)), [8, 9])


def test_what_split_refuses(refused):
    data = Dataset(np.zeros((3, 2)), name="mine")
    for share in (0, 1, 1.5, -0.1):
        with refused(f"test = {share!r}", "between 0 and 1"):
            data.split(share)
    with refused("mine has 1 rows", "at least 2"):
        data.take(slice(0, 1)).split()
    with refused("group 'a'", "at least 2 groups"):
        replace(data, groups=np.array(["a"] * 3)).split()
