import errno
import io
import itertools
import re

import pytest

from nst_tf.callbacks import Console
from nst_tf.callbacks.pace import CALLS, TARGETS, duration
from tests.callbacks.conftest import steps

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def a_plain_terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def written(stream):
    """Return the lines on the screen at the end, without colours and what was overwritten."""
    lines = []
    for line in stream.getvalue().split("\n"):
        up = line.count("\x1b[1A")
        del lines[len(lines) - up :]
        lines.append(CONTROL.sub("", line.split("\r")[-1]).rstrip())
    return [line for line in lines if line]


def finer_scale(count):
    """Return the seconds of targets and steps at 256x256 pixels, after steps of 2 s at 128x128."""
    coarse, fine = 128**2, 256**2
    return 2 * (TARGETS * fine + count * (CALLS + fine)) / (CALLS + coarse)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0:00:00"), (59.6, "0:01:00"), (200, "0:03:20"), (7500, "2:05:00")]
)
def test_durations_read_well(seconds, words):
    assert duration(seconds) == words


def test_without_a_terminal_there_is_a_line_per_epoch():
    stream = io.StringIO()
    console = Console("CPU · 20x10 pixels", 5, stream)
    assert stream.getvalue() == "CPU · 20x10 pixels\n"
    for progress in steps(10, moments=10.0):
        console(progress)
    _, expected, *epochs = stream.getvalue().splitlines()
    assert expected == "The run takes about 0:00:38"  # the first step takes 20 s
    assert epochs == [
        "Epoch 1/2 - 2000 ms/step - 0:00:10 left - "
        "total: 80 - style: 20 - content: 40 - total_variation: 20 - moments: 2",
        "Epoch 2/2 - 2000 ms/step - 0:00:00 left - "
        "total: 40 - style: 10 - content: 20 - total_variation: 10 - moments: 1",
    ]


@pytest.mark.parametrize(("count", "epoch"), [(1, 5), (3, 5), (4, 2), (7, 1)])
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_the_time_is_told_once_and_every_epoch_is_shown(count, epoch, kind):
    stream = kind()
    console = Console("CPU", epoch, stream)
    for progress in steps(count):
        console(progress)
    lines = written(stream)
    assert lines[0] == "CPU"
    assert sum(line.startswith("The run takes about ") for line in lines) == 1
    epochs = -(-count // epoch)
    assert [line.split(" - ")[0] for line in lines if line.startswith("Epoch")] == [
        f"Epoch {n}/{epochs}" for n in range(1, epochs + 1)
    ]


@pytest.mark.parametrize("scales", [1, 2])
def test_a_resumed_run_announces_what_is_left_from_the_steps_that_it_has_seen(scales):
    stream = io.StringIO()
    console = Console("CPU", 50, stream)
    for progress in itertools.islice(steps(50, scales=scales), 30, None):
        console(progress)
        if progress.step == 31:
            console.close()
    first, after_one, told = stream.getvalue().splitlines()[:3]
    assert first == "CPU"
    assert " left" not in after_one
    left = 16 * 2 + (scales - 1) * finer_scale(50)  # after step 34
    assert told == f"The rest takes about {duration(left)}"


def test_a_run_that_is_resumed_for_its_last_step_announces_nothing():
    stream = io.StringIO()
    console = Console("CPU", 50, stream)
    for progress in itertools.islice(steps(50), 49, None):
        console(progress)
    assert [line.split(" - ")[:2] for line in stream.getvalue().splitlines()] == [
        ["CPU"], ["Epoch 1/1", "total: 8"]
    ]  # fmt: skip


def test_on_a_terminal_each_epoch_leaves_its_bar_within_the_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    console = Console("CPU", 5, stream)
    for progress in itertools.islice(steps(10), 8):
        console(progress)
    console.close()
    first, _, title, bar, second, unfinished = written(stream)
    assert (first, title, second) == ("CPU", "Epoch 1/2", "Epoch 2/2")
    assert bar.split()[:3] == ["5/5", "━" * 20, "2000"]
    assert bar.endswith("…")
    assert len(bar) == 60
    assert unfinished.split()[0] == "3/5"
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_the_cursor_is_there_while_a_bar_is_shown():
    stream = Terminal()
    console = Console("CPU", 5, stream)
    for progress in itertools.islice(steps(10), 3):
        console(progress)
    shown, hidden = (stream.getvalue().rfind(code) for code in ("\x1b[?25h", "\x1b[?25l"))
    console.close()
    assert shown > hidden


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_several_scales_are_shown_even_if_they_end_early(kind):
    stream = kind()
    console = Console("CPU", 5, stream, may_end=True)
    for progress in steps(6, scales=2):
        if progress.scale_step <= 5:
            console(progress)
    console.close()
    console.close()
    lines = written(stream)
    whole = 20 + 5 * 2 + finer_scale(6)
    assert f"The run takes at most {duration(whole)}" in lines
    titles = [line.split(" - ")[0] for line in lines if line.startswith("Scale")]
    assert titles == ["Scale 1/2, 128x128 pixels", "Scale 2/2, 256x256 pixels"]
    bars = [line.split()[0] for line in lines if "━" in line]
    assert bars == (["5/6", "5/6"] if kind is Terminal else [])


def test_a_time_limit_bounds_what_is_announced():
    stream = io.StringIO()
    console = Console("CPU", 5, stream, time_limit=7)
    for progress in steps(10):
        console(progress)
    lines = stream.getvalue().splitlines()
    assert lines[1] == "The run takes about 0:00:07"
    assert all(" - 0:00:00 left - " in line for line in lines[2:])


def test_a_run_stopped_before_its_time_is_known_ends_its_lines():
    stream = io.StringIO()
    console = Console("CPU", 1, stream)
    for progress in itertools.islice(steps(9), 2):
        console(progress)
    console.close()
    assert [line.split(" - ")[0] for line in written(stream)] == ["CPU", "Epoch 1/9", "Epoch 2/9"]


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_stream_that_fails_ends_the_console_and_not_the_run(kind, number):
    class Failing(kind):
        def write(self, text):
            if "Epoch" in text:
                raise OSError(number, "gone")
            return super().write(text)

    stream = Failing()
    console = Console("CPU", 5, stream)
    for progress in steps(10):
        console(progress)
    console.close()
    assert written(stream)[0] == "CPU"
    assert "Epoch" not in stream.getvalue()


def test_no_character_of_a_name_is_taken_for_markup():
    stream = io.StringIO()
    Console("[bold]:warning: a.npz[/]" + 30 * " words", 5, stream)
    assert stream.getvalue() == "[bold]:warning: a.npz[/]" + 30 * " words" + "\n"
