"""The line in which runs wait, and the process that paints."""

import os
import signal
import threading

import psutil
import pytest

from nst_tf.page.order import Order
from nst_tf.page.painter import ProcessPainter
from nst_tf.page.queue import RunQueue
from nst_tf.page.runs import MAX_CURVE, Run
from nst_tf.page.worker import StepPreview
from tests import forked
from tests.conftest import wait_until

pytestmark = pytest.mark.process

ORDER = Order("photo.png", ("painting.png",), "fast", {"max_dim": "64", "steps_per_epoch": "1"})


class Held:
    """A painter that ends a run when it is told to."""

    def __init__(self):
        self.go, self.stopped, self.closed = threading.Semaphore(0), threading.Event(), False
        self.painted = []

    def paint(self, run):
        run.set_status("running")
        self.go.acquire()
        self.painted.append(run)
        run.set_status("stopped" if run.cancelled else "finished")

    def stop(self):
        self.stopped.set()
        self.go.release()

    def close(self):
        self.closed = True


@pytest.fixture
def held():
    painter = Held()
    queue = RunQueue([painter])
    yield painter, queue
    queue.close()


def runs(tmp_path, count):
    return [Run(ORDER, tmp_path) for _ in range(count)]


def test_runs_go_on_in_the_order_in_which_they_came(held, tmp_path):
    painter, queue = held
    three = runs(tmp_path, 3)
    for run in three:
        queue.add(run)
    wait_until(lambda: three[0].status == "running")
    assert [queue.position(run) for run in three] == [0, 1, 2]
    for _ in three:
        painter.go.release()
    wait_until(lambda: three[-1].status == "finished")
    assert painter.painted == three


def test_who_waits_leaves_and_who_runs_is_stopped(held, tmp_path):
    painter, queue = held
    first, second, third = runs(tmp_path, 3)
    for run in (first, second, third):
        queue.add(run)
    wait_until(lambda: first.status == "running")
    assert queue.cancel(second)
    assert second.status == "stopped"
    assert queue.position(third) == 1
    assert not queue.cancel(first)
    assert painter.stopped.is_set()
    wait_until(lambda: third.status == "running")
    assert first.status == "stopped"
    assert not third.cancelled


def test_a_run_that_was_cancelled_while_it_waited_can_continue(held, tmp_path):
    painter, queue = held
    first, second = runs(tmp_path, 2)
    for run in (first, second):
        queue.add(run)
    queue.cancel(second)
    assert (second.status, second.resumable) == ("stopped", True)
    queue.add(second)
    for _ in range(2):
        painter.go.release()
    wait_until(lambda: second.status == "finished")
    assert not second.resumable


def test_a_run_that_has_ended_is_reported_once(tmp_path):
    painter, ended = Held(), []
    queue = RunQueue([painter], ended.append)
    (run,) = runs(tmp_path, 1)
    queue.add(run)
    painter.go.release()
    wait_until(lambda: ended == [run])
    assert (run.status, run.starts) == ("finished", 1)
    queue.close()


def test_two_devices_paint_two_runs_at_once(tmp_path):
    painters = [Held(), Held()]
    queue = RunQueue(painters)
    three = runs(tmp_path, 3)
    for run in three:
        queue.add(run)
    wait_until(lambda: [run.status for run in three] == ["running", "running", "waiting"])
    queue.close()
    assert all(painter.closed for painter in painters)


def test_a_curve_stays_short_and_keeps_its_start(tmp_path):
    (run,) = runs(tmp_path, 1)
    for step in range(1, 5000):
        run.add_preview(StepPreview("", step, 5000, 1, 1, 0.0, None, {"total": 1 / step}, b""))
    assert MAX_CURVE / 3 < len(run.curve) <= MAX_CURVE
    assert run.curve[0][0] == 1
    steps = [step for step, _ in run.curve]
    assert steps == sorted(set(steps))


@pytest.fixture(scope="module")
def process():
    painter = ProcessPainter("cpu", context=forked.context())
    yield painter
    painter.close()


@pytest.fixture
def run(tmp_path, photo, painting):
    return Run(ORDER, tmp_path)


def test_a_process_paints_and_shows_every_scale(process, run):
    seen = []
    run.add_preview = lambda sight, see=run.add_preview: (seen.append(sight), see(sight))
    process.paint(run)
    assert run.status == "finished", run.message
    assert run.picture.name == "photo-painting-fast-64px.png"
    assert not run.resumable
    assert seen[-1].step == seen[-1].steps
    assert all(sight.picture.startswith(b"\xff\xd8") for sight in seen)
    assert seen[0].left is None


