"""Kinds of files that are read only with a decoder, or never: each is refused with a remedy."""

from PIL import features

from nst_tf.utils.files import StrPath, open_again

RAW = (
    "is a raw photo, which cannot be read: export it as JPEG or TIFF, with the camera's program, "
    "darktable or RawTherapee"
)

INSTALL_HEIF = "run pip install 'nst_tf[heif]', or "
"""The part of a remedy that only the owner of the machine can follow."""

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

_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


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
    return _heif_remedy(path)


def is_raw(start: bytes) -> bool:
    """Return whether a file starts as raw photos do that are not TIFF files."""
    return any(start[at:].startswith(sign) for at, sign, words in _KINDS if words == RAW)


def register_heif(path: StrPath) -> None:
    """Let Pillow read HEIC and HEIF, if the file at `path` is one and the extra `heif` is there.

    Raises:
        OSError: the file cannot be opened.
    """
    if _brand(path) != "HEIC":
        return
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return  # Pillow then finds no decoder, and `_heif_remedy` names the extra to install
    register_heif_opener()


def _heif_remedy(path: StrPath) -> str:
    """Return why Pillow cannot read a file, and what to do, in words that follow its name."""
    kind = _brand(path)
    if kind == "HEIC":
        return _reason(path)
    if kind == "AVIF" and not features.check("avif"):
        return "is an AVIF picture, which this Pillow cannot read: convert it to JPEG"
    if kind == "AVIF":
        return "is an AVIF picture and cannot be read: damaged or truncated"
    return "is not a picture that can be read"


def _reason(path: StrPath) -> str:
    """Return why a HEIC file cannot be read: a missing decoder, or its error."""
    try:
        from pillow_heif import open_heif
    except ImportError:
        return f"is a HEIC picture: {INSTALL_HEIF}convert it to JPEG"
    try:
        with open_again(path) as file:
            open_heif(file)
        reason = "its decoder cannot say why"
    except Exception as error:  # decoders raise exceptions of many kinds
        reason = " ".join(str(error).split())
    return f"is a HEIC picture and cannot be read: damaged or truncated ({reason})"


def _brand(path: StrPath) -> str:
    """Return HEIC, which stands for HEIF too, AVIF, or nothing, by the brands of a file's box."""
    # ISO/IEC 14496-12, 4.3: the box's size, `ftyp`, a brand, a version, and compatible brands.
    with open_again(path) as file:
        start = file.read(256)
    head = start[:12]
    if head[4:8] != b"ftyp":
        return ""
    rest = start[12 : min(int.from_bytes(head[:4], "big"), len(start))]
    brands = {head[8:12], *(rest[at : at + 4] for at in range(4, len(rest), 4))}
    if brands & _AVIF:
        return "AVIF"
    return "HEIC" if brands & _HEIF else ""
