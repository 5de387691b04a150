"""The estimated time left, compared with recorded runs."""

import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest

from nst_tf.callbacks.pace import Pace
from nst_tf.compute.machine import Machine
from nst_tf.compute.plan import plan_memory
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.recipes import resolve_settings
from nst_tf.transfer.report import run_parts
from nst_tf.transfer.strokes import levels_of
from tests.conftest import ROOT

RUNS = json.loads((ROOT / "tests" / "data" / "steps.json").read_text())["runs"]
SIZES = ((427, 640), (445, 661))  # of the recorded pictures, photo and painting
MACHINE = Machine(onednn=True)  # that recorded them
SHARE = 0.25  # of the time left, by which an estimate may be wrong
FLOOR = 2.0  # seconds


@functools.cache
def pictures():
    """Return noise in the sizes of the recorded pictures, which the times depend on."""
    random = np.random.default_rng(0)
    return [random.random((1, *size, 3), dtype=np.float32) for size in SIZES]


def replayed(run):
    """Yield what an estimate reads of each step of a recorded run."""
    settings = resolve_settings(run["recipe"], run["changes"] | {"keep_faces": False})
    fitted = prepare_inputs(*pictures(), settings)
    plans = plan_memory(settings, fitted.scales, fitted.style_sizes, budget=2**34, machine=MACHINE)
    parts = run_parts(fitted, levels_of(fitted), plans, MACHINE)
    places = [
        (number, step) for number, part in enumerate(parts, 1) for step in range(1, part.steps + 1)
    ]
    for step, (seconds, place) in enumerate(zip(run["seconds"], places, strict=True), 1):
        number, scale_step = place
        yield SimpleNamespace(
            step=step, scale=SimpleNamespace(number=number), scale_step=scale_step,
            seconds=seconds, parts=parts,
        )  # fmt: skip


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["recipe"])
def test_the_time_left_is_right_within_a_quarter_from_the_tenth_step_on(run):
    pace = Pace()
    for progress in replayed(run):
        pace(progress)
        left = run["seconds"][-1] - progress.seconds
        if progress.step >= 10:
            assert abs(pace.left - left) <= max(FLOOR, SHARE * left), (progress.step, left)
