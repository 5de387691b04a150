"""The kind of run that settings ask for."""

from typing import TYPE_CHECKING, TypeAlias

from nst_tf.inputs.prepare import RunInputs
from nst_tf.transfer.recolor import Recoloring

if TYPE_CHECKING:
    from nst_tf.compute.cache import StatisticsCache
    from nst_tf.transfer.run import StyleTransfer

Run: TypeAlias = "StyleTransfer | Recoloring"


def make_run(
    fitted: RunInputs,
    budget: int | None = None,
    cache: "StatisticsCache | None" = None,
) -> "Run":
    """Return a run that is ready to start; arguments and errors are those of `StyleTransfer`."""
    if fitted.settings.recolor:
        return Recoloring(fitted)
    from nst_tf.transfer.run import StyleTransfer  # imports TensorFlow

    return StyleTransfer(fitted, budget, cache)
