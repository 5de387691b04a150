"""README and the code say the same."""

import dataclasses
import importlib
import json
import re
import shlex
from pathlib import Path

from nst_tf import RECIPES, Settings
from nst_tf.cli.flags import OTHER_FLAGS, parse
from nst_tf.images.metadata import read_metadata
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_every_flag_and_recipe_is_named_and_no_other():
    ours = {knob.name for knob in dataclasses.fields(Settings)}
    ours |= {name for _, name, *_ in OTHER_FLAGS}
    assert set(re.findall(r"`--([a-z_0-9]+)`", README)) == ours
    assert set(re.findall(r"--([a-z_0-9]+)", README)) <= ours
    for name in RECIPES:
        assert f"| `{name}` |" in README


def test_the_gallery_is_what_its_script_makes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    gallery = importlib.import_module("gallery")
    page = (ROOT / "assets" / "gallery.md").read_text(encoding="utf-8")
    assert page == "\n".join(gallery.page())
    for path in re.findall(r'src="([^"]+)"', page):
        assert (ROOT / "assets" / path).exists(), path
    for section in gallery.SECTIONS:
        for entry in section.entries:
            argv = shlex.split(gallery.command(entry))[2:]
            values, settings = parse(argv)
            made = read_metadata(ROOT / gallery.output(entry))
            assert made["settings"] == as_recorded(settings) | {
                name: made["settings"][name] for name in ("precision", "init", "weights")
            }
            assert made["content"] == Path(values.content).name
            for key, paths in (
                ("styles", values.style),
                ("content_mask", values.content_mask),
                ("style_mask", values.style_mask),
            ):
                assert made[key] == [Path(path).name for path in paths or ()]


def as_recorded(settings):
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert any(target.startswith("assets/") for target in targets)
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target
    assert not re.search(r"@[A-Z]+@", README)
