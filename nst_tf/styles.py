"""Several styles: what the settings say of each."""

from collections.abc import Iterable

from nst_tf.settings import Settings


def check_styles(settings: Settings, count: int) -> None:
    """Refuse settings for another number of styles than there are.

    Raises:
        ValueError: naming the field and both numbers.
    """
    scales = settings.style_scale
    if isinstance(scales, tuple) and len(scales) != count:
        raise ValueError(f"style_scale has {len(scales)} values for {count} styles")
    if settings.style_blend and len(settings.style_blend) != count:
        raise ValueError(f"style_blend has {len(settings.style_blend)} shares for {count} styles")
    factors, layers = len(settings.style_layer_weights), len(settings.style_layers)
    if factors not in (0, layers, layers * count):
        raise ValueError(
            f"style_layer_weights has {factors} values for {layers} style layers and {count} "
            "styles: give one for each layer, or for each layer of each style"
        )


def style_scales(settings: Settings, count: int) -> tuple[float, ...]:
    """Return the long side of each of so many styles in that of the content; 0: its own."""
    scales = settings.style_scale
    return scales if isinstance(scales, tuple) else (scales,) * count


def layer_factors(settings: Settings, style: int) -> tuple[float, ...]:
    """Return the factor of each style layer for the style of a number, from 0."""
    layers = len(settings.style_layers)
    factors = settings.style_layer_weights or (1.0,) * layers
    return factors if len(factors) == layers else factors[style * layers :][:layers]


def blend_shares(settings: Settings, styles: Iterable[int]) -> dict[int, float]:
    """Return the share of each of the styles of these numbers, 1 in all."""
    shares = {style: settings.style_blend[style] if settings.style_blend else 1 for style in styles}
    total = sum(shares.values()) or 1
    return {style: share / total for style, share in shares.items()}
