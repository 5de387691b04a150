"""What a picture was made from, recorded in its file as JSON.

JPEG, WebP, TIFF and PNG files hold the JSON in the Exif image description, which is the TIFF tag
of that name. PNG files hold it in the text chunk `nst_tf` too.
"""

import json
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from nst_tf.files import StrPath
from nst_tf.images.decode import open_picture

SOFTWARE = "nst_tf"


def to_json(metadata: Mapping[str, Any]) -> str:
    """Return metadata as JSON in ASCII, the only encoding that Exif descriptions may have."""
    return json.dumps(metadata)


def metadata_options(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `PIL.Image.Image.save` that record metadata."""
    text = to_json(metadata)
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = SOFTWARE
    exif[ExifTags.Base.ImageDescription] = text
    chunks = PngImagePlugin.PngInfo()  # which other formats pass over
    chunks.add_text(SOFTWARE, text)
    return {"exif": exif, "pnginfo": chunks}


def read_metadata(path: StrPath) -> dict[str, Any]:
    """Return what `save_image` recorded in the picture at `path`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it carries no such record.
    """
    with open_picture(path) as image:
        text = image.getexif().get(ExifTags.Base.ImageDescription)
    try:
        return json.loads(text or "")
    except ValueError:
        raise ValueError(f"{path} carries no settings of nst_tf") from None
