"""Folders of pictures: every mode, orientation and size; labels; refusals that name the file."""

from __future__ import annotations

import logging
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from venero import dataset
from venero.data.images import read_folder

GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)


def save(folder, **images):
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in images.items():
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(folder / f"{name}.png")
    return folder


def with_alpha(pixels, alpha):
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), alpha, np.uint8)], axis=-1)


def test_a_flat_folder_of_greys(tmp_path):
    data = dataset(str(save(tmp_path / "pics", b=GREY[::-1], a=GREY)))
    np.testing.assert_array_equal(data.X, [GREY, GREY[::-1]])  # in the order of the names
    assert (data.X.dtype, data.y, data.name, data.kind) == (np.uint8, None, "pics", "image")
    both = b"".join((tmp_path / "pics" / f).read_bytes() for f in ("a.png", "b.png"))
    assert data.provenance["sha256"] == {"all 2 images": sha256(both).hexdigest()}


def test_subfolders_are_classes_however_deep(tmp_path):
    save(tmp_path / "dog" / "big", a=COLOUR)
    save(tmp_path / "dog", b=COLOUR)
    save(tmp_path / "cat", c=COLOUR)
    data = dataset(tmp_path)
    assert data.X.shape == (3, 4, 6, 3)
    assert data.class_names == ("cat", "dog")
    assert data.y.tolist() == [0, 1, 1]


def test_train_and_test_folders_are_the_official_split(tmp_path, refused):
    for part, shade in (("train", 10), ("test", 200)):
        for name in ("cat", "dog"):
            save(tmp_path / part / name, a=np.full_like(GREY, shade))
    train, test = dataset(tmp_path).split()
    assert (train.X.max(), test.X.min()) == (10, 200)
    assert train.class_names == test.class_names == ("cat", "dog")
    save(tmp_path / "test" / "emu", a=GREY)
    with refused("train has images and classes", "make them equal"):
        dataset(tmp_path)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(GREY), GREY),
        (Image.fromarray(GREY > 90), np.where(GREY > 90, 255, 0)),
        (Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
        (Image.fromarray(GREY).convert("P"), GREY),
        (Image.fromarray(np.stack([GREY, np.full_like(GREY, 255)], -1)), GREY),
        (Image.fromarray(np.stack([GREY, np.zeros_like(GREY)], -1)), np.full_like(GREY, 255)),
        (Image.fromarray(COLOUR), COLOUR),
        (Image.fromarray(with_alpha(COLOUR, 255)), COLOUR),
        (Image.fromarray(with_alpha(COLOUR, 0)), np.full_like(COLOUR, 255)),
        (Image.fromarray(with_alpha(np.zeros_like(COLOUR), 128)), np.full_like(COLOUR, 127)),
        (Image.fromarray(COLOUR).quantize(24), COLOUR),
    ],
    ids=[
        "8 bits",
        "1 bit",
        "16 bits",
        "grey palette",
        "grey on white",
        "clear grey",
        "RGB",
        "opaque",
        "clear",
        "half",
        "palette",
    ],
)
def test_modes(tmp_path, image, expected):
    X = read_folder(save(tmp_path, a=image)).X
    assert X.dtype == np.uint8
    np.testing.assert_allclose(X[0].astype(int), expected, atol=1 if image.mode == "RGBA" else 0)


def test_greys_join_colours(tmp_path):
    X = read_folder(save(tmp_path, a=GREY, b=COLOUR)).X
    np.testing.assert_array_equal(X, [np.stack([GREY] * 3, -1), COLOUR])


def test_other_formats_and_floats(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.bmp")
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "b.tiff")
    Image.fromarray(np.full((40, 60, 3), 77, np.uint8)).resize((6, 4)).save(tmp_path / "c.JPG")
    X = read_folder(tmp_path).X
    np.testing.assert_array_equal(X[:2], [COLOUR, COLOUR])
    assert np.abs(X[2].astype(int) - 77).max() <= 1
    floats = tmp_path / "floats"
    floats.mkdir()
    Image.fromarray((GREY / 255).astype(np.float32)).save(floats / "a.tiff")
    np.testing.assert_array_equal(read_folder(floats).X, [GREY])


def test_orientation_is_obeyed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    X = read_folder(tmp_path).X
    np.testing.assert_array_equal(X[0], np.rot90(GREY, -1))


def test_resizing_averages_what_it_drops(tmp_path):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    save(tmp_path, a=stripes, b=stripes[:32])
    X = dataset(str(tmp_path), size=8).X
    assert X.shape == (2, 8, 8)
    assert np.abs(X[:, :, 2:-2].astype(int) - 127).max() <= 6  # nearest neighbours would be all 0 or all 255
    assert dataset(str(tmp_path), size=(4, 16)).X.shape == (2, 4, 16)


def test_other_files_are_left_out_and_counted(tmp_path, caplog):
    save(tmp_path, a=GREY)
    for name in ("notes.txt", ".hidden.png", "Thumbs.db"):
        (tmp_path / name).write_text("no image")
    save(tmp_path / ".cache", z=COLOUR)
    with caplog.at_level(logging.INFO, "venero"):
        assert read_folder(tmp_path).X.shape == (1, 4, 6)
    assert "2 files" in caplog.text


def test_mixed_sizes_name_the_odd_file_and_the_way_out(tmp_path, refused):
    save(tmp_path, a=GREY, b=GREY, odd=GREY[:, :3])
    with refused("odd.png is 4x3", "4x6", "size=4 or size=(4, 6)"):
        dataset(tmp_path)


def test_unreadable_images_are_named(tmp_path, refused):
    save(tmp_path, a=np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
    whole = (tmp_path / "a.png").read_bytes()
    for content in (b"", b"not an image", whole[:60], whole[: len(whole) // 2], whole[:2000] + bytes(300) + whole[2300:]):
        (tmp_path / "broken.png").write_bytes(content)
        with refused("broken.png can't be read as an image", "repair or remove it"):
            dataset(tmp_path)


def test_values_out_of_range_are_named(tmp_path, refused):
    Image.fromarray((GREY * 3.0).astype(np.float32)).save(tmp_path / "deep.tiff")
    with refused("deep.tiff has values 0 to 690, outside 0..1", "convert it to 8 bits"):
        dataset(tmp_path)


def test_folders_without_images(tmp_path, refused):
    with refused("holds no images", "put PNG or JPEG files there"):
        dataset(tmp_path)
    np.save(tmp_path / "x.npy", GREY)
    with refused("holds no images", "pass the file itself", "x.npy"):
        dataset(tmp_path)


def test_what_else_a_folder_refuses(tmp_path, refused):
    save(tmp_path / "cat", a=GREY)
    with refused("target = 'y' is for tables", "leave it out"):
        dataset(tmp_path, target="y")
    for size in (0, (3,), (4, -1)):
        with refused(f"size = {size!r}", "(height, width)"):
            dataset(tmp_path, size=size)
    save(tmp_path, b=GREY)
    with refused("both itself and in 'cat'", "one per class"):
        dataset(tmp_path)


def test_one_image_suggests_its_folder(tmp_path, refused):
    save(tmp_path, a=GREY)
    with refused("a.png is a single image", f"pass its folder, {tmp_path}"):
        dataset(tmp_path / "a.png")
