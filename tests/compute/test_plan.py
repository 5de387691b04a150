import dataclasses

import numpy as np
import psutil
import pytest

from nst_tf import Settings, stylize
from nst_tf.compute.budget import (
    BASE,
    GIB,
    MIB,
    HostMemory,
    cgroup_free,
    describe_bytes,
    host_budget,
    host_memory,
    memory_budget,
)
from nst_tf.compute.estimate import (
    COMPOSED,
    NUMBA,
    PICTURES,
    PLANES,
    SCRATCH,
    STYLE_PICTURES,
    TILING,
    Workload,
    estimate,
    winograd_bytes,
)
from nst_tf.compute.machine import Machine, this_machine
from nst_tf.compute.plan import RETENTION, Plan, plan_memory
from nst_tf.compute.precision import feature_precision
from nst_tf.compute.tiles import make_stages
from nst_tf.images.resize import scaled
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.inputs.pyramid import plan_scales
from nst_tf.losses.registry import make_terms
from nst_tf.recipes import recipe
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.step import Stepper

LARGE = (2160, 3840)
SHALLOW = Settings(
    content_layers=["block1_conv2"], style_layers=["block1_conv1"], epochs=1, steps_per_epoch=2,
    max_dim=0, style_scale=0,
)  # fmt: skip


def workload(settings, size=LARGE, styles=((400, 600),), masks=0):
    """Return what `plan_memory` estimates at the finest scale."""
    precision = feature_precision(settings.precision, settings.convolution)
    terms = make_terms(settings)
    return Workload(terms, settings.layers, precision, size, styles, masks, this_machine())


def plan_for(size_in_bytes, size=LARGE, **changes):
    """Return the plan for a budget in bytes."""
    settings = Settings(memory_budget=f"{size_in_bytes / 1000}KB", **changes)
    scales = plan_scales(settings, size, [(400, 600)])
    return plan_memory(settings, scales, [(400, 600)])[-1]


def test_whole_pictures_come_before_short_memories_and_those_before_blocks():
    changes = {"optimizer": "lbfgs", "convolution": "direct"}

    def needed(block_size, pairs):
        return estimate(workload(Settings(**changes)), False, block_size, pairs)

    for most, block_size, pairs in (
        (needed(0, 20), 0, 20),
        (needed(0, 20) - 1, 0, 19),
        (needed(0, 3), 0, 3),
        (needed(1536, 20), 1536, 20),
        (needed(1536, 3) - 1, 1024, None),
        (needed(128, 3), 128, 3),
    ):
        chosen = plan_for(most, **changes)
        assert chosen.block_size == block_size
        assert chosen.lbfgs_memory == pairs or pairs is None
        assert chosen.peak == needed(chosen.block_size, chosen.lbfgs_memory) <= most
    with pytest.raises(ValueError, match=r"^3840x2160 pixels need about .* lower max_dim"):
        plan_for(needed(128, 3) - 1, **changes)


def test_winograd_goes_before_blocks_do_and_stays_if_it_is_asked_for():
    size = (1024, 1024)
    needed = [estimate(workload(Settings(), size), winograd, 0, 0) for winograd in (True, False)]
    between = sum(needed) // 2
    assert plan_for(between, size, convolution="winograd").block_size > 0
    chosen = plan_for(between, size)
    assert (chosen.block_size, chosen.winograd) == (0, False)


def test_blocks_that_are_asked_for_are_kept_or_refused():
    assert plan_for(10 * GIB, block_size=256).block_size == 256
    assert plan_for(10 * GIB, size=(200, 200), block_size=256).block_size == 256  # for the style
    assert plan_for(10 * GIB, size=(200, 200), block_size=700).block_size == 0
    with pytest.raises(ValueError, match="set block_size=auto, lower max_dim"):
        plan_for(5 * GIB, block_size=0)


def test_each_scale_has_a_plan_of_its_own():
    settings = Settings(memory_budget="4GiB", scales=3, convolution="direct")
    scales = plan_scales(settings, LARGE, [LARGE])
    plans = plan_memory(settings, scales, [LARGE], machine=Machine(onednn=False))
    assert plans[0].block_size == 0 < plans[-1].block_size


PAINTING = dataclasses.replace(recipe("painting"), max_dim=3840, precision="bfloat16")
STYLES = [(1080, 1280)]


def plans_within(gibibytes, machine):
    """Return the scales of `painting` at 3840x2160, their workloads and their plans."""
    settings = dataclasses.replace(PAINTING, memory_budget=f"{gibibytes}GiB")
    scales = plan_scales(settings, LARGE, STYLES)
    loads = [
        Workload(
            make_terms(settings), settings.layers, "bfloat16", scale.size,
            [scaled(size, scale.ratio) for size in STYLES], 0,
        )
        for scale in scales
    ]  # fmt: skip
    return scales, loads, plan_memory(settings, scales, STYLES, machine=machine)


