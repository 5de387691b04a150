"""What a result says of its run and of its photo."""

import hashlib
import shutil

import pytest
from PIL import ExifTags, Image

from nst_tf.cli.program import main
from nst_tf.images.metadata import read_metadata
from tests.conftest import ASSETS

pytestmark = pytest.mark.usefixtures("in_tmp_path")

SHORT = ["--content_layers=block2_conv2", "--style_layers=block1_conv1", "--steps=1"]
SHORT += ["--max_dim=48", "--quiet"]


@pytest.fixture
def taken(photo):
    """Make a photo, taken.jpg, that is stored on its side and tells who took it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Somebody"
    exif[ExifTags.Base.Orientation] = 6
    with Image.open(photo) as image:
        image.save("taken.jpg", exif=exif, dpi=(240, 240))


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def told(path):
    with Image.open(path) as image:
        return image.getexif().get(ExifTags.Base.Artist), image.info.get("dpi")


def test_a_result_names_its_recipe_and_files_and_the_photos_artist(taken, painting):
    Image.new("L", (30, 20), 255).save("mask.png")
    shutil.copy(ASSETS / "auvers.jpg", "second.jpg")
    pictures = ["taken.jpg", "painting.png", "second.jpg"]
    flags = [*SHORT, "--recipe=fast", "--content_mask=mask.png", "--init=second.jpg", "-o", "a.jpg"]
    assert main(["nst-tf", *pictures, *flags]) == 0
    record = read_metadata("a.jpg")
    assert record["recipe"] == "fast"
    with Image.open("second.jpg") as second:
        size = f"{second.width}x{second.height}"
    shown = {"taken.jpg": "48x64", "painting.png": "72x48", "second.jpg": size, "mask.png": "30x20"}
    assert record["files"] == {
        flag: [{"name": n, "size": shown[n], "sha256": checksum(n)} for n in names]
        for flag, names in {
            "content": ["taken.jpg"],
            "style": ["painting.png", "second.jpg"],
            "content_mask": ["mask.png"],
            "init": ["second.jpg"],
        }.items()
    }
    assert told("a.jpg") == ("Somebody", (240, 240))


def test_dpi_wins_over_the_photos_and_a_texture_has_no_artist(taken, painting):
    assert main(["nst-tf", "taken.jpg", "painting.png", *SHORT, "--dpi=300", "-o", "a.jpg"]) == 0
    assert told("a.jpg") == ("Somebody", (300, 300))
    assert main(["nst-tf", "--style=taken.jpg", *SHORT, "-o", "b.tiff"]) == 0
    assert told("b.tiff") == (None, None)
