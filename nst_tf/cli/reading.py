"""Reading of picture files: within a budget of memory, and once."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from nst_tf.compute.budget import describe_bytes, host_budget
from nst_tf.images.decode import MOST_PIXELS, reading_bytes
from nst_tf.images.io import Picture, load_mask, load_picture
from nst_tf.images.resize import Size
from nst_tf.settings import Settings
from nst_tf.utils.digests import file_digest
from nst_tf.utils.errors import UserError

AT_ONCE = 64 * 2**20
"""Bytes up to which a file is read as a whole, for its checksum and its decoder; decoders stream
larger files."""


@dataclass(frozen=True)
class FileRecord:
    """A picture file in a result's metadata; its size is height and width when upright, pixels."""

    name: str
    size: Size
    sha256: str

    def entry(self) -> dict[str, Any]:
        """Return the record as a JSON value."""
        height, width = self.size
        return {"name": self.name, "size": f"{width}x{height}", "sha256": self.sha256}


class Reader:
    """Reads pictures of up to `MOST_PIXELS` pixels.

    Args:
        budget: bytes that the process may use; `None`: what the settings allow.
        at_once: bytes up to which a file is read as a whole.

    Attributes:
        peak: peak memory of the process while large pictures were read, bytes; 0: none was large.
    """

    def __init__(
        self, settings: Settings, budget: int | None = None, at_once: int = AT_ONCE
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._at_once = at_once
        self._files: dict[str, FileRecord] = {}
        self.peak = 0

    @property
    def files(self) -> Mapping[str, FileRecord]:
        """The files that have been read, by path."""
        return self._files

    def picture(self, path: str, max_dim: int = 0, faces: bool = False) -> Picture:
        """Read a picture; arguments and errors are those of `load_picture`.

        A UserError reports that reading it needs more memory than the budget.
        """
        self._check(path, max_dim)
        if os.path.getsize(path) > self._at_once:
            picture = load_picture(path, max_dim, most_pixels=MOST_PIXELS, faces=faces)
            digest = file_digest(path)
        else:
            data = Path(path).read_bytes()
            picture = load_picture(data, max_dim, path, MOST_PIXELS, faces)
            digest = hashlib.sha256(data).hexdigest()
        self._files[path] = FileRecord(Path(path).name, picture.full_size, digest)
        return picture

    def mask(self, path: str) -> np.ndarray:
        """Read a mask; errors are those of `load_mask` and `picture`."""
        self._check(path, 0)
        mask = load_mask(path, MOST_PIXELS)
        self._files[path] = FileRecord(Path(path).name, mask.shape[:2], file_digest(path))
        return mask

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
