"""Pages and samples of TIFF files, raw photos among them."""

import itertools
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import ExifTags, Image

from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, open_again

# They log what is odd about a file. Without a handler, Python prints that on stderr.
for _name in ("tifffile", "imagecodecs"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

MOST_PAGES = 1000
"""Pages of a file that are looked at."""

_DNG_VERSION, _PROFILE = 50706, 34675
_RAW = {32803, 34892}  # photometric interpretations: colour filter array, linear raw; DNG 1.7
_MASK = 4  # bit of a page that is another one's transparency mask, TIFF 6.0, section 8
_PADDING, _PREMULTIPLIED = 0, 1  # kinds of extra samples of a TIFF file, TIFF 6.0, section 18
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6


class Place(NamedTuple):
    """Where the picture of a TIFF file is.

    Attributes:
        page: number of its page.
        sub: number among the pages below that page, or None for the page itself.
        size: height and width, pixels.
        pictures: number of pictures in the file.
    """

    page: int
    sub: int | None
    size: tuple[int, int]
    pictures: int = 1


class RawPhotoError(OSError):
    """The file holds a camera's raw data."""


def largest_page(path: StrPath) -> Place | None:
    """Return where the first of the largest pictures of a TIFF file is; None: the file is damaged.

    Raises:
        RawPhotoError: the file is a raw photo.
    """
    try:
        with _opened(path) as file:
            places = list(_places(file))
    except RawPhotoError:
        raise
    except Exception:  # of a damaged file; Pillow may read it nevertheless
        return None
    if not places:
        return None
    return max(places, key=lambda place: math.prod(place.size))._replace(pictures=len(places))


def _places(file: tifffile.TiffFile) -> Iterator[Place]:
    for number, frame in enumerate(itertools.islice(file.pages, MOST_PAGES)):
        page = frame.aspage()
        below = [part.aspage() for part in page.pages or ()]
        for sub, part in [(None, page), *enumerate(below)]:
            if part.photometric in _RAW or _DNG_VERSION in part.tags:
                raise RawPhotoError
            if not part.subfiletype & _MASK:
                yield Place(number, sub, (part.imagelength, part.imagewidth))


def read_samples(path: StrPath, place: Place) -> np.ndarray:
    """Return the samples of a page, `[H, W, C]`: grey or RGB, and an alpha if there is one.

    They are uint8, uint16 or float32; integers of other depths are scaled to 16 bits.

    Raises:
        UserError: the page has another kind of samples; the text names it.
    """
    with _opened(path) as file:
        return _channels(_page(file, place), path)


def read_info(path: StrPath, place: Place) -> dict[str, bytes]:
    """Return a page's profile and orientation, as Pillow names them in a picture's `info`."""
    with _opened(path) as file:
        page = _page(file, place)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = page.tags.valueof(ExifTags.Base.Orientation, 1)
        found = {"exif": exif.tobytes()}
        profile = page.tags.valueof(_PROFILE)
        return found | ({"icc_profile": profile} if isinstance(profile, bytes) else {})


def _page(file: tifffile.TiffFile, place: Place) -> tifffile.TiffPage:
    page = file.pages[place.page].aspage()
    if place.sub is not None:
        assert page.pages is not None
        page = page.pages[place.sub].aspage()
    return page


@contextmanager
def _opened(path: StrPath) -> Iterator[tifffile.TiffFile]:
    with open_again(path) as stream, tifffile.TiffFile(stream) as file:
        yield file


def _channels(page: tifffile.TiffPage, path: StrPath) -> np.ndarray:
    kinds = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _YCBCR: 3}
    colors = kinds.get(int(page.photometric))
    channels = page.samplesperpixel
    if colors is None or channels not in (colors, colors + 1) or page.imagedepth > 1:
        name = getattr(page.photometric, "name", str(page.photometric)).lower()
        raise UserError(
            f"{path} is a TIFF file of {channels} channels, {name}, with {page.bitspersample} bits "
            "each, which cannot be read: convert it to grey or RGB with 8 or 16 bits a channel"
        )
    samples = page.asarray()
    if channels == 1:
        samples = samples[..., None]
    elif page.axes.startswith("S"):  # stored channel by channel
        samples = np.moveaxis(samples, 0, -1)
    samples = _in_full(samples, page.bitspersample, path)
    if page.photometric == _WHITE_IS_ZERO:
        top = 1 if samples.dtype == np.float32 else np.iinfo(samples.dtype).max
        samples[..., 0] = top - samples[..., 0]
    extra = page.extrasamples[0] if page.extrasamples else None
    if extra == _PADDING:
        return samples[..., :colors]
    return _unmultiplied(samples) if extra == _PREMULTIPLIED else samples


def _in_full(samples: np.ndarray, bits: int, path: StrPath) -> np.ndarray:
    """Return samples as uint8, uint16 or float32, integers in the full range of their type."""
    kind = samples.dtype.kind
    if kind == "f":
        return samples.astype(np.float32, copy=False)
    if kind == "b":
        return samples.astype(np.uint8) * np.uint8(255)
    if kind == "i":
        if samples.min() < 0 or samples.max() > 65535:
            raise UserError(
                f"{path} holds signed {bits}-bit integers from {samples.min()} to "
                f"{samples.max()}: convert it to unsigned 16 bits, 0 to 65535"
            )
        return samples.astype(np.uint16)
    if bits in (8, 16):
        return samples.astype(samples.dtype.newbyteorder("="), copy=False)
    return scaled_to_16(samples, bits)


def scaled_to_16(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return unsigned integers of some bits as uint16 over its whole range."""
    if bits >= 16:
        return (samples >> (bits - 16)).astype(np.uint16)
    return np.rint(samples.astype(np.float32) * (65535 / (2**bits - 1))).astype(np.uint16)


def _unmultiplied(samples: np.ndarray) -> np.ndarray:
    """Divide the colours of samples `[H, W, C]` by their alpha, the last channel."""
    if samples.dtype == np.float32:
        colors = samples[..., :-1] / np.maximum(samples[..., -1:], 1e-6)
        return np.concatenate([np.minimum(colors, 1), samples[..., -1:]], axis=-1)
    top = np.iinfo(samples.dtype).max
    alpha = np.maximum(samples[..., -1:], 1).astype(np.float64)
    colors = np.minimum(np.rint(samples[..., :-1] * (top / alpha)), top)
    return np.concatenate([colors.astype(samples.dtype), samples[..., -1:]], axis=-1)
