"""Undo and redo of changes of the form's settings."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from nst_tf.page.components import Components
from nst_tf.page.filling import filled, filled_fields, flags_of
from nst_tf.page.form_events import FormHandlers
from nst_tf.page.state import AppState
from nst_tf.page.visitor import Visitor
from nst_tf.utils.errors import UserError

TOGETHER = 1.0  # seconds within which changes are one, as those of a recipe or of a slider
MOST = 50  # changes that can be undone


@dataclass(frozen=True)
class Filled:
    """The settings of a form.

    Attributes:
        recipe: name of the recipe.
        size: choice of a size.
        settings: texts of flags, by the names of settings.
    """

    recipe: str
    size: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class History:
    """Settings that the form has had.

    Attributes:
        now: the settings; `None`: they are unknown yet.
        past: earlier settings, the latest last.
        future: settings that were undone, the next last.
        changed: time of the latest change, on the monotonic clock.
    """

    now: Filled | None = None
    past: tuple[Filled, ...] = ()
    future: tuple[Filled, ...] = ()
    changed: float = 0.0

    def record(self, form: Filled, at: float) -> "History":
        """Return the history with a form as it is at a time, on the monotonic clock."""
        if form == self.now:
            return self
        if self.now is None or at - self.changed < TOGETHER:
            return dataclasses.replace(self, now=form, changed=at)
        return History(form, (*self.past, self.now)[-MOST:], (), at)

    def undo(self, at: float) -> "History":
        """Return the history one change earlier, at a time on the monotonic clock."""
        if not self.past or self.now is None:
            return self
        return History(self.past[-1], self.past[:-1], (*self.future, self.now), at)

    def redo(self, at: float) -> "History":
        """Return the history with the latest undone change; argument as for `undo`."""
        if not self.future or self.now is None:
            return self
        return History(self.future[-1], (*self.past, self.now), self.future[:-1], at)


class UndoHandlers:
    """The handlers of undo and redo, whose arguments `nst_tf.page.access` has admitted.

    Args:
        state: the state that all visitors share.
        components: the components of the page.
        form: the handlers of the form.
    """

    def __init__(self, state: AppState, components: Components, form: FormHandlers) -> None:
        self._state = state
        self._components = components
        self._form = form

    def record(
        self, visitor: Visitor, history: History | None, name: str, size: str, *values: Any
    ) -> list[Any]:
        """Return the history with the form as it is, the buttons, and a notice.

        Settings that are not valid are not recorded; undo replaces them by the latest valid ones.
        """
        history = history or History()
        flags = flags_of(self._components.settings, values)
        order = self._form.order(name, size, flags)
        try:
            order.check(self._state.limits)
        except UserError:
            return [gr.skip(), gr.update(interactive=history.now is not None), gr.skip(), gr.skip()]
        now = history.record(Filled(name, size, flags), time.monotonic())
        if history.now is not None and now is not history:  # a page that is loaded again fills it
            visitor.form = dataclasses.replace(visitor.form, recipe=name, settings=order.settings)
        return [now, *_buttons(now), gr.skip()]

    def undo(
        self, visitor: Visitor, history: History | None, photo: Path | None, name: str, size: str,
        *values: Any,
    ) -> list[Any]:  # fmt: skip
        """Return the fields one change earlier, the history, the buttons, and a notice."""
        history = history or History()
        form = Filled(name, size, flags_of(self._components.settings, values))
        recorded = history.now in (None, form)
        return self._filled(history.undo(time.monotonic()) if recorded else history, photo)

    def redo(self, visitor: Visitor, history: History | None, photo: Path | None) -> list[Any]:
        """Return the fields with the latest undone change, and the rest as `undo` does."""
        return self._filled((history or History()).redo(time.monotonic()), photo)

    def _filled(self, history: History, photo: Path | None) -> list[Any]:
        form = history.now
        if form is None:
            return [gr.skip()] * (len(filled_fields(self._components)) + 4)
        fields = filled(self._state, self._components, form.recipe, form.settings, photo, form.size)
        return [*fields, history, *_buttons(history), ""]


def _buttons(history: History) -> list[Any]:
    """Return the updates of the buttons of undo and redo."""
    return [gr.update(interactive=bool(forms)) for forms in (history.past, history.future)]
