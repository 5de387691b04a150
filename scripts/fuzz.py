"""Malformed pictures, masks, films, weights and checkpoints through the functions that read them.

    python scripts/fuzz.py [--cases 4000] [--seed 0]

writes `fuzz.json` beside itself: how many cases of each kind were read, refused in one line, and
anything else, with the longest time and the growth of memory.
"""

import argparse
import io
import itertools
import random
import resource
import struct
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.utils.errors import UserError

HERE = Path(__file__).resolve().parent

PICTURES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "TIFF": "tiff", "GIF": "gif", "BMP": "bmp"}
FILMS = {
    "sound.mp4": ("libx264", "yuv420p", "aac"),
    "sound.mkv": ("ffv1", "yuva420p", "pcm_s16le"),
    "sound.webm": ("libvpx-vp9", "yuv420p", "libopus"),
    "sound.avi": ("mpeg4", "yuv420p", "pcm_u8"),
    "sound.mts": ("mpeg2video", "yuv420p", "ac3"),
    "hdr.mov": ("libx264", "yuv420p10le", None),
}
HUGE = (0, 1, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds(folder):
    """Return whole files by name, small ones of every kind that the program reads."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (24, 32, 4), np.uint8)
    files = {}
    for kind, ending in PICTURES.items():
        for mode in ("RGB", "L", "RGBA", "P"):
            if (kind, mode) in (("JPEG", "RGBA"), ("JPEG", "P"), ("GIF", "RGBA")):
                continue
            image = Image.fromarray(levels).convert(mode)
            data = io.BytesIO()
            image.save(data, kind)
            files[f"{mode}.{ending}"] = data.getvalue()
    deep = io.BytesIO()
    Image.fromarray(levels[..., 0].astype(np.uint16) * 257).save(deep, "PNG")
    files["deep.png"] = deep.getvalue()
    files |= _nested(Image.fromarray(levels).convert("RGB"))
    files |= _deep(levels) | _stated(files["RGB.png"], files["RGB.jpg"])
    files |= _films(Path(folder))
    return files | _weights() | {"run.checkpoint": _checkpoint(Path(folder))}


def _nested(image):
    """Return files that hold files or streams of other formats, or several pictures."""
    turned = image.rotate(180)
    kinds = {
        "png.ico": {"format": "ICO", "sizes": [(16, 16), (24, 24)]},
        "bmp.ico": {"format": "ICO", "sizes": [(16, 16)], "bitmap_format": "bmp"},
        "png.icns": {"format": "ICNS"},
        "jpeg.tiff": {"format": "TIFF", "compression": "jpeg"},
        "deflate.tiff": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
        "pages.tiff": {"format": "TIFF", "save_all": True, "append_images": [turned]},
        "jpegs.mpo": {"format": "MPO", "save_all": True, "append_images": [turned]},
        "film.webp": {"format": "WEBP", "save_all": True, "append_images": [turned]},
        "film.gif": {"format": "GIF", "save_all": True, "append_images": [turned]},
        "film.png": {"format": "PNG", "save_all": True, "append_images": [turned]},
    }
    files = {}
    for name, options in kinds.items():
        data = io.BytesIO()
        image.save(data, **options)
        files[name] = data.getvalue()
    return files


def _deep(levels):
    """Return files of the formats, depths and pages that Pillow does not read in full."""
    import imagecodecs

    eight = np.ascontiguousarray(levels[..., :3])
    deep, floats = eight.astype(np.uint16) * 257, (eight / 255).astype(np.float32)
    files = {
        "8.jxl": imagecodecs.jpegxl_encode(eight, lossless=True),
        "16.jxl": imagecodecs.jpegxl_encode(deep, lossless=True),
        "lossy.jxl": imagecodecs.jpegxl_encode(eight, level=80),
        "8.jxr": imagecodecs.jpegxr_encode(eight, level=1.0),
        "float.jxr": imagecodecs.jpegxr_encode(floats, level=1.0),
        "light.hdr": imagecodecs.rgbe_encode(floats, header=True),
        "16.jp2": imagecodecs.jpeg2k_encode(deep, level=0),
        "12.jpg": imagecodecs.jpeg8_encode(deep >> 4, level=95, bitspersample=12),
        "ls.jpg": imagecodecs.jpegls_encode(eight),
        "rgb16.png": imagecodecs.png_encode(deep),
    }
    pages = {
        "float.tiff": [(floats, {"photometric": "rgb"})],
        "u32.tiff": [(deep[..., 0].astype(np.uint32) * 65537, {})],
        "12.tiff": [(deep >> 4, {"photometric": "rgb", "bitspersample": 12})],
        "jxl.tiff": [(deep, {"photometric": "rgb", "compression": "jpegxl"})],
        "sub.tiff": [(eight[:4, :6], {"photometric": "rgb", "subifds": 1}),
                     (deep, {"photometric": "rgb"})],
        "raw.tiff": [(eight[:4, :6], {"photometric": "rgb", "subifds": 1}),
                     (deep[..., 0], {"photometric": 32803})],
    }  # fmt: skip
    return files | {name: _tiff(written) for name, written in pages.items()}


def _tiff(pages):
    import tifffile

    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        for array, options in pages:
            file.write(array, **options)
    return data.getvalue()


def _stated(png, jpeg):
    """Return files whose colours, texts or ends are not as Pillow expects them."""
    header, *rest = _split(png)
    kinds = {
        "gamma.png": [(b"gAMA", struct.pack(">I", 100000)), (b"cHRM", struct.pack(
            ">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))],
        "hdr.png": [(b"cICP", bytes([9, 16, 0, 1]))],
        "text.png": [(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**20 + 1)))],
        "profile.png": [(b"iCCP", b"ICC\0\0" + zlib.compress(bytes(2**20 + 1)))],
    }  # fmt: skip
    files = {name: _joined([header, *chunks, *rest]) for name, chunks in kinds.items()}
    return files | {"end.jpg": jpeg[:-2]}


def _films(folder):
    """Return small films with sound, of several containers and codecs, and of HDR."""
    import av

    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (4, 32, 48, 3), np.uint8)
    films = {}
    for name, (codec, pixel_format, sound) in FILMS.items():
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width, stream.pix_fmt = 32, 48, pixel_format
            if name.startswith("hdr"):
                context = stream.codec_context
                context.colorspace = context.color_primaries = 9
                context.color_trc = 16
            track = container.add_stream(sound, rate=48000, layout="mono") if sound else None
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if track:
                tone = rng.integers(-9999, 9999, (1, 4800), np.int16)
                part = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
                part.sample_rate = 48000
                container.mux(track.encode(part))
                container.mux(track.encode())
        films[name] = (folder / name).read_bytes()
    return films


def read_film(path):
    """Read a film and write it again, as the program does without painting it."""
    from nst_tf.video.reader import open_video
    from nst_tf.video.writer import Encoding, check_writable_video, write_video

    footage = open_video(str(path))
    footage.expected()
    target = f"{path}.webm"
    frames = list(itertools.islice(footage.frames(), 8))
    check_writable_video(target, footage, footage.size, Encoding())
    if max(footage.size) <= 256 and len({frame.pixels.shape for frame in frames}) == 1:
        write_video(target, footage, frames, Encoding(), until=Fraction(1))
    Path(target).unlink(missing_ok=True)


def _weights():
    """Return files with VGG19's first layers: what follows them is refused as missing."""
    import h5py

    arrays = {
        "block1_conv1": (np.zeros((3, 3, 3, 64), np.float32), np.zeros(64, np.float32)),
        "block1_conv2": (np.zeros((3, 3, 64, 64), np.float16), np.zeros(64, np.float32)),
    }
    flat = {}
    for name, (kernel, bias) in arrays.items():
        flat |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    files = {}
    for name, save in (("plain", np.savez), ("packed", np.savez_compressed)):
        data = io.BytesIO()
        save(data, **flat)
        files[f"{name}.npz"] = data.getvalue()
    files["bomb.npz"] = _bomb()
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for name, array in flat.items():
            file[f"{name.partition('/')[0]}/{name}"] = array
        shape = (3, 3, 1 << 12, 1 << 16)  # 9 GiB that take no room in the file
        file.create_dataset("block2_conv1/kernel", shape, np.float32, chunks=(3, 3, 64, 64))
    files["plain.h5"] = data.getvalue()
    return files


def _bomb():
    """Return an archive of a few hundred KiB with an array of 256 MiB of zeros."""
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (1 << 25,)}
    np.lib.format.write_array_header_1_0(header, shape)
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("block1_conv1/kernel.npy", "w") as entry,
    ):
        entry.write(header.getvalue())
        for _ in range(256):
            entry.write(bytes(1 << 20))
    return data.getvalue()


