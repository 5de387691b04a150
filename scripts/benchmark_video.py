"""Time, flicker and style of films with keys, on clips whose motion is known.

    python scripts/benchmark_video.py [--width 160] [--frames 19] [--clips pan cut] [--strips DIR]

Each clip is painted by the recipe `fast` as films are, with every frame painted by the network
(`--key_every 1`) and with the default, and some clips with brushstrokes (`--repaint`). Flicker is
the warping error of Lai, Huang, Wang, Shechtman, Yumer and Yang ("Learning blind video temporal
consistency", 2018), with the true flow and the true occlusions, relative to the clip's own, which
is its camera's noise. Times are of the process, without the first frame of a scene. Written to
benchmark_video.json, which keeps other clips of this size, each with its commit. Frames of each
clip go to DIR/video-CLIP.jpg: the clip, then each film.
"""

import argparse
import itertools
import json
import os
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from make_clip import sample_clip
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


@dataclass
class Film:
    """A painted clip: frames, their processor seconds, which are keys, and parts never shown."""

    frames: list
    seconds: list
    keys: list
    hidden: list


def clips(name, width, count):
    """Return the scenes of a clip, each with the number of its frames."""
    motion = STILL | MOTIONS[name]
    for kind in ("travel", "slide"):
        motion[kind] = tuple(width / 256 * pixels for pixels in motion[kind])
    first = sample_clip(width, 2.0, **motion)
    if name != "cut":
        return [(first, count)]
    second = sample_clip(width, 2.0, background="coffee.jpg", card="astronaut.jpg", **motion)
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


def paint(painter, shots, key_every):
    """Return a clip as a film."""
    from nst_tf.video import carry
    from nst_tf.video.film import paint_film
    from nst_tf.video.frame import FrameInput

    film = Film([None] * len(shots), [0.0] * len(shots), [], [])
    local_colors = carry.transfer_local_colors

    def watched(photo, image, known, side):
        film.hidden.append(float(1 - known.mean()))
        return local_colors(photo, image, known, side)

    carry.transfer_local_colors = watched
    began = time.process_time()
    for painted in paint_film(painter, map(FrameInput, shots), key_every):
        film.seconds[painted.number] = time.process_time() - began
        film.frames[painted.number] = painted.frame.result[0]
        film.keys += [painted.number] if painted.keys else []
        began = time.process_time()
    carry.transfer_local_colors = local_colors
    return film


def style_distance(frame, shot, styles, settings):
    """Return the objective's style term of a frame."""
    from nst_tf.transfer.measure import measure

    return measure(frame[None], shot[None], styles, replace(settings, temporal_weight=0))["style"]


def figures(film, scenes, shots, styles, settings, own_flicker):
    """Return the figures of a painted clip."""
    firsts = {0, scenes[0][1]} & set(range(len(shots)))
    later = [n for n in range(len(shots)) if n not in firsts]
    keys = [film.seconds[n] for n in film.keys if n not in firsts]
    between = [film.seconds[n] for n in later if n not in film.keys]
    start = len(shots) - scenes[-1][1]
    first, last = (style_distance(film.frames[n], shots[n], styles, settings) for n in (start, -1))
    found = flicker(scenes, film.frames)
    return {
        "keys": film.keys,
        "seconds": {
            "frame": statistics.mean(film.seconds[n] for n in later),
            "key": statistics.median(keys),
            "between": statistics.median(between) if between else None,
        },
        "flicker": found,
        "flicker_of_source": found / own_flicker,
        "never_shown": sum(film.hidden) / len(shots),
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
    from nst_tf.video.film import KEY_EVERY
    from nst_tf.video.flags import TEMPORAL_WEIGHT
    from nst_tf.video.painter import FramePainter

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=19)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--clips", nargs="*", default=list(MOTIONS), choices=list(MOTIONS))
    parser.add_argument("--repaint", nargs="*", default=["before"], choices=list(MOTIONS))
    parser.add_argument("--strips", type=Path)
    args = parser.parse_args()
    settings = replace(film_recipe("fast"), temporal_weight=TEMPORAL_WEIGHT["relative"], max_dim=0)
    styles = [load_image(ASSETS / STYLE, args.width)]
    painter = FramePainter(styles, settings)
    strokes = FramePainter(styles, replace(settings, repaint=True))
    record = describe() | {"frames": args.frames, "width": args.width, "clips": known(args)}
    compiled = False
    for name in args.clips:
        scenes = clips(name, args.width, args.frames)
        shots = [np.float32(clip.frame(n)) for clip, length in scenes for n in range(length)]
        if not compiled:
            paint(painter, shots[:2], 1)
            compiled = True
        own = flicker(scenes, shots)
        films = {f"key_every {every}": paint(painter, shots, every) for every in (1, KEY_EVERY)}
        if name in args.repaint:
            films["repaint"] = paint(strokes, shots, KEY_EVERY)
        record["clips"][name] = {"commit": commit(ROOT), "source_flicker": own} | {
            way: figures(film, scenes, shots, styles, settings, own) for way, film in films.items()
        }
        write_record(RECORD, record)
        if args.strips:
            args.strips.mkdir(parents=True, exist_ok=True)
            rows = [shots, *(film.frames for film in films.values())]
            save_strip(rows, args.strips / f"video-{name}.jpg")


def known(args):
    """Return the recorded clips of the same size."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    same = all(record.get(name) == getattr(args, name) for name in ("frames", "width"))
    return record["clips"] if same else {}


if __name__ == "__main__":
    main()
