import importlib
import tracemalloc

import numpy as np
import pytest

from nst_tf.synthesis.estimate import (
    LEAST_STRIP,
    fitting_strip,
    synthesis_bytes,
    synthesis_work,
)
from nst_tf.synthesis.repaint import Strokes, repaint
from nst_tf.synthesis.sources import PaintSource
from nst_tf.synthesis.strips import STRIP
from tests.synthesis.conftest import noise


@pytest.mark.parametrize(
    ("picture", "size", "painting", "strip"),
    [
        ((200, 300), (200, 300), (240, 300), STRIP),
        ((100, 150), (800, 1200), (90, 150), STRIP),
        ((150, 100), (1200, 800), (90, 150), 50_000),
    ],
)
def test_the_peak_of_memory_is_estimated(picture, size, painting, strip):
    importlib.import_module("nst_tf.synthesis.matching_loops")  # compiles
    sources = [PaintSource(noise(2, *painting), max(size))]
    arguments = noise(0, *picture)[None], noise(1, *size)[None], sources, Strokes(), size
    keep = np.full(size, 0.5, np.float32)
    tracemalloc.start()
    for _ in repaint(*arguments, keep=keep, strip=strip):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < synthesis_bytes(picture, size, [painting], 3, strip) < 2 * peak


def test_work_grows_with_the_pixels():
    assert synthesis_work((100, 100), (100, 100)) == pytest.approx(8e-2)
    assert synthesis_work((100, 100), (400, 400)) == pytest.approx(8e-2 + 8e-2 + 32e-2)


def test_strips_are_as_large_as_the_memory_allows():
    stage = (342, 512), (4681, 7016), [(445, 661)], 3
    sizes = [STRIP >> halving for halving in range(5)]
    needs = [synthesis_bytes(*stage, strip) for strip in sizes]
    assert sizes[-1] == LEAST_STRIP
    assert needs == sorted(needs, reverse=True)
    assert [fitting_strip(need, *stage) for need in needs] == sizes
    assert fitting_strip(needs[1] - 1, *stage) == sizes[2]
    assert fitting_strip(0, *stage) == LEAST_STRIP
