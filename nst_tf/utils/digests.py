"""Checksums of files and arrays."""

import hashlib

import numpy as np

from nst_tf.utils.files import StrPath


def file_digest(path: StrPath) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def array_digest(array: np.ndarray) -> str:
    """Return a SHA-256 of the type, shape and values of an array, in hexadecimal."""
    described = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(described + np.ascontiguousarray(array).tobytes()).hexdigest()
