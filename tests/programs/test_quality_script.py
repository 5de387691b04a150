"""The comparisons of scripts/quality_table.py."""

import importlib

import pytest

from tests.conftest import ROOT

SCRIPTS = ROOT / "scripts"


def script(name):
    """Import a script as Python does when it runs: its neighbours are found beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def table():
    return script("quality_table")


def figures(*values, seconds=1.0):
    return {"seconds": seconds} | dict(zip(("remd", "self", "grain", "patch"), values, strict=True))


def test_a_summary_has_medians_and_the_largest_and_skips_unknown_seconds(table):
    pairs = {
        "a:b": figures(0.1, 0.2, 0.3, 0.4, seconds=None),
        "a:c": figures(0.2, 0.1, 0.5, 0.4, seconds=7),
        "d:b": figures(0.6, 0.3, 0.4, 0.4, seconds=9),
    }
    summary = table.summarise(pairs)
    assert summary["median"] == figures(0.2, 0.2, 0.4, 0.4, seconds=8)
    assert summary["worst"] == figures(0.6, 0.3, 0.5, 0.4, seconds=9)


def test_recipes_are_compared_on_the_pairs_that_both_have(table):
    ours = {"a:b": figures(1, 1, 1, 1), "a:c": figures(1, 3, 1, 1), "x:y": figures(0, 0, 0, 0)}
    theirs = {"a:b": figures(2, 2, 2, 2), "a:c": figures(2, 2, 2, 1)}
    counts = {"remd": 2, "self": 1, "grain": 2, "patch": 1, "all four": 1}
    assert table.below(ours, theirs) == (counts, 2)
    assert table.below(theirs, ours)[0]["self"] == 1


def test_a_recipe_dominates_one_that_is_nowhere_better_nor_quicker(table):
    slow, quick = figures(1, 1, 1, 1, seconds=9), figures(1, 1, 1, 2, seconds=3)
    assert not table.dominates(slow, quick)
    assert table.dominates(slow, quick | {"seconds": 9})
    assert not table.dominates(slow, slow)


def test_the_report_names_every_recipe_and_who_dominates(table):
    def row(pairs):
        return table.summarise(pairs) | {"pairs": pairs}

    rows = {"good": row({"a:b": figures(1, 1, 1, 1)}), "bad": row({"a:b": figures(2, 2, 2, 2)})}
    lines = list(table.report(rows))
    assert any(line.split() == ["good", "<", "bad", *"11111", "of", "1"] for line in lines)
    assert any(line.split() == ["bad", "<", "good", *"00000", "of", "1"] for line in lines)
    assert lines[-1].startswith("good dominates bad")
    assert "2.000 (2.000)" in next(line for line in lines if line.startswith("bad "))
