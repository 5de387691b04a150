"""The code of the docs runs, on small pictures and with shallow layers."""

import asyncio
import base64
import io
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import nst_tf
from nst_tf.losses.registry import FACTORIES
from nst_tf.recipes import resolve_settings
from nst_tf.service import stylizer
from nst_tf.transfer import stylize as transfer
from tests.conftest import ROOT, shrunk

LAYERS = {
    "content_layers": ("block2_conv2",), "style_layers": ("block1_conv1", "block2_conv1"),
    "neighbor_layers": ("block2_conv1",), "keep_layers": ("block2_conv1",),
    "style_layer_weights": (),
}  # fmt: skip


def blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def quick(monkeypatch):
    """Let the examples take shallow layers and few steps; return what a test may change."""
    small = {"epochs": 1, "steps_per_epoch": 2, **LAYERS}

    def choose(settings, overrides):
        full = resolve_settings(settings, overrides)
        return replace(full, max_dim=min(64, full.max_dim), **small)

    for module in (stylizer, transfer):
        monkeypatch.setattr(module, "resolve_settings", choose)
    recipes = {"fast": replace(choose("fast", {}), steps_per_epoch=5)}
    monkeypatch.setattr(nst_tf, "RECIPES", recipes)
    return small


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Lay out the files that the examples name."""
    for name in ("photo", "painting", "other"):
        asset = "cat.jpg" if name == "photo" else "great_wave.jpg"
        with Image.open(shrunk(asset, (64, 48), tmp_path / f"{name}.png")) as image:
            image.convert("RGB").save(tmp_path / f"{name}.jpg")
    mask = np.zeros((48, 64), np.uint8)
    mask[:20] = 255
    Image.fromarray(mask).save(tmp_path / "sky.png")
    Image.fromarray(255 - mask).save(tmp_path / "sea.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def terms():
    """Let an example add loss terms."""
    known = len(FACTORIES)
    yield
    del FACTORIES[known:]


def test_the_code_of_the_page_of_python_runs(quick, files, terms, capsys):
    names = {"__name__": "example"}
    found = blocks("docs/python.md")
    assert len(found) >= 9
    for number, block in enumerate(found):
        exec(compile(block, f"docs/python.md, block {number + 1}", "exec"), names)
    with Image.open(files / "picture.png") as image:
        assert image.size == (64, 48)
    assert Image.open(files / "result.webp").size == (64, 48)
    assert nst_tf.read_metadata(files / "result.webp")["settings"]["strength"] == 0.7
    # The last block's term makes the picture greyer than it is without.
    plain = nst_tf.stylize(names["photo"], names["painting"])
    spreads = [np.ptp(picture, axis=-1).mean() for picture in (names["picture"], plain)]
    assert spreads[0] < 0.97 * spreads[1]
    assert names["stream"].result.stop_reason in ("finished", "cancelled")
    assert "total" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["README.md", "docs/about.md"])
def test_the_code_of_the_front_door_runs(quick, files, page):
    (block,) = blocks(page)
    exec(compile(block, page, "exec"), {"__name__": "example"})
    assert Image.open(files / "picture.png").size == (64, 48)


def service():
    """Return the names of the page's service."""
    block, *_ = blocks("docs/service.md")
    assert block.count("\n") < 70
    names = {"__name__": "service"}
    exec(compile(block, "docs/service.md", "exec"), names)
    return names


def uploaded(files):
    return {name: (files / f"{name}.jpg").read_bytes() for name in ("photo", "painting")}


def test_sixty_requests_at_once_are_all_answered(quick, files):
    """Send more requests than FastAPI has threads while a client is slow to read its run."""
    httpx = pytest.importorskip("httpx")
    quick["steps_per_epoch"] = 4
    names, uploads = service(), uploaded(files)
    begun, going = asyncio.Event(), asyncio.Event()

    async def held(scope, receive, send):
        async def send_slowly(message):
            await send(message)
            if message["type"] == "http.response.body":
                begun.set()
                await going.wait()

        await names["app"](scope, receive, send_slowly)

    async def post_all():
        transport = httpx.ASGITransport(held)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:

            def post(path):
                return asyncio.ensure_future(client.post(path, files=uploads, timeout=None))

            first = post("/watch")
            await begun.wait()
            others = [post(path) for path in ["/paint"] * 45 + ["/watch"] * 14]
            await asyncio.sleep(1)  # the threads fill
            going.set()
            return await asyncio.wait_for(asyncio.gather(first, *others), 600)

    answers = asyncio.run(post_all())
    codes = [answer.status_code for answer in answers]
    assert codes[0] == 200
    assert set(codes) <= {200, 503}
    assert codes.count(200) > names["WAITING"]
    assert all("try again later" in a.json()["detail"] for a in answers if a.status_code == 503)


def test_the_service_of_its_page_paints_and_tells_its_progress(quick, files):
    client = pytest.importorskip("fastapi.testclient")
    names, uploads = service(), uploaded(files)
    with client.TestClient(names["app"]) as browser:
        response = browser.post("/paint?strength=0.7", files=uploads)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(response.content)).size == (64, 48)
        lines = browser.post("/watch?strength=0.7", files=uploads).text.splitlines()
        *steps, last = map(json.loads, lines)
        assert [line["step"] for line in steps] == list(range(1, len(steps) + 1))
        assert last["stop_reason"] == "finished"
        assert base64.b64decode(last["png"]) == response.content
        wrong = browser.post("/paint", files=uploads | {"photo": b"no picture"})
        assert wrong.status_code == 422
        assert "content is not a picture" in wrong.json()["detail"]
        assert browser.post("/paint?strength=11", files=uploads).status_code == 422


WORKER = """
import multiprocessing, sys, types

class Celery:
    def __init__(self, *_, **__): pass
    def task(self, function): return function

class Signal:
    def connect(self, function):
        self.function = function
        return function

signals = types.ModuleType("celery.signals")
signals.worker_process_init = Signal()
sys.modules["celery"] = types.ModuleType("celery")
sys.modules["celery"].Celery = Celery
sys.modules["celery.signals"] = signals

exec(sys.stdin.read())
small = {
    "max_dim": 32, "epochs": 1, "steps_per_epoch": 1, "scales": 1, "style_statistics": "gram",
    "content_layers": ["block2_conv2"], "style_layers": ["block1_conv1"],
    "neighbor_weight": 0, "mean_weight": 0, "convolution": "direct", "optimizer": "adam",
}

def work():
    import nst_tf
    full = nst_tf.Stylizer
    globals()["Stylizer"] = lambda recipe, **changes: full(recipe, **changes | small)
    signals.worker_process_init.function(sender=None)
    print(paint("photo.png", "painting.png", "out.png"), flush=True)

child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join(600)
sys.exit(child.exitcode)
"""


def test_the_worker_of_the_page_works_after_a_fork(files):
    """Run the Celery example's functions as its pool does: import, fork, start, paint."""
    _, block = blocks("docs/service.md")
    done = subprocess.run(
        [sys.executable, "-c", WORKER], input=block, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "finished\n"), done.stderr
    assert Image.open(files / "out.png").size == (32, 24)
