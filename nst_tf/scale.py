"""What a scale works with: its pictures, the network, the targets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from nst_tf.errors import UserError
from nst_tf.fitting import Fitted
from nst_tf.gate import Gate
from nst_tf.images.resize import resize, scaled
from nst_tf.losses.targets import Targets, make_targets
from nst_tf.losses.term import Term
from nst_tf.memory.memo import Memo
from nst_tf.memory.passes import summarize_blocks, summarize_whole
from nst_tf.network.model import Network, feature_model
from nst_tf.network.precision import feature_precision
from nst_tf.network.weights import Weights, load_weights
from nst_tf.schedule import Scale
from nst_tf.settings import Settings


@dataclass(frozen=True, eq=False)
class Pictures:
    """The photo and the paintings at a scale, float32 `[1, h, w, 3]` in [0, 1]."""

    photo: np.ndarray
    paintings: list[np.ndarray]

    @classmethod
    def at(cls, fitted: Fitted, scale: Scale) -> "Pictures":
        """Return them resampled to a scale, in the colours that the run sees."""
        photo, *paintings = (
            resize(picture, scaled(picture.shape[1:3], scale.ratio))
            for picture in (fitted.colors.content, *fitted.colors.styles)
        )
        return cls(photo, paintings)


def scale_targets(
    network: Network,
    terms: Sequence[Term],
    fitted: Fitted,
    pictures: Pictures,
    block_size: int = 0,
    start: np.ndarray | None = None,
    memo: Memo | None = None,
    precision: str | None = None,
) -> Targets:
    """Return what the terms compare with at a scale.

    Args:
        network: from `load_model`.
        terms: of the objective.
        fitted: what the run is made from.
        pictures: the photo and the paintings at the scale.
        block_size: as for `Stage.plan`, or 0 to send whole pictures through the network.
        start: the image as the scale starts with it, `[1, h, w, 3]`; None at the first scale.
        memo: remembers what the network finds in the paintings; None: nothing is remembered.
        precision: as for `load_model`, which gave the network.
    """
    summarize = summarize_blocks(network, block_size) if block_size else summarize_whole(network)
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


class Switch:
    """A switch of the whole process that several threads may need in different positions.

    Threads that need it in one position hold it together; one that needs the other position waits
    until they are done, and those that come later wait behind it. When nobody holds it, it is as it
    was before.

    Args:
        read: returns its position.
        write: sets it.
    """

    def __init__(self, read: Callable[[], bool], write: Callable[[bool], None]) -> None:
        self._read, self._write = read, write
        self._gate = Gate()
        self._holders = 0
        self._position = self._before = False

    @contextmanager
    def at(self, position: bool) -> Iterator[None]:
        """Hold the switch in a position; a block that holds it must not ask for it again."""
        self._gate.enter(
            lambda: not self._holders or self._position == position, lambda: self._take(position)
        )
        try:
            yield
        finally:
            self._gate.leave(self._give)

    def _take(self, position: bool) -> None:
        if not self._holders:
            self._before, self._position = self._read(), position
            self._write(position)
        self._holders += 1

    def _give(self) -> None:
        self._holders -= 1
        if not self._holders:
            self._write(self._before)


_TENSOR_FLOAT_32 = Switch(
    tf.config.experimental.tensor_float_32_execution_enabled,
    tf.config.experimental.enable_tensor_float_32_execution,
)


@contextmanager
def exact_products(settings: Settings) -> Iterator[None]:
    """Multiply float32 as float32, unless `settings.tf32` allows less on NVIDIA GPUs.

    TensorFlow's switch is the process's: runs that need it in different positions take turns step
    by step, and it is put back afterwards.
    """
    with _TENSOR_FLOAT_32.at(settings.tf32):
        yield
