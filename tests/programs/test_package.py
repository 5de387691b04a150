"""What an installation gets: a wheel, built without a network and installed elsewhere."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.process


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    # A copy: the build leaves directories behind, and must not find those of an earlier one.
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    for name in ("nst_tf", "docs", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    return source


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    directory = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", directory, source)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    directory = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", "--target", directory, wheel)
    return directory


def test_an_index_takes_the_wheel_and_the_source(source, wheel, tmp_path):
    build = "from setuptools.build_meta import build_sdist; import sys; build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, tmp_path, cwd=source)
    (archive,) = tmp_path.glob("*.tar.gz")
    out = run(sys.executable, "-m", "twine", "check", "--strict", archive, wheel)
    assert out.count("PASSED") == 2
    with tarfile.open(archive) as members:
        paths = [Path(name) for name in members.getnames()]
    names = {path.name for path in paths}
    assert not [path for path in paths if "tests" in path.parts]  # which need the repository
    assert {"about.md", "LICENSE", "NOTICE", "vgg19_imagenet_notop_q8.npz"} <= names


def test_the_wheel_tells_what_an_index_shows(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-4.0 AND MIT"
    assert metadata["Author"]
    assert "style transfer" in metadata["Keywords"]
    text = metadata.get_payload()
    assert "](" not in text
    assert "<img" not in text  # an index has neither this repository's pages nor its pictures


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    source = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "nst_tf").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == source
    assert {"nst_tf/py.typed", "nst_tf/data/vgg19_imagenet_notop_q8.npz"} <= names
    assert {"nst_tf/cli/__init__.py", "nst_tf/losses/__init__.py"} <= names


def test_an_installed_wheel_makes_a_picture(installed, photo, painting, tmp_path):
    elsewhere = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(installed)}}
    where = run(sys.executable, "-c", "import nst_tf; print(nst_tf.__file__)", **elsewhere)
    assert where == f"{installed / 'nst_tf' / '__init__.py'}\n"
    program = (sys.executable, "-m", "nst_tf.run")
    assert "--content" in run(*program, "--help", **elsewhere)
    flags = ["--max_dim=48", "--epochs=1", "--steps_per_epoch=2", "--output=out.png"]
    out = run(*program, f"--content={photo}", f"--style={painting}", *flags, **elsewhere)
    assert out.splitlines()[-1].startswith("Saved out.png after ")
    assert (tmp_path / "out.png").exists()


def test_the_citation_names_this_version():
    (version,) = re.findall(r"^version = (.+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {version} – " in (ROOT / "CHANGELOG.md").read_text()
