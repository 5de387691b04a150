"""The events of the page and their handlers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nst_tf.cli.help import PURPOSES
from nst_tf.images.metadata import read_metadata
from nst_tf.page import faces
from nst_tf.page.access import current_visitor
from nst_tf.page.blocks import EVENT, GuardedBlocks, file_paths
from nst_tf.page.components import PAINTINGS, PHOTOS, TITLE, Components
from nst_tf.page.fields import placeholders
from nst_tf.page.order import as_flags, settings_from_metadata
from nst_tf.page.render import alert
from nst_tf.page.repaint import enlarge, repaint
from nst_tf.page.state import AppState, OrderForm
from nst_tf.page.updates import finished_runs, screen_updates
from nst_tf.page.visitor import Visitor
from nst_tf.recipes import recipe
from nst_tf.utils.errors import UserError

STRENGTHS = (0.5, 1.0, 1.5)  # strengths of the pictures that one click makes
TICK = 0.5  # seconds between updates of the screen

UPDATED = (
    "screen", "stop", "resume", "compare", "curve", "command", "masks", "download", "history",
    "repaint", "enlarge",
)  # fmt: skip
"""Names of the components that change with a visitor's runs."""


def build(state: AppState) -> GuardedBlocks:
    """Return the page with all its events."""
    with GuardedBlocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        components = Components.make(state.samples, state.limits)
        page.kinds = components.kinds(state.limits)
        handlers = Handlers(state, components)
        _connect_inputs(page, components, handlers)
        _connect_runs(page, components, handlers)
    state.visitors.public.update(file_paths(page.get_config_file()))
    return page


def _connect_inputs(page: GuardedBlocks, components: Components, handlers: "Handlers") -> None:
    """Connect the events that fill in the form."""
    photo, paintings, notice = components.photo, components.paintings, components.notice
    fields = [*components.everyday.values(), *components.advanced.values()]
    page.on(
        photo.change, handlers.photo_chosen, [photo], [photo, components.editor, notice], notice
    )
    kept, skipped = components.keep_faces, components.skip_faces
    for trigger in (photo.change, kept.change):
        page.on(
            trigger, handlers.faces_shown, [photo, kept, skipped],
            [components.outlines, skipped, notice], notice,
        )  # fmt: skip
    page.on(skipped.input, handlers.faces_chosen, [photo, skipped], [skipped, notice], notice)
    page.on(paintings.change, handlers.paintings_chosen, [paintings], [paintings, notice], notice)
    page.on(
        components.add.upload, handlers.painting_added, [paintings, components.add],
        [paintings, notice], notice,
    )  # fmt: skip
    for samples, names, event, target in (
        (components.photo_samples, PHOTOS, handlers.sample_photo, photo),
        (components.painting_samples, PAINTINGS, handlers.sample_painting, paintings),
    ):
        page.on_select(samples.select, event, _always(len(names)), [target, notice], notice)
    usual = [components.everyday[name] for name in ("max_dim", "keep_faces")]
    shown = [components.recipe, *usual, *components.advanced.values()]
    page.on(
        components.recipe.input, handlers.recipe_chosen, [components.recipe], [*shown, notice],
        notice,
    )  # fmt: skip
    page.on(
        components.restore.upload, handlers.restore, [components.restore, photo],
        [notice, components.outlines, components.recipe, *fields], notice,
    )  # fmt: skip


def _connect_runs(page: GuardedBlocks, components: Components, handlers: "Handlers") -> None:
    """Connect the events that start, stop and show runs."""
    notice = components.notice
    form = [
        components.photo, components.paintings, components.recipe, components.editor,
        *components.everyday.values(), *components.advanced.values(),
    ]  # fmt: skip
    snapshot = gr.State(None)
    updated = [getattr(components, name) for name in UPDATED]
    refresh = (handlers.refresh, [snapshot], [snapshot, *updated])
    page.load(*refresh, **EVENT)
    gr.Timer(TICK).tick(*refresh, **EVENT)
    for button, strengths in ((components.paint, ()), (components.grid, STRENGTHS)):
        submitted = page.on(button.click, handlers.paint(strengths), form, [notice], notice)
        submitted.then(*refresh, **EVENT)
    page.on(components.stop.click, handlers.stop, [], [notice], notice)
    page.on(components.resume.click, handlers.resume, [], [notice], notice)
    fields = [components.repaint_detail, components.patch_size]
    page.on(components.repaint.click, handlers.repaint, fields, [notice], notice)
    page.on(components.enlarge.click, handlers.enlarge, [components.print_size], [notice], notice)
    page.on_select(
        components.history.select, handlers.show_again, lambda one: len(finished_runs(one)),
        [notice], notice,
    )  # fmt: skip


