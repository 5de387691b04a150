"""Kinds of files that are recognised and cannot be read, each with its remedy."""

from nst_tf.images import heif
from nst_tf.utils.files import StrPath, open_again

RAW = (
    "is a raw photo, which cannot be read: export it as JPEG or TIFF, with the camera's program, "
    "darktable or RawTherapee"
)

_EXPORT = "cannot be read: export it as PNG or TIFF"
_KINDS = (
    (0, b"v/1\x01", f"is an OpenEXR picture, which {_EXPORT}, tone-mapped"),
    (0, b"%PDF", f"is a PDF document, which {_EXPORT}"),
    (0, b"<svg", f"is an SVG drawing, which {_EXPORT}"),
    (0, b"gimp xcf", f"is a GIMP file, which {_EXPORT}"),
    (0, b"8BPS\0\2", f"is a large Photoshop document (PSB), which {_EXPORT}"),
    (0, b"\xff\x0a", f"is a JPEG XL picture, which this imagecodecs {_EXPORT}"),
    (0, b"\0\0\0\x0cJXL ", f"is a JPEG XL picture, which this imagecodecs {_EXPORT}"),
    (0, b"II\xbc\x01", f"is a JPEG XR picture, which this imagecodecs {_EXPORT}"),
    (0, b"#?RADIANCE", f"is a Radiance HDR picture, which this imagecodecs {_EXPORT}, tone-mapped"),
    (0, b"\xff\x10\xff\x50", f"is a JPEG XS picture, which {_EXPORT}"),
    (0, b"BPG\xfb", f"is a BPG picture, which {_EXPORT}"),
    (0, b"FLIF", f"is a FLIF picture, which {_EXPORT}"),
    (8, b"CR\2", RAW),  # Canon's CR2
    (4, b"ftypcrx ", RAW),  # Canon's CR3
    (0, b"IIRO", RAW),  # Olympus' ORF, as the next two
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),  # Panasonic's and Leica's RW2
    (0, b"FUJIFILMCCD-RAW", RAW),  # Fujifilm's RAF
    (0, b"FOVb", RAW),  # Sigma's X3F
    (0, b"\0MRM", RAW),  # Minolta's MRW
)


def refusal(path: StrPath) -> str:
    """Return why a file that no decoder takes cannot be read, in words that follow its name."""
    with open_again(path) as file:
        start = file.read(64)
    for at, signature, words in _KINDS:
        if start[at:].startswith(signature):
            return words
    if start.startswith(b"8BPS"):
        bits = int.from_bytes(start[22:24], "big")
        return f"is a Photoshop document with {bits} bits a channel, which {_EXPORT}"
    return heif.remedy(path)


def is_raw(start: bytes) -> bool:
    """Return whether a file starts as raw photos do that are not TIFF files."""
    return any(start[at:].startswith(sign) for at, sign, words in _KINDS if words == RAW)
