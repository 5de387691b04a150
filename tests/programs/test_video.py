"""The program for films, on films of a few small frames."""

import dataclasses
import os
import re
import signal
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf import Settings
from nst_tf.video.flags import VIDEO_FLAGS
from nst_tf.video.inputs import painted_size
from nst_tf.video.program import main
from nst_tf.video.reader import open_video
from nst_tf.video.store import FrameStore
from tests import forked
from tests.video.clips import moving, sound_packets, write_clip

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("in_tmp_path")]

FLAGS = [
    "--content_layers=block2_conv2", "--style_layers=block1_conv1", "--neighbor_weight=0",
    "--scales=1", "--max_dim=48", "--steps=4", "--quiet",
]  # fmt: skip

PROGRAM = """
import os, signal, sys
import nst_tf.video.store
from nst_tf.video.program import main

method = nst_tf.video.store.FrameStore.{method}

def ending(kept, painted, *arguments):
    method(kept, painted, *arguments)
    if painted.number + 1 == {frame}:
        os.kill(os.getpid(), signal.{signal})

nst_tf.video.store.FrameStore.{method} = ending
sys.exit(main(sys.argv))
"""


@pytest.fixture
def film(tmp_path):
    """Return a film of six frames with sound."""
    write_clip(tmp_path / "clip.mp4", moving(6), seconds_of_sound=0.24)
    return "clip.mp4"


def video(*words):
    return main(["video", *map(str, words), *FLAGS])


def pixels_of(path):
    return [frame.pixels for frame in open_video(str(path)).frames()]


def test_a_film_is_painted_with_its_times_and_its_sound(film, painting, capfd):
    assert video(film, painting) == 0
    assert capfd.readouterr() == ("", "")
    ours, theirs = open_video("clip-painting.mp4"), open_video(film)
    assert (ours.size, ours.rate, ours.expected()) == ((36, 48), theirs.rate, 6)
    assert [frame.pts * ours.time_base for frame in ours.frames()] == [
        frame.pts * theirs.time_base for frame in theirs.frames()
    ]
    assert sound_packets("clip-painting.mp4") == sound_packets(film)
    assert sorted(os.listdir()) == ["clip-painting.mp4", film, painting.name]
    away = np.abs(np.float32(pixels_of("clip-painting.mp4")) - moving(1, (36, 48))[0]).mean()
    assert away > 10


def test_a_still_film_stands_still(painting):
    write_sequence("in_%d.png", moving(1) * 4)
    words = ["in_%d.png", painting, "--key_every=1"]
    assert video(*words, "-o", "held_%d.png", "--temporal_weight=1e5") == 0
    assert video(*words, "-o", "free_%d.png", "--temporal_weight=0") == 0
    held, free = (read_sequence(f"{name}_%d.png", 4) for name in ("held", "free"))
    np.testing.assert_array_equal(held[0], free[0])
    assert np.abs(held[3] - held[0]).mean() < 1
    assert np.abs(free[3] - free[0]).mean() > 3


def test_films_are_the_same_whenever_they_were_killed(film, painting):
    # Of frames as small as these, x264 makes one file or another of the same frames.
    flags = ["--long_term", "--codec=ffv1", "--key_every=4", *FLAGS]
    assert main(["video", film, str(painting), "-o", "whole.mkv", *flags]) == 0
    words = [film, painting, "-o", "out.mkv", "--resume", *flags]
    # The fifth frame is a key, which is painted before the frames in front of it.
    for method, frame in (("keep", 5), ("add", 3)):
        program = PROGRAM.format(method=method, frame=frame, signal="SIGKILL")
        killed = forked.run([sys.executable, "-c", program, *map(str, words)])
        assert killed.returncode == -signal.SIGKILL
        assert os.path.exists("out.mkv.frames/state-000005.npz")
        assert not os.path.exists("out.mkv")
    assert main(["video", *map(str, words)]) == 0
    assert Path("out.mkv").read_bytes() == Path("whole.mkv").read_bytes()
    assert not os.path.exists("out.mkv.frames")


