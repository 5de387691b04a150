"""VGG19's features of a picture for its figures, and what is compared of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from nst_tf.network.model import MEAN_BGR, feature_model
from nst_tf.network.weights import load_weights

Features = Mapping[str, np.ndarray]
"""Features by layer, float32 `[h, w, C]`."""


def extract(picture: Image.Image, layers: Sequence[str]) -> Features:
    """Return VGG19's features of a picture by layer, float32 `[h, w, C]`."""
    network = feature_model(load_weights("bundled"), tuple(layers), "max")
    bgr = np.asarray(picture, np.float32)[None, :, :, ::-1] - np.asarray(MEAN_BGR, np.float32)
    features = network(bgr, training=False)
    return {name: np.asarray(features[name])[0] for name in layers}


def columns(features: Features) -> np.ndarray:
    """Return the features of several layers side by side, a row for each place of the coarsest.

    Finer maps are averaged over the area of a place; each layer is divided by its channels.

    Args:
        features: by layer, `[h, w, C]` with h and w whole multiples of the coarsest map's.

    Returns:
        `[places, channels of all layers]`.
    """
    height, width = min(map_.shape[:2] for map_ in features.values())
    rows = []
    for map_ in features.values():
        step, channels = map_.shape[0] // height, map_.shape[2]
        areas = map_[: height * step, : width * step].reshape(height, step, width, step, channels)
        rows.append(areas.mean(axis=(1, 3)).reshape(-1, channels) / channels)
    return np.concatenate(rows, axis=1)


def relaxed_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the relaxed earth mover's distance of two sets of columns, `[m, C]` and `[n, C]`.

    max(mean_i min_j d_ij, mean_j min_i d_ij), where d_ij is 1 less the cosine of column i of the
    one and j of the other, each less the mean column of its set (Kolkin et al., arXiv 1904.12785).
    """
    d = 1 - _unit(ours - ours.mean(axis=0)) @ _unit(theirs - theirs.mean(axis=0)).T
    return float(max(d.min(axis=1).mean(), d.min(axis=0).mean()))


def self_distances(features: np.ndarray) -> np.ndarray:
    """Return the distances of a picture's places to each other, `[n, n]`, each column of mean 1.

    d_ij is 1 less the cosine of the features at i and j, over every third place of `[h, w, C]`;
    each column is divided by its mean (Kolkin et al.).
    """
    places = _unit(features.reshape(-1, features.shape[-1])[::3])
    d = 1 - places @ places.T
    return d / d.mean(axis=0)


def gram(features: np.ndarray) -> np.ndarray:
    """Return Fᵀ F over the places of `[h, w, C]`, `[C, C]`."""
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat / len(flat)


def relative_distance(tensor: np.ndarray, target: np.ndarray) -> float:
    """Return ‖T − A‖ / ‖A‖ over all elements."""
    return float(np.linalg.norm(tensor - target) / np.linalg.norm(target))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.sqrt(np.maximum((rows * rows).sum(axis=1, keepdims=True), 1e-12))
