"""The scenes of a film, which do not depend on each other, and their painted frames on disk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.video.cuts import scenes
from nst_tf.video.footage import Frame
from nst_tf.video.keep import KeptFrames


@dataclass
class Scene:
    """A scene.

    Attributes:
        first, end: numbers, from 0, of its first frame and of the one behind its last.
        kept: its painted frames.
        painted: how many of them there are, as far as is known.
    """

    first: int
    end: int
    kept: KeptFrames
    painted: int = 0

    @property
    def is_whole(self) -> bool:
        return self.painted == self.end - self.first

    @property
    def name(self) -> str:
        """The scene in words."""
        return f"frames {self.first + 1} to {self.end}"

    def look(self) -> None:
        """See how many of its frames are on the disk."""
        self.painted = min(self.kept.counted(self.painted), self.end - self.first)


class KeptScenes:
    """The painted frames of a film whose scenes are painted independently.

    To whoever writes the film, it has those frames that no gap separates from its beginning.

    Args:
        directory: where those of all scenes are, made if missing.
        frames: of the film, float32 `[H, W, 3]` in [0, 1] at the size at which it is painted, each
            with the time at which it is shown, in the film's units. They are gone through once.

    Attributes:
        scenes: in order.
        total: how many frames the film has.
    """

    def __init__(self, directory: Path, frames: Iterable[tuple[int, np.ndarray]]) -> None:
        self._root = KeptFrames(directory)
        self._times: list[int] = []

        def photos() -> Iterator[np.ndarray]:
            for time, photo in frames:
                self._times.append(time)
                yield photo

        begins = list(scenes(photos()))
        self.total = len(self._times)
        self.scenes = [
            Scene(first, end, self._root.scene(number))
            for number, (first, end) in enumerate(
                zip(begins, [*begins[1:], self.total], strict=True), start=1
            )
        ]

    def begin(self) -> None:
        """Make the directory, without frames of earlier films."""
        self._root.begin()

    def load(self, identity: dict[str, Any], differences: Any) -> None:
        """Check what is there; arguments and errors as for `KeptFrames.load`."""
        for scene in self.scenes:
            if scene.kept.exist:
                there = KeptFrames(scene.kept.directory)  # whose pictures are not kept in memory
                there.load(scene_identity(identity, scene.first), differences)
                scene.painted = min(len(there), scene.end - scene.first)

    @property
    def painted(self) -> int:
        """How many frames are painted, behind gaps too."""
        return sum(scene.painted for scene in self.scenes)

    @property
    def times(self) -> list[int]:
        """When the frames before the first gap are shown."""
        return self._times[: len(self)]

    def __len__(self) -> int:
        """Return how many frames there are before the first gap."""
        for scene in self.scenes:
            if not scene.is_whole:
                return scene.first + scene.painted
        return self.total

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that were there, before the first gap, when the iteration began."""
        times = self.times
        for scene in self.scenes:
            yield from scene.kept.at(times[scene.first : scene.end])

    def remove(self) -> None:
        """Delete the frames, but nothing else that is in the directories."""
        self._root.remove()


def scene_identity(identity: dict[str, Any], first: int) -> dict[str, Any]:
    """Return what must be the same for the kept frames of a scene to be of use.

    Args:
        identity: what must be the same for those of the film.
        first: number of the scene's first frame, from 0.
    """
    return identity | {"the scene's first frame": first + 1}
