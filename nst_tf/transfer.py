"""Neural style transfer: targets, the compiled train step, and the loop that applies it.

The method is that of Gatys, Ecker and Bethge (arXiv 1508.06576) as the TensorFlow tutorial runs it.
"""

import functools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nst_tf.losses import Losses, gram_matrix, layer_loss, total_variation_loss
from nst_tf.optimizers import AdamState, adam_state, adam_update
from nst_tf.settings import INITS, Settings
from nst_tf.sizes import check_image, cover, fit_pictures
from nst_tf.vgg import extract_features, feature_model, winograd_kernels
from nst_tf.weights import Weights, load_weights

CACHED = 4  # compiled steps kept, one for each network and picture size
WORTH_COMPILING = 5e6  # steps × pixels for which the time saved is about twice that of compiling


@dataclass(frozen=True)
class Progress:
    """What one step did, for callbacks.

    Attributes:
        step: number of the step, from 1.
        steps: steps in the whole run.
        losses: the objective's terms, floats, of the image *before* this step's update.
        seconds: time since the first step began, this step included.
        image: returns a copy of the image *after* the update, float32 `[1, H, W, 3]` in [0, 1].
    """

    step: int
    steps: int
    losses: Losses
    seconds: float
    image: Callable[[], np.ndarray]


Callback = Callable[[Progress], object]
"""Is given every step's `Progress`; one that returns True ends the run after that step."""


class NonFiniteLossError(ArithmeticError):
    """The objective overflowed. `image` is the last finite image, float32 `[1, H, W, 3]`."""

    def __init__(self, message: str, image: np.ndarray):
        super().__init__(message)
        self.image = image


class Targets(NamedTuple):
    """What the generated image is held to, by layer name."""

    content: Mapping[str, tf.Tensor]
    """Features `[1, h, w, C]` of the content image."""
    style: Mapping[str, tf.Tensor]
    """Gram matrices `[C, C]`, blended over the style images."""


class Knobs(NamedTuple):
    """The settings that a compiled step reads as tensors, so that changing one traces nothing."""

    content_weight: tf.Tensor
    style_weight: tf.Tensor
    total_variation_weight: tf.Tensor
    content_factors: Mapping[str, tf.Tensor]
    style_factors: Mapping[str, tf.Tensor]
    learning_rate: tf.Tensor
    beta_1: tf.Tensor
    epsilon: tf.Tensor


def stylize(
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings | None = None,
    *,
    initial: np.ndarray | None = None,
    callbacks: Iterable[Callback] = (),
) -> np.ndarray:
    """Paint the content image in the manner of the style images.

    Calls of one size, network and pooling share one compiled step; no file but the weights is read.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]`, sRGB in [0, 1]; limited to
            `settings.max_dim` on its long side.
        styles: one image of that kind or a sequence of them, of any sizes.
        settings: every knob; by default those of the recipe `tutorial`.
        initial: where to start, an image that is resized to the content's size; by default what
            `settings.init` says.
        callbacks: each is called with every step's `Progress`, in order.

    Returns:
        float32 `[1, h, w, 3]` in [0, 1], with h and w of the content as it was limited.

    Raises:
        ValueError: an image is not valid or too small, or settings and images do not agree.
        OSError: the weights cannot be read.
        NonFiniteLossError: the objective overflowed.
    """
    settings = settings or Settings()
    callbacks = tuple(callbacks)
    content, fitted = fit(content, styles, settings)
    weights = load_weights(settings.weights)
    image = tf.Variable(start_image(content, fitted, settings, initial), trainable=False)
    shape = tuple(image.shape)
    model = feature_model(weights, settings.layers, settings.pooling)
    fast = use_winograd(settings, shape)
    train_step = compiled_step(weights, settings.layers, settings.pooling, shape, fast)
    targets = make_targets(model, content, fitted, settings)
    knobs = make_knobs(settings)
    state = adam_state(shape)

    began = time.perf_counter()
    for step in range(1, settings.steps + 1):
        tensors, finite = train_step(image, state, targets, knobs)
        losses = Losses(*(float(term) for term in tensors))
        if not finite:
            raise NonFiniteLossError(_overflow(step, losses), image.numpy())
        progress = Progress(step, settings.steps, losses, time.perf_counter() - began, image.numpy)
        # All are called before any answer counts: each should see the step that one of them ends.
        answers = [callback(progress) for callback in callbacks]
        if any(answer is True for answer in answers):
            break
    return image.numpy()


def measure(
    image: np.ndarray,
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings | None = None,
) -> Losses:
    """Return the objective's terms of an image, as `stylize` with these arguments sees them.

    Args:
        image: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1], of the fitted content's size.
        content, styles, settings: as for `stylize`.

    Returns:
        The weighted terms, floats.

    Raises:
        ValueError: as for `stylize`, or the image has another size than the content.
    """
    settings = settings or Settings()
    content, fitted = fit(content, styles, settings)
    image = check_image("image", image)
    if image.shape != content.shape:
        raise ValueError(
            f"image is {image.shape[2]}x{image.shape[1]} pixels, but the content "
            f"{content.shape[2]}x{content.shape[1]}"
        )
    model = feature_model(load_weights(settings.weights), settings.layers, settings.pooling)
    targets = make_targets(model, content, fitted, settings)
    losses = objective(model, tf.constant(image), targets, make_knobs(settings))
    return Losses(*(float(term) for term in losses))


