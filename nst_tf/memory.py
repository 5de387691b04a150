"""How much memory a run takes, what there is, and how to make the one fit the other.

Estimates follow from the shapes; their constants were fitted to the peaks of resident memory that
`scripts/benchmark_memory.py` measures.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import tensorflow as tf
from tensorflow.python.client import device_lib

from nst_tf.blocks import make_stages
from nst_tf.checks import parse_bytes
from nst_tf.objective import use_winograd
from nst_tf.runtime import feature_precision
from nst_tf.schedule import Scale
from nst_tf.settings import Settings, stride
from nst_tf.sizes import Size, scaled

MIB, GIB, FLOAT = 2**20, 2**30, 4
CHANNELS = (64, 128, 256, 512, 512)  # of the blocks of VGG19

BASE = 865 * MIB  # Python, TensorFlow, the network, and its kernels as oneDNN lays them out
WINOGRAD = 330 * MIB  # the transformed kernels, and what XLA needs to compile
TILE_COPIES = 2.1  # of a layer's tiles, 36 numbers for 16 of its inputs and outputs
PICTURES = 12  # copies of the picture at once: the image, its gradient and what lies between
SCRATCH = 1.12  # what a step takes over what its features do

BLOCK_SIZES = (1536, 1024, 768, 512, 384, 256, 192, 128)  # smaller ones would be mostly halo
LEAST_PAIRS = 5  # of L-BFGS: to remember less costs more than blocks
SPARE = 0.85  # share of the free memory that a run takes at most, unless it is told otherwise


class Plan(NamedTuple):
    """How to run in the memory there is.

    Attributes:
        block_size: of `blocks`, or 0 for the whole picture at once.
        lbfgs_memory: pairs that L-BFGS remembers.
        fast: whether to use the convolutions of `winograd`.
        peak: of the process's memory, bytes, as estimated.
    """

    block_size: int
    lbfgs_memory: int
    fast: bool
    peak: int

    def __str__(self) -> str:
        blocks = f", by blocks of {self.block_size} pixels" if self.block_size else ""
        return f"about {in_words(self.peak)} of memory{blocks}"

    def smaller(self, size: Size) -> "Plan | None":
        """Return what to try for pictures of `size` when memory has run out all the same."""
        for block_size in _block_sizes(size):
            if not self.block_size or block_size < self.block_size:
                pairs = min(self.lbfgs_memory, LEAST_PAIRS)
                return Plan(block_size, pairs, False, self.peak)
        return None


def _block_sizes(size: Size) -> list[int]:
    return [side for side in BLOCK_SIZES if side < max(size)]


def plan_memory(settings: Settings, scales: Sequence[Scale], styles: Sequence[Size]) -> list[Plan]:
    """Choose for each scale the fastest way to run that fits.

    The whole picture comes first, if need be with fewer pairs for L-BFGS, then with direct
    convolutions; then the same by blocks of falling size, as far as `settings` leaves it open.

    Args:
        settings: the knobs of the run.
        scales: from `plan_scales`.
        styles: height and width of each style image at the finest, pixels.

    Raises:
        ValueError: nothing fits; the text says what would.
    """
    budget = memory_budget(settings)
    plans = []
    for scale in scales:
        seconds = settings.time_limit * scale.deadline or math.inf
        fast = use_winograd(settings, scale.size, scale.steps, seconds)
        sizes = [scaled(size, scale.ratio) for size in styles]
        plans.append(_choose(settings, scale.size, sizes, fast, budget))
    return plans


def _choose(
    settings: Settings, size: Size, styles: Sequence[Size], fast: bool, budget: int
) -> Plan:
    asked = settings.block_size
    blocks = [0, *_block_sizes(size)]
    if isinstance(asked, int):
        blocks = [asked if asked < max(size) else 0]
    most = settings.lbfgs_memory if settings.optimizer == "lbfgs" else 0
    least = min(LEAST_PAIRS, most)
    convolutions = [True, False] if fast and settings.convolution == "auto" else [fast]
    for block_size, kind in itertools.product(blocks, convolutions):
        peak = estimate(settings, size, styles, kind, block_size, least)
        if peak <= budget:
            more = min(most - least, (budget - peak) // pair_bytes(size))
            return Plan(block_size, least + more, kind, peak + more * pair_bytes(size))
    mend = "lower --max_dim" if asked == "auto" else "set --block_size=auto or lower --max_dim"
    raise ValueError(
        f"{size[1]}x{size[0]} pixels need about {in_words(peak)} of memory, but the run may take "
        f"{in_words(budget)}: {mend}, or free memory or raise --memory_budget"
    )


def estimate(
    settings: Settings,
    size: Size,
    styles: Sequence[Size],
    fast: bool,
    block_size: int,
    pairs: int,
) -> int:
    """Return the peak of a run's memory in bytes; the arguments are what a plan is made of."""
    pixels = size[0] * size[1]
    stages = make_stages(settings.layers)
    base = BASE + (WINOGRAD if fast else 0)
    pictures: float = pixels * 3 * PICTURES + sum(3 * height * width for height, width in styles)
    targets = pixels * _numbers(settings.content_layers)
    work = 0.0
    if block_size:
        pictures += 2 * pixels * sum(_numbers(stage.names[-1:]) for stage in stages[:-1])
        for stage in stages:
            block = stage.plan(size[0] // stage.stride, size[1] // stage.stride, block_size)[0]
            rows, columns = (stop - start for start, stop in (block.rows, block.columns))
            count = _step_bytes(settings, stage.names, fast) * stage.stride**2
            work = max(work, rows * columns * count)
    else:
        names = [name for stage in stages for name in stage.names]
        every_size: float = sum(0.25**number for number in range(settings.style_sizes))
        work = pixels * every_size * _step_bytes(settings, names, fast)
        for height, width in styles:  # forward alone, before the first step
            work = max(work, height * width * _bytes(settings, names))
    return round(base + FLOAT * (pictures + targets) + SCRATCH * work) + pairs * pair_bytes(size)


def pair_bytes(size: Size) -> int:
    """Return what L-BFGS takes to remember a step."""
    return 2 * 3 * FLOAT * size[0] * size[1]


def _step_bytes(settings: Settings, names: Sequence[str], fast: bool) -> float:
    """Return what lives at once, a pixel: all outputs, and the slopes of those that are wanted."""
    tiles = 0.0
    if fast:
        deep = [name for name in names if "conv" in name and int(name[5]) >= 3]
        tiles = max((_numbers([name]) * 2 * 36 / 16 for name in deep), default=0.0)
    wanted = [name for name in names if name in settings.layers]
    return _bytes(settings, [*names, *wanted]) + FLOAT * TILE_COPIES * tiles


def _bytes(settings: Settings, layers: Sequence[str]) -> float:
    """Return what the outputs of `layers` take, a pixel, in the precision of the settings."""
    if feature_precision(settings) == "float32":
        return FLOAT * _numbers(layers)
    first = layers.count("block1_conv1") * _numbers(["block1_conv1"])  # in float32 and once cast
    return FLOAT / 2 * _numbers(layers) + FLOAT * first


def _numbers(layers: Sequence[str]) -> float:
    """Return how many numbers a pixel the outputs of `layers` hold."""
    return sum(CHANNELS[int(name[5]) - 1] / stride(name) ** 2 for name in layers)


def memory_budget(settings: Settings) -> int:
    """Return how many bytes a run may take, with what this process has already taken."""
    if settings.memory_budget != "auto":
        return parse_bytes(settings.memory_budget)
    limits = [
        device.memory_limit
        for device in device_lib.list_local_devices()
        if device.device_type == "GPU"
    ]
    if limits and tf.config.list_logical_devices("GPU"):
        return int(SPARE * min(limits))
    taken = psutil.Process().memory_info().rss
    free = min([psutil.virtual_memory().available, *cgroup_free()])
    return int(taken + SPARE * free)


def cgroup_free(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> Iterator[int]:
    """Yield what the limits of the process's Linux control groups leave, bytes; none elsewhere.

    A group's limit counts for all below it, so that every group on the way up is asked. What is
    only cached of files can be had back.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            version = 1 if controllers else 2
            base = root / "memory" if controllers else root
            group = base / path.strip("/")
            # In a container the path may be the host's: its own group is then at the root.
            for place in (group, *group.parents) if group.is_dir() else (base,):
                yield from _group_free(place, version)
                if place == base:
                    break


def _group_free(group: Path, version: int) -> Iterator[int]:
    limit, usage, cached = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    try:
        most, used = (int((group / name).read_text()) for name in (limit, usage))
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # "max": no limit here
        return
    yield max(0, most - used + int(statistics.get(cached, 0)))


def in_words(size: int) -> str:
    """Return bytes in GiB, or in MiB below one."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
