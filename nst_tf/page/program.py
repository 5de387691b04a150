"""The program `nst-tf-app`."""

import ctypes
import importlib.util
import logging
import shutil
import signal
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from absl import flags

from nst_tf.cli.arguments import UsageError
from nst_tf.cli.streams import print_error, print_out, run_program
from nst_tf.page.flags import HELP, is_hosted, is_loopback, parse, server_options

M_ARENA_MAX = -8  # parameter of glibc's mallopt


def main(argv: Sequence[str]) -> int:
    """Serve the page until Ctrl-C; return the exit status: 1 for bad input, 2 for wrong flags."""
    try:
        values = parse(argv)
    except UsageError as error:
        return print_error(f"{error} (--help shows the flags)", 2)
    if values.help:
        return print_out(HELP)
    if importlib.util.find_spec("gradio") is None:
        return print_error("the page needs gradio: run pip install 'nst_tf[app]'", 1)
    if values.mcp and importlib.util.find_spec("mcp") is None:
        return print_error("--mcp needs the package mcp: run pip install 'nst_tf[mcp]'", 1)
    if is_hosted(values) and not values.user:
        print_error("warning: anyone who reaches the proxy can paint: add --user and --password", 0)
    if not is_loopback(values.host):
        print_error(
            f"warning: anyone who reaches {values.host} and has the password can paint on this "
            "machine; passwords and pictures are sent unencrypted",
            0,
        )
    try:
        serve(values)
    except OSError as error:
        return print_error(str(error), 1)
    return 0


def serve(values: flags.FlagValues) -> None:
    """Serve the page until Ctrl-C or SIGTERM, and delete its files.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    _share_memory()
    logging.basicConfig(format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("nst_tf.page").setLevel(logging.INFO)
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()  # some packages catch any exception while they are imported
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    previous = {number: signal.signal(number, end) for number in numbers}  # before files exist
    root = None
    try:
        root = Path(tempfile.mkdtemp(prefix="nst_tf-page-")).resolve()
        _run(root, values, ended)
    except KeyboardInterrupt:
        pass
    finally:
        if root:
            shutil.rmtree(root, ignore_errors=True)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _run(root: Path, values: flags.FlagValues, ended: threading.Event) -> None:
    from nst_tf.page.server import Server

    with suppress(KeyboardInterrupt):
        server = Server(root, server_options(values))
        try:
            if ended.is_set():
                return
            server.start()
            print_out(f"nst_tf: the page is at {server.url}; Ctrl-C ends it")
            if values.mcp:
                print_out(f"nst_tf: the tool for assistants is at {server.url}mcp")
            if values.open:
                webbrowser.open(server.url)
            ended.wait()
        finally:
            server.close()


def _share_memory() -> None:
    """Let all threads share one glibc arena: one arena for each thread would never shrink."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def console() -> None:
    """Run the program as a process."""
    run_program(main)
