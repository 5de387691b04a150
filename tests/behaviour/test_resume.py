"""Runs that are killed, stopped or asked to go on with what does not fit."""

import csv
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.cli.flags import parse
from nst_tf.cli.program import main
from nst_tf.cli.session import PictureRun, ready
from nst_tf.transfer.checkpoint import load_checkpoint
from nst_tf.utils.stop import StopRequest
from tests import forked

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("in_tmp_path")]

SHALLOW = ["--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1"]
# Of each run: at which of its checkpoints, at which moment, and the step that is kept. Whether a
# file is whole does not depend on what it holds: one of the runs is killed at every moment.
KILLS = ((2, "half", 1), (3, "saved", 4), (1, "whole", 4), (2, "half", 5))
FEWER = ((3, "saved", 3), (3, "half", 5))


def run(module, *words):
    return forked.run([sys.executable, "-m", module, *words], capture_output=True, text=True)


def rows(path):
    with open(path, newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("kills", "flags"),
    [
        (KILLS, ["--optimizer=adam", "--scales=2", "--min_dim=24", "--epochs=2",
                 "--steps_per_epoch=2", "--averaging=0.9"]),
        (FEWER, ["--optimizer=lbfgs", "--scales=2", "--min_dim=24", "--epochs=1",
                 "--steps_per_epoch=4"]),
        (FEWER, ["--optimizer=lbfgs", "--block_size=32", "--epochs=2", "--steps_per_epoch=4",
                 "--style_weight=1e-3:1e-2"]),
        (FEWER, ["--recipe=painting", "--min_dim=32", "--steps=4",
                 "--neighbor_layers=block2_conv1"]),
    ],
    ids=["adam", "lbfgs", "blocks", "painting"],
)  # fmt: skip
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_picture(
    photo, painting, kills, flags
):
    flags = [str(photo), str(painting), "--max_dim=64", "--deterministic", *SHALLOW, *flags]
    again = [*flags, "--resume", "--output=killed.png", "--history=killed.csv"]
    for number, moment, kept in kills:
        killed = run("tests.behaviour.killed_run", str(number), moment, *again)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not Path("killed.png").exists()
        assert load_checkpoint("killed.png.checkpoint").state.step == kept
    # The run that resumes and the one that never ended share a process: they trace the same graphs.
    whole = [*flags, "--output=whole.png", "--history=whole.csv"]
    script = "from nst_tf.run import main\nassert [main(['', *words]) for words in {}] == [0, 0]"
    script = script.format([again, whole])
    done = forked.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pictures = [np.asarray(Image.open(f"{name}.png")) for name in ("whole", "killed")]
    np.testing.assert_array_equal(*pictures)
    whole, other = rows("whole.csv"), rows("killed.csv")
    assert other == whole
    assert not [path.name for path in Path().iterdir() if "checkpoint" in path.name]


def command(photo, painting, *flags):
    return ["nst", str(photo), str(painting), *SHALLOW, "--max_dim=48", "--quiet", *flags]


def paint(photo, painting, *flags):
    return main(command(photo, painting, *flags))


def picture_run(photo, painting, *flags, watchers=()):
    """Return what the program runs for a command, with further callbacks."""
    return PictureRun(*ready(parse(command(photo, painting, *flags))), watchers)


@pytest.fixture
def stopped(photo, painting, capfd, signals_not_ignored):
    """Stop a run after its third step of six and return what its command was."""

    def interrupt(progress):
        if progress.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    flags = ["--epochs=1", "--steps_per_epoch=6", "--resume"]
    assert picture_run(photo, painting, *flags, watchers=[interrupt]).run() == 130
    assert capfd.readouterr().err == (
        "nst_tf: stopped after step 3 of 6; the same command resumes the run; the picture is "
        "saved as photo-painting.png\n"
    )
    return flags


def test_a_stopped_run_goes_on_by_the_same_command(photo, painting, stopped):
    assert Path("photo-painting.png").exists()
    assert load_checkpoint("photo-painting.png.checkpoint").state.step == 3
    first = Path("photo-painting.png").read_bytes()
    assert paint(photo, painting, *stopped) == 0
    assert Path("photo-painting.png").read_bytes() != first
    names = {path.name for path in Path().iterdir()}
    assert names == {"photo.png", "painting.png", "photo-painting.png"}
    assert paint(photo, painting, *stopped[:-1], "-o", "whole.png") == 0
    pictures = [np.asarray(Image.open(name)) for name in ("photo-painting.png", "whole.png")]
    np.testing.assert_array_equal(*pictures)


