"""The loops of matching and voting, compiled by Numba.

Each function handles the rows `top` to `bottom`, so threads can share the rows; a row's result
depends on its inputs only. Features are int16, and costs are exact integers.

Features are flat, `[pixels * CHANNELS]`, with the pixels in rows. A match is the number of the pixel
of the canvas at the patch's upper left. Indices are unsigned where that lets Numba omit the check
for negative ones, which would keep the loop over a patch's row from using vector instructions.
"""

import numpy as np

from nst_tf.compute.winograd_loops import compile_loop

CHANNELS = 8
"""Values of a pixel: three of the guide, three of the picture, and two zeros that fill a vector."""

_FEATURES, _COSTS, _PLACES = "int16[::1]", "int32[:, ::1]", "uint8[:, ::1]"
_ALLOWED, _IMAGE = "uint8[:, ::1]", "float32[:, :, ::1]"
_MULTIPLIER, _INCREMENT = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)
_ONE, _EIGHT, _SHIFT = np.uint64(1), np.uint64(CHANNELS), np.uint64(31)


@compile_loop(f"int32({_FEATURES}, uint64, uint64, {_FEATURES}, uint64, uint64, uint64, int32)")
def patch_cost(target, t, target_row, source, s, source_row, patch, limit):
    """Return the sum of the squared differences of two patches; of its first rows above `limit`.

    Args:
        t, s: index of the first value of each patch.
        target_row, source_row: values of a row of each picture.
        patch: side of the patches, pixels.
    """
    total = np.int32(0)
    for _ in range(patch):
        for k in range(_EIGHT * patch):
            difference = np.int16(target[t + k] - source[s + k])
            total = np.int32(total + np.int32(difference) * np.int32(difference))
        if total > limit:
            break
        t += target_row
        s += source_row
    return total


@compile_loop(
    f"void({_FEATURES}, int64, {_FEATURES}, int64, {_ALLOWED}, {_PLACES}, {_COSTS}, {_COSTS}, "
    "int64, int64, int64)"
)
def search(target, target_width, source, source_width, allowed, region, matches, costs, patch,
           top, bottom):  # fmt: skip
    """Fill rows of `matches` with the allowed patch of least cost; of equal ones with the first."""
    width = matches.shape[1]
    pixels = allowed.shape[1]
    rows = np.uint64(target_width * CHANNELS), np.uint64(source_width * CHANNELS)
    for y in range(top, bottom):
        for x in range(width):
            place = region[y, x]
            t = np.uint64((y * target_width + x) * CHANNELS)
            best, least = -1, np.int32(0x7FFFFFFF)
            if x:  # a good first guess ends most sums after one row
                guess = matches[y, x - 1] + 1
                if guess < pixels and allowed[place, guess]:
                    best = guess
                    least = patch_cost(
                        target, t, rows[0], source, np.uint64(best * CHANNELS), rows[1],
                        np.uint64(patch), least,
                    )  # fmt: skip
            for s in range(pixels):
                if allowed[place, s]:
                    cost = patch_cost(
                        target, t, rows[0], source, np.uint64(s * CHANNELS), rows[1],
                        np.uint64(patch), least,
                    )  # fmt: skip
                    if cost < least or (cost == least and s < best):
                        best, least = s, cost
            matches[y, x], costs[y, x] = best, least


@compile_loop(
    f"void({_FEATURES}, int64, {_FEATURES}, int64, {_ALLOWED}, {_PLACES}, {_COSTS}, {_COSTS}, "
    "int64, int64, int64)"
)
def measure(target, target_width, source, source_width, allowed, region, matches, costs, patch,
            top, bottom):  # fmt: skip
    """Fill rows of `costs` with the costs of the matches."""
    rows = np.uint64(target_width * CHANNELS), np.uint64(source_width * CHANNELS)
    for y in range(top, bottom):
        for x in range(matches.shape[1]):
            costs[y, x] = patch_cost(
                target, np.uint64((y * target_width + x) * CHANNELS), rows[0],
                source, np.uint64(matches[y, x] * CHANNELS), rows[1],
                np.uint64(patch), np.int32(0x7FFFFFFF),
            )  # fmt: skip


@compile_loop(
    f"void({_FEATURES}, int64, {_FEATURES}, int64, {_ALLOWED}, {_PLACES}, {_COSTS}, {_COSTS}, "
    f"{_COSTS}, {_COSTS}, int64, int64, int64, int64, int64, int64)"
)
def sweep(target, target_width, source, source_width, allowed, region, matches, costs,
          found, found_costs, patch, step, reach, seed, top, bottom):  # fmt: skip
    """Fill rows of `found` with the best of each place's match, its neighbours', and some near it.

    The neighbours are `step` places away, and their matches are moved along. The others are up to
    `reach`, then half as far, and so on, from the best match so far, at places that the hash of
    place and `seed` chooses.
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
                        cost = patch_cost(
                            target, t, rows[0], source, np.uint64(s * CHANNELS), rows[1],
                            np.uint64(patch), least,
                        )  # fmt: skip
                        if cost < least:
                            best, least = s, cost
            bits = np.uint64(y * width + x) * _INCREMENT + np.uint64(seed) * _MULTIPLIER
            away = reach
            while away:
                bits = (bits ^ (bits >> _SHIFT)) * _MULTIPLIER
                bits ^= bits >> _SHIFT
                dy = np.int64(bits & np.uint64(0xFFFF)) % (2 * away + 1) - away
                dx = np.int64((bits >> np.uint64(16)) & np.uint64(0xFFFF)) % (2 * away + 1) - away
                s = best + dy * source_width + dx
                if s != best and 0 <= s < pixels and allowed[place, s]:
                    cost = patch_cost(
                        target, t, rows[0], source, np.uint64(s * CHANNELS), rows[1],
                        np.uint64(patch), least,
                    )  # fmt: skip
                    if cost < least:
                        best, least = s, cost
                away //= 2
            found[y, x], found_costs[y, x] = best, least


@compile_loop(
    f"void(float32[:, ::1], int64, {_COSTS}, float32[:, ::1], int64, {_IMAGE}, int64, int64)"
)
def vote(paint, source_width, matches, weights, patch, image, top, bottom):
    """Fill rows of `image` with the weighted mean of what the patches over each pixel show of it.

    Args:
        paint: the canvas' colours, `[pixels, 3]`.
        weights: of the patch at each place, above 0.
        image: `[H, W, 3]`, a patch larger than `matches` less one pixel.
    """
    height, width = matches.shape
    for y in range(top, bottom):
        for x in range(image.shape[1]):
            total = red = green = blue = np.float32(0)
            for i in range(max(0, y - height + 1), min(patch, y + 1)):
                for j in range(max(0, x - width + 1), min(patch, x + 1)):
                    weight = weights[y - i, x - j]
                    s = matches[y - i, x - j] + i * source_width + j
                    total += weight
                    red += weight * paint[s, 0]
                    green += weight * paint[s, 1]
                    blue += weight * paint[s, 2]
            image[y, x, 0], image[y, x, 1], image[y, x, 2] = (
                red / total,
                green / total,
                blue / total,
            )


@compile_loop(f"void({_IMAGE}, float32, {_FEATURES}, int64, int64, int64)")
def write_features(image, scale, features, first, top, bottom):
    """Write rows of an image, `[H, W, 3]`, times `scale`, rounded, as channels from `first` on."""
    width = image.shape[1]
    for y in range(top, bottom):
        for x in range(width):
            for c in range(3):
                value = np.rint(image[y, x, c] * scale)
                features[(y * width + x) * CHANNELS + first + c] = np.int16(value)
