"""Channels of pictures of any mode, in sRGB."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageOps

from nst_tf.images.exif import PhotoExif
from nst_tf.images.levels import quantize, to_float
from nst_tf.images.profiles import deep_to_srgb, to_srgb
from nst_tf.images.resize import Size
from nst_tf.images.stated import stated_profile
from nst_tf.utils.files import StrPath
from nst_tf.utils.stderr import quiet


@dataclass(frozen=True)
class Decoded:
    """The channels of a picture file.

    Attributes:
        channels: one grey channel, or red, green and blue, in sRGB: `[H, W]` each, of bool, uint8,
            uint16, int32 or float32. `to_float` scales them to [0, 1].
        alpha: float32 `[H, W]` in [0, 1], or None if the file is opaque.
        has_profile: whether the file carried a colour profile.
        exif: the Exif data to keep.
        full_size: height and width of the picture in its file, pixels; None: the size of
            `channels`.
    """

    channels: list[np.ndarray]
    alpha: np.ndarray | None
    has_profile: bool
    exif: PhotoExif = field(default_factory=PhotoExif)
    full_size: Size | None = None

    @property
    def size(self) -> Size:
        """Height and width of the picture in its file, pixels."""
        height, width = self.channels[0].shape
        return self.full_size or (height, width)


def decode_image(image: Image.Image, name: str) -> Decoded:
    """Return the channels of a picture that Pillow has opened or made, like `decode` for a file.

    Raises:
        OSError: it was opened from a file that is damaged or closed; the text contains `name`.
    """
    try:
        load(image)
    except (OSError, ValueError) as error:
        raise OSError(f"{name} cannot be read: {error}") from None
    return separated(ImageOps.exif_transpose(image), name)


def load(image: Image.Image) -> None:
    """Decode a picture without the lines that libtiff prints about damage."""
    if image.format != "TIFF":
        image.load()
        return
    with quiet():
        image.load()


def separated(image: Image.Image, path: StrPath) -> Decoded:
    """Separate an upright, decoded picture, whose `info` may change, into channels and an alpha."""
    profile = image.info.get("icc_profile") or stated_profile(image.info)
    if profile:
        image.info["icc_profile"] = profile
    if image.mode.startswith("I;16"):
        return separated_samples(grey_samples(image), profile, path)
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
    return Decoded([np.asarray(band) for band in image.split()], alpha, bool(profile))


def separated_samples(samples: np.ndarray, profile: bytes | None, path: StrPath) -> Decoded:
    """Separate upright samples, as `separated` does.

    They are uint8, uint16 or float32 `[H, W, C]`: grey or RGB, with an alpha or without.
    """
    alpha = None
    if samples.shape[-1] in (2, 4):
        alpha = _alpha(samples[..., -1])
        samples = samples[..., :-1]
    if profile:
        deep = samples if samples.dtype == np.uint16 else quantize(to_float(samples), 16)
        samples = deep_to_srgb(deep, profile, path)
    return Decoded(list(np.moveaxis(samples, -1, 0)), alpha, bool(profile))


def grey_samples(image: Image.Image) -> np.ndarray:
    """Return the samples of 16-bit grey, uint16 `[H, W, 1]`, or `[H, W, 2]` with an alpha."""
    values = np.asarray(image).astype(np.uint16)  # in this machine's byte order
    clear = image.info.get("transparency")
    if clear is None:
        return values[..., None]
    return np.stack([values, np.where(values == clear, 0, 65535).astype(np.uint16)], axis=-1)


def _alpha(levels: np.ndarray) -> np.ndarray | None:
    """Return an alpha channel in [0, 1], or None if it is opaque all over."""
    alpha = to_float(levels)
    return None if alpha.min() == 1 else alpha
