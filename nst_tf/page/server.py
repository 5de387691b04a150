"""The running server: folders, applications, socket and threads."""

import ctypes
import dataclasses
import errno
import os
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import fastapi
import gradio as gr
import uvicorn
from starlette.routing import Route

from nst_tf.page.estimates import Estimates
from nst_tf.page.events import build
from nst_tf.page.guests import PATH as GUESTS_PATH
from nst_tf.page.guests import Guests
from nst_tf.page.login import Accounts, Throttle
from nst_tf.page.options import ServerOptions
from nst_tf.page.painter import ProcessPainter
from nst_tf.page.programs import PATH, build_programs
from nst_tf.page.queue import RunQueue
from nst_tf.page.routes import Routes
from nst_tf.page.rules import Rules
from nst_tf.page.sample_names import SAMPLES
from nst_tf.page.state import AppState
from nst_tf.page.sweep import sweep_files
from nst_tf.page.theme import CSS, script, theme
from nst_tf.page.visitors import Visitors
from nst_tf.page.wall import Wall

SWEEP_INTERVAL = 20.0  # seconds between deletions of unused files
FIRST_PORT, PORTS = 7860, 100
SESSIONS = 200  # maximum open pages whose state Gradio keeps, 0.2 MB each
CONNECTIONS = 500  # maximum open connections


class Server:
    """The server of the page.

    Args:
        root: the folder for files, without symbolic links in its path; the caller deletes it.
        options: the options of the administrator.

    Attributes:
        url: the page's URL on this machine.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """

    def __init__(self, root: Path, options: ServerOptions) -> None:
        self._socket = bind(options.rules.host, options.port)
        host, port = self._socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{port}{options.rules.root}/"
        # A cookie belongs to all ports of a machine: another page's must not replace ours.
        rules = dataclasses.replace(options.rules, cookie=f"nst_tf_{port}")
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
        limits = options.limits
        self.visitors = Visitors(root / "runs", limits=limits)
        estimates = Estimates()
        self.queue = RunQueue(
            [ProcessPainter(device, limits.run_seconds) for device in options.devices],
            estimates.learn,
        )
        self.state = AppState(
            self.visitors, self.queue, limits, root / "samples", root / "work", estimates
        )
        self.app = application(self.state, rules, options.accounts, options.mcp)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                log_level="error",
                access_log=False,
                proxy_headers=False,  # the wall reads those of trusted proxies
                server_header=False,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=75,  # longer than a proxy keeps a connection
                timeout_graceful_shutdown=1,
            )
        )
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.run, args=([self._socket],), daemon=True),
            threading.Thread(target=self._sweep, daemon=True),
        ]

    def start(self) -> None:
        """Start serving, and return when the page responds."""
        for thread in self._threads:
            thread.start()
        while not self._server.started and self._threads[0].is_alive():
            self._closed.wait(0.02)

    def close(self) -> None:
        """End the runs and the page."""
        self._closed.set()
        self._server.should_exit = True
        self.queue.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5)
        self._socket.close()

    def _sweep(self) -> None:
        while not self._closed.wait(SWEEP_INTERVAL):
            self.visitors.delete_stale_files()
            self.visitors.sweep()
            sweep_files(self._served, keep=self.visitors.public | self.visitors.shown_files())
            with suppress(OSError, AttributeError):  # another C library than glibc
                ctypes.CDLL(None).malloc_trim(0)  # return the memory of pictures to the system


def application(state: AppState, rules: Rules, accounts: Accounts, mcp: bool = False) -> Wall:
    """Return the page as an ASGI application: the wall, our routes, and Gradio.

    Args:
        state: the state that all visitors share.
        rules: the rules of the wall.
        accounts: names and passwords.
        mcp: whether to serve the tool for assistants, which needs the package mcp.
    """
    page = build(state)
    page.state_session_capacity = SESSIONS
    programs = build_programs(state)
    throttle = Throttle()
    routes = Routes(state.visitors, state.queue, state.limits, rules, accounts, throttle)
    served = routes.routes()
    lifespan = guests = None
    if mcp:
        from nst_tf.page.assistants import Assistants

        assistants = Assistants(state, rules.root)
        served.append(Route(GUESTS_PATH, assistants))
        lifespan = assistants.lifespan
        guests = Guests(state.visitors, accounts, throttle)
    app = fastapi.FastAPI(
        routes=[*served], lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
    )
    # The page takes all paths that are left, so it comes last.
    for blocks, path in ((programs, PATH), (page, "")):
        gr.mount_gradio_app(
            app,
            blocks,
            path or "/",
            root_path=f"{rules.root}{path}" if rules.root else None,
            show_error=False,
            ssr_mode=False,
            enable_monitoring=False,
            run_history=False,
            mcp_server=False,
            pwa=False,
            footer_links=[],
            max_file_size=state.limits.upload_bytes,
            theme=theme(),
            css_paths=[*CSS],
        )

    def is_call(path: str, body: Any) -> bool:
        return (programs if path.startswith(f"{PATH}/") else page).is_call(body)

    return Wall(app, rules, state.visitors, is_call, state.limits.session_bytes, script(), guests)


def bind(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens on a port; None: on the first free one from 7860.

    Raises:
        OSError: the port is taken, or the address is not this machine's; the message says which.
    """
    ports = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]
    try:
        family, *_, place = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise OSError(f"--host {host} is not an address of this machine") from None
    for number in ports:
        # asyncio sends small packets at once only if a socket names its protocol.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
