"""How much memory a run takes, what there is, and how to make the one fit the other.

Estimates follow from the shapes; their constants were fitted to the peaks of resident memory that
`scripts/benchmark_memory.py` measures.
"""

import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import tensorflow as tf

from nst_tf.checks import parse_bytes
from nst_tf.images.resize import Size, scaled
from nst_tf.losses.objective import use_winograd
from nst_tf.memory.blocks import make_stages
from nst_tf.network.layers import stride
from nst_tf.network.precision import feature_precision
from nst_tf.network.weights import WIDTHS
from nst_tf.schedule import Scale
from nst_tf.settings import Settings

MIB, GIB, FLOAT = 2**20, 2**30, 4

BASE = 865 * MIB  # Python, TensorFlow, the network, and its kernels as oneDNN lays them out
WINOGRAD = 330 * MIB  # the transformed kernels, and what XLA needs to compile
TILE_COPIES = 2.1  # of a layer's tiles, 36 numbers for 16 of its inputs and outputs
PICTURES = 7  # copies of the picture at once: the image, its gradient and what lies between
STYLE_PICTURES = 2  # of each style
COMPOSED = 7  # numbers a pixel where regions leave some of the photo: it, coverage, both at once
PLANES = 5  # of each content mask: fitted twice, at a scale, and its guides
SCRATCH = 1.12  # what a step takes over what its features do

BLOCK_SIZES = (1536, 1024, 768, 512, 384, 256, 192, 128)  # smaller ones would be mostly halo
BLOCKS_COST = 1.7  # time of a step by blocks, in that of the whole picture
LEAST_PAIRS = 5  # of L-BFGS: to remember less costs more than blocks
SPARE = 0.85  # share of the free memory that a run takes at most, unless it is told otherwise


class Plan(NamedTuple):
    """How to run in the memory there is.

    Attributes:
        block_size: of `blocks`, or 0 for the whole picture at once.
        lbfgs_memory: pairs that L-BFGS remembers.
        fast: whether to use the convolutions of `winograd`.
        peak: of the process's memory, bytes, as estimated.
        longest: side of all pictures, pixels.
    """

    block_size: int
    lbfgs_memory: int
    fast: bool
    peak: int
    longest: int

    @property
    def cost(self) -> float:
        """Time of a step in that of the whole picture, roughly."""
        return BLOCKS_COST if self.block_size else 1.0

    def words(self, settings: Settings) -> str:
        """Return what the run takes, and what it does to take no more."""
        blocks = f", by blocks of {self.block_size} pixels" if self.block_size else ""
        fewer = settings.optimizer == "lbfgs" and self.lbfgs_memory < settings.lbfgs_memory
        pairs = f", L-BFGS with {self.lbfgs_memory} of {settings.lbfgs_memory} steps" * fewer
        return f"about {in_words(self.peak)} of memory{blocks}{pairs}"

    def smaller(self) -> "Plan | None":
        """Return what to try when memory has run out all the same."""
        for block_size in BLOCK_SIZES:
            if block_size < (self.block_size or self.longest):
                pairs = min(self.lbfgs_memory, LEAST_PAIRS)
                return self._replace(block_size=block_size, lbfgs_memory=pairs, fast=False)
        return None

    def at_most(self, block_size: int) -> "Plan":
        """Return the plan with blocks no larger than a size that was needed before; 0: any."""
        plan: Plan = self
        while block_size and (plan.block_size or plan.longest) > block_size:
            smaller = plan.smaller()
            if smaller is None:
                break
            plan = smaller
        return plan


def plan_memory(
    settings: Settings, scales: Sequence[Scale], styles: Sequence[Size], masks: int = 0
) -> list[Plan]:
    """Choose for each scale the fastest way to run that fits.

    The whole picture comes first, if need be with fewer pairs for L-BFGS, then with direct
    convolutions; then the same by blocks of falling size, as far as `settings` leaves it open.

    Args:
        settings: the knobs of the run.
        scales: from `plan_scales`.
        styles: height and width of each style image at the finest, pixels.
        masks: how many regions have a content mask.

    Raises:
        ValueError: nothing fits; the text says what would.
    """
    budget = memory_budget(settings)
    if budget < BASE:
        raise ValueError(
            f"TensorFlow and the network need about {in_words(BASE)} of memory, but the run may "
            f"take {in_words(budget)}: free memory or raise --memory_budget"
        )
    plans = []
    for scale in scales:
        seconds = settings.time_limit * scale.deadline or math.inf
        fast = use_winograd(settings, scale.size, scale.steps, seconds)
        sizes = [scaled(size, scale.ratio) for size in styles]
        plans.append(_choose(settings, scale, sizes, fast, budget, masks))
    return plans


