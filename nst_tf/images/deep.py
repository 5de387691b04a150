"""Files with 16 bits a channel in several channels, which Pillow cuts to 8 bits."""

import logging

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from nst_tf.files import StrPath, open_again

# tifffile logs what is odd about a file. Without a handler, Python prints that on stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_GREY = 0  # colour type of a PNG file, PNG specification, 11.2.1
_PADDING, _PREMULTIPLIED = 0, 1  # kinds of extra samples of a TIFF file, TIFF 6.0, section 18


def read_deep(path: StrPath, image: Image.Image) -> np.ndarray | None:
    """Return the samples of a PNG or TIFF file with 16 bits a channel in several channels.

    Args:
        path: the file.
        image: the same file as Pillow opens it.

    Returns:
        uint16 `[H, W, C]`, upright: grey and alpha, RGB, or RGB and alpha. None for other files,
        and for CMYK, which Pillow reads.
    """
    samples = None
    if image.format == "PNG":
        samples = _read_png(path)
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        depths = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, ())
        if set(depths) == {16} and image.mode in ("RGB", "RGBA"):
            samples = _read_tiff(path)
    if samples is None:
        return None
    return _upright(samples, image.getexif().get(ExifTags.Base.Orientation, 1))


def _read_png(path: StrPath) -> np.ndarray | None:
    with open_again(path) as file:
        depth, color_type = file.read(26)[24:]
        if depth != 16 or color_type == _GREY:
            return None
        file.seek(0)
        return imagecodecs.png_decode(file.read())  # a tRNS colour becomes an alpha channel


def _read_tiff(path: StrPath) -> np.ndarray:
    with open_again(path) as opened, tifffile.TiffFile(opened) as file:
        page = file.pages.first
        samples = page.asarray()
    if page.axes.startswith("S"):  # stored channel by channel
        samples = np.moveaxis(samples, 0, -1)
    kind = page.extrasamples[0] if page.extrasamples else None
    if kind == _PADDING:
        return samples[..., :3]
    if kind == _PREMULTIPLIED:
        return _unmultiplied(samples)
    return samples


def _unmultiplied(samples: np.ndarray) -> np.ndarray:
    """Divide the colours of uint16 samples `[H, W, C]` by their alpha, the last channel."""
    alpha = np.maximum(samples[..., -1:], 1).astype(np.float64)
    colors = np.minimum(np.rint(samples[..., :-1] * (65535 / alpha)), 65535)
    return np.concatenate([colors.astype(np.uint16), samples[..., -1:]], axis=-1)


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an array `[H, W, C]` upright by its Exif orientation, 1 to 8."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples
