"""Pictures of any kind at the sizes that a run uses, for programs, library and films alike."""

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nst_tf.images.exif import PhotoExif
from nst_tf.images.faces import Face, face_at, faces_of
from nst_tf.images.io import Picture, as_picture, load_mask, load_picture, opaque
from nst_tf.images.masks import Region, apply_alpha
from nst_tf.images.resize import Size, fit_size
from nst_tf.images.sources import Source, decode_any, lasting, listed
from nst_tf.inputs.blend import check_styles, style_names, style_scales
from nst_tf.inputs.prepare import (
    RunInputs,
    check_side,
    check_style_side,
    prepare_inputs,
    style_side,
)
from nst_tf.settings import Settings
from nst_tf.utils.describe import brief
from nst_tf.utils.errors import UserError
from nst_tf.utils.forks import check_fork

Load = Callable[[int], Picture]
"""Returns a painting with a long side of at most some pixels; 0 keeps its own size."""


@dataclass(frozen=True, eq=False)
class LoadedInputs:
    """The pictures and settings of a run, and what its result inherits from the photo.

    Attributes:
        fitted: pictures, masks and settings at the sizes of the run.
        alpha: transparency of the result, float32 `[H, W]` in [0, 1]; `None`: opaque.
        has_profile: whether the photo carries a colour profile, so that the result should too.
    """

    fitted: RunInputs
    alpha: np.ndarray | None
    has_profile: bool
    exif: PhotoExif = field(default_factory=PhotoExif)

    __repr__ = brief


def prepare_sources(
    photo: Picture,
    paintings: Sequence[Load],
    settings: Settings,
    regions: Sequence[Region] = (),
    initial: np.ndarray | None = None,
    keep: np.ndarray | None = None,
) -> LoadedInputs:
    """Return the inputs of a run at the size of its photo.

    Transparent parts of the photo are not painted, those of the paintings are not imitated.

    Args:
        paintings: a function for each painting that loads it at the size that the photo asks for.
        regions, initial, keep: as for `prepare_inputs`.

    Raises:
        OSError: a painting cannot be read.
        UserError: a picture is too small, its numbers are out of range, or settings, masks and
            pictures do not agree.
    """
    check_styles(settings, len(paintings))
    check_side("content", photo.full_size, settings)
    size = photo.pixels.shape[1:3]
    if settings.seeks_faces:
        check_places(photo.faces, size, settings)
    loaded = load_paintings(paintings, size, settings)
    fitted = prepare_inputs(
        photo.pixels,
        [painting.pixels for painting in loaded],
        settings,
        apply_alpha(regions, photo.alpha, [painting.alpha for painting in loaded]),
        initial,
        keep,
        faces=photo.faces,
    )
    return LoadedInputs(fitted, photo.alpha, photo.has_profile, photo.exif)


def check_places(faces: Sequence[Face], size: Size, settings: Settings) -> None:
    """Warn of places in `settings.skip_faces` at which the photo, of some size, has no face."""
    for x, y in settings.skipped_places:
        if face_at(faces, (x, y), size) is None:
            places = [f"{x:.3f},{y:.3f}" for x, y in (face.place(size) for face in faces)]
            known = f"faces are at {' and '.join(places)}" if places else "no faces are found"
            warnings.warn(f"skip_faces: no face is at {x:g},{y:g}; {known}")


def load_paintings(paintings: Sequence[Load], size: Size, settings: Settings) -> list[Picture]:
    """Load paintings at the sizes that a photo asks for, given its height and width in pixels.

    Raises:
        OSError: a painting cannot be read.
        UserError: a painting is too small.
    """
    loaded = []
    scales = style_scales(settings, len(paintings))
    names = style_names(len(paintings))
    for load, name, scale in zip(paintings, names, scales, strict=True):
        painting = load(style_side(size, scale, settings.detail))
        check_style_side(name, painting.full_size, size, scale, settings)
        loaded.append(painting)
    return loaded


class ImageSources:
    """Pictures as a caller of the library gives them, decoded and checked.

    Args:
        content: the photo, of any kind that `images.sources.decode_any` reads.
        styles: a painting or a sequence of them.
        keep: where the photo's features are kept: a mask as an array `[H, W]` or as a picture;
            `None`: nowhere.

    Attributes:
        read_again: reads the same sources with other `settings`.

    Raises:
        OSError: a file cannot be read as a picture.
        UserError: an array is not a picture, there are no styles, or TensorFlow would hang in this
            process.
        TypeError: a source is of another type.
    """

    def __init__(
        self,
        content: Source,
        styles: Source | Sequence[Source],
        settings: Settings,
        regions: Sequence[Region] = (),
        initial: Source | None = None,
        keep: Source | None = None,
    ) -> None:
        check_fork()
        paintings = listed(styles)
        if not paintings:
            raise UserError("styles is empty: at least one style image is needed")
        check_styles(settings, len(paintings))
        self.settings = settings
        self._names = style_names(len(paintings))
        content = lasting(content, "content")
        paintings = list(map(lasting, paintings, self._names))
        initial, keep = (
            picture if picture is None else lasting(picture, name)
            for name, picture in (("initial", initial), ("keep", keep))
        )
        self.read_again = functools.partial(
            ImageSources, content, paintings, regions=regions, initial=initial, keep=keep
        )
        self._content = decode_any(content, "content", settings.max_dim)
        scales = style_scales(settings, len(paintings))
        self._styles = [
            decode_any(painting, name, style_side(self.size, scale, settings.detail))
            for painting, name, scale in zip(paintings, self._names, scales, strict=True)
        ]
        self._regions = regions
        self._initial = None if initial is None else load_opaque(initial, "initial")
        self._keep = None if keep is None else _mask("keep", keep)

    @property
    def size(self) -> Size:
        """Height and width of the photo within the settings' limit, pixels."""
        return fit_size(*self._content.size, self.settings.max_dim)

    def load(self) -> LoadedInputs:
        """Return the inputs of a run; errors are those of `prepare_sources`."""
        paintings = [
            functools.partial(self._painting, number) for number in range(len(self._styles))
        ]
        photo = as_picture(self._content, self.size, "content")
        faces = faces_of(self._content, self.size) if self.settings.seeks_faces else ()
        return prepare_sources(
            replace(photo, faces=faces),
            paintings,
            self.settings,
            self._regions,
            self._initial,
            self._keep,
        )

    def _painting(self, number: int, side: int) -> Picture:
        decoded = self._styles[number]
        return as_picture(decoded, fit_size(*decoded.size, side), self._names[number])


def _mask(name: str, mask: Source) -> np.ndarray:
    """Return a mask, `[H, W]`; an array of floats is checked where it is fitted."""
    if isinstance(mask, np.ndarray) and np.issubdtype(mask.dtype, np.floating):
        return mask
    values = load_mask(mask)
    if values.ndim != 2:
        raise UserError(f"{name} is in colours: use grey, white to keep")
    return values


def load_opaque(picture: Source, name: str) -> np.ndarray:
    """Return a picture, float32 `[1, H, W, 3]` in [0, 1], over white where it is transparent."""
    return opaque(load_picture(picture, name=name))
