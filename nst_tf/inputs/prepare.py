"""Fitting pictures, masks and settings to each other: once, for programs and library alike.

Everything that can be refused about them is refused here, before TensorFlow is imported.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst_tf.images.color import Colors
from nst_tf.images.masks import Region, coverage, fit_mask, fit_regions, keep_photo, masks_for_style
from nst_tf.images.resize import Size, as_image, fit_size, long_side_size, resize
from nst_tf.inputs.blend import check_blend, check_styles, style_scales
from nst_tf.inputs.pyramid import Scale, plan_scales
from nst_tf.inputs.reference import Reference, as_reference
from nst_tf.settings import Settings
from nst_tf.utils.describe import brief
from nst_tf.utils.errors import UserError

# Weight of keeping relative to the content's, by the kind of loss: a face stays a face, by eye.
KEEP = {"absolute": 10.0, "relative": 2.0}


@dataclass(frozen=True, eq=False)
class RunInputs:
    """What a run is made from, checked and at the sizes of the finest scale.

    Attributes:
        settings: of the run.
        content: the photo, float32 `[1, H, W, 3]` in [0, 1].
        styles: the paintings.
        colors: photo and paintings in the colours that the run sees, and the way back.
        regions: which parts of the photo are painted like which parts of which paintings.
        covered: how much of each pixel any region covers, float32 `[H, W]`; None: all of it.
        keep: how much of the photo each pixel keeps, float32 `[H, W]` in [0, 1], or None.
        initial: where to start instead of at what `settings.init` says, or None.
        scales: the scales to go through, coarse to fine.
        reference: an earlier frame of a film, at the size of the result, or None.
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
        """Steps in the whole run, at most: a scale may end early."""
        return sum(scale.steps for scale in self.scales)

    def finish(self, image: np.ndarray) -> np.ndarray:
        """Return an optimised image, of any scale, as it is shown: in its colours, with the photo
        where no region covers it.
        """
        return keep_photo(self.colors.restore_colors(image), self.content, self.covered)

    def result(self, image: np.ndarray) -> np.ndarray:
        """Return an optimised image, of any scale, as it is shown at the size of the result."""
        return self.finish(resize(image, self.size))


def prepare_inputs(
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings,
    regions: Sequence[Region] = (),
    initial: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    reference: Reference | None = None,
) -> RunInputs:
    """Bring pictures and masks to the sizes that `settings` asks for.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]`, sRGB in [0, 1].
        styles: an image of that kind or a sequence of them, of any sizes.
        settings: of the run.
        regions: from `pair_masks`; empty: all of the content is painted like all of all styles.
        initial: where to start.
        keep: how much of the photo each pixel keeps, float `[H, W]` in [0, 1], of any size.
        reference: an earlier frame of a film, of the content's fitted size, which `temporal_weight`
            keeps the image near.

    Raises:
        ValueError: an array is no image or mask, a picture is too small, or settings, masks and
            pictures do not agree.
    """
    if isinstance(styles, np.ndarray):
        styles = [styles]
    if not len(styles):
        raise UserError("styles is empty: at least one style image is needed")
    check_styles(settings, len(styles))
    settings = with_keep_weight(settings, keep is not None)
    content = as_image("content", content)
    height, width = content.shape[1:3]
    check_side("content", (height, width), settings.max_dim, settings)
    content = resize(content, fit_size(height, width, settings.max_dim))
    fitted = []
    for number, (style, scale) in enumerate(
        zip(styles, style_scales(settings, len(styles)), strict=True), start=1
    ):
        name = "style" if len(styles) == 1 else f"style {number}"
        style = as_image(name, style)
        height, width = style.shape[1:3]
        check_style_side(name, (height, width), content.shape[1:3], scale, settings)
        fitted.append(
            resize(style, _style_size((height, width), content.shape[1:3], scale, settings))
        )
    sizes = [style.shape[1:3] for style in fitted]
    regions = fit_regions(regions, content.shape[1:3], sizes)
    check_blend(settings, regions)
    pairs = [masks_for_style(regions, index) for index in range(len(fitted))]
    return RunInputs(
        settings,
        content,
        fitted,
        Colors(settings.preserve_color, content, fitted, pairs),
        regions,
        coverage(regions),
        None if keep is None else fit_mask("keep", keep, content.shape[1:3]),
        None if initial is None else as_image("initial", initial),
        plan_scales(settings, content.shape[1:3], sizes),
        None if reference is None else as_reference(reference, content.shape[1:3]),
    )


def with_keep_weight(settings: Settings, keep: bool) -> Settings:
    """Return the settings with the weight that keeping has, which is 0 if nothing is kept."""
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
    """Return the long side that a painting is given, pixels; 0 if it depends on its own.

    It is a whole number, so that fitting a painting a second time does not change it.

    Args:
        content: height and width of the fitted photo, pixels.
        scale: long side of the painting relative to the photo's; 0 keeps its own.
        detail: divides its sides.
    """
    return max(1, round(max(content) * scale / detail)) if scale else 0


def check_side(name: str, size: Size, max_dim: int, settings: Settings) -> None:
    """Check that a photo is large enough for the network, at the size at which it is used.

    Args:
        name: what the error calls it.
        size: its own height and width, pixels.
        max_dim: limit of its long side, pixels; 0: none.
        settings: of the run.

    Raises:
        ValueError: its short side is too short; the text says which `max_dim` would do.
    """
    fitted, least = fit_size(*size, max_dim), settings.smallest_side
    if min(fitted) >= least:
        return
    remedy = "use a larger picture"
    if min(size) >= least:
        side = math.ceil((least - 0.5) * max(size) / min(size))  # for sides are rounded
        side += min(fit_size(*size, side)) < least
        remedy = f"raise max_dim to {side} or more"
    raise UserError(_too_small(name, fitted, settings, remedy))


def check_style_side(
    name: str, size: Size, content: Size, scale: float, settings: Settings
) -> None:
    """Check that a painting is large enough for the network, at the size at which it is used.

    Args:
        name: what the error calls it.
        size: its own height and width, pixels.
        content: height and width of the fitted photo, pixels.
        scale, settings: as for `style_side`, and of the run.

    Raises:
        ValueError: its short side is too short; the text says what would do.
    """
    fitted, least = _style_size(size, content, scale, settings), settings.smallest_side
    if min(fitted) >= least:
        return
    remedy = "lower detail"
    if scale:
        side = least * max(size) / min(size)
        needed = math.ceil(100 * side * settings.detail / max(content)) / 100
        remedy = f"raise style_scale to {needed:g} or more, or lower detail"
    raise UserError(_too_small(name, fitted, settings, remedy))


def _style_size(size: Size, content: Size, scale: float, settings: Settings) -> Size:
    """Return height and width at which a painting is used, pixels."""
    own = max(1, round(max(size) / settings.detail))
    return long_side_size(*size, style_side(content, scale, settings.detail) or own)


def _too_small(name: str, size: Size, settings: Settings, remedy: str) -> str:
    return (
        f"{name} is {size[1]}x{size[0]} pixels at the size it is used: the deepest layer needs "
        f"{settings.smallest_side} a side, so {remedy}, or use shallower layers"
    )
