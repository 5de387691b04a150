"""Figures of a picture that no recipe minimises as they stand.

The first four agree with the eye and are always taken at the same size: `remd`, `self`, `grain` and
`patch`. The others are distances of Gram matrices and features at the picture's own size; they see
neither strokes nor grain, and serve comparisons with other programs.
"""

import os

import numpy as np
from PIL import Image

from nst_tf.images.decode import MOST_PIXELS
from nst_tf.images.io import load_image
from nst_tf.images.resize import Size
from nst_tf.images.sources import Source
from nst_tf.quality.features import (
    columns,
    extract,
    gram,
    relative_distance,
    relaxed_distance,
    self_distances,
)
from nst_tf.quality.meanings import LEAST_SIDE, LONGEST_SHAPE, OWN_SIDE, SIDE
from nst_tf.quality.texture import grain, laplacian, patch_distance
from nst_tf.utils.errors import UserError

COLUMN_LAYERS = ("block2_conv2", "block3_conv2", "block4_conv2")
CONTENT_LAYER = "block4_conv2"
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))


def measure_quality(image: Source, content: Source, style: Source) -> dict[str, float]:
    """Return the figures of a picture by name, as `nst-tf-measure` prints them.

    Pictures are of the kinds that `stylize` accepts, of any sizes, and are measured as 8 bits a
    channel show them.

    Args:
        image: the picture to measure.
        content: the photo that it was made from.
        style: the painting.

    Returns:
        The figures of `measure_look`, then those of `measure_distances`. Less is better in all but
        `high_frequencies`.

    Raises:
        OSError, TypeError: as for `load_image`.
        UserError: a picture is too small or too narrow, or the painting has one colour.
    """
    named = {"picture": image, "photo": content, "painting": style}
    arrays = [load_image(source, most_pixels=MOST_PIXELS) for source in named.values()]
    picture, photo, painting = arrays
    own_side = min(max(picture.shape[1:3]), OWN_SIDE)
    for (name, source), array in zip(named.items(), arrays, strict=True):
        shown = str(source) if isinstance(source, str | os.PathLike) else f"the {name}"
        _check(shown, array.shape[1:3], own_side)
    if not laplacian(to_picture(painting)).any():
        raise UserError("the painting is flat all over: grain and style have no measure")
    look = measure_look(picture, photo, painting)
    return look | measure_distances(picture, photo, painting)


def measure_look(
    image: np.ndarray, content: np.ndarray, style: np.ndarray, side: int = SIDE
) -> dict[str, float]:
    """Return `remd`, `self`, `grain` and `patch` of a picture, all taken at the same size.

    remd: mean over full and half size of the relaxed earth mover's distance between the columns of
        the picture and the painting: whether every part of it looks like some part of the painting.
    self: mean absolute difference of the self-distances of picture and photo: its structure.
    grain: variance of the Laplacian where the photo is flat, over the painting's.
    patch: sliced Wasserstein distance of colour patches of picture and painting; no network.

    Args:
        image: the picture, float `[1, H, W, 3]` in [0, 1].
        content: the photo that it was made from, in the same form, of any size.
        style: the painting, in the same form.
        side: long side of all three, pixels; each side is rounded to a multiple of 8.
    """
    photo, painting = (_at_side(to_picture(array), side) for array in (content, style))
    picture = _at_side(to_picture(image), side).resize(photo.size, Image.Resampling.LANCZOS)
    features, target = (extract(which, COLUMN_LAYERS) for which in (picture, painting))
    halves = [extract(_half(which), COLUMN_LAYERS) for which in (picture, painting)]
    distances = [
        relaxed_distance(columns(ours), columns(theirs))
        for ours, theirs in ((features, target), halves)
    ]
    ours = self_distances(features[CONTENT_LAYER])
    theirs = self_distances(extract(photo, (CONTENT_LAYER,))[CONTENT_LAYER])
    return {
        "remd": float(np.mean(distances)),
        "self": float(np.abs(ours - theirs).mean()),
        "grain": grain(picture, photo, painting),
        "patch": patch_distance(picture, painting),
    }


def measure_distances(
    image: np.ndarray, content: np.ndarray, style: np.ndarray
) -> dict[str, float]:
    """Return the other figures of a picture, at its own size up to a long side of `OWN_SIDE`.

    style_1, style_2, style_4: mean over blockN_conv1 of ‖G − A‖ / ‖A‖ (Frobenius) against the
        painting, at the picture's long side, both at full, half and quarter size.
    content: ‖F − P‖ / ‖P‖ at block4_conv2.
    high_frequencies: variance of the Laplacian over the painting's; 1 is as rough.

    Arguments are those of `measure_look`.
    """
    picture = to_picture(image)
    picture = _shrunk(picture, max(1, max(picture.size) / OWN_SIDE))
    photo = to_picture(content).resize(picture.size, Image.Resampling.LANCZOS)
    painting = to_picture(style)
    painting = _shrunk(painting, max(painting.size) / max(picture.size))
    figures = {}
    for divisor in (1, 2, 4):
        layers = (*STYLE_LAYERS, CONTENT_LAYER) if divisor == 1 else STYLE_LAYERS
        ours = extract(_shrunk(picture, divisor), layers)
        theirs = extract(_shrunk(painting, divisor), STYLE_LAYERS)
        ratios = [relative_distance(gram(ours[name]), gram(theirs[name])) for name in STYLE_LAYERS]
        figures[f"style_{divisor}"] = float(np.mean(ratios))
        if divisor == 1:
            target = extract(photo, (CONTENT_LAYER,))[CONTENT_LAYER]
            figures["content"] = relative_distance(ours[CONTENT_LAYER], target)
    figures["high_frequencies"] = float(laplacian(picture).var() / laplacian(painting).var())
    return figures


def to_picture(array: np.ndarray) -> Image.Image:
    """Return float `[1, H, W, 3]` in [0, 1] as a Pillow picture of 8 bits a channel."""
    return Image.fromarray(np.rint(np.clip(array[0], 0, 1) * 255).astype(np.uint8))


def _check(name: str, size: Size, own_side: int) -> None:
    """Refuse a picture that cannot be compared at a quarter of a long side of `own_side`."""
    height, width = size
    if own_side * min(size) / max(size) < LEAST_SIDE:
        raise UserError(
            f"{name} is {width}x{height} pixels, which leaves less than {LEAST_SIDE} a side where "
            f"the figures are taken, {own_side} pixels wide: crop it, or measure a larger picture"
        )
    if max(size) > LONGEST_SHAPE * min(size):
        raise UserError(
            f"{name} is {width}x{height} pixels: crop it to sides of at most {LONGEST_SHAPE} to 1"
        )


def _at_side(picture: Image.Image, side: int) -> Image.Image:
    ratio = side / max(picture.size)
    width, height = (round(length * ratio / 8) * 8 for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _half(picture: Image.Image) -> Image.Image:
    width, height = (length // 2 // 8 * 8 for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _shrunk(picture: Image.Image, divisor: float) -> Image.Image:
    width, height = (round(length / divisor) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)
