"""Films: `python -m nst_tf.video FILM PAINTING`."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

import nst_tf
from nst_tf.callbacks.console import duration
from nst_tf.checks import counted
from nst_tf.cli.arguments import UsageError
from nst_tf.cli.film_bar import FilmBar
from nst_tf.cli.film_flags import FILM_FLAGS, FILM_SCREEN, FILM_USAGE, parse_film
from nst_tf.cli.help import help_text
from nst_tf.cli.runtime import start_tensorflow
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import answered, fail, run_program, say
from nst_tf.cli.worker_flags import check_ray
from nst_tf.files import check_outputs, free_name
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.cli.film_inputs import FilmInputs
    from nst_tf.film.frames import FramePainter
    from nst_tf.film.keep import KeptFrames
    from nst_tf.film.scenes import KeptScenes
    from nst_tf.film.shot import Shot
    from nst_tf.film.writer import Encoding

NOTHING = "stopped before the first frame: there is nothing to save"


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 for a finished film, 1 for bad input, 2 for misused flags, 128 + the signal's number for a
    film that was stopped, whose painted frames are a film all the same.
    """
    return answered(lambda: _main(argv), NOTHING)


def _main(argv: list[str]) -> int:
    try:
        values, settings = parse_film(argv)
        if values.help:
            return say(FILM_SCREEN.rstrip())
        if values.helpfull:
            return say(help_text(settings, FILM_FLAGS, FILM_USAGE))
        if values.version:
            return say(f"nst_tf {nst_tf.__version__}")
        job = prepare(values, settings)
    except UsageError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        return fail(str(error), 1)
    return Run(job).run()


@dataclass(frozen=True)
class Job:
    """All that a film needs, checked.

    Attributes:
        values: the flags.
        settings: the settings that they amount to.
        inputs: the film, its masks and the paintings.
        output: where to write.
        encoding: how.
        kept: the painted frames on disk; those of scenes if several workers paint.
        identity: what must be the same for them to be of use.
        device: where TensorFlow runs, in words.
        painter: paints the frames.
    """

    values: flags.FlagValues
    settings: Settings
    inputs: "FilmInputs"
    output: str
    encoding: "Encoding"
    kept: "KeptFrames | KeptScenes"
    identity: dict[str, Any]
    device: str
    painter: "FramePainter"

    @property
    def total(self) -> int:
        """How many frames the film has, as far as is known; 0: unknown."""
        from nst_tf.film.scenes import KeptScenes

        return self.kept.total if isinstance(self.kept, KeptScenes) else self.inputs.expected


def prepare(values: flags.FlagValues, settings: Settings) -> Job:
    """Read the inputs, check all that can be checked, and start TensorFlow.

    Raises:
        OSError: a file cannot be read, or the film cannot be written.
        ValueError: film, pictures, masks, settings, codec, device or memory do not agree.
        RuntimeError: Keras is not set up for this program.
    """
    try:
        from nst_tf.cli.film_inputs import film_identity, film_paths, load_film_inputs
    except ImportError as error:
        raise ValueError(f"films need {error.name}: run pip install 'nst_tf[video]'") from None
    from nst_tf.film.keep import KeptFrames
    from nst_tf.film.writer import Encoding, check_writable_film
    from nst_tf.network.weights import load_weights

    check_ray(values)
    output = values.output or str(free_name(_default_name(values), lambda p: _taken(p, values)))
    frames = KeptFrames(frames_directory(output))
    check_output(output, frames, values, film_paths(values, settings))
    inputs = load_film_inputs(values, settings)
    encoding = Encoding(values.codec, values.quality, values.pixel_format)
    check_writable_film(output, inputs.footage, inputs.size, encoding)
    if settings.weights != "imagenet":  # which TensorFlow may have to download
        load_weights(settings.weights)
    kept = find_scenes(inputs, frames.directory, values) if is_shared(values) else frames
    identity = film_identity(values, inputs, settings)
    device = start_tensorflow(values.device, values.deterministic)
    from nst_tf.checkpoint import differences, machine_identity
    from nst_tf.film.frames import FramePainter
    from nst_tf.network.model import check_keras

    check_keras()
    painter = FramePainter(inputs.styles, settings, values.frame_steps, values.long_term)
    identity |= machine_identity(load_weights(settings.weights), painter.precision)
    if values.resume and frames.exist:
        kept.load(identity, differences)
    else:
        kept.begin()
    return Job(values, settings, inputs, output, encoding, kept, identity, device, painter)


