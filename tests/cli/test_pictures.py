"""Pictures of directories and patterns, and what is said of other files."""

import os
import warnings

import pytest

from nst_tf.cli.pictures import find_pictures


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return a maker of empty files, and go to their directory."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

    return make


def found(place):
    """Return the pictures, and what is said of those that are left out."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        pictures = find_pictures("content_dir", place)
    said = [str(warning.message).removeprefix(f"--content_dir {place}: ") for warning in warned]
    return pictures, [line.removesuffix(" left out: not pictures") for line in said]


def test_a_directory_and_a_pattern(files):
    files("b.png", "a.JPG", "c.heic", ".hidden.png", "folder/deep.png", ".git/d.png")
    assert found(".") == (["./a.JPG", "./b.png", "./c.heic"], ["1 folder"])
    assert found("*.png") == (["b.png"], [])
    assert found("[ab].*") == (["a.JPG", "b.png"], [])
    assert found("**/*.png") == (["b.png", "folder/deep.png"], [])
    assert found("**") == (["a.JPG", "b.png", "c.heic", "folder/deep.png"], [])
    assert found(".git/*")[0] == [".git/d.png"]
    assert found(f"{os.getcwd()}/f*/*.png")[0] == [f"{os.getcwd()}/folder/deep.png"]


def test_a_single_picture_is_taken_as_given(files):
    files("a.jpg", "odd [1].png")
    assert found("a.jpg") == (["a.jpg"], [])
    assert found("odd [1].png") == (["odd [1].png"], [])


def test_names_that_exist_are_taken_literally(files):
    files("photos [2024]/a.png", "photos 2/b.png", "x/[raw]/c.png", "x/r/d.png")
    assert found("photos [2024]/*.png")[0] == ["photos [2024]/a.png"]
    assert found("photos [2024]")[0] == ["photos [2024]/a.png"]
    assert found("photos [0-9]/*.png")[0] == ["photos 2/b.png"]
    assert found("*/[raw]/*")[0] == ["x/[raw]/c.png"]


@pytest.mark.parametrize("place", ["photos", "photos/*"])
def test_what_is_left_out_is_counted_by_kind(files, place):
    files("photos/a.png", "photos/1.nef", "photos/2.NEF", "photos/Thumbs.db", "photos/notes",
          "photos/album/b.png", "photos/clip.mpg")  # fmt: skip
    os.symlink("gone", "photos/link.png")
    pictures, (line,) = found(place)
    assert pictures == ["photos/a.png"]
    assert sorted(line.split(", ")) == [
        "1 .db file", "1 .mpg file", "1 broken link", "1 folder", "1 other file", "2 .nef files",
    ]  # fmt: skip


def test_links_that_loop_are_not_followed(files):
    files("photos/a.png", "photos/in/b.png", "elsewhere/c.png")
    for name in ("one", "two"):
        os.symlink("..", f"photos/in/{name}")
    os.symlink("../elsewhere", "photos/linked")
    assert found("photos/**/*.png") == (["photos/a.png", "photos/in/b.png"], [])
    assert found("photos/**")[0] == ["photos/a.png", "photos/in/b.png"]
    assert found("photos/linked/*.png")[0] == ["photos/linked/c.png"]  # named, not come upon


def test_places_without_pictures(files):
    files("raw/1.dng", "raw/2.dng", "empty/.hidden.png")
    with pytest.raises(ValueError, match=r"--content_dir raw has no pictures, only 2 .dng files$"):
        found("raw")
    with pytest.raises(ValueError, match=r"--content_dir empty has no pictures$"):
        found("empty")
    with pytest.raises(ValueError, match=r"--content_dir \*\*/\*.gif has no pictures$"):
        found("**/*.gif")
    with pytest.raises(FileNotFoundError, match=r"none does not exist: .* in quotes"):
        found("none")
