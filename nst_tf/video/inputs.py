"""The inputs of a film: frames, masks and paintings, resized for the run."""

import dataclasses
import functools
import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from PIL.Image import Resampling

from nst_tf.images.decode import Decoded
from nst_tf.images.faces import faces_of
from nst_tf.images.io import Picture, as_picture, load_mask, load_picture, opaque
from nst_tf.images.levels import quantize, to_float
from nst_tf.images.masks import LEAST_WHITE, Region
from nst_tf.images.pairing import pair_masks
from nst_tf.images.resize import Size, fit_size, resize_plane
from nst_tf.images.save import FORMATS
from nst_tf.inputs.identity import Identity, identity
from nst_tf.inputs.prepare import RunInputs, prepare_inputs
from nst_tf.inputs.sources import load_paintings
from nst_tf.settings import INITS, Settings
from nst_tf.utils.digests import array_digest, file_digest
from nst_tf.utils.errors import UserError
from nst_tf.video.animation import is_animation
from nst_tf.video.flags import keyframe_paths, preview_seconds, sequence_rate
from nst_tf.video.footage import Footage, Frame
from nst_tf.video.frame import FrameInput
from nst_tf.video.reader import open_video
from nst_tf.video.sequence import is_sequence, numbered, numbers


@dataclasses.dataclass(frozen=True, eq=False)
class VideoInputs:
    """The inputs of a film that is to be painted.

    Attributes:
        footage: the film.
        settings: of the run, with brushstrokes where its frames need them.
        size: height and width of the painted frames, pixels.
        styles: the paintings, float32 `[1, h, w, 3]` in [0, 1].
        masks: for each region, a film of masks, or one mask for all frames, float32 `[H, W]`.
        every: one of this many frames is painted.
        seconds: duration of the painted part; 0: the whole film.
    """

    footage: Footage
    settings: Settings
    size: Size
    styles: Sequence[np.ndarray]
    masks: Sequence[Footage | np.ndarray]
    every: int
    seconds: float

    @property
    def network_size(self) -> Size:
        """Height and width up to which the network works, pixels."""
        return fit_size(*self.size, self.settings.network_limit)

    @property
    def expected(self) -> int:
        """The expected number of painted frames; 0: unknown."""
        return self.footage.expected(self.every, self.seconds)

    def frame_inputs(self, skip: int = 0) -> Iterator[tuple[int, FrameInput]]:
        """Yield the time and the input of each painted frame after the first `skip`."""
        for frame, masks in itertools.islice(self.frames(), skip, None):
            yield frame.pts, self.frame_input(frame, masks)

    def frames(self) -> Iterator[tuple[Frame, list[np.ndarray]]]:
        """Yield the frames to paint, as they are in the film, and their masks."""
        planes = [self._planes(mask) for mask in self.masks]
        for frame in self.unmasked_frames():
            yield frame, [next(plane) for plane in planes]

    def unmasked_frames(self) -> Iterator[Frame]:
        """Yield the frames to paint, as they are in the film, without their masks."""
        return self.footage.frames(self.every, self.seconds)

    def picture(self, frame: Frame) -> Picture:
        """Return a frame resized to `size`."""
        return as_picture(_decoded(frame), self.size, self.footage.path)

    def frame_input(self, frame: Frame, masks: Sequence[np.ndarray]) -> FrameInput:
        """Return the painter's input for a frame and its masks, as `frames` yields them."""
        # Small white parts must survive the resampling.
        resized = [resize_plane(mask, self.size, resample=Resampling.HAMMING) for mask in masks]
        picture = self.picture(frame)
        alpha = None if picture.alpha is None else quantize(picture.alpha)
        regions = regions_of(resized, len(self.styles))
        shot = FrameInput(picture.pixels[0], regions, alpha)
        if not self.settings.seeks_faces or regions is None:
            return shot
        return shot._replace(find_faces=lambda: faces_of(_decoded(frame), self.size))

    def first(self) -> RunInputs:
        """Return the inputs of the first frame, without those of earlier frames.

        Raises:
            ValueError: pictures, masks and settings do not agree.
        """
        _, frame = next(self.frame_inputs())
        regions, faces = frame.regions or (), frame.with_faces().faces
        return prepare_inputs(frame.photo, self.styles, self.settings, regions, faces=faces)

    def _planes(self, mask: Footage | np.ndarray) -> Iterator[np.ndarray]:
        """Yield the mask of each frame; a film of masks that is too short repeats its last one."""
        if isinstance(mask, Footage):
            for frame in mask.frames(self.every):
                plane = to_float(frame.pixels).mean(axis=-1)
                if frame.alpha is not None:
                    plane = plane * to_float(frame.alpha)
                yield plane
        else:
            plane = mask
        while True:
            yield plane


