"""The clip whose motion is known, from the script that makes it."""

import importlib

import pytest

from tests.conftest import ROOT


@pytest.fixture
def make_clip(monkeypatch):
    """Return the module of scripts that renders clips."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("make_clip")


@pytest.fixture
def clip(make_clip):
    """Return a small clip, of a blurred background that interpolation hardly harms."""
    return make_clip.sample_clip(96)