def test_a_stopped_run_goes_on_to_the_same_picture(process, tmp_path, photo, painting):
    order = Order("photo.png", ("painting.png",), "fast", {"max_dim": "64", "steps_per_epoch": "6"})
    folders = [tmp_path / name for name in ("whole", "parts")]
    pictures = []
    for folder in folders:
        folder.mkdir()
        for path in (photo, painting):
            (folder / path.name).write_bytes(path.read_bytes())
    whole, parts = (Run(order, folder) for folder in folders)
    process.paint(whole)
    parts.add_preview = lambda sight, see=parts.add_preview: (see(sight), process.stop())
    process.paint(parts)
    assert (parts.status, parts.resumable) == ("stopped", True), parts.message
    assert parts.picture
    del parts.add_preview
    process.paint(parts)
    assert parts.status == "finished", parts.message
    from PIL import Image

    for run in (whole, parts):
        with Image.open(run.picture) as image:
            pictures.append(image.tobytes())
    assert pictures[0] == pictures[1]


def test_what_goes_wrong_is_told_in_a_line_without_paths(process, tmp_path, photo):
    (tmp_path / "painting.png").write_text("no picture")
    run = Run(ORDER, tmp_path)
    process.paint(run)
    assert run.status == "failed"
    assert "painting.png" in run.message
    assert "\n" not in run.message
    assert str(tmp_path) not in run.message


def test_a_killed_process_takes_its_run_alone(process, run, tmp_path):
    order = Order("photo.png", ("painting.png",), "fast", {"steps_per_epoch": "900"})
    doomed = Run(order, tmp_path)
    doomed.add_preview = lambda _: os.kill(process._process.pid, signal.SIGKILL)
    process.paint(doomed)
    assert doomed.status == "failed"
    assert "killed, most likely because memory ran out" in doomed.message
    process.paint(run)
    assert run.status == "finished", run.message


def test_a_process_stays_in_its_directory(process, run):
    """Paint a run; another visitor finds nothing of it below `/proc/PID/cwd`."""
    process.paint(run)
    assert run.status == "finished", run.message
    assert psutil.Process(process._process.pid).cwd() == os.getcwd()


class Failing:
    """A context in which no process can start."""

    def __init__(self, fails):
        self.fails = fails
        self.real = forked.context()

    def __getattr__(self, name):
        if name == "Process" and self.fails:
            raise OSError(12, "Cannot allocate memory")
        return getattr(self.real, name)


def test_a_process_that_cannot_start_costs_its_run_alone(run, tmp_path):
    """Let the first start fail, as it does without memory; the next run gets its process."""
    context = Failing(fails=True)
    painter = ProcessPainter("cpu", context=context)
    queue = RunQueue([painter])
    doomed = Run(ORDER, tmp_path)
    try:
        queue.add(doomed)
        wait_until(lambda: doomed.status == "failed")
        assert doomed.message == "the server could not start a process: try again in a minute"
        context.fails = False
        queue.add(run)
        wait_until(lambda: run.status == "finished")
    finally:
        queue.close()


class Broken:
    """A painter with a fault: the first run raises an exception."""

    def __init__(self, error):
        self.error = error

    def paint(self, run):
        run.set_status("running")
        if error := self.error:
            self.error = None
            raise error
        run.set_status("finished")

    def stop(self):
        pass

    close = stop


@pytest.mark.parametrize(
    "error",
    [OSError(24, "Too many open files"), KeyError("fault"), AssertionError(), MemoryError()],
)
def test_no_exception_ends_the_line(tmp_path, error):
    queue = RunQueue([Broken(error)])
    first, second = runs(tmp_path, 2)
    for run in (first, second):
        queue.add(run)
    wait_until(lambda: second.status == "finished")
    assert first.status == "failed"
    assert first.message == "an error of the program ended the run: try again"
    queue.close()


def test_who_joins_twice_waits_once(held, tmp_path):
    """Join while waiting and while running, as two tabs of one visitor do."""
    painter, queue = held
    first, second = runs(tmp_path, 2)
    for run in (first, second, second):
        queue.add(run)
    wait_until(lambda: first.status == "running")
    queue.add(first)
    assert queue.waiting == 1
    for _ in range(2):
        painter.go.release()
    wait_until(lambda: second.status == "finished")
    assert painter.painted == [first, second]


def test_a_painter_can_be_closed_while_it_paints(tmp_path, photo, painting):
    """Close the painter from within its run, as the server does at its end; nothing is raised."""
    painter = ProcessPainter("cpu", context=forked.context())
    settings = {"max_dim": "64", "steps_per_epoch": "9000"}
    run = Run(Order("photo.png", ("painting.png",), "fast", settings), tmp_path)
    run.add_preview = lambda _: painter.close()
    painter.paint(run)
    assert run.status == "failed"


def test_a_process_that_does_not_keep_its_time_is_ended(tmp_path, photo, painting):
    """Paint with no grace for a run of an hour; the device is free again at once."""
    painter = ProcessPainter("cpu", 0.5, forked.context(), grace=0.0)
    settings = {"max_dim": "64", "steps_per_epoch": "9000"}
    run = Run(Order("photo.png", ("painting.png",), "fast", settings), tmp_path)
    painter.paint(run)
    painter.close()
    assert run.status == "failed"
    assert run.message == "the run was ended after 0.5 seconds"
