"""Logs of a run for TensorBoard."""

import dataclasses
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from PIL import Image

from nst_tf.images.resize import preview
from nst_tf.utils.files import StrPath

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

LONG_SIDE = 1024  # maximum long side of a picture, pixels: enough for a browser
FLUSHED = 5000  # milliseconds until written data reach the disk
MIB = 2**20


class TensorBoard:
    """Writes a run for TensorBoard with TensorFlow's own `tf.summary`.

    It writes each term of the losses, the seconds and the process's memory (MiB) of every step, the
    picture after the first step of each epoch or scale and after the last step, and the settings.
    A failure to write never ends the run: there is one warning, and nothing more is written.

    Args:
        directory: of the event files, one for each run; created if missing.
        settings: settings of the run, to be shown as text; `None` to omit them.
    """

    def __init__(self, directory: StrPath, settings: Any = None) -> None:
        self.directory = directory
        self._settings = dataclasses.asdict(settings) if settings is not None else {}
        self._process = psutil.Process()
        self._writer: Any = None
        self._failed = False
        self._latest: Progress | None = None
        self._section: tuple[int, int] | None = None
        self._pictured = 0  # number of the latest step whose picture is written

    def __call__(self, progress: "Progress") -> None:
        """Write a step."""
        before, self._latest = self._latest, progress
        self._try(lambda: self._write(progress, before))

    def close(self) -> None:
        """Write the last picture, and flush all data."""
        self._try(self._finish)
        self._latest = None

    def _try(self, write: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            write()
        except Exception as error:  # of any of TensorFlow's many kinds
            self._failed = True
            why = str(error).strip().partition("\n")[0]
            warnings.warn(
                f"TensorBoard logging in {self.directory} disabled ({why}); the run continues"
            )

    def _write(self, progress: "Progress", before: "Progress | None") -> None:
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.directory), flush_millis=FLUSHED)
            with self._writer.as_default(progress.step):
                _summary("text", 2, "settings", _table(self._settings))
        with self._writer.as_default(progress.step):
            for name, loss in progress.losses.items() if not progress.level else ():
                _scalar(f"loss/{name}", loss)
            if before or progress.step == 1:  # the time before a run is resumed is not a step's
                _scalar("run/step_seconds", progress.seconds - (before.seconds if before else 0.0))
            _scalar("run/memory_mib", self._process.memory_info().rss / MIB)
        section = progress.scale.number, progress.state.epoch
        if section != self._section:
            self._section = section
            self._picture(progress)

    def _picture(self, progress: "Progress") -> None:
        self._pictured = progress.step
        with self._writer.as_default(progress.step):
            _image("picture", progress.image())

    def _finish(self) -> None:
        if self._latest is None:
            return
        if self._pictured != self._latest.step:
            self._picture(self._latest)
        self._writer.close()
        self._writer = None
        if not any(Path(self.directory).glob("*.tfevents.*")):  # which TensorFlow does not report
            raise FileNotFoundError("its files have vanished")


# `tf.summary.scalar` and similar functions need the package TensorBoard, `tf.summary.write` does
# not. The classes of data are defined in TensorFlow's summary.proto.


def _scalar(tag: str, value: float) -> None:
    _summary("scalars", 1, tag, np.float32(value))


def _image(tag: str, image: np.ndarray) -> None:
    """Write a picture, float32 `[1, h, w, 3]`: its width, its height and a PNG file of it."""
    pixels = preview(image, LONG_SIDE)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    height, width, _ = pixels.shape
    _summary("images", 3, tag, [str(width).encode(), str(height).encode(), file.getvalue()])


def _summary(plugin: str, data_class: int, tag: str, value: Any) -> None:
    import tensorflow as tf
    from tensorflow.core.framework.summary_pb2 import SummaryMetadata

    metadata = SummaryMetadata(data_class=data_class)
    metadata.plugin_data.plugin_name = plugin
    tf.summary.write(tag, value, metadata=metadata)


def _table(settings: dict[str, Any]) -> str:
    """Return settings as a Markdown table, which TensorBoard renders."""
    rows = [f"| {name} | {value} |" for name, value in settings.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows])
