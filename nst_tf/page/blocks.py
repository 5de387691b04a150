"""Gradio's blocks with the gate of `nst_tf.page.access` before their events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from nst_tf.page.access import Given, Kind, admit, current_visitor, guarded, picked, well_formed
from nst_tf.page.visitors import Visitor

# Nothing takes long here, since runs are painted elsewhere, so nothing needs Gradio's queue, which
# keeps every event. No event has a name: none of them is made for programs.
EVENT: dict[str, Any] = {
    "queue": False, "show_progress": "hidden", "api_visibility": "private", "api_name": "event",
}  # fmt: skip


class GuardedBlocks(gr.Blocks):
    """Blocks whose events get admitted values only, and whose files are handed out to visitors.

    Two of Gradio's methods are replaced. If a later Gradio called others instead, no event would
    be called, since none takes a value that is not a `Given`, and no file would be served.

    Attributes:
        kinds: what components may send, by their number.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kinds: dict[int, Kind] = {}

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Given]:
        """Return what a browser has sent, each value as its component's kind admits it."""
        return [
            Given(state[block._id])  # which no browser sends
            if block.stateful
            else admit(self.kinds.get(block._id), value)
            for block, value in zip(block_fn.inputs, inputs, strict=True)
        ]

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """Return what Gradio makes of an event's values, and hand out their files."""
        outputs = await super().postprocess_data(block_fn, predictions, state)
        visitor = current_visitor()
        for block, output in zip(block_fn.outputs, outputs, strict=True):
            if paths := file_paths(output):
                # What can be sent back may be in use on another screen of the visitor's.
                place = None if block._id in self.kinds else block._id
                visitor.show(paths, place)
        return outputs

    def is_call(self, body: Any) -> bool:
        """Return whether decoded JSON calls an event of these blocks."""
        events = [self.fns[index] for index in range(len(self.fns))]
        inputs = [len(event.inputs) for event in events]
        clicks = [any(name == "select" for _, name in event.targets) for event in events]
        return well_formed(body, inputs, clicks)

    def on(
        self,
        trigger: Callable[..., Any],
        event: Callable[..., Any],
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.components.Component],
        notice: gr.components.Component,
    ) -> Any:
        """Let an event follow a trigger.

        Args:
            trigger: a listener of a component, such as `button.click`.
            event: is called with the visitor and the values of the inputs; returns a value for each
                output, and `gr.skip()` for one that stays.
            inputs: components whose values it takes.
            outputs: components that it changes.
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
        """Let an event follow a click on one of several things.

        Args:
            trigger: the `select` of a component.
            event: is called with the visitor and the index of the thing.
            count: returns how many things there are for a visitor.
            outputs, notice: as for `on`.
        """

        def checked(visitor: Visitor, index: Any) -> Any:
            return event(visitor, picked(index, count(visitor)))

        call = guarded(checked, _refusal(outputs, notice))

        def select(click: gr.SelectData) -> Any:
            return call(Given(click.index))

        return trigger(select, None, [*outputs], **EVENT)


def file_paths(value: Any) -> list[str]:
    """Return the paths of all files in what Gradio sends to a browser."""
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
    from nst_tf.page.show import told

    def refuse(problem: str) -> Any:
        values = [told(problem) if output is notice else gr.skip() for output in outputs]
        return values if len(values) > 1 else values[0]

    return refuse
