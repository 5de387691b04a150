"""Handlers of the events that start, stop and show runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from nst_tf.page.access import current_visitor
from nst_tf.page.drawings import Drawing
from nst_tf.page.favourites import toggle
from nst_tf.page.filling import flags_of
from nst_tf.page.form_events import FormHandlers
from nst_tf.page.order import OrderForm
from nst_tf.page.render import alert
from nst_tf.page.repaint import enlarge, repaint
from nst_tf.page.runs import Run
from nst_tf.page.state import NO_PAINTING, NO_PHOTO, AppState
from nst_tf.page.updates import UPDATED, earlier_runs, screen_updates
from nst_tf.page.variants import more_like
from nst_tf.page.visitor import Visitor


class RunHandlers:
    """The handlers of runs, whose arguments `nst_tf.page.access` has admitted.

    Args:
        state: the state that all visitors share.
        names: the names of the settings of the form's fields, in order.
        form: the handlers of the form.
    """

    def __init__(self, state: AppState, names: list[str], form: FormHandlers) -> None:
        self._state = state
        self._names = names
        self._form = form

    def refresh(self, before: Any) -> list[Any]:
        """Return the snapshot of the screen, and updates of the changed components."""
        now, values = screen_updates(self._state, current_visitor(), before.value)
        if not values:
            return [gr.skip()] * (1 + len(UPDATED))
        return [now, *(values.get(name, gr.skip()) for name in UPDATED)]

    def paint(self, strengths: tuple[float, ...]) -> Callable[..., list[Any]]:
        """Return the handler that orders a picture, or one of each strength.

        It returns notices for the photo, for the paintings, and for all else.
        """

        def begin(
            visitor: Visitor, photo: Path | None, paintings: tuple[Path, ...], recipe: str,
            size: str, drawing: Drawing | None, *values: Any,
        ) -> list[Any]:  # fmt: skip
            if not photo or not paintings:
                missing = ("" if photo else NO_PHOTO, "" if paintings else NO_PAINTING)
                return [*(alert(problem) if problem else gr.skip() for problem in missing), ""]
            flags = self._form.sized(recipe, size, flags_of(self._names, values))
            form = OrderForm(photo, paintings, recipe, flags, drawing)
            self._state.submit(visitor, form, strengths)
            return ["", "", ""]

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
        """Order other brushstrokes on the chosen picture, and return a notice."""
        repaint(self._state, visitor, detail, patch_size)
        return ""

    def enlarge(self, visitor: Visitor, paper: str) -> str:
        """Order the chosen picture in the size of a print, and return a notice."""
        enlarge(self._state, visitor, paper)
        return ""

    def choose(self, visitor: Visitor, run: Run) -> str:
        """Choose one of the shown pictures, and return a notice."""
        visitor.choose(run)
        return ""

    def favour(self, visitor: Visitor, run: Run) -> str:
        """Make a picture a favourite, or an ordinary one again, and return a notice."""
        toggle(visitor, run, self._state.limits)
        return ""

    def more(self, visitor: Visitor, run: Run) -> str:
        """Order variants of a picture, and return a notice."""
        more_like(self._state, visitor, run)
        return ""

    def show_again(self, visitor: Visitor, index: int) -> str:
        """Show a picture of the history, and return a notice."""
        visitor.show(earlier_runs(visitor)[index:][:1])
        return ""
