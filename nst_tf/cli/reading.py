"""Pictures of the command line, read if memory has room for it."""

import numpy as np
import psutil

from nst_tf.compute.budget import describe_bytes, host_budget
from nst_tf.images.decode import MOST_PIXELS, reading_bytes
from nst_tf.images.io import Picture, load_mask, load_picture
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError


class Reader:
    """Reads pictures of up to `MOST_PIXELS`.

    Args:
        settings: of the run.
        budget: bytes that the process may take; None: what the settings say.

    Attributes:
        peak: of the process's memory while large pictures were read, bytes; 0: none was large.
    """

    def __init__(self, settings: Settings, budget: int | None = None) -> None:
        self._settings = settings
        self._budget = budget
        self.peak = 0

    def picture(self, path: str, max_dim: int = 0) -> Picture:
        """Read a picture; arguments and errors as for `load_picture`.

        Raises:
            ValueError: reading it takes more memory than there is.
        """
        self._check(path, max_dim)
        return load_picture(path, max_dim, most_pixels=MOST_PIXELS)

    def mask(self, path: str) -> np.ndarray:
        """Read a mask; errors as for `load_mask` and `picture`."""
        self._check(path, 0)
        return load_mask(path, MOST_PIXELS)

    def _check(self, path: str, max_dim: int) -> None:
        size = reading_bytes(path, max_dim)
        if not size:
            return
        peak = psutil.Process().memory_info().rss + size
        budget = host_budget(self._settings) if self._budget is None else self._budget
        if peak > budget:
            raise UserError(
                f"{path} needs about {describe_bytes(peak)} of memory to be read, but the run may "
                f"take {describe_bytes(budget)}: scale the picture down first, or free memory or "
                "raise --memory_budget"
            )
        self.peak = max(self.peak, peak)