def test_keyframes_are_taken_as_they_are_and_can_be_replaced(painting, capfd):
    write_sequence("in_%d.png", moving(6, (36, 48)))
    for name, color in (("blue.png", (0, 0, 255)), ("red.png", (255, 0, 0))):
        Image.new("RGB", (96, 72), color).save(name)
    words = ["in_%d.png", painting, "--key_every=3", "-o"]
    assert video(*words, "red_%d.png", "--keyframe=4=red.png") == 0
    assert "red.png is resized from 96x72 to 48x36 pixels" in capfd.readouterr().err
    program = PROGRAM.format(method="keep", frame=6, signal="SIGKILL")
    first = [*map(str, words), "out_%d.png", "--keyframe=4=blue.png", *FLAGS]
    killed = forked.run([sys.executable, "-c", program, *first])
    assert killed.returncode == -signal.SIGKILL
    assert video(*words, "out_%d.png", "--keyframe=4=red.png", "--resume") == 0
    ours = read_sequence("out_%d.png", 6)
    np.testing.assert_array_equal(ours, read_sequence("red_%d.png", 6))
    assert (ours[3] == (255, 0, 0)).all()
    reds = [frame[..., 0].mean() - frame[..., 2].mean() for frame in ours]
    assert reds[1] < reds[2] < reds[3]  # frames between come nearer to the keyframe
    path = "out_%d.png.frames/frame-000004.png"
    os.mkdir("out_%d.png.frames")
    Image.new("RGB", (48, 36)).save(path)
    assert video(*words, "out_%d.png", "--overwrite", f"--keyframe=4={path}") == 1
    assert "is a file that this program replaces: copy it" in capfd.readouterr().err


def write_sequence(pattern, frames):
    for number, frame in enumerate(frames, start=1):
        Image.fromarray(frame).save(pattern % number)


def read_sequence(pattern, count):
    return [np.float32(Image.open(pattern % number)) for number in range(1, count + 1)]


def test_brushstrokes_enlarge_frames_beyond_the_networks_size(painting, capfd):
    write_sequence("in_%d.png", moving(5, (72, 96)))
    flags = [flag for flag in FLAGS if flag not in ("--max_dim=48", "--quiet")]
    words = ["in_%d.png", str(painting), "--max_dim=0", "--key_every=4", *flags]

    def paint(name, *changes):
        assert main(["video", *words, "-o", f"{name}_%d.png", *changes]) == 0
        return capfd.readouterr().out, read_sequence(f"{name}_%d.png", 5)

    said, large = paint("large", "--network_dim=48")
    assert "96x72 pixels, the network at 48x36 · 5 frames" in said
    strokes = paint("strokes", "--network_dim=48", "--repaint")
    np.testing.assert_array_equal(large, strokes[1])
    said, whole = paint("whole", "--network_dim=48", "--no_repaint")
    assert "96x72 pixels · 5 frames" in said
    np.testing.assert_array_equal(whole, paint("plain")[1])
    assert np.abs(large[0] - whole[0]).mean() > 3


@pytest.mark.usefixtures("signals_not_ignored")
def test_an_interrupted_film_can_be_played_and_goes_on(film, painting, capfd):
    program = PROGRAM.format(method="add", frame=3, signal="SIGINT")
    words = [film, str(painting), "-o", "out.mkv", "--codec=ffv1", *FLAGS]
    done = forked.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == (
        "nst_tf: stopped after frame 3 of 6, with 1 later frame; the film so far is saved as "
        "out.mkv; the same command with --resume continues\n"
    )
    before = pixels_of("out.mkv")
    assert len(before) == 3
    assert 0 < len(sound_packets("out.mkv")) < len(sound_packets(film))
    assert video(*words) == 1
    assert "holds the frames of an unfinished film: add --resume" in capfd.readouterr().err
    assert video(*words, "--strength=2", "--resume") == 1
    assert "frames of another film: strength is 2.0, was 1.0; repeat" in capfd.readouterr().err
    assert video(*words, "--resume") == 0
    after = pixels_of("out.mkv")
    assert len(after) == 6
    np.testing.assert_array_equal(after[:3], before)


def test_a_preview_can_be_made_longer(film, painting):
    assert video(film, painting, "-o", "out.mp4", "--preview", "0.08") == 0
    assert len(pixels_of("out.mp4")) == 2
    assert len(sound_packets("out.mp4")) < len(sound_packets(film))


def test_a_cut_starts_the_style_again(painting):
    second = [255 - frame for frame in moving(3, seed=7)]
    write_sequence("cut_%d.png", [*moving(3, seed=0), *second])
    write_sequence("second_%d.png", second)
    assert video("cut_%d.png", painting, "-o", "whole_%d.png") == 0
    assert video("second_%d.png", painting, "-o", "part_%d.png") == 0
    np.testing.assert_array_equal(
        read_sequence("whole_%d.png", 6)[3:], read_sequence("part_%d.png", 3)
    )


def test_only_what_the_masks_show_is_painted_and_all_of_it(painting, tmp_path):
    still = moving(1)[0]  # nothing moves but the masks
    write_sequence("in_%d.png", [still] * 6)
    masks = [np.zeros((48, 64, 3), np.uint8) for _ in range(6)]
    edges = (16, 24, 48, 40, 0, 48)
    for mask, edge in zip(masks, edges, strict=True):
        mask[:, :edge] = 255
    write_clip(tmp_path / "mask.mkv", masks)
    assert video("in_%d.png", painting, "-o", "out_%d.png", "--content_mask=mask.mkv") == 0
    assert video("in_%d.png", painting, "-o", "all_%d.png") == 0
    photo = np.float32(Image.fromarray(still).resize((48, 36)))
    for number, edge in enumerate(edges, start=1):
        away, all_over = (
            np.abs(np.float32(Image.open(f"{name}_{number}.png")) - photo).mean(axis=(0, 2))
            for name in ("out", "all")
        )
        covered = 3 * edge // 4  # at the size at which the film is painted
        assert away[covered + 2 :].mean() < 3
        for column in range(0, covered - 4, 4):  # also where the mask has only just come
            assert away[column : column + 4].mean() > 0.5 * all_over[column : column + 4].mean()


