"""The page's function for programs: two pictures in, one picture out."""

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr

from nst_tf.cli.help import PURPOSES
from nst_tf.page.access import (
    AdmittedValue,
    Choice,
    File,
    Number,
    acting_as,
    current_visitor,
)
from nst_tf.page.blocks import GuardedBlocks
from nst_tf.page.form import FIRST_RECIPE
from nst_tf.page.runs import Run
from nst_tf.page.state import AppState, OrderForm
from nst_tf.recipes import recipe as recipe_named
from nst_tf.utils.errors import UserError

PATH = "/api"
"""Where the function is served, below the page."""

INTERVAL = 0.2  # seconds between looks at a run


class ProgramBlocks(GuardedBlocks):
    """Blocks of one function, whose calls wait in Gradio's queue until their picture is painted."""

    async def process_api(self, *args: Any, **options: Any) -> Any:
        """Run the function for the visitor whose request has called it.

        Gradio's queue runs it in a task of its own, which does not know the visitor.
        """
        request = options["request"]
        visitor = getattr(request, "request", request).scope["nst_tf.visitor"]
        with acting_as(visitor):
            return await super().process_api(*args, **options)


def build_programs(state: AppState) -> ProgramBlocks:
    """Return the function `paint` as an application of its own."""
    with ProgramBlocks(title="nst_tf for programs", analytics_enabled=False) as blocks:
        usual = recipe_named(FIRST_RECIPE)
        inputs: dict[gr.components.Component, Any] = {
            gr.File(label="photo", file_types=["image"]): File(),
            gr.File(label="painting", file_types=["image"]): File(),
            gr.Dropdown([*PURPOSES], value=FIRST_RECIPE, label="recipe"): Choice(tuple(PURPOSES)),
            gr.Number(usual.strength, label="strength"): Number(0, 10),
            gr.Number(min(usual.max_dim, state.limits.side), label="size"): Number(1, 1e9),
        }
        blocks.kinds = {component._id: kind for component, kind in inputs.items()}
        picture = gr.File(label="picture")
        gr.Button("Paint").click(
            painter(state), [*inputs], [picture], api_name="paint", concurrency_limit=None
        )
    return blocks


def painter(state: AppState) -> Any:
    """Return the function that programs call."""

    async def paint(
        photo: AdmittedValue,
        painting: AdmittedValue,
        recipe: AdmittedValue,
        strength: AdmittedValue,
        size: AdmittedValue,
    ) -> str:
        """Paint a photo in the manner of a painting.

        Args:
            photo: the photo, a picture file.
            painting: the painting to imitate, a picture file.
            recipe: the settings to start from: painting is the one to start with, fast is quicker,
                and quality keeps more of the photo.
            strength: strength of the style: 0 returns the photo, 1 is the recipe, 2 is extreme.
            size: maximum long side of the picture, pixels.

        Returns:
            The picture, a PNG file.
        """
        values = (photo, painting, recipe, strength, size)
        if not all(isinstance(one, AdmittedValue) for one in values):
            raise TypeError("a value of a program has not passed nst_tf.page.access")
        try:
            for one in values:
                if one.problem:
                    raise UserError(one.problem)
            run = await asyncio.to_thread(_submit, state, *(one.value for one in values))
            return str(await _picture(run))
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except OSError:  # its message would name paths
            raise gr.Error("the server has no room for the files", print_exception=False) from None

    return paint


def _submit(
    state: AppState, photo: Path | None, painting: Path | None, recipe: str,
    strength: float | None, size: float | None,
) -> Run:  # fmt: skip
    """Add the run of a call to the queue of the page."""
    settings = {"strength": strength, "max_dim": size}
    texts = {name: f"{value:g}" for name, value in settings.items() if value is not None}
    form = OrderForm(photo, [painting] if painting else [], recipe, texts)
    (run,) = state.submit(current_visitor(), form)
    return run


async def _picture(run: Run) -> Path:
    """Return the picture of a run when it is finished; UserError if it ends without one."""
    while run.active:
        await asyncio.sleep(INTERVAL)
    if run.status != "finished" or run.picture is None:
        raise UserError(run.message)
    return run.picture
