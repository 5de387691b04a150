"""Painting of scenes in parallel, in processes of this machine or on a Ray cluster."""

import functools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from absl import flags

from nst_tf.batch.flags import flag_text
from nst_tf.cli.worker_flags import WORKER_FLAGS
from nst_tf.compute.device import start_tensorflow
from nst_tf.inputs.identity import Identity
from nst_tf.video.flags import keyframe_paths, parse_video
from nst_tf.video.footage import Frame
from nst_tf.video.frame import FrameInput
from nst_tf.video.inputs import VideoInputs, load_video_inputs
from nst_tf.video.keyframes import KeyPlan, load_keyframes
from nst_tf.video.pipes import FILES, paths_of
from nst_tf.video.scenes import Scene, SceneStore, scene_identity, scene_plan
from nst_tf.video.store import FrameStore
from nst_tf.workers.job import Job, absolute_paths
from nst_tf.workers.local import run_here
from nst_tf.workers.outcome import Outcome, RunJob, ShouldStop, run_safely
from nst_tf.workers.share import Share, run_need, split_resources

if TYPE_CHECKING:
    from nst_tf.video.job import VideoJob
    from nst_tf.video.painter import FramePainter


def paint_scenes(
    film: "VideoJob",
    store: SceneStore,
    make: Callable[[int | None, int], RunJob],
    stopping: ShouldStop,
    show: Callable[[int], object],
) -> Iterator[Outcome]:
    """Let workers paint a film's unfinished scenes into its store, and yield the outcome of each.

    TensorFlow must have been started.

    Args:
        film: the film.
        store: its painted frames.
        make: makes the painter of a worker, from its bytes of memory and its number of threads.
        stopping: returns whether to stop: scenes in progress then end after their current step, and
            no other scene starts.
        show: is called several times a second with the number of painted frames.

    Raises:
        ConnectionError: there is no cluster at the address.
        UserError: no node of the cluster has room for an actor.
        ValueError: the first frame does not fit into memory.
    """
    values, common = film.values, video_job(film.values)
    in_progress: dict[str, Scene] = {}
    left = [scene for scene in store.scenes if not scene.is_whole]
    if not left:
        return

    def jobs() -> Iterator[Job]:
        for scene in left:
            in_progress[scene.name] = scene
            yield scene_job(common, scene)

    def refreshed() -> bool:
        for scene in in_progress.values():
            scene.refresh()
        show(store.painted)
        return stopping()

    need = worker_memory(film)
    if values.ray:
        outcomes = _on_ray(jobs(), film, need, make, refreshed)
    else:
        wanted = min(values.jobs, len(left))
        budgets = [film.settings.memory_budget]
        share = Share(1) if wanted < 2 else split_resources(wanted, need, budgets)
        if share.workers < wanted:
            warnings.warn(f"memory is enough for {share.workers} of {values.jobs} --jobs")
        worker = functools.partial(make, share.budget, share.threads)
        outcomes = run_here(jobs(), worker, share.workers, refreshed)
    for outcome in outcomes:
        in_progress.pop(outcome.job.place).refresh()
        show(store.painted)
        yield outcome


def _on_ray(
    jobs: Iterator[Job],
    film: "VideoJob",
    need: int,
    make: Callable[[int | None, int], RunJob],
    stopping: ShouldStop,
) -> Iterator[Outcome]:
    from nst_tf.workers.cluster import demand, joined
    from nst_tf.workers.ray import run_on_ray

    values = film.values
    with joined(values.ray) as log:
        each = demand(values.ray_cpus, need)
        budget = None if each.gpus else each.memory
        worker = functools.partial(make, budget, each.cpus)
        absolute = map(absolute_paths, jobs)  # machines have other current directories
        yield from run_on_ray(absolute, worker, each, stopping, values.ray_workers, log=log)


def worker_memory(film: "VideoJob") -> int:
    """Return the memory of a worker, bytes: that of a scene's first frame, which has all scales.

    ValueError: the frame does not fit into memory.
    """
    from nst_tf.compute.cache import with_cache

    return with_cache(run_need(film.inputs.first(), len(film.inputs.masks)))


