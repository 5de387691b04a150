"""Pictures of the command line: large ones, narrow ones, and what cannot be read."""

import dataclasses
import json
import re
import sys

import numpy as np
import pytest
from PIL import Image

from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import load_inputs
from nst_tf.cli.job import check, prepare
from nst_tf.cli.program import main
from nst_tf.cli.reading import Reader
from nst_tf.cli.session import PictureRun
from nst_tf.compute.budget import GIB
from nst_tf.images.decode import upright_size
from nst_tf.images.io import load_picture
from nst_tf.settings import Settings
from nst_tf.utils.digests import file_digest
from tests import forked
from tests.images.test_reduced import header
from tests.images.test_tiff import CFA, write_raw

DEEP = ["--content_layers=block5_conv2", "--style_layers=block1_conv1"]


@pytest.fixture(autouse=True)
def in_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(capfd, *arguments):
    """Return the one line with which the program refuses its arguments."""
    assert main(["nst_tf", *map(str, arguments)]) == 1
    line = capfd.readouterr().err
    assert line.startswith("nst_tf: ")
    assert line.count("\n") == 1
    return line


def test_a_raw_photo_is_one_line(painting, tmp_path, capfd):
    write_raw(tmp_path / "photo.dng", CFA)
    assert "photo.dng is a raw photo" in refusal(capfd, "photo.dng", painting)


def test_a_strip_is_refused_with_a_limit_that_would_do(painting, capfd):
    Image.new("RGB", (2000, 50), "red").save("strip.png")
    line = refusal(capfd, "strip.png", painting, *DEEP)
    (side,) = re.findall(r"content is 512x13 pixels .* raise max_dim to (\d+) or more", line)
    request = parse(["nst", "strip.png", str(painting), *DEEP, f"--max_dim={side}"])
    assert min(load_inputs(request).fitted.size) == request.settings.smallest_side


def test_a_photo_of_200_megapixels_is_read_in_little_memory(painting):
    Image.new("L", (16000, 12500), 128).save("photo.jpg", quality=50)
    # In a process of its own: what this one holds after other tests counts too.
    script = (
        "import json, sys\n"
        "from nst_tf.cli.flags import parse\n"
        "from nst_tf.cli.inputs import load_inputs\n"
        "inputs = load_inputs(parse(['nst', 'photo.jpg', sys.argv[1]]), budget=4 * 2**30)\n"
        "levels = inputs.fitted.content.min(), inputs.fitted.content.max()\n"
        "print(json.dumps([inputs.fitted.size, [float(x) for x in levels], inputs.peak]))\n"
    )
    done = forked.run(
        [sys.executable, "-c", script, str(painting)], capture_output=True, text=True, check=True
    )
    size, levels, peak = json.loads(done.stdout)
    assert size == [400, 512]
    np.testing.assert_allclose(levels, 128 / 255, atol=1e-6)
    assert 0 < peak < 4 * GIB


@pytest.mark.parametrize("role", ["content", "style", "content_mask", "keep_mask", "init"])
def test_a_picture_that_memory_has_no_room_for_is_refused_before_it_is_read(
    photo, painting, tmp_path, capfd, role
):
    header(tmp_path / "scan.png", 40000, 25000)
    names = {"content": photo, "style": painting} | {role: "scan.png"}
    flags = [f"--{name}={path}" for name, path in names.items()]
    line = refusal(capfd, *flags, "--memory_budget=1GiB")
    assert re.search(
        r"scan\.png needs about [\d.]+ GiB of memory to be read, but the run may take 1\.0 GiB: "
        "scale the picture down first, or free memory or raise --memory_budget",
        line,
    )


def test_what_reading_took_is_part_of_the_memory_that_is_announced(photo, painting):
    layers = ["--content_layers=block1_conv1", "--style_layers=block1_conv1", "--steps=1"]
    checked = check(parse(["nst", str(photo), str(painting), "--max_dim=32", *layers]))
    assert checked.inputs.peak == 0
    inputs = dataclasses.replace(checked.inputs, peak=5 * GIB)
    job = prepare(dataclasses.replace(checked, inputs=inputs))
    assert "5.0 GiB" in PictureRun(job, "CPU").headline()


@pytest.mark.parametrize("limit", [0, 2**20])
def test_files_are_the_same_whether_read_at_once_or_streamed(photo, limit):
    reader = Reader(Settings(), at_once=limit)
    pixels = reader.picture(str(photo), 32).pixels
    np.testing.assert_array_equal(pixels, load_picture(photo, 32).pixels)
    height, width = upright_size(photo)
    assert reader.files[str(photo)].entry() == {
        "name": photo.name, "size": f"{width}x{height}", "sha256": file_digest(photo)
    }  # fmt: skip
