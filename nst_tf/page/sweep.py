"""Deletion of unused files."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

RETENTION = 3600.0  # seconds for which files are kept after their last use


def sweep_files(folder: Path, retention: float = RETENTION, keep: Iterable[str] = ()) -> None:
    """Delete unused files below a folder, and the subfolders that become empty.

    Args:
        folder: the folder.
        retention: seconds for which a file is kept after its last modification.
        keep: paths of files that are never deleted.
    """
    limit = time.time() - retention
    keep = set(keep)
    for path in folder.rglob("*"):
        with suppress(OSError):  # another thread has deleted it
            if path.is_file() and path.stat().st_mtime < limit and str(path) not in keep:
                delete_file(path)


def delete_file(path: Path) -> None:
    """Delete a file, and its folder if nothing else is in it."""
    with suppress(OSError):  # another thread has deleted it, or it is in use
        path.unlink()
        path.parent.rmdir()
