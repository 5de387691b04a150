"""Metadata of a result: its inputs and settings as JSON in its file.

PNG files contain the JSON in the text chunk `nst_tf`, JPEG, WebP and TIFF files in a property of
their XMP packet, where no program shows it as a caption. Up to version 1.4, it was in the Exif
image description.
"""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from PIL import ExifTags, PngImagePlugin

from nst_tf.images.decode import MOST_PIXELS, open_picture
from nst_tf.images.exif import SOFTWARE, PhotoExif
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath

NAMESPACE = "urn:nst-tf:picture#"
"""Namespace of the XMP property `made`, which contains the JSON."""

_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:nst_tf="{namespace}">
<nst_tf:made>{text}</nst_tf:made>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def to_xmp(metadata: Mapping[str, Any]) -> bytes:
    """Return metadata as an XMP packet."""
    return _PACKET.format(namespace=NAMESPACE, text=escape(json.dumps(metadata))).encode()


def metadata_options(
    kind: str, metadata: Mapping[str, Any] | None, exif: PhotoExif
) -> dict[str, Any]:
    """Return the options of `PIL.Image.Image.save` that record metadata and Exif data.

    `kind` is Pillow's name of the format: PNG, JPEG or WEBP.
    """
    options: dict[str, Any] = {"dpi": exif.dpi} if exif.dpi and kind != "WEBP" else {}
    stored = exif.to_pillow()
    if metadata is not None:
        stored[ExifTags.Base.Software] = SOFTWARE
        if kind == "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text(SOFTWARE, json.dumps(metadata))
        else:
            options["xmp"] = to_xmp(metadata)
    return options | ({"exif": stored} if len(stored) or exif.capture else {})


def read_metadata(path: StrPath) -> dict[str, Any]:
    """Return what `save_image` recorded in the picture at `path`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it carries no such record.
    """
    with open_picture(path, MOST_PIXELS) as image:
        text = (
            image.info.get(SOFTWARE)
            or _property(image.info.get("xmp") or b"")
            or image.getexif().get(ExifTags.Base.ImageDescription)
        )
    try:
        record = json.loads(text or "")
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise UserError(f"{path} carries no settings of nst_tf: was it made by it?")
    return record


def _property(packet: bytes | str) -> str | None:
    """Return our property of an XMP packet: an element, or an attribute as others write it."""
    name = f"{{{NAMESPACE}}}made"
    try:
        root = ElementTree.fromstring(packet.strip(b"\0") if isinstance(packet, bytes) else packet)
    except ElementTree.ParseError:
        return None
    for element in root.iter():
        if element.tag == name:
            return element.text
        if name in element.attrib:
            return element.attrib[name]
    return None
