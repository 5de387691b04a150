"""What a photo's file tells beside its pixels, and what of that a result repeats."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from nst_tf.images.exif import PhotoExif
from nst_tf.images.io import load_image, load_picture
from nst_tf.images.metadata import read_metadata
from nst_tf.images.save import save_image

TAG = ExifTags.Base
AUTHORSHIP = {TAG.Artist: "Åsa", TAG.Copyright: "© Åsa", TAG.Make: "Maker", TAG.Model: "Camera 1"}
CAPTURE = {TAG.DateTimeOriginal: "2024:05:06 07:08:09", TAG.FNumber: 2.8, TAG.ISOSpeedRatings: 200}
PRIVATE = {TAG.BodySerialNumber: "123456", TAG.CameraOwnerName: "Åsa B.", TAG.MakerNote: b"notes"}
FILES = [("out.png", 8), ("out.jpg", 8), ("out.webp", 8), ("out.tiff", 8), ("out.png", 16),
         ("out.tiff", 16)]  # fmt: skip

every_file = pytest.mark.parametrize(("name", "bit_depth"), FILES)


@pytest.fixture
def taken(tmp_path):
    """Return the path of a photo that tells a lot of itself, stored on its side."""
    exif = Image.Exif()
    for tag, value in AUTHORSHIP.items():
        exif[tag] = value.encode("latin-1")
    exif[TAG.Orientation] = 6
    exif[TAG.ImageDescription] = "a caption"
    exif.get_ifd(ExifTags.IFD.Exif).update(CAPTURE | PRIVATE)
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({ExifTags.GPS.GPSLatitude: (52.0, 31.0, 12.0)})
    path = tmp_path / "taken.jpg"
    Image.new("RGB", (40, 20), "red").save(path, exif=exif, dpi=(300, 150))
    return path


def saved(path, bit_depth, **options):
    image = np.random.default_rng(1).random((5, 4, 3), dtype=np.float32)
    save_image(path, image, bit_depth=bit_depth, **options)
    return image


@every_file
def test_artist_copyright_and_capture_are_kept_and_places_are_not(taken, tmp_path, name, bit_depth):
    exif = load_picture(taken).exif
    assert exif.authorship == AUTHORSHIP
    assert exif.capture == CAPTURE
    saved(tmp_path / name, bit_depth, exif=exif, metadata={"steps": 3})
    with Image.open(tmp_path / name) as result:
        exif = result.getexif()
        assert {tag: exif[tag] for tag in AUTHORSHIP} == AUTHORSHIP
        assert dict(exif.get_ifd(ExifTags.IFD.Exif)) == pytest.approx(CAPTURE)
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert exif.get(TAG.Orientation, 1) == 1
    again = load_picture(tmp_path / name).exif
    assert again.authorship == AUTHORSHIP
    assert dict(again.capture) == pytest.approx(CAPTURE)
    assert again.dpi == pytest.approx((150, 300), abs=0.02)
    for secret in (b"123456", b"notes", b"a caption"):
        assert secret not in (tmp_path / name).read_bytes()


@every_file
def test_the_record_is_no_caption(tmp_path, name, bit_depth):
    record = {"settings": {"epochs": 3}, "artist": "Utagawa 歌川 <&>\"'"}
    image = saved(tmp_path / name, bit_depth, metadata=record)
    assert read_metadata(tmp_path / name) == record
    with Image.open(tmp_path / name) as result:
        assert TAG.ImageDescription not in result.getexif()
        assert result.getexif()[TAG.Software] == "nst_tf"
        assert "comment" not in {key.lower() for key in result.info}
        assert "Description" not in result.info
    if name != "out.jpg":
        np.testing.assert_allclose(load_image(tmp_path / name)[0], image, atol=0.51 / 255)


def test_a_record_of_version_1_4_is_read(tmp_path):
    exif = Image.Exif()
    exif[TAG.ImageDescription] = '{"nst_tf": "1.4.0"}'
    for name in ("old.jpg", "old.png", "old.webp", "old.tiff"):
        Image.new("RGB", (4, 4)).save(tmp_path / name, exif=exif)
        assert read_metadata(tmp_path / name) == {"nst_tf": "1.4.0"}


def test_a_record_that_another_program_has_rewritten_is_read(tmp_path):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:ns1="urn:nst-tf:picture#" ns1:made="{&quot;steps&quot;: 3}"/></rdf:RDF></x:xmpmeta>'
    )
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", xmp=packet.encode())
    assert read_metadata(tmp_path / "a.jpg") == {"steps": 3}
    Image.new("RGB", (4, 4)).save(tmp_path / "b.jpg", xmp=b"<x:xmpmeta")
    with pytest.raises(ValueError, match="carries no settings"):
        read_metadata(tmp_path / "b.jpg")


@every_file
def test_the_dots_per_inch_are_the_photos(taken, tmp_path, name, bit_depth):
    exif = load_picture(taken).exif
    assert exif.dpi == (150, 300)  # the photo lies on its side
    saved(tmp_path / name, bit_depth, exif=exif)
    with Image.open(tmp_path / name) as result:
        if name != "out.webp":  # which states them in Exif alone
            assert result.info["dpi"] == pytest.approx((150, 300), abs=0.02)
        assert result.getexif().get(TAG.XResolution, 150) == 150


def test_a_photo_that_states_no_dots_per_inch_gets_none(tmp_path):
    exif = Image.Exif()
    exif[TAG.Make] = "Maker"
    image = Image.new("RGB", (8, 8))
    for name in ("no.png", "no.jpg", "no.tiff"):
        image.save(tmp_path / name, exif=exif)
        again = load_picture(tmp_path / name).exif
        assert again == PhotoExif({TAG.Make: "Maker"})
        saved(tmp_path / f"out-{name}", 8, exif=again)
        assert load_picture(tmp_path / f"out-{name}").exif.dpi is None


def test_nothing_is_said_of_a_photo_that_says_nothing(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    assert load_picture(tmp_path / "plain.png").exif == PhotoExif()
    saved(tmp_path / "out.jpg", 8, exif=PhotoExif())
    with Image.open(tmp_path / "out.jpg") as result:
        assert not result.getexif()
        assert "xmp" not in result.info


def test_damaged_exif_does_not_cost_the_photo(tmp_path):
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\xff\xff\xff\x7f\0\0\0\0"
    Image.new("RGB", (8, 8)).save(tmp_path / "damaged.jpg", exif=exif)
    assert load_picture(tmp_path / "damaged.jpg").exif == PhotoExif()
