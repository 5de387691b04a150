"""GIF films with one palette for all frames, which keeps still parts from flickering."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from nst_tf.video.footage import Frame
from nst_tf.video.pixels import av_frame

DITHER = "bayer:bayer_scale=4"  # depends only on the location: still parts stay still


def gif_frames(frames: Iterable[Frame], time_base: Fraction) -> Iterator[Any]:
    """Yield the frames in the colours of one palette, for PyAV's encoder `gif`.

    They are iterated twice, first for the palette, so only a few of them are in memory. Their times
    have a unit of `time_base` seconds.
    """
    palette = _palette(frames, time_base)
    graph: Any = None
    for frame in frames:
        picture = _picture(frame, time_base)
        if graph is None:
            graph, source, colors, sink = _graph(picture, palette)
            colors.push(palette)
            colors.push(None)
        source.push(picture)
        yield sink.pull()


def _picture(frame: Frame, time_base: Fraction) -> Any:
    picture = av_frame(frame, with_alpha=True).reformat(format="bgra")
    picture.pts, picture.time_base = frame.pts, time_base
    return picture


def _palette(frames: Iterable[Frame], time_base: Fraction) -> Any:
    """Return the palette of all frames, a picture of 16x16 pixels."""
    from av.filter import Graph

    graph: Any = None
    for frame in frames:
        picture = _picture(frame, time_base)
        if graph is None:
            graph = Graph()
            source = _buffer(graph, picture)
            generator, sink = graph.add("palettegen", "stats_mode=full"), graph.add("buffersink")
            graph.link_nodes(source, generator, sink).configure()
        source.push(picture)
    source.push(None)
    return sink.pull()


def _graph(picture: Any, palette: Any) -> tuple[Any, Any, Any, Any]:
    """Return a filter graph that applies the palette, its two inputs and its output."""
    from av.filter import Graph

    graph = Graph()
    source, colors = _buffer(graph, picture), _buffer(graph, palette)
    user, sink = graph.add("paletteuse", f"dither={DITHER}"), graph.add("buffersink")
    colors.link_to(user, 0, 1)
    graph.link_nodes(source, user, sink).configure()
    return graph, source, colors, sink


def _buffer(graph: Any, picture: Any) -> Any:
    return graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base,
    )
