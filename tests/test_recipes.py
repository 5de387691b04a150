import os
import pydoc
import re
import subprocess
import sys
from dataclasses import dataclass, fields

import pytest

import nst_tf
from nst_tf import RECIPES, Settings
from nst_tf.extending.fields import setting
from nst_tf.recipes import film_recipe, resolve_settings


def test_recipes_and_fields_are_found_by_name():
    assert resolve_settings(None, {}) == Settings()
    assert resolve_settings("fast", {}) is RECIPES["fast"]
    assert resolve_settings("painting", {"strength": 0.7}).strength == 0.7
    assert resolve_settings(Settings(max_dim=64), {"seed": 3}) == Settings(max_dim=64, seed=3)


@pytest.mark.parametrize(
    ("settings", "overrides", "error", "text"),
    [
        ("paintng", {}, ValueError, "unknown recipe 'paintng': did you mean 'painting'"),
        (None, {"strenght": 1}, TypeError, "unknown setting 'strenght': did you mean 'strength'"),
        (None, {"strength": 11}, ValueError, "strength must be at least 0 and at most 10, not 11"),
        ({"seed": 1}, {}, TypeError, "the name of a recipe, not of type dict"),
    ],
)
def test_errors_offer_the_nearest_name(settings, overrides, error, text):
    with pytest.raises(error, match=text):
        resolve_settings(settings, overrides)


@pytest.mark.parametrize("name", RECIPES)
def test_films_have_no_brushstrokes_and_more_steps_instead(name):
    still, film = RECIPES[name], film_recipe(name)
    assert not film.repaint
    assert (film.finest_steps > still.finest_steps) == still.repaint
    assert (film == still) == (not still.repaint)


def test_settings_of_a_subclass_have_its_fields_too():
    @dataclass(frozen=True)
    class More(Settings):
        more: float = setting(0.0, "Loss", "more of it", low=0)

    assert resolve_settings(More(), {"more": 2}).more == 2


def test_the_help_of_settings_explains_every_field():
    lines = pydoc.render_doc(Settings, renderer=pydoc.plaintext)
    text = " ".join(lines.replace("|", "").split())
    for entry in fields(Settings):
        assert f" {entry.name} = " in text
        assert " ".join(entry.metadata["help"].replace("--", "").split()) in text
        for choice in entry.metadata["choices"] or ():
            assert choice in text
    assert "optimizer = 'adam'" in text
    assert "content_layers = ('block5_conv2',)" in text


def test_the_package_lists_and_explains_all_that_is_public():
    assert set(nst_tf.__all__) <= set(dir(nst_tf))
    text = pydoc.render_doc(nst_tf, renderer=pydoc.plaintext)
    for name in nst_tf.__all__:
        assert name in text or name == "__version__"
        thing = getattr(nst_tf, name)
        assert name in ("RECIPES", "__version__") or thing.__doc__
    with pytest.raises(AttributeError, match="no attribute 'stylise'"):
        nst_tf.stylise  # noqa: B018


@pytest.mark.parametrize("script", ["from nst_tf import stylize", ""])
def test_a_user_of_the_library_sees_nothing_but_tensorflows_own_start(script):
    """Import the library: stderr stays the process's, so TensorFlow's first lines are there."""
    script = script or (
        "import sys, nst_tf\n"
        "nst_tf.Progress, nst_tf.Result, nst_tf.read_metadata, nst_tf.NonFiniteLossError\n"
        "assert not {'tensorflow', 'keras'} & {*sys.modules}\n"
        "from nst_tf import stylize, Stylizer, measure\n"
        "import numpy, tensorflow as tf\n"
        "tf.zeros(1)\n"
        "assert callable(measure)\n"
        "sys.stderr.write('mine')\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stdout) == (0, "")
    start = re.compile(r"WARNING: All log messages before absl|[IW]0000 |To enable the following")
    rest = [line for line in done.stderr.splitlines() if not start.match(line)]
    assert rest == (["mine"] if "mine" in script else [])


def test_the_painting_recipes_keep_faces_and_the_others_do_not():
    keeping = {name for name, settings in RECIPES.items() if settings.keep_faces}
    assert keeping == {"painting", "fast", "quality"}
