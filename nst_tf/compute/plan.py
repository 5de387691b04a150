"""The plan of a run: tiles, L-BFGS pairs and convolutions that fit into the memory budget."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from nst_tf.compute.budget import BASE, describe_bytes, memory_budget
from nst_tf.compute.estimate import Workload, estimate, fixed_bytes, pair_bytes, suited
from nst_tf.compute.machine import Machine, this_machine
from nst_tf.compute.precision import feature_precision
from nst_tf.images.resize import Size, scaled
from nst_tf.images.wrap import padded_size
from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.registry import make_terms
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError

RETENTION = 0.6  # fraction of a coarser scale's memory that oneDNN does not release

TILE_SIZES = (1536, 1024, 768, 512, 384, 256, 192, 128)  # smaller tiles would be mostly halo
TILES_COST = 1.35  # time of a step in tiles without their halos, relative to the whole picture's
HALOS = 56  # pixels that tiles see beyond their own in each direction, both sides together
LEAST_PAIRS = 3  # of L-BFGS: fewer raise the loss, as `scripts/benchmark_pairs.py` shows


class Plan(NamedTuple):
    """How to run one scale in the available memory.

    Attributes:
        block_size: longest side of a tile in pixels, or 0 for the whole picture at once.
        lbfgs_memory: number of pairs that L-BFGS remembers.
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
        """Return the plan as a picture's metadata record it."""
        return {
            "block_size": self.block_size,
            "lbfgs_memory": self.lbfgs_memory,
            "winograd": self.winograd,
            "precision": self.precision,
        }

    @property
    def cost(self) -> float:
        """Approximate time of a step relative to the whole picture's."""
        if not self.block_size:
            return 1.0
        return TILES_COST * (1 + HALOS / self.block_size) ** 2

    def describe(self, settings: Settings) -> str:
        """Return in words how much memory the run needs, and what it does to need no more."""
        tiles = f", in tiles of {self.block_size} pixels" if self.block_size else ""
        fewer = settings.optimizer == "lbfgs" and self.lbfgs_memory < settings.lbfgs_memory
        pairs = f", L-BFGS with {self.lbfgs_memory} of {settings.lbfgs_memory} steps" * fewer
        return f"about {describe_bytes(self.peak)} of memory{tiles}{pairs}"

    def smaller(self) -> "Plan | None":
        """Return the plan to try after memory has run out; None if nothing is smaller."""
        for tile_size in TILE_SIZES:
            if tile_size < (self.block_size or self.longest):
                pairs = min(self.lbfgs_memory, LEAST_PAIRS)
                return self._replace(block_size=tile_size, lbfgs_memory=pairs, winograd=False)
        return None

    def at_most(self, tile_size: int) -> "Plan":
        """Return the plan with tiles no larger than `tile_size`; 0 sets no limit."""
        plan: Plan = self
        while tile_size and (plan.block_size or plan.longest) > tile_size:
            smaller = plan.smaller()
            if smaller is None:
                break
            plan = smaller
        return plan


class MemoryModel(NamedTuple):
    """The memory that the scales of a run share, one after the other in the same process.

    The peak of a scale has three parts:

    - `fixed`: the memory that every run needs, independent of the picture's size;
    - `per_scale`: the memory of the scale's own pictures and features;
    - `retained`: the fraction of a coarser scale's `per_scale` that oneDNN does not release. Later
      scales reuse it, so only the coarser scale that used most counts.

    Attributes:
        budget: bytes that the process may use.
        retention: fraction of `per_scale` that stays occupied when the scale has ended.
    """

    budget: int
    retention: float

    def fixed(self, plan: Plan) -> int:
        """Return the bytes that a plan needs for a picture of any size."""
        return fixed_bytes(plan.block_size)

    def per_scale(self, plan: Plan) -> int:
        """Return the bytes that a plan needs for its scale; `peak` is without retained bytes."""
        return plan.peak - self.fixed(plan)

    def retained(self, used: float) -> float:
        """Return the bytes that stay occupied after a scale that used `used` for itself."""
        return self.retention * used

    def limit(self, finest: Plan) -> float:
        """Return the bytes that each coarser scale may use for itself.

        What one of them retains must leave room for the finest scale, and for another one that
        uses as much.
        """
        for_two = (self.budget - self.fixed(finest)) / (1 + self.retention)
        if not self.retention:
            return for_two
        return min((self.budget - finest.peak) / self.retention, for_two)

    def highest_peak(self, plan: Plan, limit: float) -> float:
        """Return the peak that the plan of a coarser scale may have, without retained bytes."""
        return min(self.fixed(plan) + limit, self.budget - self.retained(limit))


