"""What a run writes, and what it leaves alone."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf import load_image, save_image
from nst_tf.cli.flags import parse
from nst_tf.cli.output_paths import OutputPaths
from nst_tf.cli.program import main
from nst_tf.cli.session import PictureRun, ready
from nst_tf.utils.errors import UserError
from tests import forked, watched
from tests.callbacks.test_tensorboard import events
from tests.conftest import ASSETS

pytestmark = pytest.mark.usefixtures("in_tmp_path")

SHORT = ["--content_layers=block2_conv2", "--style_layers=block1_conv1", "--steps=2"]
SHORT += ["--max_dim=48", "--recipe=tutorial"]
NO_DEVICE = "--device=gpu:99"
"""A flag that ends the program before it paints, since no machine has its device."""


def paths(*words):
    return OutputPaths.of(parse(["nst-tf", "a.png", "b.png", *words]))


def touch(*names):
    for name in names:
        with open(name, "x"):
            pass


def test_the_default_name_is_the_next_free_one():
    assert str(paths().picture) == "a-b.png"
    touch("a-b.png")
    assert str(paths().picture) == "a-b-2.png"
    assert str(paths("--snapshot_every=5").snapshots) == "a-b-2-steps"
    touch("a-b-2.png")
    assert str(paths().picture) == "a-b-3.png"
    assert str(paths("--overwrite").picture) == "a-b.png"
    os.symlink("nowhere", "a-b-3.png")
    assert str(paths().picture) == "a-b-4.png"


def test_snapshots_of_an_earlier_run_count_too():
    os.mkdir("a-b-steps")
    assert str(paths("--snapshot_every=5").picture) == "a-b.png"
    touch("a-b-steps/step_00005.png")
    assert str(paths().picture) == "a-b.png"
    assert str(paths("--snapshot_every=5").picture) == "a-b-2.png"
    assert str(paths("--snapshot_every=5", "--overwrite").picture) == "a-b.png"
    assert str(paths("--snapshot_every=5", "--snapshot_dir=a-b-steps").picture) == "a-b.png"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "old.png"], "old.png exists: choose another name or add --overwrite"),
        (["--history=old.csv"], "old.csv exists: choose"),
        (["--figure=old.pdf"], "old.pdf exists: choose"),
        (["--timelapse=old.gif"], "old.gif exists: choose"),
        (["-o", "link.png"], "link.png exists: choose"),
        (["--snapshot_every=1", "--snapshot_dir=old-steps"], "old-steps holds snapshots: name"),
        (["--snapshot_every=1", "-o", "old.jpg"], "old-steps holds snapshots: name another"),
    ],
)
def test_what_is_there_is_not_replaced_unless_told(words, message):
    touch("old.png", "old.csv", "old.pdf", "old.gif")
    os.symlink("old.png", "link.png")
    os.mkdir("old-steps")
    touch("old-steps/step_00001.png")
    with pytest.raises(FileExistsError) as caught:
        paths(*words).check([])
    assert message in str(caught.value)
    paths(*words, "--overwrite").check([])


def test_devices_and_pipes_keep_nothing():
    os.mkfifo("pipe.png")
    os.symlink("nowhere.png", "link.png")
    paths("-o", "pipe.png", "--history=/dev/null").check([])
    paths("-o", "link.png").check([])


def test_streams_have_no_ending_and_can_be_named_twice():
    paths("-o", "/dev/null", "--history=/dev/stdout", "--figure=f.png").check(["/dev/null"])
    os.mkfifo("pipe")
    paths("-o", "pipe", "--history=/dev/null", "--timelapse=t.gif").check([])


LONG = "é" * 123


def test_default_names_leave_room_for_numbers_and_checkpoints():
    words = ["nst-tf", f"{LONG}.jpg", f"{'x' * 250}.png", "--resume", "--snapshot_every=1"]
    first = OutputPaths.of(parse(words))
    assert first.picture.name.startswith("éé")
    assert "-xxx" in first.picture.name
    first.check([])
    touch(first.picture)
    second = OutputPaths.of(parse(words))
    assert second.picture.name == f"{first.picture.stem}-2.png"
    for path in (second.picture, second.checkpoint, second.snapshots):
        touch(path)
    other = OutputPaths.of(parse([*words[:2], f"{'x' * 249}y.png"]))
    assert other.picture != first.picture


def test_the_checkpoint_of_a_long_name_is_shortened():
    found = paths("--resume", "-o", f"{LONG}aaaa.png")
    found.check([])
    touch(found.picture, found.checkpoint)
    assert found.checkpoint.suffix == ".checkpoint"
    assert found.checkpoint != paths("--resume", "-o", f"{LONG}aaab.png").checkpoint


def test_a_name_that_is_too_long_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"é\.png is a name of 264 bytes: use at most 255"):
        paths("-o", f"{'é' * 130}.png").check([])


def history_to(stdout, *flags):
    """Run the program with its history on stdout; it prints nothing to stderr."""
    words = ["photo.png", "painting.png", *SHORT, "--history=/dev/stdout", "-o", "/dev/null"]
    command = [sys.executable, "-m", "nst_tf.run", *words, *flags]
    done = forked.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize(("reader", "flags"), [("head -1", ["--quiet"]), ("wc -l", [])])
def test_the_history_can_go_through_a_pipe(photo, painting, reader, flags):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(reader.split(), text=True, **pipes) as process:
        history_to(process.stdin, *flags)
        assert process.communicate()[0].count("\n") == 1


def test_the_history_can_be_appended_to_a_file(photo, painting):
    Path("log").write_text("a line before\n")
    with open("log", "a") as log:
        history_to(log, "--quiet")
    first, header, *steps = Path("log").read_text().splitlines()
    assert first == "a line before"
    assert header.startswith("step,total,style")
    assert len(steps) == 2


def test_the_first_line_names_the_photo_and_the_number_of_paintings(photo, painting, capfd):
    def first_line(*words):
        assert main(["nst-tf", "photo.png", *words, NO_DEVICE]) == 1
        return capfd.readouterr().out.splitlines()[0]

    one, chosen = ["painting.png"], "--recipe=tutorial"
    assert first_line(*one).startswith("The recipe tutorial takes 1000 steps")
    assert first_line(*one * 2).startswith("The recipe tutorial takes 1000 steps")
    assert first_line(*one * 2, chosen) == "Photo photo.png, blended from 2 paintings"
    assert first_line(*one * 3, chosen) == (
        "Photo photo.png, blended from 3 paintings; nst-tf-batch paints several photos"
    )


def test_the_first_line_counts_the_faces_that_are_kept(photo, painting, capfd):
    def lines(*words):
        assert main(["nst-tf", *words, "painting.png", "--recipe=fast", NO_DEVICE]) == 1
        return capfd.readouterr().out.splitlines()

    one = load_image(ASSETS / "astronaut.jpg", 256)
    save_image("one.png", one)
    save_image("two.png", np.concatenate([one, one[:, :, ::-1]], axis=2))
    remedy = "--no_keep_faces paints"
    assert lines("one.png") == [f"1 face kept: {remedy} it like the rest"]
    assert lines("two.png") == [f"2 faces kept: {remedy} them like the rest"]
    for words in (["one.png", "--no_keep_faces"], ["one.png", "--quiet"], ["photo.png"]):
        assert lines(*words) == []


def test_an_input_is_never_replaced(photo, painting, capfd):
    before = photo.read_bytes()
    assert main(["nst-tf", "photo.png", "painting.png", "-o", "photo.png", "--overwrite"]) == 1
    assert "photo.png would overwrite the input photo.png" in capfd.readouterr().err
    assert photo.read_bytes() == before


def test_a_named_result_is_refused_before_tensorflow_starts(photo, painting, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    touch("old.png")
    assert main(["nst-tf", "photo.png", "painting.png", "-o", "old.png"]) == 1
    assert capfd.readouterr() == (
        "", "nst_tf: old.png exists: choose another name or add --overwrite\n",
    )  # fmt: skip


def test_a_name_that_is_taken_during_the_run_is_left_alone(photo, painting, capfd):
    names = ("photo-painting.png", "losses.csv", "losses-2.csv")
    words = ["photo.png", "painting.png", *SHORT, "--history=losses.csv", "--quiet"]
    assert watched.main(words, watched.after(1, lambda: touch(*names))) == 0
    for name in names:
        assert os.path.getsize(name) == 0
    with Image.open("photo-painting-2.png") as picture:
        assert picture.size == (48, 36)
    assert os.path.getsize("losses-3.csv")
    warned = [line for line in capfd.readouterr().err.splitlines() if line.startswith("nst_tf")]
    assert warned == [
        "nst_tf: warning: photo-painting.png now exists: photo-painting-2.png is written instead",
        "nst_tf: warning: losses.csv now exists: losses-3.csv is written instead",
    ]


def test_overwriting_replaces(photo, painting):
    touch("old.png")
    flags = [*SHORT, "--quiet", "-o", "old.png", "--overwrite"]
    assert main(["nst-tf", "photo.png", "painting.png", *flags]) == 0
    assert np.asarray(Image.open("old.png")).shape == (36, 48, 3)


def test_a_run_without_a_figure_works_without_matplotlib(photo, painting):
    # Keras imports it where it is installed, so that sys.modules would not tell.
    script = (
        "import sys\nsys.modules['matplotlib'] = None\n"
        "from nst_tf.run import main\nsys.exit(main(sys.argv))"
    )
    words = ["photo.png", "painting.png", *SHORT, "--quiet", "--history=h.csv"]
    done = subprocess.run([sys.executable, "-c", script, *words], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_waits_for_matplotlib():
    script = "import sys, nst_tf, nst_tf.run; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.parametrize(
    ("words", "steps"),
    [([], "1000 steps"), (["--recipe=tutorial"], ""), (["--quiet"], ""), (["--steps=1"], "1 step")],
)
def test_who_names_no_recipe_hears_of_painting(photo, painting, capfd, words, steps):
    assert main(["nst-tf", "photo.png", "painting.png", *words, NO_DEVICE]) == 1
    out = capfd.readouterr().out
    advice = f"The recipe tutorial takes {steps}: --recipe painting looks better, in about a minute"
    assert out == (f"{advice}\n" if steps else "")


def test_the_history_tells_of_layers_on_request(photo, painting):
    flags = [*SHORT, "--optimizer=lbfgs", "--quiet", "--history=h.csv", "--history-layers"]
    flags[1] = "--style_layers=relu1_1,relu2_1"
    assert main(["nst-tf", "photo.png", "painting.png", *flags]) == 0
    with open("h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    shares = ["style/block1_conv1", "style/block2_conv1", "content/block2_conv2"]
    assert list(rows[0])[-3:] == shares
    for row in rows:
        style = sum(float(row[name]) for name in shares[:2])
        assert style == pytest.approx(float(row["style"]), rel=1e-5)
        assert float(row[shares[2]]) == pytest.approx(float(row["content"]), rel=1e-5)


def frames(path):
    with Image.open(path) as film:
        return film.size, getattr(film, "n_frames", 1)


def test_a_run_leaves_its_time_lapse(photo, painting):
    flags = [*SHORT, "--steps=4", "--init=noise", "--quiet", "--timelapse=film.webp"]
    assert main(["nst-tf", "photo.png", "painting.png", *flags]) == 0
    assert frames("film.webp") == ((48, 36), 4)


def test_a_stopped_run_leaves_its_time_lapse_at_the_size_of_the_result(
    photo, painting, signals_not_ignored
):
    words = ["photo.png", "painting.png", *SHORT, "--steps=4", "--init=noise", "--scales=2"]
    words += ["--min_dim=16", "--quiet", "--timelapse=film.gif"]
    interrupt = watched.after(3, lambda: signal.raise_signal(signal.SIGINT))
    assert watched.main(words, interrupt) == 130
    assert frames("film.gif") == ((48, 36), 3)
    with Image.open("photo-painting.png") as picture:
        assert picture.size == (48, 36)


def test_an_output_with_a_bug_costs_no_other_and_shows_its_traceback(photo, painting, capfd):
    flags = [*SHORT, "--quiet", "--figure=f.png", "--history=h.csv", "--timelapse=film.gif"]
    run = PictureRun(*ready(parse(["nst-tf", "photo.png", "painting.png", *flags])))
    run.outputs.history.rows.append({"total": 1.0})  # a row without its step
    assert run.run() == 1
    *above, line = capfd.readouterr().err.splitlines()
    assert line == (
        "nst_tf: f.png cannot be written: KeyError: 'step'; the picture is saved as "
        "photo-painting.png"
    )
    assert "Traceback (most recent call last):" in above
    for name in ("photo-painting.png", "h.csv", "film.gif"):
        assert os.path.getsize(name)


def test_a_time_lapse_that_cannot_be_written_does_not_cost_the_picture(photo, painting, capfd):
    os.symlink("/dev/full", "film.gif")
    flags = [*SHORT, "--quiet", "--timelapse=film.gif"]
    assert main(["nst-tf", "photo.png", "painting.png", *flags]) == 1
    assert capfd.readouterr().err.splitlines()[-1] == (
        "nst_tf: film.gif cannot be written: No space left on device, free some or choose another "
        "place; the picture is saved as photo-painting.png"
    )
    assert os.path.exists("photo-painting.png")


def test_a_run_tells_tensorboard_of_itself(photo, painting):
    flags = [*SHORT, "--quiet", "--tensorboard_dir=runs/first"]
    assert main(["nst-tf", "photo.png", "painting.png", *flags]) == 0
    found = events(Path("runs/first"))
    assert [step for tag, step, *_ in found if tag == "loss/style"] == [1, 2]
    assert [step for tag, step, *_ in found if tag == "picture"] == [1, 2]
    (value,) = (value for tag, _, _, value, _ in found if tag == "settings")
    assert b"| max_dim | 48 |" in value.item()
