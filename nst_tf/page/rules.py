"""Rules for the host, proxies and origin of requests."""

import ipaddress
import re
from dataclasses import dataclass

from nst_tf.page.asgi import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = re.compile(rb"(x-forwarded|x-original|x-rewrite|x-gradio)-.*|forwarded|x-real-ip")
"""Headers that are accepted only from a trusted proxy."""


@dataclass(frozen=True)
class Rules:
    """The names, proxies and login under which the page accepts requests.

    Attributes:
        host: the address that the page listens on.
        hosts: further names under which browsers reach the page, in lower case.
        proxies: networks whose forwarded headers are trusted.
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

    def accepts_host(self, name: str, server: str) -> bool:
        """Return whether the page accepts requests for a host name; other sites' names are refused.

        Args:
            name: the name in the request, without a port.
            server: the address of this machine on which the connection arrived.
        """
        if name in self.hosts or name in (self.host.lower(), "localhost"):
            return True
        address = _address(name)
        if address is None:
            return False
        # The owner of any name can point it here (DNS rebinding); an address names its machine.
        return address.is_loopback or address == _address(server)

    def trusts(self, address: str) -> bool:
        """Return whether a trusted proxy has this address."""
        known = _address(address)
        return known is not None and any(known in network for network in self.proxies)


def trusted_scope(scope: Scope, rules: Rules) -> Scope:
    """Return a request without forged headers and without the page's prefix.

    A trusted proxy's forwarded headers replace the request's host, scheme and client.
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


def is_same_origin(headers: dict[bytes, bytes], host: str) -> bool:
    """Return whether a request that changes something comes from the page itself.

    Browsers state the origin in two headers, which scripts cannot set; programs send neither.

    Args:
        headers: the headers of the request.
        host: the host in the request, with its port.
    """
    if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return True
    scheme, _, authority = origin.decode("latin-1").lower().partition("://")
    port = {"http": ":80", "https": ":443"}.get(scheme)  # which browsers omit
    return port is not None and authority.removesuffix(port) == host.removesuffix(port)


def host_name(host: str) -> str:
    """Return the host name in a host header, without port, brackets and final dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).rstrip(".")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
