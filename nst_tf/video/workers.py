"""A film whose scenes are jobs, done by processes of this machine or by a Ray cluster."""

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from nst_tf.batch.flags import flag_text
from nst_tf.cli.worker_flags import WORKER_FLAGS
from nst_tf.compute.device import start_tensorflow
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.settings import Settings
from nst_tf.video.flags import parse_film
from nst_tf.video.footage import Frame
from nst_tf.video.inputs import FilmInputs, load_film_inputs
from nst_tf.video.keep import KeptFrames
from nst_tf.video.scenes import KeptScenes, Scene, scene_identity
from nst_tf.video.shot import Shot
from nst_tf.workers.job import Job, absolute_paths
from nst_tf.workers.local import run_here
from nst_tf.workers.outcome import Outcome, ShouldStop, WorkerFactory, run_safely
from nst_tf.workers.share import Share, run_need, split_resources

if TYPE_CHECKING:
    from nst_tf.video.frames import FramePainter

FILES = ("content", "style", "content_mask")
"""The flags that name what a film is painted from."""


def paint_scenes(
    values: flags.FlagValues,
    settings: Settings,
    inputs: FilmInputs,
    kept: KeptScenes,
    identity: dict[str, Any],
    stopping: ShouldStop,
    show: Callable[[int], object],
) -> Iterator[Outcome]:
    """Have the scenes painted that are not whole yet, and yield what has become of each.

    TensorFlow must have been started.

    Args:
        values: the flags.
        settings: the settings that they amount to.
        inputs: of the film.
        kept: the painted frames, which the workers add to.
        identity: what must be the same for them to be of use.
        stopping: once it returns true, scenes under way end after their step, and none is begun.
        show: told several times a second how many frames are painted.

    Raises:
        ConnectionError: there is no cluster at the address.
        UserError: no node of the cluster has room for an actor.
        ValueError: the first frame fits into memory in no way.
    """
    film = film_job(values)
    under_way: dict[str, Scene] = {}
    left = [scene for scene in kept.scenes if not scene.is_whole]
    if not left:
        return

    def jobs() -> Iterator[Job]:
        for scene in left:
            under_way[scene.name] = scene
            yield scene_job(film, scene)

    def looking() -> bool:
        for scene in under_way.values():
            scene.look()
        show(kept.painted)
        return stopping()

    need = first_need(inputs, settings)
    if values.ray:
        outcomes = _on_ray(jobs(), values, need, identity, looking)
    else:
        wanted = min(values.jobs, len(left))
        share = Share(1) if wanted < 2 else split_resources(wanted, need, [settings.memory_budget])
        if share.workers < wanted:
            warnings.warn(f"memory is enough for {share.workers} of {values.jobs} --jobs")
        make = functools.partial(ScenePainter, identity, share.budget, share.threads)
        outcomes = run_here(jobs(), make, share.workers, looking)
    for outcome in outcomes:
        under_way.pop(outcome.job.place).look()
        show(kept.painted)
        yield outcome


def _on_ray(
    jobs: Iterator[Job],
    values: flags.FlagValues,
    need: int,
    identity: dict[str, Any],
    stopping: ShouldStop,
) -> Iterator[Outcome]:
    from nst_tf.workers.cluster import demand, joined
    from nst_tf.workers.ray import run_on_ray

    with joined(values.ray) as log:
        each = demand(values.ray_cpus, need)
        budget = None if each.gpus else each.memory
        make: WorkerFactory = functools.partial(ScenePainter, identity, budget, each.cpus)
        absolute = map(absolute_paths, jobs)  # machines have other current directories
        yield from run_on_ray(absolute, make, each, stopping, values.ray_workers, log=log)


def first_need(inputs: FilmInputs, settings: Settings) -> int:
    """Return the bytes that a worker takes: those of a film's first frame, which has all scales.

    Raises:
        ValueError: it fits into memory in no way.
    """
    from nst_tf.compute.cache import with_cache

    _, shot = next(inputs.shots())
    fitted = prepare_inputs(shot.photo, inputs.styles, settings, shot.regions or ())
    return with_cache(run_need(fitted, len(inputs.masks)))


