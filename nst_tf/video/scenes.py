"""The independent scenes of a film, and their painted frames on disk."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst_tf.inputs.identity import Identity
from nst_tf.video.cuts import scenes
from nst_tf.video.footage import Frame
from nst_tf.video.keyframes import KeyPlan
from nst_tf.video.store import FrameStore


@dataclass
class Scene:
    """A scene.

    Attributes:
        first, end: the scene's frames are those from `first` to `end` - 1, counted from 0.
        store: its painted frames.
        painted: the number of painted frames, as of the latest `refresh`.
    """

    first: int
    end: int
    store: FrameStore
    painted: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all frames of the scene are painted."""
        return self.painted == self.end - self.first

    @property
    def name(self) -> str:
        """The scene in words."""
        return f"frames {self.first + 1} to {self.end}"

    def refresh(self) -> None:
        """Count the scene's frames on the disk."""
        self.painted = min(self.store.count(self.painted), self.end - self.first)


class SceneStore:
    """The painted frames of a film whose scenes are painted independently.

    Its length and its iterator end at the first gap.

    Args:
        directory: directory of the frames of all scenes.
        frames: for each frame of the film, its time in the film's units and its pixels, float32
            `[H, W, 3]` in [0, 1], at the size at which it is painted. They are iterated once.

    Attributes:
        scenes: the scenes, in order.
        total: the number of the film's frames.
    """

    def __init__(self, directory: Path, frames: Iterable[tuple[int, np.ndarray]]) -> None:
        self._root = FrameStore(directory)
        self._times: list[int] = []

        def photos() -> Iterator[np.ndarray]:
            for time, photo in frames:
                self._times.append(time)
                yield photo

        begins = list(scenes(photos()))
        self.total = len(self._times)
        self.scenes = [
            Scene(first, end, self._root.scene(number))
            for number, (first, end) in enumerate(itertools.pairwise([*begins, self.total]), 1)
        ]

    def begin(self) -> None:
        """Make the directory, and delete frames of earlier films in it."""
        self._root.begin()

    def load(self, identity: Identity, plan: KeyPlan) -> None:
        """Check the stored frames of each scene; arguments and errors are those of `FrameStore`."""
        for scene in self.scenes:
            if scene.store.exist:
                checked = FrameStore(scene.store.directory)  # dropped again, with its pictures
                own = scene_plan(plan, scene.first, scene.end)
                checked.load(scene_identity(identity, scene.first), own)
                scene.painted = min(len(checked), scene.end - scene.first)

    @property
    def painted(self) -> int:
        """The number of painted frames, including those after gaps."""
        return sum(scene.painted for scene in self.scenes)

    @property
    def times(self) -> list[int]:
        """The times at which the frames before the first gap are shown."""
        return self._times[: len(self)]

    def __len__(self) -> int:
        """Return the number of painted frames before the first gap."""
        for scene in self.scenes:
            if not scene.is_whole:
                return scene.first + scene.painted
        return self.total

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames before the first gap, as stored when the iteration begins."""
        times = self.times
        for scene in self.scenes:
            yield from scene.store.read(times[scene.first : scene.end])

    def remove(self) -> None:
        """Delete the frames, and the directories if nothing else is in them."""
        self._root.remove()


def scene_plan(plan: KeyPlan, first: int, end: int) -> KeyPlan:
    """Return the plan of keys of a scene, from its film's plan."""
    return plan._replace(own=plan.own.after(first), total=end - first)


def scene_identity(identity: Identity, first: int) -> Identity:
    """Return the identity of a scene, from its film's identity and its first frame's index."""
    return identity | {"the scene's first frame": first + 1}
