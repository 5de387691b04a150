"""Jobs in order, checked in little memory for each."""

import subprocess
import sys

import pytest

from nst_tf.batch.flags import parse_batch
from nst_tf.batch.job import job_settings
from nst_tf.batch.source import Jobs, ordered
from nst_tf.workers.job import Job, absolute_paths
from tests.batch.flat_memory import FEW, MANY
from tests.batch.stub import job
from tests.conftest import ROOT, shrunk


def test_a_row_takes_less_than_a_kibibyte(tmp_path):
    command = [sys.executable, "-m", "tests.batch.flat_memory", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    few, many = map(int, done.stdout.split())
    assert many - few < (MANY - FEW) * 1024


def test_flags_of_a_row_win_over_those_of_all(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("content,style,recipe,max_dim\na.png,b.png,,\na.png,c.png,fast,64\n")
    flags = [f"--manifest={path}", "--output_dir=out", "--max-dim=32", "--no-tf32", "--overwrite"]
    name = "--name={recipe}-{style}.png"
    first, second = Jobs(parse_batch(["batch", *flags, name])).valid()
    assert job_settings(first.flags).max_dim == 32
    assert job_settings(second.flags).max_dim == 64
    assert job_settings(second.flags).optimizer == "lbfgs"
    assert [first.output, second.output] == ["out/tutorial-b.png", "out/fast-c.png"]
    assert {"--overwrite=true", "--tf32=false", "--output=out/fast-c.png"} <= {*second.words()}


def test_jobs_that_are_alike_follow_each_other(tmp_path):
    for name, size in (("wide", (40, 20)), ("also_wide", (80, 40)), ("tall", (20, 40))):
        shrunk("cat.jpg", size, tmp_path / f"{name}.png")
    names = [str(tmp_path / f"{name}.png") for name in ("wide", "tall", "also_wide")]
    jobs = [job(name, ("max_dim", "40"), ("epochs", epochs)) for epochs in "12" for name in names]
    alternating = jobs[::2] + jobs[1::2]

    def kinds(found):
        return [(dict(j.flags)["epochs"], j.place.endswith("tall.png")) for j in found]

    assert kinds(ordered(alternating)) == [
        ("1", False), ("1", False), ("1", True), ("2", False), ("2", False), ("2", True),
    ]  # fmt: skip
    assert list(ordered(alternating, window=1)) == alternating


def test_paths_that_mean_the_same_everywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    flags = (("content", "a.png"), ("weights", "w.npz"), ("init", "noise"), ("recipe", "fast"))
    assert absolute_paths(Job("", flags, "out/b.png")) == Job(
        "",
        (("content", f"{tmp_path}/a.png"), ("weights", f"{tmp_path}/w.npz"), *flags[2:]),
        f"{tmp_path}/out/b.png",
    )


def test_the_row_number_and_columns_of_pairs(tmp_path):
    for folder in "cs":
        (tmp_path / folder).mkdir()
        for name in "ab":
            shrunk("cat.jpg", (8, 8), tmp_path / folder / f"{name}.png")
    places = [f"--content_dir={tmp_path}/c", f"--style_dir={tmp_path}/s", "--output_dir=out"]
    jobs = Jobs(parse_batch(["batch", *places, "--name={row}.png"]))
    assert [j.output for j in jobs.valid()] == [f"out/{number}.png" for number in (1, 2, 3, 4)]
    assert jobs.columns == 2
    assert Jobs(parse_batch(["batch", *places, "--pairs=zip"])).columns == 0


def outputs(*flags):
    """Return the outputs of checked jobs, or the lines that say why there are none."""
    jobs = Jobs(parse_batch(["batch", "--output_dir=out", *flags]))
    try:
        jobs.check()
    except ValueError as error:
        return str(error).splitlines()
    return [job.output.removeprefix("out/") for job in jobs.valid()]


def test_photos_of_the_same_name_have_their_endings_in_the_names_of_pictures(tmp_path):
    for name in ("beach.jpg", "beach.png", "cat.png", "wave.png"):
        shrunk("cat.jpg", (8, 8), tmp_path / name)
    directories = [f"--content_dir={tmp_path}/[bc]*", f"--style_dir={tmp_path}/w*"]
    assert outputs(*directories) == ["beach-jpg-wave.png", "beach-png-wave.png", "cat-wave.png"]
    assert outputs(*directories, "--name={content}.png") == [
        "beach-jpg.png", "beach-png.png", "cat.png",
    ]  # fmt: skip


def test_photos_of_the_same_name_in_a_manifest(tmp_path):
    path = tmp_path / "jobs.csv"
    rows = ["a/beach.jpg,wave.jpg,", "b/beach.jpg,wave.jpg,", "beach.jpg,wave.jpg,",
            "beach.jpg,wave.png,", "cat.jpg,wave.jpg,",
            "dog.jpg,wave.jpg,beach-wave.png"]  # fmt: skip
    path.write_text("\n".join(["content,style,output", *rows]))
    assert outputs(f"--manifest={path}") == [
        "a-beach-jpg-wave-jpg.png", "b-beach-jpg-wave-jpg.png", "beach-jpg-wave-jpg.png",
        "beach-jpg-wave-png.png", "cat-wave.png", "beach-wave.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "name", "remedy"),
    [
        ("a.png,b.png,0.5,,", "{content}-{style}.png", "put {strength} into --name"),
        ("a.png,b.png,,fast,", "{content}-{style}.png", "put {recipe} into --name"),
        ("a.png,c.png,,,", "{content}.png", "put {style} into --name"),
        ("a.png,b.png,,,", "{content}-{style}.png", "leave one of them out"),
        ("a.png,b.png,,,m.png", "{content}-{style}.png", "give them outputs in a manifest, or put "
         "{row} into --name, which changes with the jobs before it"),
    ],
)  # fmt: skip
def test_what_differs_is_advised_where_two_jobs_make_the_same_file(tmp_path, second, name, remedy):
    path = tmp_path / "jobs.csv"
    path.write_text(f"content,style,strength,recipe,keep_mask\na.png,b.png,,,\n{second}\n")
    plain = name.format(content="a", style="b")
    assert outputs(f"--manifest={path}", f"--name={name}") == [
        f"{path}:3: out/{plain} is what {path}:2 makes already: {remedy}"
    ]
