"""Loops of matching and voting, compiled by Numba.

Each function handles the rows `top` to `bottom`, so threads can share the rows; a row's result
depends on its inputs only. Features are int16, and costs are exact integers.

Features are flat, `[pixels * CHANNELS]`, with the pixels counted along
the rows, as matches count them.
A match that is moved beyond one side of the canvas arrives at the other, at a patch like any other.
Numba checks signed indices for negative ones. Where that would prevent vector instructions, indices
are unsigned.
"""

import numba
import numpy as np

from nst_tf.compute.compiled import compile_loop

CHANNELS = 8
"""Values of a pixel: `USED` ones and two zeros, which fill a vector."""

USED = 6
"""Three values of the guide, and three of the picture."""

_FEATURES, _COSTS, _IMAGE = "int16[::1]", "int32[:, ::1]", "float32[:, :, ::1]"
_PROBLEM = f"{_FEATURES}, int64, {_FEATURES}, int64, uint8[:, ::1], uint16[:, ::1], int64"
_MULTIPLIER, _INCREMENT = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)
_EIGHT, _SHIFT, _SIXTEEN, _LOW = map(np.uint64, (CHANNELS, 31, 16, 0xFFFF))


@numba.njit(inline="always")
def patch_cost(target, t, source, place, rows, patch):
    """Return the sum of the squared differences of two patches.

    Args:
        t: index of the first value of the target's patch.
        place: number of the source's pixel at which its patch begins.
        rows: values of a row of the target, and of one of the source.
        patch: side of the patches, pixels.
    """
    total = np.int32(0)
    s, side = np.uint64(place * CHANNELS), np.uint64(patch)
    for _ in range(side):
        for k in range(_EIGHT * side):
            difference = np.int16(target[t + k] - source[s + k])
            total = np.int32(total + np.int32(difference) * np.int32(difference))
        t += rows[0]
        s += rows[1]
    return total


@compile_loop(f"void({_PROBLEM}, {_COSTS}, {_COSTS}, int64, int64)")
def measure(target, target_width, source, source_width, allowed, region, patch, matches, costs,
            top, bottom):  # fmt: skip
    """Fill rows of `costs` with the costs of the matches."""
    rows = np.uint64(target_width * CHANNELS), np.uint64(source_width * CHANNELS)
    for y in range(top, bottom):
        for x in range(matches.shape[1]):
            t = np.uint64((y * target_width + x) * CHANNELS)
            costs[y, x] = patch_cost(target, t, source, matches[y, x], rows, patch)


@compile_loop(
    f"void({_PROBLEM}, {_COSTS}, {_COSTS}, {_COSTS}, {_COSTS}, "
    "int64, int64, int64, int64, int64, int64)"
)
def sweep(target, target_width, source, source_width, allowed, region, patch, matches, costs,
          found, found_costs, step, reach, seed, first, top, bottom):  # fmt: skip
    """Fill rows of `found` with the best of each place's match, its neighbours', and some near it.

    The neighbours are `step` places away, and their matches are moved along. The others are up to
    `reach`, then half as far, and so on, from the best match so far, at places that the hash of
    place and `seed` chooses. `first` is the row of the picture at which a strip begins.
    """
    height, width = matches.shape
    pixels = allowed.shape[1]
    rows = np.uint64(target_width * CHANNELS), np.uint64(source_width * CHANNELS)
    for y in range(top, bottom):
        for x in range(width):
            place = region[y, x]
            t = np.uint64((y * target_width + x) * CHANNELS)
            own = best = matches[y, x]
            least = costs[y, x]
            for side in range(4):
                dy = step if side == 0 else (-step if side == 1 else 0)
                dx = step if side == 2 else (-step if side == 3 else 0)
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    s = matches[y + dy, x + dx] - dy * source_width - dx
                    if s != best and s != own and 0 <= s < pixels and allowed[place, s]:
                        cost = patch_cost(target, t, source, s, rows, patch)
                        if cost < least:
                            best, least = s, cost
            bits = np.uint64((first + y) * width + x) * _INCREMENT + np.uint64(seed) * _MULTIPLIER
            away = reach
            while away:
                bits = (bits ^ (bits >> _SHIFT)) * _MULTIPLIER
                bits ^= bits >> _SHIFT
                span = np.uint64(2 * away + 1)  # two numbers below it, from 16 bits each
                dy = np.int64(((bits & _LOW) * span) >> _SIXTEEN) - away
                dx = np.int64((((bits >> _SIXTEEN) & _LOW) * span) >> _SIXTEEN) - away
                s = best + dy * source_width + dx
                if s != best and 0 <= s < pixels and allowed[place, s]:
                    cost = patch_cost(target, t, source, s, rows, patch)
                    if cost < least:
                        best, least = s, cost
                away //= 2
            found[y, x], found_costs[y, x] = best, least


