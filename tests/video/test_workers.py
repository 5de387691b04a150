"""Films whose scenes are shared out: two scenes of three small frames."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.cli.arguments import UsageError
from nst_tf.cli.streams import exit_status
from nst_tf.video.flags import NOTHING, parse_video
from nst_tf.video.job import prepare
from nst_tf.video.program import main
from nst_tf.video.session import VideoRun
from nst_tf.video.store import FrameStore
from nst_tf.video.workers import ScenePainter, video_job
from nst_tf.workers.job import Job
from tests.conftest import ROOT
from tests.video.clips import moving
from tests.video.copyist import Copyist

pytestmark = pytest.mark.process

FLAGS = [
    "--content_layers=block2_conv2", "--style_layers=block1_conv1", "--neighbor_weight=0",
    "--scales=1", "--max_dim=48", "--steps=2", "--key_every=1", "--quiet",
]  # fmt: skip


@pytest.fixture
def film(tmp_path, monkeypatch, painting):
    """Write the frames of two scenes and return the words that name film and painting."""
    monkeypatch.chdir(tmp_path)
    frames = [*moving(3, (36, 48)), *(255 - frame for frame in moving(3, (36, 48), seed=7))]
    for number, frame in enumerate(frames, start=1):
        Image.fromarray(frame).save(f"in_{number}.png")
    return ["in_%d.png", painting.name]


@pytest.fixture
def order(film):
    """Return what gives orders to the copyists of the film."""

    def order(**orders):
        Path("orders.json").write_text(json.dumps({key[1:]: orders[key] for key in orders}))

    order()
    return order


def video(*words):
    return main(["video", *words, *FLAGS])


def copied(*words):
    """Run the program with workers that keep frames as they are; return the exit status."""
    values, settings = parse_video(["video", *words, *FLAGS])
    return exit_status(lambda: VideoRun(prepare(values, settings), Copyist).run(), NOTHING)


def pictures(name, count=6):
    return [np.float32(Image.open(f"{name}_{number}.png")) for number in range(1, count + 1)]


def made(name):
    """Return how many pictures of a name there are."""
    return len(list(Path().glob(f"{name}_*.png")))


def test_two_processes_paint_what_one_does(film, capfd):
    assert video(*film, "-o", "one_%d.png") == 0
    assert video(*film, "-o", "two_%d.png", "--jobs=2") == 0
    assert capfd.readouterr() == ("", "")
    assert not os.path.exists("two_%d.png.frames")
    for one, two in zip(pictures("one"), pictures("two"), strict=True):
        # Each of two workers has half the threads, which changes the order of sums: after two
        # steps, a pixel in a hundred may be rounded to the next level.
        assert np.abs(one - two).max() <= 2
        assert np.abs(one - two).mean() < 0.01
    photos = pictures("in")
    assert all(
        np.abs(one - photo).mean() > 3 for one, photo in zip(pictures("one"), photos, strict=True)
    )


@pytest.mark.usefixtures("forked_workers")
def test_a_keyframe_is_followed_in_its_scene_whoever_paints_it(film):
    Image.new("RGB", (48, 36), (255, 0, 0)).save("red.png")
    for name, jobs in (("plain", 1), ("one", 1), ("two", 2)):
        own = [] if name == "plain" else ["--keyframe=5=red.png"]
        assert video(*film, *own, "-o", f"{name}_%d.png", f"--jobs={jobs}") == 0
    plain, one, two = map(pictures, ("plain", "one", "two"))
    assert max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) <= 2
    assert (two[4] == (255, 0, 0)).all()
    reds = [frame[..., 0].mean() - frame[..., 2].mean() for frame in (plain[5], two[5])]
    assert reds[1] > reds[0] + 20
    for before, after in zip(plain[:4], two[:4], strict=True):
        assert np.abs(before - after).max() <= 2


def test_scenes_go_on_after_any_frame_and_do_not_depend_on_each_other(film):
    assert video(*film, "-o", "one_%d.png") == 0
    flags = video_job(parse_video(["video", *film, *FLAGS])[0]).flags

    def paint(painter, first, end, stopping=lambda: False):
        job = Job("", (*flags, ("first", str(first)), ("end", str(end))), f"scene-{first}")
        return painter(job, stopping)

    painter = ScenePainter({"film": 1})
    assert paint(painter, 3, 6).status == "done"
    begun = Path("scene-0/frame-000001.png")
    assert paint(painter, 0, 3, begun.exists).status == "stopped"
    assert len(list(Path("scene-0").glob("*.png"))) == 1
    assert "film is 2, was 1" in paint(ScenePainter({"film": 2}), 0, 3).error
    assert paint(ScenePainter({"film": 1}), 0, 3).status == "done"
    frames = [*frames_of("scene-0"), *frames_of("scene-3")]
    np.testing.assert_array_equal(frames, pictures("one"))


def frames_of(directory):
    return [np.float32(Image.open(path)) for path in sorted(Path(directory).glob("*.png"))]


def test_a_scene_whose_workers_die_costs_no_other_frame(film, order, capfd):
    order(_5="die")
    words = [*film, "-o", "out_%d.png", "--memory_budget=1GiB"]
    assert copied(*words, "--jobs=2") == 1
    assert capfd.readouterr().err == (
        "nst_tf: warning: memory is enough for 1 of 2 --jobs\n"
        "nst_tf: warning: frames 1 to 3: a frame keeps its best picture\n"
        "nst_tf: frames 4 to 6: the process that painted it was ended by SIGKILL; if memory ran "
        "out, lower --jobs or --max_dim\n"
        "nst_tf: stopped after frame 4 of 6; the film so far is saved as out_%d.png; the same "
        "command with --resume continues\n"
    )
    assert made("out") == 4
    assert copied(*words, "--jobs=2") == 1
    assert "holds the frames of an unfinished film: add --resume" in capfd.readouterr().err
    assert copied(*words, "--resume") == 1
    assert "was started with --jobs or --ray: resume with them" in capfd.readouterr().err
    assert copied(*words, "--jobs=2", "--resume", "--strength=2") == 1
    assert "strength is 2.0, was 1.0" in capfd.readouterr().err
    order()
    assert copied(*words, "--jobs=2", "--resume") == 0
    np.testing.assert_array_equal(pictures("out"), pictures("in"))
    assert sorted(Path("painted.txt").read_text().split()) == list("123456")
    assert not os.path.exists("out_%d.png.frames")


@pytest.mark.usefixtures("signals_not_ignored")
def test_an_interrupted_film_ends_before_its_first_gap(film, order, capfd):
    order(_3="interrupt", _5="wait")
    words = [*film, "-o", "out_%d.png", "--jobs=2"]
    assert copied(*words) == 130
    (line,) = capfd.readouterr().err.splitlines()
    # A worker may have painted some of a scene behind the gap by then.
    later = r"(, with \d later frames?)?; "
    assert re.match(r"nst_tf: stopped after frame 2 of 6" + later, line)
    assert line.endswith(
        "the film so far is saved as out_%d.png; the same command with --resume continues"
    )
    assert made("out") == 2
    order()
    assert copied(*words, "--resume") == 0
    np.testing.assert_array_equal(pictures("out"), pictures("in"))
    assert sorted(Path("painted.txt").read_text().split()) == list("123456")


def test_frames_behind_a_gap_are_kept_even_if_there_is_no_film_yet(film, order, capfd):
    order(_1="die")
    words = [*film, "-o", "out_%d.png", "--jobs=2"]
    assert copied(*words) == 1
    assert capfd.readouterr().err.splitlines()[-1] == (
        "nst_tf: stopped after frame 0 of 6, with 3 later frames; the same command with "
        "--resume continues"
    )
    assert made("out") == 0
    order()
    assert copied(*words, "--overwrite", "--preview=0.2") == 0
    assert made("out") == 5
    assert not os.path.exists("out_%d.png.frames")


def test_a_film_that_one_process_began_is_not_shared_out(film, painting, capfd):
    kept = FrameStore(Path("out_%d.png.frames"))
    kept.begin()
    (kept.directory / "state.npz").touch()
    assert video(*film, "-o", "out_%d.png", "--jobs=2", "--resume") == 1
    assert "was started without --jobs or --ray: resume without" in capfd.readouterr().err


def test_a_ray_cluster_paints_scenes(film, order, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    words = ["--ray=local", "--ray_workers=1", "--ray_cpus=1"]
    assert copied(*film, "-o", "out_%d.png", *words) == 0
    np.testing.assert_array_equal(pictures("out"), pictures("in"))
    assert Path("painted.txt").read_text().split() == list("123456")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jobs=0"], "--jobs must be at least 1, not 0"),
        (["--ray_cpus=2"], "--ray_cpus needs --ray"),
        (["--ray=auto", "--jobs=2"], "--jobs is for this machine: with --ray, use --ray_workers"),
        (["--ray=auto", "--ray_cpus=0"], "--ray_cpus at least 1"),
    ],
)
def test_flags_of_workers_that_cannot_be(words, message):
    with pytest.raises(UsageError, match=message):
        parse_video(["video", "clip.mp4", "painting.png", *words])
