"""Handlers of the events that fill in the form."""

import dataclasses
import filecmp
from pathlib import Path
from typing import Any

import gradio as gr

from nst_tf.cli.help import PURPOSES
from nst_tf.images.decode import upright_size
from nst_tf.images.metadata import read_metadata
from nst_tf.page import faces, sizes
from nst_tf.page.components import Components
from nst_tf.page.estimates import in_words
from nst_tf.page.fields import placeholders
from nst_tf.page.filling import filled, filled_fields, flags_of
from nst_tf.page.form import recipe_card
from nst_tf.page.order import Order, OrderForm, settings_from_metadata
from nst_tf.page.region_editor import photo_element
from nst_tf.page.region_events import shown_drawing
from nst_tf.page.render import alert, estimate_line
from nst_tf.page.sample_names import PAINTINGS, PAIRS, PHOTOS
from nst_tf.page.state import AppState
from nst_tf.page.visitor import Visitor
from nst_tf.recipes import recipe
from nst_tf.utils.errors import UserError

USUAL_SIZE = (3000, 4000)  # height and width of a photo that is not chosen yet, pixels


class FormHandlers:
    """The handlers of the form's events, whose arguments `nst_tf.page.access` has admitted.

    Args:
        state: the state that all visitors share.
        components: the components of the page.
    """

    def __init__(self, state: AppState, components: Components) -> None:
        self._state = state
        self._components = components

    def photo_chosen(self, visitor: Visitor, photo: Path | None, accepted: str | None) -> list[Any]:
        """Return the photo, the accepted one, the photo of the editor, and a notice.

        A photo that is not accepted is replaced by the one before, which remains in use.
        """
        if photo is None:
            return [gr.skip(), None, "", gr.skip()]
        if accepted and _same_file(photo, Path(accepted)):  # it has replaced a refused one
            return [gr.skip(), str(photo), gr.skip(), gr.skip()]
        try:
            upload = self._state.check(photo)
        except UserError as error:
            return [accepted, gr.skip(), gr.skip(), alert(error)]
        before = visitor.form.photo
        drawing = visitor.form.drawing if before and _same_file(photo, before) else None
        visitor.form = dataclasses.replace(visitor.form, photo=photo, drawing=drawing)
        return [gr.skip(), str(photo), photo_element(upload.preview), ""]

    def faces_shown(
        self, visitor: Visitor, photo: Path | None, kept: bool, skipped: tuple[str, ...]
    ) -> list[Any]:
        """Return outlines and checkboxes of the photo's faces if they are kept, and a notice."""
        try:
            found = self._state.faces(photo) if photo and kept else None
        except UserError:  # `photo_chosen` shows the reason
            found = None
        return [*faces.updates(found, skipped), gr.skip()]

    def faces_chosen(
        self, visitor: Visitor, photo: Path | None, skipped: tuple[str, ...]
    ) -> list[Any]:
        """Return the checkboxes with a sentence about the faces that are kept, and a notice."""
        if photo is None:
            return [gr.skip(), gr.skip()]
        places = {*self._state.faces(photo).places}
        label = faces.sentence(len(places), len(places.intersection(skipped)))
        return [gr.update(label=label), gr.skip()]

    def paintings_chosen(self, visitor: Visitor, paintings: tuple[Path, ...]) -> list[Any]:
        """Return the accepted paintings, and a notice for the others."""
        accepted, refused = self._accepted(paintings)
        visitor.form = dataclasses.replace(visitor.form, paintings=accepted)
        if refused:
            return [[*map(str, accepted)] or None, refused]
        return [gr.skip(), "" if paintings else gr.skip()]

    def painting_added(
        self, visitor: Visitor, paintings: tuple[Path, ...], added: tuple[Path, ...]
    ) -> list[Any]:
        """Return the paintings and the accepted new ones, and a notice for the others."""
        accepted, refused = self._accepted(added)
        every = [*paintings, *accepted]
        most = self._state.limits.paintings
        if len(every) > most:
            raise UserError(f"at most {most} paintings can be blended, not {len(every)}")
        if not accepted:
            return [gr.skip(), refused]
        visitor.form = dataclasses.replace(visitor.form, paintings=every)
        return [[*map(str, every)], refused]

    def _accepted(self, paintings: tuple[Path, ...]) -> tuple[list[Path], str]:
        """Return the accepted paintings, and a notice for the others."""
        accepted, refused = [], ""
        for path in paintings:
            try:
                self._state.check(path)
                accepted.append(path)
            except UserError as error:
                refused += alert(error)
        return accepted, refused

    def sample_photo(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample photo, and a notice."""
        return [self._sample(PHOTOS[index]), gr.skip()]

    def sample_painting(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample painting, and a notice."""
        return [self._sample_paintings(visitor, PAINTINGS[index]), ""]

    def sample_pair(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample photo and a sample painting, and a notice."""
        photo, painting = PAIRS[index]
        return [self._sample(photo), self._sample_paintings(visitor, painting), ""]

    def _sample(self, name: str) -> str:
        return str(self._state.samples / f"{name}.jpg")

    def _sample_paintings(self, visitor: Visitor, name: str) -> list[str]:
        """Return a sample as the only painting, which Gradio's gallery does not report."""
        painting = self._sample(name)
        visitor.form = dataclasses.replace(visitor.form, paintings=[Path(painting)])
        return [painting]

    def recipe_chosen(
        self, visitor: Visitor, name: str, kept: bool, followed: str | None
    ) -> list[Any]:
        """Return updates that show the values of a recipe in the fields, and a notice.

        What the visitor has set remains: faces are kept as usual only if they were before.
        """
        before = recipe(followed).keep_faces if followed else True
        keep = recipe(name).keep_faces if kept == before else gr.skip()
        return [keep, name, *placeholders(name, self._components.advanced), gr.skip()]

    def estimated(
        self, visitor: Visitor, photo: Path | None, name: str, size: str, *values: Any
    ) -> list[Any]:
        """Return the recipes with their times, the time of this picture, and a notice.

        The notice goes once the settings are valid.
        """
        estimates, most = self._state.estimates, self._state.limits.side
        flags = flags_of(self._components.settings, values)
        photo_size = upright_size(photo) if photo else USUAL_SIZE
        cards = []
        for each in PURPOSES:
            side = sizes.long_side(size, _number(flags["max_dim"]), each, most)
            usual = dataclasses.replace(recipe(each), max_dim=int(side or 0))
            time = in_words(estimates.seconds(each, usual, photo_size))
            here = f"{time} here" if estimates.measured(each) else f"about {time}"
            cards.append((recipe_card(each, here), each))
        try:
            settings = self.order(name, size, flags).check(self._state.limits)
        except UserError:
            return [gr.update(choices=cards), "", gr.skip()]
        seconds = estimates.seconds(name, settings, photo_size)
        return [gr.update(choices=cards), estimate_line(settings, photo_size, seconds), ""]

    def order(self, name: str, size: str, flags: dict[str, str]) -> Order:
        """Return an order without files, for checks of its settings."""
        return Order("photo", ("painting",), name, self.sized(name, size, flags))

    def sized(self, name: str, size: str, flags: dict[str, str]) -> dict[str, str]:
        """Return flags with the long side of the chosen size."""
        side = sizes.long_side(size, _number(flags["max_dim"]), name, self._state.limits.side)
        return {**flags, "max_dim": f"{side:g}" if side else ""}

    def restore(self, visitor: Visitor, picture: Path | None, photo: Path | None) -> list[Any]:
        """Return the recipe and settings recorded in an earlier picture, and a notice."""
        if picture is None:
            raise UserError("a picture is missing: drop one made by nst_tf")
        self._state.check(picture)
        try:
            name, changed = settings_from_metadata(read_metadata(picture))
        except (OSError, UserError) as error:
            raise UserError(str(error).replace(str(picture), picture.name)) from None
        return [*filled(self._state, self._components, name, changed, photo), ""]

    def reset(self, visitor: Visitor, name: str) -> list[Any]:
        """Return the recipe's values for all fields under Advanced, and a notice."""
        updates = placeholders(name, self._components.advanced)
        return [*(update | {"value": ""} for update in updates), gr.skip()]

    def reuse(self, visitor: Visitor) -> list[Any]:
        """Return photo, paintings, regions and settings of the chosen picture, and a notice."""
        if (run := visitor.main) is None:
            raise UserError("a picture is missing: choose one first")
        order = run.order
        paths = [run.folder / name for name in (order.photo, *order.paintings)]
        return self._refilled(
            OrderForm(paths[0], paths[1:], order.recipe, order.settings, run.drawing)
        )

    def loaded(self, visitor: Visitor) -> list[Any]:
        """Return what the visitor has filled in before, for a page that is loaded again."""
        form = visitor.form
        if form.photo is None and not form.paintings:
            return [gr.skip()] * (4 + len(filled_fields(self._components)))
        photo = form.photo if form.photo and form.photo.exists() else None
        paintings = [path for path in form.paintings if path.exists()]
        return self._refilled(dataclasses.replace(form, photo=photo, paintings=paintings))

    def _refilled(self, form: OrderForm) -> list[Any]:
        fields = filled(self._state, self._components, form.recipe, form.settings, form.photo)
        pictures = [form.photo and str(form.photo), [*map(str, form.paintings)] or None]
        regions = gr.skip()
        if form.photo:
            regions = shown_drawing(self._state, form.drawing, form.photo, form.paintings)
        return [*pictures, regions, *fields, ""]


def _same_file(one: Path, other: Path) -> bool:
    """Return whether two files are equal; Gradio serves copies."""
    return other.exists() and filecmp.cmp(one, other, shallow=False)


def _number(text: str) -> float | None:
    return float(text) if text else None
