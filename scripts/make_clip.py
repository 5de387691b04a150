"""A clip whose motion is known: a camera moves and turns over a picture, and a card moves in front.

    python scripts/make_clip.py clip.mp4 [--frames 48] [--width 384] [--noise 2]
    python scripts/make_clip.py film.mp4 --film --frames 240 --width 1280

`Clip` knows the true flow between any two frames, and what one shows of the other. `--film` makes
three scenes of 16:9 instead: a card passes before a pan, a camera comes closer, and a fade to black
and back.
"""

import argparse
import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageOps
from record import ASSETS

FINER = 3  # samples a side of each pixel
LANCZOS = Image.Resampling.LANCZOS
WIDE = 9 / 16  # height of a frame of the film, relative to its width
FADE = 1 / 8  # length of a fade to black, relative to its scene


@dataclass(frozen=True)
class Clip:
    """A clip that is rendered frame by frame.

    Attributes:
        background: the picture below the camera, float32 `[H, W, 3]` in [0, 1].
        card: the picture in front, float32 `[h, w, 3]`.
        size: height and width of the frames, pixels.
        travel: pixels a frame that the camera moves, right and down.
        turn: degrees a frame that it turns.
        zoom: factor a frame by which it comes closer.
        slide: pixels a frame that the card moves.
        noise: deviation of the camera's noise, levels of 255.
    """

    background: np.ndarray
    card: np.ndarray
    size: tuple[int, int]
    travel: tuple[float, float] = (1.3, 0.4)
    turn: float = 0.25
    zoom: float = 1.002
    slide: tuple[float, float] = (-2.2, 0.7)
    noise: float = 0.0

    def camera(self, number):
        """Return the matrix `[2, 3]` from a frame's pixels to the background's."""
        height, width = self.size
        centre = np.array([width / 2, height / 2])
        middle = np.array(self.background.shape[1::-1]) / 2
        angle, scale = np.deg2rad(self.turn * number), self.zoom**-number
        turned = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = middle + np.multiply(self.travel, number - 8) - turned @ centre
        return np.column_stack([turned, offset])

    def corner(self, number):
        """Return where the card's left upper corner is in a frame."""
        height, width = self.size
        return np.array([0.62 * width, 0.3 * height]) + np.multiply(self.slide, number)

    def on_card(self, points, number):
        """Return which points `[..., 2]` of a frame are the card's."""
        inside = points - self.corner(number)
        height, width = self.card.shape[:2]
        return ((inside > -0.5) & (inside < [width - 0.5, height - 0.5])).all(axis=-1)

    def frame(self, number):
        """Return a frame, float32 `[H, W, 3]` in [0, 1]."""
        steps = (np.arange(FINER) + 0.5) / FINER - 0.5
        total = np.zeros((*self.size, 3), np.float32)
        for down in steps:
            for right in steps:
                points = self._grid() + np.array([right, down])
                behind = _sample(self.background, _apply(self.camera(number), points))
                front = _sample(self.card, points - self.corner(number))
                total += np.where(self.on_card(points, number)[..., None], front, behind)
        image = total / FINER**2
        if self.noise:
            grain = np.random.default_rng(number).standard_normal(image.shape, np.float32)
            image = image + self.noise / 255 * grain
        return np.clip(image, 0, 1)

    def flow(self, number, other):
        """Return the true flow from a frame to another, float32 `[H, W, 2]`."""
        points = self._grid()
        there = cv2.invertAffineTransform(self.camera(other))
        behind = _apply(there, _apply(self.camera(number), points))
        front = points + self.corner(other) - self.corner(number)
        on_card = self.on_card(points, number)[..., None]
        return (np.where(on_card, front, behind) - points).astype(np.float32)

    def visible(self, number, other):
        """Return which pixels of a frame the other shows too, bool `[H, W]`."""
        points = self._grid()
        there = points + self.flow(number, other)
        height, width = self.size
        inside = ((there >= 0) & (there <= [width - 1, height - 1])).all(axis=-1)
        return inside & (self.on_card(points, number) == self.on_card(there, other))

    def _grid(self):
        height, width = self.size
        return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(float)


def sample_clip(
    width=384, noise=0.0, background="temple.jpg", card="cat.jpg", ratio=3 / 4, **motion
):
    """Return the clip that tests and benchmarks use, of a ratio of height to width."""
    size = (round(width * ratio), width)
    return Clip(
        _asset(background, 1.7 * width), _asset(card, width / 3), size, noise=noise, **motion
    )


def film_frames(width, count, noise):
    """Yield the frames of a film of three scenes, float32 `[H, W, 3]` in [0, 1]."""
    pixel = width / 384
    moving = {"travel": (1.3 * pixel, 0.2 * pixel), "turn": 0, "slide": (-2.5 * pixel, 0)}
    closer = {"travel": (0, 0), "turn": 0.1, "zoom": 1.006, "slide": (1.2 * pixel, 0.3 * pixel)}
    still = {"travel": (0, 0), "turn": 0, "zoom": 1, "slide": (-1.5 * pixel, 0)}
    scenes = (
        sample_clip(width, noise, ratio=WIDE, **moving),
        sample_clip(width, noise, "coffee.jpg", "astronaut.jpg", WIDE, **closer),
        sample_clip(width, noise, "astronaut.jpg", "cat.jpg", WIDE, **still),
    )
    for number in range(count):
        scene, frame = divmod(len(scenes) * number, count)
        frame, length = frame // len(scenes), count / len(scenes)
        light = min(1, abs(frame / length - 1 / 2) / FADE) if scene == len(scenes) - 1 else 1
        yield light * scenes[scene].frame(frame)


def _asset(name, long_side):
    with Image.open(ASSETS / name) as image:
        image = ImageOps.contain(image.convert("RGB"), [round(long_side)] * 2, LANCZOS)
        return np.asarray(image, np.float32) / 255


def _apply(matrix, points):
    return points @ matrix[:, :2].T + matrix[:, 2]


def _sample(picture, points):
    return cv2.remap(
        picture, points.astype(np.float32), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def main():
    import av

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--noise", type=float, default=2.0)
    parser.add_argument("--film", action="store_true", help="three scenes of 16:9")
    args = parser.parse_args()
    if args.film:
        frames = film_frames(args.width, args.frames, args.noise)
    else:
        frames = map(sample_clip(args.width, args.noise).frame, range(args.frames))
    with av.open(args.output, "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "12"})
        stream.pix_fmt = "yuv420p"
        first = next(frames)
        stream.height, stream.width = first.shape[:2]
        for frame in itertools.chain([first], frames):
            pixels = np.rint(255 * frame).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
