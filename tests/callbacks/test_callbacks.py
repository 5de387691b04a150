import csv
import io
import itertools

import numpy as np
import pytest

from nst_tf.callbacks.console import Console, History, Snapshots, duration
from nst_tf.losses.formulas import Losses
from nst_tf.progress import Progress
from nst_tf.schedule import plan_scales
from nst_tf.settings import Settings


def steps(count, pace=2.0, scales=1):
    """Yield the progress of a run whose first step takes ten times as long as the others."""
    plan = plan_scales(
        Settings(epochs=1, steps_per_epoch=count, scales=scales, min_dim=1), (256, 256), []
    )
    step = 0
    for scale in plan:
        for scale_step in range(1, scale.steps + 1):
            step += 1
            yield Progress(
                step=step,
                steps=count * scales,
                scale=scale,
                scales=scales,
                scale_step=scale_step,
                ahead=scale.steps - scale_step + 4 * scale.steps_after,
                losses=Losses(400.0 / step, 100.0 / step, 200.0 / step, 100.0 / step),
                evaluations=step,
                seconds=pace * (step + 9),
                image=lambda: np.zeros((1, 2, 2, 3)),
            )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds, words):
    assert duration(seconds) == words


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_without_a_terminal_there_is_a_line_per_epoch():
    stream = io.StringIO()
    console = Console("CPU · 20x10 pixels", 5, stream)
    assert stream.getvalue() == "CPU · 20x10 pixels"
    for progress in steps(10):
        console(progress)
    first, *epochs = stream.getvalue().splitlines()
    assert first == "CPU · 20x10 pixels · about 20 s"
    assert [line.split(" - ")[:3] for line in epochs] == [
        ["Epoch 1/2", "2000 ms/step", "10 s left"],
        ["Epoch 2/2", "2000 ms/step", "0 s left"],
    ]
    assert epochs[1].endswith("total: 40 - style: 10 - content: 20 - total_variation: 10")


@pytest.mark.parametrize(("count", "epoch"), [(1, 5), (3, 5), (4, 2), (7, 1)])
def test_short_runs_are_announced_and_end_with_a_line(count, epoch):
    stream = io.StringIO()
    console = Console("CPU", epoch, stream)
    for progress in steps(count):
        console(progress)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("CPU · about ")
    epochs = -(-count // epoch)
    assert [line.split(" - ")[0] for line in lines[1:]] == [
        f"Epoch {n}/{epochs}" for n in range(1, epochs + 1)
    ]


def test_on_a_terminal_a_bar_grows_within_the_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    console = Console("CPU", 5, stream)
    for progress in steps(10):
        console(progress)
    text = stream.getvalue()
    assert text.count("Epoch 1/2\n") == text.count("Epoch 2/2\n") == 1
    bars = [line for line in text.replace("\n", "\r").split("\r") if "━" in line]
    assert [bar.split()[0] for bar in bars] == ["4/5", "5/5", "1/5", "2/5", "3/5", "4/5", "5/5"]
    assert [bar.count("━") for bar in bars] == [16, 20, 4, 8, 12, 16, 20]
    assert all(len(bar) < 60 for bar in bars)


def test_several_scales_have_a_line_each_even_if_they_end_early():
    stream = io.StringIO()
    console = Console("CPU", 5, stream)
    for progress in steps(6, scales=2):
        if progress.scale_step <= 5:
            console(progress)
    console.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "CPU · about 1 min 0 s"  # 6 steps of 2 s, and 6 of four times that
    assert [line.split(" - ")[0] for line in lines[1:]] == [
        "Scale 1/2, 128x128 pixels", "Scale 2/2, 256x256 pixels",
    ]  # fmt: skip


def test_on_a_terminal_a_scale_that_ends_early_leaves_its_bar():
    stream = Terminal()
    console = Console("CPU", 5, stream, may_end=True)
    for progress in steps(6, scales=2):
        if progress.scale_step <= 5:
            console(progress)
    console.close()
    first, *lines = stream.getvalue().split("\n")
    assert first == "CPU · at most 1 min 0 s"
    assert [line.split("\r")[-1].split(" ")[0] for line in lines if line] == [
        "Scale", "5/6", "Scale", "5/6",
    ]  # fmt: skip


def test_a_time_limit_bounds_what_is_announced():
    stream = io.StringIO()
    console = Console("CPU", 5, stream, time_limit=7)
    for progress in steps(10):
        console(progress)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "CPU · about 7 s"
    assert all(" - 0 s left - " in line for line in lines[1:])


def test_a_run_stopped_before_its_announcement_ends_its_lines():
    stream = io.StringIO()
    console = Console("CPU", 1, stream)
    for progress in itertools.islice(steps(9), 2):
        console(progress)
    console.close()
    assert [line.split(" - ")[0] for line in stream.getvalue().splitlines()] == [
        "CPU", "Epoch 1/9", "Epoch 2/9",
    ]  # fmt: skip


def test_a_line_left_open_is_ended_once():
    stream = Terminal()
    console = Console("CPU", 5, stream)
    console.close()
    console.close()
    assert stream.getvalue() == "CPU\n"


def test_history_reads_back_exactly(tmp_path):
    history = History()
    for progress in steps(7):
        history(progress)
    history.save(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(History.COLUMNS)
    expected = [(p.step, *p.losses, 1, p.evaluations, p.seconds) for p in steps(7)]
    assert [tuple(map(float, row)) for row in rows] == expected


def test_snapshots_come_every_so_many_steps(tmp_path):
    saved = []
    snapshots = Snapshots(3, tmp_path, lambda path, image: saved.append((path, image.shape)))
    for progress in steps(7):
        snapshots(progress)
    assert saved == [(tmp_path / f"step_{step:05d}.png", (1, 2, 2, 3)) for step in (3, 6)]
