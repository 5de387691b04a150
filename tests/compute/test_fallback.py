import dataclasses
import gc
import warnings
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.compute.budget import GIB
from nst_tf.compute.cache import StatisticsCache
from nst_tf.compute.convolutions import winograd_convolution
from nst_tf.compute.evaluate import compiled, tiled_objective, whole_objective
from nst_tf.compute.fallback import with_less_memory
from nst_tf.compute.plan import Plan
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.registry import make_terms
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.scales import load_model
from nst_tf.transfer.step import Stepper

SHALLOW = Settings(
    content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"], epochs=1,
    steps_per_epoch=4, max_dim=0, style_scale=0,
)  # fmt: skip
WHOLE = Plan(0, 20, True, "float32", GIB, 1100)

# Made when they are raised: a traceback would keep what failed alive.
ERRORS = {
    "tensorflow": lambda: tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"),
    "numpy": lambda: MemoryError("Unable to allocate 7.45 GiB for an array"),
    "cudnn": lambda: tf.errors.NotFoundError(None, None, "No algorithm worked!"),
    "workspace": lambda: tf.errors.InternalError(None, None, "CUDNN_STATUS_ALLOC_FAILED"),
    "cuda": lambda: tf.errors.UnknownError(None, None, "CUDA_ERROR: out of memory"),
}


@pytest.fixture(autouse=True, scope="module")
def collected():
    """Close what other modules have left open, whose warnings would come between ours."""
    gc.collect()


every_error = pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)


def needs_blocks_of(largest, error, tried):
    """Return an action that lacks memory for larger blocks."""

    def action(plan):
        tried.append(plan)
        if not 0 < plan.block_size <= largest:
            raise error()
        return plan.block_size

    return action


@every_error
def test_smaller_blocks_are_tried_until_memory_suffices(error):
    tried = []
    with pytest.warns(UserWarning, match="out of memory: continuing with") as warned:
        result, used = with_less_memory(needs_blocks_of(512, error, tried), WHOLE)
    assert [str(warning.message).rpartition("with ")[2] for warning in warned] == [
        "1024-pixel tiles", "768-pixel tiles", "512-pixel tiles",
    ]  # fmt: skip
    assert [plan.block_size for plan in tried] == [0, 1024, 768, 512]
    assert [plan.lbfgs_memory for plan in tried] == [20, 3, 3, 3]
    assert [plan.winograd for plan in tried] == [True, False, False, False]
    assert (result, used) == (512, tried[-1])
    assert with_less_memory(needs_blocks_of(512, error, []), used) == (512, used)


