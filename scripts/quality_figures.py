"""Draw what benchmark_quality.py measured: assets/quality-curves.png and quality-pictures.jpg.

python scripts/quality_figures.py [--parts benchmark_quality-parts]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from record import ASSETS

from nst_tf import load_image, save_image
from nst_tf.images.depth import to_levels
from nst_tf.images.resize import resize

COLOURS = {"tutorial": "C7", "lbfgs": "C0", "fast": "C1", "quality": "C3"}
WIDTH, HEIGHT, MARGIN = 300, 200, 6


def draw_curves(pairs):
    figure = Figure(figsize=(3.6 * len(pairs), 8.4), layout="constrained")
    panels = figure.subplots(3, len(pairs), sharex="col", squeeze=False)
    for column, (pair, methods) in zip(panels.T, pairs.items(), strict=True):
        content, style, size = pair.split(":")
        column[0].set_title(f"{content}, {style}, {size} px", fontsize=10)
        for name, figures in methods.items():
            seconds, losses = zip(*figures["loss_by_seconds"], strict=True)
            column[0].loglog(seconds, losses, color=COLOURS[name], label=name)
            seconds, qualities = zip(*figures["quality_by_seconds"], strict=True)
            styles = [np.mean([q[f"style_{n}"] for n in (1, 2, 4)]) for q in qualities]
            column[1].semilogx(seconds, styles, color=COLOURS[name])
            column[2].semilogx(seconds, [q["content"] for q in qualities], color=COLOURS[name])
        column[2].set_xlabel("seconds")
        for axes in column:
            axes.grid(alpha=0.3, which="both")
    labels = ("the tutorial's loss", "style distance, mean of 1, ½, ¼", "content distance")
    for axes, label in zip(panels[:, 0], labels, strict=True):
        axes.set_ylabel(label)
    panels[0, 0].legend()
    figure.savefig(ASSETS / "quality-curves.png", dpi=100)


def draw_pictures(pairs, parts):
    methods = list(COLOURS)
    columns = 2 + len(methods)
    size = (columns * (WIDTH + MARGIN) + MARGIN, len(pairs) * (HEIGHT + MARGIN) + MARGIN)
    sheet = Image.new("RGB", size, "white")
    for row, pair in enumerate(pairs):
        sources = [ASSETS / f"{name}.jpg" for name in pair.split(":")[:2]]
        results = [parts / f"{pair.replace(':', '-')}-{method}.png" for method in methods]
        for column, path in enumerate((*sources, *results)):
            if not path.exists():  # not every method ran on every pair
                continue
            image = load_image(path)
            scale = min(HEIGHT / image.shape[1], WIDTH / image.shape[2])
            image = resize(image, (round(image.shape[1] * scale), round(image.shape[2] * scale)))
            left = MARGIN + column * (WIDTH + MARGIN) + (WIDTH - image.shape[2]) // 2
            top = MARGIN + row * (HEIGHT + MARGIN) + (HEIGHT - image.shape[1]) // 2
            sheet.paste(Image.fromarray(to_levels(image[0])), (left, top))
    save_image(ASSETS / "quality-pictures.jpg", np.asarray(sheet, np.float32) / 255)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=Path, default=Path("benchmark_quality-parts"))
    options = parser.parse_args()
    record = json.loads(Path(__file__).with_name("benchmark_quality.json").read_text())
    draw_curves(record["pairs"])
    draw_pictures(record["pairs"], options.parts)


if __name__ == "__main__":
    main()
