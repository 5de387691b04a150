"""Conversion between PyAV's frames and arrays: square pixels, upright, sRGB."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from nst_tf.images.io import over_white
from nst_tf.images.levels import quantize, to_float
from nst_tf.images.resize import Size
from nst_tf.video.footage import ColorTags, Frame
from nst_tf.video.hdr import BT709, kind, to_sdr

UNSPECIFIED = 2  # in ITU-T H.273
BT601 = 5  # matrix
LIMITED = 1  # range
HD = 720  # rows from which players interpret unspecified colours as BT.709
MAX_ASPECT = 4  # of a pixel's width and height: anything beyond is damage
INVISIBLE = 255  # level of invisible pixels: white


def color_tags(frame: Any) -> ColorTags:
    """Return the colour tags for a film made of frames such as `frame`."""
    if frame.format.is_rgb or frame.format.name == "pal8":
        return ColorTags()
    if kind(frame.color_trc, frame.color_primaries):
        return ColorTags(BT709, LIMITED, BT709, BT709)
    numbers = (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc)
    return ColorTags(*map(int, numbers))


def square_size(height: int, width: int, aspect: Fraction | None) -> Size:
    """Return the size of a frame with square pixels: one side grows, to an even number.

    `aspect` is a stored pixel's width divided by its height, or None if it is unknown.
    """
    if not aspect or aspect == 1 or not Fraction(1, MAX_ASPECT) <= aspect <= MAX_ASPECT:
        return height, width
    if aspect > 1:
        return height, 2 * round(width * aspect / 2)
    return 2 * round(height / aspect / 2), width


def to_srgb(frame: Any, aspect: Fraction | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the pixels of a decoded frame, uint8 `[H, W, 3]`, and its alpha, uint8 `[H, W]`.

    The alpha is None if the frame is opaque; invisible pixels are white. Untagged colours are
    interpreted as players do: BT.709 from 720 rows on, else BT.601. Frames with HDR or a wide gamut
    are mapped to BT.709. `aspect` is that of `square_size`.

    Raises:
        FFmpegError: the colours are stored in an unknown way.
    """
    from av.video.reformatter import Interpolation

    exact = (
        Interpolation.BICUBIC | Interpolation.ACCURATE_RND
        | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    )  # fmt: skip
    stored = frame.format
    guessed = frame.colorspace == UNSPECIFIED and not stored.is_rgb and stored.name != "pal8"
    height, width = square_size(frame.height, frame.width, aspect)

    def levels(pixel_format: str) -> np.ndarray:
        return frame.reformat(
            width=width,
            height=height,
            format=pixel_format,
            src_colorspace=(BT709 if frame.height >= HD else BT601) if guessed else None,
            interpolation=exact,
        ).to_ndarray()

    alpha = None
    if stored.name == "pal8" or any(component.is_alpha for component in stored.components):
        rgba = levels("rgba")
        pixels, alpha = rgba[..., :3], rgba[..., 3]
        pixels = np.where(alpha[..., None] > 0, pixels, np.uint8(INVISIBLE))
        alpha = None if alpha.min() == 255 else alpha
    elif kind(frame.color_trc, frame.color_primaries) and not stored.is_rgb:
        pixels = to_sdr(levels("rgb48le"), frame.color_trc, frame.color_primaries)
    else:
        pixels = levels("rgb24")
    return upright(pixels, frame), None if alpha is None else upright(alpha, frame)


def upright(pixels: np.ndarray, frame: Any) -> np.ndarray:
    """Return pixels, `[H, W, …]`, rotated and mirrored according to a frame's display matrix.

    The matrix maps a stored location (x, y) to the displayed location (a x + c y, b x + d y). Other
    angles are rounded to multiples of 90 degrees.
    """
    from av.sidedata.sidedata import Type

    found = frame.side_data.get(Type.DISPLAYMATRIX)
    if found is None:
        return np.ascontiguousarray(pixels)
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(found), np.int32).reshape(3, 3).tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        pixels, a, d = np.swapaxes(pixels, 0, 1), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def av_frame(frame: Frame, with_alpha: bool) -> Any:
    """Return a frame for PyAV: `rgba`, or `rgb24` composed over white."""
    import av

    pixels, alpha = frame.pixels, frame.alpha
    if with_alpha:
        alpha = np.full(pixels.shape[:2], 255, np.uint8) if alpha is None else alpha
        levels = np.concatenate([pixels, alpha[..., None]], axis=-1)
        return av.VideoFrame.from_ndarray(levels, format="rgba")
    if alpha is not None:
        pixels = quantize(over_white(to_float(pixels), to_float(alpha)))
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")


def progressive(frames: Iterator[Any]) -> Iterator[Any]:
    """Yield decoded frames, and deinterlace those that are flagged as interlaced."""
    for _, alike in itertools.groupby(frames, lambda f: (f.width, f.height, f.format.name)):
        yield from _deinterlaced(alike)


def _deinterlaced(frames: Iterator[Any]) -> Iterator[Any]:
    """Yield frames of one size and format, deinterlaced from the first interlaced one on.

    FFmpeg's filter `bwdif` uses the neighbouring frames, so it yields each frame one frame later.
    """
    from av.filter import Graph

    graph: Any = None
    times: list[int | None] = []
    for frame in frames:
        if graph is None and frame.interlaced_frame:
            graph = Graph()
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format,
                time_base=frame.time_base or Fraction(1, 1000),
            )  # fmt: skip
            filtered = graph.add("bwdif", "mode=send_frame:deint=interlaced")
            graph.link_nodes(source, filtered, graph.add("buffersink")).configure()
        if graph is None:
            yield frame
        else:
            times.append(frame.pts)
            graph.push(frame)
            yield from _ready(graph, times)
    if graph:
        graph.push(None)
        yield from _ready(graph, times)


def _ready(graph: Any, times: list[int | None]) -> Iterator[Any]:
    """Yield the frames that a filter has finished, and take their times from the list."""
    import av

    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        frame.pts = times.pop(0)  # the filter counts half units
        yield frame
