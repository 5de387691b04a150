"""Programs in processes of their own that need not import TensorFlow each.

A template process imports TensorFlow, computes nothing, and forks a process for each program. That
process has the program's words, streams, directory and environment, and ends as Python ends. Tests
of the start of Python or of TensorFlow need `subprocess` instead.
"""

import atexit
import contextlib
import functools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from subprocess import DEVNULL, PIPE, STDOUT

from tests.conftest import ROOT

PRELOADED = (
    "nst_tf.batch.session", "nst_tf.batch.source", "nst_tf.cli.repeat", "nst_tf.cli.session",
    "nst_tf.transfer.checkpoint", "nst_tf.transfer.stylize", "nst_tf.video.session",
)  # fmt: skip
NUMBER = 16  # bytes of a process's number or status on its pipe


class Popen:
    """A program, with the methods and attributes of `subprocess.Popen`.

    Args:
        command: `[sys.executable, "-m", MODULE, ...]` or `[sys.executable, "-c", CODE, ...]`.
        stdin, stdout, stderr: None, `PIPE`, `DEVNULL` or `STDOUT`, or a file.
        cwd: working directory.
        env: environment.
        text: whether pipes hold text.
    """

    def __init__(
        self, command, stdin=None, stdout=None, stderr=None, cwd=None, env=None, text=False
    ):
        python, kind, what, *words = map(str, command)
        assert python == sys.executable, python
        assert kind in ("-m", "-c"), kind
        self.args, self.returncode = command, None
        request = {
            "kind": kind, "what": what, "words": words, "cwd": str(cwd or os.getcwd()),
            "env": dict(os.environ if env is None else env),
        }  # fmt: skip
        with contextlib.ExitStack() as closing:
            theirs, mine = [], []
            for number, stream in enumerate((stdin, stdout, stderr)):
                their, my = _ends(number, stream, theirs, text, closing)
                theirs.append(their)
                mine.append(my)
            self.stdin, self.stdout, self.stderr = mine
            self._status, their_status = os.pipe()
            closing.callback(os.close, their_status)
            message = json.dumps(request).encode()
            template().sendall(len(message).to_bytes(NUMBER, "big") + message)
            socket.send_fds(template(), [b"."], [*theirs, their_status])
        self.pid = int(os.read(self._status, NUMBER))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in filter(None, (self.stdin, self.stdout, self.stderr)):
            stream.close()
        self.wait()

    def wait(self, timeout=None):
        """Wait for the end, and return the exit status."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = int(os.read(self._status, NUMBER))
            os.close(self._status)
        return self.returncode

    def poll(self):
        """Return the exit status, or None while the program runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)

    def send_signal(self, number):
        """Send a signal to the program, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        """Ask the program to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self):
        """End the program at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, input=None, timeout=None):
        """Return all that the program writes to its pipes, after its end."""
        found = {}

        def read(name, stream):
            found[name] = stream.read()

        pipes = {name: getattr(self, name) for name in ("stdout", "stderr")}
        threads = [
            threading.Thread(target=read, args=item, daemon=True)
            for item in pipes.items()
            if item[1]
        ]
        for thread in threads:
            thread.start()
        if self.stdin:
            with contextlib.suppress(BrokenPipeError), self.stdin:
                self.stdin.write(input or "")
        self.wait(timeout)
        for thread in threads:
            thread.join(timeout)
        return found.get("stdout"), found.get("stderr")


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


def _ends(number, stream, theirs, text, closing):
    """Return a program's end of a stream, and ours."""
    if stream == PIPE:
        reading, writing = os.pipe()
        their, my = (reading, writing) if number == 0 else (writing, reading)
        closing.callback(os.close, their)
        mode = ("w" if number == 0 else "r") + ("" if text else "b")
        return their, open(my, mode)
    if stream == DEVNULL:
        their = os.open(os.devnull, os.O_RDWR)
        closing.callback(os.close, their)
        return their, None
    if stream == STDOUT:
        return theirs[1], None
    return (number if stream is None else stream.fileno()), None


@functools.cache
def template():
    """Start the template process, and return the socket on which it takes programs."""
    ours, its = socket.socketpair()
    code = f"import tests.forked as forked; forked.serve({its.fileno()})"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", code], pass_fds=[its.fileno()], cwd=ROOT, env=environment
    )
    its.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # first: the template ends when nobody can ask any more
    return ours


def serve(descriptor):
    """Import what programs need, then fork a process for each program, until nobody asks."""
    import importlib

    from nst_tf.compute.device import import_tensorflow

    import_tensorflow()
    for name in PRELOADED:
        importlib.import_module(name)
    with socket.socket(fileno=descriptor) as requests:
        while length := requests.recv(NUMBER, socket.MSG_WAITALL):
            message = requests.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
            _, descriptors, *_ = socket.recv_fds(requests, 1, 4)
            if not os.fork():
                requests.detach()
                return supervise(json.loads(message), *descriptors)
            for one in descriptors:
                os.close(one)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    return None


def supervise(request, stdin, stdout, stderr, status):
    """Fork a program, and write its number and in the end its status to a pipe."""
    program = os.fork()
    if not program:
        os.close(status)
        return become(request, (stdin, stdout, stderr))
    for one in (stdin, stdout, stderr):
        os.close(one)
    os.write(status, str(program).encode().ljust(NUMBER))
    _, code = os.waitpid(program, 0)
    os.write(status, str(os.waitstatus_to_exitcode(code)).encode().ljust(NUMBER))
    os._exit(0)


def become(request, streams):
    """Run a program in this process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in {*streams} - {0, 1, 2}:
        os.close(stream)
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["-c", *request["words"]]
    main = sys.modules["__main__"]
    if request["kind"] == "-c":
        exec(compile(request["what"], "<string>", "exec"), main.__dict__)
    else:
        runpy.run_module(request["what"], run_name="__main__", alter_sys=True)
    return None
