"""Two ways of keeping the photo's colours.

Both are from Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling Perceptual Factors in
Neural Style Transfer" (arXiv 1611.07865, section 5). Like the paper, they work on sRGB values as
they are stored, not on linear light.
"""

from collections.abc import Callable, Sequence

import numpy as np

from nst_tf.images.resize import resize

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the luminance Y of YIQ (ITU-R BT.601, 2.5.1)."""

STEP = 1 / 255  # between 8-bit values: colours that vary by less vary by rounding only


class Colors:
    """The pictures as a run should see them, and the way back to colours.

    Args:
        kind: `none`; `match`, which gives each style the photo's mean and covariance of colours
            before the run; or `luminance`, which transfers only luminance and keeps the photo's
            chroma.
        content: float32 `[1, H, W, 3]` in [0, 1].
        styles: float32 `[1, h, w, 3]` in [0, 1] each.
        weights: for each style, the weights of the photo's pixels, `[H, W]`, and of the style's
            pixels, `[h, w]`, at least 0. None gives all pixels the same weight.

    Attributes:
        content: the photo as the run should see it, float32 `[1, H, W, 3]` in [0, 1].
        styles: the styles as the run should see them, float32 `[1, h, w, 3]` in [0, 1].
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
        pairs = zip(styles, weights or [(None, None)] * len(styles), strict=True)
        if kind == "none":
            self._maps: list[Callable[[np.ndarray], np.ndarray]] = [np.asarray] * len(styles)
        else:
            match = color_map if kind == "match" else luminance_map
            self._maps = [
                match(style, content, style_weights, content_weights)
                for style, (content_weights, style_weights) in pairs
            ]
        if kind == "luminance":
            self.content = np.repeat(luminance(content), 3, axis=-1)
        self.styles = [self.style(number, style) for number, style in enumerate(styles)]

    def style(self, number: int, image: np.ndarray) -> np.ndarray:
        """Return a style, counted from 0, as the run should see it at another size."""
        mapped = self._maps[number](image)
        if self._kind == "luminance":
            mapped = np.repeat(mapped, 3, axis=-1)
        return mapped if self._kind == "none" else np.clip(mapped, 0, 1)

    def restore_colors(self, image: np.ndarray) -> np.ndarray:
        """Return a generated image, `[1, h, w, 3]` in [0, 1] of any size, in its final colours."""
        if self._kind != "luminance":
            return image
        return with_luminance(resize(self._photo, image.shape[1:3]), luminance(image))


def luminance(image: np.ndarray) -> np.ndarray:
    """Return Y = 0.299 R + 0.587 G + 0.114 B, `[1, H, W, 1]` in [0, 1]."""
    return np.clip(image @ LUMA[:, None], 0, 1)


def with_luminance(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return `image` with the luminance `target` and its own chroma.

    Adding the same amount to red, green and blue changes Y only, because I and Q are differences of
    channels. The amount is limited so that no channel leaves [0, 1], since clipping channels would
    change the chroma.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1], like the result.
        target: float32 `[1, H, W, 1]`, of any range.
    """
    darkest, lightest = image.min(axis=-1, keepdims=True), image.max(axis=-1, keepdims=True)
    change = np.clip(target - luminance(image), -darkest, 1 - lightest)
    return np.clip(image + change, 0, 1)  # rounding


def luminance_map(
    image: np.ndarray,
    target: np.ndarray,
    image_weights: np.ndarray | None = None,
    target_weights: np.ndarray | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what gives the luminance of `image` the mean and standard deviation of the target's.

        Y ↦ σ_t / σ (Y − μ) + μ_t

    An image whose luminance varies by less than an 8-bit step keeps its deviation: dividing by σ
    would amplify rounding.

    Args:
        image, target: float32 `[1, H, W, 3]` in [0, 1], of any sizes.
        image_weights, target_weights: weights of their pixels, `[H, W]`; None: all the same.

    Returns:
        a function from float32 `[1, h, w, 3]` in [0, 1] to its new luminance, float32
        `[1, h, w, 1]`, which may leave [0, 1].
    """
    values, wanted = (luminance(picture).astype(np.float64) for picture in (image, target))
    mean, variance = _moments(values.reshape(-1, 1), image_weights)
    target_mean, target_variance = _moments(wanted.reshape(-1, 1), target_weights)
    gain = np.sqrt(target_variance / variance) if variance > STEP**2 else 1.0

    def mapped(picture: np.ndarray) -> np.ndarray:
        plane = luminance(picture).astype(np.float64)
        return (gain * (plane - mean) + target_mean).astype(np.float32)

    return mapped


def color_map(
    image: np.ndarray,
    target: np.ndarray,
    image_weights: np.ndarray | None = None,
    target_weights: np.ndarray | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what gives `image` the mean and covariance of `target`'s colours.

        x ↦ Σ_t^½ Σ^-½ (x − μ) + μ_t

    with symmetric roots. The result does not vary along directions of colour in which the image
    varies by less than an 8-bit step, since that variation is rounding. In a grey image, these are
    all directions but one.

    Arguments are those of `luminance_map`. The function returns float32 `[1, h, w, 3]` of any size,
    which may leave [0, 1].
    """
    colors, wanted = (picture.reshape(-1, 3).astype(np.float64) for picture in (image, target))
    mean, covariance = _moments(colors, image_weights)
    target_mean, target_covariance = _moments(wanted, target_weights)
    matrix = _root(target_covariance, 0.5) @ _root(covariance, -0.5)

    def mapped(picture: np.ndarray) -> np.ndarray:
        matched = (picture.reshape(-1, 3).astype(np.float64) - mean) @ matrix.T + target_mean
        return matched.astype(np.float32).reshape(picture.shape)

    return mapped


def _moments(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean `[C]` and covariance `[C, C]` of values `[N, C]` with N weights."""
    flat = None if weights is None else weights.reshape(-1)
    mean = np.average(values, axis=0, weights=flat)
    return mean, np.cov(values.T, bias=True, aweights=flat)


def _root(covariance: np.ndarray, power: float) -> np.ndarray:
    """Return a power of a covariance `[C, C]`, 0 along directions without variation."""
    variances, axes = np.linalg.eigh(covariance)
    powers = np.where(variances > STEP**2, np.maximum(variances, STEP**2) ** power, 0.0)
    return (axes * powers) @ axes.T
