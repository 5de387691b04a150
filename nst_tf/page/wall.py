"""The wall around the page: which requests reach it, for whom, and with which headers they leave.

Gradio serves more than this page needs, and trusts headers that every client can write. The wall
lets only the routes below through, only under known host names, and takes changes only from the
page itself.
"""

import ipaddress
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from nst_tf.page.access import acting
from nst_tf.page.asgi import (  # fmt: skip
    App,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    read,
    read_again,
    with_headers,
    with_nonce,
)
from nst_tf.page.visitors import Visitor, Visitors
from nst_tf.utils.errors import UserError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SAFE = ("GET", "HEAD")
MOST_CALL = 200_000  # bytes of the call of an event

OPEN = ("/login",)
"""Paths that need no login."""

SAME_FOR_ALL = re.compile(r"/(assets|static)/|/(theme\.css|favicon\.ico)$")
"""Paths of files that do not depend on the visitor."""

ROUTES = {
    "GET": re.compile(
        r"/(|login|admin|theme\.css|favicon\.ico"
        r"|(assets|static)/.*"
        r"|gradio_api/(file=.+|upload_progress|heartbeat/[a-z0-9]{1,40}))"
    ),
    "POST": re.compile(
        r"/(login|logout|admin/cancel|gradio_api/(upload|component_server|run/predict))"
    ),
}
"""All that is served; everything else of Gradio is not there."""

FORWARDED = re.compile(rb"(x-forwarded|x-original|x-rewrite|x-gradio)-.*|forwarded|x-real-ip")
"""Headers that only a proxy may send."""

LIVES = 7 * 86400  # seconds that a browser keeps its cookie


@dataclass(frozen=True)
class Rules:
    """Where the page is reached, and by whom.

    Attributes:
        host: address that the page is served at.
        hosts: further names under which browsers reach it, lower case.
        proxies: networks whose forwarded headers count.
        root: prefix of all paths, such as `/paint`, or empty.
        cookie: name of the cookie.
        login: whether visitors have to log in.
    """

    host: str = "127.0.0.1"
    hosts: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()
    root: str = ""
    cookie: str = "nst_tf"
    login: bool = False

    def knows_host(self, name: str, server: str) -> bool:
        """Return whether browsers reach the page under a name: other sites' names are refused.

        Args:
            name: from the request, without a port.
            server: address of this machine that the connection has come in at.
        """
        if name in self.hosts or name in (self.host.lower(), "localhost"):
            return True
        address = _address(name)
        if address is None:
            return False
        # A name can be made to lead here by its owner; an address leads where it says.
        return address.is_loopback or address == _address(server)

    def trusts(self, address: str) -> bool:
        """Return whether a proxy is at an address."""
        known = _address(address)
        return known is not None and any(known in network for network in self.proxies)


