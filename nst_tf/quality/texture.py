"""Figures of a picture's grain and colour patches, without a network."""

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

PATCH = 7  # side of a colour patch, pixels
PATCHES = 4096  # patches of a picture at each size
DIRECTIONS = 256  # on which patches are projected


def grain(picture: Image.Image, photo: Image.Image, painting: Image.Image) -> float:
    """Return the variance of a picture's Laplacian where its photo is flat, over the painting's.

    Flat is the third of the pixels where the Laplacian of the photo, shrunk to a quarter and
    enlarged again, is smallest in magnitude.

    Args:
        picture: the picture to measure.
        photo: of the same size.
        painting: of any size; all of it counts.
    """
    width, height = photo.size
    smooth = photo.resize((width // 4, height // 4)).resize(photo.size, Image.Resampling.BICUBIC)
    roughness = np.abs(laplacian(smooth))
    flat = roughness <= np.quantile(roughness, 1 / 3)
    return float(laplacian(picture)[flat].var() / laplacian(painting).var())


def laplacian(picture: Image.Image) -> np.ndarray:
    """Return 4 times each inner grey pixel less its four neighbours, float64 `[H - 2, W - 2]`."""
    grey = np.asarray(picture.convert("L"), np.float64)
    neighbours = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return 4 * grey[1:-1, 1:-1] - neighbours


def patch_distance(picture: Image.Image, painting: Image.Image) -> float:
    """Return the mean sliced distance of the patches of two pictures at full size, ½, ¼ and ⅛."""
    distances = []
    for _ in range(4):
        distances.append(sliced_distance(patches(picture), patches(painting)))
        picture, painting = (
            which.resize((which.width // 2, which.height // 2), Image.Resampling.LANCZOS)
            for which in (picture, painting)
        )
    return float(np.mean(distances))


def patches(picture: Image.Image) -> np.ndarray:
    """Return colour patches spread evenly over a picture, float32 `[PATCHES, 147]` in [0, 1]."""
    pixels = np.asarray(picture, np.float32) / 255
    windows = sliding_window_view(pixels, (PATCH, PATCH), axis=(0, 1))
    height, width = windows.shape[:2]
    chosen = np.linspace(0, height * width - 1, PATCHES).astype(int)
    return windows[chosen // width, chosen % width].reshape(PATCHES, -1)


def sliced_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the sliced Wasserstein distance of two sets of patches, both `[n, 147]`, in any order.

    The mean over fixed directions r and ranks k of |x_(k) · r − y_(k) · r|, where (k) sorts each
    set's projections on r.
    """
    along = directions()
    ours, theirs = (np.sort(which @ along, axis=0) for which in (ours, theirs))
    return float(np.abs(ours - theirs).mean())


@functools.cache
def directions() -> np.ndarray:
    """Return random unit vectors, the same ones always, `[147, DIRECTIONS]`."""
    normal = np.random.default_rng(0).standard_normal((3 * PATCH**2, DIRECTIONS))
    return (normal / np.linalg.norm(normal, axis=0)).astype(np.float32)
