"""The painted frames of an unfinished film on disk.

A directory next to the film holds a PNG file for each frame, and for the latest key a file with
what the next frames need of it and of earlier keys, in full precision. A stopped film resumes from
it and ends with the same frames, bit for bit. Files of some earlier keys remain, too: a film whose
own keyframes change resumes from one of them. Where several processes paint, each scene has a
subdirectory of this kind.
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from nst_tf.images.faces import Face
from nst_tf.images.levels import quantize
from nst_tf.inputs.identity import Identity, differences
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import write_whole
from nst_tf.video.footage import Frame
from nst_tf.video.frame import NOT_BEGUN, Begun, PaintedFrame, StylizedFrame
from nst_tf.video.keyframes import DEFAULT_PLAN, KeyPlan

FORMAT = "nst_tf frames 5"
STATES, FRAMES = "state*.npz", "frame-*.png"
KEPT_EVERY = 12  # minimum distance of earlier keys whose files remain, frames
FAST = 1  # PNG's compression level: the files are deleted soon


class FrameStore:
    """The painted frames of one film, or of one scene, in a directory.

    Attributes:
        begun: the painted part, from which the film is continued.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.begun = NOT_BEGUN
        self._times: list[int] = []
        self._count = 0  # frames before the first gap
        self._key = -1  # the latest key's number

    @property
    def exist(self) -> bool:
        """Whether the directory holds frames of an unfinished film or of its scenes."""
        return any(self.directory.glob(STATES)) or self.shared

    @property
    def times(self) -> list[int]:
        """The times at which the frames before the first gap are shown, in the film's units."""
        return self._times[: self._count]

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

    def load(self, identity: Identity, plan: KeyPlan = DEFAULT_PLAN) -> None:
        """Read what is needed to continue, and delete frames that the plan of keys would change.

        They depend on changed keyframes of the user, or on where a preview ended.

        Args:
            identity: identity of the film to resume.
            plan: what decides which frames are keys.

        Raises:
            OSError: the files cannot be read.
            ValueError: the frames belong to another film, or are damaged.
        """
        state = None
        for path in sorted(self.directory.glob(STATES), reverse=True):
            state = self._read_state(path, identity)
            if state.agrees(plan):
                break
            path.unlink()
            state = None
        known = state.number + 1 if state else 0
        for file in self.directory.glob(FRAMES):
            if _number(file) >= known:
                file.unlink()
        if state is None:
            return
        self._times, self._key = state.times[:known], state.number
        self._count = min(known, self.count())
        if self._count == known:
            self.begun = Begun(state.keys, known)
        elif self._count > state.before >= 0:
            self.begun = Begun(state.keys[1:], state.before + 1, (state.number, state.keys))
        else:
            raise UserError(f"{self._file(self._count)} is missing: delete {self.directory}")

    def _read_state(self, path: Path, identity: Identity) -> "_State":
        """Return the state in a file, after a check of whose it is."""
        try:
            with np.load(path, allow_pickle=False) as file:
                record = json.loads(str(file["record"]))
                if record["format"] != FORMAT:
                    raise UserError(
                        f"{self.directory} holds frames of another version of this program: "
                        "continue with that version, or add --overwrite without --resume to start "
                        "again"
                    )
                keys = tuple(
                    StylizedFrame(
                        photo, image[None], image[None], None if part.min() == 1 else part,
                        tuple(map(Face.from_record, faces)),
                    )
                    for photo, image, part, faces in zip(
                        file["photos"], file["images"], file["covered"], record["faces"],
                        strict=True,
                    )
                )  # fmt: skip
                state = _State(
                    keys,
                    record["number"],
                    record["before"],
                    [int(time) for time in file["times"]],
                    {int(number): digest for number, digest in record["own"].items()},
                    record["total"],
                )
        except UserError:
            raise
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
        return state

    def add(self, painted: PaintedFrame, times: Sequence[int]) -> None:
        """Add a frame; when this method returns, it is on the disk.

        Args:
            painted: the frame.
            times: times of all frames that have been read, in the film's units.

        Raises:
            OSError: the frame cannot be written.
        """
        levels = quantize(painted.frame.result[0])
        if painted.alpha is not None:
            levels = np.concatenate([levels, painted.alpha[..., None]], axis=-1)
        with write_whole(self._file(painted.number)) as file:
            Image.fromarray(levels).save(file, "PNG", compress_level=FAST)
        self._times = list(times[: max(len(self._times), painted.number + 1)])
        self._count = min(len(self._times), self.count(self._count))

    def keep(
        self,
        painted: PaintedFrame,
        times: Sequence[int],
        identity: Identity,
        plan: KeyPlan = DEFAULT_PLAN,
        ended: bool = False,
    ) -> None:
        """Store what the next frames need of a key, which has been added.

        `ended`: whether the film's last frame has been read, on which the key may depend. Other
        arguments and errors are those of `add` and `load`.
        """
        keys, number = painted.keys, painted.number
        record = {
            "format": FORMAT,
            "identity": identity,
            "number": number,
            "before": self._key,
            "own": plan.own.digests,
            "total": plan.total if ended else 0,
            "faces": [[dataclasses.asdict(face) for face in key.faces] for key in keys],
        }
        with write_whole(self._state(number)) as file:
            np.savez(
                file,
                record=json.dumps(record),
                times=times,
                images=np.stack([key.image[0] for key in keys]),
                photos=np.stack([key.photo for key in keys]),
                covered=np.stack([key.coverage() for key in keys]),
            )
        self.begun, self._key = Begun(keys, number + 1), number
        kept = -KEPT_EVERY
        for other in sorted(map(_number, self.directory.glob(STATES))):
            if kept + KEPT_EVERY <= other or other >= number:
                kept = other
            else:
                self._state(other).unlink()

    def __len__(self) -> int:
        return self._count

    @property
    def painted(self) -> int:
        """The number of painted frames, including a key behind a gap."""
        return len(self) + (self._key >= len(self))

    def __iter__(self) -> Iterator[Frame]:
        """Iterate over the frames that are stored when the iteration begins."""
        return self.read(self.times)

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
        for path in (*self.directory.glob(FRAMES), *self.directory.glob(STATES)):
            path.unlink(missing_ok=True)
        if not os.listdir(self.directory):
            self.directory.rmdir()

    def _scenes(self) -> list["FrameStore"]:
        return [FrameStore(path) for path in self.directory.glob("scene-*") if path.is_dir()]

    def _file(self, number: int) -> Path:
        return self.directory / f"frame-{number + 1:06d}.png"

    def _state(self, number: int) -> Path:
        return self.directory / f"state-{number + 1:06d}.npz"


class _State(NamedTuple):
    """What a file holds: a key and earlier ones, and what they depend on.

    Attributes:
        keys: the key and the earlier keys that the next frames need, latest first.
        number: the number of the key, from 0.
        before: the number of the key before it; -1: none.
        times: times of the frames that had been read.
        own: digests of the user's keyframes.
        total: the film's number of frames if its last one had been read, else 0.
    """

    keys: tuple[StylizedFrame, ...]
    number: int
    before: int
    times: list[int]
    own: dict[int, str]
    total: int

    def agrees(self, plan: KeyPlan) -> bool:
        """Return whether a plan would have chosen the same keys up to this one."""
        changed = {number for number, _ in {*self.own.items()} ^ {*plan.own.digests.items()}}
        # All frames whose times are known were in view when the key was chosen.
        if any(number < len(self.times) for number in changed):
            return False
        return self.total in (0, plan.total)


def _number(path: Path) -> int:
    return int(path.stem.partition("-")[2]) - 1
