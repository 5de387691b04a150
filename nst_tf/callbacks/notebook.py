"""Live display of a run in a notebook: the picture, its losses, and a way to stop.

>>> from nst_tf import stylize
>>> from nst_tf.callbacks.notebook import Live
>>> picture = stylize("photo.jpg", "painting.jpg", "painting", callbacks=[Live()])
"""

import importlib.util
import io
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from PIL import Image

from nst_tf.callbacks.pace import duration
from nst_tf.images.resize import preview
from nst_tf.utils.stop import StopRequest

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

HINT = "interrupt the kernel (■) to stop and keep the picture"


class Live:
    """A callback that shows the picture and the losses of a run in the output of its cell.

    To stop the run after its current step, interrupt the kernel (■). The picture is returned as if
    the run had ended by itself; a second interrupt ends the cell at once.

    Args:
        long_side: maximum long side of the displayed picture, pixels.
        interval: minimum seconds between updates.

    Raises:
        ImportError: IPython is missing.
    """

    def __init__(self, long_side: int = 512, interval: float = 0.5) -> None:
        if importlib.util.find_spec("IPython") is None:
            raise ImportError("Live needs IPython: run pip install 'nst_tf[notebook]'")
        self._long_side = long_side
        self._interval = interval
        self._view: _View | None = None
        self._stop = _Stop()
        self._latest: Progress | None = None
        self._due = 0.0

    def __call__(self, progress: "Progress") -> bool:
        """Show the step if an update is due, and return whether a stop is requested."""
        if self._latest and progress.step <= self._latest.step:
            self._end()  # of the previous run
        if self._view is None:
            self._begin()
        self._latest = progress
        stopped = self._stop.requested
        if stopped or progress.step == progress.steps:
            self._end()
        elif time.monotonic() >= self._due:
            self._show(progress, HINT)
        return stopped

    def _begin(self) -> None:
        from IPython import get_ipython

        self._view, self._due, self._stop = _View(), 0.0, _Stop()
        if shell := get_ipython():
            self._stop.listen()
            shell.events.register("post_run_cell", self._cell_ended)

    def _cell_ended(self, _: Any) -> None:
        self._end()  # a run may end before its last step

    def _end(self) -> None:
        """Show the last step, and restore the state of the kernel before the run."""
        from IPython import get_ipython

        if self._latest and self._view:
            self._show(self._latest, "stopped" if self._stop.requested else "finished")
            if shell := get_ipython():
                shell.events.unregister("post_run_cell", self._cell_ended)
        self._stop.close()
        self._view = self._latest = None

    def _show(self, progress: "Progress", note: str) -> None:
        assert self._view
        losses = " · ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
        where = f"step {progress.step} of {progress.steps}, {duration(progress.seconds)}"
        picture = Image.fromarray(preview(progress.image(), self._long_side))
        self._view.show(picture, f"{where} · {losses} · {note}")
        self._due = time.monotonic() + self._interval


class _View:
    """A picture above a line of text, which later calls of `show` replace."""

    def __init__(self) -> None:
        from IPython.display import DisplayHandle

        self._handles = DisplayHandle(), DisplayHandle()
        self._shown = False

    def show(self, picture: Image.Image, line: str) -> None:
        from IPython.display import Image as Shown
        from IPython.display import Pretty

        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        parts = Shown(file.getvalue(), format="jpeg"), Pretty(line)
        for handle, part in zip(self._handles, parts, strict=True):
            (handle.update if self._shown else handle.display)(part)
        self._shown = True


class _Stop(StopRequest):
    """A request that an interrupt of the kernel makes."""

    def __init__(self) -> None:
        super().__init__()
        self._previous: Any = None

    def listen(self) -> None:
        """Start to listen."""
        if threading.current_thread() is threading.main_thread():  # other threads cannot
            self._previous = signal.signal(signal.SIGINT, self._interrupted)

    def close(self) -> None:
        """Stop listening."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _interrupted(self, *_: Any) -> None:
        self.request(signal.SIGINT)
        self.close()  # a second interrupt ends the cell
