"""What happens when the page is used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nst_tf.cli.help import PURPOSES
from nst_tf.images.metadata import read_metadata
from nst_tf.page.access import current_visitor
from nst_tf.page.blocks import EVENT, GuardedBlocks, file_paths
from nst_tf.page.fields import placeholders
from nst_tf.page.house import Asked, House
from nst_tf.page.look import look, pictures
from nst_tf.page.order import as_flags, restored
from nst_tf.page.parts import PAINTINGS, PHOTOS, TITLE, Parts
from nst_tf.page.show import told
from nst_tf.page.visitors import Visitor
from nst_tf.recipes import recipe
from nst_tf.utils.errors import UserError

STRENGTHS = (0.5, 1.0, 1.5)  # of the pictures that one click makes
TICK = 0.5  # seconds between two looks at the runs

SHOWN = (
    "screen", "stop", "go_on", "compare", "curve", "command", "masks", "download", "history",
)  # fmt: skip
"""Parts that change with a visitor's runs."""


def build(house: House) -> GuardedBlocks:
    """Return the page."""
    with GuardedBlocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        seen = gr.State(None)
        parts = Parts.make(house.samples, house.limits)
        page.kinds = parts.kinds(house.limits)
        desk = Desk(house, parts)
        notice = parts.notice
        fields = [*parts.everyday.values(), *parts.advanced.values()]
        asked = [parts.photo, parts.paintings, parts.recipe, parts.keep_faces, parts.editor]
        again = (desk.look, [seen], [seen, *(getattr(parts, name) for name in SHOWN)])

        page.load(*again, **EVENT)
        gr.Timer(TICK).tick(*again, **EVENT)
        page.on(
            parts.photo.change, desk.photo_chosen, [parts.photo],
            [parts.photo, parts.editor, notice], notice,
        )  # fmt: skip
        page.on(
            parts.paintings.change, desk.paintings_chosen, [parts.paintings],
            [parts.paintings, notice], notice,
        )  # fmt: skip
        page.on(
            parts.add.upload, desk.painting_added, [parts.paintings, parts.add],
            [parts.paintings, notice], notice,
        )  # fmt: skip
        for samples, names, event, part in (
            (parts.photo_samples, PHOTOS, desk.sample_photo, parts.photo),
            (parts.painting_samples, PAINTINGS, desk.sample_painting, parts.paintings),
        ):
            count = len(names)
            page.on_select(
                samples.select, event, lambda _, count=count: count, [part, notice], notice
            )
        page.on(
            parts.recipe.input, desk.recipe_chosen, [parts.recipe],
            [parts.recipe, parts.everyday["max_dim"], *parts.advanced.values(), notice], notice,
        )  # fmt: skip
        for button, strengths in ((parts.paint, ()), (parts.grid, STRENGTHS)):
            begin = page.on(
                button.click, desk.paint(strengths), [*asked, *fields], [notice], notice
            )
            begin.then(*again, **EVENT)
        page.on(parts.stop.click, desk.stop, [], [notice], notice)
        page.on(parts.go_on.click, desk.go_on, [], [notice], notice)
        page.on_select(
            parts.history.select, desk.show_again, lambda one: len(pictures(one)), [notice], notice
        )
        page.on(
            parts.restore.upload, desk.restore, [parts.restore], [notice, parts.recipe, *fields],
            notice,
        )  # fmt: skip
    house.visitors.public.update(file_paths(page.get_config_file()))
    return page


