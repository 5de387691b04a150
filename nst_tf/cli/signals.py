"""Signals that end a run without losing its picture.

The first signal ends the run after its current step. The second one must also work inside a step,
which TensorFlow computes without returning to Python for up to minutes: a thread that reads
Python's wakeup socket then saves the latest picture and ends the process.
"""

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from nst_tf.utils.stop import StopRequest

GRACE = 0.5
"""Seconds within which a signal belongs to the first one.

A process may receive one request twice: `timeout` signals its child and then its process group, and
launchers forward the Ctrl-C that the terminal has already sent."""


class Stopper(StopRequest):
    """A request that SIGINT, SIGTERM or SIGHUP makes: the run ends after its current step.

    A second signal ends the process at once, even inside a step that lasts minutes. Signals that
    are ignored when the program starts, such as SIGHUP under `nohup`, remain ignored.

    As a context manager it installs the handlers and restores the previous ones. Enter it in the
    main thread.

    Args:
        rescue: saves the latest picture. It runs in its own thread, while the main thread may be
            inside a step; the process then exits with 128 + the signal's number.
        grace: seconds within which a signal belongs to the first one.
    """

    _SIGNALS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self, rescue: Callable[[], object], grace: float = GRACE) -> None:
        super().__init__()
        self._rescue: Callable[[], object] | None = rescue
        self._grace = grace
        self._saving = threading.Lock()
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Stopper":
        # TensorFlow blocks the main thread for the whole of a step, and Python runs its handlers
        # there. A thread that reads the wakeup socket learns of a signal at any time.
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in self._SIGNALS:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):  # None: Python cannot restore it
                self._previous[number] = signal.signal(number, self._remember)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run_ended()
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup)
        self._writer.close()
        self._watcher.join()
        self._reader.close()

    def run_ended(self) -> None:
        """Make further signals ineffective: the caller saves the picture.

        If the rescue has begun, this does not return: the process exits.
        """
        with self._saving:
            self._rescue = None

    def _remember(self, number: int, _: object) -> None:
        self.request(number)

    def _watch(self) -> None:
        first = None
        while received := self._reader.recv(1):
            number = received[0]
            if number not in self._previous:
                continue
            if first is None:
                first = time.monotonic()
                self._announce()
            elif time.monotonic() - first > self._grace:
                self._end(number)

    def _announce(self) -> None:
        with suppress(OSError):
            if self._rescue and sys.stderr.isatty():
                print(
                    "nst_tf: stopping after this step; Ctrl-C again stops at once", file=sys.stderr
                )

    def _end(self, number: int) -> None:
        with self._saving:
            if self._rescue:
                try:
                    self._rescue()
                except Exception:
                    traceback.print_exc()
                finally:
                    os._exit(128 + number)
