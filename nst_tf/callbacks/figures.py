"""Figures: content, style and result side by side, and the losses of a run."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_tf.callbacks.history import COUNTERS, Row, columns_of
from nst_tf.utils.files import StrPath, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def save_run_figure(
    path: StrPath,
    contents: Sequence[np.ndarray],
    styles: Sequence[np.ndarray],
    result: np.ndarray,
    rows: Sequence[Row],
    overwrite: bool = True,
) -> None:
    """Draw the pictures above the curves of the losses and write the figure.

    Args:
        path: file with the extension png, pdf or svg.
        contents: the content image, float `[1, H, W, 3]` in [0, 1]; empty to omit it.
        styles: the style images, in the same format; empty to omit them.
        result: the generated image, in the same format.
        rows: rows of `History`.
        overwrite: whether an existing file is replaced.

    Raises:
        OSError: the file cannot be written, or it exists and must not be replaced.
    """
    # Importing Matplotlib takes about a second, which runs without a figure save.
    from matplotlib.figure import Figure

    # It reports every font that the machine lacks, although it always finds another one.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    count = len(contents) + len(styles) + 1
    figure = Figure(figsize=(3.6 * count, 6.4), layout="constrained")
    grid = figure.add_gridspec(2, count, height_ratios=(3, 3.4))
    labels = ["style"] if len(styles) == 1 else [f"style {n + 1}" for n in range(len(styles))]
    titles = [*("content" for _ in contents), *labels, "result"]
    panels = zip(titles, (*contents, *styles, result), strict=True)
    for column, (label, image) in enumerate(panels):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(np.clip(image[0], 0, 1))
        axes.set_title(label)
        axes.set_axis_off()
    draw_losses(figure.add_subplot(grid[1, :]), rows)
    options: dict[str, Any] = {"format": Path(path).suffix[1:].lower(), "dpi": 150}
    with write_whole(path, overwrite) as file:
        figure.savefig(file, **options)


def draw_losses(axes: "Axes", rows: Sequence[Row]) -> None:
    """Draw each term over the steps on a log axis; terms that are always 0 are omitted."""
    steps = [row["step"] for row in rows]
    names = [name for name in columns_of(rows) if name not in COUNTERS and "/" not in name]
    for name in names:
        values = np.array([row.get(name, 0.0) for row in rows])
        if (values > 0).any():
            axes.plot(
                steps,
                np.where(values > 0, values, np.nan),
                label=name.replace("_", " "),
                linewidth=2 if name == "total" else 1.2,
                marker="o" if len(rows) == 1 else None,
            )
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("weighted loss before the step")
    axes.grid(alpha=0.3)
    if axes.get_lines():
        axes.legend()
