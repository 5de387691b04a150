"""The page's blocks in a long session."""

import asyncio

import gradio as gr
from gradio.state_holder import SessionState

from nst_tf.page.access import acting_as
from nst_tf.page.blocks import GuardedBlocks
from nst_tf.page.visitors import Visitors


def test_a_long_session_holds_each_component_once(tmp_path):
    with GuardedBlocks() as blocks:
        parts = [gr.Code(), gr.HTML(), gr.Button()]
        button = gr.Button()
        blocks.on(button.click, lambda _: None, [], parts, parts[1])
    (event,) = blocks.fns.values()
    state = SessionState(blocks)
    held = [*state.blocks_config.blocks]

    async def answer():
        for number in range(5):
            await blocks.postprocess_data(event, [gr.skip()] * 3, state)
            changes = ["text", f"<p>{number}</p>", gr.update(interactive=bool(number % 2))]
            await blocks.postprocess_data(event, changes, state)

    with acting_as(Visitors(tmp_path).session_for(None)):
        asyncio.run(answer())
    assert [*state.blocks_config.blocks] == [*state.config_values] == held
    assert state.config_values[parts[1]._id]["props"]["value"] == "<p>4</p>"
    assert state.config_values[parts[2]._id]["props"]["interactive"] is False


def test_what_an_event_skips_is_left_between_what_it_changes(tmp_path):
    """Return updates, values and skips in several orders; Gradio empties updates as it reads."""
    with GuardedBlocks() as blocks:
        parts = [gr.Textbox(), gr.State("kept"), gr.Textbox(), gr.State(), gr.Textbox()]
        button = gr.Button()
        blocks.on(button.click, lambda _: None, [], parts, parts[2])
        blocks.on(button.click, lambda _: None, [], parts[:1], parts[0])
    every, one = blocks.fns.values()
    state = SessionState(blocks)

    def answer(event, values):
        return asyncio.run(blocks.postprocess_data(event, values, state))

    skipped, text = gr.skip(), {"__type__": "update", "value": "a"}
    with acting_as(Visitors(tmp_path).session_for(None)):
        found = answer(every, [gr.update(value="a"), gr.skip(), gr.skip(), 3, "b"])
        assert found == [text, None, skipped, None, "b"]
        found = answer(every, (gr.skip(), 4, gr.update(value="a"), gr.skip(), gr.skip()))
        assert found == [skipped, None, text, None, skipped]
        assert [state[part._id] for part in (parts[1], parts[3])] == [4, 3]
        assert answer(every, [gr.skip()] * 5) == [skipped, None, skipped, None, skipped]
        for value, expected in ((gr.skip(), skipped), ("c", "c"), (gr.update(value="a"), text)):
            assert answer(one, value) == [expected]
