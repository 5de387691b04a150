"""A server of the Model Context Protocol (MCP) with one tool for assistants, `paint`."""

import asyncio
import base64
import binascii
import io
import logging
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from nst_tf.cli.help import PURPOSES
from nst_tf.page.asgi import Receive, Scope, Send, respond
from nst_tf.page.form import FIRST_RECIPE
from nst_tf.page.guests import PATH
from nst_tf.page.order import OrderForm
from nst_tf.page.pictures import finished
from nst_tf.page.render import status
from nst_tf.page.runs import Run
from nst_tf.page.sample_names import PAINTINGS, PHOTOS
from nst_tf.page.state import AppState
from nst_tf.page.uploads import store_upload
from nst_tf.page.visitor import Visitor
from nst_tf.recipes import recipe as recipe_named
from nst_tf.utils.errors import UserError
from nst_tf.utils.version import __version__

LOG = logging.getLogger("nst_tf.page")

EMBEDDED_BYTES = 4_000_000  # maximum size of a picture in a call, which is parsed in memory
BODY_BYTES = 2 * EMBEDDED_BYTES * 4 // 3 + 100_000  # of a call with two pictures in base64
ANSWER_BYTES = 1_000_000  # maximum size of a picture that a call returns as it is
ANSWER_SIDE = 1024  # maximum pixels of the preview of a larger one
OPEN_CALLS = 16  # calls at the same time, of all guests
INTERVAL = 0.5  # seconds between looks at a run

FORMS = "the path that an upload has returned, the name of a sample, or a file in base64"


class Assistants:
    """The tool as an ASGI application.

    Args:
        state: the state that all visitors share.
        root: prefix of all paths.
    """

    def __init__(self, state: AppState, root: str) -> None:
        self._state = state
        self._root = root
        self._open = 0
        server = Server(
            "nst_tf", version=__version__, on_list_tools=self._list, on_call_tool=self._call
        )
        self._manager = StreamableHTTPSessionManager(
            server, stateless=True, max_request_body_size=BODY_BYTES
        )

    def lifespan(self, app: Any) -> AbstractAsyncContextManager[None]:
        """Return the context in which the tool can be called."""

        @asynccontextmanager
        async def running() -> AsyncIterator[None]:
            async with self._manager.run():
                yield

        return running()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a guest."""
        if scope["method"] != "POST":  # there are no sessions, so nothing is sent without a call
            await respond(send, 405, "only POST is possible here", [(b"allow", b"POST")])
            return
        if self._open >= OPEN_CALLS:
            await respond(send, 503, "too many assistants are painting: try again later")
            return
        self._open += 1
        try:
            await self._manager.handle_request(scope, receive, send)
        finally:
            self._open -= 1

    async def _list(self, context: ServerRequestContext, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool(self._state, self._address(context, "/upload"))])

    async def _call(
        self, context: ServerRequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Paint a picture, and return it; a mistake of the assistant is a sentence."""
        visitor = context.request.scope["nst_tf.visitor"] if context.request else None
        try:
            if params.name != "paint" or visitor is None:
                raise UserError("the only tool here is paint")
            run = await asyncio.to_thread(self._submit, visitor, params.arguments or {})
            await self._painted(context, run)
            if run.status != "finished" or run.picture is None:
                raise UserError(run.message)
            content = await asyncio.to_thread(_answer, run)
        except UserError as error:
            return _sentence(str(error))
        except OSError as error:  # its message would name paths
            LOG.warning("a call of an assistant failed: %s", error)
            return _sentence("the server has no room for the files")
        address = self._address(context, f"/pictures/{run.name}")
        text = f"{run.order.output}, {run.message}. The file, with its settings: {address}"
        return types.CallToolResult(content=[content, types.TextContent(text=text)])

    def _submit(self, visitor: Visitor, given: Mapping[str, Any]) -> Run:
        """Add the run of a call to the queue of the page; UserError if it is not valid."""
        schema = tool(self._state, "").input_schema["properties"]
        if unknown := [name for name in given if name not in schema]:
            raise UserError(f"paint has no argument {unknown[0][:40]!r}, only {', '.join(schema)}")
        values = {name: known.get("default") for name, known in schema.items()} | dict(given)
        recipe = values["recipe"]
        if not isinstance(recipe, str) or recipe not in PURPOSES:
            raise UserError(f"recipe must be one of {', '.join(PURPOSES)}")
        settings = {
            "strength": _number("strength", values["strength"]),
            "max_dim": _number("size", values["size"]),
        }
        photo, painting = (
            self._picture(visitor, name, values[name]) for name in ("photo", "painting")
        )
        (run,) = self._state.submit(visitor, OrderForm(photo, [painting], recipe, settings))
        return run

    def _picture(self, visitor: Visitor, name: str, given: Any) -> Path:
        """Return the path of a picture that a call names or contains; UserError if it has none."""
        if not isinstance(given, str) or not given:
            raise UserError(f"{name} is missing: give {FORMS}")
        if given in (*PHOTOS, *PAINTINGS):
            return Path(visitor.grant(self._state.samples / f"{given}.jpg"))
        if given in visitor.files:
            return visitor.own_file(given)
        text = given.partition(",")[2] if given.startswith("data:image/") else given
        if len(text) > EMBEDDED_BYTES * 4 // 3 + 4:
            most = EMBEDDED_BYTES / 1e6
            raise UserError(f"{name} has more than {most:g} megabytes: upload the file first")
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise UserError(
                f"{name} must be {FORMS}; addresses are not fetched, and no other paths are read"
            ) from None
        limits = self._state.limits
        return Path(store_upload(visitor, limits, name, io.BytesIO(content), len(content)))

    async def _painted(self, context: ServerRequestContext, run: Run) -> None:
        """Report the progress of a run until it has ended, and end it if its assistant leaves."""
        reported = 0
        try:
            while run.active:
                preview = run.preview
                if preview and preview.step > reported:
                    reported = preview.step
                    line = status(run, self._state.queue.position(run))
                    await context.session.report_progress(preview.step, preview.steps, line)
                await asyncio.sleep(INTERVAL)
        finally:
            if run.active:
                self._state.queue.cancel(run)

    def _address(self, context: ServerRequestContext, path: str) -> str:
        """Return the URL of a path below the tool's, as the assistant's host reaches it."""
        request = context.request
        assert request is not None
        host = request.headers.get("host", "")
        return f"{request.scope.get('scheme', 'http')}://{host}{self._root}{PATH}{path}"


