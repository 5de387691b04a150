"""Pictures: files to float32 arrays and back. TensorFlow is not needed."""

import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import (
    ExifTags,
    Image,
    ImageChops,
    ImageCms,
    ImageOps,
    PngImagePlugin,
    UnidentifiedImageError,
)

from nst_tf.files import StrPath, write_whole
from nst_tf.images.masks import LEAST_WHITE
from nst_tf.images.resize import check_image, fit_size, resize_plane

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

LEAST_COLOR = 0.002  # share of a mask in colour that makes it a map of labels

_LARGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: float32 `[1, H, W, 3]`, sRGB in [0, 1]; half transparent ones have their own colour,
            invisible ones are white.
        alpha: float32 `[H, W]` in [0, 1], or None where the file is opaque.
        tagged: whether the file carried a colour profile, so that the output should too.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    tagged: bool = False


def load_image(path: StrPath, max_dim: int = 0) -> np.ndarray:
    """Read a picture file as float32 `[1, H, W, 3]`, sRGB in [0, 1].

    Args:
        path: any format that Pillow reads; of an animated file, the first frame. Transparent parts
            are shown over white.
        max_dim: limit of the long side, pixels; 0 for none. Pictures are never enlarged.

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated.
        ValueError: the picture is absurdly large, or its pixels are not finite or out of range.
    """
    picture = load_picture(path, max_dim)
    if picture.alpha is None:
        return picture.pixels
    return over_white(picture.pixels, picture.alpha)


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return pixels `[…, H, W, 3]` with an alpha `[H, W]` as they look on white paper."""
    return 1 - alpha[..., None] * (1 - pixels)


def load_picture(path: StrPath, max_dim: int = 0) -> Picture:
    """Read a picture file with its transparency; arguments and errors as for `load_image`."""
    image = _decode(path)
    tagged = bool(image.info.get("icc_profile"))
    size = fit_size(image.height, image.width, max_dim)
    alpha = None
    if _is_deep(image):
        if "transparency" in image.info:  # of 16-bit grey, one value
            alpha = (np.asarray(image) != image.info["transparency"]).astype(np.float32)
    elif image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA", "La") else "RGBA")
        alpha = _channel(image.getchannel("A"))
        if alpha.min() == 1:
            alpha = None
    shown = None if alpha is None else resize_plane(alpha, size)
    planes = []
    for band in _to_srgb(image, path).split():  # one at a time: a photograph in floats is large
        plane = _channel(band)
        if not np.isfinite(plane).all():
            raise ValueError(f"{path} holds NaN or infinite pixels")
        if plane.min() < 0 or plane.max() > 1:
            raise ValueError(f"{path} has pixels outside [0, 1]: scale floating-point ones to it")
        if alpha is not None and shown is not None:
            if plane.shape != size:  # what is invisible is mixed into nothing
                plane = resize_plane(plane * alpha, size) / np.maximum(shown, 1e-6)
            plane = np.where(shown > 0, np.minimum(plane, 1), 1)
        planes.append(resize_plane(plane, size))
    pixels = np.stack(planes * (3 if len(planes) == 1 else 1), axis=-1)[None]
    return Picture(pixels, shown, tagged)


def load_mask(path: StrPath) -> np.ndarray:
    """Read a mask, or a map of labels if it is in colour; transparent parts are black.

    Returns:
        float32 in [0, 1], `[H, W]`, or `[H, W, 3]` for a map.

    Raises:
        OSError: as for `load_image`.
        ValueError: likewise, or a mask without colours is black all over.
    """
    picture = load_picture(path)
    mask = picture.pixels[0]
    if picture.alpha is not None:
        mask = mask * picture.alpha[..., None]
    if (np.ptp(mask, axis=-1) > 0.1).mean() > LEAST_COLOR:
        return mask
    mask = mask.mean(axis=-1)
    if mask.max() < LEAST_WHITE:
        raise ValueError(f"{path} is black all over: a mask must be white where its region is")
    return mask


def _decode(path: StrPath) -> Image.Image:
    """Open and decode the first frame and turn it upright."""
    with _opened(path) as image:
        # Behind the photo, an MPO file holds no frames but previews and depth maps.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        image.load()
        upright = ImageOps.exif_transpose(image)
    if frames > 1:
        warnings.warn(f"{path} has {frames} frames: only the first is used")
    return upright


@contextmanager
def _opened(path: StrPath) -> Iterator[Image.Image]:
    """Open a picture file, making one line of each of the many errors of decoders."""
    try:
        with warnings.catch_warnings():
            # Pillow warns at half the size at which it refuses; large photographs are welcome.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: check the path") from None
    except UnidentifiedImageError:
        raise OSError(f"{path} is not a picture that can be read") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{path} has too many pixels to be safe: scale it down first") from None
    except Exception as error:  # decoders raise whatever they trip over
        reason = getattr(error, "strerror", None) or f"damaged or truncated ({error})"
        raise OSError(f"{path} cannot be read: {reason}") from None


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("F", "I") or image.mode.startswith("I;16")


def _to_srgb(image: Image.Image, path: StrPath) -> Image.Image:
    """Return `image` in sRGB as RGB, or as one grey channel of any depth."""
    if _is_deep(image) or image.mode == "1":
        return image
    if image.mode in ("P", "PA", "RGBA", "RGBX"):
        image = image.convert("RGB")
    elif image.mode in ("LA", "La"):
        image = image.convert("L")
    profile = image.info.get("icc_profile")
    if profile or image.mode == "LAB":
        try:
            source = (
                ImageCms.ImageCmsProfile(io.BytesIO(profile))
                if profile
                else ImageCms.createProfile("LAB")
            )
            converted = ImageCms.profileToProfile(
                image,
                source,
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            assert converted is not None  # only an in-place conversion returns None
            # From sRGB to itself, pixels move by rounding alone: then they are kept.
            if image.mode != "RGB" or _differ(image, converted):
                return converted
        except (ImageCms.PyCMSError, OSError):
            warnings.warn(f"{path} has an unusable colour profile: it is read as sRGB")
    return image if image.mode == "L" else image.convert("RGB")


def _differ(one: Image.Image, other: Image.Image) -> bool:
    """Return whether any channel differs by more than one level."""
    return bool((np.asarray(ImageChops.difference(one, other)) > 1).any())


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


def check_output_size(path: StrPath, height: int, width: int) -> None:
    """Check that the format which `path` asks for can hold a picture of so many pixels.

    Raises:
        ValueError: it cannot.
    """
    limit = _LARGEST_SIDE.get(output_format(path))
    if limit and max(height, width) > limit:
        raise ValueError(
            f"{path} cannot hold {width}x{height} pixels, only {limit} a side: save a .png or .tiff"
        )


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
        alpha: `[H, W]` in [0, 1], or None; JPEG cannot hold it and shows white instead.
        tagged: whether to embed the sRGB profile.
        metadata: recorded as JSON in the Exif image description, and in PNG as the text `nst_tf`.

    Raises:
        ValueError: the extension or the image is not valid.
        OSError: the file cannot be written.
    """
    kind = output_format(path)
    pixels = check_image("image", image)[0]
    if alpha is not None and kind == "JPEG":
        pixels = over_white(pixels, alpha)
    picture = Image.fromarray(to_bytes(pixels))
    if alpha is not None and kind != "JPEG":
        picture.putalpha(Image.fromarray(to_bytes(alpha)))
    options = dict(_SAVE_OPTIONS[kind])
    if tagged:
        options["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
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
    with _opened(path) as image:
        text = image.getexif().get(ExifTags.Base.ImageDescription)
    try:
        return json.loads(text or "")
    except ValueError:
        raise ValueError(f"{path} carries no settings of nst_tf") from None
