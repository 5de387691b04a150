"""The real command line on real pictures."""

import csv
import dataclasses
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import nst_tf
from nst_tf import Settings
from nst_tf.cli.flags import OTHER_FLAGS, define_flags, parse
from nst_tf.cli.help import help_text
from nst_tf.cli.program import main
from nst_tf.cli.session import PictureRun, ready
from nst_tf.compute.plan import plan_memory
from nst_tf.images.metadata import read_metadata
from nst_tf.network.weights import BUNDLED_SHA256
from tests import forked, watched
from tests.conftest import ASSETS, wait_until

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("in_tmp_path")]

SHALLOW = ["--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1"]
SHORT = [*SHALLOW, "--epochs=2", "--steps_per_epoch=2", "--max_dim=48"]


def run(*arguments, module="nst_tf.run", **options):
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def stop(process, first, number):
    """Send a signal once there is a file, and return what the process prints to its stderr."""
    try:
        wait_until(lambda: os.path.exists(first) or process.poll() is not None)
        process.send_signal(number)
        return process.communicate()[1]
    finally:
        process.kill()


def size(path):
    with Image.open(path) as image:
        return image.size


def test_flags_and_settings_agree():
    values = define_flags()
    for knob in dataclasses.fields(Settings):
        assert values[knob.name].help == knob.metadata["help"]
        assert f"--{knob.name} " in help_text(Settings())
    assert set(values) == {k.name for k in dataclasses.fields(Settings)} | {
        flag.name for flag in OTHER_FLAGS
    }


def test_given_flags_win_over_the_recipe_and_the_rest_is_the_recipe():
    given = ["nst", "--content=a", "--style=b", "--style=c", "--epochs=3", "--style_blend=2,1"]
    request = parse([*given, "--content_layers=block1_conv1,block2_pool"])
    settings = request.settings
    assert request.style == ("b", "c")
    assert settings == Settings(
        epochs=3, style_blend=(2, 1), content_layers=("block1_conv1", "block2_pool")
    )


def test_help_is_grouped_and_ours():
    done = run("--helpfull")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\nNetwork:\n" in done.stdout
    assert "--alsologtostderr" not in done.stdout
    assert "tensorflow" not in done.stdout.lower()


def test_version():
    assert run("--version", module="nst_tf").stdout == f"nst_tf {nst_tf.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a photo and a painting are missing"),
        (["--content_weight=1:x"], "must be a number or a ramp such as 100:1, not '1:x'"),
        (["--style=a", "--style_weight=0"], "nothing to optimise"),
        (["--content=", "--style=a"], "must not be empty"),
        (["--style=a", "--init=content"], "--content is missing, but --init"),
        (["--content=a", "--style_weight=1"], "--style is missing, but"),
        (["--contnt=a.png"], "Unknown command line flag 'contnt'. Did you mean: content"),
        (["--memory_budget=much"], "must be auto or a size such as 3.5GiB, not 'much'"),
        (["--block_size=-1"], "block_size must be at least 0, not -1"),
        (["--block_size=big"], "block_size must be auto or a whole number, not 'big'"),
        (["--precision=half"], "unknown precision 'half'"),
        (["--style=a", "--preserve_color=match"], "--preserve_color needs --content and --style"),
        (["--epochs=0"], "epochs must be at least 1, not 0"),
        (["--epochs=many"], "--epochs=many"),
        (["--learning_rate=nan"], "learning_rate must be finite, not nan"),
        (["--beta_1=1"], "beta_1 must be at least 0 and at most 0.9999, not 1"),
        (["--content_layers=block5_con2"], "did you mean 'block5_conv2'"),
        (["--recipe=tutoral"], "did you mean 'tutorial'"),
        (["--pooling=avg"], "unknown pooling 'avg'"),
        (["--style_layer_weights=1,x"], "must be numbers such as 0.7,0.3, not '1,x'"),
        (["--content=a", "--style=b", "--style_blend=1,2"], "2 shares for 1 style"),
        (["--content=a", "--style=b", "--device=tpu"], "'tpu' is not auto, cpu, gpu"),
        (["--content=a", "--style=b", "--snapshot_every=-1"], "must be at least 0"),
        (["--content=a", "--style=b", "--snapshot_dir=c"], "needs --snapshot_every"),
        (["--content=a", "--style=b", "--min_dim=100"], "--min_dim needs --scales of at least 2"),
        (["--recipe=fast", "--style_weight=1:2"], "style_weight is a ramp, but epochs is 1"),
        (["--content=a", "--style_scale=1,2"], "style_scale has 2 values for 1 style"),
        (["--content=a", "--content_mask=m"], "--content_mask needs --content and --style"),
        (["--content=a", "--style_mask=m"], "--style_mask needs --style"),
        (["--content=a", "--style=b", "--style_mask="], "must not be empty: name a picture"),
        (["--content=a", "--style=b", "--style_scale=1,2"], "style_scale has 2 values for 1 style"),
        (["--style_scale=1,99"], "style_scale must be at least 0 and at most 16, not 99"),
        (
            ["--content=a", "--style=b", "--style_layer_weights=" + "1," * 9 + "1"],
            "style_layer_weights has 10 values for 5 style layers and 1 style:",
        ),
        (["--strength=-1"], "strength must be at least 0 and at most 10, not -1"),
        (
            ["--content=a", "--style=b", "--strength=0", "--content_weight=0"],
            "strength is 0, but there is no content to keep",
        ),
        (["--detail=0"], "detail must be at least 0.0625 and at most 16, not 0"),
    ],
)
def test_misused_flags_are_one_line_and_status_2(arguments, words, capfd):
    assert main(["nst", *arguments]) == 2
    out, err = capfd.readouterr()
    assert words in err
    assert err.startswith("nst_tf: ")
    assert err.count("\n") == 1
    assert out == ""


