"""HEIC, HEIF and AVIF files: read if a decoder is installed, otherwise refused with the remedy."""

from PIL import features

from nst_tf.utils.files import StrPath, open_again

_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


def register(path: StrPath) -> None:
    """Let Pillow read HEIC and HEIF, if the file at `path` is one and the extra `heif` is there.

    Raises:
        OSError: the file cannot be opened.
    """
    if _kind(path) != "HEIC":
        return
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return  # Pillow then finds no decoder, and `remedy` names the extra to install
    register_heif_opener()


def remedy(path: StrPath) -> str:
    """Return why Pillow cannot read a file, and what to do, in words that follow its name."""
    kind = _kind(path)
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
        return "is a HEIC picture: run pip install 'nst_tf[heif]', or convert it to JPEG"
    try:
        with open_again(path) as file:
            open_heif(file)
        reason = "its decoder cannot say why"
    except Exception as error:  # decoders raise exceptions of many kinds
        reason = " ".join(str(error).split())
    return f"is a HEIC picture and cannot be read: damaged or truncated ({reason})"


def _kind(path: StrPath) -> str:
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
