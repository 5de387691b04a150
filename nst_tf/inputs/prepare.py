"""Pictures, masks and settings of a run, checked against each other and resized.

Everything about them that can be refused is refused here, before TensorFlow is imported.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst_tf.images.color import Colors
from nst_tf.images.face_masks import NARROWEST, face_mask
from nst_tf.images.faces import Face, face_at
from nst_tf.images.masks import Region, coverage, fit_mask, fit_regions, keep_photo, masks_for_style
from nst_tf.images.resize import (
    Size,
    as_image,
    fit_size,
    long_side_size,
    resize,
    resize_plane,
    scaled,
)
from nst_tf.images.wrap import overlapped, periodic, resize_tile
from nst_tf.inputs.blend import check_blend, check_styles, style_names, style_scales
from nst_tf.inputs.paint import Paint, take_paint
from nst_tf.inputs.pyramid import Scale, plan_scales
from nst_tf.inputs.reference import Reference, as_reference
from nst_tf.settings import Settings
from nst_tf.utils.describe import brief
from nst_tf.utils.errors import UserError

KEEP = {"absolute": 10.0, "relative": 2.0}
"""Default of `keep_weight` relative to `content_weight`, by the kind of loss (chosen by eye)."""


@dataclass(frozen=True, eq=False)
class RunInputs:
    """Pictures, masks and settings of a run, checked and resized.

    Attributes:
        content: the photo at the size of the result, float32 `[1, H, W, 3]` in [0, 1].
        styles: the paintings at the sizes of the finest scale.
        paint: the paintings as what brushstrokes are taken from; empty: there is no such stage.
        colors: photo and paintings in the colours that the run uses, and the way back.
        regions: which parts of the photo are painted like which parts of which paintings.
        covered: share of each pixel that regions cover, float32 `[H, W]`; `None`: all of it.
        keep: how much of the photo each pixel keeps, float32 `[H, W]` in [0, 1], or `None`.
        faces: the faces that are kept as well, in pixels of `content`, the widest first.
        initial: image to start from in place of `settings.init`, or `None`.
        scales: the scales of the run, coarse to fine.
        reference: an earlier frame of a video, at the size of the result, or `None`.
    """

    settings: Settings
    content: np.ndarray
    styles: Sequence[np.ndarray]
    colors: Colors
    regions: Sequence[Region]
    covered: np.ndarray | None
    keep: np.ndarray | None
    initial: np.ndarray | None
    scales: tuple[Scale, ...]
    reference: Reference | None = None
    paint: Sequence[Paint] = ()
    faces: tuple[Face, ...] = ()

    __repr__ = brief

    @property
    def size(self) -> Size:
        """Height and width of the result, pixels."""
        return self.content.shape[1:3]

    @property
    def style_sizes(self) -> list[Size]:
        """Height and width of each painting, pixels."""
        return [style.shape[1:3] for style in self.styles]

    @property
    def steps(self) -> int:
        """Maximum number of steps in the whole run; a scale may end early."""
        return sum(scale.steps for scale in self.scales)

    def kept(self, size: Size) -> np.ndarray | None:
        """Return how much of the photo each pixel keeps at a scale, `[*size]`; `None`: nothing.

        A face is kept from the scale at which it is wide enough.
        """
        if not self.faces:
            return self.keep
        mask = face_mask(size, self.faces_at(size), self.settings.face_strength)
        return mask if self.keep is None else np.maximum(mask, resize_plane(self.keep, size))

    def new_faces(self, coarse: Size, size: Size) -> np.ndarray | None:
        """Return the mask of the faces kept at a scale but not at the coarser one, or `None`."""
        count = len(self.faces_at(coarse))  # the widest come first
        faces = self.faces_at(size)[count:]
        if not faces:
            return None
        return np.minimum(1, face_mask(size, faces, self.settings.face_strength))

    def faces_at(self, size: Size) -> list[Face]:
        """Return the faces that are kept at a scale, in its pixels, the widest first."""
        faces = (face.scaled(self.size, size) for face in self.faces)
        return [face for face in faces if face.width >= NARROWEST]

    def finish(self, image: np.ndarray) -> np.ndarray:
        """Return an optimised image of any scale with its colours restored, and with the photo
        where no region covers it.
        """
        return keep_photo(self.colors.restore_colors(image), self.content, self.covered)

    def result(self, image: np.ndarray) -> np.ndarray:
        """Return an optimised image of any scale as `finish` does, at the size of the result."""
        return self.finish(resize_tile(image, self.size, self.settings.tileable))


def prepare_inputs(
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings,
    regions: Sequence[Region] = (),
    initial: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    reference: Reference | None = None,
    faces: Sequence[Face] = (),
) -> RunInputs:
    """Resize pictures and masks to the sizes that `settings` asks for.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]`, sRGB in [0, 1].
        styles: an image like `content`, or a sequence of images, of any sizes.
        regions: from `pair_masks`; empty: all of the content is painted like all of all styles.
        initial: image to start from, float as `content`, of any size.
        keep: how much of the photo each pixel keeps, float `[H, W]` in [0, 1], of any size.
        reference: an earlier frame of a video, of the content's fitted size, which
            `temporal_weight` keeps the image near.
        faces: faces to keep, in pixels of `content`; those that are less than ten pixels wide in
            the result, in parts that are not painted, or at `settings.skip_faces` are not kept.

    Raises:
        UserError: an array is not an image or mask, a picture is too small, or settings, masks and
            pictures do not agree.
    """
    if isinstance(styles, np.ndarray):
        styles = [styles]
    if not len(styles):
        raise UserError("styles is empty: at least one style image is needed")
    check_styles(settings, len(styles))
    content = as_image("content", content)
    height, width = content.shape[1:3]
    check_side("content", (height, width), settings)
    size = fit_size(height, width, settings.max_dim)
    tile = periodic if settings.content_weight else overlapped
    content = tile(resize(content, size), settings.tileable)
    network = fit_size(*size, settings.network_limit)
    fitted: list[np.ndarray] = []
    paint: list[Paint] = []
    names, scales = style_names(len(styles)), style_scales(settings, len(styles))
    for number, (name, style, scale) in enumerate(zip(names, styles, scales, strict=True)):
        style = as_image(name, style)
        own: Size = style.shape[1:3]
        check_style_side(name, own, size, scale, settings)
        fitted.append(resize(style, _network_style_size(own, size, scale, settings)))
        if settings.repaints:
            side = max(_style_size(own, size, scale, settings))
            paint.append(take_paint(number, style, side, regions))
    sizes = [style.shape[1:3] for style in fitted]
    regions = fit_regions(regions, size, sizes)
    check_blend(settings, regions)
    pairs = [masks_for_style(regions, index) for index in range(len(fitted))]
    covered = coverage(regions)
    faces = [face.scaled((height, width), size) for face in faces if settings.face_strength]
    skipped = [face_at(faces, place, size) for place in settings.skipped_places]
    faces = [face for face in faces if face not in skipped and _is_kept(face, covered)]
    settings = with_keep_weight(settings, keep is not None or bool(faces))
    return RunInputs(
        settings,
        content,
        fitted,
        Colors(settings.preserve_color, content, fitted, pairs),
        regions,
        covered,
        None if keep is None else fit_mask("keep", keep, size),
        None if initial is None else as_image("initial", initial),
        plan_scales(settings, network, sizes),
        None if reference is None else as_reference(reference, size),
        paint,
        tuple(sorted(faces, key=lambda face: face.width, reverse=True)),
    )


def _is_kept(face: Face, covered: np.ndarray | None) -> bool:
    """Return whether a face is wide enough to be kept, and painted."""
    if face.width < NARROWEST or covered is None:
        return face.width >= NARROWEST
    left, top, right, bottom = (max(0, round(side)) for side in face.box)
    return bool(covered[top:bottom, left:right].any())


def with_keep_weight(settings: Settings, keep: bool) -> Settings:
    """Return the settings with the `keep_weight` of the run, which is 0 if nothing is kept.

    A UserError reports that neither `keep_weight` nor `content_weight` is set to keep something.
    """
    if not keep:
        return replace(settings, keep_weight=0) if settings.keep_weight else settings
    if settings.keep_weight:
        return settings
    content = settings.content_weight
    if not content:
        raise UserError("keep_weight is 0, and so is content_weight: set one to keep something")
    factor = KEEP[settings.loss]
    if isinstance(content, tuple):
        return replace(settings, keep_weight=(factor * content[0], factor * content[1]))
    return replace(settings, keep_weight=factor * content)


def style_side(content: Size, scale: float, detail: float) -> int:
    """Return the long side of a painting in the run, pixels; 0 if it depends on its own size.

    It is a whole number, so resizing a painting a second time does not change it.

    Args:
        content: height and width of the fitted photo, pixels.
        scale: long side of the painting relative to the photo's; 0 keeps the painting's own.
    """
    return max(1, round(max(content) * scale / detail)) if scale else 0


def check_side(name: str, size: Size, settings: Settings) -> None:
    """Check that a photo is large enough for the network, at the size at which it is used.

    Args:
        size: height and width of the photo in its file, pixels.

    Raises:
        UserError: the short side is too short; the text says which limit suffices.
    """
    limit = settings.network_limit
    fitted, least = fit_size(*size, limit), settings.smallest_side
    if min(fitted) >= least:
        return
    remedy = "use a larger picture"
    if min(size) >= least:
        side = math.ceil((least - 0.5) * max(size) / min(size))  # sides are rounded
        side += min(fit_size(*size, side)) < least
        setting = "max_dim" if limit == settings.max_dim else "network_dim"
        remedy = f"raise {setting} to {side} or more"
    raise UserError(_too_small(name, fitted, settings, remedy))


def check_style_side(
    name: str, size: Size, content: Size, scale: float, settings: Settings
) -> None:
    """Check that a painting is large enough for the network, at the size at which it is used.

    Args:
        size: height and width of the painting in its file, pixels.
        content: height and width of the fitted photo, pixels.

    Raises:
        UserError: the short side is too short; the text says which setting to change.
    """
    fitted = _network_style_size(size, content, scale, settings)
    least = settings.smallest_side
    if min(fitted) >= least:
        return
    remedy = "lower detail"
    if scale:
        side = least * max(size) / min(size)
        network = max(fit_size(*content, settings.network_limit))
        needed = math.ceil(100 * side * settings.detail / network) / 100
        remedy = f"raise style_scale to {needed:g} or more, or lower detail"
    raise UserError(_too_small(name, fitted, settings, remedy))


def _network_style_size(size: Size, content: Size, scale: float, settings: Settings) -> Size:
    """Return height and width of a painting at the network's finest scale, pixels."""
    network = fit_size(*content, settings.network_limit)
    return scaled(_style_size(size, content, scale, settings), max(network) / max(content))


def _style_size(size: Size, content: Size, scale: float, settings: Settings) -> Size:
    """Return height and width of a painting relative to the result, pixels."""
    own = max(1, round(max(size) / settings.detail))
    return long_side_size(*size, style_side(content, scale, settings.detail) or own)


def _too_small(name: str, size: Size, settings: Settings, remedy: str) -> str:
    return (
        f"{name} is {size[1]}x{size[0]} pixels at the size it is used: the deepest layer needs "
        f"{settings.smallest_side} a side, so {remedy}, or use shallower layers"
    )
