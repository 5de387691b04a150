"""Going on by smaller blocks where memory runs out."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

from nst_tf.compute.evaluate import release
from nst_tf.compute.plan import Plan

Result = TypeVar("Result")


def with_less_memory(action: Callable[[Plan], Result], plan: Plan) -> tuple[Result, Plan]:
    """Return what `action` returns, and the plan that it succeeded with: `plan` or a smaller one.

    What the failed plan compiled is dropped before the next one is tried.

    Args:
        action: is called with plans of falling size until memory suffices. It must change nothing
            before it returns.
        plan: the first to try.

    Raises:
        MemoryError: the smallest blocks take too much memory too.
    """
    while True:
        try:
            return action(plan), plan
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            smaller = plan.smaller()
            if smaller is None:
                raise MemoryError("memory ran out, even by the smallest blocks") from error
        plan = smaller
        release()
        warnings.warn(f"memory ran out: going on by blocks of {plan.block_size} pixels")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of TensorFlow or NumPy says that memory ran out.

    On GPUs, cuDNN reports a lack of memory for its workspaces as an algorithm that is not found.
    """
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    kinds = (tf.errors.NotFoundError, tf.errors.InternalError, tf.errors.UnknownError)
    text = str(error)
    return isinstance(error, kinds) and (
        "No algorithm worked" in text
        or "CUDNN_STATUS_ALLOC_FAILED" in text
        or "out of memory" in text
    )