class Desk:
    """Does what visitors want. What it is called with has passed `nst_tf.page.access`.

    Args:
        house: what all visitors share.
        parts: of the page.
    """

    def __init__(self, house: House, parts: Parts) -> None:
        self._house = house
        self._parts = parts

    def look(self, before: Any) -> list[Any]:
        """Return what is on the screen, and updates of the parts that have changed."""
        now, values = look(self._house, current_visitor(), before.value)
        if not values:
            return [gr.skip()] * (1 + len(SHOWN))
        return [now, *(values.get(name, gr.skip()) for name in SHOWN)]

    def photo_chosen(self, visitor: Visitor, photo: Path | None) -> list[Any]:
        """Return the photo if it is taken, what regions are painted on, and what to tell."""
        if photo is None:
            return [gr.skip(), None, gr.skip()]
        try:
            upload = self._house.check(photo)
        except UserError as error:
            return [None, None, told(error)]
        background = Image.fromarray(upload.preview)
        return [gr.skip(), {"background": background, "layers": [], "composite": None}, ""]

    def paintings_chosen(self, visitor: Visitor, paintings: tuple[Path, ...]) -> list[Any]:
        """Return those of the paintings that are taken, and what to tell of the others."""
        taken, refused = [], ""
        for path in paintings:
            try:
                self._house.check(path)
                taken.append(str(path))
            except UserError as error:
                refused += told(error)
        return [taken or None, refused] if refused else [gr.skip(), gr.skip()]

    def painting_added(
        self, visitor: Visitor, paintings: tuple[Path, ...], added: tuple[Path, ...]
    ) -> list[Any]:
        """Return the paintings with those of the added ones that are taken, and what to tell."""
        taken, refused = self.paintings_chosen(visitor, added)
        new = taken or [] if refused else [str(path) for path in added]
        every = [*map(str, paintings), *new]
        most = self._house.limits.paintings
        if len(every) > most:
            raise UserError(f"at most {most} paintings can be blended, not {len(every)}")
        return [every or None, refused]

    def sample_photo(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample photo."""
        return [str(self._house.samples / f"{PHOTOS[index]}.jpg"), gr.skip()]

    def sample_painting(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample painting."""
        return [[str(self._house.samples / f"{PAINTINGS[index]}.jpg")], gr.skip()]

    def recipe_chosen(self, visitor: Visitor, name: str) -> list[Any]:
        """Return what the fields show of a recipe."""
        info = gr.update(info=PURPOSES[name])
        size = min(recipe(name).max_dim, self._house.limits.side)
        return [info, size, *placeholders(name, self._parts.advanced), gr.skip()]

    def paint(self, strengths: tuple[float, ...]) -> Callable[..., str]:
        """Return what happens when pictures are asked for: one, or one of each strength.

        It returns what to tell.
        """
        names = (*self._parts.everyday, *self._parts.advanced)

        def begin(
            visitor: Visitor, photo: Path | None, paintings: tuple[Path, ...], recipe: str,
            keep_faces: bool, strokes: tuple[bytes, ...], *values: Any,
        ) -> str:  # fmt: skip
            settings = dict(zip(names, map(_as_word, values), strict=True))
            asked = Asked(photo, paintings, recipe, settings, keep_faces, strokes)
            self._house.begin(visitor, asked, strengths)
            return ""

        return begin

    def stop(self, visitor: Visitor) -> str:
        """End the runs on the screen, or take them out of the line; return what to tell."""
        for run in list(visitor.shown):
            if run.active:
                self._house.line.leave(run)
        return ""

    def go_on(self, visitor: Visitor) -> str:
        """Let the runs on the screen go on that can, and return what to tell."""
        for run in list(visitor.shown):
            if run.resumable:
                self._house.rejoin(visitor, run)
        return ""

    def show_again(self, visitor: Visitor, index: int) -> str:
        """Bring an earlier picture back to the screen, and return what to tell."""
        visitor.shown = pictures(visitor)[index:][:1]
        return ""

    def restore(self, visitor: Visitor, picture: Path | None) -> list[Any]:
        """Return what to tell, and recipe and fields as a picture made earlier has them."""
        parts = self._parts
        if picture is None:
            raise UserError("a picture is missing: drop one that nst_tf has made")
        self._house.check(picture)
        try:
            name, changed = restored(read_metadata(picture))
        except (OSError, UserError) as error:
            raise UserError(str(error).replace(str(picture), picture.name)) from None
        usual = as_flags(recipe(name))
        everyday = [_as_value(changed.get(field, usual[field])) for field in parts.everyday]
        return ["", name, *everyday, *(changed.get(field, "") for field in parts.advanced)]


def _as_word(value: Any) -> str:
    """Return a field's value as a flag has it."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_value(word: str) -> Any:
    """Return a flag's value as an everyday field has it."""
    try:
        return float(word)
    except ValueError:
        return word
