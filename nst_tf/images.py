"""Pictures: files to float32 arrays and back, and resizing. TensorFlow is not needed."""

import io
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from nst_tf.files import StrPath, write_whole

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Formats that can be written, by extension."""

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: float32 `[1, H, W, 3]`, sRGB in [0, 1]; transparent parts are composited over white.
        alpha: float32 `[H, W]` in [0, 1], or None where the file is opaque.
        tagged: whether the file carried a colour profile, so that the output should too.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    tagged: bool = False


def load_image(path: StrPath, max_dim: int = 0) -> np.ndarray:
    """Read a picture file as float32 `[1, H, W, 3]`, sRGB in [0, 1].

    Args:
        path: any format that Pillow reads; of an animated file, the first frame.
        max_dim: limit of the long side, pixels; 0 for none. Pictures are never enlarged.

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated.
        ValueError: the picture is absurdly large, or its pixels are not finite or out of range.
    """
    return load_picture(path, max_dim).pixels


def load_picture(path: StrPath, max_dim: int = 0) -> Picture:
    """Read a picture file with its transparency; arguments and errors as for `load_image`."""
    with _decoded(path) as image:
        tagged = bool(image.info.get("icc_profile"))
        if getattr(image, "n_frames", 1) > 1:
            warnings.warn(f"{path} has {image.n_frames} frames: only the first is used")
        image = ImageOps.exif_transpose(image)
        size = fit_size(image.height, image.width, max_dim)
        alpha = None
        if image.has_transparency_data:
            image = image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
            alpha = _channel(image.getchannel("A"))
            if alpha.min() == 1:
                alpha = None
        planes = [_channel(plane) for plane in _to_srgb(image, path).split()]
    if not all(np.isfinite(plane).all() for plane in planes):
        raise ValueError(f"{path} holds NaN or infinite pixels")
    if any(plane.min() < 0 or plane.max() > 1 for plane in planes):
        raise ValueError(f"{path} has pixels outside [0, 1]: scale floating-point pictures to it")
    if alpha is not None:
        planes = [plane * alpha + (1 - alpha) for plane in planes]
        alpha = _resize_plane(alpha, size)
    planes = [_resize_plane(plane, size) for plane in planes]
    pixels = np.stack(planes * (3 if len(planes) == 1 else 1), axis=-1)[None]
    return Picture(pixels, alpha, tagged)


@contextmanager
def _decoded(path: StrPath) -> Iterator[Image.Image]:
    """Open and decode a picture, turning Pillow's many errors into one line each."""
    try:
        with warnings.catch_warnings():
            # Pillow warns at half the size at which it refuses; large photographs are welcome.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                yield image
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: check the path") from None
    except UnidentifiedImageError:
        raise OSError(f"{path} is not a picture that can be read") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{path} has too many pixels to be safe: scale it down first") from None
    except (OSError, SyntaxError, EOFError, IndexError) as error:
        # What the system refused has an errno; what is left comes from a decoder.
        reason = getattr(error, "strerror", None) or f"damaged or truncated ({error})"
        raise OSError(f"{path} cannot be read: {reason}") from None


def _to_srgb(image: Image.Image, path: StrPath) -> Image.Image:
    """Return `image` in sRGB as RGB, or as one grey channel of any depth."""
    if image.mode in ("F", "I", "1") or image.mode.startswith("I;16"):
        return image
    if image.mode in ("P", "PA", "RGBA", "RGBX"):
        image = image.convert("RGB")
    elif image.mode in ("LA", "La"):
        image = image.convert("L")
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # A conversion from sRGB to itself would move pixels by rounding.
            if "sRGB" not in ImageCms.getProfileDescription(source):
                converted = ImageCms.profileToProfile(
                    image,
                    source,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                assert converted is not None  # only an in-place conversion returns None
                return converted
        except (ImageCms.PyCMSError, OSError):
            warnings.warn(f"{path} has an unusable colour profile: it is read as sRGB")
    return image if image.mode == "L" else image.convert("RGB")


def _channel(plane: Image.Image) -> np.ndarray:
    """Return one channel as float32 `[H, W]`, its range scaled to [0, 1] by its depth."""
    values = np.asarray(plane)
    if plane.mode == "1":
        return values.astype(np.float32)
    if values.dtype == np.uint8:
        return values.astype(np.float32) / np.float32(255)
    if plane.mode == "F":
        return values.astype(np.float32)
    # "I" is what Pillow makes of some 16-bit files.
    return (values / 65535).astype(np.float32)


def fit_size(height: int, width: int, max_dim: int) -> tuple[int, int]:
    """Return the size with a long side of at most `max_dim` (0: any) at the same aspect ratio."""
    if not 0 < max_dim < max(height, width):
        return height, width
    return long_side_size(height, width, max_dim)


def long_side_size(height: int, width: int, long_side: float) -> tuple[int, int]:
    """Return the size with the given long side, pixels, at the same aspect ratio, at least 1×1."""
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample an image with an antialiased Lanczos filter, in floating point.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        size: height and width wanted, pixels.

    Returns:
        float32 `[1, *size, 3]` in [0, 1]; an image of that size already is returned as it is.
    """
    if image.shape[1:3] == tuple(size):
        return image
    planes = [_resize_plane(image[0, :, :, channel], size) for channel in range(3)]
    return np.stack(planes, axis=-1)[None]


def _resize_plane(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if plane.shape == tuple(size):
        return plane
    height, width = size
    resized = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(
        (width, height), Image.Resampling.LANCZOS
    )
    return np.clip(np.asarray(resized), 0, 1)  # Lanczos rings beyond the range


def cover(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to cover `size` without distortion and crop it about its centre."""
    height, width = size
    scale = max(height / image.shape[1], width / image.shape[2])
    around = (
        max(height, round(image.shape[1] * scale)),
        max(width, round(image.shape[2] * scale)),
    )
    top, left = (around[0] - height) // 2, (around[1] - width) // 2
    return resize(image, around)[:, top : top + height, left : left + width]


def check_image(name: str, image: Any) -> np.ndarray:
    """Return `image` as float32 `[1, H, W, 3]`, taking `[H, W, 3]` too.

    Raises:
        ValueError: it has another shape, is not finite, or leaves [0, 1]; the text says `name`.
    """
    array = np.asarray(image)
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[0] != 1 or array.shape[3] != 3 or not array.size:
        raise ValueError(
            f"{name} has shape {list(np.shape(image))}: expected [1, H, W, 3] or [H, W, 3]"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{name} has dtype {array.dtype}: expected floats in [0, 1]")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"{name} ranges from {array.min():g} to {array.max():g}: expected [0, 1]"
        )
    return array.astype(np.float32, copy=False)


def to_bytes(plane: np.ndarray) -> np.ndarray:
    """Round [0, 1] to the nearest of the 256 levels of uint8; values beyond are clipped."""
    return np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8)


