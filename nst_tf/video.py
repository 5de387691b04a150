"""Films: `python -m nst_tf.video FILM PAINTING`."""

import os
import sys
import time
from collections.abc import Iterator
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
from nst_tf.cli.streams import fail, run_program, say, warnings_on_stderr
from nst_tf.files import check_outputs, free_name
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.cli.film_inputs import FilmInputs
    from nst_tf.film.frames import FramePainter
    from nst_tf.film.keep import KeptFrames
    from nst_tf.film.shot import Shot
    from nst_tf.film.writer import Encoding

NOTHING = "stopped before the first frame: there is nothing to save"


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 for a finished film, 1 for bad input, 2 for misused flags, 128 + the signal's number for a
    film that was stopped, whose painted frames are a film all the same.
    """
    try:
        with warnings_on_stderr():
            return _main(argv)
    except UsageError as error:
        return fail(f"{error} (--help tells how to start)", 2)
    except KeyboardInterrupt:
        return fail(NOTHING, 130)


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
        kept: the painted frames on disk.
        identity: what must be the same for them to be of use.
        device: where TensorFlow runs, in words.
        painter: paints the frames.
    """

    values: flags.FlagValues
    settings: Settings
    inputs: "FilmInputs"
    output: str
    encoding: "Encoding"
    kept: "KeptFrames"
    identity: dict[str, Any]
    device: str
    painter: "FramePainter"


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

    output = values.output or str(free_name(_default_name(values), lambda p: _taken(p, values)))
    kept = KeptFrames(frames_directory(output))
    check_output(output, kept, values, film_paths(values, settings))
    inputs = load_film_inputs(values, settings)
    encoding = Encoding(values.codec, values.quality, values.pixel_format)
    check_writable_film(output, inputs.footage, inputs.size, encoding)
    if settings.weights != "imagenet":  # which TensorFlow may have to download
        load_weights(settings.weights)
    identity = film_identity(values, inputs, settings)
    device = start_tensorflow(values.device, values.deterministic)
    from nst_tf.checkpoint import differences, machine_identity
    from nst_tf.film.frames import FramePainter
    from nst_tf.network.model import check_keras

    check_keras()
    painter = FramePainter(inputs.styles, settings, values.frame_steps, values.long_term)
    identity |= machine_identity(load_weights(settings.weights), painter.precision)
    if values.resume and kept.exist:
        kept.load(identity, differences)
    else:
        kept.begin()
    return Job(values, settings, inputs, output, encoding, kept, identity, device, painter)


def frames_directory(output: str) -> Path:
    """Return where the frames of a film are until it is whole."""
    return Path(f"{output}.frames")


def check_output(
    output: str, kept: "KeptFrames", values: flags.FlagValues, inputs: list[str]
) -> None:
    """Refuse a film that cannot be written or would replace what must stay.

    Raises:
        OSError: a directory is missing or not writable, or a file is there already.
        ValueError: the name is taken by an input, or an unfinished film has left frames.
    """
    from nst_tf.film.sequence import is_sequence, numbered, numbers

    check_outputs([output], inputs)
    there = [Path(output)] if Path(output).is_file() else []  # devices and pipes keep nothing
    if is_sequence(output):
        there = [numbered(output, number) for number in numbers(output)]
    if kept.directory.exists() and not kept.directory.is_dir():
        raise NotADirectoryError(f"{kept.directory} is a file: delete it or name another --output")
    if values.overwrite or (values.resume and kept.exist):
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
    unfinished = (frames_directory(str(path)) / "state.npz").exists()
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
            if not len(kept):
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
        from nst_tf.film.frames import paint_frames

        job, kept = self.job, self.job.kept
        shown = 0  # when the latest frame is, in the film's units

        def shots() -> "Iterator[Shot]":
            nonlocal shown
            for pts, shot in job.inputs.shots(skip=len(kept)):
                shown = pts
                yield shot
            self.whole = True

        try:
            with ExitStack() as closing:
                bar = None if job.values.quiet else self._bar(closing)
                for past in paint_frames(job.painter, shots(), kept.past, lambda: stopper(None)):
                    kept.add(shown, past, job.identity)
                    if bar:
                        bar.show(len(kept))
        except MemoryError:
            return "memory ran out: lower --max_dim or --style_scale"
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def _bar(self, closing: ExitStack) -> FilmBar:
        job, done = self.job, len(self.job.kept)
        height, width = job.inputs.size
        total = job.inputs.expected
        say(f"{job.device} · {width}x{height} pixels · {counted(total, 'frame') if total else ''}")
        if done:
            say(f"Going on after frame {done}")
        bar = FilmBar(sys.stdout, total, done)
        closing.callback(bar.close)
        return bar

    def write(self) -> str:
        """Write the film of the frames that there are, and return what went wrong, in words."""
        from nst_tf.film.writer import write_film

        job, inputs = self.job, self.job.inputs
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
        fail(self.left("", self.write()) if len(self.job.kept) else NOTHING, 1)

    def left(self, problem: str, failure: str) -> str:
        """Return in words what ended the film, and what is left of it.

        Args:
            problem: what went wrong with painting, if anything.
            failure: what went wrong with writing.
        """
        kept, total = self.job.kept, self.job.inputs.expected
        of = f" of {total}" if total else ""
        words = [] if self.whole else [f"stopped after frame {len(kept)}{of}"]
        words += filter(None, [problem, failure])
        if not failure:
            words.append(f"the film so far is saved as {self.job.output}")
        words.append("the same command with --resume goes on")
        return "; ".join(words)


def console() -> None:
    """Run the program as a process."""
    run_program(main)


if __name__ == "__main__":
    console()
