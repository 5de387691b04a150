"""VGG19's kernels and biases as NumPy arrays, read and verified without TensorFlow."""

import hashlib
import os
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TypeAlias

import numpy as np

from nst_tf.network.layers import LAYERS, WIDTHS
from nst_tf.utils.caching import cached
from nst_tf.utils.errors import UserError

BUNDLED = "vgg19_imagenet_notop_q8.npz"
BUNDLED_SHA256 = "efd97b811991acfd7d242f2aabc237c6026bc201c4a4ef0a79eeaf7b5338048a"

KERAS_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/" + KERAS_FILE
KERAS_MD5 = "253f8cb515780f3b799900260a226db6"

CONVOLUTIONS = tuple(name for name in LAYERS if "_conv" in name)


_CHANNELS = [WIDTHS[int(name[5]) - 1] for name in CONVOLUTIONS]

SHAPES = {
    name: (3, 3, before, after)
    for name, before, after in zip(CONVOLUTIONS, [3, *_CHANNELS], _CHANNELS, strict=False)
}
"""Kernel shape `[3, 3, in, out]` of every convolution of VGG19."""

MOST_BYTES = 8 * 3 * 3 * WIDTHS[-1] ** 2 + 4096
"""Maximum size of an array in a file: the largest kernel in float64, with its header."""


Stored: TypeAlias = np.ndarray | tuple[np.ndarray, np.ndarray]
"""An array, or codes and the table of their values."""


def decoded(stored: Stored) -> np.ndarray:
    """Return the array."""
    return stored[1][stored[0]] if isinstance(stored, tuple) else stored


