"""The page as a running server: its folders, its applications, its socket and its threads."""

import ctypes
import dataclasses
import errno
import os
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path

import fastapi
import gradio as gr
import uvicorn

from nst_tf.page.events import build
from nst_tf.page.house import House
from nst_tf.page.login import Accounts
from nst_tf.page.parts import SAMPLES
from nst_tf.page.routes import Routes
from nst_tf.page.runs import Line, ProcessPainter
from nst_tf.page.setup import Setup
from nst_tf.page.theme import CSS, theme
from nst_tf.page.visitors import Visitors, sweep_files
from nst_tf.page.wall import Rules, Wall

SWEEP = 20.0  # seconds between two looks for files that are not used any more
FIRST_PORT, PORTS = 7860, 100
SESSIONS = 200  # open pages whose state Gradio keeps, of 0.2 MB each
CONNECTIONS = 500


class Server:
    """The page and all that belongs to it.

    Args:
        root: folder for files, without links in its path; the caller deletes it.
        setup: what the administrator has chosen.

    Attributes:
        url: of the page, on this machine.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """

    def __init__(self, root: Path, setup: Setup) -> None:
        self._socket = bind(setup.rules.host, setup.port)
        host, port = self._socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{port}{setup.rules.root}/"
        # Browsers send cookies to all ports of a machine: another page's must not replace ours.
        rules = dataclasses.replace(setup.rules, cookie=f"nst_tf_{port}")
        served = root / "served"
        for folder in (served, root / "work"):
            folder.mkdir()
        shutil.copytree(SAMPLES, root / "samples")
        os.environ |= {
            "GRADIO_TEMP_DIR": str(served),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        self._served = served
        limits = setup.limits
        self.visitors = Visitors(root / "runs", limits=limits)
        self.line = Line([ProcessPainter(device, limits.run_seconds) for device in setup.devices])
        self.house = House(self.visitors, self.line, limits, root / "samples", root / "work")
        self.app = application(self.house, rules, setup.accounts)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                log_level="error",
                access_log=False,
                proxy_headers=False,  # the wall reads them, from proxies that are trusted
                server_header=False,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=75,  # longer than proxies keep a connection
                timeout_graceful_shutdown=1,
            )
        )
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.run, args=([self._socket],), daemon=True),
            threading.Thread(target=self._sweep, daemon=True),
        ]

    def start(self) -> None:
        """Begin to serve, and return when the page answers."""
        for thread in self._threads:
            thread.start()
        while not self._server.started and self._threads[0].is_alive():
            self._closed.wait(0.02)

    def close(self) -> None:
        """End the runs and the page."""
        self._closed.set()
        self._server.should_exit = True
        self.line.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5)
        self._socket.close()

    def _sweep(self) -> None:
        while not self._closed.wait(SWEEP):
            self.visitors.tidy()
            self.visitors.sweep()
            sweep_files(self._served, spared=self.visitors.public)
            with suppress(OSError, AttributeError):  # another C library than glibc
                ctypes.CDLL(None).malloc_trim(0)  # what pictures took goes back to the system


def application(house: House, rules: Rules, accounts: Accounts) -> Wall:
    """Return the page as an ASGI application: the wall, our own routes, and Gradio."""
    page = build(house)
    page.state_session_capacity = SESSIONS
    routes = Routes(house.visitors, house.line, house.limits, rules, accounts)
    app = fastapi.FastAPI(
        routes=[*routes.routes()], openapi_url=None, docs_url=None, redoc_url=None
    )
    gr.mount_gradio_app(
        app,
        page,
        "/",
        root_path=rules.root or None,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        mcp_server=False,
        pwa=False,
        footer_links=[],
        max_file_size=house.limits.upload_bytes,
        theme=theme(),
        css_paths=[CSS],
    )
    return Wall(app, rules, house.visitors, page.is_call, house.limits.session_bytes)


def bind(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at a port, or at the first free one from 7860.

    Raises:
        OSError: the port is taken, or the address is not this machine's; the text says which.
    """
    ports = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]
    try:
        family, *_, place = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise OSError(f"--host {host} is not an address of this machine") from None
    for number in ports:
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((place[0], number))
            listening.listen(128)
            return listening
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE:
                continue
            if error.errno == errno.EACCES:
                raise OSError(f"--port {number} needs more rights: choose one from 1024") from None
            raise OSError(f"--host {host} is not an address of this machine") from None
    if port is None:
        raise OSError(f"all ports from {FIRST_PORT} to {ports[-1]} are taken: choose a --port")
    raise OSError(f"port {port} is taken: choose another --port")
