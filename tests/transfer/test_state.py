"""A run as a sequence of states: snapshots, and going on from any of them."""

import dataclasses
import itertools
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.extending.fields import setting
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.registry import FACTORIES
from nst_tf.losses.term import Statistics, Target, Term
from nst_tf.transfer.measure import measure
from nst_tf.transfer.run import StyleTransfer

FAST = Settings(
    epochs=2,
    steps_per_epoch=2,
    content_layers=["block2_conv1"],
    style_layers=["block1_conv1", "block2_conv1"],
    style_scale=0,
)
RELATIVE = {
    "loss": "relative", "content_weight": 0.4, "style_weight": 1, "total_variation_weight": 0.1,
}  # fmt: skip


def transfer(pixels, **changes):
    settings = dataclasses.replace(FAST, **changes)
    return StyleTransfer(prepare_inputs(pixels(24, 28), pixels(20, 26, seed=1), settings))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adam"},
        {"optimizer": "lbfgs"},
        {"optimizer": "adam", "averaging": 0.7, "scales": 2, "min_dim": 8},
        {"optimizer": "lbfgs", "scales": 2, "min_dim": 8},
    ],
)
def test_an_image_is_that_of_its_step_whenever_it_is_asked_for(pixels, changes):
    seen, copies = [], []
    settings = dataclasses.replace(FAST, init="noise", **changes)
    stylize(
        pixels(24, 28), pixels(20, 26, seed=1), settings,
        callbacks=[seen.append, lambda progress: copies.append(progress.image().copy())],
    )  # fmt: skip
    late = [progress.image() for progress in seen]
    assert len(late) >= 4
    for image, copy in zip(late, copies, strict=True):
        np.testing.assert_array_equal(image, copy)
    for one, other in itertools.pairwise(late):
        assert one.shape != other.shape or np.abs(one - other).max() > 1e-4


def tensors(state):
    return tf.nest.flatten(
        [
            state.image,
            state.start,
            state.optimizer,
            state.average,
            state.window,
            state.evaluations,
            state.watch,
        ]
    )


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    "changes",
    [
        {"scales": 2, "min_dim": 8, **RELATIVE},
        {"averaging": 0.7, "init": "noise"},
        {"block_size": 16, "scales": 2, "min_dim": 8, "steps_per_epoch": 1},
        {"style_weight": (1e-3, 1), "total_variation_weight": (1, 100), "scales": 2, "min_dim": 8},
        {"epochs": 1, "steps_per_epoch": 60, "min_gain": 0.3, "scales": 2, "min_dim": 8},
    ],
    ids=["scales", "averaging", "blocks", "ramps", "min_gain"],
)
def test_a_run_goes_on_from_any_state_bit_for_bit(pixels, optimizer, changes):
    changes = {"optimizer": optimizer, **changes}
    whole = list(transfer(pixels, **changes).steps())
    numbers = [progress.step for progress in whole]
    assert numbers == list(range(1, len(whole) + 1))
    # All states of a short run; of a long one those about the end of a scale, and the last.
    ends = [n for n, p in enumerate(whole[1:]) if p.scale_step == 1]
    chosen = range(len(whole)) if len(whole) < 20 else {n + k for n in ends for k in (-1, 0, 1)}
    for number in [*chosen, len(whole) - 1]:
        rest = list(transfer(pixels, **changes).steps(whole[number].state))
        assert [progress.step for progress in rest] == numbers[number + 1 :]
        for again, before in zip(rest, whole[number + 1 :], strict=True):
            assert again.losses == before.losses
            assert again.seconds > whole[number].seconds
            assert (again.scale, again.remaining) == (before.scale, before.remaining)
            for one, other in zip(tensors(again.state), tensors(before.state), strict=True):
                np.testing.assert_array_equal(one, other)
            np.testing.assert_array_equal(again.image(), before.image())


