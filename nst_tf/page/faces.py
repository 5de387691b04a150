"""Faces in a visitor's photo, and their outlines, which are the boxes of a group of checkboxes."""

import base64
import functools
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from nst_tf.images.channels import Decoded
from nst_tf.images.faces import Face, face_at, faces_of
from nst_tf.images.resize import Size
from nst_tf.page.uploads import check_upload
from nst_tf.utils.describe import counted

LONG_SIDE = 640  # maximum pixels of the photo behind the outlines
TALLEST = 260  # maximum height of this photo on the page, pixels
GROUP = "skip_faces"
"""Identifier of the checkboxes in the page."""


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The faces of a photo.

    Attributes:
        photo: the photo's preview, uint8 `[H, W, 3]`.
        faces: in pixels of the preview, the widest first.
    """

    photo: np.ndarray
    faces: tuple[Face, ...]

    @property
    def size(self) -> Size:
        """Height and width of the preview, pixels."""
        return self.photo.shape[:2]

    @property
    def places(self) -> list[str]:
        """The place of each face, in the syntax of `--skip_faces`."""
        return [_text(face, self.size) for face in self.faces]

    def nearest(self, places: Iterable[str]) -> list[str]:
        """Return the places of the faces at some places, of which some may have no face."""
        pairs = ([float(number) for number in place.split(",")] for place in places)
        faces = [face_at(self.faces, pair, self.size) for pair in pairs]
        return [_text(face, self.size) for face in faces if face]

    @property
    def style(self) -> str:
        """An HTML element that shows the photo behind the checkboxes, with each at its face."""
        height, width = self.size
        file = io.BytesIO()
        picture = Image.fromarray(self.photo)
        picture.thumbnail((LONG_SIDE, LONG_SIDE))
        picture.save(file, "JPEG", quality=85)
        data = base64.b64encode(file.getvalue()).decode()
        rules = [
            f"#{GROUP} [data-testid=checkbox-group] {{ aspect-ratio: {width} / {height};"
            f" max-width: {TALLEST * width / height:.0f}px;"
            f" background-image: url(data:image/jpeg;base64,{data}) }}"
        ]
        for number, face in enumerate(self.faces, 1):
            box = np.clip(np.divide(face.box, [width, height] * 2), 0, 1)
            left, top, right, bottom = 100 * box
            rules.append(
                f"#{GROUP} label:nth-of-type({number}) {{ left: {left:.2f}%; top: {top:.2f}%;"
                f" width: {right - left:.2f}%; height: {bottom - top:.2f}% }}"
            )
        return f"<style>{' '.join(rules)}</style>"


def found_faces(path: Path, max_pixels: int) -> FoundFaces:
    """Return the faces of an uploaded photo; arguments and errors as for `check_upload`."""
    preview = check_upload(path, path.name, max_pixels).preview
    return FoundFaces(preview, _search(path, path.stat().st_mtime_ns, max_pixels))


@functools.lru_cache(maxsize=256)
def _search(path: Path, changed: int, max_pixels: int) -> tuple[Face, ...]:
    """Return the faces of a photo; the cache holds no pictures, which visitors may have deleted."""
    preview = check_upload(path, path.name, max_pixels).preview
    size = preview.shape[:2]
    return faces_of(Decoded(list(np.moveaxis(preview, -1, 0)), None, False), size, max(size))


def updates(found: FoundFaces | None, skipped: Iterable[str]) -> list[Any]:
    """Return the updates of the outlines and of the checkboxes.

    Args:
        found: the faces of the photo; `None`: there is no photo, or its faces are not kept.
        skipped: the places that are checked, if they are places of faces.
    """
    if found is None or not found.faces:
        return ["", gr.update(choices=[], value=[], visible=False)]
    places, known = found.places, set(skipped)
    names = [f"Paint face {number} like the rest" for number in range(1, len(places) + 1)]
    checked = [place for place in places if place in known]
    group = gr.update(
        choices=[*zip(names, places, strict=True)], visible=True,
        label=sentence(len(places), len(checked)),
    )  # fmt: skip
    # Where nothing was checked, a picture that restores its settings meanwhile may check a face.
    return [found.style, group | ({"value": checked} if known else {})]


def sentence(count: int, skipped: int) -> str:
    """Return how many of a photo's faces are kept, and how to change that."""
    kept = count - skipped
    words = f"{kept} of {count} faces" if 0 < kept < count else counted(kept, "face")
    which = "it" if count == 1 else "one"
    return (
        f"{words if kept else 'No face'} {'are' if kept > 1 else 'is'} kept; click {which} to "
        f"{'change that' if skipped else 'paint it like the rest'}"
    )


def _text(face: Face, size: Size) -> str:
    return ",".join(f"{share:.3f}" for share in np.clip(face.place(size), 0, 1))
