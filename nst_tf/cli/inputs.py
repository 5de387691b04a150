"""The pictures and masks that flags name, at the sizes of the run."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from nst_tf.cli.reading import FileRecord, Reader
from nst_tf.cli.request import PICTURES, Request
from nst_tf.images.color_regions import SIDE, color_regions
from nst_tf.images.exif import PhotoExif
from nst_tf.images.io import Picture, opaque
from nst_tf.images.masks import Region, fit_mask
from nst_tf.images.pairing import pair_masks
from nst_tf.inputs.sources import Load, LoadedInputs, prepare_sources
from nst_tf.settings import INITS
from nst_tf.utils.errors import UserError


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs(LoadedInputs):
    """The pictures of a run.

    Without a photo, the first painting stands in for it; without a painting, the photo does.

    Attributes:
        peak: peak memory of the process while large pictures were read, bytes; 0: none was large.
        files: the picture files, by path.
    """

    peak: int = 0
    files: Mapping[str, FileRecord] = dataclasses.field(default_factory=dict)


def picture_paths(request: Request) -> dict[str, list[str]]:
    """Return the picture files that a run reads, by the flag that names them."""
    init = request.settings.init
    paths = {name: list(request.paths(name)) for name in PICTURES}
    return paths | {"init": [] if init in INITS else [init]}


def input_paths(request: Request) -> list[str]:
    """Return all files that a run reads."""
    paths = [path for named in picture_paths(request).values() for path in named]
    paths += [request.from_image] if request.from_image else []
    weights = request.settings.weights
    return paths + ([] if weights in ("bundled", "imagenet") else [weights])


def load_inputs(request: Request, budget: int | None = None) -> Inputs:
    """Read the pictures of a run.

    Args:
        budget: bytes that the process may use; `None`: what the settings allow.

    Raises:
        OSError: a file cannot be read as a picture.
        UserError: a picture is too small or too large for the memory, or masks, pictures and
            settings do not agree.
    """
    settings = request.settings
    reader = Reader(settings, budget)
    photo = _load_photo(request, reader)
    paintings: list[Load] = [functools.partial(reader.picture, path) for path in request.style]
    if not paintings:  # a reconstruction, which is of all the photo
        assert request.content
        whole = functools.partial(reader.picture, request.content)
        paintings = [lambda side: _without_alpha(whole(side))]
    loaded = prepare_sources(
        photo,
        paintings,
        settings,
        _load_regions(request, photo.pixels, reader),
        None if settings.init in INITS else opaque(reader.picture(settings.init)),
        _load_keep(request, photo.pixels, reader),
    )
    fitted, alpha, has_profile = loaded.fitted, loaded.alpha, loaded.has_profile
    return Inputs(fitted, alpha, has_profile, loaded.exif, reader.peak, reader.files)


def _load_regions(request: Request, photo: np.ndarray, reader: Reader) -> list[Region]:
    """Return the regions that masks define, or that the colours of the pictures have."""
    if not request.color_regions:
        return pair_masks(
            [reader.mask(path) for path in request.content_mask],
            [reader.mask(path) for path in request.style_mask],
            max(1, len(request.style)),
        )
    paintings = [opaque(reader.picture(path, SIDE)) for path in request.style]
    return color_regions(photo, paintings, request.color_regions)


def _load_photo(request: Request, reader: Reader) -> Picture:
    """Return the photo, with the resolution that --dpi states."""
    settings = request.settings
    path, faces = request.content or request.style[0], bool(request.content and request.style)
    photo = reader.picture(path, settings.max_dim, faces and settings.seeks_faces)
    if not request.content:  # a texture, which covers all of the picture
        photo = dataclasses.replace(_without_alpha(photo), exif=PhotoExif())
    if request.dpi is not None:
        exif = dataclasses.replace(photo.exif, dpi=(request.dpi, request.dpi))
        photo = dataclasses.replace(photo, exif=exif)
    return photo


def _without_alpha(picture: Picture) -> Picture:
    """Return a picture as if it were opaque."""
    return dataclasses.replace(picture, alpha=None)


def _load_keep(request: Request, photo: np.ndarray, reader: Reader) -> np.ndarray | None:
    """Return how much of the photo each pixel keeps, float32 `[H, W]` in [0, 1], or `None`."""
    size = photo.shape[1:3]
    masks = []
    for path in request.keep_mask:
        mask = reader.mask(path)
        if mask.ndim != 2:
            raise UserError(f"--keep_mask {path} is in colours: use grey, white to keep")
        masks.append(fit_mask(f"--keep_mask {path}", mask, size))
    return np.max(masks, axis=0) if masks else None
