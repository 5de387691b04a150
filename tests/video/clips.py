"""Small films with known frames, for tests."""

from fractions import Fraction

import numpy as np

from nst_tf.images.resize import resize


def moving(count=6, size=(48, 64), seed=0):
    """Return frames of a window that moves over a smooth picture, uint8 `[H, W, 3]` each."""
    height, width = size
    coarse = np.random.default_rng(seed).random((1, 4, 5, 3), dtype=np.float32)
    coarse = 0.2 + 0.3 * (coarse + coarse.mean(axis=-1, keepdims=True))
    picture = np.rint(255 * resize(coarse, (height + 2 * count, width + 2 * count))[0])
    return [picture.astype(np.uint8)[i : i + height, i : i + width] for i in range(count)]


def write_clip(
    path, frames, times=None, time_base=Fraction(1, 25), *, pixel_format="yuv420p", tags=None,
    rotation=0, seconds_of_sound=0.0, codec="libx264",
):  # fmt: skip
    """Write a film by PyAV, independently of the package.

    Args:
        path: where to.
        frames: uint8 `[H, W, 3]`.
        times: of the frames, in units of `time_base`; None: one after the other.
        tags: matrix and range, as numbers.
        rotation: degrees counter-clockwise that a player has to turn the pictures.
    """
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "4"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = time_base
        if tags:
            stream.codec_context.colorspace, stream.codec_context.color_range = tags
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=44100) if seconds_of_sound else None
        for frame, time in zip(frames, times or range(len(frames)), strict=True):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            matrix, range_ = tags or (5, 1)
            picture = picture.reformat(
                format=pixel_format, dst_colorspace=matrix, dst_color_range=range_
            )
            picture.pts, picture.time_base = time, time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if sound:
            tone = np.sin(np.arange(round(44100 * seconds_of_sound)) / 20).astype(np.float32)
            for start in range(0, len(tone), 1024):
                part = av.AudioFrame.from_ndarray(
                    tone[None, start : start + 1024], format="fltp", layout="mono"
                )
                part.sample_rate, part.pts = 44100, start
                container.mux(sound.encode(part))
            container.mux(sound.encode())


def sound_packets(path):
    """Return the packets of a film's sound."""
    import av

    with av.open(str(path)) as container:
        streams = container.streams.audio
        return [bytes(packet) for packet in container.demux(*streams) if packet.dts is not None]