def fit(
    content: np.ndarray, styles: np.ndarray | Sequence[np.ndarray], settings: Settings
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Bring content and styles to the sizes that `settings` asks for; errors as for `stylize`."""
    if isinstance(styles, np.ndarray):
        styles = [styles]
    content, fitted = fit_pictures(
        content,
        styles,
        max_dim=settings.max_dim,
        style_scale=settings.style_scale,
        smallest_side=settings.smallest_side,
    )
    if settings.style_blend and len(settings.style_blend) != len(fitted):
        raise ValueError(
            f"style_blend has {len(settings.style_blend)} shares for {len(fitted)} style images"
        )
    return content, fitted


def start_image(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    settings: Settings,
    initial: np.ndarray | None = None,
) -> np.ndarray:
    """Return the image that the first step changes, float32 of the content's shape.

    Noise is uniform in [0, 1] and depends on nothing but the seed and the shape.
    """
    size = content.shape[1:3]
    if initial is not None:
        return cover(check_image("initial", initial), size)
    if settings.init == "content":
        return content
    if settings.init == "style":
        return cover(styles[0], size)
    if settings.init == "noise":
        return np.random.default_rng(settings.seed).random(content.shape, dtype=np.float32)
    if settings.init == "white":
        return np.ones_like(content)
    raise ValueError(
        f"init {settings.init!r} is not one of {', '.join(INITS)}: pass a picture as `initial`"
    )


def make_targets(
    model: keras.Model, content: np.ndarray, styles: Sequence[np.ndarray], settings: Settings
) -> Targets:
    """Compute the content's features and the styles' Gram matrices, blended by their shares."""
    shares = np.asarray(settings.style_blend or [1.0] * len(styles))
    shares = shares / shares.sum()
    grams: dict[str, tf.Tensor] = {}
    for share, style in zip(shares, styles, strict=True):
        features = extract_features(model, tf.constant(style))
        for name in settings.style_layers:
            gram = float(share) * gram_matrix(features[name])
            grams[name] = grams[name] + gram if name in grams else gram
    features = extract_features(model, tf.constant(content))
    return Targets({name: features[name] for name in settings.content_layers}, grams)


def make_knobs(settings: Settings) -> Knobs:
    """Turn the settings that a step reads into float32 scalar tensors."""

    def factors(names, values):
        return dict(zip(names, map(tf.constant, values or [1.0] * len(names)), strict=True))

    return Knobs(
        tf.constant(settings.content_weight),
        tf.constant(settings.style_weight),
        tf.constant(settings.total_variation_weight),
        factors(settings.content_layers, settings.content_layer_weights),
        factors(settings.style_layers, settings.style_layer_weights),
        tf.constant(settings.learning_rate),
        tf.constant(settings.beta_1),
        tf.constant(settings.epsilon),
    )


def objective(
    model: keras.Model,
    image: tf.Tensor,
    targets: Targets,
    knobs: Knobs,
    kernels: Mapping[str, tf.Tensor] | None = None,
) -> Losses:
    """Return the weighted terms and their sum, scalar tensors, differentiable in `image`.

    With `kernels`, from `vgg.winograd_kernels`, the convolutions are faster on CPUs.
    """
    features = extract_features(model, image, kernels)
    grams = {name: gram_matrix(features[name]) for name in knobs.style_factors}
    style = knobs.style_weight * layer_loss(grams, targets.style, knobs.style_factors)
    content = knobs.content_weight * layer_loss(features, targets.content, knobs.content_factors)
    variation = knobs.total_variation_weight * total_variation_loss(image)
    return Losses(style + content + variation, style, content, variation)


def use_winograd(settings: Settings, shape: tuple[int, ...]) -> bool:
    """Return whether a run on images of `shape` should compile its own convolutions."""
    if settings.convolution != "auto":
        return settings.convolution == "winograd"
    work = settings.steps * shape[1] * shape[2]
    return work >= WORTH_COMPILING and not tf.config.list_logical_devices("GPU")


@functools.lru_cache(maxsize=CACHED)
def compiled_step(
    weights: Weights,
    layers: tuple[str, ...],
    pooling: str,
    shape: tuple[int, ...],
    fast: bool,
) -> tf.types.experimental.PolymorphicFunction:
    """Return the compiled train step for images of `shape`; its graph goes when it is evicted.

    Args:
        weights, layers, pooling: as for `vgg.feature_model`.
        shape: of the image, `(1, H, W, 3)`.
        fast: whether to use the convolutions of `winograd`.
    """
    model = feature_model(weights, layers, pooling)
    kernels = winograd_kernels(model, shape[1], shape[2]) if fast else {}

    @tf.function
    def train_step(image: tf.Variable, state: AdamState, targets: Targets, knobs: Knobs):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            losses = objective(model, image, targets, knobs, kernels)
        gradient = tape.gradient(losses.total, image)
        # Adam squares the gradient, and what is infinite once would stay in its moments.
        finite = tf.math.is_finite(losses.total + tf.reduce_sum(tf.square(gradient)))
        if finite:
            adam_update(
                image,
                gradient,
                state,
                learning_rate=knobs.learning_rate,
                beta_1=knobs.beta_1,
                epsilon=knobs.epsilon,
            )
        return losses, finite

    return train_step


def _overflow(step: int, losses: Losses) -> str:
    terms = {name: value for name, value in losses._asdict().items() if name != "total"}
    broken = [name for name, value in terms.items() if not math.isfinite(value)]
    worst = broken[0] if broken else max(terms, key=lambda name: terms[name])
    return f"the loss is no longer finite at step {step}: lower {worst}_weight"
