"""Held-out quality: how a picture measures, by figures that no recipe minimises as they stand."""

import numpy as np
import tensorflow as tf

from nst_tf.images.resize import resize
from nst_tf.losses.formulas import gram_matrix
from nst_tf.network.model import extract_features, feature_model
from nst_tf.network.weights import load_weights

STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))
CONTENT_LAYER = "block4_conv2"


def measure_quality(image, content, style):
    """Return the figures of `image`, float32 `[1, H, W, 3]`, by name.

    style_1, style_2, style_4: mean over blockN_conv1 of ‖G − A‖ / ‖A‖ (Frobenius) against the style
    image, both at full, half and quarter size. content: ‖F − P‖ / ‖P‖ at block4_conv2.
    high_frequencies: variance of the grey Laplacian over that of the style image; 1 is as rough.
    """
    figures = {}
    for divisor in (1, 2, 4):
        ours, theirs = (_features(_shrink(picture, divisor)) for picture in (image, style))
        ratios = [
            float(_distance(gram_matrix(ours[name]), gram_matrix(theirs[name])))
            for name in STYLE_LAYERS
        ]
        figures[f"style_{divisor}"] = float(np.mean(ratios))
        if divisor == 1:
            target = _features(content)[CONTENT_LAYER]
            figures["content"] = float(_distance(ours[CONTENT_LAYER], target))
    figures["high_frequencies"] = _roughness(image) / _roughness(style)
    return figures


def _shrink(image, divisor):
    height, width = image.shape[1:3]
    return resize(image, (round(height / divisor), round(width / divisor)))


def _features(image):
    model = feature_model(load_weights("bundled"), (*STYLE_LAYERS, CONTENT_LAYER), "max")
    return extract_features(model, tf.constant(image))


def _distance(tensor, target):
    return tf.norm(tensor - target) / tf.norm(target)


def _roughness(image):
    grey = image[0].mean(axis=-1)
    inner = grey[1:-1, 1:-1]
    neighbours = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.var(neighbours - 4 * inner))
