"""Diverging runs: back to the best image once, at a reduced rate, and then the end."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import DivergedError, NonFiniteLossError, Settings
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.transfer.checkpoint import load_checkpoint, save_checkpoint
from nst_tf.transfer.divergence import PATIENCE, DivergenceMonitor, complaint, is_blank
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.step import Stepper

FAST = Settings(
    epochs=1,
    steps_per_epoch=60,
    content_layers=["block1_conv2"],
    style_layers=["block1_conv1"],
)


def transfer(pixels, kind=StyleTransfer, **changes):
    return kind(
        prepare_inputs(pixels(24, 28), pixels(20, 26, seed=1), dataclasses.replace(FAST, **changes))
    )


def after(losses, blanks=()):
    watch = DivergenceMonitor()
    for number, loss in enumerate(losses):
        watch = watch.seen(number, loss, number in blanks)
    return watch


def test_a_loss_is_astray_while_it_stays_tenfold_above_its_best():
    healthy = after([5.0, 2.0, 1.0, 1.5, 9.9])
    assert healthy == DivergenceMonitor(1.0, 2, 0, False)
    assert after([1.0] + [10.1] * 19) == DivergenceMonitor(1.0, 0, 19, False)
    assert not after([1.0] + [10.1] * 19 + [9.0] + [10.1] * 19).lost
    assert after([1.0] + [10.1] * PATIENCE).lost
    assert DivergenceMonitor(1.0, 2, 7, True).reset() == DivergenceMonitor(reduced_rate=True)


def test_a_picture_is_astray_while_it_is_blank_but_not_if_it_has_always_been():
    assert after([5.0, 4.0, 3.0, 2.0], {2, 3}) == DivergenceMonitor(4.0, 1, 2, False)
    assert after([5.0] * 30, range(30)) == DivergenceMonitor()
    assert math.isinf(DivergenceMonitor().best)


def test_blank_is_one_colour_not_grey(pixels):
    image = np.tile(np.float32([0.1, 0.5, 0.9]), (1, 9, 9, 1))
    assert is_blank(image)
    assert is_blank(image + 0.05 * pixels(9, 9))
    image[0, :, :5, 1] += 0.05
    assert not is_blank(image)


def test_the_weight_of_the_largest_term_is_named():
    losses = {"total": 9.0, "style": 6.0, "content": 2.0, "total_variation": 1.0}
    assert complaint(7, losses, False, True) == (
        "the loss stays tenfold above its best at step 7: lower style_weight or learning_rate"
    )
    assert complaint(7, losses, True, False) == (
        "the picture is blank at step 7: lower total_variation_weight"
    )


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_picture_that_becomes_blank_ends_with_the_best_one(pixels, optimizer, recwarn):
    def faint(*size, seed=0):
        return 0.45 + 0.1 * pixels(*size, seed=seed)

    run = transfer(
        faint, optimizer=optimizer, total_variation_weight=1e9, learning_rate=1e-3,
        steps_per_epoch=300,
    )  # fmt: skip
    steps = []
    with pytest.raises(DivergedError, match=r"the picture is blank at step \d+: lower total") as e:
        steps.extend(run.steps())
    (warning,) = [str(w.message) for w in recwarn if w.category is UserWarning]
    assert warning.startswith("the picture is blank at step ")
    assert warning.endswith(": continuing from the best image at a reduced rate")
    assert not is_blank(e.value.image)
    assert [p.step for p in steps] == list(range(1, len(steps) + 1))
    (back,) = [
        now for was, now in itertools.pairwise(steps)
        if now.state.watch.reduced_rate and not was.state.watch.reduced_rate
    ]  # fmt: skip
    assert not is_blank(back.image())
    np.testing.assert_array_equal(back.state.image, back.state.watch.image)


class Overflowing(StyleTransfer):
    """A run whose losses overflow before the steps in `bad`; `tried` has the steps so far.

    A step is its number, and whether its rate is reduced.
    """

    bad = frozenset({(4, False)})

    def stepper(self, targets):
        self.tried = []
        return OverflowingStepper(self.network, self.terms, targets, self.settings, self)


class OverflowingTwice(Overflowing):
    """A run whose losses overflow again at the reduced rate."""

    bad = frozenset({(4, False), (7, True)})


@dataclasses.dataclass(frozen=True, eq=False)
class OverflowingStepper(Stepper):
    """The steps of such a run."""

    run: Overflowing

    def step(self, state):
        self.run.tried.append((state.step + 1, state.watch.reduced_rate))
        if self.run.tried[-1] in self.run.bad:
            raise FloatingPointError({"total": math.inf, "style": math.inf, "content": 1.0})
        return super().step(state)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_overflow_goes_back_once(pixels, optimizer, tmp_path, recwarn):
    run = transfer(pixels, Overflowing, optimizer=optimizer, steps_per_epoch=8)
    steps = list(run.steps())
    assert [p.step for p in steps] == list(range(1, 9))
    assert run.tried[3:5] == [(4, False), (4, True)]
    assert [p.state.watch.reduced_rate for p in steps] == [False] * 3 + [True] * 5
    assert [str(w.message) for w in recwarn if w.category is UserWarning] == [
        "the loss is no longer finite at step 4: continuing from the best image at a reduced rate"
    ]
    best = min(p.losses["total"] for p in steps[:3])
    if optimizer == "lbfgs":  # which knows the loss of its newest image
        best = steps[2].state.optimizer.here.losses["total"]
    assert steps[3].losses["total"] == pytest.approx(best, rel=1e-5)
    path = tmp_path / "run.checkpoint"  # what has happened survives a kill
    save_checkpoint(path, steps[4].saved())
    rest = list(transfer(pixels, optimizer=optimizer, steps_per_epoch=8).steps(
        load_checkpoint(path).state
    ))  # fmt: skip
    np.testing.assert_array_equal(rest[-1].image(), steps[-1].image())
    assert tf.reduce_all(rest[-1].state.watch.image == steps[-1].state.watch.image)


@pytest.mark.filterwarnings("ignore:the loss is no longer finite at step 4")
def test_a_second_overflow_ends_the_run_with_the_best_image(pixels):
    run = transfer(pixels, OverflowingTwice)
    steps = []
    with pytest.raises(NonFiniteLossError, match="at step 7: lower style_weight") as caught:
        steps.extend(run.steps())
    np.testing.assert_array_equal(caught.value.image, steps[-1].state.watch.image)
    assert len(steps) == 6


def test_gentler_steps_are_a_tenth_as_long(pixels):
    run = transfer(pixels)
    first = next(run.steps())
    back = first.state.rolled_back()
    np.testing.assert_array_equal(back.image, first.state.start)
    again = next(run.steps(back))
    moved, gently = (np.abs(p.image() - back.image).max() for p in (first, again))
    assert gently == pytest.approx(moved / 10, rel=1e-2)
