"""Visitors without a browser, whom the server recognises by their address and their login."""

import base64
import binascii
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from nst_tf.page.login import Accounts, LoginError, Throttle, log_in
from nst_tf.page.visitor import Visitor
from nst_tf.page.visitors import Visitors
from nst_tf.utils.errors import UserError

PATH = "/mcp"
"""The path of the tool for assistants; all requests below it are those of guests."""

MAX_GUESTS = 1000  # recognised guests


@dataclass(frozen=True)
class Refusal:
    """The response to a request that is refused.

    Attributes:
        status: the HTTP status.
        message: the reason, in words.
        headers: further headers.
    """

    status: int
    message: str
    headers: Sequence[tuple[bytes, bytes]] = ()


ASK = (b"www-authenticate", b'Basic realm="nst_tf"')


class Guests:
    """The known guests.

    A guest with a login sends it with every request, by the scheme Basic.

    Args:
        visitors: the known visitors.
        accounts: names and passwords; without any, guests need no login.
        throttle: slows guessing down.
    """

    def __init__(self, visitors: Visitors, accounts: Accounts, throttle: Throttle) -> None:
        self._visitors = visitors
        self._accounts = accounts
        self._throttle = throttle
        self._tokens: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    async def admit(self, address: str, headers: dict[bytes, bytes]) -> Visitor | Refusal:
        """Return the visitor of a request, or its refusal.

        Args:
            address: the address of the client.
            headers: the headers of the request.
        """
        sent = headers.get(b"authorization", b"")
        key = (address, hashlib.sha256(sent).digest())
        if visitor := self._visitors.known(self._tokens.get(key)):
            return visitor  # its login has been checked
        name = ""
        if self._accounts.passwords:
            login = _basic(sent)
            if login is None:
                return Refusal(401, "log in with a name and a password: scheme Basic", [ASK])
            name = login[0]
            try:
                await log_in(self._accounts, self._throttle, address, *login)
            except LoginError as error:
                if error.wait:
                    return Refusal(429, str(error), [(b"retry-after", b"%.0f" % error.wait)])
                return Refusal(401, str(error), [ASK])
        try:
            visitor = self._visitors.session_for(None, name)
        except UserError as error:
            return Refusal(503, str(error))
        self._tokens[key] = visitor.token
        while len(self._tokens) > MAX_GUESTS:
            self._tokens.popitem(last=False)
        return visitor


def _basic(header: bytes) -> tuple[str, str] | None:
    """Return name and password of a header of the scheme Basic, or None."""
    scheme, _, text = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None
