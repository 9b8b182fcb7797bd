"""Sheets of pictures hold the pictures, in their places."""

import numpy as np
import pytest
from scipy.stats import norm

from venero.plots import images


def sheet(figure) -> np.ndarray:
    """The one image that a figure shows."""
    (axes,) = figure.axes
    (shown,) = axes.get_images()
    return shown.get_array()


@pytest.fixture
def faces() -> np.ndarray:
    """Seven grey images of 28 x 30 pixels, (n, H, W) uint8."""
    return np.random.default_rng(0).integers(0, 256, (7, 28, 30)).astype(np.uint8)


def test_pixels_of_every_kind_of_image(faces):
    grey = images.pixels(faces)
    assert grey.shape == (7, 28, 30, 4)
    assert (grey[..., :3] == faces[..., None]).all()
    assert (grey[..., 3] == 255).all()
    assert (images.pixels(faces / 255) == grey).all()
    assert (images.pixels(faces > 127)[..., 0] == np.where(faces > 127, 255, 0)).all()
    colour = np.stack([faces, 255 - faces, faces // 2], axis=-1)
    assert (images.pixels(colour)[..., :3] == colour).all()
    assert (images.pixels(faces[..., None]) == grey).all()
    assert images.pixels(np.zeros((2, 8, 8, 5))).shape == (2, 8, 8, 4)
    assert images.pixels(np.array([[[-0.5, 1.5]]]))[0, 0, :, 0].tolist() == [0, 255]


def test_large_images_are_shrunk_to_block_means():
    x = np.zeros((1, 256, 256), np.uint8)
    x[0, ::2] = 100
    small = images.pixels(x)
    assert small.shape == (1, 128, 128, 4)
    assert (small[..., 0] == 50).all()


def test_tiles_lie_row_by_row(faces):
    x = images.pixels(faces)
    laid = images.tile(x, columns=3, gap=2, below=5)
    assert laid.shape[1] == 3 * 30 + 2 * 2
    for i in range(7):
        top, left = i // 3 * (28 + 7), i % 3 * 32
        assert (laid[top : top + 28, left : left + 30] == x[i]).all()
    assert not laid[28:35].any()  # the space between rows is transparent


def test_grid_keeps_whole_pixels_and_names_images(faces):
    figure = images.image_grid(faces, columns=4, captions=[f"no. {i}" for i in range(7)])
    shown = sheet(figure)
    assert (shown[:28, :30] == images.pixels(faces)[0]).all()
    assert figure.axes[0].get_images()[0].get_interpolation() == "none"
    assert [t.get_text() for t in figure.axes[0].texts] == [f"no. {i}" for i in range(7)]


def test_tiny_images_are_enlarged_by_whole_factors():
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8)).astype(np.uint8)
    shown = sheet(images.image_grid(x, columns=2))
    assert (shown[:24:3, :24:3, 0] == x[0]).all()
    assert (shown[2:24:3, 1:24:3, 0] == x[0]).all()


def test_reconstructions_lie_below_their_originals(faces):
    shown = sheet(images.pairs(faces, 255 - faces, columns=7))
    assert (shown[:28, :30, 0] == faces[0]).all()
    assert (shown[-28:, :30, 0] == 255 - faces[0]).all()
    assert (shown[-28:, -30:, 0] == 255 - faces[6]).all()


def test_strips_run_from_one_image_to_the_other(faces):
    a, b = faces[:3], faces[3:6]
    t = np.linspace(0, 1, 5)[None, :, None, None]
    steps = ((1 - t) * a[:, None] / 255 + t * b[:, None] / 255).astype(np.float32)
    shown = sheet(images.strips(steps, (a, b)))
    assert (shown[:28, :30, 0] == a[0]).all()
    assert (shown[-28:, -30:, 0] == b[2]).all()


def test_anomalies_begin_with_the_strangest(faces):
    scores = np.array([3.0, 9.0, 1.0, 7.0, 0.0, 2.0, 5.0])
    figure = images.anomalies(faces, scores, 3)
    assert [t.get_text() for t in figure.axes[0].texts] == ["9", "7", "5"]
    assert (sheet(figure)[:28, :30, 0] == faces[1]).all()


def test_gaussian_grid_takes_equal_steps_of_probability():
    grid = images.gaussian_grid(5, (1.0, -2.0), (2.0, 0.5))
    assert norm.cdf((grid[:5, 0] - 1) / 2) == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=1e-6)
    assert norm.cdf((grid[::5, 1] + 2) / 0.5) == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1], abs=1e-6)


def test_manifold_puts_each_picture_at_its_code():
    grid = images.gaussian_grid(6)
    x = np.broadcast_to(norm.cdf(grid[:, 0]).astype(np.float32)[:, None, None], (36, 24, 24))  # brighter to the right
    figure = images.manifold(x, grid)
    shown = sheet(figure)
    assert (np.diff(shown[12, 12::25, 0].astype(int)) > 0).all()
    assert figure.axes[0].get_xticklabels()[0].get_text() == f"−{-grid[0, 0]:.1f}"
    assert figure.axes[0].get_yticklabels()[0].get_text() == f"{grid[0, 1]:.1f}"