def output_format(path: StrPath) -> str:
    """Return Pillow's name of the format that the extension of `path` asks for.

    Raises:
        ValueError: the extension is not one of `FORMATS`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(f"{path} has no extension of a picture: use one of {' '.join(FORMATS)}")
    return FORMATS[suffix]


def save_image(
    path: StrPath,
    image: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    tagged: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write an image as PNG, JPEG, WebP (lossless) or TIFF by its extension, whole or not at all.

    Args:
        path: where to; an existing file is replaced.
        image: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1], sRGB; rounded to 8 bits.
        alpha: `[H, W]` in [0, 1], or None; JPEG holds none and shows the white it is composited on.
        tagged: whether to embed the sRGB profile.
        metadata: recorded as JSON in the Exif image description, and in PNG as the text `nst_tf`.

    Raises:
        ValueError: the extension or the image is not valid.
        OSError: the file cannot be written.
    """
    kind = output_format(path)
    picture = Image.fromarray(to_bytes(check_image("image", image)[0]))
    if alpha is not None and kind != "JPEG":
        picture.putalpha(Image.fromarray(to_bytes(alpha)))
    options = dict(_SAVE_OPTIONS[kind])
    if tagged:
        options["icc_profile"] = ImageCms.ImageCmsProfile(
            ImageCms.createProfile("sRGB")
        ).tobytes()
    if metadata is not None:
        text = json.dumps(metadata)
        exif = Image.Exif()
        exif[ExifTags.Base.Software] = "nst_tf"
        exif[ExifTags.Base.ImageDescription] = text
        options["exif"] = exif
        if kind == "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("nst_tf", text)
    with write_whole(path) as file:
        picture.save(file, kind, **options)


def read_metadata(path: StrPath) -> dict[str, Any]:
    """Return what `save_image` recorded in the picture at `path`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it carries no such record.
    """
    with _decoded(path) as image:
        text = image.getexif().get(ExifTags.Base.ImageDescription)
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        raise ValueError(f"{path} carries no settings of nst_tf") from None


def fit_pictures(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    *,
    max_dim: int,
    style_scale: float,
    smallest_side: int,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Resize the content to at most `max_dim` and each style to the content's long side × scale.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1].
        styles: at least one image of the same kind, of any size.
        max_dim: limit of the content's long side, pixels; 0 for none.
        style_scale: long side of the styles relative to the content's; 0 keeps their sizes.
        smallest_side: least height and width that the network needs, pixels.

    Returns:
        The content and the styles, float32 `[1, H, W, 3]`; those of the right size as they came.

    Raises:
        ValueError: an array is no image, or a picture is too small.
    """
    if not len(styles):
        raise ValueError("styles is empty: at least one style image is needed")
    content = check_image("content", content)
    content = resize(content, fit_size(*content.shape[1:3], max_dim))
    _check_size("content", content, smallest_side)
    fitted = []
    for number, style in enumerate(styles, start=1):
        name = "style" if len(styles) == 1 else f"style {number}"
        style = check_image(name, style)
        if style_scale:
            side = max(content.shape[1:3]) * style_scale
            style = resize(style, long_side_size(*style.shape[1:3], side))
        _check_size(name, style, smallest_side)
        fitted.append(style)
    return content, fitted


def _check_size(name: str, image: np.ndarray, smallest_side: int) -> None:
    height, width = image.shape[1:3]
    if min(height, width) < smallest_side:
        raise ValueError(
            f"{name} is {width}x{height} pixels at the size it is used: the deepest layer needs "
            f"{smallest_side} a side, so use a larger picture or a shallower layer"
        )