def is_shared(values: flags.FlagValues) -> bool:
    """Return whether the scenes of a film are shared out among workers."""
    return values.jobs > 1 or bool(values.ray)


def find_scenes(inputs: "FilmInputs", directory: Path, values: flags.FlagValues) -> "KeptScenes":
    """Go through a film once and return its scenes, whose frames are kept in a directory.

    Raises:
        OSError, ValueError: a frame cannot be decoded.
    """
    from nst_tf.film.scenes import KeptScenes

    if not values.quiet:
        say("Looking for cuts")
    return KeptScenes(directory, ((frame.pts, inputs.photo(frame)) for frame in inputs.bare()))


def frames_directory(output: str) -> Path:
    """Return where the frames of a film are until it is whole."""
    return Path(f"{output}.frames")


def check_output(
    output: str, kept: "KeptFrames", values: flags.FlagValues, inputs: list[str]
) -> None:
    """Refuse a film that cannot be written or would replace what must stay.

    Raises:
        OSError: a directory is missing or not writable, or a file is there already.
        ValueError: the name is taken by an input, or an unfinished film has left frames, or those
            to go on from were shared out and these are not, or the other way round.
    """
    from nst_tf.film.sequence import is_sequence, numbered, numbers

    check_outputs([output], inputs)
    there = [Path(output)] if Path(output).is_file() else []  # devices and pipes keep nothing
    if is_sequence(output):
        there = [numbered(output, number) for number in numbers(output)]
    if kept.directory.exists() and not kept.directory.is_dir():
        raise NotADirectoryError(f"{kept.directory} is a file: delete it or name another --output")
    if values.resume and kept.exist:
        if kept.shared != is_shared(values):
            how = "with" if kept.shared else "without"
            raise ValueError(
                f"{kept.directory} was begun {how} --jobs or --ray: go on {how} them, or add "
                "--overwrite without --resume to start again"
            )
        return
    if values.overwrite:
        return
    if kept.exist:
        raise ValueError(
            f"{kept.directory} holds the frames of an unfinished film: add --resume to go on, or "
            "--overwrite to start again"
        )
    if there:
        raise FileExistsError(f"{there[0]} exists: choose another name or add --overwrite")


def _default_name(values: flags.FlagValues) -> str:
    stems = [
        Path(path).stem.split("%")[0].rstrip("_-.") for path in (values.content, *values.style)
    ]
    return "-".join(filter(None, stems)) + ".mp4"


def _taken(path: Path, values: flags.FlagValues) -> bool:
    """Return whether a name that follows from the inputs is another film's."""
    from nst_tf.film.keep import KeptFrames

    unfinished = KeptFrames(frames_directory(str(path))).exist
    if values.overwrite or (values.resume and unfinished):
        return False
    return os.path.lexists(path) or unfinished


