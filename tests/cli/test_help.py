"""What the program tells of itself."""

import dataclasses
import os
import re
import subprocess
import sys

import pytest

from nst_tf import RECIPES, Settings
from nst_tf.cli.flags import OTHER_FLAGS
from nst_tf.cli.help import PURPOSES, help_screen
from nst_tf.cli.program import main

NAMES = {knob.name for knob in dataclasses.fields(Settings)} | {flag.name for flag in OTHER_FLAGS}


def test_help_fits_a_screen_and_names_only_what_there_is():
    lines = help_screen().splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 79
    named = {name.replace("-", "_") for name in re.findall(r"--([a-z][a-z_-]*)", help_screen())}
    assert {"output", "recipe", "max_dim", "strength", "helpfull"} <= named <= NAMES


def test_help_tells_what_every_recipe_is_for():
    assert PURPOSES.keys() == RECIPES.keys()
    for name, purpose in PURPOSES.items():
        assert re.search(rf"^  {name} +{re.escape(purpose)}$", help_screen(), re.MULTILINE)


@pytest.mark.parametrize("flags", [["--help"], ["-h"], ["photo.jpg", "--recipe=none", "-h"]])
def test_help_is_printed_whatever_else_is_said(flags, capfd):
    assert main(["nst-tf", *flags]) == 0
    assert capfd.readouterr() == (help_screen() + "\n", "")


def test_all_flags_are_listed_with_the_defaults_of_the_recipe(capfd):
    def listed(*words):
        assert main(["nst-tf", *words, "--helpfull"]) == 0
        out = capfd.readouterr().out
        assert all(len(line) <= 96 for line in out.splitlines())
        assert set(re.findall(r"^  --([a-z_0-9]+) ", out, re.MULTILINE)) == NAMES
        return " ".join(out.split())

    assert "at least 1; default 10) --steps_per_epoch" in listed()
    assert "at least 1; default 1) --steps_per_epoch" in listed("--recipe=painting")
    assert "default 1000:31.5)" in listed("--recipe", "two-phase")
    assert main(["nst-tf", "--recipe=paint", "--helpfull"]) == 2
    assert "did you mean 'painting'" in capfd.readouterr().err


@pytest.mark.parametrize("flag", ["--help", "--helpfull", "--version"])
def test_a_reader_who_leaves_sees_no_traceback(flag):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "nst_tf", flag]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