class Kernels(Mapping[str, np.ndarray]):
    """Kernels by layer, float32; those stored as codes are decoded whenever they are read.

    Codes take a quarter of the memory, and the network holds the kernels itself.

    Args:
        stored: kernels of any floating-point type.
    """

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self._stored = stored

    def __getitem__(self, layer: str) -> np.ndarray:
        return decoded(self._stored[layer]).astype(np.float32, copy=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


@dataclass(frozen=True)
class Weights:
    """The parameters of VGG19's 16 convolutions.

    Attributes:
        name: `bundled`, `imagenet` or the name of the user's file.
        sha256: checksum of their file, in hexadecimal.
        kernels: per layer, float32 `[3, 3, in, out]`, for inputs from `model.preprocess`.
        biases: per layer, float32 `[out]`.
    """

    name: str
    sha256: str
    kernels: Mapping[str, np.ndarray] = field(repr=False, compare=False)
    biases: Mapping[str, np.ndarray] = field(repr=False, compare=False)


def load_weights(source: str) -> Weights:
    """Read and verify the weights that `source` names; read an unchanged file only once.

    Args:
        source: `bundled`, `imagenet`, or the path of an `.npz` (with `<layer>/codes`,
            `<layer>/table` and `<layer>/bias`, or `<layer>/kernel` and `<layer>/bias`), or of an
            `.h5` or `.weights.h5` file as Keras saves a VGG19.

    Raises:
        OSError: the file cannot be downloaded or read.
        UserError: the file is not a VGG19, is damaged, or has another checksum than expected.
    """
    path = _locate(source)
    try:
        changed = os.stat(path).st_mtime_ns
    except OSError as error:
        raise OSError(f"weights {source!r} cannot be read: {error.strerror}") from None
    return _read(source, path, changed)


def _locate(source: str) -> Path:
    if source == "bundled":
        return Path(str(resources.files("nst_tf").joinpath("data", BUNDLED)))
    if source == "imagenet":
        return _keras_file()
    path = Path(source)
    if path.suffix not in (".npz", ".h5"):
        raise UserError(f"weights {source!r} must be 'bundled', 'imagenet' or a .npz or .h5 file")
    return path


def _keras_file() -> Path:
    """Return Keras' cached float32 file; let Keras download it the first time."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    cached = home / "models" / KERAS_FILE
    if not cached.exists():
        # Only the download needs Keras, which imports TensorFlow.
        import keras

        try:
            keras.utils.get_file(KERAS_FILE, KERAS_URL, cache_subdir="models", file_hash=KERAS_MD5)
        except Exception as error:  # Keras raises bare exceptions here for any cause
            reason = str(error).splitlines()[-1] if str(error) else type(error).__name__
            raise OSError(
                f"weights 'imagenet' could not be downloaded ({reason}): connect to the network, "
                f"put {KERAS_FILE} into {cached.parent}, or set weights=bundled"
            ) from None
    return cached


def load_ahead() -> None:
    """Begin to load the bundled weights in a thread, for which `load_weights` waits."""

    def load() -> None:
        with suppress(Exception):
            load_weights("bundled")

    threading.Thread(target=load).start()


@cached(2)
def _read(source: str, path: Path, changed: int) -> Weights:
    del changed  # part of the cache's key
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OSError(f"weights {source!r} cannot be read: {error.strerror}") from None
    sha256 = hashlib.sha256(data).hexdigest()
    if source == "bundled" and sha256 != BUNDLED_SHA256:
        raise UserError(f"the bundled weights {path.name} are damaged: reinstall nst_tf")
    if source == "imagenet" and hashlib.md5(data, usedforsecurity=False).hexdigest() != KERAS_MD5:
        raise UserError(f"{path} is not Keras' file (wrong MD5): delete it and run again")
    reader = _read_npz if path.suffix == ".npz" else _read_h5
    try:
        kernels, biases = reader(path)
    except Exception as error:  # readers raise exceptions of many kinds
        reason = error.args[0] if isinstance(error, _NotVGG19) else "damaged or of another format"
        raise UserError(f"weights {source!r} are not the weights of a VGG19: {reason}") from None
    name = source if source in ("bundled", "imagenet") else path.name
    return Weights(name, sha256, *_verified(source, kernels, biases))


class _NotVGG19(UserError):
    pass


def _check_bytes(name: str, size: int) -> None:
    """Refuse an array that is too large for VGG19 before it fills the memory."""
    if size > MOST_BYTES:
        raise _NotVGG19(f"{name} is too large")


def _read_npz(path: Path):
    kernels, biases = {}, {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            _check_bytes(entry.filename, entry.file_size)
    with np.load(path, allow_pickle=False) as archive:
        for name in CONVOLUTIONS:
            if f"{name}/kernel" in archive:
                kernels[name] = archive[f"{name}/kernel"]
            elif f"{name}/codes" in archive:
                kernels[name] = archive[f"{name}/codes"], archive[f"{name}/table"]
            else:
                raise _NotVGG19(f"{name} is missing")
            biases[name] = archive[f"{name}/bias"]
    return kernels, biases


def _read_h5(path: Path):
    """Read any of Keras' HDF5 layouts: kernels are the 4-D data sets, biases are next to them.

    Keras 2 names the groups after the layers, Keras 3 after the class with a number (conv2d,
    conv2d_1, …), with variables 0 and 1.
    """
    import h5py  # comes with Keras; loaded only for these files

    groups: dict[str, list[np.ndarray]] = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset) and item.ndim in (1, 4):
            _check_bytes(name, item.nbytes)
            groups.setdefault(name.rpartition("/")[0], []).append(item[()])

    with h5py.File(path, "r") as file:
        file.visititems(collect)
    kernels, biases = {}, {}
    for group, arrays in groups.items():
        if len(arrays) != 2 or {array.ndim for array in arrays} != {1, 4}:
            continue
        bias, kernel = sorted(arrays, key=np.ndim)
        for part in group.split("/"):
            if part in CONVOLUTIONS:
                name = part
                break
            if part.split("_")[0] == "conv2d":
                number = int(part.partition("_")[2] or 0)
                name = CONVOLUTIONS[number] if number < len(CONVOLUTIONS) else part
                break
        else:
            continue
        kernels[name], biases[name] = kernel, bias
    return kernels, biases


def _verified(source, kernels, biases):
    for name, shape in SHAPES.items():
        if name not in kernels:
            raise UserError(f"weights {source!r} are not the weights of a VGG19: {name} is missing")
        for kind, array, expected in (
            ("kernel", decoded(kernels[name]), shape),
            ("bias", biases[name], shape[-1:]),
        ):
            if array.shape != expected:
                raise UserError(
                    f"weights {source!r} are not the weights of a VGG19: {name}'s {kind} has shape "
                    f"{list(array.shape)}, expected {list(expected)}"
                )
            if array.dtype.kind != "f" or not np.isfinite(array).all():
                raise UserError(
                    f"weights {source!r}: {name}'s {kind} has values that are not finite"
                )
    return (
        Kernels(kernels),
        {name: biases[name].astype(np.float32, copy=False) for name in SHAPES},
    )