def video_job(values: flags.FlagValues) -> Job:
    """Return what all scenes of a film have in common, as flags of `nst-tf-video`."""
    other = {*FILES, "keyframe", "output", "format", *(flag.name for flag in WORKER_FLAGS)}
    files = [
        *((name, path) for name in FILES for path in paths_of(values[name])),
        # Machines have other current directories.
        *(("keyframe", f"{n}={os.path.abspath(p)}") for n, p in keyframe_paths(values).items()),
    ]
    given = (values[name] for name in values if values[name].present and name not in other)
    return Job("", (*files, *((flag.name, flag_text(flag)) for flag in given)), "")


def scene_job(film: Job, scene: Scene) -> Job:
    """Return the painting of a scene as a job, whose output is the directory of its frames."""
    bounds = (("first", str(scene.first)), ("end", str(scene.end)))
    return Job(scene.name, (*film.flags, *bounds), str(scene.store.directory))


class ScenePainter:
    """Painter of scenes of one film, one after another, each into its own directory.

    The film stays open, and the network, compiled steps and statistics of the paintings are reused.

    Args:
        identity: identity of the film, as computed by the first process.
        budget: memory of this process in bytes; None: as the settings say.
        threads: TensorFlow's threads; 0: all.
    """

    def __init__(self, identity: Identity, budget: int | None = None, threads: int = 0) -> None:
        self._identity = identity
        self._budget = budget
        self._threads = threads
        self._opened: _OpenFilm | None = None

    def __call__(self, job: Job, should_stop: ShouldStop) -> Outcome:
        """Paint a scene; the outcome records any error."""
        return run_safely(job, lambda: self._paint(job, should_stop))

    def _paint(self, job: Job, should_stop: ShouldStop) -> Outcome:
        *film, (_, first), (_, end) = job.flags
        count = int(end) - int(first)
        opened = self._opened = self._opened or self._open(
            [f"--{name}={value}" for name, value in film]
        )
        from nst_tf.video.film import store_frames

        store = FrameStore(Path(job.output))
        identity = scene_identity(self._identity, int(first))
        plan = scene_plan(opened.plan, int(first), int(end))
        if store.exist:
            store.load(identity, plan)
        else:
            store.begin()
        frames = opened.cursor.read(int(first) + store.begun.first, int(end))
        for _ in store_frames(opened.painter, frames, store, identity, should_stop, plan):
            pass
        return Outcome(job, "done" if len(store) >= count else "stopped")

    def _open(self, words: Sequence[str]) -> "_OpenFilm":
        values, settings = parse_video(["nst_tf.video", *words])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the first process has shown them
            inputs = load_video_inputs(values, settings)
            own = load_keyframes(keyframe_paths(values), inputs.size, 0)
        start_tensorflow(values.device, values.deterministic, self._threads)
        from nst_tf.video.painter import FramePainter

        painter = FramePainter(
            inputs.styles, inputs.settings, values.frame_steps, values.long_term, self._budget
        )
        return _OpenFilm(painter, _FrameCursor(inputs), KeyPlan(values.key_every, own))


class _OpenFilm(NamedTuple):
    """What a worker keeps between scenes."""

    painter: "FramePainter"
    cursor: "_FrameCursor"
    plan: KeyPlan


class _FrameCursor:
    """A position in the film, from which the next scene is read.

    Scenes come in order: otherwise, each scene would need all frames before it decoded again.
    """

    def __init__(self, inputs: VideoInputs) -> None:
        self._inputs = inputs
        self._rewind()

    def read(self, first: int, end: int) -> Iterator[tuple[int, FrameInput]]:
        """Yield the time and the input of each frame from `first` to `end` - 1, counted from 0."""
        if first < self._next:
            self._rewind()
        while self._next < end and (found := next(self._frames, None)):
            self._next += 1
            if self._next > first:
                yield found[0].pts, self._inputs.frame_input(*found)

    def _rewind(self) -> None:
        self._frames: Iterator[tuple[Frame, list[np.ndarray]]] = self._inputs.frames()
        self._next = 0
