"""The transforms of tiles in `compute.winograd`, compiled by Numba.

Each function handles a strip of a map: `rows` rows of tiles, from row `top` on. Maps are
`[H, W, C]`, transformed tiles `[36, tiles, C]`. Channels are innermost, so that the loops over them
use vector instructions. `half` holds a tile of which one dimension is transformed.

The four transforms; `compute.winograd` has the sources:

    gather_inputs       V = Bᵀ d B      of 6×6 inputs, which overlap by two
    scatter_outputs     Y = Aᵀ M A      4×4 outputs
    gather_cotangents   M = A Y Aᵀ      the adjoint of `scatter_outputs`
    scatter_gradients   d = B V Bᵀ      the adjoint of `gather_inputs`: overlapping values are added

with A and B for interpolation at 0, ±1, ±2 and infinity:

         | 1   1   1   1   1   0 |           |  4   0  -5   0   1   0 |
    Aᵀ = | 0   1  -1   2  -2   0 |      Bᵀ = |  0  -4  -4   1   1   0 |
         | 0   1   1   4   4   0 |           |  0   4  -4  -1   1   0 |
         | 0   1  -1   8  -8   1 |           |  0  -2  -1   2   1   0 |
                                             |  0   2  -1  -2   1   0 |
                                             |  0   4   0  -5   0   1 |
"""

import numpy as np

from nst_tf.compute.compiled import compile_loop

Map = "float32[:, :, ::1]"
_ZERO, _TWO, _FOUR, _FIVE, _EIGHT = map(np.float32, (0, 2, 4, 5, 8))


@compile_loop(f"void({Map}, int64, int64, {Map}, {Map}, {Map})")
def gather_inputs(features, top, rows, padded, half, tiles):
    """Fill `tiles` with Bᵀ d B; `padded` is scratch of `[4 rows + 2, 4 across + 2, C]`."""
    height, width, channels = features.shape
    across = (padded.shape[1] - 2) // 4
    for i in range(4 * rows + 2):
        y = 4 * top + i - 1
        for j in range(4 * across + 2):
            if 0 <= y < height and 0 < j <= width:
                for c in range(channels):
                    padded[i, j, c] = features[y, j - 1, c]
            else:
                for c in range(channels):
                    padded[i, j, c] = _ZERO
    for row in range(rows):
        for column in range(across):
            y, x, n = 4 * row, 4 * column, row * across + column
            for j in range(6):
                for c in range(channels):
                    d0, d1, d2 = (
                        padded[y, x + j, c],
                        padded[y + 1, x + j, c],
                        padded[y + 2, x + j, c],
                    )
                    d3, d4 = padded[y + 3, x + j, c], padded[y + 4, x + j, c]
                    d5 = padded[y + 5, x + j, c]
                    a, b, e, f = d4 - _FOUR * d2, d3 - _FOUR * d1, d4 - d2, _TWO * (d3 - d1)
                    half[0, j, c] = _FOUR * d0 - _FIVE * d2 + d4
                    half[1, j, c] = a + b
                    half[2, j, c] = a - b
                    half[3, j, c] = e + f
                    half[4, j, c] = e - f
                    half[5, j, c] = _FOUR * d1 - _FIVE * d3 + d5
            for i in range(6):
                for c in range(channels):
                    d0, d1, d2 = half[i, 0, c], half[i, 1, c], half[i, 2, c]
                    d3, d4, d5 = half[i, 3, c], half[i, 4, c], half[i, 5, c]
                    a, b, e, f = d4 - _FOUR * d2, d3 - _FOUR * d1, d4 - d2, _TWO * (d3 - d1)
                    tiles[6 * i, n, c] = _FOUR * d0 - _FIVE * d2 + d4
                    tiles[6 * i + 1, n, c] = a + b
                    tiles[6 * i + 2, n, c] = a - b
                    tiles[6 * i + 3, n, c] = e + f
                    tiles[6 * i + 4, n, c] = e - f
                    tiles[6 * i + 5, n, c] = _FOUR * d1 - _FIVE * d3 + d5


@compile_loop(f"void({Map}, float32[::1], int64, int64, {Map}, {Map})")
def scatter_outputs(tiles, bias, top, rows, half, outputs):
    """Write relu(Aᵀ M A + bias) into a strip of `outputs`."""
    height, width, channels = outputs.shape
    across = (width + 3) // 4
    for row in range(rows):
        for column in range(across):
            n = row * across + column
            for j in range(6):
                for c in range(channels):
                    m0, m1, m2 = tiles[j, n, c], tiles[6 + j, n, c], tiles[12 + j, n, c]
                    m3, m4, m5 = tiles[18 + j, n, c], tiles[24 + j, n, c], tiles[30 + j, n, c]
                    s, d, u, v = m1 + m2, m1 - m2, m3 + m4, m3 - m4
                    half[0, j, c] = m0 + s + u
                    half[1, j, c] = d + _TWO * v
                    half[2, j, c] = s + _FOUR * u
                    half[3, j, c] = d + _EIGHT * v + m5
            y, x = 4 * (top + row), 4 * column
            for i in range(min(4, height - y)):
                for c in range(channels):
                    m0, m1, m2 = half[i, 0, c], half[i, 1, c], half[i, 2, c]
                    m3, m4, m5 = half[i, 3, c], half[i, 4, c], half[i, 5, c]
                    s, d, u, v = m1 + m2, m1 - m2, m3 + m4, m3 - m4
                    y0, y1 = m0 + s + u + bias[c], d + _TWO * v + bias[c]
                    y2, y3 = s + _FOUR * u + bias[c], d + _EIGHT * v + m5 + bias[c]
                    half[i, 0, c] = _ZERO if y0 < _ZERO else y0  # what is no number stays none
                    half[i, 1, c] = _ZERO if y1 < _ZERO else y1
                    half[i, 2, c] = _ZERO if y2 < _ZERO else y2
                    half[i, 3, c] = _ZERO if y3 < _ZERO else y3
                for j in range(min(4, width - x)):
                    for c in range(channels):
                        outputs[y + i, x + j, c] = half[i, j, c]


