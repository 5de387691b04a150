"""The events of the page."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from nst_tf.page.blocks import EVENT, GuardedBlocks, file_paths
from nst_tf.page.components import TITLE, Components
from nst_tf.page.filling import filled_fields
from nst_tf.page.form_events import FormHandlers
from nst_tf.page.region_events import RegionHandlers
from nst_tf.page.run_events import RunHandlers
from nst_tf.page.sample_names import PAINTINGS, PAIRS, PHOTOS
from nst_tf.page.state import AppState
from nst_tf.page.undo import UndoHandlers
from nst_tf.page.updates import UPDATED, earlier_runs
from nst_tf.page.visitor import Visitor

STRENGTHS = (0.5, 1.0, 1.5)  # strengths of the pictures that one click makes
TICK = 0.5  # seconds between updates of the screen


def build(state: AppState) -> GuardedBlocks:
    """Return the page with all its events."""
    with GuardedBlocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        components = Components.make(state.samples, state.limits)
        page.kinds = components.kinds(state.limits)
        form = FormHandlers(state, components)
        _connect_pictures(page, components, form)
        _connect_regions(page, components, RegionHandlers(state))
        _connect_settings(page, components, form)
        _connect_undo(page, components, UndoHandlers(state, components, form))
        _connect_runs(page, components, RunHandlers(state, [*components.settings], form))
    state.visitors.public.update(file_paths(page.get_config_file()))
    return page


def _connect_pictures(page: GuardedBlocks, components: Components, form: FormHandlers) -> None:
    """Connect the events of the photo and the paintings."""
    photo, told = components.photo, components.photo_notice
    page.on(
        photo.change, form.photo_chosen, [photo, components.accepted],
        [photo, components.accepted, components.regions_photo, told], told,
    )  # fmt: skip
    kept, skipped = components.keep_faces, components.skip_faces
    for trigger in (photo.change, kept.change):
        page.on(
            trigger, form.faces_shown, [photo, kept, skipped],
            [components.outlines, skipped, told], told,
        )  # fmt: skip
    page.on(skipped.input, form.faces_chosen, [photo, skipped], [skipped, told], told)
    paintings, refused = components.paintings, components.paintings_notice
    page.on(paintings.change, form.paintings_chosen, [paintings], [paintings, refused], refused)
    page.on(
        components.add.upload, form.painting_added, [paintings, components.add],
        [paintings, refused], refused,
    )  # fmt: skip
    for samples, names, event, outputs in (
        (components.pairs, PAIRS, form.sample_pair, [photo, paintings, refused]),
        (components.photo_samples, PHOTOS, form.sample_photo, [photo, told]),
        (components.painting_samples, PAINTINGS, form.sample_painting, [paintings, refused]),
    ):
        page.on_select(samples.select, event, _always(len(names)), outputs, outputs[-1])


def _connect_regions(page: GuardedBlocks, components: Components, regions: RegionHandlers) -> None:
    """Connect the events that fill the editor of regions."""
    photo, notice = components.photo, components.regions_notice
    outputs = [components.regions_drawing, notice]
    page.on(
        components.color_regions.click, regions.by_color,
        [photo, components.paintings, components.region_colors], outputs, notice,
    )  # fmt: skip
    page.on(
        components.load_mask.upload, regions.mask_loaded, [photo, components.load_mask], outputs,
        notice,
    )  # fmt: skip


def _connect_settings(page: GuardedBlocks, components: Components, form: FormHandlers) -> None:
    """Connect the events of recipe and settings."""
    photo, notice, recipe = components.photo, components.notice, components.recipe
    settings, advanced = components.settings.values(), components.advanced.values()
    kept, followed = components.keep_faces, components.followed
    page.on(
        recipe.input, form.recipe_chosen, [recipe, kept, followed],
        [kept, followed, *advanced, notice], notice,
    )  # fmt: skip
    changed: tuple[Any, ...] = (photo, recipe, components.size, components.estimate_due, *settings)
    page.on(
        partial(gr.on, [field.change for field in changed]), form.estimated,
        [photo, recipe, components.size, *settings], [recipe, components.estimate, notice], notice,
    )  # fmt: skip
    filled = filled_fields(components)
    page.on(
        components.restore.upload, form.restore, [components.restore, photo], [*filled, notice],
        notice,
    )  # fmt: skip
    page.on(components.reset.click, form.reset, [recipe], [*advanced, notice], notice)
    everything = [photo, components.paintings, components.regions_drawing, *filled, notice]
    page.on(components.reuse.click, form.reuse, [], everything, notice)
    page.on(page.load, form.loaded, [], everything, notice)


def _connect_undo(page: GuardedBlocks, components: Components, handlers: UndoHandlers) -> None:
    """Connect the events that record, undo and redo changes of the settings."""
    notice, history = components.notice, components.changes
    buttons = [components.undo, components.redo]
    fields: list[Any] = [components.recipe, components.size, *components.settings.values()]
    page.on(
        partial(gr.on, [*(field.change for field in fields), page.load]), handlers.record,
        [history, *fields], [history, *buttons, notice], notice,
    )  # fmt: skip
    filled = [*filled_fields(components), history, *buttons, notice]
    past = [history, components.photo]
    page.on(components.undo.click, handlers.undo, [*past, *fields], filled, notice)
    page.on(components.redo.click, handlers.redo, past, filled, notice)


def _connect_runs(page: GuardedBlocks, components: Components, runs: RunHandlers) -> None:
    """Connect the events that start, stop and show runs."""
    notice = components.notice
    form = [
        components.photo, components.paintings, components.recipe, components.size,
        components.drawing, *components.settings.values(),
    ]  # fmt: skip
    told = [components.photo_notice, components.paintings_notice, notice]
    snapshot = gr.State(None)
    updated = [getattr(components, name) for name in UPDATED]
    refresh = (runs.refresh, [snapshot], [snapshot, *updated])
    page.load(*refresh, **EVENT)
    gr.Timer(TICK).tick(*refresh, **EVENT)
    for button, strengths in ((components.paint, ()), (components.grid, STRENGTHS)):
        submitted = page.on(button.click, runs.paint(strengths), form, told, notice)
        submitted.then(*refresh, **EVENT)
    page.on(components.stop.click, runs.stop, [], [notice], notice)
    page.on(components.resume.click, runs.resume, [], [notice], notice)
    fields = [components.repaint_detail, components.patch_size]
    page.on(components.repaint.click, runs.repaint, fields, [notice], notice)
    page.on(components.enlarge.click, runs.enlarge, [components.print_size], [notice], notice)
    actions = {"choose": runs.choose, "favour": runs.favour, "more": runs.more}
    chosen = page.on_act(components.screen.select, actions, [notice], notice)
    chosen.then(*refresh, **EVENT)
    shown = page.on_select(
        components.history.select, runs.show_again, lambda one: len(earlier_runs(one)),
        [notice], notice,
    )  # fmt: skip
    shown.then(*refresh, **EVENT)


def _always(count: int) -> Callable[[Visitor], int]:
    """Return a function that returns `count` for every visitor."""
    return lambda _: count
