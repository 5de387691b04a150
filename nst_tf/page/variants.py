"""Variants of a finished picture: the same order with other settings."""

import dataclasses
from collections.abc import Mapping, Sequence

from nst_tf.page.runs import Run
from nst_tf.page.state import AppState
from nst_tf.page.visitor import Visitor
from nst_tf.page.worker import kept_name
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError

STRENGTH_STEP = 0.25  # of the strength, or of 1 if it is less
DETAIL_FACTOR = 1.4
STROKES_STEP = 0.25  # of `repaint_detail`

NO_PICTURE = "only a finished picture has variants: wait for it"


def vary(
    state: AppState,
    visitor: Visitor,
    run: Run,
    strokes: Sequence[Mapping[str, str]],
    others: Sequence[Mapping[str, str]] = (),
) -> list[Run]:
    """Add variants of a run to the queue, and return their runs.

    Args:
        state: the shared state.
        visitor: the visitor.
        run: a run that has ended.
        strokes: texts of the flags that differ in each variant that starts from the network's
            picture, which the run has kept, by the names of settings.
        others: the same of variants that need the network; their files have other names.

    Raises:
        UserError: a value is not valid, or too many runs wait.
    """
    changes = (*strokes, *others)
    orders = [
        dataclasses.replace(run.order, settings={**run.order.settings, **change})
        for change in changes
    ]
    files = run.inputs
    if run.kept:
        files |= {kept_name(order.output): run.kept for order in orders[: len(strokes)]}
    return state.order(visitor, orders, files)


def more_like(state: AppState, visitor: Visitor, run: Run) -> None:
    """Order the neighbours of a run, as many as may wait, and show them beside its picture.

    Raises:
        UserError: the run has no picture yet, or too many runs wait.
    """
    if run.active or not run.picture:
        raise UserError(NO_PICTURE)
    settings = run.order.check(state.limits)
    # Strokes need seconds, so they come first. The refusal of one variant names the limit.
    room = max(1, state.limits.waiting - len(visitor.active))
    strokes = stroke_neighbours(settings)[:room] if run.kept else []
    others = neighbours(settings, run.kept is not None)[: room - len(strokes)]
    variants = vary(state, visitor, run, strokes, others)
    visitor.show([*(one for one in visitor.runs if one is run), *variants])


def neighbours(settings: Settings, kept: bool) -> list[dict[str, str]]:
    """Return changes to values a little lower and higher, which need the network.

    Args:
        settings: the settings of a run.
        kept: whether the run has kept the network's picture, whose file the seed does not name.
    """
    step = STRENGTH_STEP * max(settings.strength, 1)
    changes = _around("strength", settings.strength, (-step, step), (0, 10))
    if not settings.recolor:
        detail = settings.detail
        steps = (detail / DETAIL_FACTOR - detail, detail * DETAIL_FACTOR - detail)
        changes += _around("detail", detail, steps, (1 / 16, 16))
    if settings.init == "noise" and not kept:
        changes.append({"seed": str((settings.seed + 1) % 2**32)})
    return changes


def stroke_neighbours(settings: Settings) -> list[dict[str, str]]:
    """Return changes to bolder and closer brushstrokes, which do not need the network."""
    steps = (-STROKES_STEP, STROKES_STEP)
    return _around("repaint_detail", settings.repaint_detail, steps, (0, 1))


def _around(
    name: str, value: float, steps: Sequence[float], bounds: tuple[float, float]
) -> list[dict[str, str]]:
    """Return changes of a setting by steps within bounds, without those that change nothing."""
    values = [min(max(value + step, bounds[0]), bounds[1]) for step in steps]
    return [{name: f"{other:.3g}"} for other in values if f"{other:.3g}" != f"{value:.3g}"]
