"""The wall around the page: a filter for requests that adds security headers to responses.

Gradio serves more than this page needs, and trusts headers that any client can write. The wall
passes only the routes below, only under known host names, and accepts changes only from the page
itself.
"""

import json
import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

from nst_tf.page.access import acting_as
from nst_tf.page.asgi import (  # fmt: skip
    App,
    Receive,
    Scope,
    Send,
    place,
    read_body,
    replay_body,
    respond,
    with_nonce,
    with_security_headers,
)
from nst_tf.page.cookies import cookie, with_cookie
from nst_tf.page.guests import PATH, Guests, Refusal
from nst_tf.page.rules import Rules, host_name, is_same_origin, trusted_scope
from nst_tf.page.visitor import Visitor
from nst_tf.page.visitors import Visitors
from nst_tf.utils.errors import UserError

LOG = logging.getLogger("nst_tf.page")

SAFE_METHODS = ("GET", "HEAD")
MAX_CALL_BYTES = 200_000  # of the call of an event

PUBLIC_PATHS = ("/login", "/api/login")
"""Paths that need no login."""

SAME_FOR_ALL = re.compile(r"/(assets|static)/|/(theme\.css|favicon\.ico)$")
"""Paths of files that are the same for all visitors."""

GUEST = re.compile(rf"{PATH}(/|$)")
"""Paths of guests."""

ROUTES = {
    "GET": re.compile(
        r"/(|mcp(/pictures/[0-9a-f]{16})?|login|admin|theme\.css|favicon\.ico"
        r"|(assets|static)/.{1,200}"
        r"|api/(config|gradio_api/(info|queue/data|file=.+))"
        r"|pictures/[0-9a-f]{16}(/photo)?"
        r"|gradio_api/(file=.+|upload_progress|heartbeat/[a-z0-9]{1,40}))"
    ),
    "POST": re.compile(
        r"/(mcp(/upload)?|login|logout|regions|admin/cancel|gradio_api/(upload|run/predict)"
        r"|api/(login|gradio_api/(upload|queue/join)))"
    ),
}
"""All routes that are served; Gradio's other routes are blocked."""


class Wall:
    """An ASGI application around another one.

    Args:
        app: the application behind the wall.
        rules: the accepted hosts, proxies and logins.
        visitors: the known visitors.
        is_call: returns whether decoded JSON is a call of what is behind a path: an event of the
            page or the function for programs.
        upload_bytes: maximum size of a body that is not a call.
        script: the page's own script.
        guests: the visitors without a browser; None: none are served.
    """

    def __init__(
        self,
        app: App,
        rules: Rules,
        visitors: Visitors,
        is_call: Callable[[str, Any], bool],
        upload_bytes: int,
        script: bytes = b"",
        guests: Guests | None = None,
    ) -> None:
        self._app = app
        self._rules = rules
        self._visitors = visitors
        self._is_call = is_call
        self._upload_bytes = upload_bytes
        self._script = script
        self._guests = guests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page uses no web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        scope = trusted_scope(scope, self._rules)
        headers = dict(scope["headers"])
        hosts = sum(name == b"host" for name, _ in scope["headers"])
        nonce = secrets.token_urlsafe(16)
        send = with_security_headers(send, nonce, scope["path"])
        refusal = self._refusal(scope, headers)
        if refusal or hosts != 1:
            await respond(send, *(refusal or (400, "the request names several hosts")))
            return
        path = scope["path"]
        if self._guests and GUEST.match(path):
            client = (scope.get("client") or ("", 0))[0]
            guest = await self._guests.admit(client, headers)
            if isinstance(guest, Refusal):
                await respond(send, guest.status, guest.message, guest.headers)
                return
            visitor: Visitor | None = guest
        else:
            visitor = self._visitors.known(cookie(headers, self._rules.cookie))
        if self._rules.login and path not in PUBLIC_PATHS and not (visitor and visitor.user):
            await self._to_login(scope, send)
            return
        if refusal := self._no_route(scope, headers):
            await respond(send, *refusal)
            return
        if visitor is None and path not in PUBLIC_PATHS and not SAME_FOR_ALL.match(path):
            try:
                visitor = self._visitors.session_for(None)
            except UserError as error:
                await respond(send, 503, str(error))
                return
            send = with_cookie(send, self._rules, scope, visitor)
        if path.endswith(("/run/predict", "/queue/join")):
            body = await read_body(receive, MAX_CALL_BYTES)
            if body is None or not self._is_call(path, _decoded(body)):
                await respond(send, 400, "this is not a call of the page")
                return
            receive = replay_body(body)
        if path == "/":
            # The nonce is inserted into the page's text, which must not be compressed.
            scope["headers"] = [one for one in scope["headers"] if one[0] != b"accept-encoding"]
            send = with_nonce(send, nonce, self._script)
        scope["nst_tf.visitor"] = visitor
        with acting_as(visitor):
            try:
                await self._app(scope, receive, send)
            except Exception as error:  # the application has answered with status 500
                LOG.error("%s %s failed: %s", scope["method"], ascii(path[:80]), place(error))

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """Return status and message if a request comes from another site, or None."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        server = (scope.get("server") or ("", 0))[0] or ""
        if not self._rules.accepts_host(host_name(host), server):
            return 421, "the page is not known by this name: see --allowed-host"
        method = scope["method"]
        if method not in SAFE_METHODS and not is_same_origin(headers, host):
            return 403, "only the page itself may make changes"
        return None

    def _no_route(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """Return status and message if a request has no route or a bad length, or None."""
        method = scope["method"]
        route = ROUTES.get("GET" if method == "HEAD" else method)
        hidden = self._guests is None and GUEST.match(scope["path"])
        if route is None or hidden or not route.fullmatch(scope["path"]):
            return 404, "not found"
        if method not in SAFE_METHODS:
            size = headers.get(b"content-length", b"")
            if not size.isdigit():
                return 411, "the length of the request is missing"
            if int(size) > self._upload_bytes:
                return 413, f"at most {self._upload_bytes / 1e6:g} megabytes are accepted"
        return None

    async def _to_login(self, scope: Scope, send: Send) -> None:
        if scope["method"] in SAFE_METHODS and scope["path"] in ("/", "/admin"):
            location = f"{self._rules.root}/login".encode()
            await respond(send, 303, "log in first", [(b"location", location)])
        else:
            await respond(send, 401, "log in first")


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
