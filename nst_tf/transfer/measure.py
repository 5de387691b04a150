"""The objective of a given image, for comparisons."""

from collections.abc import Sequence
from typing import Unpack

import tensorflow as tf

from nst_tf.compute.precision import TF32
from nst_tf.compute.wrapping import wrap
from nst_tf.images.masks import Region
from nst_tf.images.resize import resize
from nst_tf.images.sources import Source
from nst_tf.images.wrap import margins
from nst_tf.inputs.pictures import Pictures
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.sources import ImageSources, load_opaque
from nst_tf.keywords import AllOverrides
from nst_tf.losses.objective import objective, read, step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Targets
from nst_tf.losses.term import Term
from nst_tf.network.model import Network
from nst_tf.recipes import resolve_settings
from nst_tf.settings import Settings
from nst_tf.transfer.scales import load_model, scale_targets
from nst_tf.utils.errors import UserError


def measure(
    image: Source,
    content: Source,
    styles: Source | Sequence[Source],
    settings: Settings | str | None = None,
    regions: Sequence[Region] = (),
    keep: Source | None = None,
    **overrides: Unpack[AllOverrides],
) -> dict[str, float]:
    """Return the objective's terms of an image, as `stylize` with these arguments sees them.

    Args:
        image: any picture, as for `stylize`, of the size that the content is limited to. With
            `preserve_color="luminance"` the optimised image has other colours than the result.
        content, styles, settings, regions, keep, **overrides: as for `stylize`; of a ramp, the
            start counts.

    Returns:
        The weighted terms by name, `total` first.

    Raises:
        ValueError, TypeError, OSError: as for `stylize`, or the image has another size than the
            content.
    """
    given = ImageSources(content, styles, resolve_settings(settings, overrides), regions, keep=keep)
    fitted = given.load().fitted
    settings = fitted.settings
    image = load_opaque(image, "image")
    if image.shape[1:3] != fitted.size:
        raise UserError(
            f"image is {image.shape[2]}x{image.shape[1]} pixels, but the content "
            f"{fitted.size[1]}x{fitted.size[0]}"
        )
    network, terms = load_model(settings), make_terms(settings)
    weights = step_weights(settings.at(0), terms)
    with TF32.set_to(settings.tf32):
        targets = whole_targets(network, terms, fitted)
        size = fitted.scales[-1].size
        at_network = wrap(tf.constant(resize(image, size)), margins(settings.tileable, size))
        return read(objective(network, terms, at_network, targets, weights))


def whole_targets(network: Network, terms: Sequence[Term], fitted: RunInputs) -> Targets:
    """Return the targets at the finest scale, made from whole pictures."""
    return scale_targets(network, terms, fitted, Pictures.at(fitted, fitted.scales[-1]))
