import os
import resource
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from nst_tf.utils.files import _take_name, check_outputs, check_writable, free_name, write_whole


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


@contextmanager
def short_files():
    """Let the system refuse to make any file longer than two bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_the_system_refuses_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")
    with (
        short_files(),
        pytest.raises(OSError, match=r"out\.txt cannot be written: File too large"),
        write_whole(path) as file,
    ):
        file.write(b"new")  # into a buffer, which is written at the end
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_taken_by_a_directory_meanwhile_leaves_it_and_nothing_else(tmp_path):
    path = tmp_path / "out.txt"
    with (
        pytest.raises(OSError, match=r"out\.txt cannot be written: Is a directory"),
        write_whole(path),
    ):
        path.mkdir()
    assert path.is_dir()
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_remedy():
    words = "/dev/full cannot be written: No space left on device, free some or choose another"
    with pytest.raises(OSError, match=words), write_whole("/dev/full") as file:
        file.write(b"new")


@pytest.mark.parametrize("files", [1, 16])
def test_threads_that_write_in_one_directory_do_not_meet(tmp_path, files):
    barrier = threading.Barrier(16)

    def write(number):
        data = bytes([number]) * 200_000
        barrier.wait()
        for _ in range(20):
            with write_whole(tmp_path / f"{number % files}.bin") as file:
                for start in range(0, len(data), 50_000):
                    file.write(data[start : start + 50_000])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    assert len(list(tmp_path.iterdir())) == files
    for number in range(files):
        data = (tmp_path / f"{number}.bin").read_bytes()
        assert data == data[:1] * 200_000
        assert files == 1 or data[0] == number


def test_nested_writes_to_one_file_leave_the_last_to_end(tmp_path):
    path = tmp_path / "out.txt"
    with write_whole(path) as outer:
        outer.write(b"outer")
        with write_whole(path) as inner:
            inner.write(b"inner")
        assert path.read_bytes() == b"inner"
    assert path.read_bytes() == b"outer"
    assert list(tmp_path.iterdir()) == [path]


def test_data_reach_the_disk_before_the_file_takes_its_name(tmp_path, monkeypatch):
    path, calls = tmp_path / "out.txt", []
    fsync = os.fsync

    def sync(descriptor):
        status = os.fstat(descriptor)
        kind = "directory" if stat.S_ISDIR(status.st_mode) else status.st_size
        calls.append((kind, path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with write_whole(path) as file:
        file.write(b"12345")
    assert calls == [(5, False), ("directory", True)]


@pytest.mark.parametrize("dangling", [False, True])
def test_a_links_target_is_written_and_the_link_stays(tmp_path, dangling):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "target.txt", tmp_path / "link.txt"
    if not dangling:
        target.write_bytes(b"old")
    (tmp_path / "middle.txt").symlink_to("elsewhere/target.txt")
    link.symlink_to(tmp_path / "middle.txt")
    check_outputs([link], [])
    with write_whole(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert list(target.parent.iterdir()) == [target]


def test_a_link_into_a_missing_directory_is_refused_early(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "none" / "target.txt")
    with pytest.raises(FileNotFoundError, match=r"none does not exist: create it first"):
        check_outputs([tmp_path / "link.txt"], [])


def test_an_existing_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "out.txt"
    path.touch()
    path.chmod(0o640)
    with write_whole(path) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        with write_whole(pipe) as file:
            file.write(b"through")
        assert read.result() == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_directory_is_one_line(tmp_path):
    with pytest.raises(OSError, match=r"cannot be written: Is a directory"):
        write_whole(tmp_path).__enter__()


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


def test_a_directory_in_which_no_file_can_be_made_is_refused():
    # Root may write anywhere but there.
    with pytest.raises(OSError, match=r"^directory /proc is not writable \(.+\): choose another$"):
        check_writable("/proc")


def test_a_file_that_must_stay_is_left_alone_even_if_it_appears_late(tmp_path):
    path = tmp_path / "out.txt"
    with write_whole(path, overwrite=False) as file:
        file.write(b"first")
    assert path.read_bytes() == b"first"
    path.unlink()

    def write_late():
        with write_whole(path, overwrite=False) as file:
            file.write(b"second")
            path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError, match=r"out\.txt exists already: choose another name"):
        write_late()
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_names_are_taken_without_hard_links_too(tmp_path):
    """Name directories, which cannot be linked, as no file can be on FAT."""
    first, second, target = (tmp_path / name for name in ("first", "second", "target"))
    for path in (first, second):
        path.mkdir()
    with pytest.raises(PermissionError):
        os.link(first, target)
    _take_name(first, target)
    assert {*tmp_path.iterdir()} == {second, target}
    with pytest.raises(FileExistsError):
        _take_name(second, target)
    assert second.exists()


def test_free_names_count_from_2(tmp_path):
    path = tmp_path / "a.b.png"
    assert free_name(path) == path
    path.touch()
    (tmp_path / "a.b-2.png").symlink_to("nowhere")
    assert free_name(path) == tmp_path / "a.b-3.png"
    assert free_name("x.png", taken=lambda name: name.stem != "x-4").name == "x-4.png"
