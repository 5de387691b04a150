"""Names of pictures from templates, and names that are taken twice."""

import os

import pytest

from nst_tf import Settings
from nst_tf.batch.naming import LENGTHS, Template, duplicates, identity, place_output


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{content}-{style}.png", "cat-wave-night.png"),
        ("{style}/{content}-{recipe}.jpg", "wave-night/cat-fast.jpg"),
        ("{row:04}-{strength}-{max_dim}.webp", "0007-0.5-512.webp"),
        ("{style_layers}-{init}.png", "block1_conv1,block2_conv1-a_b.png"),
    ],
)
def test_a_template_gives_a_name(template, name):
    settings = Settings(
        strength=0.5, style_layers=("block1_conv1", "block2_conv1"), init="a/b.png"[:3]
    )
    made = Template(template).name(["in/cat.jpg"], ["s/wave.png", "night.png"], "fast", 7, settings)
    assert made == name


def test_without_a_photo_or_a_painting():
    template = Template("{content}-{style}.png")
    assert template.name([], ["wave.png"], "fast", 1, Settings()) == "texture-wave.png"
    assert template.name(["cat.png"], [], "fast", 1, Settings()) == "cat-reconstruction.png"


def test_names_that_would_be_taken_twice_are_longer():
    template = Template("{content}-{style}.png")
    names = [
        template.name(["in/cat.jpg"], ["s/wave.png"], "fast", 1, Settings(), length)
        for length in range(len(LENGTHS))
    ]
    assert names == [
        "cat-wave.png", "cat-jpg-wave.png", "cat-jpg-wave-png.png", "in-cat-jpg-wave-png.png",
        "in-cat-jpg-s-wave-png.png",
    ]  # fmt: skip


def test_bytes_that_are_not_utf_8_are_written_as_numbers():
    name = os.fsdecode(b"caf\xe9.jpg")
    made = Template("{content}.png").name([name], [], "fast", 1, Settings())
    assert made == "caf%E9.png"
    assert identity(f"{name}/a.png") != identity("cafe.jpg/a.png")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{contnet}.png", "unknown field of the name '{contnet}': did you mean '{content}'"),
        ("{content.x}.png", "unknown field of the name"),
        ("{}.png", "unknown field of the name"),
        ("{content.png", "is not a template"),
        ("{content}.bmp", "must end in one of .png"),
        ("{content}", "must end in one of .png"),
    ],
)
def test_templates_that_are_none(template, message):
    with pytest.raises(ValueError, match=message):
        Template(template)


def test_a_value_that_does_not_fit_its_format():
    with pytest.raises(ValueError, match=r"--name '{style:d}.png' does not fit"):
        Template("{style:d}.png").name([], ["wave.png"], "fast", 1, Settings())


def test_outputs_stay_in_their_directory():
    assert place_output("out", "a/b.png", 8) == "out/a/b.png"
    for name in ("/a.png", "../a.png", "a/../../b.png", ""):
        with pytest.raises(ValueError, match="leads out of --output_dir"):
            place_output("out", name, 8)
    with pytest.raises(ValueError, match="does not have the extension of a picture"):
        place_output("out", "a.txt", 8)
    with pytest.raises(ValueError, match="cannot hold a bit_depth of 16"):
        place_output("out", "a.jpg", 16)


def test_names_that_are_too_long_for_a_file_are_cut(tmp_path):
    first, second = (place_output(str(tmp_path), f"{300 * 'ü'}{n}.png", 8) for n in (1, 2))
    assert first != second
    for output in (first, second):
        assert output.endswith(".png")
        for name in (output, f"{output}.checkpoint.old"):
            open(name, "w").close()
    assert place_output("out", f"a/{230 * 'u'}.png", 8) == f"out/a/{230 * 'u'}.png"


def test_a_name_that_is_taken_twice_is_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("out/a.png", "out/b.png", f"{tmp_path}/out/c.png", "out/c.png")
    assert duplicates(map(identity, names)) == {identity("out/c.png")}
