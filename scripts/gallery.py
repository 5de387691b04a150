"""The gallery: every control's pictures, each made by the command that it shows.

    python scripts/gallery.py [--only NAME ...]

Commands run in the directory above, one after the other in one process; their pictures go to
assets/gallery, the page to assets/gallery.md.
"""

import argparse
import os
import shlex
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from record import ASSETS

from nst_tf.cli.program import main as run

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = ASSETS.parent
FOLDER = "assets/gallery"
BESIDE, WIDTH = 200, 512  # of inputs and results on the page, pixels
STRIP, GAP = 1380, 6  # of README's picture, pixels
COMMON = "--recipe fast"
STRENGTHS = (0, 0.3, 0.6, 1, 1.5, 3)
ASTRONAUT = "--content assets/astronaut.jpg"
COFFEE = "--content assets/coffee.jpg"
TEMPLE = "--content assets/temple.jpg"
AUVERS = "--style assets/auvers.jpg"
PORTRAIT = f"{ASTRONAUT} {AUVERS} --no_keep_faces"
KANDINSKY = "--style assets/composition_viii.jpg"
WAVE = "--style assets/great_wave.jpg"


class Entry(NamedTuple):
    """A picture: its name, what it shows, and the flags that made it."""

    name: str
    caption: str
    flags: str


class Section(NamedTuple):
    """Pictures of one control."""

    title: str
    text: str
    entries: list[Entry]


def each(name, knob, values, pair):
    return [
        Entry(f"{name}-{value}", f"`--{knob} {value}`", f"{pair} --{knob} {value}")
        for value in values
    ]


SECTIONS = [
    Section(
        "Strength",
        "0 is the photo, 1 the recipe. The weights of style and total variation are multiplied by "
        "its cube; below 1, each finer scale also takes over some of the photo's own "
        "detail.",
        [
            *each("strength-astronaut", "strength", STRENGTHS, PORTRAIT),
            *each("strength-temple", "strength", STRENGTHS, f"{TEMPLE} {WAVE}"),
        ],
    ),
    Section(
        "Detail",
        "The size of the strokes in relation to the picture: at 2 the painting is used at half the "
        "size.",
        [
            *each("detail-coffee", "detail", (0.5, 1, 2, 3), f"{COFFEE} {AUVERS}"),
            *each("detail-temple", "detail", (0.5, 1, 2, 3), f"{TEMPLE} {KANDINSKY}"),
        ],
    ),
    Section(
        "Colour",
        "The painting's colours; the photo's, with light and dark from the painting; the painting "
        "in the photo's colours; the photo in the painting's colours.",
        [
            Entry(
                f"color-{name}-{kind}", f"`--preserve_color {kind}`",
                f"{pair} --preserve_color {kind}",
            )
            for name, pair in (("temple", f"{TEMPLE} {WAVE}"), ("coffee", f"{COFFEE} {KANDINSKY}"))
            for kind in ("none", "luminance", "match")
        ]
        + [
            Entry(f"color-{name}-recolor", "`--recolor`", f"{pair} --recolor")
            for name, pair in (("temple", f"{TEMPLE} {WAVE}"), ("coffee", f"{COFFEE} {AUVERS}"))
        ],
    ),
    Section(
        "Regions",
        "White parts of a mask are painted, the rest stays the photo, to the bit. Several masks "
        "are for several styles, or for one. In maps of labels, each colour of the photo's is "
        "painted like the same colour of the painting's: sky like sky.",
        [
            Entry(
                "region-cup", "the cup alone",
                f"{COFFEE} --content_mask assets/masks/coffee-cup.png {KANDINSKY}",
            ),
            Entry(
                "region-table", "the table alone",
                f"{COFFEE} --content_mask assets/masks/coffee-table.png {AUVERS}",
            ),
            Entry(
                "region-both", "each with a style of its own",
                f"{COFFEE} --content_mask assets/masks/coffee-cup.png "
                f"--content_mask assets/masks/coffee-table.png {KANDINSKY} {AUVERS}",
            ),
            Entry("region-none", "no masks", f"{TEMPLE} {WAVE}"),
            Entry(
                "region-labels", "sky like sky, the rest like the sea",
                f"{TEMPLE} --content_mask assets/masks/temple-sky.png {WAVE} "
                "--style_mask assets/masks/great_wave-sky.png",
            ),
            Entry(
                "region-part", "the painting's sky for all of the photo",
                f"{TEMPLE} {WAVE} --style_mask assets/masks/great_wave-sky-alone.png",
            ),
        ],
    ),
    Section(
        "Faces",
        "Eyes, brows and mouths are kept most, cheeks less, hair hardly. What is kept is still "
        "painted.",
        [
            Entry(f"faces-{name}-{word}", f"`{flag}`" if flag else "faces kept",
                  f"{ASTRONAUT} {style} {flag}".rstrip())
            for name, style in (("kandinsky", KANDINSKY), ("auvers", AUVERS))
            for word, flag in (("free", "--no_keep_faces"), ("kept", ""))
        ],
    ),
    Section(
        "Several styles",
        "Blended; in other shares; the second one at a third of the size; coarse layers from the "
        "first and fine ones from the second.",
        [
            Entry("styles-blend", "both alike", f"{COFFEE} {WAVE} {AUVERS}"),
            Entry(
                "styles-shares", "`--style_blend 0.8,0.2`",
                f"{COFFEE} {WAVE} {AUVERS} --style_blend 0.8,0.2",
            ),
            Entry(
                "styles-scales", "`--style_scale 1,0.35`",
                f"{COFFEE} {WAVE} {AUVERS} --style_scale 1,0.35",
            ),
            Entry(
                "styles-layers", "coarse from the wave, fine from the village",
                f"{COFFEE} {WAVE} {AUVERS} --style_layer_weights 0,0,2,2,2,2,0,0",
            ),
            Entry(
                "styles-layers-swapped", "the other way round",
                f"{COFFEE} {AUVERS} {WAVE} --style_layer_weights 0,0,2,2,2,2,0,0",
            ),
        ],
    ),
    Section(
        "Transparency",
        "Transparent parts of a photo stay transparent, and neither they nor those of a painting "
        "feed the statistics.",
        [
            Entry(
                "alpha-cup", "a cut-out",
                f"--content assets/masks/coffee-cutout.webp {KANDINSKY}",
            ),
            Entry(
                "alpha-style", "the cut-out as a painting",
                f"{TEMPLE} --style assets/masks/coffee-cutout.webp",
            ),
        ],
    ),
]  # fmt: skip


