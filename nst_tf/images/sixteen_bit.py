"""Samples of files with more than 8 bits a channel, which Pillow cuts to 8 or cannot read."""

import imagecodecs
import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from nst_tf.images import tiff
from nst_tf.images.foreign import ForeignImage
from nst_tf.utils.files import StrPath, open_again

_GREY = 0  # colour type of a PNG file, PNG specification, 11.2.1
_PALETTE, _SEPARATED = 3, 5  # photometric interpretations of a TIFF file, TIFF 6.0, section 8


def read_sixteen_bit(path: StrPath, image: Image.Image) -> np.ndarray | None:
    """Return the samples of a file that Pillow cannot read in full, and that `image` has opened.

    They are uint8, uint16 or float32 `[H, W, C]`, upright: grey or RGB, with an alpha or without;
    None for other files and CMYK, which Pillow reads.
    """
    if not is_sixteen_bit(path, image):
        return None
    if isinstance(image, ForeignImage):
        samples = image.samples()
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        samples = tiff.read_samples(path, tiff.Place(image.tell(), None, image.size))
    else:
        with open_again(path) as file:
            data = file.read()
        if image.format == "PNG":
            samples = imagecodecs.png_decode(data)  # a tRNS colour becomes an alpha channel
        else:
            samples = tiff.scaled_to_16(imagecodecs.jpeg2k_decode(data), _jpeg2000_bits(data))
    return _upright(samples, image.getexif().get(ExifTags.Base.Orientation, 1))


def is_sixteen_bit(path: StrPath, image: Image.Image) -> bool:
    """Return whether Pillow cannot read a file in full; arguments as for `read_sixteen_bit`."""
    if isinstance(image, ForeignImage):
        return True
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        kind = image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
        depths = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
        return max(depths) > 8 and kind not in (_PALETTE, _SEPARATED)
    if image.format not in ("PNG", "JPEG2000"):
        return False
    with open_again(path) as file:
        start = file.read(2**16)
    if image.format == "PNG":
        depth, color_type = start[24:26]
        return depth == 16 and color_type != _GREY
    return image.mode in ("LA", "RGB", "RGBA") and _jpeg2000_bits(start) > 8


def _jpeg2000_bits(data: bytes) -> int:
    """Return the bits a sample of a JPEG 2000 codestream, ITU-T T.800, A.5.1, or 8."""
    at = data.find(b"\xff\x4f\xff\x51")
    return (data[at + 42] & 0x7F) + 1 if 0 <= at < len(data) - 42 else 8


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an array `[H, W, C]` upright by its Exif orientation, 1 to 8."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples
