"""Pictures whose edges meet when they are repeated."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from nst_tf import Region, Settings, Stylizer, load_image, read_metadata, stylize
from nst_tf.cli.program import main
from nst_tf.images.wrap import periodic
from nst_tf.synthesis.repaint import Strokes, repaint
from nst_tf.synthesis.sources import PaintSource
from nst_tf.video.program import main as video
from tests.conftest import ASSETS

SHALLOW = Settings(
    loss="relative",
    optimizer="lbfgs",
    content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"],
    content_weight=0.3,
    style_weight=1,
    total_variation_weight=0.05,
    epochs=1,
    steps_per_epoch=4,
    scales=2,
    min_dim=20,
    max_dim=64,
    tileable="both",
)
TEXTURE = dataclasses.replace(SHALLOW, content_weight=0, init="noise")


def roughness(image):
    """Return, for rows and columns, the seam's gradient relative to the others' 95th percentile."""
    ratios = []
    for axis in (0, 1):
        steps = np.abs(image - np.roll(image, 1, axis)).mean(axis=(1 - axis, 2))
        ratios.append(steps[0] / np.quantile(steps[1:], 0.95))
    return ratios


@pytest.fixture(scope="module")
def pictures():
    return load_image(ASSETS / "temple.jpg", 64), load_image(ASSETS / "auvers.jpg", 64)


@pytest.mark.parametrize("repaint", [False, True])
@pytest.mark.parametrize("settings", [SHALLOW, TEXTURE], ids=["photo", "texture"])
def test_the_seam_is_no_rougher_than_the_rest(settings, repaint, pictures):
    photo, painting = pictures
    apart = stylize(photo, painting, settings, tileable="none", repaint=repaint)
    picture = stylize(photo, painting, settings, repaint=repaint)
    assert max(roughness(picture[0])) <= 1 < max(roughness(apart[0]))


def test_only_left_and_right_meet(pictures):
    picture = stylize(*pictures, SHALLOW, tileable="x")
    rows, columns = roughness(picture[0])
    assert columns <= 1 < rows


def test_tiles_of_memory_give_the_same_picture(pictures):
    whole = stylize(*pictures, SHALLOW, block_size=0, optimizer="adam")
    tiled = stylize(*pictures, SHALLOW, block_size=32, optimizer="adam")
    np.testing.assert_allclose(tiled, whole, atol=2e-3)


def test_masks_go_with_it(pictures):
    photo, painting = pictures
    mask = np.zeros(photo.shape[1:3], np.float32)
    mask[:, :30] = 1
    picture = stylize(photo, painting, SHALLOW, regions=[Region(mask)], keep=1 - mask)
    tile = periodic(photo, "both")
    np.testing.assert_array_equal(picture[:, :, 31:], tile[:, :, 31:])
    assert max(roughness(picture[0])) <= 1


def test_the_service_makes_tiles_at_other_sizes(pictures):
    picture = Stylizer(SHALLOW)(*pictures, max_dim=61).pixels
    assert max(roughness(picture)) <= 1


@pytest.mark.parametrize("ratio", [1, 2])
def test_brushstrokes_meet_at_the_edges(ratio, pictures):
    photo, painting = (periodic(picture, "both") for picture in pictures)
    size = tuple(side * ratio for side in photo.shape[1:3])
    strokes = Strokes(tileable="both")
    *_, level = repaint(photo, None, [PaintSource(painting[0], 64)], strokes, size)
    assert level.image.shape[1:3] == size
    assert max(roughness(level.image[0])) <= 1


@pytest.mark.process
@pytest.mark.usefixtures("in_tmp_path")
def test_the_command_makes_tiles(photo, painting):
    flags = ["--steps=2", "--max_dim=48", "--style_layers=block1_conv1", "--quiet"]
    words = [str(photo), str(painting), *flags, "--content_layers=block2_conv2"]
    assert main(["nst-tf", *words, "--tileable=both", "-o", "tile.png"]) == 0
    assert read_metadata("tile.png")["settings"]["tileable"] == "both"
    with Image.open("tile.png") as image:
        assert max(roughness(np.asarray(image) / 255)) <= 1


def test_films_and_unknown_sides_are_refused(capsys):
    assert video(["nst-tf-video", "a.mp4", "b.png", "--tileable=x"]) == 2
    assert "--tileable is for pictures, not for films" in capsys.readouterr().err
    assert main(["nst-tf", "a.png", "b.png", "--tileable=z"]) == 2
    assert "unknown tileable 'z'" in capsys.readouterr().err
