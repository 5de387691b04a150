"""A picture that is made again from what its file tells."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import nst_tf
from nst_tf import Settings
from nst_tf.cli.flags import parse
from nst_tf.cli.program import main
from nst_tf.images.metadata import read_metadata
from nst_tf.recipes import recipe
from tests.conftest import ASSETS, GOLDEN

pytestmark = pytest.mark.usefixtures("in_tmp_path")

SHORT = ["--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1"]
SHORT += ["--max_dim=48", "--epochs=2", "--steps_per_epoch=2"]


def paint(*flags):
    return main(["nst-tf", *map(str, flags), "--quiet"])


def same(one, other):
    return np.array_equal(*(np.asarray(Image.open(name)) for name in (one, other)))


def moved(folder, *names):
    Path(folder).mkdir()
    for name in names:
        shutil.move(name, f"{folder}/{name}")


def record(path, made):
    """Write a picture with a record of any kind."""
    info = PngImagePlugin.PngInfo()
    if made is not None:
        info.add_text("nst_tf", json.dumps(made))
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)


@pytest.mark.parametrize(
    ("flags", "ending"),
    [
        ([*SHORT, "--init=noise", "--seed=5", "--content_weight=10:1"], "jpg"),
        (["--recipe=fast", "--max_dim=64", "--steps=2", "--style_scale=1.5"], "png"),
    ],
    ids=["tutorial", "fast"],
)
def test_a_picture_is_made_again_bit_for_bit(photo, painting, capfd, flags, ending):
    assert paint("photo.png", "painting.png", *flags, "-o", f"first.{ending}") == 0
    moved("there", "photo.png", "painting.png", f"first.{ending}")
    assert paint("--from_image", f"there/first.{ending}", "-o", f"again.{ending}") == 0
    assert same(f"there/first.{ending}", f"again.{ending}")
    first, again = (read_metadata(f"{p}.{ending}") for p in ("there/first", "again"))
    # A record names the precision that auto led to, and asks for that.
    asked = "--recipe=fast" in flags
    assert (again.pop("identity") != first.pop("identity")) == asked
    assert again == first
    assert capfd.readouterr() == ("", "")


def test_masks_the_start_and_the_weights_are_found_too(photo, painting, capfd):
    mask = Image.new("L", (30, 20))
    mask.paste(255, (0, 0, 15, 20))
    mask.save("left.png")
    shutil.copy(ASSETS / "auvers.jpg", "noise")  # called like a word of --init
    weights = Path(nst_tf.__file__).parent / "data" / "vgg19_imagenet_notop_q8.npz"
    shutil.copy(weights, "own.npz")
    flags = [*SHORT, "--content_mask=left.png", "--keep_mask=left.png", "--init=./noise"]
    assert paint("photo.png", "painting.png", *flags, "--weights=own.npz", "-o", "first.png") == 0
    files = ["photo.png", "painting.png", "left.png", "noise", "own.npz", "first.png"]
    moved("there", *files)
    assert paint("--from_image=there/first.png", "-o", "again.png") == 0
    assert same("there/first.png", "again.png")
    for name in files[:-1]:
        shutil.move(f"there/{name}", name)
        capfd.readouterr()
    assert paint("--from_image=there/first.png", "-o", "here.png") == 0
    assert same("again.png", "here.png")
    Path("own.npz").unlink()
    assert paint("--from_image=there/first.png", "-o", "lost.png") == 1
    assert capfd.readouterr().err == (
        "nst_tf: --from_image there/first.png was made from own.npz, which is neither beside it "
        "nor in this directory: name it by --weights\n"
    )
    assert paint("--from_image=there/first.png", "--weights=bundled", "-o", "lost.png") == 0
    assert same("again.png", "lost.png")


def test_a_texture_is_made_again(painting):
    assert paint("--style=painting.png", *SHORT, "-o", "first.png") == 0
    assert paint("--from_image=first.png", "-o", "again.png") == 0
    assert same("first.png", "again.png")


@pytest.fixture
def first(photo, painting):
    assert paint("photo.png", "painting.png", *SHORT, "--recipe=gatys", "-o", "first.png") == 0


def repeated(*flags):
    return parse(["nst-tf", "--from_image=first.png", *flags])


def test_flags_win(first, photo, capfd):
    before = repeated().settings
    request = repeated("--epochs=3", "--init=style")
    after = request.settings
    assert (before.epochs, before.optimizer) == (2, "lbfgs")
    assert after == dataclasses.replace(before, epochs=3, init="style")
    assert (request.recipe, request.content) == ("gatys", "photo.png")
    assert request.style == ("painting.png",)
    request = repeated("--recipe=fast", "--steps=3")
    assert request.settings == dataclasses.replace(recipe("fast"), steps_per_epoch=3)
    assert request.content == "photo.png"
    shutil.copy(photo, "other.png")
    request = repeated("other.png")
    assert (request.content, request.style) == ("other.png", ("painting.png",))
    request = repeated("photo.png", "other.png")
    assert request.style == ("other.png",)
    assert paint("--from_image=first.png", "--overwrite", "-o", "first.png") == 1
    assert "first.png would overwrite the input first.png" in capfd.readouterr().err


def test_masks_belong_to_their_pictures(photo, painting):
    Image.new("L", (30, 20), 255).save("white.png")
    flags = [*SHORT, "--content_mask=white.png", "--style_mask=white.png", "-o", "first.png"]
    assert paint("photo.png", "painting.png", *flags) == 0
    shutil.copy(photo, "other.png")
    request = repeated()
    assert (request.content_mask, request.style_mask) == (("white.png",), ("white.png",))
    request = repeated("--content=other.png")
    assert (request.content_mask, request.style_mask) == ((), ("white.png",))
    request = repeated("--content", str(photo))
    assert request.content_mask == ("white.png",)


def test_a_changed_file_is_named(first, photo, capfd):
    Image.open(photo).rotate(180).save(photo)
    assert paint("--from_image=first.png") == 0
    assert capfd.readouterr().err == (
        "nst_tf: warning: photo.png differs from the file that first.png was made from\n"
    )


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (None, "carries no settings of nst_tf"),
        ([1], "carries no settings of nst_tf"),
        ({"settings": 3}, "carries no settings of nst_tf"),
        ({"settings": {}, "styles": 3}, "names its files in a way that is not valid"),
        (
            {"settings": {}, "files": {"content": [{}]}},
            "names its files in a way that is not valid",
        ),
        ({"settings": {}, "weights": []}, "a photo and a painting are missing"),
        ({"settings": {"epochs": 0}}, "bad.png: epochs must be at least 1, not 0"),
        ({"settings": {"init": "gone.png"}}, "was made from gone.png, which is neither beside it"),
        ({"settings": {}, "content": "../../gone"}, "was made from gone, which is neither"),
        ({"settings": {"init": [[]]}}, "names its files in a way that is not valid"),
    ],
)
def test_what_cannot_be_repeated_is_refused_in_one_line(made, words, capfd):
    record("bad.png", made | {"nst_tf": nst_tf.__version__} if isinstance(made, dict) else made)
    assert paint("--from_image=bad.png") in (1, 2)
    err = capfd.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_picture_that_is_missing_is_bad_input(capfd):
    assert paint("--from_image=none.png") == 1
    assert capfd.readouterr().err == "nst_tf: none.png does not exist: check the path\n"


@pytest.mark.parametrize("kept", [True, False])
def test_faces_kept_by_earlier_versions_are_kept_as_much(photo, painting, kept):
    made = {"nst_tf": nst_tf.__version__, "settings": {"epochs": 7}, "keep_faces": kept}
    record("old.png", made | {"content": "photo.png", "styles": ["painting.png"]})
    settings = parse(["nst-tf", "--from_image=old.png"]).settings
    usual = Settings().face_strength
    assert settings == Settings(epochs=7, keep_faces=kept, face_strength=1.0 if kept else usual)
    changed = parse(["nst-tf", "--from_image=old.png", "--no_keep_faces"]).settings
    assert not changed.keep_faces


def test_pictures_of_other_versions_are_repeated(photo, recwarn):
    shutil.copy(GOLDEN / "version-1.3.jpg", "old.jpg")
    made = read_metadata("old.jpg")  # names alone, and a setting that is gone
    assert "jit_compile" in made["settings"]
    names = [made["content"], *made["styles"], *made["content_mask"]]
    for name in names:
        shutil.copy(photo, name)
    request = parse(["nst-tf", "--from_image=old.jpg"])
    assert [request.content, *request.style, *request.content_mask] == names
    old = request.settings
    assert (old.min_gain, old.content_layers) == (0.08, ("block4_conv2",))
    made = {"nst_tf": "9.0", "settings": {"glow": 3, "epochs": 7}, "recipe": ["?"]}
    record("new.png", made | {"content": "photo.png", "styles": ["photo.png"]})
    new = parse(["nst-tf", "--from_image=new.png"]).settings
    assert new == Settings(epochs=7)
    assert [str(w.message) for w in recwarn if w.category is UserWarning] == [
        f"old.jpg was made by nst_tf 1.3.0: {nst_tf.__version__} may paint differently",
        f"new.png was made by nst_tf 9.0: {nst_tf.__version__} may paint differently",
        "new.png: unknown settings are ignored: glow",
    ]
