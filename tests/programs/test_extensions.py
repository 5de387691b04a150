"""A term and a recipe of another package, installed and run by the real commands."""

import csv
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nst_tf import read_metadata
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.process,
    pytest.mark.usefixtures("in_tmp_path", "photo", "painting"),
]

PACKAGE = ROOT / "tests" / "data" / "own_term"
MODULES = ("__init__", "term", "varied", "matches")
FLAGS = [
    "--max_dim=48", "--steps=3", "--content_layers=block2_conv2", "--style_layers=block1_conv1",
    "--wasserstein_layers=block1_conv1,block2_conv1", "--loss=relative", "--content_weight=0.1",
    "--style_weight=0.5", "--total_variation_weight=0.01", "--varied_weight=1",
    "--wasserstein_weight=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the package, and return the environment of a process that finds it."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--target", target]
    source = tmp_path_factory.mktemp("source") / "own_term"
    subprocess.run(["cp", "-r", PACKAGE, source], check=True)  # the build writes into it
    subprocess.run([*pip, *offline, source], check=True)
    return os.environ | {"PYTHONPATH": f"{target}{os.pathsep}{ROOT}"}


def run(environment, *words, code=None):
    what = ["-c", code] if code else ["-m", "nst_tf.run"]
    command = [sys.executable, *what, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


CASES = """
import json, sys
from nst_tf.cli.program import main

flags, cases = json.loads(sys.argv[1])
for name, words in cases.items():
    words = [*flags, *words, f"--output={name}.png", f"--history={name}.csv", "--quiet"]
    assert main(["nst-tf", *words]) == 0, name
"""


def test_it_runs_whole_in_tiles_with_regions_and_with_two_paintings(installed):
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :30] = 255
    Image.fromarray(mask).save("left.png")
    Image.fromarray(255 - mask).save("right.png")
    Image.open("painting.png").transpose(Image.Transpose.ROTATE_90).save("other.png")
    one, two = ["photo.png", "painting.png"], ["photo.png", "painting.png", "other.png"]
    regions = ["--content_mask=left.png", "--content_mask=right.png"]
    cases = {
        "whole": one, "tiles": [*one, "--block_size=16"], "regions": [*two, *regions],
        "tiled": [*two, *regions, "--block_size=16"], "two": two,
        "without": [*one, "--wasserstein_weight=0", "--varied_weight=0"],
    }  # fmt: skip
    done = run(installed, json.dumps([FLAGS, cases]), code=CASES)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for term in ("wasserstein", "varied"):
        losses = {name: [float(row.get(term, 0)) for row in rows(name)] for name in cases}
        for name in ("whole", "regions", "two"):
            assert losses[name][0] > losses[name][-1] > 0, name
        for whole, tiles in (("whole", "tiles"), ("regions", "tiled")):
            np.testing.assert_allclose(losses[whole], losses[tiles], rtol=1e-3)
        assert set(losses["without"]) == {0.0}
    for whole, tiles in (("whole", "tiles"), ("regions", "tiled")):
        assert apart(whole, tiles) < 0.1
    assert apart("whole", "without") > 0.5
    assert apart("whole", "two") > 0.5
    assert read_metadata("whole.png")["settings"]["wasserstein_weight"] == 1


def rows(name):
    with open(f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def apart(one, other):
    """Return the mean difference of two pictures, in levels of 8 bits."""
    levels = [np.asarray(Image.open(f"{name}.png"), np.float32) for name in (one, other)]
    return np.abs(levels[0] - levels[1]).mean()


EVERYWHERE = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from nst_tf import RECIPES, Settings, UserError, save_image, stylize
from nst_tf.batch.program import main as batch
from nst_tf.cli.help import help_text
from nst_tf.cli.program import main

flags = json.loads(sys.argv[1])
assert RECIPES["soft"] == replace(RECIPES["fast"], style_weight=0.5, wasserstein_weight=0.5)
assert "--wasserstein_layers" in help_text(Settings())
assert "wasserstein_weight = 0" in Settings.__doc__
words = ["photo.png", "painting.png", "--recipe=soft", *flags, "--output=one.png", "--quiet"]
assert main(["nst-tf", *words, "--wasserstein_weight=1:2"]) == 2  # a ramp needs epochs
assert main(["nst-tf", *words]) == 0
assert main(["nst-tf", "--from_image=one.png", "--output=two.png", "--quiet"]) == 0
Path("jobs.csv").write_text(
    "content,style,recipe,wasserstein_weight\\nphoto.png,painting.png,soft,0.25\\n"
)
common = ["--output_dir=out", "--name={style}-{wasserstein_weight}.png", "--quiet"]
assert batch(["batch", "--manifest=jobs.csv", *common, *flags]) == 0
try:
    Settings(wasserstein_weight=-1)
except UserError as error:
    assert "wasserstein_weight must be at least 0, not -1" in str(error)
settings = Settings(max_dim=32, epochs=1, steps_per_epoch=1, content_layers=["block2_conv2"],
                    style_layers=["block1_conv1"], wasserstein_layers=["block1_conv1"])
picture = stylize("photo.png", "painting.png", settings, wasserstein_weight=1e3)
save_image("library.png", picture)
"""


def test_its_settings_and_its_recipe_are_known_everywhere(installed):
    done = run(installed, json.dumps(FLAGS[:-1]), code=EVERYWHERE)
    assert done.returncode == 0, done.stderr
    one, two = (read_metadata(f"{name}.png") for name in ("one", "two"))
    assert one["recipe"] == two["recipe"] == "soft"
    assert one["settings"] == two["settings"]
    assert one["settings"]["wasserstein_weight"] == 0.5
    assert apart("one", "two") == 0
    assert os.path.exists("out/painting-0.25.png")
    assert os.path.exists("library.png")
    here = run(os.environ | {"PYTHONPATH": str(ROOT)}, "--from_image=one.png", *FLAGS[:2],
               "--steps=1", "--device=none")  # fmt: skip
    varied = "varied_layers, varied_penalty, varied_weight"
    ignored = f"unknown settings are ignored: {varied}, wasserstein_layers, wasserstein_weight"
    assert ignored in here.stderr


def test_help_lists_it_and_imports_no_tensorflow(installed):
    code = (
        "import sys; from nst_tf.cli.program import main; main(['nst-tf', '--helpfull']); "
        "assert not {'tensorflow', 'numpy'} & {*sys.modules}"
    )
    done = run(installed, code=code)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--wasserstein_weight" in done.stdout
    assert re.search(r"quality,\s+soft", done.stdout)


BAD = {
    "style": ("term", "SETTINGS = {'style_weight': setting(0.0, 'Loss', '')}",
              "its setting style_weight is a setting of nst_tf already"),
    "glow": ("term", "SETTINGS = {'glow_layers': setting((), 'Network', '')}",
             "its settings lack glow_weight"),
    "sun": ("term", "SETTINGS = {'light': setting(0.0, 'Loss', '')}",
            "its setting light must begin with sun_"),
    "raw": ("term", "SETTINGS = {'raw_weight': 1.0}",
            "its setting raw_weight must come from nst_tf.extending.setting"),
    "whole": ("term", "SETTINGS = {'whole_weight': setting('a', 'Loss', '', check=checked_ramp)}",
              "whole_weight must be a number or a ramp such as 100:1, not 'a'"),
    "gone": ("term", "import none_such", "ModuleNotFoundError: No module named 'none_such'"),
    "painting": ("recipe", "", "another recipe has this name"),
    "odd": ("recipe", "", "its function must return a Settings"),
    "wrong": ("recipe", "", "epochs must be at least 1, not 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_package_that_cannot_be_used_is_refused_in_a_line(name, tmp_path):
    kind, text, reason = BAD[name]
    module = (
        "from dataclasses import replace\nfrom nst_tf.extending import checked_ramp, setting\n"
        f"{text}\nmake_term = None\n"
        "def odd(recipes): return {}\n"
        "def wrong(recipes): return replace(recipes['fast'], epochs=0)\n"
        "painting = odd\n"
    )
    value = "bad_module" if kind == "term" else f"bad_module:{name}"
    done = run(beside(tmp_path, "bad-package", module, kind, name, value), "photo.png",
               "painting.png")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"nst_tf: the {kind} {name} of the package bad-package cannot be used: {reason}; change it "
        "there, or uninstall the package\n"
    )


def test_two_packages_with_one_setting_are_refused(installed, tmp_path):
    module = (
        "from nst_tf.extending import setting\n"
        "SETTINGS = {'wasserstein_weight': setting(0.0, 'Loss', '')}\nmake_term = None\n"
    )
    path = beside(tmp_path, "another", module, "term", "wasserstein", "bad_module")["PYTHONPATH"]
    both = installed | {"PYTHONPATH": f"{path}{os.pathsep}{installed['PYTHONPATH']}"}
    code = (
        "from nst_tf import UserError, stylize\n"
        "try: stylize('photo.png', 'painting.png')\n"
        "except UserError as error: print(error)"
    )
    done = run(both, code=code)
    assert "its setting wasserstein_weight is a setting of another already" in done.stdout
    assert "the term wasserstein of the package wasserstein-term cannot be used" in done.stdout


def beside(folder, package, module, kind, name, value):
    """Write a package as an installer does, and return the environment that finds it."""
    (folder / "bad_module.py").write_text(module)
    info = folder / f"{package.replace('-', '_')}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[nst_tf.{kind}s]\n{name} = {value}\n")
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def test_the_page_shows_the_package():
    page = (ROOT / "docs" / "own-terms.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```(?:toml|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    files = ("pyproject.toml", *(f"wasserstein_term/{name}.py" for name in MODULES))
    assert shown == [(PACKAGE / name).read_text() for name in files]


def test_the_distance_of_diagonal_gaussians_is_that_of_means_and_deviations(monkeypatch):
    monkeypatch.syspath_prepend(PACKAGE)
    import tensorflow as tf
    from wasserstein_term import term

    means, deviations = np.float32([[1, 2, 3], [2, 2, 5]]), np.float32([[1, 2, 0.5], [3, 1, 0.5]])
    grams = [
        np.diag(deviation**2) + np.outer(mean, mean)
        for mean, deviation in zip(means, deviations, strict=True)
    ]
    root = term.square_root(tf.constant(grams[1]), tf.constant(means[1]))
    np.testing.assert_allclose(root, np.diag(deviations[1]), atol=1e-5)
    gram = tf.Variable(grams[0])
    with tf.GradientTape() as tape:
        found = term.distance(gram, tf.constant(means[0]), tf.constant(means[1]), root)
    expected = ((means[0] - means[1]) ** 2).sum() + ((deviations[0] - deviations[1]) ** 2).sum()
    assert float(found) == pytest.approx(expected, rel=1e-4)
    slope = np.diag(tape.gradient(found, gram))
    np.testing.assert_allclose(slope, 1 - deviations[1] / deviations[0], atol=1e-4)


def test_a_match_loses_what_its_uses_in_the_whole_picture_cost(monkeypatch):
    monkeypatch.syspath_prepend(PACKAGE)
    import tensorflow as tf
    from wasserstein_term import matches

    # All locations prefer the first candidate; the last one hardly does, and has the most weight.
    cosines = np.float32([[0.9, 0.3, 0.1], [0.8, 0.5, 0.2], [0.7, 0.2, 0.65]])
    weights = np.float32([0.2, 0.3, 0.5])
    cases = {0: [0.9, 0.8, 0.7], 0.05: [0.9, 0.8, 0.65], 1: [0.3, 0.5, 0.65]}
    for penalty, expected in cases.items():
        found = matches.penalised_best(
            tf.constant(cosines[None, :, None]), tf.constant(weights[None, :, None, None]), penalty
        )
        np.testing.assert_allclose(np.ravel(found), expected)
