"""Time-lapse animation of a run, with frames evenly spaced in change, not in steps."""

import importlib.util
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from nst_tf.images.encode import add_video_stream, encode_pictures
from nst_tf.images.resize import Size, preview
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, write_whole

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

ANIMATIONS = (".gif", ".webp", ".mp4")
"""Extensions of animations that can be written."""

MOST = 120  # maximum number of frames
LONG_SIDE = 512  # maximum long side of a frame, pixels
RATE = 20  # frames per second
THUMBNAIL = (48, 48)  # pixels, regardless of the picture's size, so that all scales can be compared
SMALLEST = 1.0  # levels of 255 on average: a smaller change is invisible
WIDER = 1.25  # factor of the spacing when there are too many frames


class Frame(NamedTuple):
    """A picture of the run, uint8 `[h, w, 3]`, and its thumbnail."""

    pixels: np.ndarray
    thumbnail: np.ndarray


class TimeLapse:
    """Keeps frames of a run for an animation of it.

    A frame is kept if the picture has changed enough since the previous frame. When there are too
    many frames, the required change grows, and the frames are thinned out. A run of any length
    keeps at most `most` frames, so their memory is bounded.

    Args:
        most: maximum number of frames.
        long_side: maximum long side of a frame, pixels.
    """

    def __init__(self, most: int = MOST, long_side: int = LONG_SIDE) -> None:
        self._most = most
        self._long_side = long_side
        self._spacing = SMALLEST
        self._frames: list[Frame] = []
        self._kept = False  # the latest step's
        self._failed = False

    def __call__(self, progress: "Progress") -> None:
        """Keep the step's picture if it differs enough; lack of memory ends only the time-lapse."""
        if self._failed:
            return
        try:
            self._add(progress.image())
        except MemoryError:
            self._failed, self._kept = True, False
            warnings.warn(f"the time-lapse ends at step {progress.step}: memory ran out")

    def _add(self, image: np.ndarray) -> None:
        frame = self._frame(image)
        self._kept = not self._frames or _change(self._frames[-1], frame) >= self._spacing
        if not self._kept:
            return
        frames = [*self._frames, frame]
        while len(frames) > self._most:
            self._spacing *= WIDER
            frames = _thinned(frames, self._spacing)
        self._frames = frames  # in one assignment: another thread may be saving the animation

    def _frame(self, image: np.ndarray) -> Frame:
        pixels = preview(image, self._long_side)
        small = Image.fromarray(pixels).resize(THUMBNAIL, Image.Resampling.BOX)
        return Frame(pixels, np.asarray(small, np.int16))

    def save(self, path: StrPath, image: np.ndarray, overwrite: bool = True) -> None:
        """Write the animation; frames of coarse scales are enlarged to the size of the others.

        Args:
            path: of the file, with one of the extensions `ANIMATIONS`.
            image: the last picture, which is shown for a second, float32 `[1, h, w, 3]` in [0, 1].
            overwrite: whether an existing file is replaced.

        Raises:
            UserError: the extension is another one, or PyAV is missing.
            OSError: the file cannot be written, or it exists and must not be replaced.
        """
        check_animation(path)
        last = self._frame(image)
        frames = [*self._frames]
        if frames and (self._kept or _change(frames[-1], last) < SMALLEST):
            del frames[-1]  # it shows the same picture
        frames.append(last)
        try:
            film = _encoded(frames, Path(path).suffix.lower())
        except Exception as error:  # of an encoder: other outputs are still to be saved
            raise OSError(f"{path} cannot be written: {error or type(error).__name__}") from error
        with write_whole(path, overwrite) as file:
            file.write(film)


def check_animation(path: StrPath) -> None:
    """Refuse a path with an extension not in `ANIMATIONS`, or one that needs PyAV without it."""
    suffix = Path(path).suffix.lower()
    if suffix not in ANIMATIONS:
        raise UserError(
            f"{path} does not have the extension of an animation: use one of {' '.join(ANIMATIONS)}"
        )
    if suffix == ".mp4" and importlib.util.find_spec("av") is None:
        raise UserError(f"{path} needs PyAV: run pip install 'nst_tf[video]', or write a .webp")


def _change(before: Frame, after: Frame) -> float:
    """Return the mean difference of two frames, levels of 255."""
    return float(np.abs(after.thumbnail - before.thumbnail).mean())


def _thinned(frames: Sequence[Frame], spacing: float) -> list[Frame]:
    """Return the first frame, and each frame that differs enough from the last one returned."""
    kept = [frames[0]]
    for frame in frames[1:]:
        if _change(kept[-1], frame) >= spacing:
            kept.append(frame)
    return kept


def _encoded(frames: Sequence[Frame], suffix: str) -> bytes:
    height, width = frames[-1].pixels.shape[:2]
    file = io.BytesIO()
    if suffix == ".mp4":
        _write_video(file, frames, (height, width))
        return file.getvalue()
    first, *others = _pictures(frames, (height, width))
    shown = [1000 // RATE] * len(others) + [1000]  # milliseconds
    options = {"loop": 0} if suffix == ".gif" else {"loop": 0, "quality": 85}
    first.save(
        file, suffix[1:].upper(), save_all=True, append_images=others, duration=shown, **options
    )
    return file.getvalue()


def _pictures(frames: Sequence[Frame], size: Size) -> Iterator[Image.Image]:
    """Yield the frames at one size."""
    for frame in frames:
        yield Image.fromarray(frame.pixels).resize(size[::-1], Image.Resampling.LANCZOS)


def _write_video(file: io.BytesIO, frames: Sequence[Frame], size: Size) -> None:
    """Write an MP4 file for any player, with H.264, or with MPEG-4 if PyAV lacks H.264."""
    import av

    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    # Colours are stored at half the resolution.
    even = (size[0] // 2 * 2 or 2, size[1] // 2 * 2 or 2)
    shown = [*frames[:-1], *[frames[-1]] * RATE]
    with av.open(file, "w", format="mp4") as container:
        stream = add_video_stream(container, codec, RATE, even, "yuv420p")
        encode_pictures(container, stream, map(av.VideoFrame.from_image, _pictures(shown, even)))
