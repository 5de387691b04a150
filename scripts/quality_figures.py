"""Draw what benchmark_quality.py measured: assets/quality-curves.png and quality-pictures.jpg.

python scripts/quality_figures.py [--parts benchmark_quality-parts]
"""

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, ImageOps
from record import ASSETS, MAIN_FIGURES

COLOURS = {
    "tutorial": "C7", "gatys": "C5", "two-phase": "C8", "lbfgs-256": "C9", "lbfgs": "C0",
    "fast": "C1", "quality": "C3", "painting": "C2",
}  # fmt: skip
WIDTH, HEIGHT, MARGIN, COLUMNS = 300, 200, 6, 5


def draw_curves(pairs):
    """Draw the main figures and the tutorial's loss against seconds, a row for each pair."""
    labels = (*MAIN_FIGURES, "the tutorial's loss")
    figure = Figure(figsize=(3.2 * len(labels), 3.2 * len(pairs)), layout="constrained")
    panels = figure.subplots(len(pairs), len(labels), squeeze=False)
    for row, (pair, methods) in zip(panels, pairs.items(), strict=True):
        content, style, size = pair.split(":")
        row[0].set_ylabel(f"{content}, {style}, {size} px")
        for name, colour in COLOURS.items():
            if name not in methods:
                continue
            figures = methods[name]
            seconds, qualities = zip(*figures["quality_by_seconds"], strict=True)
            for axes, kind in zip(row, MAIN_FIGURES, strict=False):
                axes.semilogx(seconds, [q[kind] for q in qualities], color=colour, label=name)
                axes.plot(seconds[-1], qualities[-1][kind], "o", color=colour, markersize=4)
            seconds, losses = zip(*figures["loss_by_seconds"], strict=True)
            row[-1].loglog(seconds, losses, color=colour)
            row[-1].plot(seconds[-1], losses[-1], "o", color=colour, markersize=4)
        for axes, label in zip(row, labels, strict=True):
            axes.set_title(label, fontsize=10)
            axes.set_xlabel("seconds")
            axes.grid(alpha=0.3)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), fontsize=8, loc="outside right upper")
    figure.savefig(ASSETS / "quality-curves.png", dpi=100)


def draw_pictures(pairs, parts):
    """Put photo, painting and the picture of each method on a sheet, a new row for each pair."""
    rows = []
    for pair, methods in pairs.items():
        tiles = [ASSETS / f"{name}.jpg" for name in pair.split(":")[:2]]
        stem = pair.replace(":", "-")
        tiles += [parts / f"{stem}-{name}.png" for name in COLOURS if name in methods]
        rows += [tiles[at : at + COLUMNS] for at in range(0, len(tiles), COLUMNS)]
    size = (COLUMNS * (WIDTH + MARGIN) + MARGIN, len(rows) * (HEIGHT + MARGIN) + MARGIN)
    sheet = Image.new("RGB", size, "white")
    for row, tiles in enumerate(rows):
        for column, path in enumerate(tiles):
            with Image.open(path) as picture:
                tile = ImageOps.contain(picture.convert("RGB"), (WIDTH, HEIGHT))
            left = MARGIN + column * (WIDTH + MARGIN) + (WIDTH - tile.width) // 2
            top = MARGIN + row * (HEIGHT + MARGIN) + (HEIGHT - tile.height) // 2
            sheet.paste(tile, (left, top))
    sheet.save(ASSETS / "quality-pictures.jpg", quality=95, subsampling=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=Path, default=Path("benchmark_quality-parts"))
    options = parser.parse_args()
    record = json.loads(Path(__file__).with_name("benchmark_quality.json").read_text())
    draw_curves(record["pairs"])
    draw_pictures(record["pairs"], options.parts)


if __name__ == "__main__":
    main()
