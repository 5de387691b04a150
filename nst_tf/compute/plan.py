"""How much memory a run takes, and how to make it fit what there is.

Estimates follow from the shapes; their constants were fitted to the peaks of resident memory that
`scripts/benchmark_memory.py` measures.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from nst_tf.compute.budget import BASE, MIB, describe_bytes, memory_budget
from nst_tf.compute.direct import has_onednn
from nst_tf.compute.precision import feature_precision
from nst_tf.compute.tiles import make_stages
from nst_tf.images.resize import Size, scaled
from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.registry import make_terms
from nst_tf.losses.term import Term
from nst_tf.network.layers import floats_per_pixel
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError

FLOAT = 4  # bytes

WINOGRAD = 330 * MIB  # the transformed kernels, and what XLA needs to compile
TILE_COPIES = 2.1  # of a layer's tiles, 36 numbers for 16 of its inputs and outputs
PICTURES = 8  # copies of the picture at once: the image, the best one, gradient, what lies between
STYLE_PICTURES = 2  # copies of each painting
COMPOSED = 7  # numbers a pixel where regions leave some of the photo: it, coverage, both at once
PLANES = 5  # copies of each content mask: fitted twice, at a scale, and its guides
SCRATCH = 1.12  # what a step takes over what its features do
BLOCKS = 200 * MIB  # the stages' graphs, and what the targets need at once
KEPT = 0.6  # share of what a coarser scale takes that stays taken where oneDNN computes

BLOCK_SIZES = (1536, 1024, 768, 512, 384, 256, 192, 128)  # smaller ones would be mostly halo
BLOCKS_COST = 1.35  # time of a step by blocks without their halos, relative to the whole picture's
HALOS = 56  # pixels that blocks see beyond their own in each direction, both sides together
LEAST_PAIRS = 3  # pairs of L-BFGS: the loss is hardly another, by `scripts/benchmark_pairs.py`

WORTH_COMPILING = 5e6  # steps × pixels for which the time saved is about twice that of compiling
PACE = 1.25e5  # steps × pixels a second with direct convolutions, measured on two cores


class Plan(NamedTuple):
    """How to run in the memory there is.

    Attributes:
        block_size: of `blocks`, or 0 for the whole picture at once.
        lbfgs_memory: pairs that L-BFGS remembers.
        winograd: whether to use Winograd's convolutions.
        precision: of the features, `float32` or `bfloat16`.
        peak: estimated peak of the process's memory, bytes.
        longest: longest side of any picture, pixels.
    """

    block_size: int
    lbfgs_memory: int
    winograd: bool
    precision: str
    peak: int
    longest: int

    def record(self) -> dict[str, Any]:
        """Return what a picture's metadata tell of it: how the run was made to fit."""
        return {
            "block_size": self.block_size,
            "lbfgs_memory": self.lbfgs_memory,
            "winograd": self.winograd,
            "precision": self.precision,
        }

    @property
    def cost(self) -> float:
        """Time of a step relative to the whole picture's, roughly."""
        if not self.block_size:
            return 1.0
        return BLOCKS_COST * (1 + HALOS / self.block_size) ** 2

    def describe(self, settings: Settings) -> str:
        """Return in words what the run takes, and what it does to take no more."""
        blocks = f", by blocks of {self.block_size} pixels" if self.block_size else ""
        fewer = settings.optimizer == "lbfgs" and self.lbfgs_memory < settings.lbfgs_memory
        pairs = f", L-BFGS with {self.lbfgs_memory} of {settings.lbfgs_memory} steps" * fewer
        return f"about {describe_bytes(self.peak)} of memory{blocks}{pairs}"

    def smaller(self) -> "Plan | None":
        """Return what to try when memory has run out; None if nothing is smaller."""
        for block_size in BLOCK_SIZES:
            if block_size < (self.block_size or self.longest):
                pairs = min(self.lbfgs_memory, LEAST_PAIRS)
                return self._replace(block_size=block_size, lbfgs_memory=pairs, winograd=False)
        return None

    def at_most(self, block_size: int) -> "Plan":
        """Return the plan with blocks no larger than `block_size`, or as it is for 0."""
        plan: Plan = self
        while block_size and (plan.block_size or plan.longest) > block_size:
            smaller = plan.smaller()
            if smaller is None:
                break
            plan = smaller
        return plan


class Workload(NamedTuple):
    """What takes memory at one scale.

    Attributes:
        terms: of the objective.
        layers: all that they read, in the network's order.
        precision: of the features.
        size: height and width of the image, pixels.
        styles: those of the paintings.
        masks: regions that have a content mask.
    """

    terms: tuple[Term, ...]
    layers: tuple[str, ...]
    precision: str
    size: Size
    styles: Sequence[Size]
    masks: int


