"""The library's pictures, of whatever kind, at the sizes that a run uses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.images.io import as_picture, load_mask, load_picture, opaque
from nst_tf.images.masks import Region, apply_alpha
from nst_tf.images.resize import Size, fit_size
from nst_tf.images.sources import Source, decode_any, listed
from nst_tf.inputs.blend import check_styles, style_scales
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


@dataclass(frozen=True, eq=False)
class LoadedInputs:
    """What a run is made from.

    Attributes:
        fitted: pictures, masks and settings.
        alpha: of the result, float32 `[H, W]` in [0, 1]; None: it is opaque.
        has_profile: whether the photo carries a colour profile.
    """

    fitted: RunInputs
    alpha: np.ndarray | None
    has_profile: bool

    __repr__ = brief


class ImageSources:
    """Pictures as a caller gives them, decoded once.

    Args:
        content: the photo, any picture: see `sources.decode_any`.
        styles: a painting or a sequence of them.
        settings: of the run.
        regions: from `pair_masks`.
        initial: where to start, any picture, or None.
        keep: where the photo's features are kept: a mask as an array `[H, W]`, or any picture of
            one; None: nowhere.

    Raises:
        OSError: a file cannot be read as a picture.
        ValueError: an array is no picture, there are no styles, or TensorFlow would hang in this
            process.
        TypeError: something is no picture at all.
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
        self._content = decode_any(content, "content", settings.max_dim)
        self._names = [
            f"style {number}" if len(paintings) > 1 else "style"
            for number in range(1, len(paintings) + 1)
        ]
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

    def at(self, size: Size) -> LoadedInputs:
        """Return what a run is made from, with the photo at some size within the limit, pixels.

        Transparent parts of the photo are not painted, those of the paintings not imitated.

        Raises:
            ValueError: a picture is too small, its numbers are out of range, or settings, masks and
                pictures do not agree.
        """
        check_side("content", self._content.size, self.settings.max_dim, self.settings)
        photo = as_picture(self._content, size, "content")
        scales = style_scales(self.settings, len(self._styles))
        paintings = []
        for decoded, name, scale in zip(self._styles, self._names, scales, strict=True):
            check_style_side(name, decoded.size, size, scale, self.settings)
            side = style_side(size, scale, self.settings.detail)
            paintings.append(as_picture(decoded, fit_size(*decoded.size, side), name))
        fitted = prepare_inputs(
            photo.pixels,
            [painting.pixels for painting in paintings],
            self.settings,
            apply_alpha(self._regions, photo.alpha, [painting.alpha for painting in paintings]),
            self._initial,
            self._keep,
        )
        return LoadedInputs(fitted, photo.alpha, photo.has_profile)


def _mask(name: str, mask: Source) -> np.ndarray:
    """Return a mask, `[H, W]`; an array of floats is checked where it is fitted."""
    if isinstance(mask, np.ndarray) and np.issubdtype(mask.dtype, np.floating):
        return mask
    values = load_mask(mask)
    if values.ndim != 2:
        raise UserError(f"{name} is in colours: use grey, white to keep")
    return values


def load_opaque(picture: Source, name: str) -> np.ndarray:
    """Return a picture, float32 `[1, H, W, 3]`, over white where it is transparent.

    Args:
        picture: any picture: see `sources.decode_any`.
        name: what the errors call it.
    """
    return opaque(load_picture(picture, name=name))
