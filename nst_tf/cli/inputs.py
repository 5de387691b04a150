"""What a run is made from: the pictures and masks that the flags name, at the sizes it uses."""

import dataclasses
import warnings

import numpy as np
from absl import flags

from nst_tf.cli.reading import Reader
from nst_tf.images.exif import PhotoExif
from nst_tf.images.faces import face_mask, find_faces
from nst_tf.images.io import opaque
from nst_tf.images.masks import apply_alpha, fit_mask
from nst_tf.images.pairing import pair_masks
from nst_tf.inputs.blend import check_styles, style_scales
from nst_tf.inputs.prepare import (
    RunInputs,
    check_side,
    check_style_side,
    prepare_inputs,
    style_side,
)
from nst_tf.settings import INITS, Settings
from nst_tf.utils.errors import UserError


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run.

    Attributes:
        fitted: what the run is made from. Without a photo, the first painting stands in for it;
            without a painting, the photo does.
        alpha: of the result, float32 `[H, W]` in [0, 1], or None.
        has_profile: whether the photo carries a colour profile, so that the result should too.
        exif: what the photo's file tells of it, and the result's repeats.
        peak: of the process's memory while large pictures were read, bytes; 0: none was large.
    """

    fitted: RunInputs
    alpha: np.ndarray | None
    has_profile: bool
    exif: PhotoExif = dataclasses.field(default_factory=PhotoExif)
    peak: int = 0


def picture_paths(values: flags.FlagValues, settings: Settings) -> dict[str, list[str]]:
    """Return the picture files that a run reads, by the flag that names them."""
    paths = {"content": [values.content] if values.content else []}
    for name in ("style", "content_mask", "style_mask", "keep_mask"):
        paths[name] = values[name].value or []
    return paths | {"init": [] if settings.init in INITS else [settings.init]}


def input_paths(values: flags.FlagValues, settings: Settings) -> list[str]:
    """Return all files that a run reads."""
    paths = [path for named in picture_paths(values, settings).values() for path in named]
    paths += [values.from_image] if values.from_image else []
    return paths + ([] if settings.weights in ("bundled", "imagenet") else [settings.weights])


def load_inputs(values: flags.FlagValues, settings: Settings, budget: int | None = None) -> Inputs:
    """Read what the flags name.

    Args:
        values, settings: of the run.
        budget: bytes that the process may take; None: what the settings say.

    Raises:
        OSError: a file cannot be read as a picture.
        ValueError: a picture is too small or too large for the memory, or masks, pictures and
            settings do not agree.
    """
    reader = Reader(settings, budget)
    paths = values.style or [values.content]
    check_styles(settings, len(paths))
    photo = reader.picture(values.content or paths[0], settings.max_dim)
    check_side("content", photo.full_size, settings.max_dim, settings)
    if not values.content:  # a texture covers all of it, and is no photo
        photo = dataclasses.replace(photo, alpha=None, exif=PhotoExif())
    if values.dpi is not None:
        exif = dataclasses.replace(photo.exif, dpi=(values.dpi, values.dpi))
        photo = dataclasses.replace(photo, exif=exif)
    regions = pair_masks(
        [reader.mask(path) for path in values.content_mask or []],
        [reader.mask(path) for path in values.style_mask or []],
        len(paths),
    )
    size = photo.pixels.shape[1:3]
    paintings = []
    scales = style_scales(settings, len(paths))
    for number, (path, scale) in enumerate(zip(paths, scales, strict=True), start=1):
        painting = reader.picture(path, style_side(size, scale, settings.detail))
        name = "style" if len(paths) == 1 else f"style {number}"
        check_style_side(name, painting.full_size, size, scale, settings)
        paintings.append(painting)
    alphas = [painting.alpha for painting in paintings] if values.style else [None]
    keep = _load_keep(values, photo.pixels, reader)
    fitted = prepare_inputs(
        photo.pixels,
        [painting.pixels for painting in paintings],
        settings,
        apply_alpha(regions, photo.alpha, alphas),
        None if settings.init in INITS else opaque(reader.picture(settings.init)),
        keep,
    )
    return Inputs(fitted, photo.alpha, photo.has_profile, photo.exif, reader.peak)


def _load_keep(values: flags.FlagValues, photo: np.ndarray, reader: Reader) -> np.ndarray | None:
    """Return what of the photo is kept, `[H, W]`, or None.

    Raises:
        OSError: a mask cannot be read, or the extra `faces` is not installed.
        ValueError: a mask is in colours.
    """
    size = photo.shape[1:3]
    masks = []
    for path in values.keep_mask or ():
        mask = reader.mask(path)
        if mask.ndim != 2:
            raise UserError(f"--keep_mask {path} is in colours: use grey, white to keep")
        masks.append(fit_mask(f"--keep_mask {path}", mask, size))
    if values.keep_faces:
        boxes = find_faces(photo)
        if not boxes:
            warnings.warn("--keep_faces finds no face in the photo")
        else:
            masks.append(face_mask(size, boxes))
    return np.max(masks, axis=0) if masks else None
