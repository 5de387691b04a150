"""Visitors, each with runs and files of their own, which are deleted after an hour."""

import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nst_tf.errors import UserError
from nst_tf.page.order import Order
from nst_tf.page.runs import Run

KEPT = 3600.0  # seconds that files stay after their last use
MOST_ACTIVE = 6  # runs of one visitor that wait or go on
MOST_RUNS = 20  # runs of one visitor that are kept


@dataclass(eq=False)
class Visitor:
    """A browser, by a secret that it keeps.

    Attributes:
        token: the secret.
        folder: of all its runs.
        runs: oldest first.
        shown: the runs that are on its screen, side by side.
        touched: when it was last heard of, on the monotonic clock.
    """

    token: str
    folder: Path
    runs: list[Run] = field(default_factory=list)
    shown: list[Run] = field(default_factory=list)
    touched: float = field(default_factory=time.monotonic)

    @property
    def active(self) -> list[Run]:
        """Runs that wait or go on."""
        return [run for run in self.runs if run.active]


class Visitors:
    """Knows visitors by their tokens.

    Args:
        root: folder for their files.
        kept: seconds that files stay after their last use.
    """

    def __init__(self, root: Path, kept: float = KEPT) -> None:
        self._root = root
        self._kept = kept
        self._lock = threading.Lock()
        self._visitors: dict[str, Visitor] = {}

    def known(self, token: object) -> Visitor | None:
        """Return the visitor who has a token; None: nobody has it (any more)."""
        with self._lock:
            visitor = self._visitors.get(token) if isinstance(token, str) else None
            if visitor:
                visitor.touched = time.monotonic()
            return visitor

    def welcome(self, token: object) -> Visitor:
        """Return the visitor who has a token, or a new one."""
        if visitor := self.known(token):
            return visitor
        token = secrets.token_urlsafe(24)
        folder = self._root / secrets.token_hex(8)
        folder.mkdir(parents=True)
        with self._lock:
            return self._visitors.setdefault(token, Visitor(token, folder))

    def begin(
        self, visitor: Visitor, orders: Iterable[Order], files: Mapping[str, Path]
    ) -> list[Run]:
        """Return runs of a visitor's orders, which are on the screen from now on.

        Args:
            visitor: who asks for them.
            orders: for pictures of the same files.
            files: by the names that the orders have for them; each run gets copies of its own.

        Raises:
            ValueError: too many of the visitor's runs wait already.
        """
        orders = list(orders)
        if len(visitor.active) + len(orders) > MOST_ACTIVE:
            raise UserError(
                f"{len(visitor.active)} of your pictures wait or are being painted: let one end "
                "first, or cancel it"
            )
        runs = []
        for order in orders:
            folder = visitor.folder / secrets.token_hex(8)
            folder.mkdir()
            for name, path in files.items():
                shutil.copyfile(path, folder / name)
            runs.append(Run(order, folder))
        with self._lock:
            visitor.runs += runs
            visitor.shown = list(runs)
            ended = [run for run in visitor.runs if not run.active]
            for run in ended[: max(0, len(visitor.runs) - MOST_RUNS)]:
                _remove(visitor, run)
        return runs

    def sweep(self) -> None:
        """Delete what nobody has used for too long."""
        limit = time.monotonic() - self._kept
        with self._lock:
            for visitor in list(self._visitors.values()):
                for run in list(visitor.runs):
                    if not run.active and run.touched < limit:
                        _remove(visitor, run)
                if not visitor.runs and visitor.touched < limit:
                    del self._visitors[visitor.token]
                    shutil.rmtree(visitor.folder, ignore_errors=True)


def sweep_files(folder: Path, kept: float = KEPT) -> None:
    """Delete the files in the folders of a folder that nobody has written for too long."""
    limit = time.time() - kept
    for path in folder.rglob("*"):
        with suppress(OSError):  # somebody else has deleted it, or it is in use
            if path.is_file() and path.stat().st_mtime < limit:
                path.unlink()


def _remove(visitor: Visitor, run: Run) -> None:
    for runs in (visitor.runs, visitor.shown):
        if run in runs:
            runs.remove(run)
    shutil.rmtree(run.folder, ignore_errors=True)
