"""Pictures by place, flags in several spellings, and the length of a run."""

import dataclasses

import pytest

from nst_tf import RECIPES
from nst_tf.batch.flags import parse_batch
from nst_tf.cli.arguments import ELSEWHERE
from nst_tf.cli.flags import UsageError, define_flags, parse
from nst_tf.cli.program import main
from nst_tf.video.flags import parse_video


def parsed(*words):
    return parse(["nst-tf", *words])


@pytest.mark.parametrize(
    "words",
    [
        ["a.jpg", "b.jpg", "c.jpg"],
        ["a.jpg", "--quiet", "b.jpg", "c.jpg"],
        ["--quiet", "--", "a.jpg", "b.jpg", "c.jpg"],
        ["--content=a.jpg", "--style=b.jpg", "--style", "c.jpg"],
        ["a.jpg", "--style=b.jpg", "--style=c.jpg"],
        ["--style=b.jpg", "a.jpg", "--style=c.jpg"],
    ],
)
def test_photo_and_paintings_may_stand_without_flags(words):
    request = parsed(*words)
    assert (request.content, request.style) == ("a.jpg", ("b.jpg", "c.jpg"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a photo and a painting are missing: name them, as in nst-tf photo.jpg painting.jpg"),
        (["a.jpg"], "a painting is missing: name one after 'a.jpg'"),
        (["a.jpg", "--content=c.jpg"], "'a.jpg' and --content 'c.jpg' both name a photo"),
        (["a.jpg", "b.jpg", "--content=c.jpg"], "both name a photo: leave one out"),
        (["a.jpg", "b.jpg", "--style=c.jpg"], "'b.jpg' and --style 'c.jpg' name paintings in two"),
        (["a.jpg", ""], "must not be empty"),
        (["-x", "a.jpg", "b.jpg"], "Unknown command line flag 'x'"),
    ],
)
def test_pictures_that_are_missing_or_named_twice_are_misuse(words, message, capfd):
    assert main(["nst-tf", *words]) == 2
    out, err = capfd.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert out == ""


def test_dashes_underscores_and_short_names_mean_the_same():
    request = parsed("a.jpg", "b.jpg", "--max-dim", "384", "--style-blend=1", "-o", "-c.png")
    settings = request.settings
    assert (settings.max_dim, settings.style_blend, request.output) == (384, (1,), "-c.png")
    assert parsed("a.jpg", "b.jpg", "--max_dim=384", "--style_blend", "1").settings == settings
    assert parsed("a.jpg", "b.jpg", "-o=c-d.png").output == "c-d.png"
    assert parsed("a-b.jpg", "--style", "--c-d.jpg").style == ("--c-d.jpg",)
    assert parsed("-h").help


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("--image_size=512", "--image_size is called --max_dim here"),
        ("--image-size=512", "--image_size is called --max_dim here"),
        ("--iterations=300", "--iterations is called --steps here"),
        ("--gpu=0", "--gpu is called --device here"),
        ("--cuda", "--cuda is called --device here"),
        ("--content_image=a.jpg", "--content_image is called --content here"),
        ("--style_image=a.jpg", "--style_image is called --style here, once for each painting"),
        ("--contnt=a.jpg", "Unknown command line flag 'contnt'. Did you mean: content"),
    ],
)
def test_flags_of_other_programs_are_known(word, words):
    with pytest.raises(UsageError) as caught:
        parsed("a.jpg", "b.jpg", word)
    assert words in str(caught.value)


def test_flags_of_other_programs_have_the_name_of_the_program_at_hand():
    with pytest.raises(UsageError, match="--content_image is called --content_dir here"):
        parse_batch(["nst-tf-batch", "--content_image=a.jpg"])
    with pytest.raises(UsageError, match="--iterations is called --steps here"):
        parse_video(["nst-tf-video", "a.mp4", "b.jpg", "--iterations", "3"])


def test_every_name_of_another_program_leads_to_a_flag():
    values = define_flags()
    assert {*ELSEWHERE.values()} <= {*values}
    assert not {*ELSEWHERE} & {*values}


@pytest.mark.parametrize("program", [parse, parse_video])
def test_paintings_with_commas_between_them_are_named_one_by_one(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in (["a.jpg", "--style=b.jpg,c.jpg"], ["a.jpg", "b.jpg,c.jpg"]):
        with pytest.raises(UsageError, match=r"use --style b\.jpg --style c\.jpg$"):
            program(["nst-tf", *words])
    (tmp_path / "b.jpg,c.jpg").touch()
    found = program(["nst-tf", "a.jpg", "b.jpg,c.jpg"])
    assert [*(found if program is parse else found[0]).style] == ["b.jpg,c.jpg"]


@pytest.mark.parametrize("word", ["--noquiet", "--no-quiet", "--no_quiet", "--quiet=false"])
def test_switches_can_be_turned_off(word):
    assert parsed("a.jpg", "b.jpg", "--quiet").quiet is True
    assert parsed("a.jpg", "b.jpg", "--quiet", word).quiet is False
    assert parsed("a.jpg", "b.jpg", "--tf32", word.replace("quiet", "tf32")).settings.tf32 is False


@pytest.mark.parametrize(
    ("recipe", "steps", "epochs"),
    [
        ("tutorial", 300, 10),
        ("tutorial", 305, 1),
        ("tutorial", 3, 1),
        ("two-phase", 20, 10),
        ("painting", 7, 1),
    ],
)
def test_steps_keep_the_epochs_where_they_can(recipe, steps, epochs):
    settings = parsed("a.jpg", "b.jpg", f"--recipe={recipe}", f"--steps={steps}").settings
    assert (settings.epochs, settings.finest_steps) == (epochs, steps)
    plain = {"epochs": epochs, "steps_per_epoch": steps // epochs}
    assert settings == dataclasses.replace(RECIPES[recipe], **plain)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps=0"], "--steps must be at least 1, not 0"),
        (["--steps=10", "--epochs=2"], "--steps and --epochs contradict each other"),
        (["--steps=10", "--steps-per-epoch=2"], "--steps and --steps_per_epoch contradict"),
        (
            ["--steps=25", "--recipe=two-phase"],
            "10 epochs of the ramp of content_weight: use a mul",
        ),
        (["--steps=25", "--style_weight=1:2"], "10 epochs of the ramp of style_weight: use a mult"),
        (["--dpi=0"], "--dpi must be at least 1 and at most 65535, not 0"),
        (["--dpi=70000"], "--dpi must be at least 1 and at most 65535, not 70000"),
        (["--time_limit=1h30"], "such as 60, 90s, 2min or 1h30min, not '1h30'"),
        (["--history_layers"], "--history_layers needs --history"),
    ],
)
def test_misused_flags_are_named_with_the_remedy(words, message):
    with pytest.raises(UsageError) as caught:
        parsed("a.jpg", "b.jpg", *words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_flags_take_durations_and_the_layers_names_of_papers():
    words = ["a.jpg", "b.jpg", "--time_limit=2min", "--style_layers=relu1_1,conv4_1"]
    settings = parsed(*words).settings
    assert settings.time_limit == 120
    assert settings.style_layers == ("block1_conv1", "block4_conv1")