def _checkpoint(folder):
    import tensorflow as tf

    from nst_tf.compute.plan import Plan
    from nst_tf.optimizers.adam import adam_start
    from nst_tf.transfer.checkpoint import save_checkpoint
    from nst_tf.transfer.state import RunState, SavedRun

    shape = (1, 8, 8, 3)
    plan = Plan(**dict.fromkeys(Plan._fields, 0) | {"precision": "float32"})
    image = tf.fill(shape, 0.5)
    state = RunState(1, 1, 1, 0, image, image, adam_start(shape), None, (1.0,), 1, 1.0, plan)
    save_checkpoint(folder / "seed", SavedRun(state, (plan,), {"epochs": 1}, [{"step": 1}]))
    return (folder / "seed").read_bytes()


def damaged(data, rng, name):
    """Return a file with damage of a random kind."""
    kinds = [cut, flip, blank, shuffle, absurd, noise]
    if name.endswith(".png"):
        kinds += [chunks, dimensions] * 2
    data = bytearray(data)
    return bytes(rng.choice(kinds)(data, rng))


def cut(data, rng):
    return data[: rng.randrange(len(data))]


def flip(data, rng):
    for _ in range(rng.choice((1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def blank(data, rng):
    at, size = rng.randrange(len(data)), rng.choice((1, 4, 64, 512))
    data[at : at + size] = bytes(len(data[at : at + size]))
    return data


def shuffle(data, rng):
    """Move a part of the file to another place."""
    at, to, size = (rng.randrange(len(data)) for _ in range(3))
    part = data[at : at + size % 600]
    data[to:to] = part
    return data


def absurd(data, rng):
    """Write a number that may be taken for a size, near the start where sizes are."""
    at = rng.randrange(min(len(data), rng.choice((64, 256, 10**9))))
    value = rng.choice(HUGE).to_bytes(4, rng.choice(("big", "little")))
    data[at : at + 4] = value
    return data


def noise(data, rng):
    at = rng.randrange(min(len(data), 64))
    return data[:at] + rng.randbytes(rng.choice((0, 16, 4096)))


def _split(data):
    found, at = [], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append((bytes(data[at + 4 : at + 8]), bytes(data[at + 8 : at + 8 + size])))
        at += 12 + size
    return found


def _joined(parts):
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in parts:
        out += struct.pack(">I", len(body)) + kind + body
        out += struct.pack(">I", zlib.crc32(kind + body))
    return out


def chunks(data, rng):
    """Drop, repeat, rename or swap chunks of a PNG file, whose checksums stay right."""
    parts = _split(data)
    at, to = rng.randrange(len(parts)), rng.randrange(len(parts))
    action = rng.randrange(4)
    if action == 0:
        del parts[at]
    elif action == 1:
        parts.insert(to, parts[at])
    elif action == 2:
        names = (b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"zTXt", b"gAMA", b"acTL", b"IEND")
        parts[at] = (rng.choice(names), parts[at][1])
    else:
        parts[at], parts[to] = parts[to], parts[at]
    return _joined(parts)


def dimensions(data, rng):
    """Give a PNG file another size, depth or kind, with a checksum that is right."""
    parts = _split(data)
    header = bytearray(parts[0][1])
    at = rng.choice((0, 4, 8, 9, 12))
    if at < 8:
        header[at : at + 4] = struct.pack(">I", rng.choice((*HUGE, 20000, 60000)))
    else:
        header[at] = rng.choice((0, 1, 2, 3, 4, 6, 16, 255))
    return _joined([(b"IHDR", bytes(header)), *parts[1:]])


def readers(name):
    """Return the functions of the program that read a file of a name."""
    from nst_tf.images.decode import upright_size
    from nst_tf.images.io import load_mask, load_picture
    from nst_tf.images.metadata import read_metadata
    from nst_tf.network.weights import load_weights
    from nst_tf.transfer.checkpoint import load_checkpoint

    if name in FILMS:
        return [read_film]
    if name.endswith((".npz", ".h5")):
        return [lambda path: load_weights(str(path))]
    if name.endswith(".checkpoint"):
        return [load_checkpoint]
    films = [read_film] if name.startswith("film.") else []
    return [lambda path: load_picture(path, 16), load_mask, read_metadata, upright_size, *films]


def outcome(read, path):
    """Return what came of reading a file: `read`, `refused`, or a line about what must not be."""
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
        result = "read"
    except (OSError, UserError) as error:
        text = str(error)
        result = "refused" if text and "\n" not in text else f"not one line: {text!r}"
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    took = time.perf_counter() - began
    return (result if took < 5 else f"{took:.1f} s"), took


def fuzz(cases, seed, folder):
    """Read damaged files and return a record of what came of it."""
    rng = random.Random(seed)
    files = seeds(folder)
    names = sorted(files)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts, wrong, longest = {}, [], 0.0
    for case in range(cases):
        name = names[case % len(names)]
        whole = case < len(names)  # what is not damaged must do no harm either
        path = Path(folder) / f"{case}-{name}"
        path.write_bytes(files[name] if whole else damaged(files[name], rng, name))
        kind = name.rpartition(".")[2]
        for read in readers(name):
            result, took = outcome(read, path)
            longest = max(longest, took)
            ordinary = result in ("read", "refused")
            counts.setdefault(kind, Counter())[result if ordinary else "wrong"] += 1
            if not ordinary:
                wrong.append(f"case {case}, {name}: {result}")
        path.unlink()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "cases": cases,
        "seed": seed,
        "counts": {kind: dict(sorted(found.items())) for kind, found in sorted(counts.items())},
        "wrong": wrong,
        "longest_seconds": round(longest, 2),
        "memory_growth_mib": grown // 1024,
    }


def main():
    from record import describe, write_record

    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(arguments.cases, arguments.seed, folder)
    write_record(HERE / "fuzz.json", describe() | found)
    print(*found["wrong"], sep="\n")


if __name__ == "__main__":
    main()
