"""The start of a scale: its first state, the network and the targets."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nst_tf.compute.cache import StatisticsCache
from nst_tf.compute.passes import summarize_tiles, summarize_whole
from nst_tf.compute.plan import Plan
from nst_tf.compute.precision import feature_precision
from nst_tf.images.masks import compose
from nst_tf.images.wrap import margins, periodic, resize_tile, wrapped, wrapped_regions
from nst_tf.inputs.pictures import Pictures
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.inputs.start import start_image, upsample_start
from nst_tf.losses.targets import Targets, make_targets
from nst_tf.losses.term import Term
from nst_tf.network.model import Network, feature_model
from nst_tf.network.weights import Weights, load_weights
from nst_tf.optimizers.adam import AdamState, adam_resample, adam_start
from nst_tf.optimizers.lbfgs import LBFGSState, lbfgs_start
from nst_tf.settings import Settings
from nst_tf.transfer.state import RunState
from nst_tf.transfer.strokes import enlarge_with_strokes
from nst_tf.utils.errors import UserError


def first_state(inputs: RunInputs, pictures: Pictures, plan: Plan) -> RunState:
    """Return the state before the first step of a run."""
    settings = inputs.settings
    start = start_image(pictures.photo, pictures.paintings, settings, inputs.initial)
    image = tf.constant(periodic(start, settings.tileable))
    adam = settings.optimizer == "adam"
    return RunState(
        scale=1,
        step=0,
        scale_step=0,
        epoch=0,
        image=image,
        start=image,
        optimizer=adam_start(pictures.photo.shape) if adam else lbfgs_start(),
        average=None,
        window=(),
        evaluations=0,
        seconds=0.0,
        plan=plan,
    )


def finer_state(
    state: RunState, inputs: RunInputs, scale: Scale, photo: np.ndarray, plan: Plan
) -> RunState:
    """Return the state with which a scale starts from the result of the coarser scale."""
    settings = inputs.settings
    # A texture or a reconstruction has no photo whose share could grow.
    strength = settings.strength if settings.content_weight and settings.style_weight else 1.0
    tileable = settings.tileable
    coarse = resize_tile(inputs.colors.content, tuple(state.image.shape[1:3]), tileable)
    picture = state.output_image.numpy()
    start = upsample_start(picture, coarse, photo, strength, tileable)
    if settings.repaints:
        start = enlarge_with_strokes(inputs, picture, start, photo)
    new = inputs.new_faces(coarse.shape[1:3], photo.shape[1:3])
    image = tf.constant(start if new is None else compose(photo, start, new[None, :, :, None]))
    return dataclasses.replace(
        state,
        scale=scale.number,
        scale_step=0,
        image=image,
        start=image,
        optimizer=_finer_optimizer(state, settings, photo.shape),
        average=None,
        window=(),
        plan=plan.at_most(state.smallest),
        watch=state.watch.reset(),
    )


def _finer_optimizer(
    state: RunState, settings: Settings, shape: tuple[int, ...]
) -> AdamState | LBFGSState:
    if isinstance(state.optimizer, LBFGSState):
        return lbfgs_start()
    # A relative loss is a mean over pixels, so a pixel's gradient falls as their number grows. An
    # absolute loss is dominated by the sum of the total variation, whose gradient does not.
    ratio = (state.image.shape[1] * state.image.shape[2]) / (shape[1] * shape[2])
    factor = ratio if settings.loss == "relative" else 1.0
    return adam_resample(state.optimizer, shape, factor)


def scale_targets(
    network: Network,
    terms: Sequence[Term],
    inputs: RunInputs,
    pictures: Pictures,
    plan: Plan | None = None,
    start: np.ndarray | None = None,
    cache: StatisticsCache | None = None,
    precision: str | None = None,
) -> Targets:
    """Return the targets of the terms at a scale.

    Args:
        plan: of the scale; None: whole pictures and direct convolutions.
        start: the image with which the scale starts, `[1, h, w, 3]`; None at the first scale.
        cache: caches statistics of the paintings, or None.
        precision: as for `load_model`, which returned the network.
    """
    block_size, winograd = (plan.block_size, plan.winograd) if plan else (0, False)
    if block_size:
        summarize = summarize_tiles(network, block_size, winograd)
    else:
        summarize = summarize_whole(network, winograd)
    if cache is not None:
        weights, *others = _network(inputs.settings, precision)
        # Not the network itself, which the cache would keep alive without counting it.
        kind = (weights.sha256, *others, block_size, winograd, inputs.settings.tf32)
        summarize = cache.remembering(summarize, kind)
    size = pictures.photo.shape[1:3]
    around, kept = margins(inputs.settings.tileable, size), inputs.kept(size)
    return make_targets(
        terms,
        inputs.settings,
        wrapped(pictures.photo, around, 1),
        pictures.paintings,
        summarize,
        wrapped_regions(inputs.regions, around, size),
        None if start is None else wrapped(start, around, 1),
        None if kept is None else wrapped(kept, around),
        inputs.reference,
    )


def load_model(settings: Settings, precision: str | None = None) -> Network:
    """Return the network for some settings; OSError if its weights cannot be read.

    Args:
        precision: of the features, from the plan; None: the settings' choice for this machine.
    """
    if not tf.executing_eagerly():
        raise UserError("pictures are made step by step: call nst_tf outside tf.function")
    return feature_model(*_network(settings, precision))


def _network(
    settings: Settings, precision: str | None
) -> tuple[Weights, tuple[str, ...], str, str, str]:
    """Return the arguments of `feature_model`."""
    return (
        load_weights(settings.weights),
        settings.layers,
        settings.pooling,
        precision or feature_precision(settings.precision, settings.convolution),
        settings.padding,
    )