class Handlers:
    """The handlers of events, whose arguments `nst_tf.page.access` has admitted.

    Args:
        state: the state that all visitors share.
        components: the components of the page.
    """

    def __init__(self, state: AppState, components: Components) -> None:
        self._state = state
        self._components = components

    def refresh(self, before: Any) -> list[Any]:
        """Return the snapshot of the screen, and updates of the changed components."""
        now, values = screen_updates(self._state, current_visitor(), before.value)
        if not values:
            return [gr.skip()] * (1 + len(UPDATED))
        return [now, *(values.get(name, gr.skip()) for name in UPDATED)]

    def photo_chosen(self, visitor: Visitor, photo: Path | None) -> list[Any]:
        """Return the photo if it is accepted, the editor's background, and a notice."""
        if photo is None:
            return [gr.skip(), None, gr.skip()]
        try:
            upload = self._state.check(photo)
        except UserError as error:
            return [None, None, alert(error)]
        background = Image.fromarray(upload.preview)
        return [gr.skip(), {"background": background, "layers": [], "composite": None}, ""]

    def faces_shown(
        self, visitor: Visitor, photo: Path | None, kept: bool, skipped: tuple[str, ...]
    ) -> list[Any]:
        """Return outlines and checkboxes of the photo's faces if they are kept, and a notice."""
        found = self._state.faces(photo) if photo and kept else None
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
        accepted, refused = [], ""
        for path in paintings:
            try:
                self._state.check(path)
                accepted.append(str(path))
            except UserError as error:
                refused += alert(error)
        return [accepted or None, refused] if refused else [gr.skip(), gr.skip()]

    def painting_added(
        self, visitor: Visitor, paintings: tuple[Path, ...], added: tuple[Path, ...]
    ) -> list[Any]:
        """Return the paintings and the accepted new ones, and a notice for the others."""
        accepted, refused = self.paintings_chosen(visitor, added)
        new = accepted or [] if refused else [str(path) for path in added]
        every = [*map(str, paintings), *new]
        most = self._state.limits.paintings
        if len(every) > most:
            raise UserError(f"at most {most} paintings can be blended, not {len(every)}")
        return [every or None, refused]

    def sample_photo(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample photo."""
        return [str(self._state.samples / f"{PHOTOS[index]}.jpg"), gr.skip()]

    def sample_painting(self, visitor: Visitor, index: int) -> list[Any]:
        """Return a sample painting."""
        return [[str(self._state.samples / f"{PAINTINGS[index]}.jpg")], gr.skip()]

    def recipe_chosen(self, visitor: Visitor, name: str) -> list[Any]:
        """Return updates that show the values of a recipe in the fields."""
        info = gr.update(info=PURPOSES[name])
        usual = recipe(name)
        size = min(usual.max_dim, self._state.limits.side)
        advanced = placeholders(name, self._components.advanced)
        return [info, size, usual.keep_faces, *advanced, gr.skip()]

    def paint(self, strengths: tuple[float, ...]) -> Callable[..., str]:
        """Return the handler that orders a picture, or one of each strength.

        It returns a notice.
        """
        names = (*self._components.everyday, *self._components.advanced)

        def begin(
            visitor: Visitor, photo: Path | None, paintings: tuple[Path, ...], recipe: str,
            mask_strokes: tuple[bytes, ...], *values: Any,
        ) -> str:  # fmt: skip
            settings = dict(zip(names, map(_as_flag, values), strict=True))
            form = OrderForm(photo, paintings, recipe, settings, mask_strokes)
            self._state.submit(visitor, form, strengths)
            return ""

        return begin

    def stop(self, visitor: Visitor) -> str:
        """End the runs on the screen, or remove them from the queue; return a notice."""
        for run in list(visitor.shown):
            if run.active:
                self._state.queue.cancel(run)
        return ""

    def resume(self, visitor: Visitor) -> str:
        """Resume the resumable runs on the screen, and return a notice."""
        for run in list(visitor.shown):
            if run.resumable:
                self._state.resume(visitor, run)
        return ""

    def repaint(self, visitor: Visitor, detail: float | None, patch_size: float | None) -> str:
        """Order other brushstrokes on the latest picture, and return a notice."""
        repaint(self._state, visitor, detail, patch_size)
        return ""

    def enlarge(self, visitor: Visitor, paper: str) -> str:
        """Order the latest picture in the size of a print, and return a notice."""
        enlarge(self._state, visitor, paper)
        return ""

    def show_again(self, visitor: Visitor, index: int) -> str:
        """Show an earlier picture again, and return a notice."""
        visitor.shown = finished_runs(visitor)[index:][:1]
        return ""

    def restore(self, visitor: Visitor, picture: Path | None, photo: Path | None) -> list[Any]:
        """Return a notice, outlines, and the recipe and settings recorded in an earlier picture."""
        components = self._components
        if picture is None:
            raise UserError("a picture is missing: drop one made by nst_tf")
        self._state.check(picture)
        try:
            name, changed = settings_from_metadata(read_metadata(picture))
        except (OSError, UserError) as error:
            raise UserError(str(error).replace(str(picture), picture.name)) from None
        usual = as_flags(recipe(name))
        recorded = usual | changed
        everyday = {field: _as_value(recorded[field]) for field in components.everyday}
        numbers = [f"{float(number):.3f}" for number in recorded[faces.GROUP].split(",") if number]
        skipped = [f"{x},{y}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        outlines, group = "", gr.update(value=skipped)
        if photo and everyday["keep_faces"]:
            found = self._state.faces(photo)
            checked = found.nearest(skipped)
            outlines, group = faces.updates(found, checked)
            group |= {"value": checked}
        everyday[faces.GROUP] = group
        shown = placeholders(name, components.advanced)
        advanced = [
            update | {"value": changed.get(field, "")}
            for field, update in zip(components.advanced, shown, strict=True)
        ]
        chosen = gr.update(value=name, info=PURPOSES[name])
        return ["", outlines, chosen, *everyday.values(), *advanced]


def _always(count: int) -> Callable[[Visitor], int]:
    """Return a function that returns `count` for every visitor."""
    return lambda _: count


def _as_flag(value: Any) -> str:
    """Return a field's value as the text of a flag."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_value(text: str) -> Any:
    """Return the text of a flag as a field's value."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return text
