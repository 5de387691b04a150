"""Mapping of HDR and wide gamuts to BT.709.

Transfer curves and primaries have their numbers in ITU-T H.273.
"""

import functools

import numpy as np

from nst_tf.images.levels import decode_srgb, encode_srgb, quantize
from nst_tf.images.stated import HDR_CURVES, PRIMARIES

PQ, HLG = 16, 18  # transfer curves of ITU-R BT.2100
BT709, BT2020, P3 = 1, 9, 12  # primaries, all with white point D65
WIDE = {BT2020: "BT.2020", P3: "Display P3"}

WHITE = 203.0  # cd/m² of paper in HDR (ITU-R BT.2408), which becomes white
PEAK = 1000.0  # cd/m² above which all light is white: the peak of HLG and of most films in PQ
STEPS = 65535

_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)


def kind(transfer: int, primaries: int) -> str:
    """Return in words what has to be mapped to BT.709; empty: nothing."""
    if transfer in HDR_CURVES:
        return f"HDR ({HDR_CURVES[transfer]})"
    return f"in the colours of {WIDE[primaries]}" if primaries in WIDE else ""


def to_sdr(levels: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """Return a frame in sRGB, uint8 `[H, W, 3]`.

    HDR is mapped with the curve of ITU-R BT.2390 (section 5.4.1) for the brightest channel, which
    preserves hues: dark parts are unchanged, and lights up to `PEAK` roll off towards white.
    Colours beyond BT.709 are clipped.

    Args:
        levels: uint16 `[H, W, 3]`, red, green and blue as the film stores them.
        transfer, primaries: their numbers; for HDR, unknown primaries are those of BT.2020.
    """
    light = np.take(_light(transfer), levels)
    if transfer == HLG:  # HLG stores the light of the scene: displays add contrast
        light *= PEAK / WHITE * np.power(light @ _LUMINANCE, np.float32(0.2))[..., None]
    if transfer in HDR_CURVES:
        root = np.sqrt(light.max(axis=-1, keepdims=True) * np.float32(WHITE / 10000))
        light *= np.take(_gains(), (root * STEPS + 0.5).astype(np.uint16))
    wide = primaries if primaries in WIDE else BT2020
    light = np.clip(light @ _matrix(wide).T, 0, 1)
    return np.take(_levels(), (light * STEPS + 0.5).astype(np.uint16))


def pq(light: np.ndarray | float) -> np.ndarray:
    """Return the PQ values, in [0, 1], of light in cd/m²."""
    power = np.power(np.asarray(light, np.float64) / 10000, _M1)
    return np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2)


@functools.cache
def _light(transfer: int) -> np.ndarray:
    """Return the light of each level, relative to `WHITE`, in HLG to the scene's peak."""
    value = np.linspace(0, 1, STEPS + 1)
    if transfer == PQ:
        root = np.power(value, 1 / _M2)
        power = np.maximum(root - _C1, 0) / (_C2 - _C3 * root)
        light = np.power(power, 1 / _M1) * 10000 / WHITE
    elif transfer == HLG:
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - _C) / _A) + _B) / 12)
    else:
        light = decode_srgb(value)
    return light.astype(np.float32)


@functools.cache
def _gains() -> np.ndarray:
    """Return the factors that map light to [0, 1], indexed by sqrt(light / 10,000 cd/m²)."""
    light = np.square(np.linspace(0, 1, STEPS + 1)) * 10000
    light[0] = light[1]
    value, white = pq(light) / pq(PEAK), pq(WHITE) / pq(PEAK)
    knee = 1.5 * white - 0.5
    t = np.clip((value - knee) / (1 - knee), 0, 1)
    rolled = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * white
    )
    mapped = np.where(value < knee, light, np.interp(rolled, value, light))
    return (mapped / light).astype(np.float32)


@functools.cache
def _levels() -> np.ndarray:
    """Return the sRGB level of each of `STEPS` + 1 steps of linear light."""
    return quantize(encode_srgb(np.linspace(0, 1, STEPS + 1)))


@functools.cache
def _matrix(primaries: int) -> np.ndarray:
    """Return the matrix from linear light in some primaries to BT.709."""
    return (np.linalg.inv(_to_xyz(BT709)) @ _to_xyz(primaries)).astype(np.float32)


def _to_xyz(primaries: int) -> np.ndarray:
    points = np.reshape(PRIMARIES[primaries], (4, 2))
    white, *columns = [(x / y, 1, (1 - x - y) / y) for x, y in points]
    matrix = np.transpose(columns)
    return matrix * np.linalg.solve(matrix, white)
