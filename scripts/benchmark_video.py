"""Time, flicker and style of films with keys, on clips whose motion is known.

    python scripts/benchmark_video.py [--width 512] [--frames 48] [--clips pan cut]
        [--ways "key_every 12" repaint 1.7.2] [--older CHECKOUT] [--strips DIR]

Each clip is painted by the recipe `fast` as films are, with every frame painted by the network
(`--key_every 1`), with the default, with brushstrokes (`--repaint`), or by version 1.7.2 in a
process of its own, which paints only the first `--older_frames`. Flicker is the warping error of
Lai, Huang, Wang, Shechtman, Yumer and Yang ("Learning blind video temporal consistency", 2018),
with the true flow and the true occlusions, relative to the clip's own, which is its camera's noise.
The style of the last frame is compared with that of the first, and with that of the last frame
painted as the first of a scene. Seconds are of the processors, which other programs hardly change,
and of the wall; both are without the first frame of a scene. Written to benchmark_video.json, which
keeps other clips and ways of this size, each with its commit. Frames of each clip go to
DIR/video-CLIP.jpg: the clip, then each film.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from make_clip import WIDE, sample_clip
from PIL import Image
from record import ASSETS, ROOT, commit, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RECORD = ROOT / "scripts" / "benchmark_video.json"
STYLE = "great_wave.jpg"
STILL = {"travel": (0, 0), "turn": 0, "zoom": 1, "slide": (0, 0)}
MOTIONS = {
    "pan": {"travel": (2.5, 0.5), "slide": (-2.5, -0.5)},
    "zoom": {"zoom": 1.012},
    "before": {"slide": (-2.5, 0.7)},
    "static": {},
    "cut": {"travel": (1, 0), "slide": (-2, 0)},
}
"""Motion of each clip, pixels a frame at a width of 256; `before`: a thing before a background."""


class Way(NamedTuple):
    """A way to paint a film: the distance of keys, and whether with brushstrokes."""

    key_every: int
    repaint: bool = False


WAYS = {
    "key_every 1": Way(1),
    "key_every 12": Way(12),
    "repaint": Way(12, True),
    "1.7.2": Way(1),
}

OLDER = """
import sys, time
from dataclasses import replace
import numpy as np
from nst_tf.film.frames import FramePainter, paint_frames
from nst_tf.film.shot import Shot
from nst_tf.recipes import recipe

given = np.load(sys.argv[1])
settings = replace(recipe("fast"), temporal_weight=300.0, max_dim=0)
painter = FramePainter([given["style"]], settings)
shots = list(map(Shot, given["shots"]))
for _ in paint_frames(painter, shots[:2]):
    pass  # compiles the steps
frames, clocks = [], [(time.process_time(), time.monotonic())]
for past in paint_frames(painter, shots):
    frames.append(past[0].result[0])
    clocks.append((time.process_time(), time.monotonic()))
np.savez(sys.argv[1], frames=np.stack(frames), seconds=np.diff(clocks, axis=0))
"""
"""A program for version 1.7.2, which paints each frame."""


@dataclass
class Film:
    """A painted clip.

    Attributes:
        frames: `[H, W, 3]` each.
        seconds: of the processors and of the wall, for each frame.
        keys: the numbers of the frames that the network painted.
        hidden: for frames between, what share of them no key shows.
    """

    frames: list
    seconds: list
    keys: list
    hidden: list = field(default_factory=list)

    @property
    def shares(self):
        """Shares of the film's pixels that the network, keys and their surroundings painted."""
        optimised, hidden = len(self.keys) / len(self.frames), sum(self.hidden) / len(self.frames)
        return {"optimised": optimised, "carried": 1 - optimised - hidden, "hidden": hidden}


