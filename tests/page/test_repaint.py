"""Other brushstrokes and larger sizes of a finished picture, on the page."""

import dataclasses
import shlex
import sys

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.repaint import NOT_PAINTED, enlarge, offered, repaint, repaint_updates
from nst_tf.utils.errors import UserError
from tests import forked
from tests.conftest import ROOT
from tests.page.test_page import PATIENCE, pixels
from tests.page.unpainted import unpainted

SETTINGS = {"max_dim": "128", "steps_per_epoch": "2", "repaint_detail": "0.25"}
MASK = "photo-mask-1.png"


@pytest.fixture
def state(tmp_path):
    with unpainted(tmp_path, Limits(waiting=2)) as state:
        yield state


@pytest.fixture
def visitor(state):
    return state.visitors.session_for(None)


def finished(state, visitor, tmp_path, size=(4000, 30), **changes):
    """Return a run of a visitor that has ended, as its painter leaves it."""
    files = {"photo.png": tmp_path / "photo.png", MASK: tmp_path / "mask.png"}
    Image.new("L", size).save(files["photo.png"])
    files[MASK].write_bytes(b"mask")
    order = Order("photo.png", ("painting.png",), "fast", SETTINGS | changes, (MASK,))
    files["painting.png"] = files["photo.png"]
    (run,) = state.visitors.create_runs(visitor, [order], files)
    (run.folder / f"{order.output}.network").write_bytes(b"network")
    run.set_status("finished")
    return run


def test_a_repainted_run_has_the_files_and_settings_of_the_first_and_its_network(
    state, visitor, tmp_path
):
    first = finished(state, visitor, tmp_path)
    repaint(state, visitor, 0.0, 5)
    (again,) = visitor.shown
    assert again is not first
    assert again.status == "waiting"
    assert again.order == dataclasses.replace(
        first.order, settings=SETTINGS | {"repaint_detail": "0", "patch_size": "5"}
    )
    names = {"photo.png", "painting.png", MASK, f"{first.order.output}.network"}
    assert {path.name for path in again.folder.iterdir()} == names
    assert again.kept.read_bytes() == b"network"
    assert state.queue.waiting == 1


def test_a_print_changes_only_the_size(state, visitor, tmp_path):
    finished(state, visitor, tmp_path)
    enlarge(state, visitor, "A4")
    (large,) = visitor.shown
    assert large.order.settings == SETTINGS | {"max_dim": "3508", "network_dim": "128"}
    assert large.kept.read_bytes() == b"network"
    large.set_status("finished")
    enlarge(state, visitor, "A3")
    (larger,) = visitor.shown
    assert larger.order.settings == SETTINGS | {"max_dim": "4961", "network_dim": "128"}


def test_a_photo_without_more_pixels_is_refused(state, visitor, tmp_path):
    finished(state, visitor, tmp_path, size=(128, 90))
    with pytest.raises(UserError, match="the photo has 128 pixels on its long side"):
        enlarge(state, visitor, "A4")
    assert state.queue.waiting == 0


def test_without_a_kept_picture_nothing_is_repainted(state, visitor, tmp_path):
    with pytest.raises(UserError, match=NOT_PAINTED):
        repaint(state, visitor, 0.5, 3)
    run = finished(state, visitor, tmp_path)
    assert repaint_updates(run)["repaint"]["interactive"]
    run.set_status("running")
    with pytest.raises(UserError, match=NOT_PAINTED):
        repaint(state, visitor, 0.5, 3)
    assert not repaint_updates(run)["enlarge"]["interactive"]
    run.set_status("finished")
    run.kept.unlink()
    with pytest.raises(UserError, match=NOT_PAINTED):
        enlarge(state, visitor, "A3")
    assert not repaint_updates(run)["repaint"]["interactive"]


def test_limits_hold_for_repainting(state, visitor, tmp_path):
    assert offered(Limits()) == {"A4": 3508, "A3": 4961}
    assert offered(Limits(side=4000)) == {"A4": 3508}
    assert offered(Limits(side=2000)) == {}
    finished(state, visitor, tmp_path)
    for state_of, problem in (
        (dataclasses.replace(state, limits=Limits(side=2000)), "max_dim must be from 1 to 2000"),
        (dataclasses.replace(state, limits=Limits(queue=0)), "too many pictures are waiting"),
    ):
        with pytest.raises(UserError, match=problem):
            enlarge(state_of, visitor, "A4")
    repaint(state, visitor, 0.1, 3)
    visitor.shown = visitor.runs[:1]
    repaint(state, visitor, 0.2, 3)
    visitor.shown = visitor.runs[:1]
    with pytest.raises(UserError, match="2 of your pictures wait"):
        repaint(state, visitor, 0.3, 3)


@pytest.mark.browser
def test_a_visitor_repaints_a_picture_without_the_network(real_visit, tmp_path):
    """The picture is that of a whole run, and has no step of the network."""
    visitor = real_visit()
    visitor.sample(photo=1, painting=1)
    visitor.small(steps=8, scales=2)
    visitor.open("Brushstrokes again, in seconds")
    expect(visitor.page.locator("#repaint")).to_be_disabled()
    visitor.begin()
    visitor.status("finished")
    visitor.page.locator("#again-detail input[type=number]").fill("0")
    visitor.page.locator("#again-patch input[type=number]").fill("5")
    visitor.page.locator("#again-patch input[type=number]").blur()
    visitor.press("repaint")
    name = visitor.page.locator("#screen figcaption b").first
    expect(name).to_contain_text("patch size 5 · repaint detail 0", timeout=PATIENCE)
    visitor.status("finished")
    made = visitor.download(tmp_path)
    words = shlex.split(visitor.command())[1:]
    assert {"--repaint_detail=0", "--patch_size=5"} <= {*words}
    command = [sys.executable, "-m", "nst_tf.run", *words, "-o", str(tmp_path / "whole.png")]
    forked.run(command, cwd=ROOT / "assets", check=True, capture_output=True)
    np.testing.assert_array_equal(pixels(tmp_path / "whole.png"), pixels(made))
    visitor.press("enlarge")
    expect(name).to_contain_text("max dim 3508", timeout=PATIENCE)
    visitor.status("finished")
    large = pixels(visitor.download(tmp_path))
    assert max(large.shape) == max(pixels(ROOT / "assets" / "cat.jpg").shape) > 128
