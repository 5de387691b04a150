"""The public calls: the kinds of values that they take, their words, and what they print."""

import ast
import inspect
import re
import threading

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from nst_tf import Region, Settings, Stylizer, UserError, measure, pair_masks, stylize
from tests.behaviour.test_imports import ORDER, package
from tests.conftest import ROOT

SHALLOW = {
    "max_dim": 48, "epochs": 1, "steps_per_epoch": 2, "content_layers": ["block2_conv2"],
    "style_layers": ["block1_conv1", "block2_conv1"], "neighbor_layers": ["block2_conv1"],
    "style_sizes": 1, "scales": 1,
}  # fmt: skip


def test_measure_takes_the_kinds_and_words_of_stylize(photo, painting):
    """Measure a picture given as a path, bytes, an image and an array, by recipe and by words."""
    settings = Settings(**SHALLOW)
    picture = stylize(photo, painting, settings)
    levels = np.rint(picture[0] * 255).astype(np.uint8)
    expected = measure(levels / np.float32(255), photo, painting, settings)
    kinds = (str(photo), photo.read_bytes(), Image.open(photo), photo)
    for kind in kinds:
        found = measure(Image.fromarray(levels), kind, painting, **SHALLOW)
        assert found == pytest.approx(expected, rel=1e-5)
    stronger = measure(levels, photo, [painting], "tutorial", **SHALLOW, style_weight=2e-2)
    assert stronger["style"] == pytest.approx(2 * expected["style"], rel=1e-5)
    with pytest.raises(TypeError, match="did you mean 'strength'"):
        measure(levels, photo, painting, strenght=1)
    with pytest.raises(FileNotFoundError, match="image: nothing"):
        measure("nothing.png", photo, painting, **SHALLOW)


def test_the_calls_share_their_arguments():
    """Compare the names of the arguments of the three ways to make a picture."""
    names = {"content", "styles", "initial", "regions", "keep", "callbacks", "cancel", "overrides"}
    for call in (stylize, Stylizer.__call__):
        assert names <= {*inspect.signature(call).parameters}
    assert names - {"callbacks"} <= {*inspect.signature(Stylizer.stream).parameters}


def test_stylize_ends_when_its_event_is_set(photo, painting):
    cancel, steps = threading.Event(), []

    def watch(progress):
        steps.append(progress.step)
        if progress.step == 2:
            cancel.set()

    long = SHALLOW | {"steps_per_epoch": 50}
    picture = stylize(photo, painting, callbacks=[watch], cancel=cancel, **long)
    assert steps == [1, 2]
    np.testing.assert_array_equal(picture, stylize(photo, painting, **SHALLOW))
    steps.clear()
    unpainted = stylize(photo, painting, callbacks=[watch], cancel=cancel, **long)
    assert steps == []
    assert unpainted.shape == picture.shape
    assert (unpainted != picture).any()


def test_no_repr_holds_pixels(photo, painting):
    """Print what callers hold in their hands, as a notebook does."""
    kept = []
    settings = Settings(**SHALLOW, optimizer="lbfgs")
    result = Stylizer(settings)(photo, painting, callbacks=[kept.append])
    mask = np.ones((300, 300), np.float32)
    values = (result, kept[-1], kept[-1].state, kept[-1].saved(), Region(mask, {0: mask}))
    for value in (*values, *pair_masks([mask], [], 1)):
        assert len(repr(value)) < 1800
        assert "array(" not in repr(value)
        assert "numpy=" not in repr(value)
        assert repr(value).startswith(f"{type(value).__name__}(")
    assert "pixels=<float32 [36, 48, 3]>" in repr(result)
    assert "stop_reason='finished'" in repr(result)
    assert repr(Settings(seed=3)) == "Settings(seed=3)"
    assert eval(repr(settings), {"Settings": Settings}) == settings


@pytest.mark.parametrize(
    ("picture", "text"),
    [
        (np.zeros((3, 40, 48), np.float32), r"last with numpy\.moveaxis\(picture, -3, -1\)"),
        (np.zeros((1, 3, 40, 48), np.float32), r"last with numpy\.moveaxis\(picture, -3, -1\)"),
        (np.zeros((3, 40, 48), np.uint8), r"last with numpy\.moveaxis\(picture, -3, -1\)"),
        (np.zeros((40, 48, 3), np.int64), "dtype int64: expected floats .* uint8 or uint16"),
        (np.full((40, 48, 3), 255.0), r"ranges from 255 to 255: .*; divide levels by 255"),
    ],
)
def test_arrays_of_other_kinds_are_refused_with_the_remedy(picture, text):
    painting = np.zeros((40, 48, 3), np.uint8)
    with pytest.raises(UserError, match=f"^content .*{text}"):
        stylize(picture, painting, **SHALLOW)
    with pytest.raises(UserError, match=f"^image .*{text}"):
        measure(picture, painting, painting, **SHALLOW)


def test_calls_in_a_graph_are_refused(photo, painting):
    @tf.function
    def symbolic(picture):
        with pytest.raises(UserError, match=r"^content is a .* without values: .* tf\.function"):
            stylize(picture, painting, **SHALLOW)
        with pytest.raises(UserError, match=r"^content_mask 1 is a .* without values"):
            pair_masks([picture], [], 1)
        with pytest.raises(UserError, match=r"call nst_tf outside tf\.function"):
            stylize(photo, painting, **SHALLOW)

    symbolic(tf.zeros([1, 48, 48, 3]))
    eager = stylize(tf.zeros([1, 36, 48, 3]), painting, **SHALLOW)
    assert eager.shape == (1, 36, 48, 3)


def test_no_error_of_the_library_names_a_flag():
    """Look through the texts of all modules that the library uses; help texts apart."""
    programs = ORDER[ORDER.index("workers") :]
    named = []
    for path in sorted((ROOT / "nst_tf").rglob("*.py")):
        room = path.relative_to(ROOT / "nst_tf").with_suffix("").parts[0]
        if package(f"nst_tf.{room}") in programs or path.stem in ("settings", "describe"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named += re.findall(r"(?<![\w-])--[a-z]\w*", node.value)
    assert named == []
