"""`python -m nst_tf.app`: the live page."""

import ctypes
import importlib.util
import ipaddress
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from absl import flags

from nst_tf.cli.arguments import UsageError, normalised
from nst_tf.cli.streams import fail, run_program, say
from nst_tf.runtime import DEVICES

M_ARENA_MAX = -8  # of glibc's mallopt
SWEEP = 60.0  # seconds between two looks for files that nobody needs any more

HELP = """\
Open the live page: drop a photo and a painting, and watch the picture grow.

  nst-tf-app [FLAGS]

  --host 127.0.0.1        address to serve at; any but this machine's own needs
                          --user and --password
  --port 7860             port to serve at (the first free one from 7860)
  --user NAME             name that visitors give
  --password WORD         their password; NST_TF_PASSWORD keeps it off the
                          command line
  --device auto           auto, cpu, gpu, or gpu:1 for the second one; repeat
                          the flag to paint on several at once
  --max-megabytes 64      size of an upload, at most
  --max-megapixels 100    pixels of an upload, at most
  --open                  open the page in a browser

Pictures stay on this machine and are deleted an hour after their last use."""


def define_flags() -> flags.FlagValues:
    """Define the flags of the page."""
    values = flags.FlagValues()
    values.set_gnu_getopt(True)
    flags.DEFINE_string("host", "127.0.0.1", "address", flag_values=values)
    flags.DEFINE_integer("port", None, "port", 1, 65535, flag_values=values)
    flags.DEFINE_string("user", None, "name of visitors", flag_values=values)
    flags.DEFINE_string("password", None, "their password", flag_values=values)
    flags.DEFINE_multi_string("device", ["auto"], "devices", flag_values=values)
    flags.DEFINE_float("max_megabytes", 64, "of an upload", 0.001, flag_values=values)
    flags.DEFINE_float("max_megapixels", 100, "of an upload", 0.001, flag_values=values)
    flags.DEFINE_boolean("open", False, "open a browser", flag_values=values)
    flags.DEFINE_boolean("help", False, "print this", flag_values=values)
    return values


def parse(argv: Sequence[str]) -> flags.FlagValues:
    """Return the parsed flags.

    Raises:
        UsageError: a flag is unknown or not valid, or the page would be open to all.
    """
    values = define_flags()
    try:
        rest = values([argv[0], *normalised(argv[1:], values)])[1:]
    except flags.Error as error:
        raise UsageError(" ".join(str(error).split())) from None
    if rest:
        raise UsageError(f"{rest[0]!r} is no flag: the page asks for the pictures")
    for device in values.device:
        if not DEVICES.fullmatch(device):
            raise UsageError(f"--device {device!r} is not auto, cpu, gpu or gpu:NUMBER")
    password = values.password or os.environ.get("NST_TF_PASSWORD")
    values["password"].value = password
    if bool(values.user) != bool(password):
        raise UsageError("--user and --password belong together: give both or none")
    if not is_loopback(values.host) and not values.user:
        raise UsageError(f"--host {values.host} lets other machines in: add --user and --password")
    return values


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own, which no other one reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main(argv: Sequence[str]) -> int:
    """Serve the page until Ctrl-C and return the exit status: 1 for bad input, 2 for misuse."""
    try:
        values = parse(argv)
    except UsageError as error:
        return fail(f"{error} (--help tells how to start)", 2)
    if values.help:
        return say(HELP)
    if importlib.util.find_spec("gradio") is None:
        return fail("the page needs gradio: run pip install 'nst_tf[app]'", 1)
    if not is_loopback(values.host):
        fail(
            f"warning: whoever reaches {values.host} and has the password can use this machine to "
            "paint; passwords and pictures travel unencrypted",
            0,
        )
    try:
        serve(values)
    except OSError as error:
        return fail(f"{error}: choose another --port or --host", 1)
    return 0


def serve(values: flags.FlagValues) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    _share_memory()
    root = Path(tempfile.mkdtemp(prefix="nst_tf-page-"))
    served = root / "served"  # the only folder whose files can be asked for
    served.mkdir()
    os.environ |= {
        "GRADIO_TEMP_DIR": str(served),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
    }
    try:
        page = Page(root, served, values)
        try:
            page.launch()
            say(f"nst_tf: the page is at {page.url}; Ctrl-C ends it")
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
        finally:
            page.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


class Page:
    """The page and all that belongs to it.

    Args:
        root: folder for files, which is the caller's to delete.
        served: the folder in it whose files can be asked for.
        values: the flags.

    Attributes:
        url: of the page, once it is launched.
    """

    def __init__(self, root: Path, served: Path, values: flags.FlagValues) -> None:
        from nst_tf.page.events import build
        from nst_tf.page.house import House
        from nst_tf.page.parts import SAMPLES
        from nst_tf.page.runs import Line, ProcessPainter
        from nst_tf.page.visitors import Visitors

        shutil.copytree(SAMPLES, root / "samples")
        (root / "work").mkdir()
        self.url = ""
        self._served = served
        self._values = values
        self.visitors = Visitors(root / "runs")
        self.line = Line([*map(ProcessPainter, values.device)])
        self._house = House(
            self.visitors,
            self.line,
            int(values.max_megabytes * 1e6),
            int(values.max_megapixels * 1e6),
            root / "samples",
            root / "work",
        )
        self._page = build(self._house)
        self._closed = threading.Event()
        threading.Thread(target=self._sweep, daemon=True).start()

    def launch(self) -> None:
        """Begin to serve."""
        from nst_tf.page.theme import CSS, theme

        values = self._values
        options: dict[str, Any] = {}
        if values.user:
            options["auth"] = (values.user, values.password)
        _, self.url, _ = self._page.queue(api_open=False).launch(
            server_name=values.host,
            server_port=values.port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            enable_monitoring=False,
            ssr_mode=False,
            max_file_size=self._house.most_bytes,
            footer_links=[],
            theme=theme(),
            css_paths=[CSS],
            inbrowser=values.open,
            **options,
        )

    def close(self) -> None:
        """End the runs and the page."""
        self._closed.set()
        self._page.close(verbose=False)
        self.line.close()

    def _sweep(self) -> None:
        from nst_tf.page.visitors import sweep_files

        while not self._closed.wait(SWEEP):
            self.visitors.sweep()
            sweep_files(self._served)


def _share_memory() -> None:
    """Let all threads allocate from one place: glibc's place for each would never shrink."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def console() -> None:
    """Entry point of `nst-tf-app`."""
    run_program(main)


if __name__ == "__main__":
    console()
