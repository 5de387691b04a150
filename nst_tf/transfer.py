"""Neural style transfer: from pictures to the picture, step by step.

The method is that of Gatys, Ecker and Bethge (arXiv 1508.06576) as the TensorFlow tutorial runs it.
"""

import functools
import math
import time
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from nst_tf.images.color import Colors
from nst_tf.images.masks import Region, count_masks, coverage, fit_regions, keep_photo, paired
from nst_tf.images.resize import check_image, fit_pictures, resize, scaled
from nst_tf.losses.formulas import Losses, read
from nst_tf.losses.objective import Knobs, compiled, make_knobs, objective
from nst_tf.losses.targets import Targets, make_targets
from nst_tf.memory.fallback import Retrying, with_less_memory
from nst_tf.memory.plan import Plan, plan_memory
from nst_tf.network.model import feature_model
from nst_tf.network.precision import feature_precision
from nst_tf.network.weights import load_weights
from nst_tf.optimizers.adam import Adam, AdamState, Average, Optimizer, adam_state, resampled
from nst_tf.optimizers.lbfgs import Evaluation, ProjectedLBFGS
from nst_tf.progress import Callback, NonFiniteLossError, Progress
from nst_tf.schedule import GainRule, plan_scales
from nst_tf.settings import Settings
from nst_tf.start import refined, start_image
from nst_tf.styles import check_blend, check_styles, style_scales


def stylize(
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings | None = None,
    *,
    initial: np.ndarray | None = None,
    regions: Sequence[Region] = (),
    callbacks: Iterable[Callback] = (),
) -> np.ndarray:
    """Paint the content image in the manner of the style images.

    Calls of one size, network and pooling share one compiled step; no file but the weights is read.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]`, sRGB in [0, 1]; limited to
            `settings.max_dim` on its long side.
        styles: one image of that kind or a sequence of them, of any sizes.
        settings: every knob; by default those of the recipe `tutorial`.
        initial: where to start, an image that is resized to the content's size at the coarsest
            scale; by default what `settings.init` says.
        regions: which parts of the content are painted like which parts of which styles, from
            `pair_masks`; what is in none stays as it is. By default all is, like all of all styles.
        callbacks: each is called with every step's `Progress`, in order.

    Returns:
        float32 `[1, h, w, 3]` in [0, 1], with h and w of the content as it was limited.

    Raises:
        ValueError: an image is not valid or too small, settings and images do not agree, or they
            would take more memory than they may.
        OSError: the weights cannot be read.
        tf.errors.ResourceExhaustedError: memory ran out even by the smallest blocks; by larger ones
            the run goes on, and warns.
        NonFiniteLossError: the objective overflowed.
    """
    began = time.perf_counter()
    settings = settings or Settings()
    callbacks = tuple(callbacks)
    content, fitted = fit(content, styles, settings)
    regions, colors = _fit_regions(regions, content, fitted, settings)
    covered = coverage(regions)
    sizes = [style.shape[1:3] for style in fitted]
    plan = plan_scales(settings, content.shape[1:3], sizes)
    memory = plan_memory(settings, plan, sizes, count_masks(regions))
    model = load_model(settings)
    total = sum(scale.steps for scale in plan)
    work = [s.steps * s.ratio**2 * p.cost for s, p in zip(plan, memory, strict=True)]
    steps_done = evaluations = ceiling = 0
    optimizer: Retrying | None = None
    image: np.ndarray | None = None
    coarse = content
    # Of a photo that nothing is to change, a step a scale is enough for the callbacks.
    unchanged = not settings.strength and settings.init == "content" and initial is None
    # Of a texture or a reconstruction, nothing is given away.
    strength = settings.strength if settings.content_weight and settings.style_weight else 1.0

    def finish(image: np.ndarray) -> np.ndarray:
        return keep_photo(colors.restore_colors(image), content, covered)

    for scale, planned in zip(plan, memory, strict=True):
        pictures = [
            resize(picture, scaled(picture.shape[1:3], scale.ratio))
            for picture in (colors.content, *colors.styles)
        ]

        def target(plan: Plan, pictures: Sequence[np.ndarray] = pictures) -> Targets:
            photo, *paintings = pictures
            return make_targets(model, photo, paintings, settings, plan.block_size, regions)

        targets, room = with_less_memory(target, planned.at_most(ceiling))
        if image is None:
            image = start_image(pictures[0], pictures[1:], settings, initial)
        else:
            image = refined(image, coarse, pictures[0], strength)
        coarse = pictures[0]
        variable = tf.Variable(image, trainable=False)
        make = functools.partial(make_optimizer, variable, model, targets, settings)
        optimizer = Retrying(make, room, optimizer)
        view = Average(variable, settings.averaging) if settings.averaging else variable

        def shown(view: tf.Variable | Average = view) -> np.ndarray:
            return finish(view.numpy())

        unit = scale.ratio**2 * optimizer.plan.cost
        rule = GainRule(settings.min_gain)
        now: Settings | None = None
        last_epoch = settings.epochs * (scale.steps_before + scale.steps - 1) // total
        for step in range(1, scale.steps + 1):
            epoch = settings.epochs * (scale.steps_before + step - 1) // total
            if settings.time_limit:  # the ramps hurry as the time does
                share = (time.perf_counter() - began) / settings.time_limit
                epoch = max(epoch, min(settings.epochs - 1, int(settings.epochs * share)))
            at = settings.at(epoch)
            if at != now:
                now, knobs = at, make_knobs(at, targets)
                rule.restart()
            try:
                losses = optimizer.step(knobs)
            except FloatingPointError as error:
                raise NonFiniteLossError(
                    _overflow(steps_done + step, error.args[0]),
                    finish(resize(view.numpy(), plan[-1].size)),
                ) from None
            if isinstance(view, Average):
                view.update()
            progress = Progress(
                step=steps_done + step,
                steps=steps_done + scale.steps + scale.steps_after,
                scale=scale,
                scales=len(plan),
                scale_step=step,
                ahead=scale.steps - step + sum(work[scale.number :]) / unit,
                losses=losses,
                evaluations=evaluations + optimizer.evaluations,
                seconds=time.perf_counter() - began,
                image=shown,
            )
            if _any_ends(callbacks, progress):
                return finish(resize(view.numpy(), plan[-1].size))
            late = 0 < settings.time_limit * scale.deadline <= progress.seconds
            pays = not (rule.ends(losses.total) or optimizer.stationary)
            ramps_on = epoch < last_epoch and at != settings.at(last_epoch)
            if late or unchanged or not (pays or ramps_on):
                break
        steps_done += step
        evaluations += optimizer.evaluations
        ceiling = optimizer.plan.block_size if optimizer.plan != planned else ceiling
        image = view.numpy()
    assert image is not None  # there is a scale
    return finish(image)