@pytest.mark.parametrize("gibibytes", [4, 6, 12, 100])
def test_what_onednn_keeps_of_coarser_scales_counts(gibibytes):
    scales, loads, plans = plans_within(gibibytes, Machine(onednn=True))
    most = 0
    for scale, load, chosen in zip(scales, loads, plans, strict=True):
        pairs = min(chosen.lbfgs_memory, scale.steps)
        own = estimate(load, chosen.winograd, chosen.block_size, pairs)
        assert chosen.peak == pytest.approx(own + RETENTION * most, abs=1)
        assert chosen.peak <= gibibytes * GIB
        most = max(most, own - BASE - (TILING if chosen.block_size else 0))
    # Small scales hardly count and stay whole; where nothing is short, all do, with all pairs.
    assert [chosen.block_size for chosen in plans[:3]] == [0, 0, 0]
    assert (gibibytes < 100) == any(chosen.block_size for chosen in plans)
    assert (gibibytes < 100) == any(chosen.lbfgs_memory < 20 for chosen in plans)


@pytest.mark.parametrize("machine", [Machine(onednn=False), Machine(gpu=True, onednn=True)])
def test_without_onednn_no_scale_minds_the_others(machine):
    scales, loads, plans = plans_within(4, machine)
    for scale, load, chosen in zip(scales, loads, plans, strict=True):
        pairs = min(chosen.lbfgs_memory, scale.steps)
        own = estimate(load, chosen.winograd, chosen.block_size, pairs)
        assert chosen.peak == own <= 4 * GIB
    kept = plans_within(4, Machine(onednn=True))[2]
    assert sum(chosen.cost for chosen in plans) < sum(chosen.cost for chosen in kept)


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("factor", [1.1, 2.0])
def test_plans_keep_within_any_budget_and_more_memory_never_costs_time(factor, onednn):
    machine = Machine(onednn=onednn)
    settings = dataclasses.replace(PAINTING, optimizer="lbfgs", scale_factor=factor, scales=4)
    scales = plan_scales(settings, LARGE, STYLES)

    def seconds(plans):
        times = (scale.steps * scale.ratio**2 for scale in scales)
        return sum(time * chosen.cost for time, chosen in zip(times, plans, strict=True))

    earlier = float("inf")
    for size in (5 * GIB * 1.06**power for power in range(40)):
        plans = plan_memory(settings, scales, STYLES, budget=int(size), machine=machine)
        assert max(chosen.peak for chosen in plans) <= size
        assert seconds(plans) <= earlier
        earlier = seconds(plans)
    assert [chosen.block_size for chosen in plans] == [0] * 4
    assert {chosen.lbfgs_memory for chosen in plans} == {settings.lbfgs_memory}


def test_a_run_is_refused_whose_scales_fit_alone_but_not_together():
    scales, loads, _ = plans_within(100, Machine(onednn=True))
    alone = min(estimate(loads[-1], False, size, 3) for size in (128, 192, 256))
    settings = dataclasses.replace(PAINTING, memory_budget=f"{(alone + 40 * MIB) / 1000}KB")
    with pytest.raises(ValueError, match=r"^3840x2160 pixels need about .* lower max_dim"):
        plan_memory(settings, scales, STYLES, machine=Machine(onednn=True))
    plans = plan_memory(settings, scales, STYLES, machine=Machine(onednn=False))
    assert plans[-1].block_size <= 256


class Watched(StyleTransfer):
    """A run that notes the block size of each evaluation in `used`."""

    def stepper(self, targets):
        self.used = used = []

        class Watching(Stepper):
            def evaluator(self, shape, plan):
                used.append(plan.block_size)
                return super().evaluator(shape, plan)

        return Watching(self.network, self.terms, targets, self.settings)


def test_a_run_keeps_within_its_budget_by_blocks(smooth):
    content, style = smooth(140, 150, 0), smooth(640, 720, 1)  # the painting needs most
    load = workload(SHALLOW, (140, 150), [(640, 720)])
    needed = {size: estimate(load, False, size, 0) for size in (0, 192, 128)}
    assert needed[0] > needed[192] > needed[128] > 0
    run = Watched(prepare_inputs(content, style, SHALLOW), budget=needed[128])
    parts = run.finish()
    assert run.used == [128] * 2
    whole = stylize(content, style, SHALLOW)
    assert np.linalg.norm(parts - whole) <= 1e-3 * np.linalg.norm(whole)


