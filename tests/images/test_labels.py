import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from nst_tf.images.pairing import nearest_label, split_labels, to_hex


def test_smooth_edges_and_compression_make_no_labels():
    drawn = np.zeros((120, 160, 3), np.uint8)
    drawn[:, :70] = 255, 0, 0
    drawn[40:, 60:] = 0, 90, 255
    image = Image.fromarray(drawn).filter(ImageFilter.GaussianBlur(1))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    smooth = np.asarray(Image.open(file), np.float32) / 255
    masks = split_labels(smooth)
    assert len(masks) == 2
    red = max(masks, key=lambda color: color[0])
    assert masks[red][:, 2:58].all()
    assert not masks[red][44:, 64:].any()
    together = sum(masks.values())
    assert together.max() == 1
    assert not together[:36, 76:].any()  # black is no region
    assert together[:, :57].all()
    assert together[44:].all()  # no holes between regions


def test_a_region_of_many_shades_is_one_however_flat_a_smaller_colour_is():
    labels = np.zeros((200, 200, 3))
    labels[:, :100, 0] = 1
    labels[:50, 100:, 2] = 0.9 + 0.05 * np.random.default_rng(0).standard_normal((50, 100)).clip(
        -2, 2
    )
    labels[100:110, 150:165, 1] = 1  # 150 pixels, less than half a per cent
    masks = split_labels(labels)
    assert len(masks) == 2
    assert min(mask.sum() for mask in masks.values()) == 5000


def test_a_map_needs_a_colour():
    with pytest.raises(ValueError, match="a map of labels has no colour but black"):
        split_labels(np.full((9, 9, 3), 0.1))


def test_a_grey_map_has_grey_labels():
    masks = split_labels(np.array([[1.0, 0.5, 0.0]] * 3))
    assert sorted(to_hex(color) for color in masks) == ["#808080", "#ffffff"]


def test_the_nearest_label_is_the_same_colour_or_none():
    labels = [(0.0, 0.0, 0.78), (0.0, 0.0, 0.9)]
    assert nearest_label((0, 0, 0.84 - 1e-3), labels) == labels[0]
    assert nearest_label((0, 0, 0.85), labels) == labels[1]
    assert nearest_label((1, 0, 0.85), labels) is None
