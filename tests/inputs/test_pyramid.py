import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.images.resize import scaled
from nst_tf.inputs.pyramid import plan_scales
from nst_tf.settings import Settings
from nst_tf.transfer.stopping import epoch_of, has_plateaued, push_loss

SHALLOW = {"content_layers": ("block1_conv1",), "style_layers": ("block1_conv1",)}


def test_one_scale_is_the_whole_run():
    (scale,) = plan_scales(Settings(), (384, 512), [(400, 512)])
    assert (scale.ratio, scale.size, scale.steps, scale.deadline) == (1, (384, 512), 1000, 1)
    assert scale.steps_before == scale.steps_after == 0


def test_scales_double_and_take_their_steps():
    settings = Settings(scales=3, epochs=2, steps_per_epoch=10, coarse_steps=1.5)
    plan = plan_scales(settings, (384, 512), [(512, 512)])
    assert [scale.size for scale in plan] == [(96, 128), (192, 256), (384, 512)]
    assert [scale.steps for scale in plan] == [45, 30, 20]
    assert [scale.steps_before for scale in plan] == [0, 45, 75]
    assert [scale.steps_after for scale in plan] == [50, 20, 0]
    work = [45, 30 * 4, 20 * 16]
    assert [scale.deadline for scale in plan] == pytest.approx(
        [work[0] / sum(work), (work[0] + work[1]) / sum(work), 1]
    )


@pytest.mark.parametrize(
    ("changes", "style", "sizes"),
    [
        ({"min_dim": 200}, (512, 512), [256, 512]),
        ({"min_dim": 600}, (512, 512), [512]),
        ({"min_dim": 1}, (512, 512), [32, 64, 128, 256, 512]),  # block5 needs 16 rows of 24
        ({"min_dim": 1}, (100, 512), [128, 256, 512]),  # and 16 of the style's 25
        ({"min_dim": 1, **SHALLOW}, (512, 512), [2, 4, 8, 16, 32, 64, 128, 256, 512]),
        ({"scale_factor": 8}, (512, 512), [64, 512]),
    ],
)
def test_scales_that_are_too_small_are_left_out(changes, style, sizes):
    settings = dataclasses.replace(Settings(scales=9), **changes)
    plan = plan_scales(settings, (384, 512), [style])
    assert [scale.size[1] for scale in plan] == sizes


@given(
    st.integers(16, 3000), st.integers(16, 3000), st.integers(1, 12), st.floats(1.1, 8),
    st.floats(0.2, 3), st.integers(1, 200),
)  # fmt: skip
def test_plans_grow_to_the_full_size(height, width, scales, factor, coarse_steps, steps):
    settings = Settings(
        scales=scales, scale_factor=factor, coarse_steps=coarse_steps, epochs=1,
        steps_per_epoch=steps,
    )  # fmt: skip
    plan = plan_scales(settings, (height, width), [(height, width)])
    assert 1 <= len(plan) <= scales
    assert [scale.number for scale in plan] == list(range(1, len(plan) + 1))
    assert plan[-1].size == (height, width)
    assert plan[-1].steps == steps
    assert plan[-1].deadline == pytest.approx(1)
    ratios, deadlines = [s.ratio for s in plan], [s.deadline for s in plan]
    assert ratios == sorted(ratios)
    assert deadlines == sorted(deadlines)
    total = sum(scale.steps for scale in plan)
    for scale in plan:
        assert scale.size == scaled((height, width), scale.ratio)
        assert scale.steps >= 1
        assert scale.steps_before + scale.steps + scale.steps_after == total
        assert scale is plan[-1] or (min(scale.size) >= 16 and max(scale.size) >= 64)


def ended_at(losses, min_gain):
    window = ()
    for step, loss in enumerate(losses, start=1):
        window = push_loss(window, loss)
        if has_plateaued(window, min_gain):
            return step
    return None


def test_the_gain_rule_ends_where_ten_steps_gain_too_little():
    losses = [1 / step for step in range(1, 200)]
    gains = {t: 1 - sum(losses[t - 10 : t]) / sum(losses[t - 20 : t - 10]) for t in range(20, 199)}
    expected = next(t for t, gain in gains.items() if gain < 0.1)
    assert ended_at(losses, 0.1) == expected
    assert ended_at(losses, 0.08) > expected > 20


def test_the_gain_rule_waits_for_twenty_steps_and_passes_a_rising_start():
    assert ended_at([1.0] * 40, 0.01) == 20
    rising = [100.0, 400, 900, 700, 500, 300, 200, 150, 120, 110]
    assert ended_at([*rising, *(100 * 0.9**step for step in range(60))], 0.1) is None


def test_without_a_least_gain_nothing_ends():
    assert ended_at([1.0] * 100, 0) is None


@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_the_losses_watched_are_the_last_twenty(losses):
    window = ()
    for loss in losses:
        window = push_loss(window, loss)
    assert list(window) == losses[-20:]


def test_epochs_divide_the_steps_of_all_scales():
    settings = Settings(epochs=3, steps_per_epoch=4, scales=2, coarse_steps=0.5)
    plan = plan_scales(settings, (384, 512), [(512, 512)])
    total = sum(scale.steps for scale in plan)
    assert total == 6 + 12
    epochs = [
        epoch_of(settings, scale, total, step, 1e9) for scale in plan for step in range(scale.steps)
    ]
    assert epochs == [0] * 6 + [1] * 6 + [2] * 6


def test_epochs_hurry_as_limited_time_runs_out():
    settings = Settings(epochs=4, steps_per_epoch=10, time_limit=80)
    (scale,) = plan_scales(settings, (384, 512), [(512, 512)])

    def epoch(step, spent):
        return epoch_of(settings, scale, 40, step, spent)

    assert [epoch(0, spent) for spent in (0, 19.9, 20, 59, 60, 1000)] == [0, 0, 1, 2, 3, 3]
    assert [epoch(25, spent) for spent in (0, 20, 60)] == [2, 2, 3]