def cgroup(folder, names, limit, used, cached, key):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, used), strict=True):
        (folder / name).write_text(f"{value}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{key} {cached}\nfile 2\n")


V1, V2 = ("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")


@pytest.mark.parametrize(
    ("lines", "folder", "names", "key"),
    [
        ("0::/jobs/one\n", "", V2, "inactive_file"),
        ("3:cpuset:/\n4:cpu,memory:/jobs/one\n0::/\n", "memory", V1, "total_inactive_file"),
    ],
)
def test_limits_of_control_groups_count_on_every_level(tmp_path, lines, folder, names, key):
    (tmp_path / "cgroup").write_text(lines)
    root = tmp_path / "fs"
    cgroup(root / folder / "jobs" / "one", names, "max" if names == V2 else 10**19, 70, 0, key)
    cgroup(root / folder / "jobs", names, 1000, 600, 250, key)
    found = list(cgroup_free(root, tmp_path / "cgroup"))
    assert min(found) == 1000 - 600 + 250
    assert len(found) == (1 if names == V2 else 2)
    (root / folder / "jobs" / "memory.stat").unlink()  # nothing is known to be cached
    assert min(cgroup_free(root, tmp_path / "cgroup")) == 1000 - 600


def test_in_a_container_the_own_group_is_at_the_root(tmp_path):
    (tmp_path / "cgroup").write_text("0::/host/path/that/is/not/mounted\n")
    cgroup(tmp_path / "fs", V2, 500, 100, 0, "inactive_file")
    assert list(cgroup_free(tmp_path / "fs", tmp_path / "cgroup")) == [400]


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert list(cgroup_free(tmp_path, tmp_path / "cgroup")) == []


def test_a_large_style_counts():
    loads = [workload(Settings(), (400, 400), [(side, side)]) for side in (100, 1000, 4000)]
    for block_size in (0, 256):
        peaks = [estimate(load, False, block_size, 0) for load in loads]
        assert peaks[0] < peaks[1] < peaks[2]
        assert peaks[2] - peaks[1] > 15e6 * 3 * 4 * 2
    whole = estimate(loads[-1], False, 0, 0)
    settings = Settings(memory_budget=f"{whole / 2000}kB")
    scales = plan_scales(settings, (400, 400), [(4000, 4000)])
    assert plan_memory(settings, scales, [(4000, 4000)])[0].block_size > 400
    with pytest.raises(ValueError, match=r"with a style of 4000x4000, need .* or style_scale"):
        plan_memory(dataclasses.replace(settings, memory_budget="900MiB"), scales, [(4000, 4000)])


PIXELS, STYLE_PIXELS = 100 * 200, 50 * 40
SMALL = Settings(content_layers=["block1_conv2"], style_layers=["block1_conv1"])
HELD = 4 * (3 * (PICTURES * PIXELS + STYLE_PICTURES * STYLE_PIXELS) + 64 * PIXELS)
"""Bytes of the pictures, and of the photo's features as the content's target."""


def small(settings=SMALL, masks=0):
    return workload(settings, (100, 200), [(50, 40)], masks)


def test_the_estimate_of_whole_pictures_has_its_closed_form():
    # Two layers of 64 channels, and the slopes of both.
    step_bytes = SCRATCH * PIXELS * 4 * (64 + 64) * 2
    expected = BASE + HELD + step_bytes
    assert estimate(small(), False, 0, 0) == pytest.approx(expected, abs=1)
    assert estimate(small(), True, 0, 0) == pytest.approx(expected + winograd_bytes(small()), abs=1)
    pairs = 8 * 2 * 3 * 4 * PIXELS
    assert estimate(small(), False, 0, 7) == pytest.approx(expected + pairs, abs=1)
    # At half the size too: a quarter more of features.
    levels = dataclasses.replace(SMALL, style_sizes=2)
    expected = BASE + HELD + 1.25 * step_bytes
    assert estimate(small(levels), False, 0, 0) == pytest.approx(expected, abs=1)
    # The first layer and its slope are in float32 beside their casts.
    rough = dataclasses.replace(SMALL, precision="bfloat16")
    expected = BASE + HELD + SCRATCH * PIXELS * (2 * (64 + 64) + 4 * 64) * 2
    assert estimate(small(rough), False, 0, 0) == pytest.approx(expected, abs=1)


def test_the_estimate_by_blocks_has_its_closed_form():
    # Blocks of 25x29 pixels see two more to each side: 29x33.
    expected = BASE + TILING + HELD + SCRATCH * 29 * 33 * 4 * 256 + 4 * 24 * PIXELS
    assert estimate(small(), False, 32, 3) == pytest.approx(expected, abs=1)


