"""Programs that call the page's function with gradio_client, with and without a login."""

import asyncio
import contextlib
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, AuthenticationError

from nst_tf import load_image, read_metadata
from nst_tf.cli.program import main
from nst_tf.page.access import AdmittedValue, acting_as
from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.programs import painter
from nst_tf.page.runs import Run
from tests.conftest import ASSETS
from tests.page.caller import Caller, picture
from tests.page.unpainted import unpainted
from tests.page.visit import end, serve

pytestmark = pytest.mark.process

PHOTO, PAINTING = (handle_file(str(ASSETS / name)) for name in ("cat.jpg", "great_wave.jpg"))


def connect(address, tmp_path, **options):
    """Return a client that keeps its downloads and asks no other machine."""
    return Client(
        f"{address}api/", download_files=tmp_path, analytics_enabled=False, verbose=False,
        httpx_kwargs={"timeout": 240}, **options,
    )  # fmt: skip


@pytest.fixture
def client(address, tmp_path):
    with contextlib.closing(connect(address, tmp_path / "downloads")) as found:
        yield found


@pytest.fixture
def real_client(real_address, tmp_path):
    with contextlib.closing(connect(real_address, tmp_path / "downloads")) as found:
        yield found


def paint(client, photo=PHOTO, painting=PAINTING, **options):
    values = {"recipe": "fast", "size": 64} | options
    return client.predict(photo=photo, painting=painting, api_name="/paint", **values)


def test_a_program_gets_the_picture_that_the_command_makes(real_client, tmp_path):
    made = paint(real_client, strength=0.7)
    record = read_metadata(made)
    assert (record["recipe"], record["settings"]["strength"]) == ("fast", 0.7)
    words = [str(ASSETS / name) for name in ("cat.jpg", "great_wave.jpg")]
    words += ["--recipe=fast", "--strength=0.7", "--max_dim=64", "--quiet"]
    assert main(["nst", *words, f"--output={tmp_path / 'whole.png'}"]) == 0
    np.testing.assert_array_equal(load_image(made), load_image(tmp_path / "whole.png"))


def test_the_function_documents_itself_and_is_the_only_one(client):
    (endpoint,) = client.view_api(return_format="dict")["named_endpoints"].items()
    name, known = endpoint
    assert name == "/paint"
    names = [parameter["parameter_name"] for parameter in known["parameters"]]
    assert names == ["photo", "painting", "recipe", "strength", "size"]
    defaults = [one["parameter_default"] for one in known["parameters"][2:]]
    assert defaults == ["painting", 1, 512]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"size": 5000}, "max_dim must be from 1 to 4961 here, not 5000"),
        ({"strength": 11}, "a number must be from 0 to 10"),
        ({"recipe": "oil"}, "the page has sent an invalid value"),
        ({"photo": None}, "a photo is missing"),
    ],
)
def test_a_mistake_is_an_error_with_the_sentence_of_the_page(client, options, problem):
    with pytest.raises(AppError, match=problem):
        paint(client, **options)


def test_a_run_that_fails_is_an_error_with_the_sentence_of_the_page(real_client):
    with pytest.raises(AppError, match="content is 8x5 pixels"):
        paint(real_client, size=8)


def test_a_program_reads_only_its_own_files(client, address, tmp_path):
    private = tmp_path / "private.png"
    private.write_bytes(picture())
    (upload,) = Caller(address).upload(("photo.png", picture()))
    for path in (str(private), upload["path"]):
        given = {"path": path, "meta": {"_type": "gradio.FileData"}, "url": f"file://{path}"}
        body = {"fn_index": 0, "data": [given, given, "fast", 1, 64], "session_hash": "a1"}
        http = httpx.Client(base_url=address, timeout=240)
        http.get("/api/config")
        assert http.post("/api/gradio_api/queue/join", json=body).status_code == 200
        with http.stream("GET", "/api/gradio_api/queue/data?session_hash=a1") as answer:
            text = next(line for line in answer.iter_lines() if "process_completed" in line)
        assert "that file is no longer here" in text
        assert http.get(f"/api/gradio_api/file={path}").status_code == 404


@pytest.fixture
def state(tmp_path):
    with unpainted(tmp_path, Limits(waiting=1)) as state:
        yield state


def outcome(state, visitor, end):
    """Return what a call of a visitor returns after `end(run)` has been called with its run."""
    path = visitor.uploads / "photo.png"
    path.write_bytes(picture())
    visitor.grant(path)
    values = [AdmittedValue(value) for value in (path, path, "fast", 1.0, 64)]

    async def call():
        found = asyncio.create_task(painter(state)(*values))
        while not (visitor.runs or found.done()):
            await asyncio.sleep(0.01)
        if visitor.runs:
            end(visitor.runs[-1])
        return await found

    with acting_as(visitor):
        return asyncio.run(call())


def test_a_call_waits_in_the_queue_of_the_page(state):
    def finish(run):
        assert run.status == "waiting"
        assert state.queue.waiting == 1
        (run.folder / run.order.output).write_bytes(b"picture")
        run.set_status("finished")

    visitor = state.visitors.session_for(None)
    made = outcome(state, visitor, finish)
    assert Path(made).read_bytes() == b"picture"
    assert visitor.runs[0].order.settings == {"strength": "1", "max_dim": "64"}


def test_a_failed_run_is_an_error_with_its_message(state):
    visitor = state.visitors.session_for(None)
    with pytest.raises(gr.Error, match="memory ran out"):
        outcome(state, visitor, lambda run: run.set_status("failed", "memory ran out"))


def test_a_call_beyond_the_limits_of_a_visitor_is_refused(state):
    visitor = state.visitors.session_for(None)
    visitor.runs.append(Run(Order("a.png", ("b.png",)), visitor.folder))
    with pytest.raises(gr.Error, match="1 of your pictures wait or are being painted"):
        outcome(state, visitor, lambda run: None)


def test_a_value_that_is_not_admitted_is_refused(state):
    with pytest.raises(TypeError, match="has not passed"):
        asyncio.run(painter(state)("/etc/passwd", "/etc/passwd", "fast", 1.0, 64))


def test_a_login_is_asked_for(tmp_path):
    process, address = serve("--user=me", "--password=secret", module="tests.page.stubbed")
    try:
        with pytest.raises(AuthenticationError, match="credentials were not provided"):
            connect(address, tmp_path)
        with pytest.raises(AuthenticationError, match="Invalid credentials"):
            connect(address, tmp_path, auth=("me", "wrong"))
        for path, body in (("queue/join", {"fn_index": 0}), ("upload", None)):
            assert (
                httpx.post(f"{address}api/gradio_api/{path}", json=body, timeout=240).status_code
                == 401
            )
        client = connect(address, tmp_path, auth=("me", "secret"))
        assert read_metadata(paint(client))["recipe"] == "fast"
        client.close()
    finally:
        end(process)


@pytest.mark.parametrize(
    "path", ["", "gradio_api/run/predict", "gradio_api/call/paint", "gradio_api/reset",
             "gradio_api/mcp/", "gradio_api/component_server", "monitoring"],
)  # fmt: skip
def test_other_routes_of_the_function_are_not_served(address, path):
    for method in ("GET", "POST"):
        assert (
            httpx.request(method, f"{address}api/{path}", json={}, timeout=240).status_code == 404
        )