@pytest.mark.parametrize(
    ("size", "max_dim", "expected"),
    [
        ((1080, 1920), 511, (288, 510)),
        ((1920, 1080), 511, (510, 288)),
        ((1080, 1920), 512, (288, 512)),
        ((333, 501), 0, (333, 501)),
        ((3, 1000), 99, (2, 98)),
    ],
)
def test_a_film_that_is_scaled_down_has_even_sides(size, max_dim, expected):
    assert painted_size(size, max_dim) == expected


def test_a_mask_that_is_too_small_to_see_paints_nothing(painting, tmp_path):
    write_sequence("in_%d.png", moving(2, (480, 640)))
    masks = [np.zeros((480, 640, 3), np.uint8) for _ in range(2)]
    masks[0][:, :320] = masks[1][:2, :2] = 255
    write_sequence("mask_%d.png", masks)
    assert video("in_%d.png", painting, "-o", "o_%d.png", "--content_mask=mask_%d.png") == 0
    assert os.path.exists("o_2.png")


def test_sequences_and_films_of_one_frame(painting, tmp_path):
    Image.fromarray(moving(1)[0]).save("in_0041.png")
    assert video("in_%04d.png", painting, "-o", "out.mp4", "--rate=10") == 0
    assert len(pixels_of("out.mp4")) == 1
    assert video("in_%04d.png", painting, "-o", "out_%04d.png") == 0
    assert os.path.exists("out_0041.png")


def test_a_gif_stays_one(painting):
    Image.fromarray(moving(1)[0]).save(
        "clip.gif", save_all=True, append_images=[Image.fromarray(f) for f in moving(3)[1:]],
        duration=[40, 120, 80],
    )  # fmt: skip
    assert video("clip.gif", painting, "-o", "out.gif") == 0
    ours = open_video("out.gif")
    assert [frame.pts * ours.time_base for frame in ours.frames()] == [
        0, Fraction(4, 100), Fraction(16, 100),
    ]  # fmt: skip


def test_what_is_transparent_stays_so_through_the_whole_program(painting, capfd):
    alpha = np.zeros((48, 64, 1), np.uint8)
    alpha[:, :32] = 255
    for number in (1, 2):
        Image.fromarray(np.concatenate([moving(1)[0], alpha], axis=-1)).save(f"in_{number}.png")
    assert video("in_%d.png", painting, "-o", "out_%d.png") == 0
    assert capfd.readouterr().err == ""
    for number in (1, 2):
        found = np.asarray(Image.open(f"out_{number}.png"))
        assert found.shape == (36, 48, 4)
        assert (found[:, :22, 3].min(), found[:, 26:, 3].max()) == (255, 0)
    assert video("in_%d.png", painting, "-o", "out.mp4", "--preview=0.04") == 0
    assert "warning: out.mp4 cannot hold transparency" in capfd.readouterr().err
    assert np.uint8(pixels_of("out.mp4")[0][:, 28:]).min() > 240


