import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize, transfer
from nst_tf.memory import plan as memory
from nst_tf.memory.fallback import Retrying
from nst_tf.memory.plan import GIB, MIB, Plan, cgroup_free, estimate, in_words, plan_memory
from nst_tf.schedule import plan_scales

LARGE = (2160, 3840)
SHALLOW = Settings(
    content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"], epochs=1,
    steps_per_epoch=4,
)  # fmt: skip


def plan_for(budget, size=LARGE, **changes):
    """Return the plan for a budget in bytes."""
    settings = Settings(memory_budget=f"{budget / 1000}KB", **changes)
    scales = plan_scales(settings, size, [(400, 600)])
    return plan_memory(settings, scales, [(400, 600)])[-1]


def test_whole_pictures_come_before_short_memories_and_those_before_blocks():
    changes = {"optimizer": "lbfgs", "convolution": "direct"}

    def needed(block_size, pairs):
        return estimate(Settings(**changes), LARGE, [(400, 600)], False, block_size, pairs)

    for budget, block_size, pairs in (
        (needed(0, 20), 0, 20),
        (needed(0, 20) - 1, 0, 19),
        (needed(0, 5), 0, 5),
        (needed(1536, 20), 1536, 20),
        (needed(1536, 5) - 1, 1024, None),
        (needed(128, 5), 128, 5),
    ):
        chosen = plan_for(budget, **changes)
        assert chosen.block_size == block_size
        assert chosen.lbfgs_memory == pairs or pairs is None
        assert chosen.peak == needed(chosen.block_size, chosen.lbfgs_memory) <= budget
    with pytest.raises(ValueError, match=r"^3840x2160 pixels need about .* lower --max_dim"):
        plan_for(needed(128, 5) - 1, **changes)


def test_winograd_goes_before_blocks_do_and_stays_if_it_is_asked_for():
    size = (1024, 1024)
    needed = [estimate(Settings(), size, [(400, 600)], fast, 0, 0) for fast in (True, False)]
    budget = sum(needed) // 2
    assert plan_for(budget, size, convolution="winograd").block_size > 0
    chosen = plan_for(budget, size)
    assert (chosen.block_size, chosen.fast) == (0, False)


def test_blocks_that_are_asked_for_are_kept_or_refused():
    assert plan_for(10 * GIB, block_size=256).block_size == 256
    assert plan_for(10 * GIB, size=(200, 200), block_size=256).block_size == 256  # for the style
    assert plan_for(10 * GIB, size=(200, 200), block_size=700).block_size == 0
    with pytest.raises(ValueError, match="set --block_size=auto, lower --max_dim"):
        plan_for(5 * GIB, block_size=0)


def test_each_scale_has_a_plan_of_its_own():
    settings = Settings(memory_budget="4GiB", scales=3, convolution="direct")
    scales = plan_scales(settings, LARGE, [LARGE])
    blocks = [chosen.block_size for chosen in plan_memory(settings, scales, [LARGE])]
    assert blocks[0] == 0 < blocks[-1]


def test_a_run_keeps_within_its_budget_by_blocks(pixels, monkeypatch):
    monkeypatch.setattr(memory, "BLOCK_SIZES", (32, 16))
    content, style = pixels(60, 70, 0), pixels(40, 40, 1)
    settings = dataclasses.replace(SHALLOW, max_dim=0, style_scale=0)
    needed = {
        size: estimate(settings, (60, 70), [(40, 40)], False, size, 0) for size in (0, 32, 16)
    }
    assert needed[0] > needed[32] > needed[16] > 0
    compiled, used = transfer.compiled, []
    monkeypatch.setattr(memory, "parse_bytes", lambda _: needed[16])
    monkeypatch.setattr(
        transfer, "compiled", lambda *given: used.append(given[3]) or compiled(*given)
    )
    parts = stylize(content, style, dataclasses.replace(settings, memory_budget="1GiB"))
    assert used == [16]
    whole = stylize(content, style, settings)
    assert np.linalg.norm(parts - whole) <= 1e-3 * np.linalg.norm(whole)


def exhausted(*_):
    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


class Fake:
    """An optimizer that needs blocks of some size, and counts."""

    stationary = False

    def __init__(self, plan, largest):
        self.plan, self.largest, self.evaluations = plan, largest, 0

    def step(self, _):
        self.evaluations += 1
        if not 0 < self.plan.block_size <= self.largest:
            exhausted()
        return self.plan.block_size


