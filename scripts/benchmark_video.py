"""Flicker, style and time of films against frame-by-frame painting, on a clip with known motion.

    python scripts/benchmark_video.py [--frames 12] [--width 384] [--weights 0 100 1000]

The clip is that of `make_clip.py`. It is painted frame by frame by the recipe `fast`, then as a
film, by default and with other temporal weights. Flicker is the warping error of Lai, Huang, Wang,
Shechtman, Yumer and Yang ("Learning blind video temporal consistency", 2018), with the true flow
and the true occlusions. The style's distance is that of the recipe's objective and `remd` of
quality.py. A cold start is the recipe from the photo, and, until it has reached the loss of the
film's frame, steps at full size; both are timed when all is compiled. A second clip, a hand-held
camera over a photograph, is painted to be looked at. Written to benchmark_video.json, and with
--strip to assets/video.jpg.
"""

import argparse
import itertools
import os
import statistics
import time
from dataclasses import dataclass, replace

import numpy as np
from make_clip import Clip, sample_clip
from PIL import Image
from quality import measure_look
from record import ASSETS, ROOT, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

RECORD = ROOT / "scripts" / "benchmark_video.json"
STRIP = ASSETS / "video.jpg"
STYLE = "great_wave.jpg"
FIRST = 8  # of the clip's frames that are used
MOST = 80  # steps at full size that a cold start may take to reach a loss


@dataclass(frozen=True)
class HandHeld(Clip):
    """A camera that somebody holds still, more or less, without a card in front of it."""

    def camera(self, number):
        """Return the matrix from a frame's pixels to the background's: sways at several rates."""
        sway = [
            sum(6 / rate * np.sin(rate * number / 5 + phase + axis) for rate, phase in SWAYS)
            for axis in (0, 2)
        ]
        return replace(self, travel=(0, 0), turn=0.15 * np.sin(number / 4), zoom=1.0)._moved(sway)

    def _moved(self, sway):
        matrix = Clip.camera(self, 1)
        matrix[:, 2] += sway
        return matrix

    def on_card(self, points, number):
        """Return that nothing is the card's."""
        return np.zeros(points.shape[:-1], bool)


SWAYS = ((1.0, 0.0), (2.3, 1.0), (5.1, 2.0))


def flicker(clip, frames):
    """Return the warping error: the mean square of what the true motion does not explain."""
    from nst_tf.video.flow import warp

    total, count = 0.0, 0
    for number, (one, other) in enumerate(itertools.pairwise(frames), start=FIRST):
        seen = clip.visible(number, number + 1)
        away = np.square(warp(other, clip.flow(number, number + 1)) - one).mean(axis=-1)
        total += float(away[seen].sum(dtype=np.float64))
        count += int(seen.sum())
    return total / count


def paintings(width):
    from nst_tf.images.io import load_image

    return [load_image(ASSETS / STYLE, width)]


def frame_by_frame(shots, settings):
    """Return each frame painted on its own."""
    from nst_tf.inputs.prepare import prepare_inputs
    from nst_tf.transfer.run import StyleTransfer

    styles = paintings(shots[0].shape[1])
    return [StyleTransfer(prepare_inputs(shot, styles, settings)).finish()[0] for shot in shots]


def as_film(shots, settings, **options):
    """Return the frames of a film and the seconds of each; the first ones compile."""
    from nst_tf.video.frame import FrameInput
    from nst_tf.video.painter import FramePainter, paint_frames

    painter = FramePainter(paintings(shots[0].shape[1]), settings, **options)
    results, seconds = [], []
    began = time.perf_counter()
    for past in paint_frames(painter, map(FrameInput, shots)):
        results.append(past[0].result[0])
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
    return results, seconds


def cold_seconds(shot, settings, loss):
    """Return the seconds that a start from the photo takes to a loss, and the loss it reaches.

    The loss is looked at after the recipe and after each further step at full size, off the clock.
    """
    from nst_tf.inputs.prepare import prepare_inputs
    from nst_tf.transfer.run import StyleTransfer
    from nst_tf.video.painter import follow_up_settings

    styles = paintings(shot.shape[1])
    began = time.perf_counter()
    image = StyleTransfer(prepare_inputs(shot, styles, settings)).finish()
    spent = time.perf_counter() - began
    reached = objective(image, shot, styles, settings)["total"]
    if reached > loss:
        began = time.perf_counter()
        fitted = replace(
            prepare_inputs(shot, styles, follow_up_settings(settings, MOST)), initial=image
        )
        for progress in StyleTransfer(fitted).steps():
            spent += time.perf_counter() - began
            reached = objective(progress.image(), shot, styles, settings)["total"]
            if reached <= loss:
                break
            began = time.perf_counter()
    return spent, reached


