"""The figure of a sheet: pictures with their values on the sides, and a list of commands."""

import logging
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nst_tf.cli.sheet import Sheet
from nst_tf.utils.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100  # so pictures have their own pixels
GAP = 10  # pixels between pictures, and around them
TITLE, LABEL = 34, 20  # pixels of the lines that show them
SIDE = 110  # pixels for the values of the rows
LINE = 13  # pixels of a line of the list
LEAST = 640  # pixels of the narrowest figure
WIDEST = 6  # pictures in a row, if only one setting varies
CHARACTER = 5.9  # pixels of a character of the list
TEXT, SMALL = 9, 7  # points


class SheetPicture(NamedTuple):
    """A picture of a sheet.

    Attributes:
        image: float32 `[h, w, 3]` in [0, 1]; `None`: there is none.
        note: what went wrong, or empty.
    """

    image: np.ndarray | None
    note: str = ""


class Grid(NamedTuple):
    """The places of the pictures, pixels from the left and from the top."""

    columns: int
    width: int
    height: int
    left: int
    top: int
    label: int

    def place(self, number: int) -> tuple[int, int]:
        """Return the left and the top of a cell, counted from 0."""
        row, column = divmod(number, self.columns)
        return (
            self.left + column * (self.width + GAP),
            self.top + row * (self.height + self.label + GAP) + self.label,
        )


def save_sheet(sheet: Sheet, pictures: Sequence[SheetPicture]) -> None:
    """Draw the pictures that are done and write the figure; the other places stay empty.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure  # slow to import

    # It reports every font that the machine lacks, although it always finds another one.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    grid = _grid(sheet, pictures)
    rows = math.ceil(len(sheet.cells) / grid.columns)
    width = max(LEAST, grid.left + grid.columns * (grid.width + GAP))
    lines = _listed(sheet, int((width - 2 * GAP) / CHARACTER))
    below = grid.place(rows * grid.columns)[1] - grid.label
    height = below + LINE * (len(lines) + 1) + GAP
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    page = _Page(figure, width, height)
    page.write(GAP, GAP + TITLE / 2, sheet.title, TEXT + 2, va="center")
    _label_sides(page, sheet, grid)
    for number, picture in enumerate(pictures):
        page.show(*grid.place(number), picture, grid)
    for number in range(len(pictures), len(sheet.cells)):
        page.show(*grid.place(number), SheetPicture(None), grid)
    for number in range(len(sheet.cells)):
        left, top = grid.place(number)
        page.number(left, top, number + 1)
    for number, line in enumerate(lines):
        page.write(GAP, below + LINE * (number + 1), line, SMALL, family="monospace")
    options: dict[str, Any] = {"format": sheet.output.suffix[1:].lower(), "dpi": DPI}
    with warnings.catch_warnings(), write_whole(sheet.output) as file:
        warnings.filterwarnings("ignore", "Glyph")  # of a name that no font shows
        figure.savefig(file, **options)


class _Page:
    """A figure in pixels from its upper left corner."""

    def __init__(self, figure: "Figure", width: int, height: int) -> None:
        self._figure, self._width, self._height = figure, width, height

    def write(self, left: float, top: float, text: str, points: float, **options: Any) -> None:
        """Write a text, whose upper left corner is there unless options align it."""
        options = {"va": "top"} | options
        self._figure.text(
            left / self._width, 1 - top / self._height, text, fontsize=points,
            parse_math=False, **options,
        )  # fmt: skip

    def show(self, left: int, top: int, picture: SheetPicture, grid: Grid) -> None:
        """Show a picture in the middle of its cell, or an empty cell with its note."""
        image, note = picture
        height, width = (grid.height, grid.width) if image is None else image.shape[:2]
        left += (grid.width - width) // 2
        bottom = self._height - top - height
        box = (
            left / self._width,
            bottom / self._height,
            width / self._width,
            height / self._height,
        )
        axes = self._figure.add_axes(box)
        axes.set_axis_off()
        if image is None:
            axes.add_patch(_frame(axes))
        else:
            axes.imshow(np.clip(image, 0, 1), interpolation="none", aspect="auto")
        text = "\n".join(textwrap.wrap(note, max(8, int(width / CHARACTER) - 2))[:8])
        axes.text(
            0.5, 0.5 if image is None else 0.02, text, fontsize=SMALL, ha="center",
            va="center" if image is None else "bottom", transform=axes.transAxes, parse_math=False,
        )  # fmt: skip

    def number(self, left: int, top: int, number: int) -> None:
        """Write the number of a cell, on white, in its upper left corner."""
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.8}
        self.write(left + 4, top + 4, str(number), SMALL, bbox=box)


def _frame(axes: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 1, 1, fill=False, edgecolor="0.8", transform=axes.transAxes)


def _grid(sheet: Sheet, pictures: Sequence[SheetPicture]) -> Grid:
    sizes = [picture.image.shape[:2] for picture in pictures if picture.image is not None]
    height, width = (max(side) for side in zip(*sizes, strict=True))
    first = len(sheet.axes[0].values)
    if len(sheet.axes) == 2:
        return Grid(first, width, height, GAP + SIDE, GAP + TITLE + 2 * LABEL, 0)
    rows = math.ceil(first / WIDEST)
    return Grid(math.ceil(first / rows), width, height, GAP, GAP + TITLE, LABEL)


def _label_sides(page: _Page, sheet: Sheet, grid: Grid) -> None:
    """Write the values: above the columns and beside the rows, or above each picture."""
    across, *down = sheet.axes
    room = int(grid.width / CHARACTER)
    if not down:
        for number, cell in enumerate(sheet.cells):
            left, top = grid.place(number)
            text = _short(f"{across.name} {cell.labels[0]}", room)
            page.write(left + grid.width / 2, top - LABEL / 2, text, TEXT, ha="center", va="center")
        return
    left, top = grid.place(0)
    page.write(left, top - 1.5 * LABEL, across.name, TEXT, va="center", style="italic")
    page.write(GAP, top - 0.5 * LABEL, down[0].name, TEXT, va="center", style="italic")
    for number, cell in enumerate(sheet.cells):
        left, top = grid.place(number)
        if number < grid.columns:
            text = _short(cell.labels[0], room)
            page.write(left + grid.width / 2, top - LABEL / 2, text, TEXT, ha="center", va="center")
        if not number % grid.columns:
            text = _short(cell.labels[1], int(SIDE / CHARACTER))
            page.write(GAP, top + grid.height / 2, text, TEXT, va="center")


def _short(text: str, room: int) -> str:
    """Return a text that is shortened in its middle if it is longer than `room` characters."""
    if len(text) <= room:
        return text
    return f"{text[: room // 2]}…{text[len(text) - max(1, room // 2 - 1) :]}"


def _listed(sheet: Sheet, room: int) -> list[str]:
    """Return the lines of the list of commands, each at most `room` characters long."""
    lines = []
    for number, cell in enumerate(sheet.cells, 1):
        lines += textwrap.wrap(
            f"{number:>3}  {cell.command}", room, subsequent_indent=" " * 7,
            break_on_hyphens=False, drop_whitespace=True,
        )  # fmt: skip
    return lines
