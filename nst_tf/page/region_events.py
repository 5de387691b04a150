"""Handlers of the events that fill the editor of regions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.images.color_regions import color_regions
from nst_tf.images.io import load_mask
from nst_tf.images.masks import Region
from nst_tf.images.resize import Size
from nst_tf.page.by_color import color_planes, levels, load_small
from nst_tf.page.drawings import Drawing, encode
from nst_tf.page.region_editor import drawing_element, mask_element, part_pictures, photo_key
from nst_tf.page.state import NO_PAINTING, NO_PHOTO, AppState
from nst_tf.page.visitor import Visitor
from nst_tf.utils.errors import UserError


class RegionHandlers:
    """The handlers of the editor's events, whose arguments `nst_tf.page.access` has admitted.

    Args:
        state: the state that all visitors share.
    """

    def __init__(self, state: AppState) -> None:
        self._state = state

    def by_color(
        self, visitor: Visitor, photo: Path | None, paintings: tuple[Path, ...], count: float | None
    ) -> list[Any]:
        """Return regions by colour for the editor, and a notice."""
        if not photo:
            raise UserError(NO_PHOTO)
        if not paintings:
            raise UserError(NO_PAINTING)
        preview = self._state.check(photo).preview
        colors = int(count or 0)
        content, *styles = load_small(photo, paintings, self._state.limits.pixels)
        regions = color_regions(content, styles, colors)
        drawing = encode(color_planes(regions, preview.shape[:2]), colors)
        return [_by_color(photo_key(preview), drawing, paintings, styles, regions), ""]

    def mask_loaded(self, visitor: Visitor, photo: Path | None, path: Path | None) -> list[Any]:
        """Return an uploaded mask for the region that is chosen in the editor, and a notice."""
        if not photo:
            raise UserError(NO_PHOTO)
        if path is None:
            raise UserError("a mask is missing: choose a picture that is white in its region")
        preview = self._state.check(photo).preview
        mask = self._mask(path, preview.shape[:2])
        return [mask_element(photo_key(preview), encode(mask[None])), ""]

    def _mask(self, path: Path, size: Size) -> np.ndarray:
        """Return an uploaded mask as the command reads it, uint8 `[*size]`.

        Raises:
            UserError: the file is not accepted, or is not a mask.
        """
        self._state.check(path)
        try:
            mask = load_mask(path, self._state.limits.pixels, max(size))
        except (OSError, ValueError) as error:  # visitors see no paths
            raise UserError(str(error).replace(str(path), path.name)) from None
        if mask.ndim != 2:
            raise UserError(f"{path.name} is in colours: use grey, white where its region is")
        return levels(mask, size)


def shown_drawing(
    state: AppState, drawing: Drawing | None, photo: Path, paintings: Sequence[Path]
) -> str:
    """Return a drawing for the editor as HTML, with the parts of the paintings that it names.

    Args:
        state: the shared state.
        drawing: the drawing, or `None` for an empty editor.
        photo, paintings: paths of the pictures to which it belongs.
    """
    key = photo_key(state.check(photo).preview)
    if drawing is None or not drawing.colors or not paintings:
        return drawing_element(key, drawing)
    content, *styles = load_small(photo, paintings, state.limits.pixels)
    regions = color_regions(content, styles, drawing.colors)
    return _by_color(key, drawing, paintings, styles, regions)


def _by_color(
    key: str, drawing: Drawing, paintings: Sequence[Path], styles: Sequence[np.ndarray],
    regions: Sequence[Region],
) -> str:  # fmt: skip
    names = [path.name for path in paintings]
    return drawing_element(key, drawing, names, part_pictures(styles, regions))
