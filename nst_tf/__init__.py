"""Neural style transfer in TensorFlow and Keras.

>>> from nst_tf import save_image, stylize
>>> picture = stylize("photo.jpg", "painting.jpg", "painting", max_dim=384)
>>> save_image("picture.png", picture)

`stylize` makes one picture. A `Stylizer` makes many, for services: it takes requests from several
threads, and returns a `Result` or yields a `Progress` after every step. `measure` returns the loss
of a picture, and `measure_quality` figures that no recipe minimises. `Settings` holds every
setting; `RECIPES` are named ones.

`load_image`, `load_mask` and `save_image` read and write pictures, `read_metadata` returns what a
picture was made with. `Checkpoint` keeps a file from which a run can continue, and
`load_checkpoint` reads it. `pair_masks` makes a `Region` of each mask, and `color_regions` of each
main colour. `DivergedError` (with its subclass `NonFiniteLossError`) and `CallbackError` carry the
picture that a run had reached. A `UserError` is a mistake in the caller's input. A `BusyError`
means that a `Stylizer` has no room.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nst_tf.utils.forks import check_fork  # now, so that it notices forks

if TYPE_CHECKING:
    from nst_tf.callbacks.checkpoint import Checkpoint
    from nst_tf.images.color_regions import color_regions
    from nst_tf.images.io import load_image, load_mask
    from nst_tf.images.masks import Region
    from nst_tf.images.metadata import read_metadata
    from nst_tf.images.pairing import pair_masks
    from nst_tf.images.save import save_image
    from nst_tf.quality.figures import measure_quality
    from nst_tf.recipes import RECIPES
    from nst_tf.service.result import Result
    from nst_tf.service.stylizer import Stylizer
    from nst_tf.settings import Settings
    from nst_tf.transfer.checkpoint import load_checkpoint
    from nst_tf.transfer.measure import measure
    from nst_tf.transfer.progress import CallbackError, DivergedError, NonFiniteLossError, Progress
    from nst_tf.transfer.stylize import stylize
    from nst_tf.utils.errors import BusyError, UserError
    from nst_tf.utils.version import __version__

# NumPy, Pillow and above all TensorFlow take their time, so each name is imported when it is used.
_MODULES = {
    "DivergedError": "transfer.progress",
    "BusyError": "utils.errors",
    "CallbackError": "transfer.progress",
    "Checkpoint": "callbacks.checkpoint",
    "NonFiniteLossError": "transfer.progress",
    "Progress": "transfer.progress",
    "RECIPES": "recipes",
    "Region": "images.masks",
    "Result": "service.result",
    "Settings": "settings",
    "Stylizer": "service.stylizer",
    "UserError": "utils.errors",
    "__version__": "utils.version",
    "color_regions": "images.color_regions",
    "load_checkpoint": "transfer.checkpoint",
    "load_image": "images.io",
    "load_mask": "images.io",
    "measure": "transfer.measure",
    "measure_quality": "quality.figures",
    "pair_masks": "images.pairing",
    "read_metadata": "images.metadata",
    "save_image": "images.save",
    "stylize": "transfer.stylize",
}
_NEEDING_TENSORFLOW = {"Stylizer", "load_checkpoint", "measure", "measure_quality", "stylize"}

__all__ = [
    "RECIPES",
    "BusyError",
    "CallbackError",
    "Checkpoint",
    "DivergedError",
    "NonFiniteLossError",
    "Progress",
    "Region",
    "Result",
    "Settings",
    "Stylizer",
    "UserError",
    "__version__",
    "color_regions",
    "load_checkpoint",
    "load_image",
    "load_mask",
    "measure",
    "measure_quality",
    "pair_masks",
    "read_metadata",
    "save_image",
    "stylize",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _NEEDING_TENSORFLOW:
        from nst_tf.compute.device import quieten_tensorflow

        check_fork()
        quieten_tensorflow()
    value = getattr(import_module(f"nst_tf.{_MODULES[name]}"), name)
    globals()[name] = value  # from now on this is not called for the name
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
