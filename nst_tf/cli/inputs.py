"""What a run is made from: the pictures and masks that the flags name, at the sizes it uses."""

import dataclasses

import numpy as np
from absl import flags

from nst_tf.fitting import Fitted, fit, style_side
from nst_tf.images.io import load_image, load_mask, load_picture
from nst_tf.images.masks import pair_masks, show_only
from nst_tf.settings import INITS, Settings
from nst_tf.styles import check_styles, style_scales


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The pictures of a run.

    Attributes:
        fitted: what the run is made from. Without a photo, the first painting stands in for it;
            without a painting, the photo does.
        alpha: of the result, float32 `[H, W]` in [0, 1], or None.
        has_profile: whether the photo carries a colour profile, so that the result should too.
    """

    fitted: Fitted
    alpha: np.ndarray | None
    has_profile: bool


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
    check_styles(settings, len(paths))
    photo = load_picture(values.content or paths[0], settings.max_dim)
    if not values.content:  # a texture covers all of it
        photo = dataclasses.replace(photo, alpha=None)
    regions = pair_masks(
        [load_mask(path) for path in values.content_mask or []],
        [load_mask(path) for path in values.style_mask or []],
        len(paths),
    )
    size = photo.pixels.shape[1:3]
    paintings = [
        load_picture(path, style_side(size, scale, settings.detail))
        for path, scale in zip(paths, style_scales(settings, len(paths)), strict=True)
    ]
    alphas = [painting.alpha for painting in paintings] if values.style else [None]
    fitted = fit(
        photo.pixels,
        [painting.pixels for painting in paintings],
        settings,
        show_only(regions, photo.alpha, alphas),
        None if settings.init in INITS else load_image(settings.init),
    )
    return Inputs(fitted, photo.alpha, photo.has_profile)
