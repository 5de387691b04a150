import os

import pytest

from nst_tf.files import check_outputs, check_writable, write_whole


def test_a_file_appears_whole_with_the_usual_permissions(tmp_path):
    path = tmp_path / "out.txt"
    with write_whole(path) as file:
        file.write(b"all of it")
        assert not path.exists()
    assert path.read_bytes() == b"all of it"
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")

    def write_half():
        with write_whole(path) as file:
            file.write(b"new")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_directory_is_one_line(tmp_path):
    with pytest.raises(OSError, match=r"out\.txt cannot be written: No such file"):
        write_whole(tmp_path / "none" / "out.txt").__enter__()


def test_outputs_may_replace_old_results_but_no_input_under_any_name(tmp_path):
    photo, old = tmp_path / "photo.png", tmp_path / "old.png"
    photo.touch()
    old.touch()
    check_outputs([old, tmp_path / "new.png"], [photo])
    (tmp_path / "link.png").symlink_to(photo)
    os.link(photo, tmp_path / "hard.png")
    for path in (photo, tmp_path / "." / "photo.png", tmp_path / "link.png", tmp_path / "hard.png"):
        with pytest.raises(ValueError, match=r"would overwrite the input .*photo\.png: choose"):
            check_outputs([path], [photo])
    with pytest.raises(ValueError, match="would overwrite the output"):
        check_outputs([tmp_path / "a.png", tmp_path / "." / "a.png"], [photo])


def test_an_output_needs_a_directory_and_must_not_be_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist: create it first"):
        check_outputs([tmp_path / "none" / "out.png"], [])
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        check_outputs([tmp_path], [])


def test_a_directory_without_write_permission_is_refused(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    # Root may write anywhere, so the refusal itself is simulated.
    monkeypatch.setattr("nst_tf.files.tempfile.TemporaryFile", refuse)
    with pytest.raises(OSError, match=r"is not writable \(Permission denied\): choose another"):
        check_writable(tmp_path)
