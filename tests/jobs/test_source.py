"""Jobs in order, checked in memory that does not grow with their number."""

import subprocess
import sys

from nst_tf.jobs.flags import parse_batch
from nst_tf.jobs.job import Job, absolute_paths, job_settings
from nst_tf.jobs.source import Jobs, ordered
from tests.conftest import ROOT, shrunk
from tests.jobs.flat_memory import FEW, MANY
from tests.jobs.stub import job


def test_memory_does_not_grow_with_the_rows(tmp_path):
    command = [sys.executable, "-m", "tests.jobs.flat_memory", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    few, many = map(int, done.stdout.split())
    assert many - few < (MANY - FEW) * 40  # bytes a row: names are told by 8


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
