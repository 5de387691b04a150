"""Visitors, each with a secret, files and runs of their own, which are deleted after an hour."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.runs import Run
from nst_tf.utils.errors import UserError

GONE = "that file is not here any more: choose it again"
"""The one answer for every path that is not the visitor's, whether a file is there or not."""

ODD = "the page has sent a value that it cannot have: load it again"

KEPT = 3600.0  # seconds that files stay after their last use
DRAWINGS = 2  # latest drawings of the editor that are kept for one visitor
MOST_STROKES = 32_000_000  # bytes of one drawing


@dataclass(eq=False)
class Visitor:
    """A browser, known by a secret in its cookie.

    Attributes:
        token: the secret.
        folder: of its uploads and runs.
        public: files that everybody may use, shared by all visitors.
        user: name of its login, or empty.
        admin: whether it may list and cancel the runs of others.
        runs: oldest first.
        shown: the runs that are on its screen, side by side.
        touched: time of its latest request, on the monotonic clock.
        files: texts of the paths that it has uploaded or was served; for an upload, its bytes.
        places: paths of the files that parts of the page show, by their numbers.
        dropped: paths of files that no part shows any more, which `Visitors.tidy` deletes.
        drawings: layers of the editor by the name that the browser gives a drawing.
    """

    token: str
    folder: Path
    public: set[str] = field(default_factory=set)
    user: str = ""
    admin: bool = False
    runs: list[Run] = field(default_factory=list)
    shown: list[Run] = field(default_factory=list)
    touched: float = field(default_factory=time.monotonic)
    files: dict[str, int] = field(default_factory=dict)
    places: dict[int, list[str]] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    drawings: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for logs, which does not reveal the secret."""
        return self.folder.name

    @property
    def active(self) -> list[Run]:
        """Runs that wait or are being painted."""
        return [run for run in self.runs if run.active]

    @property
    def uploads(self) -> Path:
        """Folder of the uploads."""
        return self.folder / "uploads"

    def own_file(self, text: object) -> Path:
        """Return the path of a file that this visitor may use.

        Args:
            text: as the server has handed it out, letter by letter.

        Raises:
            UserError: the server has not, or the file is gone; the answer is the same for both.
        """
        if not isinstance(text, str) or (text not in self.files and text not in self.public):
            raise UserError(GONE)
        path = Path(text)
        try:
            if not path.is_file() or os.path.realpath(path) != text:
                raise UserError(GONE)
            if text in self.files:
                os.utime(path)  # it is in use: `Visitors.sweep` leaves it alone
        except OSError:
            raise UserError(GONE) from None
        return path

    def hand_out(self, path: str | Path, size: int = 0) -> str:
        """Let the visitor use a file, and return the text under which it may.

        Args:
            path: of the file, without links in it.
            size: bytes that count towards the visitor's quota: those of an upload.
        """
        self.files[str(path)] = size
        return str(path)

    def show(self, paths: list[str], place: int | None) -> None:
        """Hand out files that a part of the page shows from now on, instead of those before.

        Args:
            paths: of the files.
            place: number of the part; None for one whose earlier files stay.
        """
        for path in paths:
            self.files.setdefault(path, 0)
        if place is not None:
            before = self.places.get(place, [])
            self.places[place] = paths
            now = {path for shown in self.places.values() for path in shown}
            for path in set(before) - now - self.public:
                self.files.pop(path, None)
                self.dropped.add(path)

    def make_room(self, files: int, size: int, limits: Limits) -> None:
        """Delete the visitor's oldest uploads until some more keep within its quota.

        Args:
            files: how many there will be.
            size: bytes of them together.
            limits: the quota.

        Raises:
            UserError: they exceed the quota by themselves.
        """
        limits.check_uploads(files, size)
        uploads = {text: size for text, size in list(self.files.items()) if size}
        for text in sorted(uploads, key=_last_use):
            if (
                len(uploads) + files <= limits.files
                and sum(uploads.values()) + size <= limits.session_bytes
            ):
                return
            del uploads[text]
            self.files.pop(text, None)
            shutil.rmtree(Path(text).parent, ignore_errors=True)

    def keep_strokes(self, drawing: object, layer: int, picture: bytes) -> None:
        """Keep a layer of the editor until it is asked for.

        Args:
            drawing: name that the browser gives it.
            layer: its number from 0.
            picture: an encoded picture.

        Raises:
            UserError: there is too much of it, or it is nothing that the editor sends.
        """
        if not isinstance(drawing, str) or not drawing.isalnum() or len(drawing) > 40:
            raise UserError(ODD)
        layers = self.drawings.setdefault(drawing, [])
        if not 0 <= layer < 8 or sum(map(len, layers)) + len(picture) > MOST_STROKES:
            raise UserError(ODD)
        layers.extend([b""] * (layer + 1 - len(layers)))
        layers[layer] = picture
        for old in list(self.drawings)[:-DRAWINGS]:
            del self.drawings[old]

    def strokes_of(self, drawing: object) -> tuple[bytes, ...]:
        """Return the layers of a drawing; none if the visitor has not drawn it."""
        layers = self.drawings.get(drawing, []) if isinstance(drawing, str) else []
        return tuple(filter(None, layers))


class Visitors:
    """Knows visitors by their tokens.

    Args:
        root: folder for their files.
        kept: seconds that files stay after their last use.
        limits: of one visitor, and of how many there are.
    """

    def __init__(self, root: Path, kept: float = KEPT, limits: Limits | None = None) -> None:
        self._root = root
        self._kept = kept
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._visitors: dict[str, Visitor] = {}
        self.public: set[str] = set()

    def everyone(self) -> list[Visitor]:
        """Return all visitors, in the order in which they came."""
        with self._lock:
            return list(self._visitors.values())

    def known(self, token: object) -> Visitor | None:
        """Return the visitor who has a token; None: nobody has it (any more)."""
        with self._lock:
            visitor = self._visitors.get(token) if isinstance(token, str) else None
            if visitor:
                visitor.touched = time.monotonic()
            return visitor

    def welcome(self, token: object, user: str = "", admin: bool = False) -> Visitor:
        """Return the visitor who has a token, or a new one.

        Args:
            token: from its cookie.
            user: name of a new visitor's login.
            admin: whether a new visitor may list and cancel all runs.

        Raises:
            UserError: too many visitors have runs that wait.
        """
        if visitor := self.known(token):
            return visitor
        folder = self._root / secrets.token_hex(8)
        visitor = Visitor(secrets.token_urlsafe(24), folder, self.public, user, admin)
        with self._lock:
            if len(self._visitors) >= self._limits.sessions:
                idle = [known for known in self._visitors.values() if not known.active]
                if not idle:
                    raise UserError("too many people are here: try again later")
                # First those who have only looked at the page, then those who left first.
                self._drop(min(idle, key=lambda one: (bool(one.files or one.runs), one.touched)))
            visitor.uploads.mkdir(parents=True)
            self._visitors[visitor.token] = visitor
        return visitor

    def forget(self, visitor: Visitor) -> None:
        """Let a visitor's secret open nothing any more; files of runs under way stay until then."""
        with self._lock:
            if self._visitors.pop(visitor.token, None) is None:
                return
            visitor.token = secrets.token_urlsafe(24)  # no browser gets it
            self._visitors[visitor.token] = visitor
            if not visitor.active:
                self._drop(visitor)

    def begin(
        self, visitor: Visitor, orders: Iterable[Order], files: Mapping[str, Path]
    ) -> list[Run]:
        """Return runs of a visitor's orders, which are on the screen from now on.

        Args:
            visitor: who asks for them.
            orders: for pictures of the same files.
            files: by the names that the orders have for them; each run gets copies of its own.

        Raises:
            UserError: too many of the visitor's runs wait already.
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
                visitor.shown = list(runs)
                ended = [run for run in visitor.runs if not run.active]
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
                f"{len(visitor.active)} of your pictures wait or are being painted: let one end "
                "first, or cancel it"
            )

    def tidy(self) -> None:
        """Delete files that were shown to visitors and are not any more, to any of them."""
        with self._lock:
            everyone = self._visitors.values()
            used = {path for visitor in everyone for path in [*visitor.files]} | self.public
            for visitor in everyone:
                while visitor.dropped:
                    if (path := visitor.dropped.pop()) not in used:
                        _unlink(Path(path))

    def sweep(self) -> None:
        """Delete runs, uploads and visitors that have not been used for too long."""
        limit = time.monotonic() - self._kept
        with self._lock:
            for visitor in list(self._visitors.values()):
                for run in list(visitor.runs):
                    if not run.active and run.touched < limit:
                        _remove(visitor, run)
                sweep_files(visitor.uploads, self._kept)
                for text in [text for text in visitor.files if not os.path.exists(text)]:
                    del visitor.files[text]
                if not visitor.runs and visitor.touched < limit:
                    self._drop(visitor)

    def _drop(self, visitor: Visitor) -> None:
        del self._visitors[visitor.token]
        shutil.rmtree(visitor.folder, ignore_errors=True)


def sweep_files(folder: Path, kept: float = KEPT, spared: Iterable[str] = ()) -> None:
    """Delete the files in the folders of a folder that have not been used for too long.

    Args:
        folder: whose folders are looked through; those that are empty then go too.
        kept: seconds that a file stays after it was written or used.
        spared: paths of files that stay.
    """
    limit = time.time() - kept
    spared = set(spared)
    for path in folder.rglob("*"):
        with suppress(OSError):  # another thread has deleted it
            if path.is_file() and path.stat().st_mtime < limit and str(path) not in spared:
                _unlink(path)


def _unlink(path: Path) -> None:
    with suppress(OSError):  # another thread has deleted it, or it is in use
        path.unlink()
        path.parent.rmdir()  # unless more is in it


def _last_use(text: str) -> float:
    try:
        return os.path.getmtime(text)
    except OSError:
        return 0.0


def _copy(path: Path, to: Path) -> None:
    try:
        os.link(path, to)  # neither is ever written to; no second copy on the disk
    except OSError:
        shutil.copyfile(path, to)


def _remove(visitor: Visitor, run: Run) -> None:
    for runs in (visitor.runs, visitor.shown):
        if run in runs:
            runs.remove(run)
    shutil.rmtree(run.folder, ignore_errors=True)