def test_the_estimate_counts_masks():
    masked = HELD + 4 * PIXELS * (COMPOSED + PLANES * 2)
    step_bytes = SCRATCH * PIXELS * 4 * 256 + 4 * 2 * 64 * 2 * PIXELS
    expected = BASE + masked + step_bytes
    assert estimate(small(masks=2), False, 0, 0) == pytest.approx(expected, abs=1)
    expected = BASE + TILING + masked + SCRATCH * 29 * 33 * 4 * 256 + 4 * 2 * 64 * 32**2
    assert estimate(small(masks=2), False, 32, 0) == pytest.approx(expected, abs=1)


def test_the_estimate_of_winograds_kernels_and_strips_has_its_closed_form():
    settings = Settings(content_layers=["block2_conv1"], style_layers=["block1_conv1"])
    load = small(settings)._replace(machine=Machine(), size=(128, 256))
    # The kernels of block1_conv2 and block2_conv1, and a strip of 128 tiles of the wider.
    numbers = 36 * (64 * 64 + 64 * 128 + 3 * 128 * (64 + 128))
    assert winograd_bytes(load, threads=3) == NUMBA + 4 * numbers
    onednn = load._replace(machine=Machine(onednn=True))  # faster with so few channels
    assert winograd_bytes(onednn) == winograd_bytes(load._replace(size=(16, 16))) == 0


def test_the_estimate_counts_the_maps_between_stages():
    settings = Settings(content_layers=["block4_conv1"], style_layers=["block1_conv1"])
    # Numbers a pixel: 2 convolutions and a pooling of 64 channels, the same of 128 at half the
    # size, 4 of 256 at a quarter, and one of 512 at an eighth; then the slopes of two layers.
    features = (2 * 64 + 64 / 4) + (2 * 128 / 4 + 128 / 16) + (4 * 256 / 16 + 256 / 64) + 512 / 64
    slopes = 64 + 512 / 64
    held = HELD + 4 * PIXELS * (512 / 64 - 64)
    expected = BASE + held + SCRATCH * 4 * PIXELS * (features + slopes)
    load = small(settings)
    assert estimate(load, False, 0, 0) == pytest.approx(expected, abs=1)
    # By blocks, block3_pool is kept whole with its slopes: four numbers a pixel each. A block has
    # 32 pixels a side and sees 22 more to each side, rounded up to 24, and the 4 rows that are left
    # over when all are divided into eights.
    first = features - 512 / 64 + 64
    block = make_stages(load.layers)[0].tiles(100, 200, 32)[0]
    assert (block.rows, block.columns) == ((0, 32 + 2 * 24 + 4), (0, 32 + 2 * 24))
    expected = BASE + TILING + held + SCRATCH * 4 * 84 * 80 * first + 4 * PIXELS * 8
    assert estimate(load, False, 32, 0) == pytest.approx(expected, abs=1)


def test_blocks_that_were_needed_once_are_kept():
    whole = Plan(0, 20, True, "float32", GIB, 1100)
    assert whole.at_most(0) is whole
    assert whole.at_most(300)[:3] == (256, 3, False)
    assert whole.at_most(1)[0] == 128
    small = Plan(256, 20, True, "float32", GIB, 1100)
    assert small.at_most(300) is small


def test_the_budget_is_most_of_what_is_free_and_what_tensorflow_has():
    def found(used, limits):
        return host_budget(Settings(), HostMemory(used, 8 * GIB, limits))

    assert found(MIB, ()) == int(MIB + 0.85 * 8 * GIB)
    assert found(MIB, (2 * GIB, 3 * GIB)) == int(MIB + 0.85 * 2 * GIB)
    assert found(5 * GIB, ()) == int(BASE + 0.85 * 8 * GIB)  # of which most is not ours
    for machine in (Machine(), Machine(gpu=True)):
        assert memory_budget(Settings(memory_budget="3.5GiB"), machine) == 3.5 * GIB
    assert memory_budget(Settings(), Machine()) < 1000 * GIB
    assert memory_budget(Settings(), Machine(gpu=True)) > 1000 * GIB


def test_the_memory_is_that_of_process_and_machine():
    memory = host_memory()
    assert memory.used == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
    assert memory.used + memory.available <= psutil.virtual_memory().total
    assert len(memory.limits) == len(list(cgroup_free()))


def test_sizes_describe_bytes():
    assert describe_bytes(3 * GIB // 2) == "1.5 GiB"
    assert describe_bytes(700 * MIB) == "700 MiB"
