"""Recolouring through the library, the service, the command and a batch."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from nst_tf import Region, Settings, Stylizer, load_image, read_metadata, stylize
from nst_tf.batch.program import main as batch
from nst_tf.cli.program import main
from nst_tf.images.oklab import to_oklab
from nst_tf.inputs.sources import ImageSources
from nst_tf.transfer.recolor import Recoloring, recolored
from nst_tf.utils.errors import UserError
from nst_tf.video.program import main as video
from tests.conftest import ASSETS, BLUE, RED, flat

RECOLOR = Settings(recolor=True)


def left(height, width):
    mask = np.zeros((height, width), np.float32)
    mask[:, : width // 2] = 1
    return mask


def recolor(photo, paintings, **options):
    return stylize(photo, paintings, RECOLOR, **options)


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_the_photo_gets_the_painting_s_colours_and_keeps_its_contours():
    photo = load_image(ASSETS / "temple.jpg", 192)
    painting = load_image(ASSETS / "auvers.jpg", 192)
    picture = recolor(photo, painting)
    means = [to_oklab(p).reshape(-1, 3).mean(0) for p in (picture, painting, photo)]
    assert np.abs(means[0] - means[1]).max() < 0.02 < np.abs(means[2] - means[1]).max()
    light, before = (to_oklab(p)[0, ..., 0] for p in (picture, photo))
    edges = [np.abs(np.diff(p, axis=1)).ravel() for p in (light, before)]
    assert np.corrcoef(*edges)[0, 1] > 0.8


def test_no_strength_is_the_photo(pixels):
    photo = pixels(30, 40)
    np.testing.assert_allclose(recolor(photo, pixels(20, 20, 1), strength=0), photo, atol=2e-3)


def test_strength_is_a_share_up_to_1(pixels):
    photo, painting = pixels(30, 40), flat(RED)
    assert (recolor(photo, painting, strength=2) == recolor(photo, painting)).all()


def test_only_the_white_part_of_a_mask_changes(pixels):
    photo = pixels(30, 40)
    mask = left(30, 40)
    picture = recolor(photo, flat(RED), regions=[Region(mask)])
    np.testing.assert_array_equal(picture[:, :, 20:], photo[:, :, 20:])
    assert np.abs(picture - photo)[:, :, :20].mean() > 0.1


def test_each_region_gets_the_colours_of_its_painting(pixels):
    mask = left(30, 40)
    regions = [Region(mask, {0: None}), Region(1 - mask, {1: None})]
    picture = recolor(pixels(30, 40), [flat(RED), flat(BLUE)], regions=regions)
    np.testing.assert_allclose(picture[:, :, :18], np.broadcast_to(RED, (1, 30, 18, 3)), atol=0.05)
    np.testing.assert_allclose(picture[:, :, 22:], np.broadcast_to(BLUE, (1, 30, 18, 3)), atol=0.05)


def test_only_the_white_part_of_a_painting_counts(pixels):
    painting = np.concatenate([flat(RED), flat(BLUE)], 2)
    part = left(*painting.shape[1:3])
    picture = recolor(pixels(30, 40), painting, regions=[Region(None, {0: part})])
    assert np.abs(picture - RED).mean() < 0.03


def test_kept_parts_have_the_photo_s_colours(pixels):
    photo = pixels(30, 40)
    picture = recolor(photo, flat(RED), keep=left(30, 40))
    np.testing.assert_allclose(picture[:, :, :20], photo[:, :, :20], atol=1e-6)
    np.testing.assert_allclose(picture[:, :, 20:], np.broadcast_to(RED, (1, 30, 20, 3)), atol=0.05)


def test_shares_blend_the_palettes(pixels):
    photo = np.linspace(0, 1, 40 * 50, dtype=np.float32).reshape(1, 40, 50, 1).repeat(3, -1)
    picture = recolor(photo, [flat(RED), flat(BLUE)], style_blend=(0.75, 0.25))
    nearer_red = np.abs(picture - RED).sum(-1) < np.abs(picture - BLUE).sum(-1)
    assert nearer_red.mean() == pytest.approx(0.75, abs=0.08)


def test_small_pictures_suffice():
    assert recolor(flat(BLUE, 1, 2), flat(RED, 2, 1)).shape == (1, 1, 2, 3)


def test_a_callback_sees_one_step(pixels):
    seen = []
    picture = recolor(pixels(30, 40), flat(RED), callbacks=[seen.append])
    (progress,) = seen
    assert (progress.step, progress.steps, progress.level, progress.losses) == (1, 1, 1, {})
    np.testing.assert_array_equal(progress.image(), picture)


def test_the_service_recolours_at_the_size_of_the_photo(pixels):
    photo, painting = pixels(31, 43), pixels(20, 20, 1)
    stylizer = Stylizer(RECOLOR)
    stylizer.prepare(painting)
    stylizer.warm_up((31, 43), painting)
    result = stylizer(photo, painting)
    np.testing.assert_array_equal(result.pixels[None], recolor(photo, painting))
    assert (result.stage, result.steps, result.stop_reason) == ("colours", 0, "finished")
    assert "plan" not in result.metadata


def test_a_cancelled_run_is_the_photo(pixels):
    photo = pixels(30, 40)
    run = Recoloring(ImageSources(photo, flat(RED), RECOLOR).load().fitted)
    cancel = threading.Event()
    cancel.set()
    np.testing.assert_array_equal(run.finish(cancel=cancel), photo)


def test_a_recolouring_has_no_checkpoint(pixels):
    run = Recoloring(ImageSources(pixels(30, 40), flat(RED), RECOLOR).load().fitted)
    with pytest.raises(UserError, match="different run"):
        run.adopt_checkpoint(None)
    (progress,) = run.steps()
    with pytest.raises(UserError, match="no checkpoint"):
        progress.saved()
    np.testing.assert_array_equal(run.result(progress), recolored(run.fitted))


def test_recolouring_and_keeping_colours_contradict_each_other():
    with pytest.raises(ValueError, match="recolor and preserve_color contradict each other"):
        Settings(recolor=True, preserve_color="match")


@pytest.mark.process
def test_the_command_recolours_without_tensorflow(photo, painting, in_tmp_path):
    code = (
        "import sys; from nst_tf.cli.program import main; "
        "status = main(sys.argv); assert 'tensorflow' not in sys.modules; sys.exit(status)"
    )
    command = [sys.executable, "-c", code, str(photo), str(painting), "--recolor"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("Saved photo-painting.png after 0:")
    expected = np.rint(stylize(photo, painting, RECOLOR)[0] * 255)
    assert np.abs(pixels_of("photo-painting.png") - expected).max() <= 1
    record = read_metadata("photo-painting.png")
    assert record["settings"]["recolor"] is True
    assert record["stage"] == "colours"
    assert record["ending"] == "finished"
    assert "tensorflow" not in record["versions"]
    assert "weights" not in record


@pytest.mark.process
def test_a_recolouring_can_be_repeated_with_masks(photo, painting, in_tmp_path):
    Image.fromarray(np.uint8(left(48, 64) * 255)).save("mask.png")
    words = [str(photo), str(painting), "--recolor", "--content_mask=mask.png"]
    assert main(["nst-tf", *words, "-o", "first.png"]) == 0
    assert main(["nst-tf", "--from_image=first.png", "-o", "second.png"]) == 0
    first = pixels_of("first.png")
    assert (first == pixels_of("second.png")).all()
    assert (first[:, 32:] == pixels_of(photo)[:, 32:, :3]).all()
    assert (first[:, :32] != pixels_of(photo)[:, :32, :3]).any()


@pytest.mark.process
def test_a_batch_recolours(photo, painting, in_tmp_path):
    words = [f"--content_dir={photo}", f"--style_dir={painting}", "--output_dir=out", "--recolor"]
    assert batch(["nst-tf-batch", *words]) == 0
    assert main(["nst-tf", str(photo), str(painting), "--recolor", "-o", "one.png"]) == 0
    assert (pixels_of("out/photo-painting.png") == pixels_of("one.png")).all()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--style=a.png", "--recolor"], "--recolor needs --content and --style"),
        (["a", "b", "--recolor", "--preserve_color=match"], "contradict each other"),
        (["a", "b", "--recolor", "--history=h.csv"], "--history shows steps, and --recolor takes"),
        (["a", "b", "--recolor", "--timelapse=t.webp"], "--timelapse shows steps"),
        (["a", "b", "--recolor", "--snapshot_every=2"], "--snapshot_every shows steps"),
    ],
)
def test_flags_that_make_no_sense_are_refused(words, problem, capsys):
    assert main(["nst-tf", *words]) == 2
    assert problem in capsys.readouterr().err


def test_films_are_not_recoloured(capsys):
    assert video(["nst-tf-video", "a.mp4", "b.png", "--recolor"]) == 2
    assert "--recolor is for pictures, not for films" in capsys.readouterr().err