def _choose(
    settings: Settings,
    scale: Scale,
    styles: Sequence[Size],
    fast: bool,
    budget: int,
    masks: int,
) -> Plan:
    size, asked = scale.size, settings.block_size
    longest = max(itertools.chain(size, *styles))
    blocks = [0, *(side for side in BLOCK_SIZES if side < longest)]
    if isinstance(asked, int):
        blocks = [asked if asked < longest else 0]
    most = min(settings.lbfgs_memory, scale.steps) if settings.optimizer == "lbfgs" else 0
    least = min(LEAST_PAIRS, most)
    convolutions = [True, False] if fast and settings.convolution == "auto" else [fast]
    for block_size, kind in itertools.product(blocks, convolutions):
        peak = estimate(settings, size, styles, kind, block_size, least, masks)
        if peak <= budget:
            more = min(most - least, (budget - peak) // pair_bytes(size))
            peak += more * pair_bytes(size)
            pairs = settings.lbfgs_memory if least + more == most else least + more
            return Plan(block_size, pairs, kind, peak, longest)
    large = max(styles, key=math.prod)
    what, mend = f"{size[1]}x{size[0]} pixels need", "lower --max_dim"
    if math.prod(large) > math.prod(size):
        what = f"{size[1]}x{size[0]} pixels, with a style of {large[1]}x{large[0]}, need"
        mend = "lower --max_dim or --style_scale"
        if settings.detail < 1:
            mend = "lower --max_dim or raise --detail"
    if asked != "auto":
        mend = f"set --block_size=auto, {mend}"
    raise ValueError(
        f"{what} about {in_words(peak)} of memory, but the run may take {in_words(budget)}: "
        f"{mend}, or free memory or raise --memory_budget"
    )


def estimate(
    settings: Settings,
    size: Size,
    styles: Sequence[Size],
    fast: bool,
    block_size: int,
    pairs: int,
    masks: int = 0,
) -> int:
    """Return the peak of a run's memory in bytes; the arguments are what a plan is made of."""
    pixels, style_pixels = math.prod(size), sum(map(math.prod, styles))
    held: float = FLOAT * 3 * (PICTURES * pixels + STYLE_PICTURES * style_pixels)
    held += FLOAT * pixels * _numbers(settings.content_layers)
    before = max(_work(settings, style, False, block_size, steps=False) for style in styles)
    steps = _work(settings, size, fast, block_size, steps=True) + pairs * pair_bytes(size)
    if masks:
        held += FLOAT * pixels * (COMPOSED + PLANES * masks)
        # Each region's weighted features of a layer are there at once, and their slopes.
        largest = max(_numbers([name]) for name in settings.style_layers)
        steps += FLOAT * masks * largest * (min(block_size**2, pixels) or 2 * pixels)
    return round(BASE + (WINOGRAD if fast else 0) + held + max(before, steps))


def _work(settings: Settings, size: Size, fast: bool, block_size: int, steps: bool) -> float:
    """Return the bytes of the features of a picture: for its targets, or for a step."""
    stages = make_stages(settings.layers)
    if not block_size:
        names = [name for stage in stages for name in stage.names]
        sizes: float = sum(0.25**number for number in range(settings.style_sizes))
        each = _bytes(settings, names)
        if steps:
            each = sizes * _step_bytes(settings, names, fast)
        return SCRATCH * math.prod(size) * each
    work = 0.0
    for stage in stages:
        height, width = (side // stage.stride for side in size)
        block = stage.plan(height, width, block_size)[0]
        rows, columns = (stop - start for start, stop in (block.rows, block.columns))
        each = _step_bytes(settings, stage.names, fast) * stage.stride**2
        work = max(work, rows * columns * each)
    maps = [stage.names[-1] for stage in stages[:-1]]
    slopes = FLOAT * _numbers(maps) if steps else 0
    return SCRATCH * work + math.prod(size) * (_bytes(settings, maps) + slopes)


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
    return sum(WIDTHS[int(name[5]) - 1] / stride(name) ** 2 for name in layers)


def memory_budget(settings: Settings) -> int:
    """Return how many bytes a run may take, with what this process has already taken."""
    if settings.memory_budget != "auto":
        return parse_bytes(settings.memory_budget)
    if tf.config.list_logical_devices("GPU"):
        return sys.maxsize  # TensorFlow does not tell what is free: a run may go on by blocks
    free = min([psutil.virtual_memory().available, *cgroup_free()])
    # What a notebook holds beside TensorFlow cannot be had back.
    return int(min(psutil.Process().memory_info().rss, BASE) + SPARE * free)


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
        if not controllers or "memory" in controllers.split(","):
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
    except (OSError, ValueError):  # "max": no limit here
        return
    with suppress(OSError, ValueError, KeyError):  # without statistics, nothing is known as cached
        lines = (group / "memory.stat").read_text().splitlines()
        used -= int(dict(line.split() for line in lines)[cached])
    yield max(0, most - used)


def in_words(size: int) -> str:
    """Return bytes in GiB, or in MiB below one."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