@pytest.fixture
def bad(tmp_path, photo):
    """Make the files of the refusals below."""
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:1000])
    Image.new("RGB", (200, 12)).save(tmp_path / "flat.png")
    Image.fromarray(np.full((32, 32), np.nan, np.float32)).save(tmp_path / "nan.tiff")
    (tmp_path / "bad.npz").write_bytes(b"PK nonsense")
    Image.new("RGB", (17000, 16)).save(tmp_path / "wide.png")
    Image.new("L", (20, 20), 255).save(tmp_path / "white.png")
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    left = Image.new("L", (20, 20))
    left.paste(255, (0, 0, 10, 20))
    left.save(tmp_path / "left.png")
    half = Image.new("RGBA", (40, 40), (9, 9, 9, 255))
    half.paste((0, 0, 0, 0), (0, 0, 20, 40))
    half.save(tmp_path / "half.png")
    Image.new("RGBA", (40, 40)).save(tmp_path / "clear.png")
    dot = Image.new("L", (900, 900))
    dot.putpixel((450, 450), 255)
    dot.save(tmp_path / "dot.png")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--content=none.png"], "none.png does not exist: check the path"),
        (["--style=none.png"], "none.png does not exist"),
        (["--content=text.png"], "text.png is not a picture"),
        (["--content=cut.png"], "cut.png cannot be read: damaged or truncated"),
        (["--content=flat.png"], "content is 200x12 pixels"),
        (["--style=flat.png"], "the deepest layer needs 16 a side"),
        (["--content=nan.tiff"], "nan.tiff holds NaN"),
        (["--init=contnt"], "contnt does not exist"),
        (["--weights=bundeld"], "must be 'bundled'"),
        (["--weights=bad.npz"], "bad.npz' are not the weights of a VGG19"),
        (["--weights=none.h5"], "none.h5' cannot be read: No such file"),
        (["--output=photo.png"], "would overwrite the input photo.png"),
        (["--output=none/out.png"], "directory none does not exist: create it first"),
        (["--output=out.gif"], "use one of .png"),
        (["--output=."], "use one of .png"),
        (["--history=painting.png"], "would overwrite the input painting.png"),
        (["--history=out.png", "--output=out.png"], "would overwrite the output out.png"),
        (["--figure=figure.jpg"], "must end in one of .png .pdf .svg"),
        (["--tensorboard_dir=text.png/runs"], "text.png is a file: name another --tensorboard_dir"),
        (
            ["--timelapse=film.avi"],
            "film.avi does not have the extension of an animation: use one of .gif",
        ),
        (["--snapshot_every=1", "--snapshot_dir=none/steps"], "directory none does not exist"),
        (["--snapshot_every=1", "--snapshot_dir=text.png"], "text.png is a file"),
        (["--snapshot_every=1", "--output=./step_00001.png", "--snapshot_dir=."], "may overwrite"),
        (
            ["--content=wide.png", "--max_dim=0", "--style_scale=0.01", "--output=o.webp"],
            "only 16383 a side: save a",
        ),
        (["--content_mask=none.png"], "none.png does not exist"),
        (["--content_mask=flat.png"], "flat.png is black all over: a mask must be white where"),
        (["--content_mask=white.png"] * 3 + ["--style=photo.png"], "3 content masks for 2 styles"),
        (["--style_mask=white.png"] * 2, "2 style masks for 1 style: give one for each"),
        (["--content_mask=red.png"], "need one content_mask and a style_mask for each style"),
        (["--content_mask=red.png", "--style_mask=white.png"], "no style_mask has the colour #ff"),
        (["--content_mask=white.png", "--output=white.png"], "would overwrite the input white.png"),
        (["--content=half.png", "--content_mask=left.png"], "transparent wherever a mask is white"),
        (["--content=clear.png"], "the photo is transparent all over"),
        (
            [
                "--content_mask=left.png",
                "--content_mask=white.png",
                "--style=photo.png",
                "--style_blend=1,2",
            ],
            "style_blend has no effect where each region has one style",
        ),
        (
            ["--content_mask=dot.png"],
            "content mask of region 1 is empty at 64x48 pixels: it is too small",
        ),
    ],
)
def test_bad_input_is_refused_before_tensorflow_starts(
    arguments, words, photo, painting, bad, tmp_path, capfd, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # to import it is an error
    files = sorted(tmp_path.iterdir())
    assert main(["nst", "--content=photo.png", "--style=painting.png", *arguments]) == 1
    out, err = capfd.readouterr()
    assert words in err
    assert err.count("\n") == 1
    assert out == ""
    assert sorted(tmp_path.iterdir()) == files


def test_a_missing_file_does_not_wait_for_tensorflow():
    script = (
        "import sys\nfrom nst_tf.run import main\n"
        "status = main(['nst', '--content=none.png', '--style=none.png'])\n"
        "sys.exit(status if 'tensorflow' not in sys.modules else 99)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "nst_tf: none.png does not exist: check the path\n"


def test_a_real_run_makes_every_output(tmp_path):
    words = [
        f"--content={ASSETS / 'cat.jpg'}", f"--style={ASSETS / 'great_wave.jpg'}",
        "--max_dim=64", "--epochs=2", "--steps_per_epoch=3", "--history=losses.csv",
        "--figure=figure.pdf", "--snapshot_every=2",
    ]  # fmt: skip
    done = forked.run([sys.executable, "-m", "nst_tf.run", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "--recipe painting" in lines[0]
    assert "64x43 pixels" in lines[1]
    assert "bundled weights" in lines[1]
    assert lines[2].startswith("Epoch 1/2 - ")
    assert lines[3].startswith("The run takes about 0:")
    assert lines[4].startswith("Epoch 2/2 - ")
    assert lines[5].startswith("Saved cat-great_wave.png after 0:")

    output = tmp_path / "cat-great_wave.png"
    assert size(output) == (64, 43)
    with open("losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "step", "total", "style", "content", "total_variation", "scale", "evaluations", "seconds",
    ]  # fmt: skip
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[-1]["total"]) < float(rows[0]["total"])
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    snapshots = sorted((tmp_path / "cat-great_wave-steps").iterdir())
    assert [path.name for path in snapshots] == [f"step_0000{n}.png" for n in (2, 4, 6)]
    assert snapshots[-1].read_bytes() == output.read_bytes()

    record = read_metadata(output)
    given = Settings(max_dim=64, epochs=2, steps_per_epoch=3)
    assert record["settings"] == json.loads(json.dumps(dataclasses.asdict(given)))
    assert record["steps"] == 6
    assert record["content"] == "cat.jpg"
    assert record["weights"] == {"name": "bundled", "sha256": BUNDLED_SHA256}
    assert set(record["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    assert str(ASSETS) not in output.read_bytes().decode("latin-1")


def test_a_run_repeats_and_a_seed_changes_it(photo, painting):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        flags = [*SHORT, "--init=noise", f"--seed={seed}", f"--output={name}.png", "--quiet"]
        assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 0
    a, b, c = (np.asarray(Image.open(f"{name}.png")) for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_quiet_is_quiet_and_several_styles_blend(photo, painting, capfd):
    shutil.copy(ASSETS / "auvers.jpg", "second.jpg")
    flags = [
        *SHORT,
        f"--style={painting}",
        "--style=second.jpg",
        "--style_blend=0.7,0.3",
        "--quiet",
    ]
    assert main(["nst", f"--content={photo}", *flags]) == 0
    assert capfd.readouterr() == ("", "")
    assert size("photo-painting-second.png") == (48, 36)


def test_a_start_picture_and_a_shallow_network_for_a_small_one(photo, painting, pixels):
    Image.fromarray((pixels(30, 30)[0] * 255).astype(np.uint8)).save("start.png")
    flags = [*SHALLOW, "--max_dim=8", "--epochs=1", "--steps_per_epoch=1", "--quiet"]
    assert (
        main(["nst", f"--content={photo}", f"--style={painting}", "--init=start.png", *flags]) == 0
    )
    assert size("photo-painting.png") == (8, 6)


def test_masks_on_the_real_command_line(tmp_path, capfd):
    mask = Image.new("L", (30, 20))
    mask.paste(255, (0, 0, 15, 20))
    mask.save("left.png")
    mask.point(lambda level: level // 2).save("half.png")
    Image.fromarray(255 - np.asarray(mask)).convert("1").save("right.png")
    Image.merge("RGB", [mask, mask.point(lambda level: 0), mask.point(lambda v: 255 - v)]).save(
        "map.png"
    )
    with Image.open(ASSETS / "cat.jpg") as cat:
        cat.resize((96, 64)).save("photo.png")
    flags = [*SHORT, "--max_dim=0", "--quiet", "--content=photo.png"]
    wave, village = (f"--style={ASSETS / name}" for name in ("great_wave.jpg", "auvers.jpg"))
    runs = {
        "part": ["--content_mask=left.png", wave],
        "both": ["--content_mask=left.png", "--content_mask=right.png", wave, village],
        "labels": ["--content_mask=map.png", wave, "--style_mask=map.png"],
        "ordered": ["--content_mask=left.png", "--content_mask=right.png", wave,
                    "--style_mask=left.png", "--style_mask=right.png"],
    }  # fmt: skip
    results = {}
    for name, more in runs.items():
        assert main(["nst", *flags, *more, f"--output={name}.png"]) == 0
        results[name] = np.asarray(Image.open(f"{name}.png")).astype(int)
    photo = np.asarray(Image.open("photo.png")).astype(int)
    np.testing.assert_array_equal(results["part"][:, 50:], photo[:, 50:])
    assert (results["part"] != photo)[:, :44].mean() > 0.5
    assert (results["both"] != photo)[:, 50:].mean() > 0.5
    np.testing.assert_allclose(results["labels"], results["ordered"], atol=1)
    assert read_metadata("both.png")["content_mask"] == ["left.png", "right.png"]

    more = ["--content_mask=left.png", wave, "--scales=2", "--min_dim=32", "--snapshot_every=1"]
    more.append("--overwrite")
    assert main(["nst", *flags, *more, "--snapshot_dir=steps", "--output=two.png"]) == 0
    coarse = np.asarray(Image.open("steps/step_00001.png"))  # enlarged, but not what stays
    np.testing.assert_array_equal(coarse[:, 50:], photo[:, 50:])

    more[0] = "--content_mask=half.png"  # composed once, not again when it is enlarged
    assert main(["nst", *flags, *more, "--strength=9", "--snapshot_dir=half"]) == 0
    faint = np.asarray(Image.open("half/step_00001.png")).astype(int)[:, :44]
    blurred = np.asarray(
        Image.open("photo.png").resize((48, 32), Image.LANCZOS).resize((96, 64), Image.LANCZOS)
    ).astype(int)[:, :44]
    assert np.abs(faint - photo[:, :44]).mean() > 0.8 * np.abs(blurred - photo[:, :44]).mean()


def test_transparent_parts_feed_no_statistics(photo):
    with Image.open(ASSETS / "great_wave.jpg") as wave:
        painting = wave.resize((72, 48)).convert("RGBA")
    mask = Image.new("L", painting.size)
    mask.paste(255, (0, 0, 40, 48))
    painting.putalpha(mask)
    painting.save("cut.png")
    mask.save("mask.png")
    white = Image.new("RGB", painting.size, "white")
    white.paste(painting, mask=mask)
    white.save("white.png")
    flags = [*SHORT, "--style_scale=0", "--quiet", f"--content={photo}"]
    runs = {"cut": [], "white": ["--style_mask=mask.png"], "plain": []}
    for name, more in runs.items():
        style = "white" if name == "plain" else name
        assert main(["nst", *flags, f"--style={style}.png", *more, f"--output=o-{name}.png"]) == 0
    cut, white, plain = (np.asarray(Image.open(f"o-{name}.png")) for name in runs)
    np.testing.assert_array_equal(cut, white)
    assert not np.array_equal(cut, plain)


def test_transparency_comes_back(painting):
    image = Image.new("RGBA", (64, 48), (200, 80, 40, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 48))
    image.save("logo.png")
    flags = [*SHORT, "--max_dim=0", "--quiet", "--output=out.webp"]
    assert main(["nst", "--content=logo.png", f"--style={painting}", *flags]) == 0
    with Image.open("out.webp") as result:
        alpha = np.asarray(result)[..., 3]
    np.testing.assert_array_equal(alpha[:, :32], 0)
    np.testing.assert_array_equal(alpha[:, 32:], 255)


@pytest.mark.parametrize(
    ("given", "name", "off"),
    [
        ("style", "painting-texture.png", "content"),
        ("content", "photo-reconstruction.png", "style"),
    ],
)
def test_one_picture_alone_is_synthesised_from_noise(photo, painting, given, name, off):
    path = {"style": painting, "content": photo}[given]
    flags = [*SHORT, "--optimizer=lbfgs", "--quiet", "--figure=figure.svg"]
    assert main(["nst", f"--{given}={path}", "--history=losses.csv", *flags]) == 0
    assert max(size(name)) == 48
    with open("losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row[off]) == 0 for row in rows)
    assert float(rows[-1]["total"]) < float(rows[0]["total"])
    record = read_metadata(name)
    assert record["settings"]["init"] == "noise"
    assert record["settings"][f"{off}_weight"] == 0


def test_ramps_reach_the_run(photo, painting):
    flags = [*SHORT, "--content_weight=1e-3:1e4", "--history=losses.csv", "--quiet"]
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 0
    with open("losses.csv", newline="") as file:
        content = [float(row["content"]) for row in csv.DictReader(file)]
    assert content[2] > 1e5 * content[1]


def test_a_run_goes_through_its_scales_and_ends_by_itself(capfd):
    arguments = [f"--content={ASSETS / 'cat.jpg'}", f"--style={ASSETS / 'great_wave.jpg'}"]
    flags = [
        *SHALLOW, "--neighbor_layers=block2_conv1", "--recipe=fast", "--max_dim=64", "--min_dim=32",
        "--steps=100", "--coarse_steps=1", "--min_gain=0.08", "--snapshot_every=10",
        "--history=h.csv",
    ]  # fmt: skip
    assert main(["nst", *arguments, *flags]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    _, expected, coarse, fine, strokes, saved = out.splitlines()
    assert expected.startswith("The run takes at most 0:")
    assert coarse.startswith("Scale 1/2, 32x22 pixels - ")
    assert fine.startswith("Scale 2/2, 64x43 pixels - ")
    assert strokes.startswith("Brushstrokes 1/1, 64x43 pixels - ")
    with open("h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["scale"] for row in rows} == {"1", "2"}
    assert 40 <= len(rows) < 200
    assert saved.endswith(f", at step {len(rows)}: converged (improvement below --min_gain)")
    assert size("cat-great_wave-steps/step_00010.png") == size("cat-great_wave.png") == (64, 43)


def test_a_time_limit_is_said(photo, painting, capfd):
    flags = [*SHORT, "--scales=2", "--min_dim=24", "--time_limit=0.001", "--recipe=tutorial"]
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].endswith(" of memory")  # it was over before its time could be told
    assert [line.split(" - ")[0] for line in lines[1:3]] == [
        "Scale 1/2, 24x18 pixels", "Scale 2/2, 48x36 pixels",
    ]  # fmt: skip
    assert lines[3].endswith(", the time limit, at step 2")
    assert size("photo-painting.png") == (48, 36)


def test_an_animation_is_a_warning_on_one_line(painting, capfd):
    frames = [Image.new("RGB", (48, 48), colour) for colour in ("red", "blue")]
    frames[0].save("film.gif", save_all=True, append_images=frames[1:])
    assert main(["nst", "--content=film.gif", f"--style={painting}", *SHORT, "--quiet"]) == 0
    assert capfd.readouterr().err == (
        "nst_tf: warning: film.gif has 2 frames: only the first is used\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("signals_not_ignored")
def test_a_stopped_run_saves_what_it_has(photo, painting, tmp_path, number):
    process = forked.Popen(
        [sys.executable, "-m", "nst_tf", f"--content={photo}", f"--style={painting}", *SHALLOW,
         "--max_dim=48", "--epochs=1000", "--steps_per_epoch=1000", "--snapshot_every=5",
         "--history=losses.csv"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = tmp_path / "photo-painting-steps" / "step_00005.png"
    err = stop(process, first, number)
    assert process.returncode == 128 + number
    with open("losses.csv", newline="") as file:
        steps = len(list(csv.DictReader(file)))
    assert steps >= 5
    assert err == (
        f"nst_tf: stopped after step {steps} of 1000000; "
        "the picture is saved as photo-painting.png\n"
    )
    assert read_metadata("photo-painting.png")["steps"] == steps


def test_an_overflow_at_the_start_leaves_nothing(photo, painting, tmp_path, capfd):
    flags = [*SHORT, "--style_weight=1e38", "--quiet"]
    files = sorted(tmp_path.iterdir())
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 1
    err = capfd.readouterr().err
    assert err == "nst_tf: the loss is no longer finite at step 1: lower style_weight\n"
    assert sorted(tmp_path.iterdir()) == files


def test_a_place_that_vanishes_does_not_lose_the_picture(photo, painting, capfd):
    os.mkdir("gone")
    words = [str(photo), str(painting), *SHORT, "--quiet", "--output=gone/out.png"]
    assert watched.main(words, watched.after(1, lambda: os.rmdir("gone"))) == 1
    err = capfd.readouterr().err
    assert "gone/out.png cannot be written" in err
    (rescued,) = re.findall(r"the picture is saved as (.*nst_tf-\w+/picture\.png)\n", err)
    assert size(rescued) == (48, 36)
    shutil.rmtree(os.path.dirname(rescued))


def test_a_name_as_long_as_the_file_system_allows(photo, painting):
    name = "n" * 251 + ".png"
    flags = [*SHORT, "--quiet", f"--output={name}"]
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 0
    assert size(name) == (48, 36)


def test_a_failing_history_does_not_take_the_figure_along(photo, painting, capfd):
    flags = [*SHORT, "--quiet", "--history=/dev/full", "--figure=figure.svg"]
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 1
    assert capfd.readouterr().err == (
        "nst_tf: /dev/full cannot be written: No space left on device, free some or choose another "
        "place; the picture is saved as photo-painting.png\n"
    )
    assert os.path.exists("figure.svg")


def test_the_environment_does_not_cost_the_picture(photo, painting):
    """Run with a full disk for the output, an ASCII terminal, and Keras set up for PyTorch."""
    os.mkdir("home")
    with open("home/keras.json", "w") as file:
        json.dump({"image_data_format": "channels_first", "floatx": "float32"}, file)
    command = [sys.executable, "-m", "nst_tf", f"--content={photo}", f"--style={painting}", *SHORT]
    environment = os.environ | {
        "PYTHONIOENCODING": "ascii", "KERAS_HOME": os.path.abspath("home"),
        "KERAS_BACKEND": "torch",
    }  # fmt: skip
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert size("photo-painting.png") == (48, 36)


def test_a_tensorflow_by_another_name_does_not_cost_the_picture(photo, painting):
    script = (  # no distribution has the name, as with tensorflow-cpu or tf-nightly
        "import importlib.metadata, sys, types\n"
        "sys.meta_path[:] = [\n"
        "    types.SimpleNamespace(find_spec=finder.find_spec) for finder in sys.meta_path\n"
        "]\n"
        "try:\n    importlib.metadata.version('tensorflow')\n"
        "except importlib.metadata.PackageNotFoundError:\n    pass\n"
        "else:\n    sys.exit('found')\n"
        "from nst_tf.run import main\n"
        "assert main(sys.argv) == 0\n"
        "import tensorflow as tf\nprint(tf.__version__)\n"
    )
    flags = [f"--content={photo}", f"--style={painting}", *SHORT, "--quiet"]
    done = forked.run(
        [sys.executable, "-c", script, *flags], capture_output=True, text=True, check=True
    )
    assert done.stdout == read_metadata("photo-painting.png")["versions"]["tensorflow"] + "\n"


def test_no_path_goes_into_the_metadata(photo, painting, tmp_path):
    shutil.copy(photo, "start.png")
    flags = [*SHORT, "--quiet", f"--init={tmp_path / 'start.png'}"]
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 0
    record = read_metadata("photo-painting.png")
    assert record["settings"]["init"] == "start.png"
    assert str(tmp_path) not in json.dumps(record)


def test_a_bug_in_the_run_keeps_the_picture_and_shows_its_traceback(photo, painting):
    with pytest.raises(ZeroDivisionError):
        watched.main([str(photo), str(painting), *SHORT], watched.after(2, lambda: 1 / 0))
    assert read_metadata("photo-painting.png")["steps"] == 2


@pytest.mark.parametrize(
    ("program", "step"),
    [
        ("cli", "nst_tf.cli.session.prepare"),
        ("video", "nst_tf.video.job.prepare"),
        ("batch", "nst_tf.batch.source.Jobs"),
    ],
)
def test_a_bug_of_a_program_shows_its_traceback(program, step, photo, painting, monkeypatch):
    def mistaken(*_):
        np.zeros(3) + np.zeros(4)

    monkeypatch.setattr(step, mistaken)
    words = [str(photo), str(painting), *SHORT, "--quiet"]
    if program == "batch":
        words = [f"--{name}_dir=." for name in ("content", "style", "output")]
    with pytest.raises(ValueError, match="could not be broadcast"):
        importlib.import_module(f"nst_tf.{program}.program").main(["nst", *words])


def test_memory_running_out_is_one_line(photo, painting, capfd):
    class Exhausted:
        def finish(self, callbacks, state):
            raise MemoryError

    job, device = ready(parse(["nst", str(photo), str(painting), *SHORT, "--quiet"]))
    assert PictureRun(dataclasses.replace(job, transfer=Exhausted()), device).run() == 1
    assert capfd.readouterr().err == "nst_tf: memory ran out: lower --max_dim or --style_scale\n"


@pytest.mark.parametrize("flag", ["--deterministic", "--nodeterministic"])
def test_deterministic_runs_refuse_what_does_not_repeat(photo, painting, flag):
    script = (
        "import sys\nfrom nst_tf.run import main\n"
        "assert main(sys.argv) == 0\n"
        "import tensorflow as tf\n"
        "try:\n    tf.random.uniform([1])\n"  # without a seed
        "except RuntimeError as error:\n    print(error)\n"
    )
    flags = [f"--content={photo}", f"--style={painting}", *SHORT, "--quiet", flag]
    done = forked.run(
        [sys.executable, "-c", script, *flags], capture_output=True, text=True, check=True
    )
    assert ("require a seed" in done.stdout) == (flag == "--deterministic")


def test_a_small_budget_is_kept_by_blocks(photo, painting, capfd):
    Image.open(photo).resize((500, 375)).save("large.png")
    flags = [*SHALLOW, "--steps=1", "--max_dim=500", "large.png", str(painting)]
    job, device = ready(parse(["nst", *flags]))
    assert re.search(r"weights · about [\d.]+ GiB of memory$", PictureRun(job, device).headline())
    blocks = dataclasses.replace(job.settings, block_size=128, convolution="direct")
    fitted = job.inputs.fitted
    needed = plan_memory(blocks, fitted.scales, fitted.style_sizes)[-1].peak
    assert main(["nst", *flags, f"--memory_budget={needed / 1000}KB"]) == 0
    assert " of memory, in tiles of 128 pixels\n" in capfd.readouterr().out
    assert size("large-painting.png") == (500, 375)


def test_the_recorded_plan_is_the_one_at_the_end(photo, painting, capfd, monkeypatch):
    import tensorflow as tf

    from nst_tf.transfer import step

    compiled = step.compiled

    def exhausted(network, terms, shape, winograd, block_size):
        if not block_size:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return compiled(network, terms, shape, winograd, block_size)

    monkeypatch.setattr(step, "compiled", exhausted)
    Image.open(photo).resize((200, 150)).save("large.png")
    flags = [*SHORT, "--max_dim=200", f"--style={painting}", "--content=large.png", "--quiet"]
    assert main(["nst", *flags]) == 0
    assert capfd.readouterr().err == (
        "nst_tf: warning: out of memory: continuing with 192-pixel tiles\n"
    )
    plan = read_metadata("large-painting.png")["plan"]
    assert plan["block_size"] == 192
    assert set(plan) == {"block_size", "lbfgs_memory", "winograd", "precision"}


def test_a_budget_that_nothing_fits_is_one_line(photo, painting, capfd):
    flags = ["--memory_budget=0.5GiB", "--snapshot_every=1", *SHORT]
    assert main(["nst", f"--content={photo}", f"--style={painting}", *flags]) == 1
    assert re.fullmatch(
        r"nst_tf: TensorFlow and the network need about \d+ MiB of memory, but the run may take "
        r"512 MiB: free memory or raise memory_budget\n",
        capfd.readouterr().err,
    )
    assert not os.path.exists("photo-painting.png")
    assert not os.path.exists("photo-painting-steps")


def test_memory_running_out_keeps_the_picture_of_the_coarser_scale(photo, painting, capfd):
    def exhausted():
        raise MemoryError

    words = [str(photo), str(painting), "--quiet", *SHORT, "--scales=2", "--min_dim=24"]
    words.append("--figure=figure.png")
    assert watched.main(words, watched.after(4, exhausted)) == 1
    assert capfd.readouterr().err == (
        "nst_tf: memory ran out: lower --max_dim or --style_scale; "
        "the picture is saved as photo-painting.png\n"
    )
    assert size("photo-painting.png") == (48, 36)
    assert read_metadata("photo-painting.png")["steps"] == 4
    assert os.path.exists("figure.png")


@pytest.mark.usefixtures("signals_not_ignored")
def test_a_run_stopped_at_a_coarse_scale_keeps_its_size_and_transparency(painting):
    image = Image.new("RGBA", (64, 48), (200, 80, 40, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 48))
    image.save("logo.png")
    flags = [*SHALLOW, "--epochs=1000", "--scales=3", "--min_dim=8", "--snapshot_every=3"]
    process = forked.Popen(
        [sys.executable, "-m", "nst_tf", "--content=logo.png", f"--style={painting}", *flags],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    first = "logo-painting-steps/step_00003.png"
    err = stop(process, first, signal.SIGINT)
    assert process.returncode == 130
    assert " of 300000; " in err
    for path in ("logo-painting.png", first):
        with Image.open(path) as result:
            alpha = np.asarray(result)[..., 3]
        np.testing.assert_array_equal(alpha, np.repeat([[0] * 32 + [255] * 32], 48, axis=0))
