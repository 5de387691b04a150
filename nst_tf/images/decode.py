"""Picture files as arrays of their original depth, upright and in sRGB."""

import io
import math
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from nst_tf.images import jpeg, kinds, png, reduced, tiff
from nst_tf.images.channels import Decoded, grey_samples, load, separated, separated_samples
from nst_tf.images.exif import SOFTWARE, read_photo_exif, swaps_axes
from nst_tf.images.foreign import ForeignImage, open_foreign, open_page
from nst_tf.images.resize import Size
from nst_tf.images.sixteen_bit import is_sixteen_bit, read_sixteen_bit
from nst_tf.images.stated import state_colors
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, open_again

MOST_PIXELS = 10**9
"""Maximum pixels of a picture in the programs. The library's limit is Pillow's: twice
`PIL.Image.MAX_IMAGE_PIXELS`."""

_REMARKS = "remarks"
"""Key of a picture's `info` with remarks on its file, in words that follow its name."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG = b"\xff\xd8\xff"
_LIMIT = threading.Lock()


def decode(
    path: StrPath, max_dim: int = 0, most_pixels: int = 0, large: int = reduced.LARGE
) -> Decoded:
    """Read the first frame of a picture file, or the largest page of a TIFF file.

    Args:
        path: of the file.
        max_dim: limit of the long side at which it is used, pixels; 0: no limit. A large picture
            is read at a reduced size of at least twice this limit.
        most_pixels: as for `open_picture`.
        large: maximum pixels of pictures that are read in full.

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated.
        ValueError: the picture has too many pixels, or samples of a kind that cannot be read.
        MemoryError: the picture does not fit into memory.
    """
    with open_picture(path, most_pixels) as opened:
        stored, full = opened.size, _shown_size(opened)
        ratio = reduced.factor(stored, max_dim, large)
        remarks = opened.info.pop(_REMARKS)
        # The frames of an MPO file behind its photo are previews and depth maps. Those of a TIFF
        # file have been counted.
        frames = 1 if opened.format in ("MPO", "TIFF") else getattr(opened, "n_frames", 1)
        remarks += [_frames(frames)] if frames > 1 else []
        samples = read_sixteen_bit(path, opened)
        if samples is None:
            reduced.draft(opened, ratio)
            load(opened)
            image = ImageOps.exif_transpose(reduced.reduce(opened, ratio, stored))
            if image.mode.startswith("I;16"):
                samples = grey_samples(image)
        profile = opened.info.get("icc_profile")
        exif = read_photo_exif(opened)
    for remark in remarks:
        warnings.warn(f"{path} {remark}")
    if samples is None:
        decoded = separated(image, path)
    else:
        samples = reduced.reduce_samples(samples, ratio)
        decoded = separated_samples(samples, profile, path)
    return replace(decoded, exif=exif, full_size=full)


@contextmanager
def open_picture(path: StrPath, most_pixels: int = 0) -> Iterator[Image.Image]:
    """Open a picture file, and turn each error of a decoder into one line.

    Args:
        path: of the file.
        most_pixels: maximum pixels of the picture; 0: Pillow's limit, twice
            `PIL.Image.MAX_IMAGE_PIXELS`.

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated.
        ValueError: the picture has too many pixels.
        MemoryError: the picture does not fit into memory.
    """
    try:
        with warnings.catch_warnings():
            # Ignore Pillow's warnings: large photos are fine, and damaged files raise anyway.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            kinds.register_heif(path)
            with _pixels_allowed(most_pixels) as limit:
                image = _open(path)
            with image:
                _check_pixels(path, math.prod(image.size), limit)
                yield image
    except (MemoryError, UserError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: check the path") from None
    except UnidentifiedImageError:
        raise OSError(f"{path} {kinds.refusal(path)}") from None
    except tiff.RawPhotoError:
        raise OSError(f"{path} {kinds.RAW}") from None
    except Image.DecompressionBombError as error:
        count, limit, *_ = map(int, re.findall(r"\d+", str(error)))
        _check_pixels(path, count, limit)
    except Exception as error:  # decoders raise exceptions of many kinds
        text = " ".join(str(error).split()) or type(error).__name__
        if "out of memory" in text.lower():  # Pillow's and libpng's decoders
            raise MemoryError(text) from None
        reason = getattr(error, "strerror", None) or f"damaged or truncated ({text})"
        raise OSError(f"{path} cannot be read: {reason}") from None


def upright_size(path: StrPath) -> Size:
    """Return height and width of a picture file as shown, in pixels, only from its header.

    Errors are those of `open_picture`.
    """
    with open_picture(path, MOST_PIXELS) as image:
        return _shown_size(image)


def reading_bytes(path: StrPath, max_dim: int) -> int:
    """Return the peak memory of reading a large picture file, bytes; 0: a run needs more.

    Errors are those of `open_picture`.
    """
    with open_picture(path, MOST_PIXELS) as image:
        if math.prod(image.size) <= reduced.LARGE:
            return 0
        ratio = reduced.factor(image.size, max_dim)
        return reduced.bytes_needed(image, is_sixteen_bit(path, image), ratio)


def _shown_size(image: Image.Image) -> Size:
    """Return height and width of a picture, not decoded yet, when it is upright."""
    width, height = image.size
    # Pillow turns the size of a TIFF file by itself.
    if not isinstance(image, TiffImagePlugin.TiffImageFile) and swaps_axes(image.getexif()):
        return width, height
    return height, width


@contextmanager
def _pixels_allowed(most_pixels: int) -> Iterator[float]:
    """Raise Pillow's limit of pixels for a block, and yield the limit."""
    with _LIMIT:
        kept = Image.MAX_IMAGE_PIXELS
        usual = 2 * kept if kept else math.inf
        if most_pixels > usual:  # of Pillow as a whole, until the header is read
            try:
                Image.MAX_IMAGE_PIXELS = most_pixels
                yield most_pixels
            finally:
                Image.MAX_IMAGE_PIXELS = kept
            return
    yield most_pixels or usual


