"""Small pictures for the tests of the second stage."""

import numpy as np
import pytest

from nst_tf.synthesis.matching import Problem, make_features
from nst_tf.synthesis.sources import make_canvas, region_map
from nst_tf.synthesis.threads import Rows


def noise(seed, height, width):
    """Return a picture without repetitions, float32 `[height, width, 3]` in [0, 1]."""
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


@pytest.fixture(scope="module")
def rows():
    rows = Rows(2)
    yield rows
    rows.close()


def make_problem(picture, paintings, patch, rows, regions=(), guide=None, references=None):
    """Return a problem; pictures are their own guides unless others are given."""
    canvas = make_canvas(paintings, patch, regions)
    return Problem(
        make_features([picture if guide is None else guide], picture, patch, rows),
        make_features(references or paintings, canvas.colors, patch, rows),
        canvas,
        region_map(regions, picture.shape[:2], patch),
    )
