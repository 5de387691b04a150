"""The tool for assistants, called by a client of the Model Context Protocol."""

import asyncio
import base64
import io
import re
from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from nst_tf.page import assistants, server
from nst_tf.page.assistants import EMBEDDED_BYTES, OPEN_CALLS, Assistants
from nst_tf.page.guests import Guests, Refusal
from nst_tf.page.limits import Limits
from nst_tf.page.login import Accounts, Throttle
from nst_tf.page.options import ServerOptions
from nst_tf.page.rules import Rules
from nst_tf.page.visitors import Visitors
from tests.conftest import wait_until
from tests.page import stubbed
from tests.page.caller import Caller, picture

SAMPLES = {"photo": "temple", "painting": "great_wave", "recipe": "fast", "size": 64}
LOGIN = {"authorization": "Basic " + base64.b64encode(b"friends:secret").decode()}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Serve the page and the tool, with a login and a painter that needs no network."""
    root = tmp_path_factory.mktemp("page").resolve()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
            patch.setenv(name, "")  # the server sets them; afterwards, they are as before
        patch.setattr(server, "ProcessPainter", stubbed.Blender)
        patch.setattr(stubbed, "PAUSE", 0.02)
        patch.setattr(assistants, "INTERVAL", 0.02)
        options = ServerOptions(
            Rules(login=True), Accounts({"friends": "secret"}), Limits(waiting=2), mcp=True
        )
        page = server.Server(root, options)
        page.start()
        yield page
        page.close()


@asynccontextmanager
async def connect(page, mode="auto"):
    """Yield a client of the tool that has logged in."""
    async with (
        httpx2.AsyncClient(headers=LOGIN, timeout=60) as http,
        Client(streamable_http_client(f"{page.url}mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def paint(page, **given):
    """Return the result of a call."""

    async def call():
        async with connect(page) as client:
            return await client.call_tool("paint", SAMPLES | given)

    return asyncio.run(call())


def runs(page):
    return [run for visitor in page.visitors.everyone() for run in visitor.runs]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_an_assistant_finds_the_tool_and_gets_a_picture(page, mode):
    steps = []

    async def progress(step, steps_in_all, message):
        steps.append((step, steps_in_all, message))

    async def call():
        async with connect(page, mode) as client:
            (tool,) = (await client.list_tools()).tools
            made = await client.call_tool("paint", SAMPLES, progress_callback=progress)
            return tool, made

    tool, made = asyncio.run(call())
    assert tool.name == "paint"
    assert f"{page.url}mcp/upload" in tool.description
    assert [*tool.input_schema["properties"]] == ["photo", "painting", "recipe", "strength", "size"]
    image, text = made.content
    assert not made.is_error
    assert image.mime_type == "image/png"
    with Image.open(io.BytesIO(base64.b64decode(image.data))) as opened:
        assert opened.size == (64, 43)
    assert "step" in steps[0][2]
    assert steps[-1][1] == 3
    assert text.text.startswith("temple-great_wave-fast-64px.png, finished after 3 steps.")
    address = text.text.split()[-1]
    assert httpx.get(address, headers=LOGIN).content == base64.b64decode(image.data)
    assert httpx.get(address).status_code == 401


def test_pictures_come_as_uploads_or_in_base64(page):
    upload = httpx.post(
        f"{page.url}mcp/upload", files=[("files", ("mine.png", picture()))], headers=LOGIN
    )
    (path,) = upload.json()
    embedded = base64.b64encode(picture((0, 90, 0))).decode()
    for painting in (embedded, f"data:image/png;base64,{embedded}"):
        made = paint(page, photo=path, painting=painting)
        assert made.content[1].text.startswith("mine-painting-fast-64px.png, finished"), made


def test_a_large_picture_comes_as_a_preview(page, monkeypatch):
    monkeypatch.setattr(assistants, "ANSWER_BYTES", 0)
    image, _ = paint(page).content
    assert image.mime_type == "image/jpeg"
    assert base64.b64decode(image.data)[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"photo": "http://127.0.0.1:9/photo.png"}, "photo must be the path .* are not fetched"),
        ({"photo": "/etc/passwd"}, "photo must be the path that an upload has returned"),
        ({"photo": "../samples/cat.jpg"}, "photo must be the path that an upload has returned"),
        ({"painting": "data:image/svg+xml;base64,PHN2Zy8+"}, "painting is an SVG drawing"),
        ({"painting": base64.b64encode(b"text").decode()}, "painting is not a picture"),
        ({"painting": "A" * (2 * EMBEDDED_BYTES)}, "painting has more than 4 megabytes: upload"),
        ({"painting": None}, "painting is missing: give the path"),
        ({"recipe": "oil"}, "recipe must be one of painting, fast"),
        ({"strength": "much"}, "strength must be a number, not 'much'"),
        ({"strength": 11}, "strength must be"),
        ({"size": 5000}, "max_dim must be from 1 to 4961 here, not 5000"),
        ({"seed": 1}, "paint has no argument 'seed'"),
    ],
)
def test_a_mistake_is_a_sentence_for_the_assistant(page, given, problem):
    before = len(runs(page))
    made = paint(page, **given)
    (text,) = made.content
    assert made.is_error
    assert re.match(problem, text.text), text.text
    assert "\n" not in text.text
    assert len(runs(page)) == before


def test_files_of_a_visitor_of_the_page_are_not_read(page):
    cookies = httpx.post(f"{page.url}login", data={"username": "friends", "password": "secret"})
    (upload,) = Caller(page.url, cookies=cookies.cookies).upload(("photo.png", picture()))
    made = paint(page, photo=upload["path"])
    assert "photo must be the path that an upload has returned" in made.content[0].text


def test_calls_share_the_limits_and_an_assistant_that_leaves_ends_its_run(page, monkeypatch):
    monkeypatch.setattr(stubbed, "PAUSE", 0.5)

    async def call():
        async with connect(page) as client:
            calls = [asyncio.create_task(client.call_tool("paint", SAMPLES)) for _ in range(2)]
            while sum(run.active for run in runs(page)) < 2:
                await asyncio.sleep(0.02)
            refused = await client.call_tool("paint", SAMPLES)
            for one in calls:
                one.cancel()
            return refused

    refused = asyncio.run(call())
    assert "2 of your pictures wait or are being painted" in refused.content[0].text
    wait_until(lambda: not any(run.active for run in runs(page)))
    assert [run.status for run in runs(page)[-2:]] == ["stopped"] * 2


def test_only_the_routes_of_the_tool_are_served(page):
    for method, path, status in (
        ("GET", "mcp", 405), ("DELETE", "mcp", 404), ("POST", "mcp/sse", 404),
        ("GET", "mcp/pictures/0123456789abcdef", 404), ("GET", "mcp/upload", 404),
    ):  # fmt: skip
        answer = httpx.request(method, f"{page.url}{path}", headers=LOGIN)
        assert answer.status_code == status, path
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert httpx.post(f"{page.url}mcp", headers=LOGIN | headers, json={}).status_code == 403
    large = b"x" * (assistants.BODY_BYTES + 1)
    assert httpx.post(f"{page.url}mcp", headers=LOGIN, content=large).status_code == 413


def test_a_call_beyond_those_of_all_guests_is_refused():
    application = Assistants(None, "")
    application._open = OPEN_CALLS
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(application({"method": "POST"}, None, send))
    assert sent[0]["status"] == 503
    assert b"too many assistants are painting" in sent[1]["body"]


@pytest.fixture
def admit(tmp_path):
    """Return a function that admits a guest with a name and a password."""
    guests = Guests(
        Visitors(tmp_path), Accounts({"friends": "secret"}), Throttle(clock=lambda: 0.0)
    )

    def call(login, address="192.0.2.1"):
        header = b"Basic " + base64.b64encode(login.encode()) if login else b"Bearer x"
        return asyncio.run(guests.admit(address, {b"authorization": header}))

    return call


def test_a_guest_is_known_by_address_and_login(admit, tmp_path):
    visitor = admit("friends:secret")
    assert visitor.user == "friends"
    assert admit("friends:secret") is visitor
    assert admit("friends:secret", "192.0.2.2") is not visitor
    anyone = Guests(Visitors(tmp_path / "open"), Accounts(), Throttle())
    first, second, third = (
        asyncio.run(anyone.admit(address, {})) for address in ("::1", "::1", "192.0.2.1")
    )
    assert first is second is not third


def test_guessing_passwords_of_guests_is_slow(admit):
    known = admit("friends:secret")
    for login in ("", "friends", "friends:wrong", "friends:", "admin:secret"):
        refusal = admit(login)
        assert isinstance(refusal, Refusal)
        assert refusal.status == 401
        assert refusal.headers[0][0] == b"www-authenticate"
    assert admit("friends:wrong").status == 401
    refusal = admit("friends:secret ")
    assert (refusal.status, refusal.message[:24]) == (429, "too many wrong passwords")
    assert admit("friends:secret") is known