def _any_ends(callbacks: Iterable[Callback], progress: Progress) -> bool:
    """Call all before any answer counts: each should see the step that one of them ends."""
    answers = [callback(progress) for callback in callbacks]
    return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)


def _fit_regions(
    regions: Sequence[Region],
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    settings: Settings,
) -> tuple[list[Region], Colors]:
    """Return the regions at the sizes of fitted pictures, and the colours to run in."""
    fitted = fit_regions(regions, content.shape[1:3], [style.shape[1:3] for style in styles])
    check_blend(settings, fitted)
    pairs = [paired(fitted, number) for number in range(len(styles))]
    return fitted, Colors(settings.preserve_color, content, styles, pairs)


def make_optimizer(
    image: tf.Variable,
    model: keras.Model,
    targets: Targets,
    settings: Settings,
    plan: Plan,
    before: Adam | None = None,
) -> Optimizer:
    """Return the optimizer that `settings` asks for, to work on `image` as `plan` says.

    Adam goes on with the moments of the one that worked `before`, at a coarser scale or at this
    one. Of a relative loss, in which all terms are means, a pixel's gradient falls as the number of
    pixels grows, and they with it; of an absolute one it is the sum of the total variation that
    rules, and does not.
    """
    shape = tuple(image.shape)
    functions = compiled(model, shape, plan.fast, plan.block_size, settings.jit_compile)
    if settings.optimizer == "adam":

        def update(state: AdamState, knobs: Knobs) -> tuple[Losses, tf.Tensor]:
            return functions.adam_step(image, state, targets, knobs)

        if before is None:
            return Adam(update, adam_state(shape))
        old_pixels = math.prod(before.state.mean.shape[1:3])
        factor = old_pixels / math.prod(shape[1:3]) if settings.loss == "relative" else 1.0
        return Adam(update, resampled(before.state, shape, factor))

    def evaluate(point: tf.Tensor, knobs: Knobs) -> Evaluation:
        losses, gradient = functions.evaluate(point, targets, knobs)
        return Evaluation(read(losses), gradient)

    return ProjectedLBFGS(image, evaluate, plan.lbfgs_memory)


def measure(
    image: np.ndarray,
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings | None = None,
    regions: Sequence[Region] = (),
) -> Losses:
    """Return the objective's terms of an image, as `stylize` with these arguments sees them.

    Args:
        image: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1], of the fitted content's size. With
            `preserve_color="luminance"` the optimised image has other colours than the result.
        content, styles, settings, regions: as for `stylize`; of a ramp, the start counts.

    Returns:
        The weighted terms, floats.

    Raises:
        ValueError: as for `stylize`, or the image has another size than the content.
    """
    settings = settings or Settings()
    content, fitted = fit(content, styles, settings)
    regions, colors = _fit_regions(regions, content, fitted, settings)
    image = check_image("image", image)
    if image.shape != content.shape:
        raise ValueError(
            f"image is {image.shape[2]}x{image.shape[1]} pixels, but the content "
            f"{content.shape[2]}x{content.shape[1]}"
        )
    model = load_model(settings)
    targets = make_targets(model, colors.content, colors.styles, settings, regions=regions)
    return read(objective(model, tf.constant(image), targets, make_knobs(settings.at(0), targets)))


def load_model(settings: Settings) -> keras.Model:
    """Return the network that `settings` asks for; OSError if its weights cannot be read."""
    return feature_model(
        load_weights(settings.weights),
        settings.layers,
        settings.pooling,
        feature_precision(settings),
    )


def fit(
    content: np.ndarray, styles: np.ndarray | Sequence[np.ndarray], settings: Settings
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Bring content and styles to the sizes that `settings` asks for; errors as for `stylize`."""
    if isinstance(styles, np.ndarray):
        styles = [styles]
    check_styles(settings, len(styles))
    return fit_pictures(
        content,
        styles,
        max_dim=settings.max_dim,
        style_scales=style_scales(settings, len(styles)),
        detail=settings.detail,
        smallest_side=settings.smallest_side,
    )


def _overflow(step: int, losses: Losses) -> str:
    terms = {name: value for name, value in losses._asdict().items() if name != "total"}
    broken = [name for name, value in terms.items() if not math.isfinite(value)]
    worst = broken[0] if broken else max(terms, key=lambda name: terms[name])
    return f"the loss is no longer finite at step {step}: lower {worst}_weight"