@every_error
def test_after_the_smallest_blocks_memory_has_run_out(error):
    with (
        pytest.warns(UserWarning, match="128-pixel tiles"),
        pytest.raises(MemoryError, match="out of memory, even with the smallest tiles") as caught,
    ):
        with_less_memory(needs_blocks_of(0, error, []), WHOLE._replace(block_size=192))
    assert str(caught.value.__cause__) == str(error())


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.NotFoundError(None, None, "weights.npz; No such file or directory"),
        tf.errors.InternalError(None, None, "cuBLAS has no handle"),
        ValueError("out of memory"),
        FloatingPointError({}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_pass(error):
    tried = []
    with pytest.raises(type(error)) as caught:
        with_less_memory(needs_blocks_of(512, lambda: error, tried), WHOLE)
    assert caught.value is error
    assert tried == [WHOLE]


def objectives():
    """Return how many objectives are compiled."""
    return whole_objective.cache_info().currsize + tiled_objective.cache_info().currsize


def test_what_failed_is_gone_before_less_is_tried():
    network = load_model(SHALLOW)
    (layer,) = (layer for layer in network.layers if layer.name == "block2_conv1")
    failed, alive = [], []

    def action(plan):
        alive.append([known() is not None for known in failed])
        assert objectives() == winograd_convolution.cache_info().currsize == 0
        evaluator = compiled(network, make_terms(SHALLOW), (1, 24, 24, 3), False, plan.block_size)
        kernel = winograd_convolution(layer)
        assert objectives() == winograd_convolution.cache_info().currsize == 1
        failed.extend(map(weakref.ref, (evaluator, kernel)))
        if plan.block_size != 768:
            raise MemoryError

    whole_objective.cache_clear()
    tiled_objective.cache_clear()
    winograd_convolution.cache_clear()
    with pytest.warns(UserWarning, match="out of memory"):
        with_less_memory(action, WHOLE)
    assert alive == [[], [False] * 2, [False] * 4]


class FailingOnce(StyleTransfer):
    """A run of which one evaluation lacks memory.

    Args:
        pictures: photo and painting.
        settings: of the run.
        error: makes the error.
        at: number of the evaluation.
        after: whether it fails after its work is done.

    Attributes:
        failed: weak references to the evaluators that have failed.
    """

    def __init__(self, pictures, settings, error, at, after=False):
        super().__init__(prepare_inputs(*pictures, settings))
        self.error, self.at, self.after = error, at, after
        self.evaluations, self.failed = 0, []

    def stepper(self, targets):
        return FailingStepper(self.network, self.terms, targets, self.settings, self)


@dataclasses.dataclass(frozen=True, eq=False)
class FailingStepper(Stepper):
    """The steps of such a run."""

    run: FailingOnce

    def evaluator(self, shape, plan):
        evaluator, run = super().evaluator(shape, plan), self.run
        if run.failed:
            return evaluator

        def evaluate(*inputs):
            run.evaluations += 1
            if run.evaluations == run.at:
                if run.after:
                    evaluator.evaluate(*inputs)
                run.failed.append(weakref.ref(evaluator))
                raise run.error()
            return evaluator.evaluate(*inputs)

        return SimpleNamespace(evaluate=evaluate)


@pytest.mark.parametrize(
    ("optimizer", "error"), [("adam", name) for name in ERRORS] + [("lbfgs", "numpy")]
)
def test_a_run_out_of_memory_ends_where_an_undisturbed_one_does(pixels, optimizer, error):
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer, lbfgs_memory=7)
    pictures = pixels(120, 136, 0), pixels(40, 40, 1)
    expected, compared = stylize(*pictures, settings), []
    run = FailingOnce(pictures, settings, ERRORS[error], at=3 if optimizer == "adam" else 5)
    rows = []

    def watch(progress):
        rows.append(progress)
        if run.failed and not compared:
            gc.collect()
            compared.append(run.failed[0]())
            assert objectives() == tiled_objective.cache_info().currsize == 1

    with pytest.warns(UserWarning, match="with 128-pixel tiles"):
        image = run.finish([watch])
    assert compared == [None]
    assert [row.step for row in rows] == [1, 2, 3, 4]
    plans = [row.state.plan for row in rows]
    blocks = [plan.block_size for plan in plans]
    assert sorted(blocks) == blocks
    assert blocks.count(0) + blocks.count(128) == 4
    assert blocks.count(128) == 2 if optimizer == "adam" else blocks[0] == 0 < blocks[-1]
    assert [plan.lbfgs_memory for plan in plans] == [3 if size else 7 for size in blocks]
    assert [row.state.smallest for row in rows] == blocks
    # L-BFGS goes on with its pairs: the curvature is the same by blocks.
    assert np.linalg.norm(image - expected) <= 1e-3 * np.linalg.norm(expected)


class Same(Plan):
    """A plan that leaves nothing smaller to try, but itself once more."""

    def smaller(self):
        return self


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_update_that_memory_interrupts_counts_once(pixels, optimizer):
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer)
    pictures, images, again = (pixels(24, 32, 0), pixels(40, 40, 1)), [], []
    stylize(*pictures, settings, callbacks=[lambda p: images.append(p.image())])
    run = FailingOnce(pictures, settings, ERRORS["tensorflow"], at=3, after=True)
    # The same plan again, so that nothing but the interruption makes a difference.
    run.plans = [Same(*plan) for plan in run.plans]
    with pytest.warns(UserWarning, match="out of memory"):
        run.finish([lambda p: again.append(p.image())])
    assert run.failed
    np.testing.assert_array_equal(again, images)


class ShortOfMemory(StatisticsCache):
    """A cache that lacks memory for the first targets, and notes the sizes of all photos."""

    def __init__(self):
        super().__init__(0)
        self.sizes = []

    def remembering(self, summarize, kind):
        def noted(image, layers, function, *, name=None, **named):
            if name is None and image.shape[1] != image.shape[2]:  # paintings are squares
                self.sizes.append(tuple(image.shape[1:3]))
                if len(self.sizes) == 1:
                    raise ERRORS["numpy"]()
            return summarize(image, layers, function, name=name, **named)

        return noted


def test_blocks_that_the_targets_need_are_kept_at_finer_scales(pixels):
    settings = dataclasses.replace(SHALLOW, scales=2, min_dim=16, steps_per_epoch=1)
    cache, states = ShortOfMemory(), []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inputs = prepare_inputs(pixels(240, 280), pixels(60, 60, 1), settings)
        run = StyleTransfer(inputs, cache=cache)
        run.finish([lambda progress: states.append(progress.state)])
    assert cache.sizes == [(120, 140), (120, 140), (240, 280)]
    assert [state.plan.block_size for state in states] == [128, 128]
    assert len(caught) == 1
