"""Neural style transfer in one call: from pictures to the picture.

The method is that of Gatys, Ecker and Bethge (arXiv 1508.06576) as the TensorFlow tutorial runs it.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Unpack

import numpy as np

import nst_tf.network.model  # noqa: F401  # at once, so that another backend of Keras is refused
from nst_tf.images.masks import Region
from nst_tf.images.sources import Source
from nst_tf.inputs.sources import ImageSources
from nst_tf.keywords import AllOverrides
from nst_tf.recipes import resolve_settings
from nst_tf.settings import Settings
from nst_tf.transfer.progress import Callback, guarded
from nst_tf.transfer.start import make_run
from nst_tf.transfer.state import SavedRun


def stylize(
    content: Source,
    styles: Source | Sequence[Source],
    settings: Settings | str | None = None,
    *,
    initial: Source | None = None,
    regions: Sequence[Region] = (),
    keep: Source | None = None,
    callbacks: Iterable[Callback] = (),
    cancel: threading.Event | None = None,
    state: SavedRun | None = None,
    **overrides: Unpack[AllOverrides],
) -> np.ndarray:
    """Paint the content image in the manner of the style images.

    A picture is the path of a file, its bytes, the file opened in binary mode, a PIL image, or an
    array: floats in [0, 1], `[1, H, W, 3]` or `[H, W, 3]` in sRGB, or uint8 or uint16, `[H, W]` or
    `[H, W, C]`. Transparent parts of the content are not painted, those of styles not imitated.

    Calls of one size, network and objective share one compiled step; `Stylizer` shares more.

    Args:
        content: the photo, limited to `settings.max_dim` on its long side.
        styles: a painting or a sequence of them, of any sizes.
        settings: a `Settings` or the name of a recipe; by default the recipe `tutorial`.
        initial: where to start, a picture that is resized to the content's size at the coarsest
            scale; by default what `settings.init` says.
        regions: which parts of the content are painted like which parts of which styles, from
            `pair_masks`; what is in none stays as it is. By default all of the content is painted
            like all of all styles.
        keep: where the photo's features are kept, such as its faces: floats `[H, W]` in [0, 1], 1
            where they are, or any picture of such a mask; of any size.
        callbacks: each is called with every step's `Progress`, in order; the run ends after a step
            for which one of them returns a true value.
        cancel: ends the run after the current step once it is set; if it is set before the first
            step, the result is the content.
        state: an unfinished run to resume, from `load_checkpoint`; with the same pictures and
            settings it ends with the same picture, bit for bit.
        **overrides: fields of `Settings` that differ from `settings`, such as `strength=0.7`.

    Returns:
        float32 `[1, h, w, 3]` in [0, 1], with h and w of the content as it was limited.

    Raises:
        ValueError: a picture is not valid or too small, settings and pictures do not agree, there
            is no such recipe, the run would take more memory than it may, or `state` is of another
            run.
        TypeError: an argument is not a picture, or an override is not a field of `Settings`.
        OSError: a picture or the weights cannot be read.
        MemoryError: memory ran out even with the smallest tiles; as long as smaller tiles exist,
            the run continues with them and warns.
        DivergedError: the run diverged, even at a reduced rate; the error holds the best picture.
        NonFiniteLossError: the objective overflowed, even at a reduced rate or at once; the error
            holds the best picture or the last finite one.
        CallbackError: a callback raised an error; this one holds the picture of its step.
    """
    given = ImageSources(
        content, styles, resolve_settings(settings, overrides), regions, initial, keep
    )
    transfer = make_run(given.load().fitted)
    guards = [guarded(callback, transfer.result) for callback in callbacks]
    return transfer.finish(guards, transfer.adopt_checkpoint(state) if state else None, cancel)