def _decoded(frame: Frame) -> Decoded:
    alpha = None if frame.alpha is None else to_float(frame.alpha)
    return Decoded(list(np.moveaxis(frame.pixels, -1, 0)), alpha, False)


def regions_of(masks: Sequence[np.ndarray], styles: int) -> Sequence[Region] | None:
    """Return the regions of a frame; None if all masks are black, so that nothing is painted.

    Without masks, the whole frame is painted.

    Raises:
        ValueError: the numbers of masks and paintings do not agree.
    """
    if not masks:
        return ()
    white = [mask.max() >= LEAST_WHITE for mask in masks]
    shown = [mask if seen else np.ones_like(mask) for mask, seen in zip(masks, white, strict=True)]
    regions = pair_masks(shown, [], styles)
    # A single mask applies to all paintings.
    kept = [region for region, seen in zip(regions, white, strict=True) if seen]
    return kept or None


def input_paths(values: flags.FlagValues, settings: Settings) -> list[str]:
    """Return the paths and image-sequence patterns that a run reads."""
    paths = [values.content, *values.style, *(values.content_mask or ())]
    paths += keyframe_paths(values).values()
    return paths + ([] if settings.weights in ("bundled", "imagenet") else [settings.weights])


def load_video_inputs(values: flags.FlagValues, settings: Settings) -> VideoInputs:
    """Open and read the inputs that the flags name, and check them together with the first frame.

    Raises:
        OSError: a file cannot be read as a film or as a picture.
        ValueError: a picture is too small, or masks, pictures and settings do not agree.
    """
    if settings.init not in INITS:
        raise UserError(f"--init {settings.init} is a picture: films start from {', '.join(INITS)}")
    footage = open_video(values.content, sequence_rate(values))
    if not values.sound:
        footage = dataclasses.replace(footage, sound=False)
    size = painted_size(footage.size, settings.max_dim)
    settings = enlarging(settings, size)
    paintings = [functools.partial(load_picture, path) for path in values.style]
    styles = [opaque(painting) for painting in load_paintings(paintings, size, settings)]
    masks = [_open_mask(path, values) for path in values.content_mask or ()]
    seconds = preview_seconds(values)
    inputs = VideoInputs(footage, settings, size, styles, masks, values.every, seconds)
    return dataclasses.replace(inputs, styles=inputs.first().styles)


def _open_mask(path: str, values: flags.FlagValues) -> Footage | np.ndarray:
    picture = Path(path).suffix.lower() in FORMATS and not is_sequence(path)
    if picture and not (os.path.isfile(path) and is_animation(path)):
        mask = load_mask(path)
        return mask if mask.ndim == 2 else mask.mean(axis=-1)
    return open_video(path, sequence_rate(values))


def enlarging(settings: Settings, size: Size) -> Settings:
    """Return the settings of a film whose painted frames have a size, height and width in pixels.

    The network works up to `network_dim`, and brushstrokes enlarge its pictures to larger frames.
    """
    larger = 0 < settings.network_dim < max(size)
    return dataclasses.replace(settings, repaint=True) if larger else settings


def painted_size(size: Size, max_dim: int) -> Size:
    """Return the height and width of the painted frames, pixels.

    A film that is scaled down gets even sides, which all pixel formats support.
    """
    fitted = fit_size(*size, max_dim)
    if fitted == tuple(size):
        return fitted
    limit = 2 * (max_dim // 2)
    height, width = (max(2, min(2 * round(side / 2), limit)) for side in fitted)
    return height, width


def video_identity(values: flags.FlagValues, inputs: VideoInputs, settings: Settings) -> Identity:
    """Return the identity of a film: what must be the same for stored frames to be of use.

    The machine, which matters too, is not part of it.
    """
    named = {"content": values.content}
    named |= {f"mask {n}": path for n, path in enumerate(values.content_mask or (), start=1)}
    made_from = (
        {name: _digest(path) for name, path in named.items()}
        | {f"style {n}": array_digest(style) for n, style in enumerate(inputs.styles, start=1)}
        | {name: values[name].value for name in ("every", "frame_steps", "key_every", "long_term")}
    )
    return identity(made_from, settings)


def _digest(path: str) -> str:
    """Return the digest of a film, or of an image sequence's names, sizes and dates."""
    if not is_sequence(path):
        return file_digest(path)
    listed = hashlib.sha256()
    # Other files in the directory, such as results, may change.
    for number in sorted(numbers(path)):
        file = numbered(path, number)
        status = file.stat()
        listed.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return listed.hexdigest()