def _check_pixels(path: StrPath, count: int, limit: float) -> None:
    if count > limit:
        raise UserError(
            f"{path} has too many pixels, {count / 1e6:.0f} million where {limit / 1e6:.0f} are "
            "allowed: scale it down first"
        ) from None


def _open(path: StrPath) -> Image.Image:
    """Return a picture of which only the header has been read, with remarks in its `info`."""
    with open_again(path) as file:
        start = file.read(16)
    if kinds.is_raw(start):
        raise tiff.RawPhotoError
    remarks: list[str] = []
    if start.startswith(_TIFF):
        image = _open_tiff(path, remarks)
    elif start.startswith(_JPEG):
        image = _open_jpeg(path, remarks)
    elif start.startswith(png.SIGNATURE):
        image = _open_png(path)
    else:
        image = _opened(path)
    remark = image.header.remark if isinstance(image, ForeignImage) else state_colors(path, image)
    remarks += [remark] if remark else []
    image.info[_REMARKS] = remarks
    return image


def _opened(path: StrPath) -> Image.Image:
    """Return a picture that Pillow opens, or that this package opens for other formats."""
    try:
        return Image.open(path)
    except UnidentifiedImageError:
        foreign = open_foreign(path)
        if foreign is None:
            raise
        return foreign


def _open_tiff(path: StrPath, remarks: list[str]) -> Image.Image:
    """Return the largest page of a TIFF file."""
    place = tiff.largest_page(path)
    if place is None:
        return Image.open(path)
    if place.page == 0 and place.sub is None:
        remarks += [_frames(place.pictures)] if place.pictures > 1 else []
    else:
        height, width = place.size
        remarks.append(f"holds {place.pictures} pictures: the largest, {width}x{height}, is used")
    if place.sub is None:
        # tifffile reads some files that Pillow does not identify.
        with suppress(UnidentifiedImageError, SyntaxError, EOFError):
            image = Image.open(path)
            image.seek(place.page)
            return image
    return open_page(path, place)


def _frames(count: int) -> str:
    return f"has {count} frames: only the first is used"


def _open_jpeg(path: StrPath, remarks: list[str]) -> Image.Image:
    """Return a JPEG file, with its end marker if only that is missing."""
    with open_again(path) as file:
        whole = jpeg.completed(file)
    if whole is None:
        return _opened(path)
    remarks.append("lacks its last two bytes, and no pixels")
    return Image.open(io.BytesIO(whole))


def _open_png(path: StrPath) -> Image.Image:
    """Return a PNG file without the large texts and profiles that Pillow would refuse."""
    with open_again(path) as file:
        lean, exif = png.lean_copy(file, SOFTWARE.encode()), png.read_exif(file)
    copy, profile = lean or (path, None)
    image = Image.open(copy)
    if exif is not None:
        image.info["exif"] = exif
    if profile:
        image.info["icc_profile"] = profile
    return image
