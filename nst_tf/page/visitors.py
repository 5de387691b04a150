"""The known visitors, and the deletion of what they no longer use."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from nst_tf.page.favourites import spared
from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.runs import Run
from nst_tf.page.sweep import RETENTION, delete_file, sweep_files
from nst_tf.page.visitor import Visitor
from nst_tf.utils.errors import UserError


class Visitors:
    """The known visitors, by their tokens.

    Args:
        root: the folder for their files.
        retention: seconds for which files are kept after their last use.
        limits: limits of each visitor, and of the number of visitors.

    Attributes:
        public: paths of the files that every visitor may use.
    """

    def __init__(
        self, root: Path, retention: float = RETENTION, limits: Limits | None = None
    ) -> None:
        self._root = root
        self._retention = retention
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._visitors: dict[str, Visitor] = {}
        self.public: set[str] = set()

    def everyone(self) -> list[Visitor]:
        """Return all visitors, in order of arrival."""
        with self._lock:
            return list(self._visitors.values())

    def known(self, token: object) -> Visitor | None:
        """Return the visitor with a token, or None."""
        with self._lock:
            visitor = self._visitors.get(token) if isinstance(token, str) else None
            if visitor:
                visitor.last_used = time.monotonic()
            return visitor

    def session_for(self, token: object, user: str = "", admin: bool = False) -> Visitor:
        """Return the visitor with a token, or a new one.

        Args:
            token: the token from the cookie.
            user: name of a new visitor's login.
            admin: whether a new visitor may list and cancel all runs.

        Raises:
            UserError: there are too many visitors, all with active runs.
        """
        if visitor := self.known(token):
            return visitor
        folder = self._root / secrets.token_hex(8)
        visitor = Visitor(secrets.token_urlsafe(24), folder, self.public, user, admin)
        with self._lock:
            if len(self._visitors) >= self._limits.sessions:
                idle = [known for known in self._visitors.values() if not known.active]
                if not idle:
                    raise UserError("too many visitors are here: try again later")
                # First those without files and runs, then those whose last request is oldest.
                self._drop(min(idle, key=lambda one: (bool(one.files or one.runs), one.last_used)))
            visitor.uploads.mkdir(parents=True)
            self._visitors[visitor.token] = visitor
        return visitor

    def forget(self, visitor: Visitor) -> None:
        """Invalidate a visitor's secret, and delete its files once its active runs have ended."""
        with self._lock:
            if self._visitors.pop(visitor.token, None) is None:
                return
            visitor.token = secrets.token_urlsafe(24)  # no browser receives it
            self._visitors[visitor.token] = visitor
            if not visitor.active:
                self._drop(visitor)

    def create_runs(
        self, visitor: Visitor, orders: Iterable[Order], files: Mapping[str, Path]
    ) -> list[Run]:
        """Create a run of each order, and show the runs on the visitor's screen.

        Args:
            visitor: the visitor.
            orders: orders that use the same files.
            files: paths of the files, by the names in the orders; each run gets its own copies.

        Raises:
            UserError: too many of the visitor's runs are active.
            OSError: the files cannot be copied. No folder is left behind in either case.
        """
        orders = list(orders)
        self._check_room(visitor, len(orders))
        runs: list[Run] = []
        try:
            for order in orders:
                run = Run(order, visitor.folder / secrets.token_hex(8))
                runs.append(run)
                run.folder.mkdir()
                for name, path in files.items():
                    _copy(path, run.folder / name)
            with self._lock:
                self._check_room(visitor, len(orders))
                visitor.runs += runs
                # Favourites and the pictures on the screen go last.
                ended = sorted(
                    (run for run in visitor.runs if not run.active),
                    key=lambda run: run.favourite or run in visitor.shown,
                )
                visitor.show(runs)
                for run in ended[: max(0, len(visitor.runs) - self._limits.kept)]:
                    _remove(visitor, run)
        except BaseException:
            for run in runs:
                shutil.rmtree(run.folder, ignore_errors=True)
            raise
        return runs

    def _check_room(self, visitor: Visitor, orders: int) -> None:
        if len(visitor.active) + orders > self._limits.waiting:
            raise UserError(
                f"{len(visitor.active)} of your pictures wait or are being painted: cancel one or "
                "try again later"
            )

    def delete_stale_files(self) -> None:
        """Delete files that were shown to visitors and that no visitor may use any more."""
        with self._lock:
            everyone = self._visitors.values()
            used = {path for visitor in everyone for path in [*visitor.files]} | self.public
            for visitor in everyone:
                while visitor.stale_files:
                    if (path := visitor.stale_files.pop()) not in used:
                        delete_file(Path(path))

    def sweep(self) -> None:
        """Delete runs, uploads and visitors that have been unused for the retention time.

        Favourites remain longer.
        """
        limit = time.monotonic() - self._retention
        with self._lock:
            favourites = spared(self._visitors.values(), limit, self._limits)
            for visitor in list(self._visitors.values()):
                for run in list(visitor.runs):
                    if not run.active and run.last_used < limit and run not in favourites:
                        _remove(visitor, run)
                sweep_files(visitor.uploads, self._retention)
                for text in [text for text in visitor.files if not os.path.exists(text)]:
                    del visitor.files[text]
                if not visitor.runs and visitor.last_used < limit:
                    self._drop(visitor)

    def shown_files(self) -> set[str]:
        """Return the files on the screens of visitors who were here within the retention time."""
        limit = time.monotonic() - self._retention
        with self._lock:
            return {
                path
                for visitor in self._visitors.values()
                if visitor.last_used >= limit
                for shown in visitor.shown_files.values()
                for path in shown
            }

    def _drop(self, visitor: Visitor) -> None:
        del self._visitors[visitor.token]
        shutil.rmtree(visitor.folder, ignore_errors=True)


def _copy(path: Path, to: Path) -> None:
    try:
        os.link(path, to)  # neither is ever modified; saves space on the disk
    except OSError:
        shutil.copyfile(path, to)


def _remove(visitor: Visitor, run: Run) -> None:
    for runs in (visitor.runs, visitor.shown):
        if run in runs:
            runs.remove(run)
    shutil.rmtree(run.folder, ignore_errors=True)