@compile_loop(f"void({Map}, {Map}, int64, int64, {Map}, {Map})")
def gather_cotangents(upstream, outputs, top, rows, half, tiles):
    """Fill `tiles` with A Y Aᵀ, where Y is `upstream` where `outputs` > 0, and 0 elsewhere."""
    height, width, channels = outputs.shape
    across = (width + 3) // 4
    for row in range(rows):
        for column in range(across):
            y, x, n = 4 * (top + row), 4 * column, row * across + column
            for i in range(4):
                for j in range(4):
                    if y + i < height and x + j < width:
                        for c in range(channels):
                            value = upstream[y + i, x + j, c]
                            half[i, j, c] = value if outputs[y + i, x + j, c] > 0 else _ZERO
                    else:
                        for c in range(channels):
                            half[i, j, c] = _ZERO
            for j in range(4):
                for c in range(channels):
                    g0, g1, g2, g3 = half[0, j, c], half[1, j, c], half[2, j, c], half[3, j, c]
                    s, d, u, v = g0 + g2, g1 + g3, g0 + _FOUR * g2, _TWO * g1 + _EIGHT * g3
                    half[0, j, c] = g0
                    half[1, j, c] = s + d
                    half[2, j, c] = s - d
                    half[3, j, c] = u + v
                    half[4, j, c] = u - v
                    half[5, j, c] = g3
            for i in range(6):
                for c in range(channels):
                    g0, g1, g2, g3 = half[i, 0, c], half[i, 1, c], half[i, 2, c], half[i, 3, c]
                    s, d, u, v = g0 + g2, g1 + g3, g0 + _FOUR * g2, _TWO * g1 + _EIGHT * g3
                    tiles[6 * i, n, c] = g0
                    tiles[6 * i + 1, n, c] = s + d
                    tiles[6 * i + 2, n, c] = s - d
                    tiles[6 * i + 3, n, c] = u + v
                    tiles[6 * i + 4, n, c] = u - v
                    tiles[6 * i + 5, n, c] = g3


@compile_loop(f"void({Map}, int64, int64, {Map}, {Map}, {Map}, {Map})")
def scatter_gradients(tiles, top, rows, half, padded, gradient, seams):
    """Write B V Bᵀ into the rows of `gradient` that only this strip contributes to.

    `padded` is scratch as for `gather_inputs`. Its first two and last two rows go to `seams`,
    `[4, W, C]`, since the strips above and below contribute to them, too.
    """
    height, width, channels = gradient.shape
    across = (width + 3) // 4
    for i in range(4 * rows + 2):
        for j in range(4 * across + 2):
            for c in range(channels):
                padded[i, j, c] = _ZERO
    for row in range(rows):
        for column in range(across):
            y, x, n = 4 * row, 4 * column, row * across + column
            for j in range(6):
                for c in range(channels):
                    v0, v1, v2 = tiles[j, n, c], tiles[6 + j, n, c], tiles[12 + j, n, c]
                    v3, v4, v5 = tiles[18 + j, n, c], tiles[24 + j, n, c], tiles[30 + j, n, c]
                    s, d, u, e = v1 + v2, v1 - v2, v3 + v4, v3 - v4
                    half[0, j, c] = _FOUR * v0
                    half[1, j, c] = _FOUR * (v5 - d) - _TWO * e
                    half[2, j, c] = -_FIVE * v0 - _FOUR * s - u
                    half[3, j, c] = d + _TWO * e - _FIVE * v5
                    half[4, j, c] = v0 + s + u
                    half[5, j, c] = v5
            for i in range(6):
                for c in range(channels):
                    v0, v1, v2 = half[i, 0, c], half[i, 1, c], half[i, 2, c]
                    v3, v4, v5 = half[i, 3, c], half[i, 4, c], half[i, 5, c]
                    s, d, u, e = v1 + v2, v1 - v2, v3 + v4, v3 - v4
                    padded[y + i, x, c] += _FOUR * v0
                    padded[y + i, x + 1, c] += _FOUR * (v5 - d) - _TWO * e
                    padded[y + i, x + 2, c] += -_FIVE * v0 - _FOUR * s - u
                    padded[y + i, x + 3, c] += d + _TWO * e - _FIVE * v5
                    padded[y + i, x + 4, c] += v0 + s + u
                    padded[y + i, x + 5, c] += v5
    for i in range(4 * rows + 2):
        y = 4 * top + i - 1
        for j in range(width):
            for c in range(channels):
                value = padded[i, j + 1, c]
                if i < 2:
                    seams[i, j, c] = value
                elif i >= 4 * rows:
                    seams[2 + i - 4 * rows, j, c] = value
                elif y < height:
                    gradient[y, j, c] = value
