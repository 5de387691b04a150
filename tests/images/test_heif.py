"""Pictures as telephones take them."""

import sys

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, features

from nst_tf.cli.program import main
from nst_tf.images import kinds
from nst_tf.images.decode import open_picture
from nst_tf.images.io import load_image, load_picture

HEAD = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"


@pytest.fixture
def registered():
    """Return pillow_heif, which writes HEIC files too."""
    return pytest.importorskip("pillow_heif")


@pytest.fixture(autouse=True)
def openers(monkeypatch):
    """Start from Pillow's own formats, whatever another test has registered."""
    Image.init()
    names = [name for name in Image.ID if name != "HEIF"]
    monkeypatch.setattr(Image, "ID", names)
    monkeypatch.setattr(Image, "OPEN", {name: Image.OPEN[name] for name in names})


def halves(path, encode, **options):
    """Write a picture, red above and blue below, and turned by Exif to stand upright."""
    image = Image.new("RGB", (64, 96), "red")
    image.paste("blue", (0, 48, 64, 96))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Somebody"
    encode(image.transpose(Image.Transpose.ROTATE_90), path, exif=exif.tobytes(), **options)


def upright(path):
    picture = load_picture(path)
    assert picture.pixels.shape == (1, 96, 64, 3)
    assert picture.exif.authorship == {ExifTags.Base.Artist: "Somebody"}
    top, bottom = picture.pixels[0, :40], picture.pixels[0, 56:]
    np.testing.assert_allclose(top.mean((0, 1)), [1, 0, 0], atol=0.03)
    np.testing.assert_allclose(bottom.mean((0, 1)), [0, 0, 1], atol=0.03)


def test_heic_is_read_upright(registered, tmp_path):
    def encode(image, path, exif):
        registered.from_pillow(image).save(path, exif=exif, quality=-1)

    halves(tmp_path / "photo.heic", encode)
    upright(tmp_path / "photo.heic")
    (tmp_path / "photo.heic").rename(tmp_path / "photo.jpg")  # names do not count
    upright(tmp_path / "photo.jpg")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_read_upright_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    halves(tmp_path / "photo.avif", lambda image, path, exif: image.save(path, exif=exif))
    upright(tmp_path / "photo.avif")


def test_the_profile_of_a_heic_file_counts(registered, tmp_path):
    def encoded(space):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()
        path, image = tmp_path / f"{space}.heic", Image.new("RGB", (64, 64), (200, 60, 60))
        registered.from_pillow(image).save(path, quality=-1, icc_profile=profile)
        return path

    picture = load_picture(encoded("sRGB"))
    assert picture.has_profile
    np.testing.assert_allclose(picture.pixels.mean((0, 1, 2)) * 255, (200, 60, 60), atol=3)
    with pytest.warns(UserWarning, match=r"LAB\.heic has an unusable colour profile"):
        load_image(encoded("LAB"))


def test_a_damaged_heic_file_is_refused_with_the_true_cause(registered, tmp_path):
    path = tmp_path / "photo.heic"
    path.write_bytes(HEAD + bytes(200))
    with pytest.raises(OSError, match="is a HEIC picture and cannot be read: ") as caught:
        load_image(path)
    assert "damaged or truncated (Invalid input: " in str(caught.value)
    assert "pip install" not in str(caught.value)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_a_damaged_avif_file_is_refused_as_such(tmp_path):
    path = tmp_path / "photo.avif"
    path.write_bytes(HEAD.replace(b"heic", b"avif") + bytes(200))
    with pytest.raises(OSError, match="is an AVIF picture and cannot be read: damaged"):
        load_image(path)


def test_without_the_extra_a_heic_file_is_refused_in_one_line(tmp_path, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "photo.heic"
    path.write_bytes(HEAD + bytes(200))
    assert main(["nst-tf", str(path), str(path)]) == 1
    out, err = capfd.readouterr()
    assert err == (
        f"nst_tf: {path} is a HEIC picture: run pip install 'nst_tf[heif]', or convert it to JPEG\n"
    )
    assert out == ""


def test_a_damaged_heic_file_is_called_damaged(registered, tmp_path):
    (tmp_path / "cut.heic").write_bytes(HEAD + bytes(200))
    with pytest.raises(OSError, match=r"cut\.heic (cannot be read: damaged|is )"):
        load_image(tmp_path / "cut.heic")


def test_an_avif_file_that_pillow_cannot_read_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds.features, "check", lambda feature: False)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "AVIF"])
    (tmp_path / "photo.avif").write_bytes(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(99))
    with (
        pytest.raises(OSError, match=r"photo\.avif is an AVIF picture, .*: convert it to JPEG"),
        open_picture(tmp_path / "photo.avif"),
    ):
        pass


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\0\x08ftyp", b"\xff\xff\xff\xffftypqt  " + bytes(40), b"\0\0\0\0ftypxxxx"],
)
def test_files_of_other_kinds_stay_what_they_are(tmp_path, content):
    (tmp_path / "film.mov").write_bytes(content)
    with pytest.raises(OSError, match=r"film\.mov is not a picture that can be read"):
        load_image(tmp_path / "film.mov")
