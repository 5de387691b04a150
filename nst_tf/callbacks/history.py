"""The history of a run: its losses, step by step."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nst_tf.losses.values import Losses
from nst_tf.utils.files import StrPath, write_whole

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

COUNTERS = ("step", "scale", "evaluations", "seconds")
"""The columns of a row that are not losses."""

LOSSES = ("total", "style", "content", "total_variation")
"""The losses of every row, in this order; other terms follow under their names."""

Row = Mapping[str, float]


def columns_of(rows: Iterable[Row]) -> list[str]:
    """Return the columns of all rows, in the order in which they first appear.

    Rows differ: a small scale may omit a layer, and a run that was resumed with other terms keeps
    its earlier rows. A column that a row lacks is 0.
    """
    return list(dict.fromkeys(name for row in rows for name in row))


class History:
    """Collects a row per step: the losses before the update, the scale and the time.

    Args:
        layers: whether to collect the losses of each layer as well.

    Attributes:
        rows: a mapping per step, in the order of the columns of the file.
    """

    def __init__(self, layers: bool = False) -> None:
        self.rows: list[Row] = []
        self._layers = layers

    def __call__(self, progress: "Progress") -> None:
        """Add a step; brushstrokes have no losses."""
        if progress.level:
            return
        losses = progress.losses
        self.rows.append(
            {"step": progress.step}
            | dict.fromkeys(LOSSES, 0.0)
            | dict(losses)
            | {
                "scale": progress.scale.number,
                "evaluations": progress.evaluations,
                "seconds": round(progress.seconds, 3),
            }
            | (losses.layers if self._layers and isinstance(losses, Losses) else {})
        )

    def save(self, path: StrPath, overwrite: bool = True) -> None:
        """Write the rows as CSV, with enough digits to read the numbers back exactly.

        Raises:
            OSError: the file cannot be written, or it exists and must not be replaced.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, columns_of(self.rows), restval=0.0, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        with write_whole(path, overwrite) as file:
            file.write(text.getvalue().encode())