def output(entry):
    return f"{FOLDER}/{entry.name}.{'png' if entry.name == 'alpha-cup' else 'jpg'}"


def command(entry):
    return f"python -m nst_tf.run {COMMON} {entry.flags} --output {output(entry)}"


def image(path, width):
    path = path.removeprefix("assets/")
    return f'<img src="{path}" width="{width}" alt="{path}">'


def row(entry):
    """Return a row of a table: photo with masks, paintings with masks, and the picture."""
    words = shlex.split(entry.flags)
    columns = []
    for kind in ("content", "style"):
        names = (f"--{kind}", f"--{kind}_mask")
        paths = [path for name, path in pairwise(words) if name in names]
        columns.append("<br>".join(image(path, BESIDE) for path in dict.fromkeys(paths)))
    return f"| {' | '.join(columns)} | {image(output(entry), WIDTH)}<br>{entry.caption} |"


def page():
    yield "# Gallery\n"
    yield (
        "Photo, painting and picture, 512 pixels wide. Every picture was made by its command below "
        "the table, in the directory above this one; `scripts/gallery.py` runs them all. Here is "
        "[what the program is](../README.md), and [whose the photographs and paintings "
        "are](README.md).\n"
    )
    for section in SECTIONS:
        yield f"## {section.title}\n\n{section.text}\n"
        yield "| photo | painting | picture |\n|---|---|---|"
        yield from map(row, section.entries)
        yield "\n".join(["\n```", *map(command, section.entries), "```\n"])


def strips():
    """Put the strengths of a pair above the details of another: README's picture."""
    rows = [[e for e in SECTIONS[0].entries if "temple" in e.name],
            [e for e in SECTIONS[1].entries if "coffee" in e.name]]  # fmt: skip
    sheets = []
    for row in rows:
        width = STRIP // len(row)
        pictures = []
        for entry in row:
            with Image.open(ROOT / output(entry)) as picture:
                size = width - GAP, round((width - GAP) * picture.height / picture.width)
                pictures.append(picture.resize(size, Image.Resampling.LANCZOS))
        sheets.append([(GAP // 2 + n * width, picture) for n, picture in enumerate(pictures)])
    heights = [sheet[0][1].height + GAP for sheet in sheets]
    strip = Image.new("RGB", (STRIP, sum(heights)), "white")
    for top, sheet in zip((0, heights[0]), sheets, strict=True):
        for left, picture in sheet:
            strip.paste(picture, (left, top))
    strip.save(ASSETS / "strips.jpg", quality=92)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="beginnings of names")
    options = parser.parse_args()
    os.chdir(ROOT)
    Path(FOLDER).mkdir(exist_ok=True)
    for entry in (entry for section in SECTIONS for entry in section.entries):
        if not options.only or entry.name.startswith(tuple(options.only)):
            words = [*shlex.split(command(entry))[2:], "--quiet", "--overwrite"]
            if run(words):
                sys.exit(f"{entry.name} failed")
            with Image.open(ROOT / output(entry)) as picture:
                print(entry.name, picture.size, flush=True)
    if all(
        (ROOT / output(entry)).exists() for section in SECTIONS[:2] for entry in section.entries
    ):
        strips()
    (ASSETS / "gallery.md").write_text("\n".join(page()), encoding="utf-8")


if __name__ == "__main__":
    main()