def film_job(values: flags.FlagValues) -> Job:
    """Return what the scenes of a film have in common, as flags of `video`."""
    other = {*FILES, "output", *(flag.name for flag in WORKER_FLAGS)}
    files = [(name, path) for name in FILES for path in _named(values[name].value)]
    given = (values[name] for name in values if values[name].present and name not in other)
    return Job("", (*files, *((flag.name, flag_text(flag)) for flag in given)), "")


def _named(value: str | Sequence[str] | None) -> Sequence[str]:
    return [value] if isinstance(value, str) else value or ()


def scene_job(film: Job, scene: Scene) -> Job:
    """Return the painting of a scene as a job; its output is the directory of its frames."""
    bounds = (("first", str(scene.first)), ("end", str(scene.end)))
    return Job(scene.name, (*film.flags, *bounds), str(scene.kept.directory))


class ScenePainter:
    """Paints scenes of one film one after the other, into a directory each.

    The film stays open, the paintings stay learnt, and so do the network and compiled steps.

    Args:
        identity: what must be the same for kept frames to be of use, as the first process has it.
        budget: bytes that this process may take; None: what the settings say.
        threads: that TensorFlow may use; 0: all.
    """

    def __init__(
        self, identity: dict[str, Any], budget: int | None = None, threads: int = 0
    ) -> None:
        self._identity = identity
        self._budget = budget
        self._threads = threads
        self._begun: tuple[FramePainter, _Reel] | None = None

    def __call__(self, job: Job, stopping: ShouldStop) -> Outcome:
        """Do a job; whatever goes wrong is told by the outcome."""
        return run_safely(job, lambda: self._paint(job, stopping))

    def _paint(self, job: Job, stopping: ShouldStop) -> Outcome:
        *film, (_, first), (_, end) = job.flags
        count = int(end) - int(first)
        painter, reel = self._begun = self._begun or self._begin(
            [f"--{name}={value}" for name, value in film]
        )
        from nst_tf.transfer.identity import differences
        from nst_tf.video.frames import keep_frames

        kept = KeptFrames(Path(job.output))
        identity = scene_identity(self._identity, int(first))
        if kept.exist:
            kept.load(identity, differences)
        else:
            kept.begin()
        shots = reel.shots(int(first) + len(kept), int(end))
        for _ in keep_frames(painter, shots, kept, identity, stopping):
            pass
        return Outcome(job, "done" if len(kept) >= count else "stopped")

    def _begin(self, words: Sequence[str]) -> "tuple[FramePainter, _Reel]":
        values, settings = parse_film(["nst_tf.video", *words])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the first process has told what there is to tell
            inputs = load_film_inputs(values, settings)
        start_tensorflow(values.device, values.deterministic, self._threads)
        from nst_tf.video.frames import FramePainter

        painter = FramePainter(
            inputs.styles, settings, values.frame_steps, values.long_term, self._budget
        )
        return painter, _Reel(inputs)


class _Reel:
    """A film that is read on from where the last scene ended, since they come in order.

    Without that, every scene would have all frames before it decoded.
    """

    def __init__(self, inputs: FilmInputs) -> None:
        self._inputs = inputs
        self._rewind()

    def shots(self, first: int, end: int) -> Iterator[tuple[int, Shot]]:
        """Yield when frames are shown, and the frames; arguments are numbers from 0."""
        if first < self._at:
            self._rewind()
        while self._at < end and (found := next(self._frames, None)):
            self._at += 1
            if self._at > first:
                yield found[0].pts, self._inputs.shot(*found)

    def _rewind(self) -> None:
        self._frames: Iterator[tuple[Frame, list[np.ndarray]]] = self._inputs.frames()
        self._at = 0