class Candidates(NamedTuple):
    """The plans that the settings allow for a scale.

    Attributes:
        size: height and width of the image, pixels.
        plans: the fastest first, with the fewest pairs.
        pairs: number of pairs that the scale can use.
        lbfgs_memory: the setting, to record where nothing is given up.
    """

    size: Size
    plans: Sequence[Plan]
    pairs: int
    lbfgs_memory: int

    def most_pairs(self, plan: Plan, highest_peak: float) -> Plan:
        """Return a plan with as many pairs as fit."""
        each = pair_bytes(self.size)
        missing = self.pairs - plan.lbfgs_memory
        more = min(missing, int((highest_peak - plan.peak) // each))
        pairs = self.lbfgs_memory if more == missing else plan.lbfgs_memory + more
        return plan._replace(lbfgs_memory=pairs, peak=plan.peak + more * each)


def plan_memory(
    settings: Settings,
    scales: Sequence[Scale],
    styles: Sequence[Size],
    masks: int = 0,
    budget: int | None = None,
    machine: Machine | None = None,
) -> list[Plan]:
    """Choose a plan for each scale, so that all fit and their steps take the least time together.

    The whole picture comes first, if necessary with fewer pairs for L-BFGS, then with direct
    convolutions. Then the picture is cut into smaller and smaller tiles. Values that `settings`
    fix are kept.

    Args:
        styles: height and width of each painting at the finest scale, pixels.
        budget: bytes that the process may use; `None` takes `memory_budget(settings)`.
        machine: that runs the plan; by default, this one.

    Raises:
        UserError: nothing fits; the text says what would.
    """
    machine = machine or this_machine()
    budget = memory_budget(settings, machine) if budget is None else budget
    if budget < BASE:
        raise UserError(
            f"TensorFlow and the network need about {describe_bytes(BASE)} of memory, but the run "
            f"may take {describe_bytes(budget)}: free memory or raise memory_budget"
        )
    precision = feature_precision(settings.precision, settings.convolution, machine)
    terms = make_terms(settings)
    candidates = []
    for scale in scales:
        sizes = [scaled(size, scale.ratio) for size in styles]
        size = padded_size(settings.tileable, scale.size)
        load = Workload(terms, settings.layers, precision, size, sizes, masks, machine)
        plans = list(_possible_plans(settings, scale, load))
        pairs = _usable_pairs(settings, scale)
        candidates.append(Candidates(scale.size, plans, pairs, settings.lbfgs_memory))
    retains = machine.onednn and not machine.gpu
    model = MemoryModel(budget, RETENTION if retains else 0.0)
    runs = [plan_run(model, candidates, finest) for finest in candidates[-1].plans]
    fitting = [plans for plans in runs if plans]
    if not fitting:
        least = min(plan.peak for plan in candidates[-1].plans)
        coarser = [min(map(model.per_scale, choice.plans)) for choice in candidates[:-1]]
        needed = least + round(model.retained(max(coarser, default=0)))
        raise UserError(_refusal(settings, load, needed, budget))

    def seconds(plans: Sequence[Plan]) -> float:
        return sum(
            scale.steps * scale.ratio**2 * plan.cost
            for scale, plan in zip(scales, plans, strict=True)
        )

    return min(fitting, key=seconds)


def plan_run(
    model: MemoryModel, candidates: Sequence[Candidates], finest: Plan
) -> list[Plan] | None:
    """Return plans for all scales around a plan for the finest; None if they do not fit together.

    1. The finest scale has its plan with the fewest pairs, within the budget.
    2. The memory that the finest scale leaves limits what coarser scales may retain.
    3. Each coarser scale takes the fastest plan within that limit, with as many pairs as fit.
    4. The finest scale takes as many pairs as fit into the memory that is not retained.
    """
    if finest.peak > model.budget:
        return None
    limit = model.limit(finest)
    plans: list[Plan] = []
    for choice in candidates[:-1]:
        fitting = (plan for plan in choice.plans if plan.peak <= model.highest_peak(plan, limit))
        fastest = next(fitting, None)
        if fastest is None:
            return None
        plans.append(choice.most_pairs(fastest, model.highest_peak(fastest, limit)))
    before = [0, *itertools.accumulate(map(model.per_scale, plans), max)]
    plans.append(candidates[-1].most_pairs(finest, model.budget - model.retained(before[-1])))
    return [
        plan._replace(peak=plan.peak + round(model.retained(used)))
        for plan, used in zip(plans, before, strict=True)
    ]


def _possible_plans(settings: Settings, scale: Scale, load: Workload) -> Iterator[Plan]:
    """Yield the plans that the settings allow for a scale, the fastest first, with fewest pairs."""
    longest = max(itertools.chain(load.size, *load.styles))
    tile_sizes = [0, *(side for side in TILE_SIZES if side < longest)]
    if isinstance(settings.block_size, int):
        tile_sizes = [settings.block_size if settings.block_size < longest else 0]
    winograd = _use_winograd(settings, load)
    convolutions = [winograd]
    if winograd and settings.convolution == "auto":
        convolutions.append(False)
    pairs = min(LEAST_PAIRS, _usable_pairs(settings, scale))
    for tile_size, kind in itertools.product(tile_sizes, convolutions):
        peak = estimate(load, kind, tile_size, pairs)
        yield Plan(tile_size, pairs, kind, load.precision, peak, longest)


def _use_winograd(settings: Settings, load: Workload) -> bool:
    """Return whether to use Winograd's convolutions.

    Raises:
        UserError: they are asked for, and a GPU computes.
    """
    if load.machine.gpu and settings.convolution == "winograd":
        raise UserError("convolution=winograd is for CPUs, but a GPU computes here: set it to auto")
    if settings.convolution == "auto":
        return load.precision == "float32" and not load.machine.gpu and bool(suited(load))
    return settings.convolution == "winograd"


def _usable_pairs(settings: Settings, scale: Scale) -> int:
    """Return the pairs that a scale can use: L-BFGS makes one pair a step."""
    return min(settings.lbfgs_memory, scale.steps) if settings.optimizer == "lbfgs" else 0


def _refusal(settings: Settings, load: Workload, peak: int, budget: int) -> str:
    """Return the line that says what a run needs, what it may use, and what to change."""
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
