"""A film of the command line: checked and made ready."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from nst_tf.cli.places import check_film, check_painting
from nst_tf.cli.streams import print_out
from nst_tf.cli.worker_flags import check_ray
from nst_tf.compute.device import start_tensorflow
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import check_outputs, free_name, joined_name, shortened

if TYPE_CHECKING:
    from nst_tf.video.frames import FramePainter
    from nst_tf.video.inputs import FilmInputs
    from nst_tf.video.keep import KeptFrames
    from nst_tf.video.scenes import KeptScenes
    from nst_tf.video.writer import Encoding


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
        from nst_tf.video.scenes import KeptScenes

        return self.kept.total if isinstance(self.kept, KeptScenes) else self.inputs.expected


def prepare(values: flags.FlagValues, settings: Settings) -> Job:
    """Read the inputs, check all that can be checked, and start TensorFlow.

    Raises:
        OSError: a file cannot be read, or the film cannot be written.
        ValueError: film, pictures, masks, settings, codec, device or memory do not agree.
    """
    try:
        from nst_tf.video.inputs import film_identity, film_paths, load_film_inputs
    except ImportError as error:
        raise UserError(f"films need {error.name}: run pip install 'nst_tf[video]'") from None
    from nst_tf.network.weights import load_weights
    from nst_tf.video.keep import KeptFrames
    from nst_tf.video.writer import Encoding, check_writable_film

    check_ray(values)
    check_film(values.content)
    for path in values.style:
        check_painting(path)
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
    from nst_tf.transfer.identity import differences, machine_identity
    from nst_tf.video.frames import FramePainter

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
    from nst_tf.video.scenes import KeptScenes

    if not values.quiet:
        print_out("Looking for cuts")
    return KeptScenes(directory, ((frame.pts, inputs.photo(frame)) for frame in inputs.bare()))


def frames_directory(output: str) -> Path:
    """Return where the frames of a film are until it is whole."""
    path = Path(output)
    return path.parent / shortened(f"{path.name}.frames")


def check_output(
    output: str, kept: "KeptFrames", values: flags.FlagValues, inputs: list[str]
) -> None:
    """Refuse a film that cannot be written or would replace what must stay.

    Raises:
        OSError: a directory is missing or not writable, or a file is there already.
        ValueError: the name is taken by an input, or an unfinished film has left frames, or those
            to go on from were shared out and these are not, or the other way round.
    """
    from nst_tf.video.sequence import is_sequence, numbered, numbers

    check_outputs([output], inputs)
    there = [Path(output)] if Path(output).is_file() else []  # devices and pipes keep nothing
    if is_sequence(output):
        there = [numbered(output, number) for number in numbers(output)]
    if kept.directory.exists() and not kept.directory.is_dir():
        raise NotADirectoryError(f"{kept.directory} is a file: delete it or name another --output")
    if values.resume and kept.exist:
        if kept.shared != is_shared(values):
            how = "with" if kept.shared else "without"
            raise UserError(
                f"{kept.directory} was begun {how} --jobs or --ray: go on {how} them, or add "
                "--overwrite without --resume to start again"
            )
        return
    if values.overwrite:
        return
    if kept.exist:
        raise UserError(
            f"{kept.directory} holds the frames of an unfinished film: add --resume to go on, or "
            "--overwrite to start again"
        )
    if there:
        raise FileExistsError(f"{there[0]} exists: choose another name or add --overwrite")


def _default_name(values: flags.FlagValues) -> str:
    from nst_tf.video.sequence import is_sequence

    def stem(path: str) -> str:
        named = Path(path).stem
        return named.split("%")[0].rstrip("_-.") if is_sequence(path) else named

    return joined_name(filter(None, map(stem, (values.content, *values.style))), ".mp4")


def _taken(path: Path, values: flags.FlagValues) -> bool:
    """Return whether a name that follows from the inputs is another film's."""
    from nst_tf.video.keep import KeptFrames

    unfinished = KeptFrames(frames_directory(str(path))).exist
    if values.overwrite or (values.resume and unfinished):
        return False
    return os.path.lexists(path) or unfinished