def plan_memory(
    settings: Settings,
    scales: Sequence[Scale],
    styles: Sequence[Size],
    masks: int = 0,
    budget: int | None = None,
) -> list[Plan]:
    """Choose for the scales the ways to run that fit and take the least time together.

    The whole picture comes first, if need be with fewer pairs for L-BFGS, then with direct
    convolutions; then the same by blocks of falling size, as far as `settings` leaves it open.
    Where TensorFlow computes with oneDNN, a share of what a coarser scale took stays taken, so that
    a scale's peak grows with the largest need before it.

    Args:
        settings: of the run.
        scales: from `plan_scales`.
        styles: height and width of each painting at the finest scale, pixels.
        masks: how many regions have a content mask.
        budget: bytes that the process may take; None: what the settings say.

    Raises:
        ValueError: nothing fits; the text says what would.
    """
    budget = memory_budget(settings) if budget is None else budget
    if budget < BASE:
        raise UserError(
            f"TensorFlow and the network need about {describe_bytes(BASE)} of memory, but the run "
            f"may take {describe_bytes(budget)}: free memory or raise memory_budget"
        )
    precision = feature_precision(settings.precision, settings.convolution)
    terms = make_terms(settings)
    options = []
    for scale in scales:
        sizes = [scaled(size, scale.ratio) for size in styles]
        load = Workload(terms, settings.layers, precision, scale.size, sizes, masks)
        options.append(list(_options(settings, scale, load)))
    kept = KEPT if has_onednn() and not tf.config.list_logical_devices("GPU") else 0.0
    arranged = list(_arrangements(settings, scales, options, budget, kept))
    if not arranged:
        least = min(option.peak for option in options[-1])
        coarser = max((_left(min(choices, key=_left)) for choices in options[:-1]), default=0)
        raise UserError(_refusal(settings, load, least + round(kept * coarser), budget))

    def seconds(plans: Sequence[Plan]) -> float:
        return sum(
            scale.steps * scale.ratio**2 * plan.cost
            for scale, plan in zip(scales, plans, strict=True)
        )

    return min(arranged, key=seconds)


def _arrangements(
    settings: Settings,
    scales: Sequence[Scale],
    options: Sequence[Sequence[Plan]],
    budget: int,
    kept: float,
) -> Iterator[list[Plan]]:
    """Yield plans for all scales that fit together, with as many pairs as fit."""
    for finest in options[-1]:
        spare = budget - finest.peak
        if spare < 0:
            continue
        room = budget - _fixed(finest.block_size)
        # So that what stays of any coarser scale leaves room for the finest, and for the others.
        most = min(spare / kept, room / (1 + kept)) if kept else float(room)
        fitting = [
            [option for option in choices if _left(option) <= most] for choices in options[:-1]
        ]
        if not all(fitting):
            continue
        plans = [
            _with_pairs(settings, scale, option, most + _fixed(option.block_size))
            for scale, (option, *_) in zip(scales, fitting, strict=False)
        ]
        largest = max(map(_left, plans), default=0)
        plans.append(_with_pairs(settings, scales[-1], finest, budget - kept * largest))
        before = [0, *itertools.accumulate(map(_left, plans), max)]
        yield [
            plan._replace(peak=plan.peak + round(kept * coarser))
            for plan, coarser in zip(plans, before, strict=False)
        ]


def _fixed(block_size: int) -> int:
    """Return what a run takes whatever its size; all scales share it."""
    return BASE + (BLOCKS if block_size else 0)


def _left(plan: Plan) -> int:
    """Return the part of a scale's peak of which a share is not given back."""
    return plan.peak - _fixed(plan.block_size)


def _use_winograd(
    settings: Settings, precision: str, size: Size, steps: int, seconds: float
) -> bool:
    """Return whether a scale's steps, in at most `seconds`, make up for the compiling."""
    if settings.convolution != "auto" or precision != "float32":
        return settings.convolution == "winograd"
    work = min(steps * size[0] * size[1], PACE * seconds)
    return work >= WORTH_COMPILING and not tf.config.list_logical_devices("GPU")


def _options(settings: Settings, scale: Scale, load: Workload) -> Iterator[Plan]:
    """Yield what the settings leave open for a scale, the fastest first, with the fewest pairs."""
    longest = max(itertools.chain(load.size, *load.styles))
    blocks = [0, *(side for side in BLOCK_SIZES if side < longest)]
    if isinstance(settings.block_size, int):
        blocks = [settings.block_size if settings.block_size < longest else 0]
    seconds = settings.time_limit * scale.deadline or math.inf
    winograd = _use_winograd(settings, load.precision, scale.size, scale.steps, seconds)
    convolutions = [winograd]
    if winograd and settings.convolution == "auto":
        convolutions.append(False)
    pairs = min(LEAST_PAIRS, _most_pairs(settings, scale))
    for block_size, kind in itertools.product(blocks, convolutions):
        peak = estimate(load, kind, block_size, pairs)
        yield Plan(block_size, pairs, kind, load.precision, peak, longest)


def _most_pairs(settings: Settings, scale: Scale) -> int:
    return min(settings.lbfgs_memory, scale.steps) if settings.optimizer == "lbfgs" else 0