class Run:
    """The painting of one film.

    Attributes:
        whole: whether all frames are painted.
        began: when, by the clock of `time.monotonic`.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.began = time.monotonic()
        self.whole = False

    def run(self) -> int:
        """Paint the frames, write the film, and return the exit status."""
        kept = self.job.kept
        with Stopper(self.rescue) as stopper:
            problem = self.paint(stopper)
            stopper.run_ended()
            status = 128 + stopper.signal if stopper.signal is not None else 1
            if not kept.painted:
                kept.remove()
                return fail(problem or NOTHING, status)
            failure = self.write()
        if problem or failure or not self.whole:
            return fail(self.left(problem, failure), status)
        kept.remove()
        if self.job.values.quiet:
            return 0
        took = duration(time.monotonic() - self.began)
        return say(f"Saved {self.job.output}, {counted(len(kept), 'frame')}, after {took}")

    def paint(self, stopper: Stopper) -> str:
        """Paint what is not painted yet, and return what went wrong, in words."""
        from nst_tf.film.scenes import KeptScenes

        kept = self.job.kept
        try:
            with ExitStack() as closing:
                show = (lambda _: None) if self.job.values.quiet else self._bar(closing).show
                if isinstance(kept, KeptScenes):
                    self._paint_scenes(kept, stopper, show)
                else:
                    self._paint_frames(kept, stopper, show)
        except MemoryError:
            return "memory ran out: lower --max_dim or --style_scale"
        except (OSError, ValueError, RuntimeError) as error:
            return str(error)
        return ""

    def _paint_frames(
        self, kept: "KeptFrames", stopper: Stopper, show: Callable[[int], object]
    ) -> None:
        from nst_tf.film.frames import keep_frames

        job = self.job

        def shots() -> "Iterator[tuple[int, Shot]]":
            yield from job.inputs.shots(skip=len(kept))
            self.whole = True

        for _ in keep_frames(job.painter, shots(), kept, job.identity, lambda: stopper(None)):
            show(len(kept))

    def _paint_scenes(
        self, kept: "KeptScenes", stopper: Stopper, show: Callable[[int], object]
    ) -> None:
        from nst_tf.jobs.scenes import paint_scenes

        job = self.job
        outcomes = paint_scenes(
            job.values, job.settings, job.inputs, kept, job.identity, lambda: stopper(None), show
        )
        for outcome in outcomes:
            for text in outcome.warnings:
                warnings.warn(f"{outcome.job.place}: {text}")
            if outcome.status == "failed":
                fail(f"{outcome.job.place}: {outcome.error}", 1)
        self.whole = len(kept) == kept.total

    def _bar(self, closing: ExitStack) -> FilmBar:
        job, done, total = self.job, self.job.kept.painted, self.job.total
        height, width = job.inputs.size
        say(f"{job.device} · {width}x{height} pixels · {counted(total, 'frame') if total else ''}")
        if done:
            behind = done - len(job.kept)
            also = f", with {counted(behind, 'frame')} of later scenes" if behind else ""
            say(f"Going on after frame {len(job.kept)}{also}")
        bar = FilmBar(sys.stdout, total, done)
        closing.callback(bar.close)
        return bar

    def write(self) -> str:
        """Write the film of the frames that there are, if any, and return what went wrong."""
        from nst_tf.film.writer import write_film

        job, inputs = self.job, self.job.inputs
        if not len(job.kept):
            return ""
        until = None
        if inputs.seconds or not self.whole:  # the sound ends with the last frame
            until = job.kept.times[-1] * inputs.footage.time_base
            until += Fraction(inputs.every) / inputs.footage.rate
        try:
            write_film(job.output, inputs.footage, job.kept, job.encoding, until, inputs.every)
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def rescue(self) -> None:
        """Write the film of what there is while a frame may be under way."""
        fail(self.left("", self.write()) if self.job.kept.painted else NOTHING, 1)

    def left(self, problem: str, failure: str) -> str:
        """Return in words what ended the film, and what is left of it.

        Args:
            problem: what went wrong with painting, if anything.
            failure: what went wrong with writing.
        """
        kept, total = self.job.kept, self.job.total
        of = f" of {total}" if total else ""
        words = [] if self.whole else [f"stopped after frame {len(kept)}{of}"]
        if behind := kept.painted - len(kept):  # only of a film that is not whole
            words[0] += f", with {counted(behind, 'frame')} of later scenes"
        words += filter(None, [problem, failure])
        if len(kept) and not failure:
            words.append(f"the film so far is saved as {self.job.output}")
        words.append("the same command with --resume goes on")
        return "; ".join(words)


def console() -> None:
    """Run the program as a process."""
    run_program(main)


if __name__ == "__main__":
    console()
