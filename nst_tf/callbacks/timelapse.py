"""A time-lapse: a run as a film whose frames are evenly spaced in change, not in steps."""

import importlib.util
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from nst_tf.images.encode import add_video_stream, encode_pictures
from nst_tf.images.preview import preview
from nst_tf.images.resize import Size
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, write_whole

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

EXTENSIONS = (".gif", ".webp", ".mp4")
"""The extensions of time-lapses."""

MOST = 120  # frames
LONG_SIDE = 512  # pixels of a frame, at most
RATE = 20  # frames a second
THUMBNAIL = (48, 48)  # pixels, whatever the picture's shape: that of all scales is the same
SMALLEST = 1.0  # levels of 255 on average: nobody sees less
WIDER = 1.25  # the spacing over the one before, when there are too many frames


class Frame(NamedTuple):
    """A picture of the run, uint8 `[h, w, 3]`, and its thumbnail."""

    pixels: np.ndarray
    thumbnail: np.ndarray


class TimeLapse:
    """Keeps frames of a run for a film of it.

    A frame is kept if the picture has changed enough since the one before. When there are too many,
    the change that is enough grows, and the frames are thinned out: a run of any length leaves at
    most `most` frames, so that the memory they take is bounded.

    Args:
        most: frames kept, at most.
        long_side: of a frame, pixels, at most.
    """

    def __init__(self, most: int = MOST, long_side: int = LONG_SIDE) -> None:
        self._most = most
        self._long_side = long_side
        self._spacing = SMALLEST
        self._frames: list[Frame] = []
        self._kept = False  # the latest step's
        self._failed = False

    def __call__(self, progress: "Progress") -> None:
        """Keep the step's picture if it differs enough; a lack of memory never ends the run."""
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
        self._frames = frames  # as a whole: another thread may be saving the film

    def _frame(self, image: np.ndarray) -> Frame:
        pixels = preview(image, self._long_side)
        small = Image.fromarray(pixels).resize(THUMBNAIL, Image.Resampling.BOX)
        return Frame(pixels, np.asarray(small, np.int16))

    def save(self, path: StrPath, image: np.ndarray, overwrite: bool = True) -> None:
        """Write the film; frames of coarse scales are enlarged to the size of the others.

        Args:
            path: of the file, with one of the extensions `EXTENSIONS`.
            image: the last picture, which is shown for a second, float32 `[1, h, w, 3]`.
            overwrite: whether a file that is there already is replaced.

        Raises:
            ValueError: the extension is another one, or PyAV is missing.
            OSError: the file cannot be written, or is there and must stay.
        """
        check_timelapse(path)
        last = self._frame(image)
        frames = [*self._frames]
        if frames and (self._kept or _change(frames[-1], last) < SMALLEST):
            del frames[-1]  # it shows the same
        frames.append(last)
        try:
            film = _encoded(frames, Path(path).suffix.lower())
        except Exception as error:  # of an encoder: the picture's other files are still to be saved
            raise OSError(f"{path} cannot be written: {error or type(error).__name__}") from error
        with write_whole(path, overwrite) as file:
            file.write(film)


def check_timelapse(path: StrPath) -> None:
    """Check that a film can be written to a path.

    Raises:
        ValueError: the extension is not one of `EXTENSIONS`, or PyAV is missing.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in EXTENSIONS:
        raise UserError(f"{path} has no extension of a film: use one of {' '.join(EXTENSIONS)}")
    if suffix == ".mp4" and importlib.util.find_spec("av") is None:
        raise UserError(f"{path} needs PyAV: run pip install 'nst_tf[video]', or write a .webp")


def _change(before: Frame, after: Frame) -> float:
    """Return the mean difference of two frames, levels of 255."""
    return float(np.abs(after.thumbnail - before.thumbnail).mean())


def _thinned(frames: Sequence[Frame], spacing: float) -> list[Frame]:
    """Return the first frame, and each that differs enough from the one returned before it."""
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
    """Write an MP4 file that any player shows: H.264, or MPEG-4 where PyAV is built without."""
    import av

    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    even = (size[0] // 2 * 2 or 2, size[1] // 2 * 2 or 2)  # colours are stored at half the size
    shown = [*frames[:-1], *[frames[-1]] * RATE]
    with av.open(file, "w", format="mp4") as container:
        stream = add_video_stream(container, codec, RATE, even, "yuv420p")
        encode_pictures(container, stream, map(av.VideoFrame.from_image, _pictures(shown, even)))
