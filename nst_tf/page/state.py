"""The state that all visitors share, and the checks that turn orders into runs."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from nst_tf.page.by_color import drawn_masks
from nst_tf.page.drawings import FILE, Drawing, Masks
from nst_tf.page.estimates import Estimates, modelled_seconds
from nst_tf.page.faces import FoundFaces, found_faces
from nst_tf.page.limits import Limits
from nst_tf.page.order import Order, OrderForm, safe_names
from nst_tf.page.queue import RunQueue
from nst_tf.page.runs import Run
from nst_tf.page.uploads import Upload, check_upload
from nst_tf.page.visitor import Visitor
from nst_tf.page.visitors import Visitors
from nst_tf.utils.errors import UserError

NO_PHOTO = "a photo is missing: drop one, or choose a sample"
NO_PAINTING = "a painting is missing: drop one, or choose a sample"


@dataclass(frozen=True)
class AppState:
    """The state that all visitors share.

    Attributes:
        visitors: the known visitors.
        queue: the queue of runs.
        limits: limits of uploads and runs.
        samples: the folder of the sample pictures.
        work: the folder for masks until their run starts.
        estimates: estimates of the time of runs.
    """

    visitors: Visitors
    queue: RunQueue
    limits: Limits
    samples: Path
    work: Path
    estimates: Estimates = field(default_factory=Estimates)

    def check(self, path: Path) -> Upload:
        """Return the size and the preview of an uploaded picture.

        Raises:
            UserError: the picture is not accepted.
        """
        return check_upload(path, path.name, self.limits.pixels)

    def faces(self, path: Path) -> FoundFaces:
        """Return the faces of an uploaded photo; errors are those of `check`."""
        return found_faces(path, self.limits.pixels)

    def submit(
        self, visitor: Visitor, form: OrderForm, strengths: Sequence[float] = ()
    ) -> list[Run]:
        """Add the runs that a visitor orders to the queue, and return them.

        Everything is checked here again, since a browser can send an order without the form.

        Args:
            visitor: the visitor.
            form: the filled-in form.
            strengths: the strength of each picture; empty: a single picture, as in the form.

        Raises:
            UserError: something is missing, not the visitor's, or not valid.
        """
        if not form.photo:
            raise UserError(NO_PHOTO)
        if not form.paintings:
            raise UserError(NO_PAINTING)
        most = self.limits.paintings
        if len(form.paintings) > most:
            raise UserError(f"at most {most} paintings can be blended, not {len(form.paintings)}")
        paths = [visitor.own_file(str(path)) for path in (form.photo, *form.paintings)]
        names = safe_names(path.name for path in paths)
        settings = self._within_time(form.settings)
        order = Order(names[0], tuple(names[1:]), form.recipe, settings)
        checked = order.check(self.limits)
        orders = [*order.variants(strengths)] if strengths else [order]
        self._check_queue(len(orders))
        uploads = [self.check(path) for path in paths]
        files = dict(zip(names, paths, strict=True))
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            if form.drawing:
                size = uploads[0].preview.shape[:2]
                masks = drawn_masks(form.drawing, size, paths[0], paths[1:], self.limits.pixels)
                changes, made = _saved(form.drawing, masks, names, Path(folder))
                orders = [dataclasses.replace(order, **changes) for order in orders]
                files |= made
            runs = self._add(visitor, orders, files)
        visitor.form = form
        for run in runs:
            run.modelled = modelled_seconds(checked, uploads[0].size)
        return runs

    def order(
        self, visitor: Visitor, orders: Sequence[Order], files: Mapping[str, Path]
    ) -> list[Run]:
        """Add runs of orders to the queue, whose files have been checked, and return them.

        Args:
            files: paths of the files, by the names in the orders.

        Raises:
            UserError: a value is not valid, or too many runs wait.
        """
        for order in orders:
            order.check(self.limits)
        self._check_queue(len(orders))
        return self._add(visitor, orders, files)

    def _add(
        self, visitor: Visitor, orders: Sequence[Order], files: Mapping[str, Path]
    ) -> list[Run]:
        runs = self.visitors.create_runs(visitor, orders, files)
        for run in runs:
            self.queue.add(run)
        return runs

    def resume(self, visitor: Visitor, run: Run) -> None:
        """Add a stopped run to the queue again.

        Raises:
            UserError: too many runs wait.
        """
        if len(visitor.active) >= self.limits.waiting:
            raise UserError(
                f"{len(visitor.active)} of your pictures wait: cancel one or try again later"
            )
        self._check_queue(1)
        self.queue.add(run)

    def _check_queue(self, runs: int) -> None:
        if self.queue.waiting + runs > self.limits.queue:
            raise UserError("too many pictures are waiting: try again later")

    def _within_time(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Return settings with the maximum duration of a run if they have no time limit."""
        limit = settings.get("time_limit", "").strip()
        longest = self.limits.run_seconds
        if longest and limit in ("", "0"):
            return {**settings, "time_limit": f"{longest:g}"}
        return settings


def _saved(
    drawing: Drawing, masks: Masks, names: Sequence[str], folder: Path
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Save a drawing and its masks; return what they change in an order, and their paths by name.

    Args:
        drawing: the drawing.
        masks: its masks; without any, nothing is saved.
        names: the names of photo and paintings, which masks may not have.
        folder: where to save.
    """
    if not masks.content:
        return {}, {}
    stem = Path(names[0]).stem
    wanted = [f"{stem}-mask-{number}.png" for number in range(1, len(masks.content) + 1)]
    wanted += [f"{stem}-style-mask-{number}.png" for number in range(1, len(masks.style) + 1)]
    made = safe_names([*names, *wanted])[len(names) :]
    for name, mask in zip(made, [*masks.content, *masks.style], strict=True):
        Image.fromarray(mask).save(folder / name)
    (folder / FILE).write_bytes(drawing.picture)
    contents, styles = made[: len(masks.content)], made[len(masks.content) :]
    changes = {"masks": tuple(contents), "style_masks": tuple(styles), "colors": drawing.colors}
    return changes, {name: folder / name for name in [*made, FILE]}
