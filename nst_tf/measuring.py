"""The objective of a given image, for comparisons."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nst_tf.errors import UserError
from nst_tf.fitting import Fitted, fit
from nst_tf.images.masks import Region
from nst_tf.images.resize import check_image
from nst_tf.losses.objective import objective, read, step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Targets
from nst_tf.losses.term import Term
from nst_tf.network.model import Network
from nst_tf.scale import Pictures, exact_products, load_model, scale_targets
from nst_tf.settings import Settings


def measure(
    image: np.ndarray,
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings | None = None,
    regions: Sequence[Region] = (),
    keep: np.ndarray | None = None,
) -> dict[str, float]:
    """Return the objective's terms of an image, as `stylize` with these arguments sees them.

    Args:
        image: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1], of the fitted content's size. With
            `preserve_color="luminance"` the optimised image has other colours than the result.
        content, styles, settings, regions, keep: as for `stylize`; of a ramp, the start counts.

    Returns:
        The weighted terms by name, `total` first.

    Raises:
        ValueError: as for `stylize`, or the image has another size than the content.
    """
    fitted = fit(content, styles, settings or Settings(), regions, keep=keep)
    settings = fitted.settings
    image = check_image("image", image)
    if image.shape[1:3] != fitted.size:
        raise UserError(
            f"image is {image.shape[2]}x{image.shape[1]} pixels, but the content "
            f"{fitted.size[1]}x{fitted.size[0]}"
        )
    network, terms = load_model(settings), make_terms(settings)
    weights = step_weights(settings.at(0), terms)
    with exact_products(settings):
        targets = whole_targets(network, terms, fitted)
        return read(objective(network, terms, tf.constant(image), targets, weights))


def whole_targets(network: Network, terms: Sequence[Term], fitted: Fitted) -> Targets:
    """Return the targets at the finest scale, made from whole pictures."""
    return scale_targets(network, terms, fitted, Pictures.at(fitted, fitted.scales[-1]))