def clips(name, width, count):
    """Return the scenes of a clip of 16:9, each with the number of its frames."""
    motion = STILL | MOTIONS[name]
    for kind in ("travel", "slide"):
        motion[kind] = tuple(width / 256 * pixels for pixels in motion[kind])
    first = sample_clip(width, 2.0, ratio=WIDE, **motion)
    if name != "cut":
        return [(first, count)]
    second = sample_clip(width, 2.0, "coffee.jpg", "astronaut.jpg", WIDE, **motion)
    return [(first, count // 2), (second, count - count // 2)]


def flicker(scenes, frames):
    """Return the warping error: the mean square of what the true motion does not explain."""
    from nst_tf.video.flow import warp

    total, count, start = 0.0, 0, 0
    for clip, length in scenes:
        pairs = itertools.pairwise(frames[start : start + length])
        for number, (one, other) in enumerate(pairs):
            seen = clip.visible(number, number + 1)
            away = np.square(warp(other, clip.flow(number, number + 1)) - one).mean(axis=-1)
            total += float(away[seen].sum(dtype=np.float64))
            count += int(seen.sum())
        start += length
    return total / count


def paint(styles, settings, shots, way, warm):
    """Return a clip as a film; `warm`: after a film of two frames, which compiles the steps."""
    from nst_tf.video import carry
    from nst_tf.video.film import paint_film
    from nst_tf.video.frame import FrameInput
    from nst_tf.video.painter import FramePainter

    painter = FramePainter(styles, replace(settings, repaint=WAYS[way].repaint))
    film = Film([None] * len(shots), [None] * len(shots), [])
    local_colors = carry.transfer_local_colors

    def watched(photo, image, known, side):
        film.hidden.append(float(1 - known.mean()))
        return local_colors(photo, image, known, side)

    if warm:  # of a pan, the second of these frames has new parts
        list(paint_film(painter, [FrameInput(shots[n]) for n in (0, -1)], 1))
    carry.transfer_local_colors = watched
    began = clocks()
    for painted in paint_film(painter, map(FrameInput, shots), WAYS[way].key_every):
        film.seconds[painted.number] = clocks() - began
        film.frames[painted.number] = painted.frame.result[0]
        film.keys += [painted.number] if painted.keys else []
        began = clocks()
    carry.transfer_local_colors = local_colors
    return film


def clocks():
    """Return the seconds of the processors and of the wall."""
    return np.array([time.process_time(), time.monotonic()])


def paint_older(checkout, style, shots):
    """Return a clip as version 1.7.2 paints it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "film.npz"
        np.savez(path, style=style, shots=np.stack(shots))
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        command = [sys.executable, "-c", OLDER, str(path)]
        # Python looks for modules in the directory it starts in first.
        subprocess.run(command, cwd=checkout, env=environment, check=True)
        with np.load(path) as made:
            return Film([*made["frames"]], [*made["seconds"]], [*range(len(shots))])


def style_alone(shot, styles, settings):
    """Return the style term of a frame that is painted as the first of a scene."""
    from nst_tf.video.frame import FrameInput
    from nst_tf.video.painter import FramePainter

    frame = FramePainter(styles, settings).paint(FrameInput(shot)).result[0]
    return style_distance(frame, shot, styles, settings)


def style_distance(frame, shot, styles, settings):
    """Return the objective's style term of a frame."""
    from nst_tf.transfer.measure import measure

    return measure(frame[None], shot[None], styles, replace(settings, temporal_weight=0))["style"]


def figures(film, scenes, shots, styles, settings):
    """Return the figures of a clip, or of its beginning, as a film."""
    shots = shots[: len(film.frames)]
    begins = [n for n in (0, scenes[0][1]) if n < len(shots)]
    later = [n for n in range(len(shots)) if n not in begins]
    keys = [film.seconds[n] for n in film.keys if n not in begins]
    between = [film.seconds[n] for n in later if n not in film.keys]
    processors, wall = np.mean([film.seconds[n] for n in later], axis=0).tolist()
    compared = begins[-1], -1
    first, last = (style_distance(film.frames[n], shots[n], styles, settings) for n in compared)
    found = flicker(scenes, film.frames)
    return {
        "keys": film.keys,
        "seconds": {
            "frame": processors,
            "frame_wall": wall,
            "key": statistics.median(seconds.tolist()[0] for seconds in keys),
            "between": statistics.median(s.tolist()[0] for s in between) if between else None,
        },
        "flicker": found,
        "flicker_of_source": found / flicker(scenes, shots),
        "shares": film.shares,
        "style_of_first": first,
        "style_of_last": last,
    }


def save_strip(rows, path, columns=8):
    """Draw some frames of each film side by side, at full size."""
    numbers = np.linspace(0, len(rows[0]) - 1, columns).round().astype(int)
    picture = np.vstack([np.hstack([frames[number] for number in numbers]) for frames in rows])
    Image.fromarray(np.uint8(np.rint(255 * np.clip(picture, 0, 1)))).save(path, quality=90)


def main():
    from nst_tf.images.io import load_image
    from nst_tf.recipes import film_recipe
    from nst_tf.video.flags import TEMPORAL_WEIGHT

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--clips", nargs="*", default=list(MOTIONS), choices=list(MOTIONS))
    parser.add_argument("--ways", nargs="*", default=list(WAYS)[:2], choices=list(WAYS))
    parser.add_argument("--older", type=Path, help="checkout of version 1.7.2, for the way 1.7.2")
    parser.add_argument("--older_frames", type=int, default=5)
    parser.add_argument("--strips", type=Path)
    args = parser.parse_args()
    settings = replace(film_recipe("fast"), temporal_weight=TEMPORAL_WEIGHT["relative"], max_dim=0)
    styles = [load_image(ASSETS / STYLE, args.width)]
    head = commit(ROOT)  # before the files change again
    record = describe() | {"frames": args.frames, "width": args.width, "clips": known(args)}
    for number, name in enumerate(args.clips):
        scenes = clips(name, args.width, args.frames)
        shots = [np.float32(clip.frame(n)) for clip, length in scenes for n in range(length)]
        rows = [shots]
        found = record["clips"].setdefault(name, {}) | {"source_flicker": flicker(scenes, shots)}
        for way in args.ways:
            if way == "1.7.2":
                film = paint_older(args.older, styles[0], shots[: args.older_frames])
            else:
                film = paint(styles, settings, shots, way, warm=not number)
            found[way] = {"commit": head} | figures(film, scenes, shots, styles, settings)
            if len(film.frames) == len(shots):
                rows.append(film.frames)
        found["style_of_last_alone"] = style_alone(shots[-1], styles, settings)
        record["clips"][name] = found
        write_record(RECORD, record)
        if args.strips:
            args.strips.mkdir(parents=True, exist_ok=True)
            save_strip(rows, args.strips / f"video-{name}.jpg")


def known(args):
    """Return the recorded clips of the same size."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    same = all(record.get(name) == getattr(args, name) for name in ("frames", "width"))
    return record["clips"] if same else {}


if __name__ == "__main__":
    main()
