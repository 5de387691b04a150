"""Files with more than 8 bits a channel, of which Pillow keeps 8 or reads nothing."""

import imagecodecs
import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from nst_tf.files import StrPath, open_again
from nst_tf.images import tiff
from nst_tf.images.foreign import ForeignImage

_GREY = 0  # colour type of a PNG file, PNG specification, 11.2.1
_PALETTE, _SEPARATED = 3, 5  # photometric interpretations of a TIFF file, TIFF 6.0, section 8


def read_deep(path: StrPath, image: Image.Image) -> np.ndarray | None:
    """Return the samples of a file that Pillow cannot give in full.

    Args:
        path: the file.
        image: the same file as `decode.open_picture` opens it.

    Returns:
        uint8, uint16 or float32 `[H, W, C]`, upright: grey or RGB, with an alpha or without. None
        for other files, which Pillow reads; so it does CMYK.
    """
    samples = None
    if isinstance(image, ForeignImage):
        samples = image.samples()
    elif image.format == "PNG":
        samples = _read_png(path)
    elif image.format == "JPEG2000":
        samples = _read_jpeg2000(path, image)
    elif isinstance(image, TiffImagePlugin.TiffImageFile) and _is_deep(image):
        samples = tiff.read_samples(path, tiff.Place(image.tell(), None, image.size))
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


def _read_jpeg2000(path: StrPath, image: Image.Image) -> np.ndarray | None:
    """Return the samples of a file with more than 8 bits in several channels, or None."""
    if image.mode not in ("LA", "RGB", "RGBA"):
        return None
    with open_again(path) as file:
        data = file.read()
    at = data.find(b"\xff\x4f\xff\x51")  # a codestream and its size, ITU-T T.800, A.5.1
    bits = (data[at + 42] & 0x7F) + 1 if 0 <= at < len(data) - 42 else 8
    if bits <= 8:
        return None
    return tiff.scaled_to_16(imagecodecs.jpeg2k_decode(data), bits)


def _is_deep(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Return whether a page has more than 8 bits a channel, of grey or RGB."""
    kind = image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
    depths = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    return max(depths) > 8 and kind not in (_PALETTE, _SEPARATED)


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an array `[H, W, C]` upright by its Exif orientation, 1 to 8."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples
