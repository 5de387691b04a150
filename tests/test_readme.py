"""README and the code say the same."""

import dataclasses
import re

from conftest import ROOT

from nst_tf import RECIPES, Settings
from nst_tf.command_line import OTHER_FLAGS

README = (ROOT / "README.md").read_text()


def test_every_flag_and_recipe_is_named_and_no_other():
    ours = {knob.name for knob in dataclasses.fields(Settings)}
    ours |= {name for _, name, *_ in OTHER_FLAGS}
    assert set(re.findall(r"`--([a-z_0-9]+)`", README)) == ours
    assert set(re.findall(r"--([a-z_0-9]+)", README)) <= ours
    for name in RECIPES:
        assert f"| `{name}` |" in README


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)]+)\)", README)
    assert any(target.startswith("assets/") for target in targets)
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target
    assert not re.search(r"@[A-Z]+@", README)