def test_an_optimizer_goes_on_by_smaller_blocks():
    made = []

    def make(plan, adam):
        assert adam is None
        made.append(Fake(plan, largest=512))
        return made[-1]

    optimizer = Retrying(make, Plan(0, 20, True, GIB, 1100))
    with pytest.warns(UserWarning, match="memory ran out: going on by blocks of") as warned:
        assert optimizer.step(None) == 512
    assert [str(warning.message)[-10:] for warning in warned] == [
        "024 pixels", "768 pixels", "512 pixels",
    ]  # fmt: skip
    assert optimizer.step(None) == 512
    assert [fake.plan.block_size for fake in made] == [0, 1024, 768, 512]
    assert [fake.plan.lbfgs_memory for fake in made] == [20, 5, 5, 5]
    assert [fake.plan.fast for fake in made] == [True, False, False, False]
    assert optimizer.evaluations == 3 + 2


def test_an_optimizer_gives_up_after_the_smallest_blocks():
    optimizer = Retrying(lambda plan, _: Fake(plan, 0), Plan(0, 20, True, GIB, 1100))
    with (
        pytest.warns(UserWarning, match="blocks of 128"),
        pytest.raises(tf.errors.ResourceExhaustedError),
    ):
        optimizer.step(None)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_run_out_of_memory_ends_where_an_undisturbed_one_does(pixels, monkeypatch, optimizer):
    monkeypatch.setattr(memory, "BLOCK_SIZES", (32, 16))
    settings = dataclasses.replace(SHALLOW, optimizer=optimizer, lbfgs_memory=3)
    content, style = pixels(60, 70, 0), pixels(40, 40, 1)
    expected = stylize(content, style, settings)
    compiled, steps = transfer.compiled, []

    def broken(*arguments):
        functions = compiled(*arguments)
        if arguments[3]:
            return functions

        def fail_third(function):
            def call(*inputs):
                steps.append(1)
                return exhausted() if len(steps) == 3 else function(*inputs)

            return call

        return functions._replace(
            evaluate=fail_third(functions.evaluate), adam_step=fail_third(functions.adam_step)
        )

    monkeypatch.setattr(transfer, "compiled", broken)
    rows = []
    with pytest.warns(UserWarning, match="by blocks of 32 pixels"):
        image = stylize(content, style, settings, callbacks=[rows.append])
    assert [row.step for row in rows] == [1, 2, 3, 4]
    if optimizer == "adam":  # L-BFGS forgets its pairs
        assert np.linalg.norm(image - expected) <= 1e-3 * np.linalg.norm(expected)
    else:
        assert rows[-1].losses.total < rows[1].losses.total


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
    sizes = [(100, 100), (1000, 1000), (4000, 4000)]
    for block_size in (0, 256):
        peaks = [estimate(Settings(), (400, 400), [style], False, block_size, 0) for style in sizes]
        assert peaks[0] < peaks[1] < peaks[2]
        assert peaks[2] - peaks[1] > 15e6 * 3 * 4 * 2
    whole = estimate(Settings(), (400, 400), [(4000, 4000)], False, 0, 0)
    settings = Settings(memory_budget=f"{whole / 2000}kB")
    scales = plan_scales(settings, (400, 400), [(4000, 4000)])
    assert plan_memory(settings, scales, [(4000, 4000)])[0].block_size > 400
    with pytest.raises(ValueError, match=r"with a style of 4000x4000, need .* or --style_scale"):
        plan_memory(dataclasses.replace(settings, memory_budget="900MiB"), scales, [(4000, 4000)])


def test_blocks_that_were_needed_once_are_kept():
    plan = Plan(0, 20, True, GIB, 1100)
    assert plan.at_most(0) is plan
    assert plan.at_most(300)[:3] == (256, 5, False)
    assert plan.at_most(1)[0] == 128
    small = Plan(256, 20, True, GIB, 1100)
    assert small.at_most(300) is small


class Machine:
    """Stands in for psutil: 8 GiB free, `taken` by this process."""

    def __init__(self, taken):
        self.available, self.rss = 8 * GIB, taken

    def virtual_memory(self):
        return self

    def Process(self):
        return self

    def memory_info(self):
        return self


def test_the_budget_is_most_of_what_is_free_and_what_tensorflow_has(monkeypatch):
    def budget(taken, limits):
        monkeypatch.setattr(memory, "psutil", Machine(taken))
        monkeypatch.setattr(memory, "cgroup_free", lambda: limits)
        return memory.memory_budget(Settings())

    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [])
    assert budget(MIB, []) == int(MIB + 0.85 * 8 * GIB)
    assert budget(MIB, [2 * GIB, 3 * GIB]) == int(MIB + 0.85 * 2 * GIB)
    assert budget(5 * GIB, []) == int(memory.BASE + 0.85 * 8 * GIB)  # of which most is not ours
    assert memory.memory_budget(Settings(memory_budget="3.5GiB")) == 3.5 * GIB
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["a GPU"])
    assert budget(MIB, []) > 1000 * GIB


def test_sizes_in_words():
    assert in_words(3 * GIB // 2) == "1.5 GiB"
    assert in_words(700 * MIB) == "700 MiB"
