"""Colours that files state by numbers instead of a profile."""

from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from nst_tf.images.levels import decode_srgb, quantize
from nst_tf.images.png import read_cicp
from nst_tf.utils.files import StrPath, open_again

HDR_CURVES = {16: "PQ", 18: "HLG"}
"""Transfer functions of pictures with a high dynamic range, by their numbers in ITU-T H.273."""

_D65 = (0.3127, 0.3290)
_SRGB = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
PRIMARIES = {
    1: _SRGB,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""x and y of white, red, green and blue, by their numbers in ITU-T H.273, table 2."""

_SRGB_CURVE = 0.0
_GAMMAS = {1: _SRGB_CURVE, 6: _SRGB_CURVE, 13: _SRGB_CURVE, 14: _SRGB_CURVE, 15: _SRGB_CURVE,
           4: 2.2, 5: 2.8, 8: 1.0}  # fmt: skip
"""Exponents of transfer functions, table 3. Cameras' curves, BT.709's, are shown as sRGB's."""

_CLOSE = 0.005
"""Difference up to which numbers are sRGB's: files round them."""


def hdr_remark(transfer: int) -> str:
    """Return a remark on a picture with a curve of `HDR_CURVES`, or "" for other curves."""
    if transfer not in HDR_CURVES:
        return ""
    return (
        f"is an HDR picture ({HDR_CURVES[transfer]}), whose colours are read as sRGB's and look "
        "flat: save it as SDR for better ones"
    )


def state_colors(path: StrPath, image: Image.Image) -> str:
    """Give a picture the profile that its file states by numbers.

    What counts in a PNG file is cICP, then a profile, sRGB, and gAMA with cHRM: PNG, third edition,
    4.3. In HEIF and AVIF files, a profile counts before nclx.

    Returns:
        `hdr_remark` of the picture.
    """
    named = None
    if image.format == "PNG":
        with open_again(path) as file:
            named = read_cicp(file)
    elif image.format in ("AVIF", "HEIF"):
        named = _nclx(path)
    primaries, transfer = named or (0, 0)
    if primaries not in PRIMARIES or transfer not in _GAMMAS:
        profile = stated_profile(image.info)
    elif image.format != "PNG" and image.info.get("icc_profile"):
        return ""
    else:
        image.info.pop("icc_profile", None)
        profile = _profile(PRIMARIES[primaries], _GAMMAS[transfer])
    if profile:
        image.info["icc_profile"] = profile
    for weaker in ("gamma", "chromaticity"):
        image.info.pop(weaker, None)
    return hdr_remark(transfer)


def stated_profile(info: dict[Any, Any]) -> bytes | None:
    """Return a profile of what Pillow found in gAMA and cHRM, or None if it is sRGB or a profile.

    A gamma of 1/2.2 means sRGB's curve: programs write it into pictures in sRGB.
    """
    if info.get("icc_profile") or "srgb" in info or not {"gamma", "chromaticity"} & info.keys():
        return None
    gamma, primaries = info.get("gamma", 1 / 2.2), info.get("chromaticity", _SRGB)
    exponent = _SRGB_CURVE if abs(gamma - 1 / 2.2) < _CLOSE or gamma <= 0 else 1 / gamma
    return _profile(primaries, exponent)


def _profile(primaries: tuple[float, ...], exponent: float) -> bytes | None:
    """Return an ICC profile, or None if it is sRGB's or the numbers make none."""
    if exponent == _SRGB_CURVE and np.allclose(primaries, _SRGB, atol=_CLOSE):
        return None
    pairs = zip(primaries[::2], primaries[1::2], strict=True)
    white, *colors = [(x, y, 1.0) for x, y in pairs]
    curve: dict[str, Any] = {"gamma": exponent}
    if exponent == _SRGB_CURVE:
        curve = {"transferfunction": quantize(decode_srgb(np.linspace(0, 1, 4096)), 16)}
    try:
        return imagecodecs.cms_profile(
            "rgb", whitepoint=white, primaries=[x for color in colors for x in color], **curve
        )
    except imagecodecs.CmsError:
        return None


def _nclx(path: StrPath) -> tuple[int, int] | None:
    """Return primaries and transfer function that a HEIF or AVIF file states, ISO/IEC 14496-12."""
    with open_again(path) as file:
        box = file.read(2**16).partition(b"colrnclx")[2]
    return (int.from_bytes(box[:2], "big"), int.from_bytes(box[2:4], "big")) if box[3:] else None