def test_a_preview_of_a_variable_rate_knows_its_frames(painting, tmp_path, capfd):
    write_clip(tmp_path / "clip.mkv", moving(6), [0, 40, 60, 500, 520, 1000], Fraction(1, 1000))
    flags = [flag for flag in FLAGS if flag != "--quiet"]
    words = ["clip.mkv", str(painting), "-o", "out.mkv", "--preview=0.1", *flags]
    assert main(["video", *words]) == 0
    shown = capfd.readouterr().out
    assert "3 frames\n" in shown.splitlines(keepends=True)[0]
    assert "Frame 3 of 3" in shown
    assert "Saved out.mkv, 3 frames" in shown


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 2, "a film and a painting are missing"),
        (["clip.mp4"], 2, "a film and a painting are missing"),
        (["clip.mp4", "painting.png", "--every=0"], 2, "--every must be at least 1, not 0"),
        (["clip.mp4", "painting.png", "--key_every=0"], 2, "--key_every must be at least 1, not"),
        (["clip.mp4", "painting.png", "--keyframe=a.png"], 2, "must be like 120=painted.png"),
        (["clip.mp4", "painting.png", "--keyframe=0=a.png"], 2, "must be like 120=painted.png"),
        (["clip.mp4", "painting.png", "--keyframe=1=a.png", "--keyframe=1=b.png"], 2,
         "--keyframe names frame 1 twice"),
        (["clip.mp4", "painting.png", "--keyframe=7=painting.png"], 1,
         "the film has 6 painted frames: name one of them"),
        (["clip.mp4", "painting.png", "--keyframe=2=none.png"], 1, "none.png"),
        (["clip.mp4", "painting.png", "--keyframe=2=tall.png"], 1, "save it in their shape"),
        (["clip.mp4", "painting.png", "--preview=soon"], 2, "--preview must be a duration"),
        (["clip.mp4", "painting.png", "--rate=0"], 2, "--rate must be a number such as 24"),
        (["clip.mp4", "painting.png", "--device=tpu"], 2, "--device 'tpu' is not auto"),
        (["clip.mp4", "painting.png", "--temporal_weight=-1"], 2, "temporal_weight must be at"),
        (["clip.mp4", "painting.png", "--recipe=fats"], 2, "did you mean 'fast'"),
        (["clip.mp4", "painting.png", "--output=out.txt"], 1, "has no extension of a film"),
        (["clip.mp4", "painting.png", "--output=clip.mp4"], 1, "would overwrite the input"),
        (["clip.mp4", "painting.png", "--codec=x"], 1, "choose another codec"),
        (["clip_%d.mp4", "painting.png"], 1, "clip_%d.mp4 does not exist: name a film"),
        (["none.mp4", "painting.png"], 1, "none.mp4 does not exist: name a film"),
        (["clip.mp4", "none.png"], 1, "none.png"),
        (["clip.mp4", "painting.png", "--init=painting.png"], 1, "films start from content"),
        (["clip.mp4", "painting.png", "--content_mask=clip.mp4", "--content_mask=clip.mp4",
          "--style=painting.png"], 2, "both name paintings"),
        (["clip.mp4", "painting.png", "--max_dim=3"], 1, "the deepest layer needs"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_tensorflow(
    film, painting, words, status, message, capfd, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # to import it is an error
    Image.new("RGB", (48, 64)).save("tall.png")
    assert main(["video", *words]) == status
    out, err = capfd.readouterr()
    assert message in err
    assert (out, len(err.splitlines())) == ("", 1)
    assert not [name for name in os.listdir() if name.endswith(".frames")]


def test_existing_films_stay(film, painting, capfd):
    assert video(film, painting, "--preview=0.04") == 0
    assert video(film, painting, "--preview=0.04") == 0
    assert os.path.exists("clip-painting-2.mp4")
    assert video(film, painting, "-o", "clip-painting.mp4") == 1
    assert "clip-painting.mp4 exists: choose another name or add" in capfd.readouterr().err
    assert video(film, painting, "-o", "clip-painting.mp4", "--overwrite", "--preview=0.04") == 0


def test_damaged_frames_are_refused(film, painting, capfd):
    words = [film, painting, "-o", "out.mp4", "--resume"]
    os.mkdir("out.mp4.frames")
    for content in (b"", b"PK\3\4 no archive"):
        with open("out.mp4.frames/state.npz", "wb") as file:
            file.write(content)
        assert video(*words) == 1
        assert "state.npz is damaged: delete out.mp4.frames" in capfd.readouterr().err


def test_kept_frames_leave_other_files_alone(tmp_path):
    kept = FrameStore(tmp_path / "frames")
    kept.begin()
    (tmp_path / "frames" / "notes.txt").touch()
    kept.remove()
    assert os.listdir(tmp_path / "frames") == ["notes.txt"]


def test_help_fits_a_screen_and_names_only_what_there_is(capfd):
    assert main(["video", "-h"]) == 0
    screen = capfd.readouterr().out
    assert len(screen.splitlines()) <= 25
    assert max(map(len, screen.splitlines())) <= 79
    named = {name.replace("-", "_") for name in re.findall(r"--([a-z][a-z_-]*)", screen)}
    known = {flag.name for flag in VIDEO_FLAGS} | {
        knob.name for knob in dataclasses.fields(Settings)
    }
    assert {"output", "resume", "temporal_weight"} <= named <= known
    assert main(["video", "--helpfull"]) == 0
    listed = capfd.readouterr().out
    assert set(re.findall(r"^  --([a-z_0-9]+) ", listed, re.MULTILINE)) == known
    assert "default 300)" in listed


def test_a_sequence_never_replaces_its_source(painting, capfd):
    write_sequence("in_%d.png", moving(2))
    assert video("in_%d.png", painting, "-o", "in_%d.png", "--overwrite") == 1
    assert "would overwrite the input" in capfd.readouterr().err
    write_sequence("out_%d.png", moving(1))
    assert video("in_%d.png", painting, "-o", "out_%d.png") == 1
    assert "out_1.png exists: choose another name" in capfd.readouterr().err
