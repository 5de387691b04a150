"""Pictures that the tests share."""

import gc
import multiprocessing
import os
import signal
import time
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from nst_tf.images.resize import resize

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

hypothesis.settings.register_profile("untimed", deadline=None)  # a slow machine is no failure
hypothesis.settings.load_profile("untimed")

if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "nice"):
    # The page paints at low priority: tests beside it must not keep it from its work.
    os.nice(19)

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
GOLDEN = ROOT / "tests" / "golden"

# The files that take longest, in the order in which they begin: a long file that begins late keeps
# one of pytest's processes at work after the others have nothing left to do.
LONG = (
    "page/test_page.py", "page/test_path.py", "page/test_regions.py", "workers/test_ray.py",
    "compute/test_tiles.py", "programs/test_extensions.py", "programs/test_cli.py",
    "programs/test_batch.py", "behaviour/test_resume.py", "programs/test_video.py",
    "programs/test_scripts.py", "service/test_stylizer.py", "page/test_hosting.py",
    "behaviour/test_scales.py", "compute/test_precision.py", "behaviour/test_examples.py",
    "page/test_security.py", "video/test_workers.py", "page/test_runs.py",
    "behaviour/test_regions.py", "compute/test_device.py", "compute/test_winograd.py",
    "losses/test_neighbors.py", "behaviour/test_golden.py",
)  # fmt: skip
RED, BLUE = (0.8, 0.2, 0.1), (0.1, 0.3, 0.9)


def pytest_collection_modifyitems(items):
    """Begin with the long files, and keep the order of all others."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def pytest_collection_finish():
    """Spare the garbage collector the modules that are imported by now, most of all objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def pixels():
    """Return a maker of seeded random images, float32 `[1, H, W, 3]`."""

    def make(height, width, seed=0):
        return np.random.default_rng(seed).random((1, height, width, 3), dtype=np.float32)

    return make


@pytest.fixture
def smooth(pixels):
    """Return a maker of random images with detail at several sizes."""

    def make(height, width, seed):
        coarse, fine = (pixels(height // n + 1, width // n + 1, seed) for n in (16, 4))
        return (resize(coarse, (height, width)) + resize(fine, (height, width))) / 2

    return make


def shrunk(name, size, path):
    """Write one of the assets at a small size and return where."""
    with Image.open(ASSETS / name) as image:
        image.resize(size).save(path)
    return path


@pytest.fixture
def photo(tmp_path):
    """Return a small real photograph's path."""
    return shrunk("cat.jpg", (64, 48), tmp_path / "photo.png")


@pytest.fixture
def painting(tmp_path):
    """Return a small real painting's path."""
    return shrunk("great_wave.jpg", (72, 48), tmp_path / "painting.png")


@pytest.fixture
def in_tmp_path(tmp_path, monkeypatch):
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def signals_not_ignored():
    """Let children receive signals that this process ignores: under `nohup`, in the background."""
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def forked_workers(monkeypatch):
    """Fork the package's workers, for each of which it would start an interpreter."""
    from tests import forked

    forking = forked.context()
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: forking)


def wait_until(condition, seconds=300):
    """Wait for a condition, and return it."""
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.05)
    return found


def flat(color, height=40, width=56):
    """Return a picture of one colour."""
    return np.broadcast_to(np.float32(color), (1, height, width, 3)).copy()
