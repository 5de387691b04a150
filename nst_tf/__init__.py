"""Neural style transfer in TensorFlow and Keras.

>>> from nst_tf import Settings, load_image, save_image, stylize
>>> picture = stylize(load_image("photo.jpg"), load_image("painting.jpg"), Settings(max_dim=384))
>>> save_image("picture.png", picture)
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from nst_tf.images.io import load_image, load_mask
from nst_tf.images.masks import Region, pair_masks
from nst_tf.images.save import save_image
from nst_tf.recipes import RECIPES
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.transfer import stylize

__all__ = [
    "RECIPES",
    "Region",
    "Settings",
    "__version__",
    "load_image",
    "load_mask",
    "pair_masks",
    "save_image",
    "stylize",
]

try:
    __version__ = version("nst_tf")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    # TensorFlow takes seconds to import, so it waits until it is needed.
    if name == "stylize":
        from nst_tf.transfer import stylize

        return stylize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
