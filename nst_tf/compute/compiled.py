"""Loops compiled by Numba, once on a machine."""

import functools
import warnings

import numba

UNWRITABLE = (
    "Numba cannot store compiled functions, so every run compiles them for some seconds: set "
    "NUMBA_CACHE_DIR to a folder that can be written"
)


def compile_loop(signature):
    """Return a decorator that compiles a function for a signature, or loads it from the disk."""

    def decorate(function):
        compile = functools.partial(
            numba.njit, signature, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy"
        )
        try:
            return compile(cache=True)(function)
        except (RuntimeError, OSError) as error:
            warnings.warn(f"{UNWRITABLE} ({error})")
            return compile()(function)

    return decorate
