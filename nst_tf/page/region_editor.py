"""The editor of regions: its place on the page, and the data that it gets from the server.

The browser's part is `web/regions.js`. It gets pictures from the server in hidden elements, and
sends its drawing under a name, which the hidden field `drawing` contains.
"""

import base64
import hashlib
import html
import io
import json
import secrets
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from nst_tf.cli.request import MOST_COLORS
from nst_tf.images.masks import Region
from nst_tf.page.by_color import part_planes
from nst_tf.page.drawings import COLORS, Drawing

USUAL_COLORS = 3
TALL = 56  # height of the pictures of a painting's parts, pixels

OPEN = """\
<button type="button" data-open-regions>Paint only parts of the photo</button>
<span class="regions-count"></span>"""

KEYS = """\
With the keyboard: arrows move the brush, with Shift by one pixel; the space bar lowers and raises
it. E erases, [ and ] change its size, 1 to 8 choose a region, and Ctrl+Z undoes."""

EDITOR = f"""\
<div class="regions" data-colors="{html.escape(json.dumps(COLORS))}">
<div class="legend" role="radiogroup" aria-label="Region"></div>
<div class="tools" role="group" aria-label="Brush">
<label>Brush size <input type="range" min="4" max="240" value="60"></label>
<button type="button" data-do="erase" aria-pressed="false">Erase</button>
<button type="button" data-do="undo" aria-label="Undo the stroke">Undo</button>
<button type="button" data-do="redo" aria-label="Redo the stroke">Redo</button>
<button type="button" data-do="clear" aria-label="Clear all regions">Clear</button>
</div>
<div class="stage" hidden><img alt=""><canvas tabindex="0" role="application"
aria-label="Regions on the photo" aria-describedby="regions-keys"></canvas>
<div class="brush"></div></div>
<p role="status" class="state"></p>
<p role="status" class="moved"></p>
<p id="regions-keys">{KEYS}</p>
</div>"""


def make_editor() -> dict[str, Any]:
    """Create the editor, and return its components by their names in `Components`."""
    sized: dict[str, Any] = {"size": "md", "min_width": 110}
    with gr.Row(elem_id="regions-start", equal_height=True):
        colors = gr.Number(
            USUAL_COLORS, minimum=2, maximum=MOST_COLORS, step=1, precision=0, label="Colours",
            min_width=80, scale=0, elem_id="region-colors",
        )  # fmt: skip
        fill = gr.Button("Regions by colour", elem_id="color-regions", **sized)
        load = gr.UploadButton("Load a mask", file_types=["image"], elem_id="load-mask", **sized)
    gr.HTML(EDITOR, elem_id="regions")
    notice = gr.HTML("", elem_id="regions-notice", elem_classes="notice")
    hidden = {
        name: gr.HTML("", elem_id=name.replace("_", "-"), visible="hidden")
        for name in ("regions_photo", "regions_drawing")
    }
    drawing = gr.Textbox("", label="Drawing", elem_id="drawing", visible="hidden")
    return {
        "regions_notice": notice, "region_colors": colors, "color_regions": fill,
        "load_mask": load, "drawing": drawing, **hidden,
    }  # fmt: skip


def photo_element(preview: np.ndarray) -> str:
    """Return a photo for the editor, uint8 `[H, W, 3]`, as HTML."""
    source = _source(Image.fromarray(preview), "JPEG")
    return f'<img data-photo="{photo_key(preview)}" src="{source}" alt="">'


def photo_key(preview: np.ndarray) -> str:
    """Return the name by which the editor recognises a photo."""
    return hashlib.sha256(preview.tobytes()).hexdigest()[:16]


def drawing_element(
    photo: str, drawing: Drawing | None, names: Sequence[str] = (), parts: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return the HTML with which the editor replaces its regions by a drawing.

    Args:
        photo: the key of the photo to which it belongs; the editor waits for this photo.
        drawing: the drawing; `None` clears the editor.
        names: file names of the paintings, for regions by colour.
        parts: a picture for each region by colour, from `part_pictures`.
    """
    data = {"kind": "drawing", "colors": 0}
    if drawing:
        data["colors"] = drawing.colors
    shown = {"names": json.dumps([*names]), "parts": json.dumps([*parts])}
    return _element(photo, drawing.picture if drawing else b"", data | shown)


def mask_element(photo: str, mask: Drawing) -> str:
    """Return a mask, a drawing of one plane, for the region that is chosen in the editor."""
    return _element(photo, mask.picture, {"kind": "mask"})


def part_pictures(paintings: Sequence[np.ndarray], regions: Sequence[Region]) -> list[str]:
    """Return a picture of the paintings' parts for each region by colour, as data URLs.

    Args:
        paintings: float32 `[1, H, W, 3]` in [0, 1].
        regions: the regions.
    """
    rows: list[list[np.ndarray]] = [[] for _ in regions]
    for number, painting in enumerate(paintings):
        planes = part_planes(regions, number)
        height, width = planes.shape[1:]
        small = Image.fromarray(np.rint(255 * painting[0]).astype(np.uint8))
        white = Image.new("RGB", (width, height), "white")
        size = max(1, round(TALL * width / height)), TALL
        for row, plane in zip(rows, planes, strict=True):
            part = Image.composite(small.resize((width, height)), white, Image.fromarray(plane))
            row.append(np.asarray(part.resize(size)))
    return [_source(Image.fromarray(np.concatenate(row, axis=1)), "JPEG") for row in rows]


def _element(photo: str, picture: bytes, data: dict[str, Any]) -> str:
    """Return an element with data of the editor, which takes each number once."""
    named = {"number": secrets.token_hex(4), "photo": photo, **data}
    words = " ".join(f'data-{name}="{html.escape(str(value))}"' for name, value in named.items())
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""
    return f'<span {words} data-source="{source}"></span>'


def _source(image: Image.Image, kind: str) -> str:
    file = io.BytesIO()
    image.save(file, kind, quality=88)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
