"""The objective in NumPy, for networks of two blocks."""

import numpy as np

from nst_tf.network.weights import load_weights
from tests.network.test_model import numpy_features


def total_variation(image):
    """Return the sum of the differences between neighbouring pixels, in float64."""
    return sum(np.abs(np.diff(image.astype(np.float64), axis=axis)).sum() for axis in (1, 2))


def gram(features):
    """Return the Gram matrix of features `[h, w, C]`, averaged over the locations."""
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat / len(flat)


def numpy_losses(image, content, style, settings, pool=np.max):
    """Return what `measure` should for one style, without regions, levels and layer weights.

    Args:
        image, content, style: float32 `[1, H, W, 3]`, used as they are.
        settings: with layers up to block2_conv2.
        pool: np.max or np.mean.
    """
    weights = load_weights("bundled")
    ours, photo, painting = (numpy_features(x, weights, pool) for x in (image, content, style))
    relative = settings.loss == "relative"

    def error(value, target):
        return np.mean((value - target) ** 2) / (np.mean(target**2) if relative else 1)

    grams = [error(gram(ours[name]), gram(painting[name])) for name in settings.style_layers]
    features = [error(ours[name], photo[name]) for name in settings.content_layers]
    variation = total_variation(image)
    if relative:
        variation /= total_variation(style) / style.size * image.size
    losses = {
        "style": settings.style_weight * np.mean(grams),
        "content": settings.content_weight * np.mean(features),
        "total_variation": settings.total_variation_weight * variation,
    }
    return {"total": sum(losses.values()), **losses}
