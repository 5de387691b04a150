"""What all visitors share, and how their orders become runs."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from nst_tf.page.limits import Limits
from nst_tf.page.order import Order, safe_names
from nst_tf.page.runs import Line, Run
from nst_tf.page.strokes import decode_layer, painted_masks
from nst_tf.page.uploads import Upload, check_upload
from nst_tf.page.visitors import Visitor, Visitors
from nst_tf.utils.errors import UserError


@dataclass(frozen=True)
class House:
    """What all visitors share.

    Attributes:
        visitors: who is there.
        line: where runs wait.
        limits: of uploads and runs.
        samples: folder of the sample pictures.
        work: folder for masks until their run begins.
    """

    visitors: Visitors
    line: Line
    limits: Limits
    samples: Path
    work: Path

    def check(self, path: Path) -> Upload:
        """Return what an uploaded picture shows.

        Raises:
            UserError: it is none that is taken.
        """
        return check_upload(path, path.name, self.limits.pixels)

    def begin(self, visitor: Visitor, asked: "Asked", strengths: Sequence[float] = ()) -> None:
        """Let the runs that a visitor asks for join the line.

        Everything is checked here again, since a browser can send an order without the form.

        Args:
            visitor: who asks.
            asked: what for.
            strengths: of several pictures, one each; none for a single picture as asked for.

        Raises:
            UserError: something is missing, not the visitor's, or not valid.
        """
        if not asked.photo:
            raise UserError("a photo is missing: drop one, or choose a sample")
        if not asked.paintings:
            raise UserError("a painting is missing: drop one, or choose a sample")
        most = self.limits.paintings
        if len(asked.paintings) > most:
            raise UserError(f"at most {most} paintings can be blended, not {len(asked.paintings)}")
        paths = [visitor.own_file(str(path)) for path in (asked.photo, *asked.paintings)]
        names = safe_names(path.name for path in paths)
        settings = self._within_time(asked.settings)
        order = Order(names[0], tuple(names[1:]), asked.recipe, settings, asked.keep_faces)
        order.check(self.limits)
        orders = [*order.variants(strengths)] if strengths else [order]
        self._check_queue(len(orders))
        uploads = [self.check(path) for path in paths]
        files = dict(zip(names, paths, strict=True))
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            layers = [decode_layer(layer) for layer in asked.strokes]
            masks = painted_masks(layers, uploads[0].size, len(paths) - 1)
            for number, mask in enumerate(masks, 1):
                name = f"{Path(names[0]).stem}-mask-{number}.png"
                files[name] = Path(folder) / name
                Image.fromarray(mask).save(files[name])
            named = tuple(files)[len(names) :]
            orders = [dataclasses.replace(order, masks=named) for order in orders]
            for run in self.visitors.begin(visitor, orders, files):
                self.line.join(run)

    def rejoin(self, visitor: Visitor, run: Run) -> None:
        """Let a run that was stopped join the line again.

        Raises:
            UserError: too many runs wait.
        """
        if len(visitor.active) >= self.limits.waiting:
            raise UserError(f"{len(visitor.active)} of your pictures wait: let one end first")
        self._check_queue(1)
        self.line.join(run)

    def _check_queue(self, runs: int) -> None:
        if self.line.waiting + runs > self.limits.queue:
            raise UserError("too many pictures wait here: try again later")

    def _within_time(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Return settings with the longest time of a run where they have none."""
        asked = settings.get("time_limit", "").strip()
        longest = self.limits.run_seconds
        if longest and asked in ("", "0"):
            return {**settings, "time_limit": f"{longest:g}"}
        return settings


@dataclass(frozen=True, eq=False)
class Asked:
    """What a visitor has filled in.

    Attributes:
        photo: path of a file of the visitor's, or None.
        paintings: paths of such files.
        recipe: name of the recipe.
        settings: values by the names of settings, as flags have them.
        keep_faces: whether the photo's faces are kept.
        strokes: layers of the editor, encoded pictures.
    """

    photo: Path | None
    paintings: Sequence[Path]
    recipe: str
    settings: Mapping[str, str]
    keep_faces: bool
    strokes: Sequence[bytes]
