"""The cookie that identifies a visitor."""

from http.cookies import CookieError, SimpleCookie

from nst_tf.page.asgi import Message, Scope, Send
from nst_tf.page.rules import Rules
from nst_tf.page.visitor import Visitor

MAX_AGE = 7 * 86400  # seconds


def cookie(headers: dict[bytes, bytes], name: str) -> str | None:
    """Return the value of a cookie, or None."""
    try:
        found = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(name)
    except CookieError:
        return None
    return found.value if found else None


def set_cookie(
    rules: Rules, scope: Scope, value: str, max_age: int = MAX_AGE
) -> tuple[bytes, bytes]:
    """Return the header that sets the cookie, which scripts cannot read."""
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    text = (
        f"{rules.cookie}={value}; Path={rules.root or '/'}; Max-Age={max_age}; HttpOnly; "
        f"SameSite=Lax{secure}"
    )
    return b"set-cookie", text.encode()


def with_cookie(send: Send, rules: Rules, scope: Scope, visitor: Visitor) -> Send:
    """Return a `send` that adds a new visitor's cookie to the response."""
    header = set_cookie(rules, scope, visitor.token)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), header]
        await send(message)

    return sending
