"""Processes of their own, for programs and workers, that need not import TensorFlow each.

A server imports TensorFlow, computes nothing, and forks a process for each program or worker. Tests
of the start of Python or of TensorFlow need `subprocess` or `multiprocessing`'s `spawn` instead.
"""

import atexit
import contextlib
import functools
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from subprocess import DEVNULL, PIPE, STDOUT

import pytest

from tests.conftest import ROOT


@functools.cache
def context():
    """Start the server, and return the context of `multiprocessing` that forks its processes."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.preloaded"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("KERAS_BACKEND", "tensorflow")
        forkserver.ensure_running()
    atexit.register(forkserver._forkserver._stop)  # and wait for its end
    return found


def share():
    """Let a program of this server have its workers forked by it, not spawned."""
    forkserver._forkserver.ensure_running = lambda: None  # it runs: this process comes from it
    found = multiprocessing.get_context("forkserver")
    multiprocessing.get_context = lambda method: found


class Popen:
    """A program, with the methods and attributes of `subprocess.Popen`.

    Args:
        command: `[sys.executable, "-m", MODULE, ...]` or `[sys.executable, "-c", CODE, ...]`.
        stdin, stdout, stderr: None, `PIPE`, `DEVNULL` or `STDOUT`, or a file.
        cwd: working directory.
        text: whether pipes hold text.
    """

    def __init__(self, command, stdin=None, stdout=None, stderr=None, cwd=None, text=False):
        python, kind, what, *words = map(str, command)
        assert python == sys.executable, python
        assert kind in ("-m", "-c"), kind
        self.args, self._readers = command, []
        theirs, mine = [], []
        for number, stream in enumerate((stdin, stdout, stderr)):
            their, my = _ends(number, stream, theirs, text)
            theirs.append(their)
            mine.append(my)
        self.stdin, self.stdout, self.stderr = mine
        request = kind, what, words, str(cwd or os.getcwd()), dict(os.environ), theirs
        self._process = context().Process(target=become, args=request)
        self._process.start()
        self.pid = self._process.pid
        for their in theirs:
            their.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in filter(None, (self.stdin, self.stdout, self.stderr)):
            stream.close()
        self.wait()

    @property
    def returncode(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        """Wait for the end, and return the exit status."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def poll(self):
        """Return the exit status, or None while the program runs."""
        return self.returncode

    def send_signal(self, number):
        """Send a signal to the program, if it still runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self):
        """End the program at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, input=None, timeout=None):
        """Return all that the program writes to its pipes, after its end.

        After a timeout, it can be called again.
        """
        if not self._readers:
            for stream in (self.stdout, self.stderr):
                self._readers.append(_Reader(stream))
            if self.stdin:
                with contextlib.suppress(BrokenPipeError), self.stdin:
                    if input:
                        self.stdin.write(input)
        self.wait(timeout)
        return tuple(reader.text() for reader in self._readers)


class _Reader(threading.Thread):
    """A thread that reads a stream to its end, if there is one."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self._stream, self._text = stream, None
        self.start()

    def run(self):
        if self._stream:
            self._text = self._stream.read()

    def text(self):
        self.join()
        return self._text


def run(command, input=None, timeout=None, check=False, capture_output=False, **options):
    """Run a program to its end, as `subprocess.run` does."""
    if capture_output:
        options |= {"stdout": PIPE, "stderr": PIPE}
    if input is not None:
        options["stdin"] = PIPE
    process = Popen(command, **options)
    try:
        out, err = process.communicate(input, timeout)
    except BaseException:
        process.kill()
        raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, out, err)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _ends(number, stream, theirs, text):
    """Return a program's end of a stream as a connection, which can be sent, and our end."""
    if stream == PIPE:
        reading, writing = os.pipe()
        their, my = (reading, writing) if number == 0 else (writing, reading)
        mode = ("w" if number == 0 else "r") + ("" if text else "b")
        return Connection(their), open(my, mode)
    if stream == DEVNULL:
        return Connection(os.open(os.devnull, os.O_RDWR)), None
    if stream == STDOUT:
        return theirs[1], None
    return Connection(os.dup(number if stream is None else stream.fileno())), None


def become(kind, what, words, directory, environment, streams):
    """Run a program in this process, which ends with it."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
    for stream in streams:
        stream.close()
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *words]
    try:
        if kind == "-c":
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module(what, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # `multiprocessing` leaves them out
