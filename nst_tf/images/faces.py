"""Faces in a photo: where they are, and a soft mask of them. Needs the extra `faces`."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.images.color import luminance
from nst_tf.images.resize import Box, Size, as_image, fit_size, resize_plane

# A classifier of small windows errs on one view of a picture or another, seldom on the same place
# of nearly all: so a face must be found when the picture is tilted and mirrored too. These figures
# find 88 of 100 faces of scikit-image's `lfw_subset`, 36 or 60 pixels wide in `assets/temple.jpg`,
# and nothing else there or in the other pictures without a face.
_SIDE = 384  # long side, at most, at which faces are sought, pixels
_SMALLEST = 24  # side of the classifier's window, pixels: a face is at least 1/16 of the long side
_GROWTH = 1.1  # of the window, from one size to the next
_TILTS = (-6.0, 0.0, 6.0)  # degrees
_LEAST_HITS = 4  # windows that must agree in a view
_LEAST_VIEWS = 5  # of six that must agree
_OVERLAP = 0.5  # least share of the smaller box that makes two boxes one face

# The classifier knows no contrast, so that a soft spot of light may pass. A face has eyes and a
# mouth: at 24x24 pixels, what 6x6 pixels cannot show deviates by at least 0.36 of the whole in
# those faces, by 0.21 in the light on the astronaut's helmet.
_LEAST_DETAIL = 0.28


def find_faces(image: np.ndarray) -> list[Box]:
    """Find the upright faces that look at the camera, the largest first.

    Args:
        image: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1].

    Returns:
        Left, top, right and bottom of each, from the brows to the chin, in pixels of `image`.

    Raises:
        OSError: scikit-image is not installed.
        UserError: `image` is not an image.
    """
    return find_in_grey(luminance(as_image("image", image))[0, :, :, 0])


def find_in_grey(
    grey: np.ndarray,
    side: int = _SIDE,
    least_detail: float = _LEAST_DETAIL,
    cascade: Any = None,
) -> list[Box]:
    """Find faces as `find_faces` does.

    Args:
        grey: the picture, float32 `[H, W]` in [0, 1].
        side: maximum long side at which faces are sought, pixels.
        least_detail: minimum share of a face's contrast that is detail.
        cascade: the classifier; `None` takes scikit-image's.

    Returns:
        Boxes as those of `find_faces`.

    Raises:
        OSError: scikit-image is not installed.
    """
    height, width = grey.shape
    size = fit_size(height, width, side)
    if min(size) < _SMALLEST:
        return []
    small, cascade = resize_plane(grey, size), cascade or _cascade()
    views = [
        _windows(cascade, small, tilt, mirrored) for tilt in _TILTS for mirrored in (False, True)
    ]
    numbers = np.repeat(np.arange(len(views)), [len(view) for view in views])
    found = _agreed(np.concatenate(views), numbers)
    faces = [box for box in found if _has_features(small, box, least_detail)]
    ratio = max(height, width) / max(size)
    boxes = [np.clip(box * ratio, 0, (width, height) * 2) for box in faces]
    return sorted((tuple(box.tolist()) for box in boxes), key=_area, reverse=True)


def face_mask(image_size: Size, boxes: Sequence[Box]) -> np.ndarray:
    """Return soft ellipses, 1 on the faces with their hair and chin, that fade smoothly to 0.

    With r the distance from a box's centre (raised by a tenth of its half height), in half widths
    times 1.4 and half heights times 1.8, the mask is 1 up to r = 1, 0 from r = 1.4 on, and
    t² (3 − 2t) with t = (1.4 − r) / 0.4 between; where faces overlap, the larger value. It is
    float32 `[H, W]`; boxes from `find_faces` must be scaled to that size.
    """
    height, width = image_size
    mask = np.zeros(image_size, np.float32)
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    for left, top, right, bottom in boxes:
        half_width, half_height = (right - left) / 2, (bottom - top) / 2
        across = (columns - (left + right) / 2) / (1.4 * half_width)
        down = (rows - (top + bottom) / 2 + 0.1 * half_height) / (1.8 * half_height)
        inside = np.clip((1.4 - np.hypot(across, down)) / 0.4, 0, 1)
        np.maximum(mask, inside**2 * (3 - 2 * inside), out=mask, casting="same_kind")
    return mask


@functools.cache
def _cascade() -> Any:
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        raise OSError("finding faces needs scikit-image: run pip install 'nst_tf[faces]'") from None
    return Cascade(lbp_frontal_face_cascade_filename())


def _windows(cascade: Any, grey: np.ndarray, tilt: float, mirrored: bool) -> np.ndarray:
    """Return every window that passes in a view of `grey` `[h, w]`, boxes of `grey` `[N, 4]`.

    A tilted window is returned upright, about the same centre.
    """
    height, width = grey.shape
    view = np.asarray(Image.fromarray(grey).rotate(tilt, Image.Resampling.BICUBIC))
    if mirrored:
        view = np.ascontiguousarray(view[:, ::-1])
    found = cascade.detect_multi_scale(
        img=view,
        scale_factor=_GROWTH,
        step_ratio=1,
        min_size=(_SMALLEST, _SMALLEST),
        max_size=(min(grey.shape),) * 2,
        min_neighbor_number=1,
        intersection_score_threshold=2,  # never reached: its merging depends on the threads' order
    )
    windows = np.array(
        sorted((hit["c"], hit["r"], hit["width"]) for hit in found), np.float64
    ).reshape(-1, 3)
    half = windows[:, 2] / 2
    x, y = windows[:, 0] + half - width / 2, windows[:, 1] + half - height / 2
    if mirrored:
        x = -x
    cosine, sine = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    x, y = cosine * x - sine * y + width / 2, sine * x + cosine * y + height / 2
    return np.stack([x - half, y - half, x + half, y + half], axis=1)


def _agreed(boxes: np.ndarray, views: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the median box `[4]` of each place on which enough windows of enough views agree.

    `boxes` are `[N, 4]`, and `views` `[N]` the number of each box's view.
    """
    while len(boxes):
        crowds = [int((_shared(box, boxes, union=True) > _OVERLAP).sum()) for box in boxes]
        together = _shared(boxes[np.argmax(crowds)], boxes, union=True) > _OVERLAP
        face = np.median(boxes[together], axis=0)
        counts = np.bincount(views[together], minlength=2 * len(_TILTS))
        if (counts >= _LEAST_HITS).sum() >= _LEAST_VIEWS:
            yield face
        rest = ~together & (_shared(face, boxes) <= _OVERLAP)
        boxes, views = boxes[rest], views[rest]


def _shared(box: np.ndarray, boxes: np.ndarray, union: bool = False) -> np.ndarray:
    """Return the area that `box` `[4]` shares with each of `boxes` `[N, 4]`.

    It is relative to the smaller area, or to the area of their `union`.
    """
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    area = _area(box)
    return common / (area + areas - common if union else np.minimum(area, areas))


def _area(box: Sequence[float] | np.ndarray) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _has_features(grey: np.ndarray, box: np.ndarray, least_detail: float) -> bool:
    """Return whether there is as much detail in a box of `grey` `[h, w]` as a face has."""
    height, width = grey.shape
    left, top, right, bottom = np.clip(box, 0, (width, height) * 2).tolist()
    patch = resize_plane(grey, (24, 24), (left, top, right, bottom), Image.Resampling.BOX)
    coarse = resize_plane(patch, (6, 6), resample=Image.Resampling.BOX)
    rest = patch - resize_plane(coarse, (24, 24), resample=Image.Resampling.BICUBIC)
    return bool(rest.std() >= least_detail * max(float(patch.std()), 1e-6))
