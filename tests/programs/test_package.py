"""What an installation gets: a wheel, built without a network and installed elsewhere."""

import email
import importlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from nst_tf.cli.doctor import EXTRAS
from tests.conftest import ROOT

pytestmark = pytest.mark.process


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_wheel(source, directory):
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", directory, source)
    (built,) = directory.glob("*.whl")
    return built


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
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def archive(source, tmp_path_factory):
    directory = tmp_path_factory.mktemp("archive")
    build = "from setuptools.build_meta import build_sdist; import sys; build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, directory, cwd=source)
    (built,) = directory.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    directory = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", "--target", directory, wheel)
    return directory


def test_an_index_takes_the_wheel_and_the_source(archive, wheel):
    out = run(sys.executable, "-m", "twine", "check", "--strict", archive, wheel)
    assert out.count("PASSED") == 2
    with tarfile.open(archive) as members:
        paths = [Path(name) for name in members.getnames()]
    names = {path.name for path in paths}
    assert not [path for path in paths if "tests" in path.parts]  # which need the repository
    assert {"about.md", "LICENSE", "NOTICE", "vgg19_imagenet_notop_q8.npz"} <= names


def test_the_archive_builds_the_wheel_of_the_checkout(archive, wheel, tmp_path):
    shutil.unpack_archive(archive, tmp_path)
    (unpacked,) = tmp_path.iterdir()
    other = build_wheel(unpacked, tmp_path)
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(other) as theirs:
        assert ours.namelist() == theirs.namelist()
        for name in ours.namelist():
            assert ours.read(name) == theirs.read(name), name


def read_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_an_installer_reads_which_python_and_which_extras_there_are(wheel):
    metadata = read_metadata(wheel)
    python = metadata["Requires-Python"].split(",")
    assert sorted(python) == ["<3.14", ">=3.11"]
    classified = re.findall(r"Python :: (3\.\d+)", str(metadata.get_all("Classifier")))
    assert classified == ["3.11", "3.12", "3.13"]
    extras = {name: set() for name in metadata.get_all("Provides-Extra")}
    for line in metadata.get_all("Requires-Dist"):
        needed, _, extra = line.partition("; extra == ")
        if extra:
            extras[extra.strip("\"'")].add(needed)
    assert set(EXTRAS) == extras.keys() - {"all", "dev", "gpu", "test"}
    assert extras["all"] == set().union(*(extras[name] for name in EXTRAS))


def test_every_program_of_the_wheel_can_be_imported(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        text = archive.read(name).decode()
    programs = dict(re.findall(r"^(\S+) = (\S+):console$", text, re.MULTILINE))
    assert sorted(programs) == [
        "nst-tf", "nst-tf-app", "nst-tf-batch", "nst-tf-measure", "nst-tf-video",
    ]  # fmt: skip
    for module in programs.values():
        assert callable(importlib.import_module(module).console)


def test_the_wheel_tells_what_an_index_shows(wheel):
    metadata = read_metadata(wheel)
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