def test_a_result_without_checkpoint_is_another_runs(photo, painting, stopped):
    assert paint(photo, painting, *stopped) == 0
    assert paint(photo, painting, *stopped) == 0
    assert Path("photo-painting-2.png").exists()


def test_what_does_not_fit_is_refused_by_name(photo, painting, stopped, capfd):
    capfd.readouterr()
    assert paint(photo, painting, *stopped, "--content_weight=5") == 1
    assert capfd.readouterr().err == (
        "nst_tf: photo-painting.png.checkpoint: the checkpoint belongs to a different run: "
        "content_weight is 5.0, was 10000.0; repeat that run's command, add --resume_anyway, or "
        "delete it to start again\n"
    )
    Image.open(photo).rotate(180).save(photo)
    assert paint(photo, painting, *stopped) == 1
    assert "the checkpoint belongs to a different run: content; repeat" in capfd.readouterr().err
    assert paint(photo, painting, *stopped, "--resume_anyway", "--max_dim=40") == 1
    assert "the saved run works at other sizes; delete it" in capfd.readouterr().err
    assert paint(photo, painting, *stopped, "--resume_anyway", "--content_weight=5") == 0


def test_a_damaged_checkpoint_is_refused_in_one_line(photo, painting, stopped, capfd):
    path = Path("photo-painting.png.checkpoint")
    path.write_bytes(path.read_bytes()[:-100])
    capfd.readouterr()
    assert paint(photo, painting, *stopped) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line == (
        "nst_tf: photo-painting.png.checkpoint is damaged or not a checkpoint: delete "
        "it to start again"
    )


def test_a_finished_run_that_lost_its_picture_saves_it(photo, painting):
    flags = ["--epochs=1", "--steps_per_epoch=2", "--resume"]
    run = picture_run(photo, painting, *flags)
    run.stylize(StopRequest())  # as far as a run that is killed before it saves the picture
    run.checkpoint.save()
    assert not Path("photo-painting.png").exists()
    assert load_checkpoint("photo-painting.png.checkpoint").state.step == 2
    assert paint(photo, painting, *flags) == 0
    assert Path("photo-painting.png").exists()


def test_the_time_limit_counts_the_time_before(photo, painting, stopped):
    import dataclasses

    from nst_tf.transfer.checkpoint import save_checkpoint

    path = "photo-painting.png.checkpoint"
    saved = load_checkpoint(path)
    late = dataclasses.replace(saved.state, seconds=1e6)
    limit = saved.identity | {"time_limit": 1e5}
    save_checkpoint(path, dataclasses.replace(saved, state=late, identity=limit))
    steps = []
    flags = [*stopped, "--time_limit=100000"]
    assert picture_run(photo, painting, *flags, watchers=[steps.append]).run() == 0
    assert steps == []


def test_flags_of_checkpoints_need_resume(photo, painting, capfd):
    assert paint(photo, painting, "--checkpoint_every=5") == 2
    assert "--checkpoint_every needs --resume" in capfd.readouterr().err
    assert paint(photo, painting, "--resume", "--checkpoint_every=-1") == 2
    assert "--checkpoint_every must be at least 0" in capfd.readouterr().err


def test_the_library_goes_on_from_a_checkpoint(pixels):
    from nst_tf import Checkpoint, stylize

    settings = {"epochs": 1, "steps_per_epoch": 4, "max_dim": 32, "optimizer": "lbfgs"}
    settings |= {"content_layers": ["block1_conv2"], "style_layers": ["block1_conv1"]}
    content, style = pixels(32, 24), pixels(32, 24, seed=1)
    whole = stylize(content, style, **settings)
    keep = Checkpoint("run.checkpoint", every=0)
    stylize(content, style, callbacks=[keep, lambda p: p.step == 2], **settings)
    keep.save()
    steps = []
    rest = stylize(
        content, style, state=load_checkpoint("run.checkpoint"),
        callbacks=[lambda p: steps.append(p.step)], **settings,
    )  # fmt: skip
    assert steps == [3, 4]
    np.testing.assert_array_equal(rest, whole)
    with pytest.raises(ValueError, match="the checkpoint belongs to a different run: style 1"):
        stylize(content, content, state=load_checkpoint("run.checkpoint"), **settings)
