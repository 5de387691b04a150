"""One visitor: its secret, its files and its runs."""

import dataclasses
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nst_tf.page.drawings import MAX_BYTES, Drawing
from nst_tf.page.limits import Limits
from nst_tf.page.order import OrderForm
from nst_tf.page.runs import Run
from nst_tf.utils.errors import UserError

FILE_GONE = "that file is no longer here: choose it again"
"""The answer for every path that is not the visitor's, whether or not a file exists there."""

INVALID_VALUE = "the page has sent an invalid value: load the page again"

DRAWING_GONE = "the painted regions are no longer here: change them, and paint again"

MAX_DRAWINGS = 4  # open pages of one visitor whose drawings are kept


@dataclass(eq=False)
class Visitor:
    """A browser, identified by a secret in its cookie.

    Attributes:
        token: the secret.
        folder: the folder of its uploads and runs.
        public: files that every visitor may use; all visitors share this set.
        user: the name of its login, or empty.
        admin: whether it may list and cancel all runs.
        runs: its runs, oldest first.
        shown: the runs on its screen, side by side.
        chosen: number of the shown run that buttons and tabs are about.
        form: what it has filled in, for the next time that it loads the page.
        last_used: time of its latest request, on the monotonic clock.
        files: paths that it has uploaded or was served; for an upload, its size in bytes, else 0.
        shown_files: paths of the files that each component shows, by the component's number.
        stale_files: paths of files that no component shows any more, which `Visitors` deletes.
        drawings: painted regions, by the name that each open page gives its drawing.
    """

    token: str
    folder: Path
    public: set[str] = field(default_factory=set)
    user: str = ""
    admin: bool = False
    runs: list[Run] = field(default_factory=list)
    shown: list[Run] = field(default_factory=list)
    chosen: int = 0
    form: OrderForm = field(default_factory=OrderForm)
    last_used: float = field(default_factory=time.monotonic)
    files: dict[str, int] = field(default_factory=dict)
    shown_files: dict[int, list[str]] = field(default_factory=dict)
    stale_files: set[str] = field(default_factory=set)
    drawings: dict[str, Drawing] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for logs, which does not reveal the secret."""
        return self.folder.name

    @property
    def active(self) -> list[Run]:
        """Runs that wait or are being painted."""
        return [run for run in self.runs if run.active]

    @property
    def main(self) -> Run | None:
        """The shown run that buttons and tabs are about."""
        return self.shown[min(self.chosen, len(self.shown) - 1)] if self.shown else None

    def choose(self, run: Run) -> None:
        """Choose one of the shown runs."""
        self.chosen = self.shown.index(run)

    def show(self, runs: Iterable[Run]) -> None:
        """Show runs on the screen, of which the first is chosen."""
        self.shown, self.chosen = list(runs), 0

    @property
    def uploads(self) -> Path:
        """The folder of the uploads."""
        return self.folder / "uploads"

    def own_file(self, text: object) -> Path:
        """Return the path of a file that this visitor may use.

        Args:
            text: the path exactly as the server has granted it.

        Raises:
            UserError: the path was not granted, or the file is gone; both have the same message.
        """
        if not isinstance(text, str) or (text not in self.files and text not in self.public):
            raise UserError(FILE_GONE)
        path = Path(text)
        try:
            if not path.is_file() or os.path.realpath(path) != text:
                raise UserError(FILE_GONE)
            if text in self.files:
                os.utime(path)  # mark it as used for `Visitors.sweep`
        except OSError:
            raise UserError(FILE_GONE) from None
        return path

    def grant(self, path: str | Path, size: int = 0) -> str:
        """Let the visitor use a file, and return the path as text.

        Args:
            path: path of the file, without symbolic links.
            size: bytes that count towards the visitor's quota: the size of an upload, else 0.
        """
        self.files[str(path)] = size
        return str(path)

    def show_files(self, paths: list[str], component: int | None) -> None:
        """Grant the files that a component shows, and revoke those that it showed before.

        Args:
            paths: paths of the files.
            component: number of the component; None for one whose earlier files remain granted.
        """
        for path in paths:
            self.files.setdefault(path, 0)
        if component is not None:
            before = self.shown_files.get(component, [])
            self.shown_files[component] = paths
            now = {path for shown in self.shown_files.values() for path in shown}
            for path in set(before) - now - self.public:
                self.files.pop(path, None)
                self.stale_files.add(path)

    def make_room(self, files: int, size: int, limits: Limits) -> None:
        """Delete the visitor's oldest uploads until new ones fit into its quota.

        Args:
            files: the number of new uploads.
            size: total size of the new uploads, bytes.
            limits: the quota.

        Raises:
            UserError: the new uploads exceed the quota by themselves.
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

    def store_drawing(self, name: object, drawing: Drawing | None) -> None:
        """Store painted regions for the event that needs them, and for a page loaded again.

        Args:
            name: the name that an open page gives its drawing.
            drawing: the regions, which replace those of the same page; `None`: nothing is painted.

        Raises:
            UserError: the name is not one that the editor sends, or the drawing is too large.
        """
        if not isinstance(name, str) or not name.isalnum() or len(name) > 40:
            raise UserError(INVALID_VALUE)
        self.drawings.pop(name, None)
        if drawing:
            if len(drawing.picture) > MAX_BYTES:
                raise UserError("the painted regions are too large: use fewer regions")
            self.drawings[name] = drawing
        for old in list(self.drawings)[:-MAX_DRAWINGS]:
            del self.drawings[old]
        self.form = dataclasses.replace(self.form, drawing=drawing)

    def drawing(self, name: str) -> Drawing | None:
        """Return the drawing of a name, or None for an empty name.

        Raises:
            UserError: the visitor has no such drawing.
        """
        if not name:
            return None
        if name not in self.drawings:
            raise UserError(DRAWING_GONE)
        return self.drawings[name]


def _last_use(text: str) -> float:
    try:
        return os.path.getmtime(text)
    except OSError:
        return 0.0
