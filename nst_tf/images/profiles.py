"""Colour profiles: from a picture's own colours to sRGB."""

import io
import warnings

import imagecodecs
import numpy as np
from PIL import Image, ImageChops, ImageCms

from nst_tf.utils.files import StrPath

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION

EXACT = ImageCms.Flags.NOOPTIMIZE
"""Little CMS replaces profiles by a coarse table for 16-bit pixels unless this flag is set. The
table is wrong by up to 20 levels of 8 bits where colours leave the gamut of sRGB."""

HALF_LEVEL = 65535 / 255 / 2
"""Half a level of 8 bits, in levels of 16 bits."""


def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def to_srgb(image: Image.Image, path: StrPath) -> Image.Image:
    """Convert an 8-bit picture to sRGB by its profile, to mode RGB or L.

    A grey picture with a profile for RGB has three equal channels. A profile that moves no channel
    by more than a level is one of sRGB and leaves the pixels unchanged. A profile that cannot be
    used is ignored with a warning.

    Args:
        image: mode L, RGB, CMYK, LAB or YCbCr.
        path: names the picture in the warning.
    """
    profile = image.info.get("icc_profile")
    if profile or image.mode == "LAB":
        try:
            source = (
                ImageCms.ImageCmsProfile(io.BytesIO(profile))
                if profile
                else ImageCms.createProfile("LAB")
            )
            colors = image.convert("RGB") if image.mode == "L" and _is_rgb(profile) else image
            converted = ImageCms.profileToProfile(
                colors,
                source,
                ImageCms.createProfile("sRGB"),
                renderingIntent=INTENT,
                outputMode="RGB",
                flags=FLAGS,
            )
            assert converted is not None  # only an in-place conversion returns None
            if colors.mode != "RGB" or _differ(colors, converted):
                return converted
        except (ImageCms.PyCMSError, OSError):
            _warn(path)
    return image if image.mode == "L" else image.convert("RGB")


def deep_to_srgb(samples: np.ndarray, profile: bytes, path: StrPath) -> np.ndarray:
    """Convert a 16-bit picture to sRGB by its profile, in 16 bits; otherwise as `to_srgb`.

    A profile that changes colours by at most half a level of 8 bits leaves the pixels unchanged.

    Args:
        samples: uint16 `[H, W, C]`; C = 1 for grey, 3 for RGB.
        profile: an ICC profile.
        path: names the picture in the warning.
    """
    try:
        channels = 3 if _is_rgb(profile) else samples.shape[-1]
        colors = _colors(channels)
        moved = np.abs(_converted(colors, profile).astype(np.int32) - colors).max()
        if moved <= HALF_LEVEL:
            return samples
        return _converted(np.broadcast_to(samples, (*samples.shape[:2], channels)), profile)
    except (imagecodecs.CmsError, OSError):
        _warn(path)
        return samples


def _colors(channels: int) -> np.ndarray:
    """Return colours on a grid, uint16 `[N, 1, channels]`: 65,536 greys or 33³ colours."""
    axis = np.linspace(0, 65535, 65536 if channels == 1 else 33).round().astype(np.uint16)
    return np.stack(np.meshgrid(*[axis] * channels), axis=-1).reshape(-1, 1, channels)


def _converted(samples: np.ndarray, profile: bytes) -> np.ndarray:
    """Return uint16 samples `[H, W, 1 or 3]` in sRGB, `[H, W, 3]`."""
    grey = samples.shape[-1] == 1
    return imagecodecs.cms_transform(
        np.ascontiguousarray(samples[..., 0] if grey else samples),
        profile,
        srgb_profile(),
        colorspace="gray" if grey else "rgb",
        outcolorspace="rgb",
        intent=int(INTENT),
        flags=int(FLAGS | EXACT),
    )


def _is_rgb(profile: bytes | None) -> bool:
    """Return whether an ICC profile is for RGB.

    Raises:
        OSError: it is not an ICC profile.
    """
    if not profile:
        return False
    return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "RGB"


def _differ(one: Image.Image, other: Image.Image) -> bool:
    """Return whether any channel differs by more than one level."""
    return bool((np.asarray(ImageChops.difference(one, other)) > 1).any())


def _warn(path: StrPath) -> None:
    warnings.warn(f"{path} has an unusable colour profile: it is read as sRGB")
