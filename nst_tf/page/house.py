"""What all visitors share, and how their orders become runs."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.errors import UserError
from nst_tf.page.order import Order, safe_names
from nst_tf.page.runs import Line
from nst_tf.page.strokes import painted_masks
from nst_tf.page.uploads import Upload, check_upload
from nst_tf.page.visitors import Visitor, Visitors


@dataclass(frozen=True)
class House:
    """What all visitors share.

    Attributes:
        visitors: who is there.
        line: where runs wait.
        most_bytes: of an upload.
        most_pixels: of an uploaded picture.
        samples: folder of the sample pictures.
        work: folder for masks until their run begins.
    """

    visitors: Visitors
    line: Line
    most_bytes: int
    most_pixels: int
    samples: Path
    work: Path

    def check(self, path: str) -> Upload:
        """Return what an uploaded picture shows.

        Raises:
            ValueError: it is none that is taken.
        """
        return check_upload(Path(path), Path(path).name, self.most_pixels)

    def begin(self, visitor: Visitor, asked: "Asked", strengths: Sequence[float] = ()) -> None:
        """Let the runs that a visitor asks for join the line.

        Args:
            visitor: who asks.
            asked: what for.
            strengths: of several pictures, one each; none for a single picture as asked for.

        Raises:
            ValueError: something is missing, or a value is not valid.
        """
        if not asked.photo:
            raise UserError("a photo is missing: drop one, or choose a sample")
        if not asked.paintings:
            raise UserError("a painting is missing: drop one, or choose a sample")
        paths = (asked.photo, *asked.paintings)
        names = safe_names(Path(path).name for path in paths)
        order = Order(names[0], tuple(names[1:]), asked.recipe, asked.settings, asked.keep_faces)
        order.check()
        files = dict(zip(names, map(Path, paths), strict=True))
        size = self.check(asked.photo).size
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            masks = painted_masks(asked.strokes, size, len(asked.paintings))
            for number, mask in enumerate(masks, 1):
                name = f"{Path(names[0]).stem}-mask-{number}.png"
                files[name] = Path(folder) / name
                Image.fromarray(mask).save(files[name])
            order = dataclasses.replace(order, masks=tuple(files)[len(names) :])
            orders = order.variants(strengths) if strengths else [order]
            for run in self.visitors.begin(visitor, orders, files):
                self.line.join(run)


@dataclass(frozen=True, eq=False)
class Asked:
    """What a visitor has filled in.

    Attributes:
        photo: path of the upload, or None.
        paintings: paths of the uploads.
        recipe: name of the recipe.
        settings: values by the names of settings, as flags have them.
        keep_faces: whether the photo's faces are kept.
        strokes: layers of the editor, uint8 `[h, w, 4]`.
    """

    photo: str | None
    paintings: Sequence[str]
    recipe: str
    settings: Mapping[str, str]
    keep_faces: bool
    strokes: Sequence[np.ndarray]
