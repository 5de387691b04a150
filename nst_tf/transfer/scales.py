"""What a scale works with: its pictures, the network, the targets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from nst_tf.compute.cache import StatisticsCache
from nst_tf.compute.passes import summarize_tiles, summarize_whole
from nst_tf.compute.precision import feature_precision
from nst_tf.inputs.pictures import Pictures
from nst_tf.inputs.prepare import RunInputs
from nst_tf.losses.targets import Targets, make_targets
from nst_tf.losses.term import Term
from nst_tf.network.model import Network, feature_model
from nst_tf.network.weights import Weights, load_weights
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.locks import ProcessSetting


def scale_targets(
    network: Network,
    terms: Sequence[Term],
    fitted: RunInputs,
    pictures: Pictures,
    block_size: int = 0,
    start: np.ndarray | None = None,
    memo: StatisticsCache | None = None,
    precision: str | None = None,
) -> Targets:
    """Return what the terms compare with at a scale.

    Args:
        network: from `load_model`.
        terms: of the objective.
        fitted: what the run is made from.
        pictures: the photo and the paintings at the scale.
        block_size: longest side of a tile, or 0 to send whole pictures through the network.
        start: the image as the scale starts with it, `[1, h, w, 3]`; None at the first scale.
        memo: remembers what the network finds in the paintings; None: nothing is remembered.
        precision: as for `load_model`, which gave the network.
    """
    summarize = summarize_tiles(network, block_size) if block_size else summarize_whole(network)
    if memo is not None:
        weights, *others = _network(fitted.settings, precision)
        # Not the network itself, which the memo would keep alive without counting it.
        kind = (weights.sha256, *others, block_size, fitted.settings.tf32)
        summarize = memo.remembering(summarize, kind)
    return make_targets(
        terms,
        fitted.settings,
        pictures.photo,
        pictures.paintings,
        summarize,
        fitted.regions,
        start,
        fitted.keep,
        fitted.reference,
    )


def load_model(settings: Settings, precision: str | None = None) -> Network:
    """Return the network that `settings` asks for.

    Args:
        settings: of the run.
        precision: of the features, from the plan; None: what the settings amount to here.

    Raises:
        OSError: its weights cannot be read.
        UserError: the call is part of a graph.
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


_TENSOR_FLOAT_32 = ProcessSetting(
    tf.config.experimental.tensor_float_32_execution_enabled,
    tf.config.experimental.enable_tensor_float_32_execution,
)


@contextmanager
def tf32_mode(settings: Settings) -> Iterator[None]:
    """Multiply float32 as float32, unless `settings.tf32` allows less on NVIDIA GPUs.

    TensorFlow's switch is the process's: runs that need it in different positions take turns step
    by step, and it is put back afterwards.
    """
    with _TENSOR_FLOAT_32.at(settings.tf32):
        yield
