"""The painted frames of a film on disk, until the film is whole.

Beside the film there is a directory with a PNG file for each frame, and one file with what the
next frame needs of those before it, in full precision: a film that was stopped goes on from there,
and ends with the same frames, bit for bit. Where several processes paint, each scene has such a
directory within that one.
"""

import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.images.levels import quantize
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import write_whole
from nst_tf.video.footage import Frame
from nst_tf.video.shot import Painted

FORMAT = "nst_tf frames 2"
STATE = "state.npz"
FAST = 1  # of PNG's levels of compression: the files are deleted soon


class KeptFrames:
    """The frames of one film.

    Args:
        directory: where they are, made if missing.

    Attributes:
        times: when each of the frames is shown, in the film's units.
        past: the latest painted frames that the next one needs, the latest first.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.times: list[int] = []
        self.past: tuple[Painted, ...] = ()

    @property
    def exist(self) -> bool:
        """Whether there are frames of an unfinished film, or of scenes of one."""
        return (self.directory / STATE).exists() or self.shared

    @property
    def shared(self) -> bool:
        """Whether they are those of scenes, each in a directory of its own."""
        return any(scene.exist for scene in self._scenes())

    def scene(self, number: int) -> "KeptFrames":
        """Return the frames of a scene, by its number from 1."""
        return KeptFrames(self.directory / f"scene-{number:04d}")

    def counted(self, known: int = 0) -> int:
        """Return how many frames are on the disk, which another process may be painting.

        Args:
            known: how many are there at least.
        """
        while self._file(known).exists():
            known += 1
        return known

    def begin(self) -> None:
        """Make the directory, without frames of earlier films."""
        self.remove()
        self.directory.mkdir(exist_ok=True)

    def load(self, identity: dict[str, Any], differences: Any) -> None:
        """Read what is there.

        Args:
            identity: of the film that goes on, as JSON has it.
            differences: returns in words what two identities do not share.

        Raises:
            OSError: the files cannot be read.
            ValueError: they are of another film, or damaged.
        """
        path = self.directory / STATE
        try:
            with np.load(path, allow_pickle=False) as file:
                record = json.loads(str(file["record"]))
                if record["format"] != FORMAT:
                    raise UserError("another format")
                times = [int(time) for time in file["times"]]
                images, photos, covered = file["images"], file["photos"], file["covered"]
        except OSError as error:
            raise OSError(f"{path} cannot be read: {error.strerror or error}") from None
        except (ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
            raise UserError(f"{path} is damaged: delete {self.directory} to start again") from None
        other = differences(identity, record["identity"])
        if other:
            raise UserError(
                f"{self.directory} holds frames of another film: {'; '.join(other[:3])}; repeat "
                "that film's command, or add --overwrite without --resume to start again"
            )
        missing = [n for n in range(len(times)) if not self._file(n).is_file()]
        if missing:
            raise UserError(f"{self._file(missing[0])} is missing: delete {self.directory}")
        self.times = times
        self.past = tuple(
            Painted(photo, image[None], image[None], None if share.min() == 1 else share)
            for photo, image, share in zip(photos, images, covered, strict=True)
        )

    def add(
        self,
        time: int,
        past: Sequence[Painted],
        identity: dict[str, Any],
        alpha: np.ndarray | None = None,
    ) -> None:
        """Keep one more frame; when this returns, it is on the disk.

        Args:
            time: when it is shown.
            past: the frame, and those before it that the next one needs.
            identity: of the film.
            alpha: of the frame, uint8 `[H, W]`; None: opaque.

        Raises:
            OSError: it cannot be written.
        """
        levels = quantize(past[0].result[0])
        if alpha is not None:
            levels = np.concatenate([levels, alpha[..., None]], axis=-1)
        with write_whole(self._file(len(self.times))) as file:
            Image.fromarray(levels).save(file, "PNG", compress_level=FAST)
        times = [*self.times, time]
        with write_whole(self.directory / STATE) as file:
            np.savez(
                file,
                record=json.dumps({"format": FORMAT, "identity": identity}),
                times=times,
                images=np.stack([frame.image[0] for frame in past]),
                photos=np.stack([frame.photo for frame in past]),
                covered=np.stack([_covered(frame) for frame in past]),
            )
        self.times, self.past = times, tuple(past)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def painted(self) -> int:
        """How many frames are painted."""
        return len(self)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that were there when the iteration began."""
        return self.at(tuple(self.times))

    def at(self, times: Sequence[int]) -> Iterator[Frame]:
        """Yield as many frames as there are times, which are when they are shown."""
        for number, time in enumerate(times):
            with Image.open(self._file(number)) as image:
                levels = np.asarray(image)
            yield Frame(levels[..., :3], time, levels[..., 3] if levels.shape[-1] == 4 else None)

    def remove(self) -> None:
        """Delete the frames, but nothing else that is in the directory."""
        if not self.directory.is_dir():
            return
        for scene in self._scenes():
            scene.remove()
        for path in (*self.directory.glob("frame-*.png"), self.directory / STATE):
            path.unlink(missing_ok=True)
        if not os.listdir(self.directory):
            self.directory.rmdir()

    def _scenes(self) -> list["KeptFrames"]:
        return [KeptFrames(path) for path in self.directory.glob("scene-*") if path.is_dir()]

    def _file(self, number: int) -> Path:
        return self.directory / f"frame-{number + 1:06d}.png"


def _covered(frame: Painted) -> np.ndarray:
    whole = np.ones(frame.photo.shape[:2], np.float32)
    return whole if frame.covered is None else frame.covered
