"""Whose colours a picture has: the painting's, or the photo's.

Both ways of keeping the photo's are those of Gatys, Ecker, Bethge, Hertzmann and Shechtman,
"Controlling Perceptual Factors in Neural Style Transfer" (arXiv 1611.07865, section 5). Colours are
sRGB values as they are stored, not linear light, as in the paper.
"""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.resize import resize

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the luminance Y of YIQ."""

STEP = 1 / 255  # of 8-bit values: what varies by less is rounding


class Colors:
    """The pictures as a run sees them, and the way back to colours.

    Args:
        kind: `none`; `match`, which gives each style the photo's mean and covariance of colours
            before the run; or `luminance`, which transfers luminance alone and keeps the photo's
            chroma.
        content: float32 `[1, H, W, 3]` in [0, 1].
        styles: images of that kind.
        weights: for each style, how much each pixel of the photo counts for it, `[H, W]`, and each
            of its own, `[h, w]`; None: all alike.

    Attributes:
        content: the photo as the run should see it, float32 in [0, 1].
        styles: the styles likewise.
    """

    def __init__(
        self,
        kind: str,
        content: np.ndarray,
        styles: Sequence[np.ndarray],
        weights: Sequence[tuple[np.ndarray | None, np.ndarray | None]] = (),
    ) -> None:
        self._kind = kind
        self._photo = content
        self.content = content
        self.styles = list(styles)
        pairs = list(zip(styles, weights or [(None, None)] * len(styles), strict=True))
        if kind == "match":
            self.styles = [
                np.clip(match_colors(style, content, theirs, ours), 0, 1)
                for style, (ours, theirs) in pairs
            ]
        elif kind == "luminance":
            self.content = np.repeat(luminance(content), 3, axis=-1)
            self.styles = [
                np.repeat(np.clip(match_luminance(style, content, theirs, ours), 0, 1), 3, axis=-1)
                for style, (ours, theirs) in pairs
            ]

    def restore_colors(self, image: np.ndarray) -> np.ndarray:
        """Return a generated image, `[1, h, w, 3]` of any size, in the colours it should have."""
        if self._kind != "luminance":
            return image
        return with_luminance(resize(self._photo, image.shape[1:3]), luminance(image))


def luminance(image: np.ndarray) -> np.ndarray:
    """Return Y = 0.299 R + 0.587 G + 0.114 B, `[1, H, W, 1]` in [0, 1]."""
    return np.clip(image @ LUMA[:, None], 0, 1)


def with_luminance(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return `image` with the luminance `target`, and its own chroma.

    To add the same to red, green and blue changes Y alone: I and Q are differences of them. Where
    that would leave [0, 1], luminance goes as far as it can; to clip colours would change chroma.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        target: `[1, H, W, 1]`.

    Returns:
        float32 `[1, H, W, 3]` in [0, 1].
    """
    darkest, lightest = image.min(axis=-1, keepdims=True), image.max(axis=-1, keepdims=True)
    change = np.clip(target - luminance(image), -darkest, 1 - lightest)
    return np.clip(image + change, 0, 1)  # rounding


def match_luminance(
    image: np.ndarray,
    target: np.ndarray,
    image_weights: np.ndarray | None = None,
    target_weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return the luminance of `image` moved to the mean and standard deviation of `target`'s.

        Y ↦ σ_t / σ (Y − μ) + μ_t

    Where the image has none, a flat one, no deviation is made up.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        target: an image of that kind, of any size.
        image_weights: how much each pixel of the image counts, `[H, W]`; None: all alike.
        target_weights: the same of the target.

    Returns:
        float32 `[1, H, W, 1]`, which may leave [0, 1].
    """
    ours, theirs = (luminance(picture).astype(np.float64) for picture in (image, target))
    mean, variance = _moments(ours.reshape(-1, 1), image_weights)
    aim, aimed = _moments(theirs.reshape(-1, 1), target_weights)
    gain = np.sqrt(aimed / variance) if variance > STEP**2 else 1.0
    return (gain * (ours - mean) + aim).astype(np.float32)


def match_colors(
    image: np.ndarray,
    target: np.ndarray,
    image_weights: np.ndarray | None = None,
    target_weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return `image` with the mean and covariance of `target`'s colours.

        x ↦ Σ_t^½ Σ^-½ (x − μ) + μ_t

    with symmetric roots. Directions of colour in which the image varies by less than an 8-bit step,
    all but one in a grey one, are left without variation: there is only noise to amplify.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        target: an image of that kind, of any size.
        image_weights: how much each pixel of the image counts, `[H, W]`; None: all alike.
        target_weights: the same of the target.

    Returns:
        float32 `[1, H, W, 3]`, which may leave [0, 1].
    """
    ours, theirs = (picture.reshape(-1, 3).astype(np.float64) for picture in (image, target))
    mean, covariance = _moments(ours, image_weights)
    aim, aimed = _moments(theirs, target_weights)
    matrix = _root(aimed, 0.5) @ _root(covariance, -0.5)
    matched = (ours - mean) @ matrix.T + aim
    return matched.astype(np.float32).reshape(image.shape)


def _moments(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and covariance of `[N, C]` values that count as `weights`, of any shape."""
    flat = None if weights is None else weights.reshape(-1)
    mean = np.average(values, axis=0, weights=flat)
    return mean, np.cov(values.T, bias=True, aweights=flat)


def _root(covariance: np.ndarray, power: float) -> np.ndarray:
    """Return a power of a covariance, 0 in directions without variation."""
    variances, axes = np.linalg.eigh(covariance)
    powers = np.where(variances > STEP**2, np.maximum(variances, STEP**2) ** power, 0.0)
    return (axes * powers) @ axes.T
