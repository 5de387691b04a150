"""What a run is made from: the pictures and masks that the flags name, at the sizes it uses."""

import dataclasses

import numpy as np
from absl import flags

from nst_tf.images.io import Picture, load_image, load_mask, load_picture
from nst_tf.images.masks import Region, fit_regions, pair_masks, show_only
from nst_tf.images.resize import Size, fit_pictures, resize_plane
from nst_tf.settings import INITS, Settings
from nst_tf.styles import check_blend, style_scales


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run.

    Attributes:
        content: the photo; without one, a painting stands in for it and gives its size.
        styles: the paintings, float32 `[1, h, w, 3]` in [0, 1]; without one, the photo stands in.
        regions: which parts of the former are painted like which of the latter.
        initial: where to start, if that is a picture.
    """

    content: Picture
    styles: list[np.ndarray]
    regions: list[Region]
    initial: np.ndarray | None

    @property
    def size(self) -> Size:
        """Height and width of the result, pixels."""
        return self.content.pixels.shape[1:3]

    @property
    def style_sizes(self) -> list[Size]:
        """Heights and widths of the styles, pixels."""
        return [style.shape[1:3] for style in self.styles]


def input_paths(values: flags.FlagValues, settings: Settings) -> list[str]:
    """Return all files that a run reads."""
    paths = [*filter(None, [values.content]), *(values.style or [])]
    paths += [*(values.content_mask or []), *(values.style_mask or [])]
    paths += [] if settings.init in INITS else [settings.init]
    return paths + ([] if settings.weights in ("bundled", "imagenet") else [settings.weights])


def load_inputs(values: flags.FlagValues, settings: Settings) -> Inputs:
    """Read what the flags name.

    Raises:
        OSError: a file cannot be read as a picture.
        ValueError: a picture is too small, or masks, pictures and settings do not agree.
    """
    paths = values.style or [values.content]
    # A missing picture has no weight: the other one stands in for it.
    content = load_picture(values.content or paths[0], settings.max_dim)
    regions = pair_masks(
        [load_mask(path) for path in values.content_mask or []],
        [load_mask(path) for path in values.style_mask or []],
        len(paths),
    )
    scales = style_scales(settings, len(paths))
    long_side = max(content.pixels.shape[1:3]) / settings.detail
    styles = [
        load_picture(path, round(long_side * scale))
        for path, scale in zip(paths, scales, strict=True)
    ]
    pixels, fitted = fit_pictures(
        content.pixels,
        [style.pixels for style in styles],
        max_dim=settings.max_dim,
        style_scales=scales,
        detail=settings.detail,
        smallest_side=settings.smallest_side,
    )
    content = dataclasses.replace(content, pixels=pixels)
    if not values.content:  # a texture covers all of it
        content = dataclasses.replace(content, alpha=None)
    alphas = [
        None if style.alpha is None else resize_plane(style.alpha, picture.shape[1:3])
        for style, picture in zip(styles, fitted, strict=True)
    ]
    regions = show_only(regions, content.alpha, alphas if values.style else [None])
    regions = fit_regions(regions, pixels.shape[1:3], [style.shape[1:3] for style in fitted])
    check_blend(settings, regions)
    initial = None if settings.init in INITS else load_image(settings.init)
    return Inputs(content, fitted, regions, initial)
