"""Painted regions and their masks."""

import base64
import re

import numpy as np
import pytest
from PIL import Image

from nst_tf import load_mask, pair_masks
from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import load_inputs
from nst_tf.page.drawings import COLORS, FILE, UNREADABLE, Drawing, decode, encode, region_masks
from nst_tf.page.limits import Limits
from nst_tf.page.order import OrderForm
from nst_tf.page.region_events import RegionHandlers
from nst_tf.page.repaint import repaint
from nst_tf.utils.errors import UserError
from tests.conftest import BLUE, RED, flat
from tests.page.unpainted import unpainted

GREEN = (0.1, 0.7, 0.2)
LEFT, RIGHT = slice(0, 10), slice(10, 20)


def planes(count, *painted, size=(20, 20)):
    """Return planes with columns that are painted: region, columns, level."""
    made = np.zeros((count, *size), np.uint8)
    for region, columns, level in painted:
        made[region, :, columns] = level
    return made


def saved(path, *colors):
    """Save a picture with stripes of colours, and return its path."""
    picture = np.concatenate([flat(color, 48, 32) for color in colors], axis=2)[0]
    Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def state(tmp_path):
    with unpainted(tmp_path, Limits(waiting=4)) as state:
        yield state


@pytest.fixture
def visitor(state):
    return state.visitors.session_for(None)


@pytest.fixture
def pictures(visitor, tmp_path):
    """Return the paths of a photo and of two paintings that a visitor has uploaded."""
    paths = [
        saved(tmp_path / "photo.png", RED, BLUE, GREEN),
        saved(tmp_path / "first.png", GREEN, RED, BLUE),
        saved(tmp_path / "second.png", BLUE, GREEN, RED),
    ]
    for path in paths:
        visitor.grant(path)
    return paths


def test_a_drawing_keeps_its_planes():
    made = planes(3, (0, LEFT, 255), (2, RIGHT, 77))
    np.testing.assert_array_equal(decode(encode(made), (20, 20)), made)


@pytest.mark.parametrize(
    ("drawing", "words"),
    [
        (Drawing(b"text"), UNREADABLE),
        (encode(planes(2, size=(20, 30))), "another photo"),
        (encode(planes(9)), "another photo"),
    ],
)
def test_another_drawing_is_refused(drawing, words):
    with pytest.raises(UserError, match=words):
        decode(drawing, (20, 20))


def test_nothing_painted_is_no_mask():
    assert region_masks(planes(2), 2).content == []
    fringe = planes(2)
    fringe[0, 0, 0] = 100  # a stroke's edge
    assert region_masks(fringe, 2).content == []


@pytest.mark.parametrize("paintings", [1, 3])
def test_one_region_is_one_mask_with_its_levels(paintings):
    made = planes(4, (2, LEFT, 77))
    (mask,) = region_masks(made, paintings).content
    np.testing.assert_array_equal(mask, made[2])


def test_regions_are_masks_in_the_order_of_paintings():
    made = planes(2, (0, RIGHT, 255), (1, LEFT, 200))
    masks = region_masks(made, 2)
    np.testing.assert_array_equal(masks.content, made)
    assert masks.style == ()


@pytest.mark.parametrize(
    ("regions", "paintings", "words"),
    [
        ((0, 1), 1, "orange and blue, but there is 1 painting: use one colour"),
        ((0, 1), 3, "there are 3 paintings: use orange and blue and green"),
        ((1, 2), 2, "blue and green, but there are 2 paintings: use orange and blue"),
    ],
)
def test_regions_and_paintings_must_agree(regions, paintings, words):
    made = planes(3, (regions[0], LEFT, 255), (regions[1], RIGHT, 255))
    with pytest.raises(ValueError, match=words):
        region_masks(made, paintings)


def test_a_map_of_labels_distinguishes_all_colours():
    colors = np.array([*COLORS.values()], int)
    apart = np.abs(colors[:, None] - colors[None]).max(axis=-1) + 255 * np.eye(
        len(colors), dtype=int
    )
    assert apart.min() > 32
    assert np.ptp(colors, axis=1).min() > 32  # none looks grey


def by_color(state, visitor, pictures, change=lambda planes: planes):
    """Order a picture with the page's regions by three colours, painted over; return its run."""
    photo, *paintings = pictures
    shown, notice = RegionHandlers(state).by_color(visitor, photo, tuple(paintings), 3)
    assert notice == ""
    source = re.search(r'data-source="data:image/png;base64,(.*?)"', shown)[1]
    drawn = change(decode(Drawing(base64.b64decode(source)), (48, 96)))
    form = OrderForm(photo, paintings, "fast", {}, encode(drawn, 3))
    (run,) = state.submit(visitor, form)
    return run


