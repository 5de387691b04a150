"""The run of a visitor: its order, files, status and progress."""

import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nst_tf.page.drawings import FILE, Drawing
from nst_tf.page.order import Order
from nst_tf.page.worker import StepPreview, kept_name

MAX_CURVE = 120  # points of a loss curve

LOG = logging.getLogger("nst_tf.page")

Status = Literal["waiting", "running", "stopped", "finished", "failed"]


@dataclass(eq=False)
class Run:
    """A picture that a visitor has ordered.

    Attributes:
        order: the order.
        folder: the folder of the run's files, which no other run uses.
        status: the status; `stopped` and `failed` runs can continue if `resumable`.
        message: the text for the visitor.
        warnings: the warnings of the run.
        preview: the latest preview, or None.
        curve: losses by step, thinned out.
        changes: the number of changes of this object.
        last_used: time of the latest change, on the monotonic clock.
        started: time at which the run was last started, on the monotonic clock; None: never.
        starts: how often the run was started.
        preparation: seconds from its first start to its first preview.
        modelled: seconds that `nst_tf.page.estimates` gives the run.
        cancelled: whether the visitor wants the run to end.
        favourite: whether the visitor keeps its picture longer than others.
        name: a unique name.
    """

    order: Order
    folder: Path
    status: Status = "waiting"
    message: str = ""
    warnings: tuple[str, ...] = ()
    preview: StepPreview | None = None
    curve: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    changes: int = 0
    last_used: float = field(default_factory=time.monotonic)
    started: float | None = None
    starts: int = 0
    preparation: float = 0.0
    modelled: float = 0.0
    cancelled: bool = False
    favourite: bool = False
    name: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def picture(self) -> Path | None:
        """The file of the picture, if it exists and the run is not changing it."""
        path = self.folder / self.order.output
        return path if self.status != "running" and path.exists() else None

    @property
    def inputs(self) -> dict[str, Path]:
        """The files of the order and its drawing, by their names in the folder."""
        names = [*self.order.files, *([FILE] if (self.folder / FILE).exists() else [])]
        return {name: self.folder / name for name in names}

    @property
    def size(self) -> int:
        """Total size of the run's files, bytes."""
        total = 0
        with suppress(OSError):  # the folder is deleted, or a file in it
            for path in self.folder.iterdir():
                total += path.stat().st_size
        return total

    @property
    def kept(self) -> Path | None:
        """The file of the network's picture, from which brushstrokes can start, if it exists."""
        path = self.folder / kept_name(self.order.output)
        return path if path.exists() else None

    @property
    def drawing(self) -> Drawing | None:
        """The painted regions, if there are any."""
        path = self.folder / FILE
        return Drawing(path.read_bytes(), self.order.colors) if path.exists() else None

    @property
    def active(self) -> bool:
        """Whether the run waits or is being painted."""
        return self.status in ("waiting", "running")

    @property
    def resumable(self) -> bool:
        """Whether the run can continue from a checkpoint, or was stopped before it began."""
        checkpoint = self.folder / f"{self.order.output}.checkpoint"
        return not self.active and (self.status == "stopped" or checkpoint.exists())

    def set_status(self, status: Status, message: str = "", warnings: tuple[str, ...] = ()) -> None:
        """Set the status, and the message and warnings that belong to it."""
        self.status, self.message, self.warnings = status, message, warnings
        if status == "running":
            self.started = time.monotonic()
            self.starts += 1
        log = f"{status} {message}".rstrip()
        LOG.info("run %s of %s: %s", self.name, self.folder.parent.name, log)
        if status == "finished":  # the file shows more
            self.preview = None
        self._changed()

    def mark(self, favourite: bool) -> None:
        """Set whether the run is a favourite."""
        self.favourite = favourite
        self._changed()

    def add_preview(self, preview: StepPreview) -> None:
        """Show a step's picture, and add its losses to the curve; brushstrokes have none."""
        if self.started and not self.preparation:
            self.preparation = time.monotonic() - self.started
        self.preview = preview
        if not preview.level:
            self.curve.append((preview.step, preview.losses))
        if len(self.curve) > MAX_CURVE:
            del self.curve[1::2]
        self._changed()

    def _changed(self) -> None:
        self.last_used = time.monotonic()
        self.changes += 1
