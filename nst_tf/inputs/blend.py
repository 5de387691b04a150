"""Settings of several paintings: sizes, shares, and checks of their number."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nst_tf.settings import Settings
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.images.masks import Region


def check_styles(settings: Settings, count: int) -> None:
    """Check that the settings fit the number of styles; the error names field and numbers."""
    scales = settings.style_scale
    if isinstance(scales, tuple) and len(scales) != count:
        raise UserError(f"style_scale has {len(scales)} values for {counted(count, 'style')}")
    if settings.style_blend and len(settings.style_blend) != count:
        shares = len(settings.style_blend)
        raise UserError(f"style_blend has {shares} shares for {counted(count, 'style')}")
    factors, layers = len(settings.style_layer_weights), len(settings.style_layers)
    if factors not in (0, layers, layers * count):
        raise UserError(
            f"style_layer_weights has {factors} values for {counted(layers, 'style layer')} and "
            f"{counted(count, 'style')}: give one for each layer, or for each layer of each style"
        )


def check_blend(settings: Settings, regions: "Sequence[Region]") -> None:
    """Check that `style_blend` has an effect and leaves each region a style; UserError if not."""
    if not settings.style_blend:
        return
    if len(regions) > 1 and all(len(region.styles) == 1 for region in regions):
        raise UserError("style_blend has no effect where each region has one style: leave it out")
    for number, region in enumerate(regions, start=1):
        if not any(settings.style_blend[style] for style in region.styles):
            raise UserError(f"style_blend gives no style of region {number} a share above 0")


def style_names(count: int) -> list[str]:
    """Return what errors call the paintings of a run: `style`, or `style 1` and so on."""
    return ["style"] if count == 1 else [f"style {number}" for number in range(1, count + 1)]


def style_scales(settings: Settings, count: int) -> tuple[float, ...]:
    """Return the long side of each style relative to the content's; 0 keeps its own."""
    scales = settings.style_scale
    return scales if isinstance(scales, tuple) else (scales,) * count


def blend_shares(settings: Settings, styles: Iterable[int]) -> dict[int, float]:
    """Return the share of each of some styles, given by their indices; the shares add up to 1."""
    shares = {style: settings.style_blend[style] if settings.style_blend else 1 for style in styles}
    total = sum(shares.values())
    return {style: share / total for style, share in shares.items()}
