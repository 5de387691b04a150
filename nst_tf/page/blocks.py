"""Gradio's blocks, with the gate of `nst_tf.page.access` before their events."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from nst_tf.page.access import (
    AdmittedValue,
    Kind,
    admit,
    current_visitor,
    guarded,
    valid_index,
    well_formed,
)
from nst_tf.page.runs import Run
from nst_tf.page.visitor import INVALID_VALUE, Visitor
from nst_tf.utils.errors import UserError

# Events are quick, since runs are painted in another process, so they bypass Gradio's queue, which
# stores every event. Events have no names, because they are not an interface for programs.
EVENT: dict[str, Any] = {
    "queue": False, "show_progress": "hidden", "api_visibility": "private", "api_name": "event",
}  # fmt: skip


class GuardedBlocks(gr.Blocks):
    """Blocks that pass only admitted values to events, and grant files to visitors.

    Two of Gradio's methods are overridden. If a later Gradio no longer calls them, events refuse
    to run, since they accept only an `AdmittedValue`, and no file is served.

    Attributes:
        kinds: the kind of values that each component may send, by the component's number.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kinds: dict[int, Kind] = {}

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[AdmittedValue]:
        """Return a browser's values in the form that the kinds of their components admit."""
        return [
            AdmittedValue(state[block._id])  # from the server, not from a browser
            if block.stateful
            else admit(self.kinds.get(block._id), value)
            for block, value in zip(block_fn.inputs, inputs, strict=True)
        ]

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """Return Gradio's output of an event, and grant the visitor the files in it."""
        outputs = await self._postprocessed(block_fn, predictions, state)
        visitor = current_visitor()
        for block, output in zip(block_fn.outputs, outputs, strict=True):
            if state and not block.stateful:
                # An update has replaced the component by one with another number, under which
                # Gradio would keep the next value, and the component, for as long as the session.
                state[block._id]._id = block._id
            if paths := file_paths(output):
                # An input's files may still be in use in another tab of the visitor.
                component = None if block._id in self.kinds else block._id
                visitor.show_files(paths, component)
        return outputs

    async def _postprocessed(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """Return Gradio's output; what an event skips is left out, for which Gradio would make a
        new component.
        """
        values = [predictions] if len(block_fn.outputs) == 1 else [*predictions]
        outputs: dict[int, Any] = {}
        changed = {}
        for place, (block, value) in enumerate(zip(block_fn.outputs, values, strict=True)):
            if isinstance(value, dict) and value == gr.skip():
                outputs[place] = None if block.stateful else value
            else:
                changed[place] = value
        if changed:
            part = copy.copy(block_fn)
            part.outputs = [block_fn.outputs[place] for place in changed]
            given = [*changed.values()]
            found = await super().postprocess_data(part, given if given[1:] else given[0], state)
            outputs |= zip(changed, found, strict=True)
        return [outputs[place] for place in range(len(values))]

    def is_call(self, body: Any) -> bool:
        """Return whether decoded JSON is a call of an event of these blocks."""
        events = [self.fns[index] for index in range(len(self.fns))]
        # An event without a function belongs to the browser: no list has as many values.
        inputs = [len(event.inputs) if event.fn else -1 for event in events]
        selects = [any(name == "select" for _, name in event.targets) for event in events]
        return well_formed(body, inputs, selects)

    def on(
        self,
        trigger: Callable[..., Any],
        event: Callable[..., Any],
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.components.Component],
        notice: gr.components.Component,
    ) -> Any:
        """Connect an event to a trigger.

        Args:
            trigger: a listener of a component, such as `button.click`.
            event: a function of the visitor and the values of the inputs, which returns a value
                for each output, and `gr.skip()` for an unchanged one.
            inputs: the components whose values the event uses.
            outputs: the components that the event changes.
            notice: the component that shows problems; one of the outputs.
        """
        call = guarded(event, _refusal(outputs, notice))
        return trigger(call, [*inputs], [*outputs], **EVENT)

    def on_select(
        self,
        trigger: Callable[..., Any],
        event: Callable[..., Any],
        count: Callable[[Visitor], int],
        outputs: Sequence[gr.components.Component],
        notice: gr.components.Component,
    ) -> Any:
        """Connect an event to a click on one of several items.

        Args:
            trigger: the `select` listener of a component.
            event: a function of the visitor and the index of the clicked item.
            count: returns the number of items that a visitor sees.
            outputs, notice: as in `on`.
        """

        def checked(visitor: Visitor, index: Any) -> Any:
            return event(visitor, valid_index(index, count(visitor)))

        call = guarded(checked, _refusal(outputs, notice))

        def select(click: gr.SelectData) -> Any:
            return call(AdmittedValue(click.index))

        return trigger(select, None, [*outputs], **EVENT)

    def on_act(
        self,
        trigger: Callable[..., Any],
        actions: Mapping[str, Callable[[Visitor, Run], Any]],
        outputs: Sequence[gr.components.Component],
        notice: gr.components.Component,
    ) -> Any:
        """Connect events to the buttons of the pictures on the screen.

        Args:
            trigger: the `select` listener of the screen, whose clicks have the name of a run as
                index and the name of an action as value.
            actions: functions of the visitor and one of its shown runs, by the action's name.
            outputs, notice: as in `on`.
        """

        def checked(visitor: Visitor, name: Any, action: Any) -> Any:
            act = actions.get(action) if isinstance(action, str) else None
            run = next((run for run in visitor.shown if run.name == name), None)
            if act is None or run is None:
                raise UserError(INVALID_VALUE)
            return act(visitor, run)

        call = guarded(checked, _refusal(outputs, notice))

        def select(click: gr.SelectData) -> Any:
            return call(AdmittedValue(click.index), AdmittedValue(click.value))

        return trigger(select, None, [*outputs], **EVENT)


def file_paths(value: Any) -> list[str]:
    """Return the paths of all files in data that Gradio sends to a browser."""
    if isinstance(value, Mapping):
        path = value.get("path")
        rest = [path] if isinstance(path, str) and "meta" in value else []
        return rest + file_paths([*value.values()])
    if isinstance(value, (list, tuple)):
        return [path for item in value for path in file_paths(item)]
    return []


def _refusal(
    outputs: Sequence[gr.components.Component], notice: gr.components.Component
) -> Callable[[str], Any]:
    from nst_tf.page.render import alert

    def refuse(problem: str) -> Any:
        values = [alert(problem) if output is notice else gr.skip() for output in outputs]
        return values if len(values) > 1 else values[0]

    return refuse