@compile_loop(
    f"void(float32[:, ::1], int64, {_COSTS}, float32[:, ::1], int64, {_IMAGE}, int64, int64)"
)
def vote(colors, across, matches, weights, patch, image, top, bottom):
    """Fill rows of `image` with the weighted mean of what the patches over each pixel show of it.

    `colors` are those of the canvas, `[pixels, 3]`, which is `across` pixels wide.
    """
    height, width = matches.shape
    for y in range(top, bottom):
        for x in range(image.shape[1]):
            total = red = green = blue = np.float32(0)
            for i in range(max(0, y - height + 1), min(patch, y + 1)):
                for j in range(max(0, x - width + 1), min(patch, x + 1)):
                    weight = weights[y - i, x - j]
                    s = matches[y - i, x - j] + i * across + j
                    total += weight
                    red += weight * colors[s, 0]
                    green += weight * colors[s, 1]
                    blue += weight * colors[s, 2]
            image[y, x, 0], image[y, x, 1] = red / total, green / total
            image[y, x, 2] = blue / total


@compile_loop(f"void({_IMAGE}, float32, {_FEATURES}, int64, int64, int64, int64, int64)")
def write_features(image, scale, features, width, first_row, first, top, bottom):
    """Write rows of an image, `[H, W, 3]`, times `scale`, rounded, as channels from `first` on.

    The features are `width` pixels wide. The image is written from their row `first_row` on.
    """
    for y in range(top, bottom):
        for x in range(image.shape[1]):
            for c in range(3):
                value = np.rint(image[y, x, c] * scale)
                pixel = (first_row + y) * width + x
                features[pixel * CHANNELS + first + c] = np.int16(value)


@compile_loop(f"void({_IMAGE}, {_IMAGE}, {_COSTS}, int64, float64, float64, float64, int64, int64)")
def restore_structure(image, guide, costs, patch, strength, low, high, top, bottom):
    """Move the luma of rows of `image` towards the guide's where the patches there cost much.

    At a mean cost of `high` and more it moves by `strength`, and not at all at `low` and less.
    """
    height, width = costs.shape
    for y in range(top, bottom):
        for x in range(image.shape[1]):
            total = np.float64(0)
            count = 0
            for i in range(max(0, y - height + 1), min(patch, y + 1)):
                for j in range(max(0, x - width + 1), min(patch, x + 1)):
                    total += costs[y - i, x - j]
                    count += 1
            share = strength * min(max((total / count - low) / (high - low), 0.0), 1.0)
            if share > 0:
                luma = (
                    0.299 * (guide[y, x, 0] - image[y, x, 0])
                    + 0.587 * (guide[y, x, 1] - image[y, x, 1])
                    + 0.114 * (guide[y, x, 2] - image[y, x, 2])
                )
                for c in range(3):
                    value = image[y, x, c] + share * luma
                    image[y, x, c] = np.float32(min(max(value, 0.0), 1.0))
