"""ASGI messages: short responses, bodies, and security headers."""

import json
import traceback
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def respond(
    send: Send, status: int, message: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send a short JSON response, in the form in which the page's scripts expect errors."""
    body = json.dumps({"error": message, "detail": message}).encode()
    usual = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*usual, *headers]})
    await send({"type": "http.response.body", "body": body})


def place(error: Exception) -> str:
    """Return an exception in one line, with the place in the source that has raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = ascii(str(error))[:200]
    return f"{type(error).__name__} {text} in {Path(frame.filename).name}, line {frame.lineno}"


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Return the body of a request, or None if it is longer than `limit` bytes."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body"):
            return body


def replay_body(body: bytes) -> Receive:
    """Return a `receive` that yields a body that has already been read."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receiving


def with_security_headers(send: Send, nonce: str, path: str) -> Send:
    """Return a `send` that adds security headers."""
    # Gradio's HTML and plots are templates, compiled in the browser: without 'unsafe-eval', the
    # page is empty. Visitors' input never becomes a template.
    policy = (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; connect-src 'self'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "media-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    added = {
        b"content-security-policy": policy.encode(),
        b"x-frame-options": b"DENY",
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
        b"cross-origin-opener-policy": b"same-origin",
        b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    }
    if not path.startswith(("/assets/", "/static/")):
        added[b"cache-control"] = b"no-store"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                # Gradio would admit other sites.
                if name not in added and not name.startswith(b"access-control-")
            ]
            message["headers"] = [*kept, *added.items()]
        await send(message)

    return sending


def with_nonce(send: Send, nonce: str, script: bytes) -> Send:
    """Return a `send` that adds a script, and the nonce to all scripts of the page."""
    start: Message = {}
    body = bytearray()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        text = bytes(body).replace(b"<head>", b"<head><script>%s</script>" % script, 1)
        text = text.replace(b"<script", b'<script nonce="%s"' % nonce.encode())
        start["headers"] = [
            (name, value) for name, value in start["headers"] if name != b"content-length"
        ] + [(b"content-length", b"%d" % len(text))]
        await send(start)
        await send({"type": "http.response.body", "body": text})

    return sending
