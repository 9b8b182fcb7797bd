"""Folders of pictures as arrays: (n, H, W) if all are grey, else (n, H, W, 3); uint8."""

from __future__ import annotations

import logging
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from venero.core.errors import DataError

log = logging.getLogger("venero")

Size = tuple[int, int]  # height, width
_GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F"}
_DEEP = {"I", "I;16", "I;16B", "I;16L"}
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that swap height and width
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Pictures:
    """What a folder of images holds."""

    X: NDArray[np.uint8]
    y: NDArray[np.int64] | None  # places in `classes`
    classes: tuple[str, ...]
    sha256: str  # of all files' bytes, in the order of X


def find_images(folder: Path) -> list[Path]:
    """The image files in a folder and below it, sorted; hidden files and folders are left out."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and not _hidden(f.relative_to(folder))]
    images = [f for f in files if is_image(f)]
    if images and len(files) > len(images):
        log.info("%s: %d files that are no images are ignored", folder, len(files) - len(images))
    return images


def is_image(file: Path) -> bool:
    """Whether Pillow reads files with this suffix."""
    kinds = Image.registered_extensions()
    return kinds.get(file.suffix.lower()) in Image.OPEN


def read_folder(folder: Path, size: Size | None = None) -> Pictures:
    """Read all images; subfolders are classes; `size` (H, W) resizes each, whole, with antialiasing.

    Transparent parts become white, 16-bit greys 8-bit, and orientation marks (EXIF) are obeyed. DataError names the first
    image that can't be read or has another size than most.
    """
    files = find_images(folder)
    if not files:
        raise DataError(f"{folder} holds no images: put PNG or JPEG files there, or in one subfolder per class")
    classes = _classes(folder, files)
    heads = [_head(f) for f in files]
    height, width = size or _common_size(files, [h for h, _ in heads])
    grey = all(is_grey for _, is_grey in heads)
    X = np.empty((len(files), height, width) if grey else (len(files), height, width, 3), np.uint8)
    digest = sha256()
    for i, file in enumerate(files):
        content = file.read_bytes()
        digest.update(content)
        X[i] = _pixels(file, content, grey, (height, width))
    return Pictures(X, _labels(folder, files, classes), classes, digest.hexdigest())


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _classes(folder: Path, files: Iterable[Path]) -> tuple[str, ...]:
    """Names of the subfolders that hold images; none where the folder itself holds them."""
    first = {f.relative_to(folder).parts[0] if f.parent != folder else "" for f in files}
    if "" in first and len(first) > 1:
        inside = sorted(first)[1]
        raise DataError(f"{folder} holds images both itself and in {inside!r}: move them all into subfolders, one per class")
    return tuple(sorted(first - {""}))


def _labels(folder: Path, files: list[Path], classes: tuple[str, ...]) -> NDArray[np.int64] | None:
    if not classes:
        return None
    place = {name: i for i, name in enumerate(classes)}
    return np.array([place[f.relative_to(folder).parts[0]] for f in files], np.int64)


def _common_size(files: list[Path], sizes: list[Size]) -> Size:
    common = Counter(sizes).most_common(1)[0][0]
    for file, size in zip(files, sizes, strict=True):
        if size != common:
            raise DataError(
                f"{file} is {_by(size)} pixels where most images are {_by(common)} (height x width): "
                f"pass size={min(common)} or size=({common[0]}, {common[1]}) to resize all, or remove it"
            )
    return common


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn Pillow's many errors into one that names the file."""
    try:
        yield
    except DataError:
        raise
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0].replace("<_io.BytesIO object", "<bytes")
        raise DataError(f"{file} can't be read as an image ({reason or type(error).__name__}): repair or remove it") from None


def _head(file: Path) -> tuple[Size, bool]:
    """Size as shown, and whether it is grey, without reading the pixels."""
    with _readable(file), Image.open(file) as image:
        width, height = image.size
        sideways = image.getexif().get(0x0112) in _SIDEWAYS
        return (width, height) if sideways else (height, width), image.mode in _GREY or _grey_palette(image)


def _grey_palette(image: Image.Image) -> bool:
    colours = image.getpalette() if image.mode == "P" else None
    return colours is not None and colours[0::3] == colours[1::3] == colours[2::3]


def _pixels(file: Path, content: bytes, grey: bool, size: Size) -> NDArray[Any]:
    with _readable(file), Image.open(BytesIO(content)) as opened:
        image = ImageOps.exif_transpose(opened)
        image = _opaque(_eight_bits(image, file)).convert("L" if grey else "RGB")
        if image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), Image.Resampling.LANCZOS)
        return np.asarray(image)


def _eight_bits(image: Image.Image, file: Path) -> Image.Image:
    """Greys of 16 bits, or floats in 0..1, as 8 bits."""
    if image.mode not in _DEEP | {"F"}:
        return image
    values = np.asarray(image, dtype=np.float64)
    top = 1.0 if image.mode == "F" else 65535.0
    if not (values.min() >= 0 and values.max() <= top):
        raise DataError(f"{file} has values {values.min():g} to {values.max():g}, outside 0..{top:g}: convert it to 8 bits")
    return Image.fromarray(np.rint(values * (255 / top)).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """The image on white where it is transparent."""
    if not image.has_transparency_data:
        return image
    layers = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