def objective(image, shot, styles, settings):
    """Return the weighted losses of a frame, without the temporal term."""
    from nst_tf.transfer.measure import measure

    return measure(image, shot[None], styles, replace(settings, temporal_weight=0))


def figures(clip, shots, frames, settings):
    """Return flicker, the objective's terms and `remd` of painted frames."""
    styles = paintings(shots[0].shape[1])
    some = range(2, len(frames), 3)
    losses = [objective(frames[n][None], shots[n], styles, settings) for n in some]
    looks = [measure_look(frames[n][None], shots[n][None], styles[0]) for n in some]
    return {
        "flicker": flicker(clip, frames),
        **{name: statistics.mean(loss[name] for loss in losses) for name in losses[0]},
        "remd": statistics.mean(look["remd"] for look in looks),
        "brightness": [round(float(frames[n].mean()), 4) for n in (0, -1)],
    }


def save_strip(rows, path):
    """Draw some frames of each row of films side by side."""
    shown = [np.hstack([frames[n] for n in (0, 1, len(frames) // 2, -1)]) for frames in rows]
    width = min(row.shape[1] for row in shown)
    levels = np.rint(255 * np.vstack([row[:, :width] for row in shown])).astype(np.uint8)
    image = Image.fromarray(levels)
    image.thumbnail((1200, 1200), Image.Resampling.LANCZOS)
    image.save(path, quality=88)


def main():
    from nst_tf.recipes import film_recipe
    from nst_tf.video.flags import TEMPORAL_WEIGHT

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--noise", type=float, default=2.0)
    parser.add_argument("--weights", type=float, nargs="*", default=[0, 100, 1000])
    parser.add_argument("--strip", action="store_true")
    args = parser.parse_args()
    weight = TEMPORAL_WEIGHT["relative"]
    fast = replace(film_recipe("fast"), temporal_weight=weight, max_dim=0)
    clip = sample_clip(args.width, args.noise)
    shots = [clip.frame(FIRST + number) for number in range(args.frames)]
    record = describe() | {"frames": args.frames, "width": args.width, "noise": args.noise}
    record["source_flicker"] = flicker(clip, shots)
    alone = frame_by_frame(shots, replace(fast, temporal_weight=0))
    record["frame_by_frame"] = figures(clip, shots, alone, fast)
    film, seconds = as_film(shots, fast)
    record["film"] = figures(clip, shots, film, fast) | {"temporal_weight": weight}
    last = objective(film[-1][None], shots[-1], paintings(args.width), fast)["total"]
    warm = statistics.median(seconds[3:])
    cold, reached = cold_seconds(shots[-1], replace(fast, temporal_weight=0), last)
    record["seconds"] = {
        "film_frame": round(warm, 2),
        "cold_start_to_its_loss": round(cold, 2),
        "loss": round(last, 4),
        "cold_loss": round(reached, 4),
        "share": round(warm / cold, 3),
    }
    record["shares"] = {
        "of_frame_by_frame": record["film"]["flicker"] / record["frame_by_frame"]["flicker"],
        "of_source": record["film"]["flicker"] / record["source_flicker"],
    }
    write_record(RECORD, record)
    record["weights"] = {}
    for other in args.weights:
        frames, _ = as_film(shots, replace(fast, temporal_weight=other))
        record["weights"][f"{other:g}"] = figures(clip, shots, frames, fast)
        write_record(RECORD, record)
    if args.strip:
        held = HandHeld(*(sample_clip(args.width, args.noise, "astronaut.jpg").__dict__.values()))
        photos = [held.frame(number) for number in range(args.frames)]
        save_strip([shots, alone, film, photos, as_film(photos, fast)[0]], STRIP)


if __name__ == "__main__":
    main()
