import importlib
import tracemalloc

import numpy as np
import pytest

from nst_tf.synthesis.estimate import synthesis_bytes, synthesis_work
from nst_tf.synthesis.repaint import Strokes, repaint
from nst_tf.synthesis.sources import PaintSource
from tests.synthesis.conftest import noise


@pytest.mark.parametrize(
    ("picture", "size", "painting"),
    [((200, 300), (200, 300), (240, 300)), ((100, 150), (800, 1200), (90, 150))],
)
def test_the_peak_of_memory_is_estimated(picture, size, painting):
    importlib.import_module("nst_tf.synthesis.matching_loops")  # compiles
    sources = [PaintSource(noise(2, *painting), max(size))]
    arguments = noise(0, *picture)[None], noise(1, *size)[None], sources, Strokes(), size
    keep = np.full(size, 0.5, np.float32)
    tracemalloc.start()
    for _ in repaint(*arguments, keep=keep):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < synthesis_bytes(size, [painting], 3) < 2 * peak


def test_work_grows_with_the_pixels():
    assert synthesis_work((100, 100), (100, 100)) == pytest.approx(8e-2)
    assert synthesis_work((100, 100), (400, 400)) == pytest.approx(8e-2 + 8e-2 + 32e-2)
