import dataclasses
import gc
import warnings
import weakref

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.compute import plan
from nst_tf.compute.budget import GIB
from nst_tf.compute.convolutions import transformed_kernel
from nst_tf.compute.evaluate import compiled
from nst_tf.compute.fallback import with_less_memory
from nst_tf.compute.plan import Plan
from nst_tf.losses.registry import make_terms
from nst_tf.transfer import scales, step
from nst_tf.transfer.scales import load_model

SHALLOW = Settings(
    content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"], epochs=1,
    steps_per_epoch=4,
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


def test_what_failed_is_gone_before_less_is_tried():
    network = load_model(SHALLOW)
    (layer,) = (layer for layer in network.layers if layer.name == "block2_conv1")
    failed, alive = [], []

    def action(plan):
        alive.append([known() is not None for known in failed])
        assert compiled.cache_info().currsize == transformed_kernel.cache_info().currsize == 0
        evaluator = compiled(network, make_terms(SHALLOW), (1, 24, 24, 3), False, plan.block_size)
        kernel = transformed_kernel(layer)
        assert compiled.cache_info().currsize == transformed_kernel.cache_info().currsize == 1
        failed.extend(map(weakref.ref, (evaluator, evaluator.evaluate, kernel)))
        if plan.block_size != 768:
            raise MemoryError

    compiled.cache_clear()
    transformed_kernel.cache_clear()
    with pytest.warns(UserWarning, match="out of memory"):
        with_less_memory(action, WHOLE)
    assert alive == [[], [False] * 3, [False] * 6]


def fail_once(monkeypatch, error, at, after=False):
    """Make the whole picture's evaluation of a number fail, before or after its work is done.

    Return a list to which weak references to the evaluators that have failed are added.
    """
    failed, calls = [], []

    def broken(*arguments):
        evaluator = compiled(*arguments)
        if failed:
            return evaluator

        def fail(function):
            def call(*inputs):
                calls.append(1)
                if len(calls) == at:
                    if after:
                        function(*inputs)
                    failed.append(weakref.ref(evaluator))
                    raise error()
                return function(*inputs)

            return call

        class Broken:
            evaluate = staticmethod(fail(evaluator.evaluate))

        return Broken()

    monkeypatch.setattr(step, "compiled", broken)
    return failed


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(plan, "TILE_SIZES", (32, 16))


@pytest.mark.parametrize(
    ("optimizer", "error"), [("adam", name) for name in ERRORS] + [("lbfgs", "numpy")]
)
def test_a_run_out_of_memory_ends_where_an_undisturbed_one_does(
    pixels, monkeypatch, small_blocks, optimizer, error
):
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer, lbfgs_memory=7)
    content, style = pixels(60, 70, 0), pixels(40, 40, 1)
    expected, compared = stylize(content, style, settings), []
    failed, rows = fail_once(monkeypatch, ERRORS[error], at=3 if optimizer == "adam" else 5), []

    def watch(progress):
        rows.append(progress)
        if failed and not compared:
            gc.collect()
            compared.append(failed[0]())
            assert compiled.cache_info().currsize == 1  # that of the blocks

    with pytest.warns(UserWarning, match="with 32-pixel tiles"):
        image = stylize(content, style, settings, callbacks=[watch])
    assert compared == [None]
    assert [row.step for row in rows] == [1, 2, 3, 4]
    plans = [row.state.plan for row in rows]
    blocks = [plan.block_size for plan in plans]
    assert sorted(blocks) == blocks
    assert blocks.count(0) + blocks.count(32) == 4
    assert blocks.count(32) == 2 if optimizer == "adam" else blocks[0] == 0 < blocks[-1]
    assert [plan.lbfgs_memory for plan in plans] == [3 if size else 7 for size in blocks]
    assert [row.state.smallest for row in rows] == blocks
    # L-BFGS goes on with its pairs: the curvature is the same by blocks.
    assert np.linalg.norm(image - expected) <= 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_update_that_memory_interrupts_counts_once(pixels, monkeypatch, optimizer):
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer)
    content, style = pixels(24, 32, 0), pixels(40, 40, 1)
    images = []
    stylize(content, style, settings, callbacks=[lambda p: images.append(p.image())])
    # The same plan again, so that nothing but the interruption makes a difference.
    monkeypatch.setattr(Plan, "smaller", lambda plan: plan)
    failed, again = fail_once(monkeypatch, ERRORS["tensorflow"], at=3, after=True), []
    with pytest.warns(UserWarning, match="out of memory"):
        stylize(content, style, settings, callbacks=[lambda p: again.append(p.image())])
    assert failed
    np.testing.assert_array_equal(again, images)


def test_blocks_that_the_targets_need_are_kept_at_finer_scales(pixels, monkeypatch, small_blocks):
    settings = dataclasses.replace(SHALLOW, scales=2, min_dim=16, steps_per_epoch=1)
    make_targets, sizes = scales.make_targets, []

    def broken(terms, settings, photo, *rest):
        sizes.append(photo.shape[1:3])
        if len(sizes) == 1:
            raise ERRORS["numpy"]()
        return make_targets(terms, settings, photo, *rest)

    monkeypatch.setattr(scales, "make_targets", broken)
    states = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stylize(
            pixels(60, 70), pixels(60, 60, 1), settings,
            callbacks=[lambda progress: states.append(progress.state)],
        )  # fmt: skip
    assert sizes == [(30, 35), (30, 35), (60, 70)]
    assert [state.plan.block_size for state in states] == [32, 32]
    assert len(caught) == 1