def regions_of(arguments):
    """Return the regions that a command reads."""
    return load_inputs(parse(["nst-tf", *arguments])).fitted.regions


def test_untouched_regions_by_colour_are_those_of_the_command(state, visitor, pictures):
    run = by_color(state, visitor, pictures[:2])
    assert len(run.order.masks) == len(run.order.style_masks) == 3
    found = regions_of(run.order.arguments(run.folder))
    expected = regions_of([*map(str, pictures[:2]), "--recipe=fast", "--color_regions=3"])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.content, other.content, atol=0.01)
        np.testing.assert_allclose(one.styles[0], other.styles[0], atol=0.01)


def test_regions_by_colour_of_several_paintings_are_maps_of_labels(state, visitor, pictures):
    run = by_color(state, visitor, pictures)
    assert [len(run.order.masks), len(run.order.style_masks)] == [1, 2]
    found = regions_of(run.order.arguments(run.folder))
    expected = regions_of([*map(str, pictures), "--recipe=fast", "--color_regions=3"])
    assert len(found) == len(expected) == 3
    for one in expected:
        (same,) = (other for other in found if np.abs(one.content - other.content).mean() < 0.1)
        for painting in (0, 1):
            assert np.abs(one.styles[painting] - same.styles[painting]).mean() < 0.1


def test_what_is_painted_over_changes_the_masks(state, visitor, pictures):
    kept = np.array([1, 0, 1], np.uint8)[:, None, None]
    run = by_color(state, visitor, pictures[:2], lambda drawn: kept * drawn)
    assert len(run.order.masks) == len(run.order.style_masks) == 2
    assert run.order.masks == ("photo-mask-1.png", "photo-mask-2.png")
    again = pair_masks([load_mask(run.folder / name) for name in run.order.masks], [], 1)
    assert np.sum([region.content for region in again], axis=0).min() < 0.1
    with pytest.raises(UserError, match="there are 3 regions by colour"):
        by_color(state, visitor, pictures[:2], lambda drawn: np.concatenate([drawn, drawn[:1]]))


def test_a_run_keeps_its_regions_also_when_it_is_repainted(state, visitor, pictures):
    run = by_color(state, visitor, pictures[:2])
    (run.folder / f"{run.order.output}.network").write_bytes(b"network")
    run.set_status("finished")
    repaint(state, visitor, 0.0, 5)
    (again,) = visitor.shown
    for one in (run, again):
        assert (one.drawing.colors, one.drawing.picture) == (3, (run.folder / FILE).read_bytes())
        assert {*one.order.files} < {path.name for path in one.folder.iterdir()}


def test_a_mask_may_not_have_the_name_of_a_picture(state, visitor, pictures):
    painting = pictures[1].rename(pictures[1].with_name("photo-mask-1.png"))
    visitor.grant(painting)
    drawing = encode(planes(1, (0, LEFT, 255), size=(48, 96)))
    (run,) = state.submit(visitor, OrderForm(pictures[0], [painting], "fast", {}, drawing))
    assert run.order.masks == ("photo-mask-1-2.png",)


@pytest.mark.parametrize(
    ("color", "words"),
    [((0.0, 0.0, 0.0), "mask.png is black all over"), (RED, "mask.png is in colours: use grey")],
)
def test_a_picture_that_is_not_a_mask_is_refused(state, visitor, pictures, tmp_path, color, words):
    with pytest.raises(UserError, match=f"^{words}"):
        RegionHandlers(state).mask_loaded(visitor, pictures[0], saved(tmp_path / "mask.png", color))


def test_a_mask_is_read_as_the_command_reads_it(state, visitor, pictures, tmp_path):
    transparent = np.full((30, 60, 4), 255, np.uint8)
    transparent[:, 30:, 3] = 0
    Image.fromarray(transparent).save(tmp_path / "mask.png")
    shown, _ = RegionHandlers(state).mask_loaded(visitor, pictures[0], tmp_path / "mask.png")
    source = re.search(r'data-source="data:image/png;base64,(.*?)"', shown)[1]
    (mask,) = decode(Drawing(base64.b64decode(source)), (48, 96))
    assert mask[:, :44].min() == 255
    assert mask[:, 52:].max() == 0