def tool(state: AppState, upload: str) -> types.Tool:
    """Return the description of the tool.

    Args:
        state: the state that all visitors share.
        upload: the URL to which files are uploaded.
    """
    usual = recipe_named(FIRST_RECIPE)
    forms = (
        "the path that an upload has returned, the name of a sample ({}), or the file in base64, "
        f"at most {EMBEDDED_BYTES / 1e6:g} MB"
    )
    purposes = "; ".join(f"{name}: {purpose}" for name, purpose in PURPOSES.items())
    properties: dict[str, Any] = {
        "photo": {"type": "string", "description": f"{forms.format(', '.join(PHOTOS))}"},
        "painting": {"type": "string", "description": f"{forms.format(', '.join(PAINTINGS))}"},
        "recipe": {
            "type": "string", "enum": [*PURPOSES], "default": FIRST_RECIPE,
            "description": f"the settings to start from. {purposes}",
        },
        "strength": {
            "type": "number", "minimum": 0, "maximum": 10, "default": usual.strength,
            "description": "strength of the style: 0 returns the photo, 2 is extreme",
        },
        "size": {
            "type": "integer", "minimum": 1, "maximum": state.limits.side,
            "default": min(usual.max_dim, state.limits.side),
            "description": "maximum long side of the picture, pixels",
        },
    }  # fmt: skip
    return types.Tool(
        name="paint",
        title="Paint a photo in the manner of a painting",
        description=(
            "Paint a photo in the manner of a painting, and return the picture. It takes about a "
            f"minute. Upload files first: curl -F files=@photo.jpg {upload}"
        ),
        input_schema={
            "type": "object", "properties": properties, "required": ["photo", "painting"],
            "additionalProperties": False,
        },
    )  # fmt: skip


def _number(name: str, value: Any) -> str:
    """Return a number as the text of a flag; UserError if it is not a finite number."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise UserError(f"{name} must be a number, not {str(value)[:40]!r}")
    return f"{value:g}"


def _answer(run: Run) -> types.ImageContent:
    """Return the picture of a run, as it is or as a preview if the file is large."""
    path = run.picture
    if path is None:
        raise UserError("the picture is no longer here: paint it again")
    if path.stat().st_size <= ANSWER_BYTES:
        return _image(path.read_bytes(), "image/png")
    image = finished(run)
    assert image is not None
    preview = image.convert("RGB")
    preview.thumbnail((ANSWER_SIDE, ANSWER_SIDE))
    file = io.BytesIO()
    preview.save(file, "JPEG", quality=90)
    return _image(file.getvalue(), "image/jpeg")


def _image(content: bytes, kind: str) -> types.ImageContent:
    return types.ImageContent(data=base64.b64encode(content).decode(), mime_type=kind)


def _sentence(text: str) -> types.CallToolResult:
    """Return a result with an error that the assistant can act on."""
    return types.CallToolResult(content=[types.TextContent(text=f"{text}.")], is_error=True)
