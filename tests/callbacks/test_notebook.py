"""Runs in a real kernel, stopped as a person would stop them; and the notebook of the docs."""

import base64
import io
import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from nst_tf.callbacks.notebook import Live
from tests.conftest import ROOT, shrunk

client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipywidgets")

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"

RUN = """
import time
from nst_tf.callbacks.notebook import Live
from tests.callbacks.conftest import steps

def run(live, count, pause):
    for progress in steps(count):
        time.sleep(pause)
        if live(progress):
            return f"stopped after {progress.step}"
    return "finished"

live = Live()
"""


class Kernel:
    """A kernel, and what its cells show."""

    def __init__(self):
        self.manager, self.client = client.manager.start_new_kernel(
            extra_arguments=["--log-level=50"], cwd=str(ROOT)
        )

    def run(self, code, act=None):
        """Run a cell and return its text, its displays by their id, and how many updates came.

        `act` is called when the first picture is there.
        """
        request = self.client.execute(code)
        text, shown, updates = "", {}, 0
        while True:
            message = self.client.get_iopub_msg(timeout=300)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            assert kind != "error", content
            if kind == "stream" and content["name"] == "stdout":
                text += content["text"]
            if kind in ("display_data", "update_display_data"):
                updates += kind == "update_display_data" and "image/jpeg" in content["data"]
                shown[content["transient"]["display_id"]] = content["data"]
                if act and "image/jpeg" in content["data"]:
                    act(shown)
                    act = None
            if kind == "status" and content["execution_state"] == "idle":
                return text, list(shown.values()), updates

    def interrupt(self, _):
        self.manager.interrupt_kernel()


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    kernel.run(RUN)
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def line(shown):
    """Return the line below the picture, from data or from outputs that hold them."""
    texts = [data.get("data", data)["text/plain"] for data in shown]
    return next(text for text in texts if text.startswith("step "))


def test_a_run_shows_its_picture_and_its_losses_in_place(kernel):
    text, shown, updates = kernel.run("print(run(live, 12, 0.1))")
    assert text == "finished\n"
    picture, losses = shown
    with Image.open(io.BytesIO(base64.b64decode(picture["image/jpeg"]))) as image:
        assert image.size == (2, 2)
    assert losses["text/plain"] == (
        "step 12 of 12, 0:00:42 · total 33.33 · style 8.333 · content 16.67 · "
        "total_variation 8.333 · finished"
    )
    assert 1 <= updates <= 4  # twice a second, and the end


def test_a_run_can_be_stopped_and_the_next_one_runs(kernel):
    text, shown, _ = kernel.run("print(run(live, 600, 0.1))", kernel.interrupt)
    assert text.startswith("stopped after ")
    assert line(shown).endswith(" · stopped")
    assert kernel.run("print(run(live, 3, 0))")[0] == "finished\n"


def test_a_run_that_ends_early_shows_its_end_and_gives_interrupts_back(kernel):
    code = "for progress in list(steps(9))[:5]: live(progress)"
    _, shown, _ = kernel.run(code)
    assert "step 5 of 9" in line(shown)
    kernel.run("import signal; assert signal.getsignal(2) is signal.default_int_handler")


def test_the_notebook_of_the_docs_runs_whole(tmp_path):
    """On small pictures, few steps, and what is installed already."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.read(NOTEBOOK, as_version=4)
    for folder in ("docs", "assets"):
        (tmp_path / folder).mkdir()
    for name in ("temple.jpg", "great_wave.jpg", "cat.jpg"):
        shrunk(name, (64, 48), tmp_path / "assets" / name)
    install, *_ = code = [cell for cell in book.cells if cell.cell_type == "code"]
    without_pip(install)
    changed = 0
    for cell in code:
        changed += "max_dim=256" in cell.source
        cell.source = cell.source.replace("max_dim=256", "max_dim=48, scales=1, steps_per_epoch=2")
    assert changed == 2
    resources = {"metadata": {"path": str(tmp_path / "docs")}}
    nbclient.NotebookClient(book, timeout=300, resources=resources).execute()
    for name in ("temple.png", "own.png"):
        with Image.open(tmp_path / "docs" / name) as picture:
            assert picture.size == (48, 36)
    lines = [line(cell.outputs) for cell in code if "Live()" in cell.source]
    assert all(text.startswith("step 3 of 3, ") for text in lines)


def without_pip(cell):
    """Remove the line that installs, which would need the network."""
    cell.source, command = cell.source.rsplit("\n", 1)
    assert command == '%pip install -q "{checkouts[0].resolve()}[notebook]"'


@pytest.mark.parametrize("place", ["beside", "cloned", "nowhere"])
def test_the_notebook_finds_a_checkout_or_clones_one_into_an_empty_folder(place, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.read(NOTEBOOK, as_version=4)
    book.cells = [cell for cell in book.cells if cell.cell_type == "code"][:2]
    without_pip(book.cells[0])
    empty = tmp_path / "empty"
    checkout = empty / "nst_tf" if place == "beside" else tmp_path / "elsewhere" / "nst_tf"
    (checkout / "assets").mkdir(parents=True)
    empty.mkdir(exist_ok=True)
    for name in ("temple.jpg", "great_wave.jpg"):
        shrunk(name, (64, 48), checkout / "assets" / name)
    if place == "cloned":
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "Pictures"]):
            subprocess.run(["git", *words], cwd=checkout, check=True)
        address = f'ADDRESS = "file://{checkout}"'
        book.cells[0].source = book.cells[0].source.replace('ADDRESS = ""', address)
    client = nbclient.NotebookClient(
        book, timeout=300, resources={"metadata": {"path": str(empty)}}, allow_errors=True
    )
    client.execute()
    shown = [out for out in book.cells[1].outputs if "image/png" in out.get("data", {})]
    assert len(shown) == (0 if place == "nowhere" else 2)
    assert ("set ADDRESS" in str(book.cells[0].outputs)) == (place == "nowhere")


def test_the_notebook_of_the_docs_shows_its_pictures_and_no_place():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 600_000
    cells = [cell for cell in json.loads(text)["cells"] if "Live()" in "".join(cell["source"])]
    for cell in cells:
        (picture,) = (out["data"] for out in cell["outputs"] if "image/jpeg" in out["data"])
        with Image.open(io.BytesIO(base64.b64decode("".join(picture["image/jpeg"])))) as image:
            assert max(image.size) == 256
    assert len(cells) == 2
    assert not re.search(r"/(?:home|tmp|root|Users)/", text)


def test_without_ipython_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(ImportError, match=r"run pip install 'nst_tf\[notebook\]'"):
        Live()