def test_a_run_that_is_stationary_or_out_of_time_does_not_go_on(pixels):
    flat = np.full((1, 24, 24, 3), 0.5, np.float32)
    run = StyleTransfer(
        prepare_inputs(flat, flat, dataclasses.replace(FAST, optimizer="lbfgs", epochs=1))
    )
    (progress,) = run.steps()
    assert progress.state.stationary
    assert list(run.steps(progress.state)) == []
    run = transfer(pixels, epochs=1, steps_per_epoch=1000, time_limit=1e3)
    late = dataclasses.replace(next(run.steps()).state, seconds=1e3)
    assert list(run.steps(late)) == []


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_states_stay_as_they_are(pixels, optimizer):
    states, copies = [], []
    for progress in transfer(pixels, optimizer=optimizer, averaging=0.5).steps():
        states.append(progress.state)
        copies.append([np.array(value) for value in tensors(progress.state)])
    for state, copy in zip(states, copies, strict=True):
        for value, before in zip(tensors(state), copy, strict=True):
            np.testing.assert_array_equal(value, before)


def test_a_new_objective_restarts_the_window_and_l_bfgs(pixels):
    ramps = {"style_weight": (1e-3, 1), "epochs": 2, "steps_per_epoch": 3, "optimizer": "lbfgs"}
    states = [progress.state for progress in transfer(pixels, **ramps).steps()]
    assert [state.epoch for state in states] == [0, 0, 0, 1, 1, 1]
    assert [len(state.window) for state in states] == [1, 2, 3, 1, 2, 3]
    assert [len(state.optimizer.moves) for state in states] == [1, 2, 3, 1, 2, 3]
    plain = transfer(pixels, **{**ramps, "style_weight": 1e-3}).steps()
    assert [len(progress.state.window) for progress in plain] == [1, 2, 3, 4, 5, 6]


def is_tf32():
    """Return the position of TensorFlow's switch for TF32."""
    return tf.config.experimental.tensor_float_32_execution_enabled()


@dataclasses.dataclass(frozen=True)
class WatchedSettings(Settings):
    """Settings with that of the term `Watch`."""

    watch_weight: float = setting(1.0, "Loss", "weight of the watch", low=0)


@dataclasses.dataclass(frozen=True)
class Watch(Term):
    """A loss of 0 that notes TensorFlow's switch for TF32 at every evaluation and target."""

    layers: tuple[str, ...] = ()

    name = "watch"
    seen: ClassVar[list[bool]] = []

    def target(self, sources):
        self.look()
        return Target((), {"watch": 1.0})

    def look(self):
        self.seen.append(is_tf32())
        return np.float32(0)

    def statistics(self, features, values, window):
        # Not only when the graph is traced, but whenever it is computed.
        return Statistics({"watch": tf.reshape(tf.numpy_function(self.look, [], tf.float32), [])})

    def losses(self, statistics, values):
        return statistics.sums


@pytest.fixture
def seen():
    """Return what `Watch` has noted."""

    def make(settings):
        return Watch() if isinstance(settings, WatchedSettings) else None

    Watch.seen.clear()
    FACTORIES.append(make)
    yield Watch.seen
    FACTORIES.remove(make)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("allowed", [False, True])
def test_every_run_sets_tf32_as_its_settings_say(pixels, seen, optimizer, allowed):
    settings = WatchedSettings(
        optimizer=optimizer, tf32=allowed, epochs=1, steps_per_epoch=2, style_scale=0,
        content_layers=FAST.content_layers, style_layers=FAST.style_layers,
    )  # fmt: skip
    overflowing = dataclasses.replace(settings, style_weight=1e38)
    pictures, between = (pixels(24, 28), pixels(20, 26, seed=1)), []
    switched = is_tf32()

    def overflow():
        with pytest.raises(ArithmeticError):
            stylize(*pictures, overflowing)

    try:
        for act in (
            lambda: stylize(*pictures, settings, callbacks=[lambda _: between.append(is_tf32())]),
            overflow,
            lambda: next(StyleTransfer(prepare_inputs(*pictures, settings)).steps()),
            StyleTransfer(prepare_inputs(*pictures, settings)).prepare,
            lambda: measure(pictures[0], *pictures, settings),
        ):
            tf.config.experimental.enable_tensor_float_32_execution(not allowed)
            before = len(seen)
            act()
            assert len(seen) > before
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(switched)
    assert between == [allowed] * 2
    assert set(seen) == {allowed}


def test_without_a_gpu_runs_of_both_kinds_alternate(pixels):
    one, other = (transfer(pixels, tf32=allowed).steps() for allowed in (False, True))
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours.image(), theirs.image())
