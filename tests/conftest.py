"""Pictures that the tests share."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture
def pixels():
    """Return a maker of seeded random images, float32 `[1, H, W, 3]`."""

    def make(height, width, seed=0):
        return np.random.default_rng(seed).random((1, height, width, 3), dtype=np.float32)

    return make


@pytest.fixture
def photo(tmp_path):
    """Return a small real photograph's path."""
    path = tmp_path / "photo.png"
    with Image.open(ASSETS / "cat.jpg") as image:
        image.resize((64, 48)).save(path)
    return path


@pytest.fixture
def painting(tmp_path):
    """Return a small real painting's path."""
    path = tmp_path / "painting.png"
    with Image.open(ASSETS / "great_wave.jpg") as image:
        image.resize((72, 48)).save(path)
    return path
