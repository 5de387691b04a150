"""What happens when the page is used."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nst_tf.cli.help import PURPOSES
from nst_tf.errors import UserError
from nst_tf.images.metadata import read_metadata
from nst_tf.page.fields import placeholders
from nst_tf.page.house import Asked, House
from nst_tf.page.look import look, pictures
from nst_tf.page.order import as_flags, restored
from nst_tf.page.parts import PAINTINGS, PHOTOS, TITLE, Parts
from nst_tf.page.runs import Run
from nst_tf.page.visitors import Visitor
from nst_tf.recipes import recipe

STRENGTHS = (0.5, 1.0, 1.5)  # of the pictures that one click makes
TICK = 0.5  # seconds between two looks at the runs

SHOWN = (
    "screen", "stop", "go_on", "compare", "curve", "command", "masks", "download", "history",
)  # fmt: skip
"""Parts that change with a visitor's runs."""


def build(house: House) -> gr.Blocks:
    """Return the page."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        token = gr.BrowserState("", storage_key="nst_tf")
        seen = gr.State(None)
        parts = Parts.make(house.samples)
        desk = Desk(house, parts)
        # Nothing here takes long: the runs are elsewhere. So nothing goes through Gradio's queue,
        # which keeps every event for ever; its messages would, so that refusals have their own.
        quick: dict[str, Any] = {
            "queue": False, "show_progress": "hidden", "api_visibility": "private",
        }  # fmt: skip
        notice = parts.notice
        fields = [*parts.everyday.values(), *parts.advanced.values()]
        asked = [parts.photo, parts.paintings, parts.recipe, parts.keep_faces, parts.editor]
        shown = [seen, *(getattr(parts, name) for name in SHOWN)]
        again = (desk.look, [token, seen], shown)

        page.load(desk.welcome, token, token, **quick).then(*again, **quick)
        gr.Timer(TICK).tick(*again, **quick)
        parts.photo.change(
            desk.photo_chosen, parts.photo, [parts.photo, parts.editor, notice], **quick
        )
        parts.paintings.change(
            desk.paintings_chosen, parts.paintings, [parts.paintings, notice], **quick
        )
        parts.add.upload(
            desk.painting_added, [parts.paintings, parts.add], parts.paintings, **quick
        )
        parts.photo_samples.select(desk.sample_photo, None, parts.photo, **quick)
        parts.painting_samples.select(desk.sample_painting, None, parts.paintings, **quick)
        parts.recipe.input(
            desk.recipe_chosen,
            parts.recipe,
            [parts.recipe, parts.everyday["max_dim"], *parts.advanced.values()],
            **quick,
        )
        for button, strengths in ((parts.paint, ()), (parts.grid, STRENGTHS)):
            button.click(desk.paint(strengths), [token, *asked, *fields], notice, **quick).then(
                *again, **quick
            )
        parts.stop.click(desk.stop, token, notice, **quick)
        parts.go_on.click(desk.go_on, token, notice, **quick)
        parts.history.select(desk.show_again, token, notice, **quick)
        parts.restore.upload(desk.restore, parts.restore, [notice, parts.recipe, *fields], **quick)
    return page


class Desk:
    """Does what visitors want, and refuses what cannot be done in one sentence.

    Args:
        house: what all visitors share.
        parts: of the page.
    """

    def __init__(self, house: House, parts: Parts) -> None:
        self._house = house
        self._parts = parts

    def welcome(self, token: str) -> str:
        """Return the token of a browser, its own if that is known."""
        return self._house.visitors.welcome(token).token

    def look(self, token: str, before: Any) -> list[Any]:
        """Return what is on the screen, and updates of the parts that have changed."""
        now, values = look(self._house, self._house.visitors.known(token), before)
        if not values:
            return [gr.skip()] * (1 + len(SHOWN))
        return [now, *(values.get(name, gr.skip()) for name in SHOWN)]

    def photo_chosen(self, path: str | None) -> list[Any]:
        """Return the photo if it is taken, what regions are painted on, and what to tell."""
        try:
            upload = self._house.check(path) if path else None
        except ValueError as error:
            return [None, None, _told(error)]
        if upload is None:
            return [None, None, gr.skip()]
        background = Image.fromarray(upload.preview)
        return [gr.skip(), {"background": background, "layers": [], "composite": None}, ""]

    def paintings_chosen(self, chosen: list[tuple[str, Any]] | None) -> list[Any]:
        """Return those of the paintings that are taken, and what to tell of the others."""
        taken, refused = [], ""
        for path, _ in chosen or ():
            try:
                self._house.check(path)
                taken.append(path)
            except ValueError as error:
                refused += _told(error)
        return [taken or None, refused] if refused else [gr.skip(), gr.skip()]

    def painting_added(
        self, chosen: list[tuple[str, Any]] | None, added: Sequence[str]
    ) -> list[str]:
        """Return the paintings and the ones that come to them."""
        return [*(path for path, _ in chosen or ()), *added]

    def sample_photo(self, event: gr.SelectData) -> str:
        """Return a sample photo."""
        return self._sample(PHOTOS, event)

    def sample_painting(self, event: gr.SelectData) -> list[str]:
        """Return a sample painting."""
        return [self._sample(PAINTINGS, event)]

    def _sample(self, names: tuple[str, ...], event: gr.SelectData) -> str:
        return str(self._house.samples / f"{names[event.index]}.jpg")

    def recipe_chosen(self, name: str) -> list[Any]:
        """Return what the fields show of a recipe."""
        told = gr.update(info=PURPOSES[name])
        return [told, recipe(name).max_dim, *placeholders(name, self._parts.advanced)]

    def paint(self, strengths: tuple[float, ...]) -> Callable[..., str]:
        """Return what happens when pictures are asked for: one, or one of each strength.

        It returns what to tell.
        """
        names = (*self._parts.everyday, *self._parts.advanced)

        def begin(
            token: str, photo: str | None, paintings: list[tuple[str, Any]] | None, recipe: str,
            keep_faces: bool, editor: dict[str, Any] | None, *values: Any,
        ) -> str:  # fmt: skip
            settings = dict(zip(names, map(_as_word, values), strict=True))
            layers = [*filter(lambda layer: layer is not None, (editor or {}).get("layers") or ())]
            paths = [path for path, _ in paintings or ()]
            asked = Asked(photo, paths, recipe, settings, keep_faces, layers)
            try:
                self._house.begin(self._visitor(token), asked, strengths)
            except ValueError as error:
                return _told(error)
            except OSError:  # whose text would name paths
                return _told("the server has no room for the files: try again later")
            return ""

        return begin

    def stop(self, token: str) -> str:
        """End the runs on the screen, or take them out of the line; return what to tell."""
        for run in self._shown(token):
            if run.active:
                self._house.line.leave(run)
        return ""

    def go_on(self, token: str) -> str:
        """Let the runs on the screen go on that can, and return what to tell."""
        for run in self._shown(token):
            if run.resumable:
                self._house.line.join(run)
        return ""

    def show_again(self, token: str, event: gr.SelectData) -> str:
        """Bring an earlier picture back to the screen, and return what to tell."""
        if visitor := self._house.visitors.known(token):
            made = pictures(visitor)
            visitor.shown = made[event.index :][:1]
        return ""

    def restore(self, path: str) -> list[Any]:
        """Return what to tell, and recipe and fields as a picture made earlier has them."""
        parts = self._parts
        try:
            name, changed = restored(read_metadata(path))
        except (OSError, ValueError) as error:
            kept = [gr.skip()] * (1 + len(parts.everyday) + len(parts.advanced))
            return [_told(str(error).replace(path, Path(path).name)), *kept]
        usual = as_flags(recipe(name))
        everyday = [_as_value(changed.get(field, usual[field])) for field in parts.everyday]
        return ["", name, *everyday, *(changed.get(field, "") for field in parts.advanced)]

    def _shown(self, token: str) -> list[Run]:
        visitor = self._house.visitors.known(token)
        return list(visitor.shown) if visitor else []

    def _visitor(self, token: str) -> Visitor:
        visitor = self._house.visitors.known(token)
        if visitor is None:
            raise UserError("the page was away for too long: load it again")
        return visitor


def _told(problem: object) -> str:
    """Return what a visitor is told, a sentence in HTML."""
    return f'<p role="alert">{html.escape(str(problem))}.</p>'


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
