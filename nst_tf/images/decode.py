"""Picture files as arrays of their own depth, upright and in sRGB."""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nst_tf.errors import UserError
from nst_tf.files import StrPath
from nst_tf.images import heif
from nst_tf.images.deep import read_deep
from nst_tf.images.depth import to_float
from nst_tf.images.origin import Origin, read_origin, swaps_axes
from nst_tf.images.profiles import deep_to_srgb, to_srgb
from nst_tf.images.resize import Size
from nst_tf.stderr import stderr_to

_STDERR = threading.Lock()


@dataclass(frozen=True)
class Decoded:
    """The channels of a picture file.

    Attributes:
        channels: one grey channel, or red, green and blue, in sRGB: `[H, W]` each, of bool, uint8,
            uint16, int32 or float32. `to_float` scales them to [0, 1].
        alpha: float32 `[H, W]` in [0, 1], or None if the file is opaque.
        has_profile: whether the file carried a colour profile.
        origin: what the file tells of the picture beside its pixels.
    """

    channels: list[np.ndarray]
    alpha: np.ndarray | None
    has_profile: bool
    origin: Origin = field(default_factory=Origin)


def decode(path: StrPath) -> Decoded:
    """Read the first frame of a picture file.

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated.
        ValueError: the picture has too many pixels.
        MemoryError: the picture does not fit into memory.
    """
    with open_picture(path) as opened:
        # The frames of an MPO file behind its photo are previews and depth maps.
        frames = 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
        samples = read_deep(path, opened)
        if samples is None:
            _load(opened)
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I;16"):
                samples = _grey_samples(image)
        profile = opened.info.get("icc_profile")
        origin = read_origin(opened)
    if frames > 1:
        warnings.warn(f"{path} has {frames} frames: only the first is used")
    decoded = _decoded(image, path) if samples is None else _decoded_deep(samples, profile, path)
    return replace(decoded, origin=origin)


@contextmanager
def open_picture(path: StrPath) -> Iterator[Image.Image]:
    """Open a picture file, making one line of each of the many errors of decoders.

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated.
        ValueError: the picture has too many pixels.
        MemoryError: the picture does not fit into memory.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large photographs, which are welcome, and of damage, which it then
            # refuses or repairs.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            heif.register(path)
            with Image.open(path) as image:
                yield image
    except MemoryError:
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: check the path") from None
    except UnidentifiedImageError:
        raise OSError(f"{path} {heif.remedy(path)}") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has too many pixels to be safe: scale it down first") from None
    except Exception as error:  # decoders raise whatever they trip over
        text = " ".join(str(error).split()) or type(error).__name__
        if "out of memory" in text.lower():  # Pillow's and libpng's decoders
            raise MemoryError(text) from None
        reason = getattr(error, "strerror", None) or f"damaged or truncated ({text})"
        raise OSError(f"{path} cannot be read: {reason}") from None


def upright_size(path: StrPath) -> Size:
    """Return height and width of a picture file as it is shown, in pixels, from its header alone.

    Raises:
        OSError, ValueError, MemoryError: as for `open_picture`.
    """
    with open_picture(path) as image:
        width, height = image.size
        return (width, height) if swaps_axes(image.getexif()) else (height, width)


def _load(image: Image.Image) -> None:
    """Decode a picture without the lines that libtiff prints about damage."""
    if image.format != "TIFF":
        image.load()
        return
    with _STDERR, open(os.devnull, "wb") as nothing, stderr_to(nothing):
        image.load()


def _grey_samples(image: Image.Image) -> np.ndarray:
    """Return the samples of 16-bit grey, uint16 `[H, W, 1]`, or `[H, W, 2]` with an alpha."""
    values = np.asarray(image).astype(np.uint16)  # in this machine's byte order
    clear = image.info.get("transparency")
    if clear is None:
        return values[..., None]
    return np.stack([values, np.where(values == clear, 0, 65535).astype(np.uint16)], axis=-1)


def _decoded_deep(samples: np.ndarray, profile: bytes | None, path: StrPath) -> Decoded:
    """Separate uint16 samples `[H, W, C]` into channels in sRGB and an alpha."""
    alpha = None
    if samples.shape[-1] in (2, 4):
        alpha = _alpha(samples[..., -1])
        samples = samples[..., :-1]
    if profile:
        samples = deep_to_srgb(samples, profile, path)
    return Decoded(list(np.moveaxis(samples, -1, 0)), alpha, bool(profile))


def _decoded(image: Image.Image, path: StrPath) -> Decoded:
    """Separate a picture of any other mode into channels in sRGB and an alpha."""
    has_profile = bool(image.info.get("icc_profile"))
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
        alpha = _alpha(np.asarray(image.getchannel("A")))
    if image.mode in ("P", "PA", "RGBA", "RGBX"):
        image = image.convert("RGB")
    elif image.mode in ("LA", "La"):
        image = image.convert("L")
    if image.mode not in ("1", "I", "F"):
        image = to_srgb(image, path)
    return Decoded([np.asarray(band) for band in image.split()], alpha, has_profile)


def _alpha(levels: np.ndarray) -> np.ndarray | None:
    """Return an alpha channel in [0, 1], or None if it is opaque all over."""
    alpha = to_float(levels)
    return None if alpha.min() == 1 else alpha


def decode_image(image: Image.Image, name: str) -> Decoded:
    """Return the channels of a picture that Pillow has opened or made, as `decode` those of a file.

    Args:
        image: the picture; its orientation and colour profile count, if it has them.
        name: what the errors call it.

    Raises:
        OSError: it was opened from a file that is damaged or closed.
    """
    try:
        _load(image)
    except (OSError, ValueError) as error:
        raise OSError(f"{name} cannot be read: {error}") from None
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        return _decoded_deep(_grey_samples(upright), profile, name)
    return _decoded(upright, name)
