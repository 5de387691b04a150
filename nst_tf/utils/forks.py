"""Detection of processes that were forked after TensorFlow had started."""

import os
import sys

from nst_tf.utils.errors import UserError

_useless = False  # TensorFlow's threads were not copied: waiting for them would hang


def check_fork() -> None:
    """Refuse to work in a process that was forked after TensorFlow had computed something."""
    if _useless:
        raise UserError(
            "this process was forked after TensorFlow had computed something, and would hang: "
            "make pictures only after the fork, or start processes with 'spawn' or 'forkserver'"
        )


def _is_at_work() -> bool:
    """Return whether TensorFlow has started its threads in this process."""
    module = sys.modules.get("tensorflow.python.eager.context")
    # There is no public way to ask. A TensorFlow without these names goes unnoticed.
    return bool(getattr(getattr(module, "_context", None), "_initialized", False))


def _mark_child() -> None:
    global _useless
    _useless = _useless or _is_at_work()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_mark_child)
