"""The checked inputs and the output of one film."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from nst_tf.cli.places import check_film, check_painting
from nst_tf.cli.streams import print_out
from nst_tf.cli.worker_flags import check_ray
from nst_tf.compute.device import start_tensorflow
from nst_tf.inputs.identity import Identity
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import STDOUT_PATH, check_outputs, free_name, joined_name, shortened
from nst_tf.video.flags import keyframe_paths

if TYPE_CHECKING:
    from nst_tf.video.inputs import VideoInputs
    from nst_tf.video.keyframes import KeyPlan
    from nst_tf.video.painter import FramePainter
    from nst_tf.video.scenes import SceneStore
    from nst_tf.video.store import FrameStore
    from nst_tf.video.writer import Encoding


@dataclass(frozen=True)
class VideoJob:
    """All that painting a film needs, checked.

    Attributes:
        values: the flags, which `settings` follow from.
        inputs: the film, its masks and the paintings.
        output: path of the result, which is encoded according to `encoding`.
        store: the painted frames on disk; by scene if several workers paint.
        identity: what must be the same for stored frames to be of use.
        device: TensorFlow's device in words.
        painter: paints the frames.
        plan: what decides which frames are keys.
        piped: whether the result is copied to stdout when it is written.
    """

    values: flags.FlagValues
    settings: Settings
    inputs: "VideoInputs"
    output: str
    encoding: "Encoding"
    store: "FrameStore | SceneStore"
    identity: Identity
    device: str
    painter: "FramePainter"
    plan: "KeyPlan"
    piped: bool = False

    @property
    def place(self) -> str:
        """The output in words."""
        return STDOUT_PATH if self.piped else self.output

    @property
    def total(self) -> int:
        """The expected number of frames; 0: unknown."""
        return _total(self.store, self.inputs)


def prepare(values: flags.FlagValues, settings: Settings) -> VideoJob:
    """Read and check all inputs, and start TensorFlow.

    Raises:
        OSError: a file cannot be read, or the film cannot be written.
        ValueError: film, pictures, masks, settings, codec, device or memory do not agree.
    """
    try:
        from nst_tf.video.inputs import input_paths, load_video_inputs, video_identity
    except ImportError as error:
        raise UserError(f"films need {error.name}: run pip install 'nst_tf[video]'") from None
    from nst_tf.network.weights import load_weights
    from nst_tf.video.keyframes import KeyPlan, load_keyframes
    from nst_tf.video.store import FrameStore
    from nst_tf.video.writer import Encoding, check_writable_video

    check_ray(values)
    check_film(values.content)
    for path in values.style:
        check_painting(path)
    output = values.output or str(free_name(_default_name(values), lambda p: _taken(p, values)))
    frames = FrameStore(frames_directory(output))
    check_output(output, frames, values, input_paths(values, settings))
    inputs = load_video_inputs(values, settings)
    settings = inputs.settings
    encoding = Encoding(values.codec, values.quality, values.pixel_format)
    check_writable_video(output, inputs.footage, inputs.size, encoding)
    if settings.weights != "imagenet":  # which TensorFlow may have to download
        load_weights(settings.weights)
    store = find_scenes(inputs, frames.directory, values) if is_shared(values) else frames
    total = _total(store, inputs)
    own = load_keyframes(keyframe_paths(values), inputs.size, total, frames.directory)
    plan = KeyPlan(values.key_every, own, total)
    identity = video_identity(values, inputs, settings)
    device = start_tensorflow(values.device, values.deterministic)
    from nst_tf.transfer.identity import machine_identity
    from nst_tf.video.painter import FramePainter

    painter = FramePainter(inputs.styles, settings, values.frame_steps, values.long_term)
    identity |= machine_identity(load_weights(settings.weights), painter.precision)
    if values.resume and frames.exist:
        store.load(identity, plan)
    else:
        store.begin()
    return VideoJob(
        values, settings, inputs, output, encoding, store, identity, device, painter, plan
    )


def _total(store: "FrameStore | SceneStore", inputs: "VideoInputs") -> int:
    """Return the expected number of painted frames; 0: unknown."""
    from nst_tf.video.scenes import SceneStore

    return store.total if isinstance(store, SceneStore) else inputs.expected


def is_shared(values: flags.FlagValues) -> bool:
    """Return whether several workers paint the scenes of a film."""
    return values.jobs > 1 or bool(values.ray)


def find_scenes(inputs: "VideoInputs", directory: Path, values: flags.FlagValues) -> "SceneStore":
    """Decode a film once and return its scenes, whose frames are stored in `directory`."""
    from nst_tf.video.scenes import SceneStore

    if not values.quiet:
        print_out("Looking for cuts")
    return SceneStore(
        directory,
        ((frame.pts, inputs.picture(frame).pixels[0]) for frame in inputs.unmasked_frames()),
    )


def frames_directory(output: str) -> Path:
    """Return the directory of an unfinished film's frames."""
    path = Path(output)
    return path.parent / shortened(f"{path.name}.frames")


def check_output(
    output: str, store: "FrameStore", values: flags.FlagValues, inputs: list[str]
) -> None:
    """Refuse an output that cannot be written or would replace other files.

    Raises:
        OSError: a directory is missing or not writable, or a file exists already.
        ValueError: the output is also an input; or frames of an unfinished film exist and are not
            to be resumed, or not in the way in which they were started: with workers or without.
    """
    from nst_tf.video.sequence import is_sequence, numbered, numbers

    check_outputs([output], inputs)
    existing = [Path(output)] if Path(output).is_file() else []  # devices and pipes keep nothing
    if is_sequence(output):
        existing = [numbered(output, number) for number in numbers(output)]
    if store.directory.exists() and not store.directory.is_dir():
        raise NotADirectoryError(f"{store.directory} is a file: delete it or name another --output")
    if values.resume and store.exist:
        if store.shared != is_shared(values):
            how = "with" if store.shared else "without"
            raise UserError(
                f"{store.directory} was started {how} --jobs or --ray: resume {how} them, or add "
                "--overwrite without --resume to start again"
            )
        return
    if values.overwrite:
        return
    if store.exist:
        raise UserError(
            f"{store.directory} holds the frames of an unfinished film: add --resume to continue, "
            "or --overwrite to start again"
        )
    if existing:
        raise FileExistsError(f"{existing[0]} exists: choose another name or add --overwrite")


def _default_name(values: flags.FlagValues) -> str:
    """Return a name made from those of the film and the paintings."""
    from nst_tf.video.sequence import is_sequence

    def stem(path: str) -> str:
        named = Path(path).stem
        return named.split("%")[0].rstrip("_-.") if is_sequence(path) else named

    return joined_name(filter(None, map(stem, (values.content, *values.style))), ".mp4")


def _taken(path: Path, values: flags.FlagValues) -> bool:
    """Return whether a default name belongs to another film."""
    from nst_tf.video.store import FrameStore

    unfinished = FrameStore(frames_directory(str(path))).exist
    if values.overwrite or (values.resume and unfinished):
        return False
    return os.path.lexists(path) or unfinished
