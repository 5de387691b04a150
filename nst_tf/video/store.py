"""The painted frames of an unfinished film on disk.

A directory next to the film holds a PNG file for each frame, and one file with what the next frame
needs of the earlier ones, in full precision. A stopped film resumes from it and ends with the same
frames, bit for bit. Where several processes paint, each scene has a subdirectory of this kind.
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.images.faces import Face
from nst_tf.images.levels import quantize
from nst_tf.inputs.identity import Identity, differences
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import write_whole
from nst_tf.video.footage import Frame
from nst_tf.video.frame import StylizedFrame

FORMAT = "nst_tf frames 3"
STATE = "state.npz"
FAST = 1  # PNG's compression level: the files are deleted soon


class FrameStore:
    """The painted frames of one film, or of one scene, in a directory.

    Attributes:
        times: time at which each frame is shown, in the film's units.
        past: the painted frames that the next one needs, latest first.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.times: list[int] = []
        self.past: tuple[StylizedFrame, ...] = ()

    @property
    def exist(self) -> bool:
        """Whether the directory holds frames of an unfinished film or of its scenes."""
        return (self.directory / STATE).exists() or self.shared

    @property
    def shared(self) -> bool:
        """Whether the frames are stored by scene, each in a directory of its own."""
        return any(scene.exist for scene in self._scenes())

    def scene(self, number: int) -> "FrameStore":
        """Return the store of a scene, by its number from 1."""
        return FrameStore(self.directory / f"scene-{number:04d}")

    def count(self, known: int = 0) -> int:
        """Return the number of frames on the disk, which is at least `known` and may be growing."""
        while self._file(known).exists():
            known += 1
        return known

    def begin(self) -> None:
        """Make the directory, and delete frames of earlier films in it."""
        self.remove()
        self.directory.mkdir(exist_ok=True)

    def load(self, identity: Identity) -> None:
        """Read the stored frames' times and the latest frames.

        Args:
            identity: identity of the film to resume.

        Raises:
            OSError: the files cannot be read.
            ValueError: the frames belong to another film, or are damaged.
        """
        path = self.directory / STATE
        try:
            with np.load(path, allow_pickle=False) as file:
                record = json.loads(str(file["record"]))
                if record["format"] != FORMAT:
                    raise LookupError(record["format"])
                times = [int(time) for time in file["times"]]
                images, photos, covered = file["images"], file["photos"], file["covered"]
                faces = [tuple(map(Face.from_record, known)) for known in record["faces"]]
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
            StylizedFrame(photo, image[None], image[None], None if part.min() == 1 else part, known)
            for photo, image, part, known in zip(photos, images, covered, faces, strict=True)
        )

    def add(
        self,
        time: int,
        past: Sequence[StylizedFrame],
        identity: Identity,
        alpha: np.ndarray | None = None,
    ) -> None:
        """Add a frame; when this method returns, it is on the disk.

        Args:
            time: time at which the frame is shown, in the film's units.
            past: the frame, and the earlier frames that the next one needs.
            identity: as for `load`.
            alpha: uint8 `[H, W]`; None: opaque.

        Raises:
            OSError: the frame cannot be written.
        """
        levels = quantize(past[0].result[0])
        if alpha is not None:
            levels = np.concatenate([levels, alpha[..., None]], axis=-1)
        with write_whole(self._file(len(self.times))) as file:
            Image.fromarray(levels).save(file, "PNG", compress_level=FAST)
        times = [*self.times, time]
        faces = [[dataclasses.asdict(face) for face in frame.faces] for frame in past]
        with write_whole(self.directory / STATE) as file:
            np.savez(
                file,
                record=json.dumps({"format": FORMAT, "identity": identity, "faces": faces}),
                times=times,
                images=np.stack([frame.image[0] for frame in past]),
                photos=np.stack([frame.photo for frame in past]),
                covered=np.stack([frame.coverage() for frame in past]),
            )
        self.times, self.past = times, tuple(past)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def painted(self) -> int:
        """The number of painted frames."""
        return len(self)

    def __iter__(self) -> Iterator[Frame]:
        """Iterate over the frames that are stored when the iteration begins."""
        return self.read(tuple(self.times))

    def read(self, times: Sequence[int]) -> Iterator[Frame]:
        """Yield the first `len(times)` frames, which are shown at these times."""
        for number, time in enumerate(times):
            with Image.open(self._file(number)) as image:
                levels = np.asarray(image)
            yield Frame(levels[..., :3], time, levels[..., 3] if levels.shape[-1] == 4 else None)

    def remove(self) -> None:
        """Delete the frames, and the directory if nothing else is in it."""
        if not self.directory.is_dir():
            return
        for scene in self._scenes():
            scene.remove()
        for path in (*self.directory.glob("frame-*.png"), self.directory / STATE):
            path.unlink(missing_ok=True)
        if not os.listdir(self.directory):
            self.directory.rmdir()

    def _scenes(self) -> list["FrameStore"]:
        return [FrameStore(path) for path in self.directory.glob("scene-*") if path.is_dir()]

    def _file(self, number: int) -> Path:
        return self.directory / f"frame-{number + 1:06d}.png"