def _with_pairs(settings: Settings, scale: Scale, plan: Plan, budget: float) -> Plan:
    """Return a plan that fits with as many pairs as fit."""
    each = pair_bytes(scale.size)
    missing = _most_pairs(settings, scale) - plan.lbfgs_memory
    more = min(missing, int((budget - plan.peak) // each))
    pairs = settings.lbfgs_memory if more == missing else plan.lbfgs_memory + more
    return plan._replace(lbfgs_memory=pairs, peak=plan.peak + more * each)


def _refusal(settings: Settings, load: Workload, peak: int, budget: int) -> str:
    """Return the line that says what a run needs, what it may take, and what to change."""
    large = max(load.styles, key=math.prod)
    what, remedy = f"{load.size[1]}x{load.size[0]} pixels need", "lower max_dim"
    if math.prod(large) > math.prod(load.size):
        what = f"{load.size[1]}x{load.size[0]} pixels, with a style of {large[1]}x{large[0]}, need"
        remedy = "lower max_dim or style_scale"
        if settings.detail < 1:
            remedy = "lower max_dim or raise detail"
    if settings.block_size != "auto":
        remedy = f"set block_size=auto, {remedy}"
    return (
        f"{what} about {describe_bytes(peak)} of memory, but the run may take "
        f"{describe_bytes(budget)}: {remedy}, or free memory or raise memory_budget"
    )


def estimate(load: Workload, winograd: bool, block_size: int, pairs: int) -> int:
    """Return the peak of a run's memory in bytes.

    Args:
        load: what is to be done.
        winograd: whether Winograd's convolutions are used.
        block_size: as in `Plan`.
        pairs: that L-BFGS remembers.
    """
    pixels, style_pixels = math.prod(load.size), sum(map(math.prod, load.styles))
    held: float = FLOAT * 3 * (PICTURES * pixels + STYLE_PICTURES * style_pixels)
    held += FLOAT * pixels * sum(term.target_floats_per_pixel() for term in load.terms)
    at_once = min(block_size**2, pixels) or pixels
    before = max(_work(load, style, False, block_size, steps=False) for style in load.styles)
    steps = _work(load, load.size, winograd, block_size, steps=True)
    if pairs:  # a step makes one before the oldest goes
        steps += (pairs + 1) * pair_bytes(load.size)
    steps += FLOAT * at_once * sum(term.workspace_floats_per_pixel() for term in load.terms)
    if load.masks:
        held += FLOAT * pixels * (COMPOSED + PLANES * load.masks)
        # The weighted features of a layer are there at once for each region, and their slopes.
        regional = {name for term in load.terms if term.regional for name in term.layers}
        largest = max((floats_per_pixel([name]) for name in regional), default=0.0)
        steps += FLOAT * load.masks * largest * (at_once if block_size else 2 * pixels)
    fixed = _fixed(block_size) + (WINOGRAD if winograd else 0)
    return round(fixed + held + max(before, steps))


def _work(load: Workload, size: Size, winograd: bool, block_size: int, steps: bool) -> float:
    """Return the bytes of the features of a picture: for its targets, or for a step."""
    stages = make_stages(load.layers, max(term.grid for term in load.terms))
    if not block_size:
        names = [name for stage in stages for name in stage.names]
        levels: float = sum(0.25**level for level in range(max(t.levels for t in load.terms)))
        each = _bytes(load, names)
        if steps:
            each = levels * _step_bytes(load, names, winograd)
        return SCRATCH * math.prod(size) * each
    work = 0.0
    for stage in stages:
        height, width = (side // stage.stride for side in size)
        block = stage.plan(height, width, block_size)[0]
        rows, columns = (stop - start for start, stop in (block.rows, block.columns))
        each = _step_bytes(load, stage.names, winograd) * stage.stride**2
        work = max(work, rows * columns * each)
    maps = [stage.names[-1] for stage in stages[:-1]]
    slopes = FLOAT * floats_per_pixel(maps) if steps else 0
    return SCRATCH * work + math.prod(size) * (_bytes(load, maps) + slopes)


def pair_bytes(size: Size) -> int:
    """Return what L-BFGS takes to remember a step."""
    return 2 * 3 * FLOAT * size[0] * size[1]


def _step_bytes(load: Workload, names: Sequence[str], winograd: bool) -> float:
    """Return what lives at once a pixel: all outputs, and the slopes of those that are wanted."""
    tiles = 0.0
    if winograd:
        deep = [name for name in names if "conv" in name and int(name[5]) >= 3]
        tiles = max((floats_per_pixel([name]) * 2 * 36 / 16 for name in deep), default=0.0)
    wanted = [name for name in names if name in load.layers]
    return _bytes(load, [*names, *wanted]) + FLOAT * TILE_COPIES * tiles


def _bytes(load: Workload, layers: Sequence[str]) -> float:
    """Return what the outputs of `layers` take for each pixel."""
    if load.precision == "float32":
        return FLOAT * floats_per_pixel(layers)
    # The first layer's are in float32, and cast once.
    first = layers.count("block1_conv1") * floats_per_pixel(["block1_conv1"])
    return FLOAT / 2 * floats_per_pixel(layers) + FLOAT * first