class Wall:
    """An ASGI application around another one.

    Args:
        app: what is behind the wall.
        rules: what is let through.
        visitors: who is known.
        is_call: returns whether decoded JSON calls an event of the page.
        upload_bytes: of a body that is not a call.
    """

    def __init__(
        self,
        app: App,
        rules: Rules,
        visitors: Visitors,
        is_call: Callable[[Any], bool],
        upload_bytes: int,
    ) -> None:
        self._app = app
        self._rules = rules
        self._visitors = visitors
        self._is_call = is_call
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page needs no web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        scope = believed(scope, self._rules)
        headers = dict(scope["headers"])
        hosts = sum(name == b"host" for name, _ in scope["headers"])
        nonce = secrets.token_urlsafe(16)
        send = with_headers(send, nonce, scope["path"])
        refusal = self._refusal(scope, headers)
        if refusal or hosts != 1:
            await answer(send, *(refusal or (400, "the request names several hosts")))
            return
        path = scope["path"]
        visitor = self._visitors.known(cookie(headers, self._rules.cookie))
        if self._rules.login and path not in OPEN and not (visitor and visitor.user):
            await self._to_login(scope, send)
            return
        if refusal := self._no_route(scope, headers):
            await answer(send, *refusal)
            return
        if visitor is None and path not in OPEN and not SAME_FOR_ALL.match(path):
            try:
                visitor = self._visitors.welcome(None)
            except UserError as error:
                await answer(send, 503, str(error))
                return
            send = setting_cookie(send, self._rules, scope, visitor)
        if path.endswith("/run/predict"):
            body = await read(receive, MOST_CALL)
            if body is None or not self._is_call(_decoded(body)):
                await answer(send, 400, "this is not a call of the page")
                return
            receive = read_again(body)
        if path == "/":
            # The nonce goes into the page's text, so it must not come compressed.
            scope["headers"] = [one for one in scope["headers"] if one[0] != b"accept-encoding"]
            send = with_nonce(send, nonce)
        scope["nst_tf.visitor"] = visitor
        with acting(visitor):
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """Return the status and the words of a request that comes from elsewhere, or None."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        server = (scope.get("server") or ("", 0))[0] or ""
        if not self._rules.knows_host(host_name(host), server):
            return 421, "the page is not known by this name: see --allowed-host"
        method = scope["method"]
        if method not in SAFE and not from_page(headers, host):
            return 403, "changes are taken from the page itself only"
        return None

    def _no_route(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """Return the status and the words of a request that leads nowhere, or None."""
        method = scope["method"]
        route = ROUTES.get("GET" if method == "HEAD" else method)
        if route is None or not route.fullmatch(scope["path"]):
            return 404, "not found"
        if method not in SAFE:
            size = headers.get(b"content-length", b"")
            if not size.isdigit():
                return 411, "the length of the request is missing"
            if int(size) > self._upload_bytes:
                return 413, f"at most {self._upload_bytes / 1e6:g} megabytes are taken"
        return None

    async def _to_login(self, scope: Scope, send: Send) -> None:
        if scope["method"] in SAFE and scope["path"] in ("/", "/admin"):
            place = f"{self._rules.root}/login".encode()
            await answer(send, 303, "log in first", [(b"location", place)])
        else:
            await answer(send, 401, "log in first")


def believed(scope: Scope, rules: Rules) -> Scope:
    """Return a request without forged headers and without the page's prefix.

    Forwarded headers of a trusted proxy become the request's own host, scheme and client.
    """
    client = (scope.get("client") or ("", 0))[0]
    headers = [(name.lower(), value) for name, value in scope["headers"]]
    sent = dict(headers)
    kept = [one for one in headers if not FORWARDED.fullmatch(one[0])]
    scope = {**scope, "headers": kept}
    if rules.trusts(client):
        if host := sent.get(b"x-forwarded-host"):
            first = host.split(b",")[0].strip()
            scope["headers"] = [one for one in kept if one[0] != b"host"] + [(b"host", first)]
        scheme = sent.get(b"x-forwarded-proto", b"").split(b",")[0].strip().lower()
        if scheme in (b"http", b"https"):
            scope["scheme"] = scheme.decode()
        for hop in reversed(sent.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            if (address := _address(hop.strip())) is None:
                break
            scope["client"] = (str(address), 0)
            if not rules.trusts(str(address)):
                break
    if rules.root and (scope["path"] + "/").startswith(f"{rules.root}/"):
        scope["path"] = scope["path"][len(rules.root) :] or "/"
    if len(scope["path"]) > 1 and "file=" not in scope["path"]:
        scope["path"] = scope["path"].rstrip("/")
    scope["raw_path"] = scope["path"].encode()
    return scope


def from_page(headers: dict[bytes, bytes], host: str) -> bool:
    """Return whether a request that changes something has come from the page.

    Browsers say so in two headers, which no page can write; programs send neither.

    Args:
        headers: of the request.
        host: as in the request, with its port.
    """
    if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return True
    scheme, _, place = origin.decode("latin-1").lower().partition("://")
    usual = {"http": ":80", "https": ":443"}.get(scheme)
    return usual is not None and place.removesuffix(usual) == host.removesuffix(usual)


def host_name(host: str) -> str:
    """Return the name in a host header, without port, brackets and final dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).rstrip(".")


def cookie(headers: dict[bytes, bytes], name: str) -> str | None:
    """Return the value of a cookie, or None."""
    try:
        found = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(name)
    except CookieError:
        return None
    return found.value if found else None


def set_cookie(rules: Rules, scope: Scope, value: str, lives: int = LIVES) -> tuple[bytes, bytes]:
    """Return the header that makes a browser keep a secret, which no script can read."""
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    text = (
        f"{rules.cookie}={value}; Path={rules.root or '/'}; Max-Age={lives}; HttpOnly; "
        f"SameSite=Lax{secure}"
    )
    return b"set-cookie", text.encode()


def setting_cookie(send: Send, rules: Rules, scope: Scope, visitor: Visitor) -> Send:
    """Return a `send` whose answer brings a new visitor its cookie."""
    header = set_cookie(rules, scope, visitor.token)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), header]
        await send(message)

    return sending


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
