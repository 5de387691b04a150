"""The gate for values from browsers: each has a kind, and only what its kind admits gets in.

A browser can send anything, not only what the page's components would. So the page's events never
see what was sent: `GuardedBlocks` passes every value through the kind of its component and hands
over a `Given`, and `guarded` refuses to call an event with anything else. A component without a
kind cannot be an input. Files are known by the exact text under which the server has handed them
out to this very visitor; no other text is ever looked up on the disk.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nst_tf.page.visitors import ODD, Visitor
from nst_tf.utils.errors import UserError

AWAY = "the page was away for too long: load it again"

MOST_TEXT = 500  # characters of a field

_visitor: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


@contextmanager
def acting(visitor: Visitor | None) -> Iterator[None]:
    """Let a request act for a visitor, in this task and the threads that it starts."""
    token = _visitor.set(visitor)
    try:
        yield
    finally:
        _visitor.reset(token)


def current_visitor() -> Visitor:
    """Return the visitor for whom this request acts.

    Raises:
        UserError: there is none.
    """
    visitor = _visitor.get()
    if visitor is None:
        raise UserError(AWAY)
    return visitor


class Kind(Protocol):
    """What a component may send."""

    def admit(self, visitor: Visitor, value: Any) -> Any:
        """Return a value in the form in which events take it.

        Args:
            visitor: who sends it.
            value: decoded JSON of any form.

        Raises:
            UserError: it is not of this kind; the text repeats nothing of it.
        """


@dataclass(frozen=True)
class File:
    """A file that the server has handed out to the visitor, or none: a `Path` or None."""

    def admit(self, visitor: Visitor, value: Any) -> Path | None:
        """Return the path of the file."""
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            raise UserError(ODD)
        return visitor.own_file(value.get("path"))


@dataclass(frozen=True)
class Files:
    """Several such files, as galleries and lists of uploads send them: a tuple of `Path`s.

    Attributes:
        most: how many there may be.
    """

    most: int

    def admit(self, visitor: Visitor, value: Any) -> tuple[Path, ...]:
        """Return the paths of the files."""
        if value is None:
            return ()
        if isinstance(value, dict):
            value = [value]
        if not isinstance(value, list):
            raise UserError(ODD)
        if len(value) > self.most:
            raise UserError(f"at most {self.most} pictures can be chosen, not {len(value)}")
        paths = [File().admit(visitor, _in_gallery(item)) for item in value]
        return tuple(path for path in paths if path)


@dataclass(frozen=True)
class Layers:
    """Strokes of the editor of regions: a tuple of encoded pictures, bytes each."""

    def admit(self, visitor: Visitor, value: Any) -> tuple[bytes, ...]:
        """Return the layers that the editor has sent ahead, or that its value names."""
        if value is None:
            return ()
        if not isinstance(value, dict):
            raise UserError(ODD)
        name = value.get("id")
        if name is not None:
            return visitor.strokes_of(name)
        layers = Files(8).admit(visitor, value.get("layers"))
        return tuple(path.read_bytes() for path in layers)


@dataclass(frozen=True)
class Number:
    """A finite number within bounds, or none.

    Attributes:
        low, high: the bounds, both included.
    """

    low: float = -math.inf
    high: float = math.inf

    def admit(self, visitor: Visitor, value: Any) -> float | int | None:
        """Return the number."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UserError(ODD)
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise UserError(f"a number must be from {self.low:g} to {self.high:g}")
        return value


@dataclass(frozen=True)
class Choice:
    """One of some texts.

    Attributes:
        options: the texts.
    """

    options: tuple[str, ...]

    def admit(self, visitor: Visitor, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str) or value not in self.options:
            raise UserError(ODD)
        return value


@dataclass(frozen=True)
class Text:
    """A text of one line, possibly empty."""

    def admit(self, visitor: Visitor, value: Any) -> str:
        """Return the text without white space around it."""
        if value is None:
            return ""
        if not isinstance(value, str):
            raise UserError(ODD)
        if len(value) > MOST_TEXT:
            raise UserError(f"a field takes at most {MOST_TEXT} characters, not {len(value)}")
        if not value.isprintable():
            raise UserError("a field takes letters, digits and signs, no control characters")
        return value.strip()


@dataclass(frozen=True)
class Switch:
    """On or off."""

    def admit(self, visitor: Visitor, value: Any) -> bool:
        """Return whether it is on."""
        if not isinstance(value, bool):
            raise UserError(ODD)
        return value


def picked(index: Any, count: int) -> int:
    """Return the index of what a visitor has clicked among `count` things.

    Raises:
        UserError: there is no such thing.
    """
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        raise UserError(ODD)
    return index


@dataclass(frozen=True)
class Given:
    """A value that has passed the gate.

    Attributes:
        value: of the form that its kind promises.
        problem: why there is none, in a sentence, or empty.
    """

    value: Any = None
    problem: str = ""


def admit(kind: Kind | None, value: Any) -> Given:
    """Return a value of the current visitor's as its kind admits it.

    Args:
        kind: of the component that sends it; None admits nothing.
        value: decoded JSON.
    """
    try:
        if kind is None:
            raise UserError(ODD)
        return Given(kind.admit(current_visitor(), value))
    except UserError as error:
        return Given(problem=str(error))


def guarded(event: Callable[..., Any], refuse: Callable[[str], Any]) -> Callable[..., Any]:
    """Return an event that is called with the visitor and with admitted values only.

    Args:
        event: takes the visitor and the values.
        refuse: returns what the page shows of a problem, a sentence.

    Returns:
        The event, to be called with `Given`s. A `UserError` becomes its sentence, an `OSError` one
        that names no path.
    """

    def call(*given: Given) -> Any:
        if not all(isinstance(one, Given) for one in given):
            raise TypeError("a value from a browser has not passed nst_tf.page.access")
        try:
            visitor = current_visitor()
            for one in given:
                if one.problem:
                    raise UserError(one.problem)
            return event(visitor, *(one.value for one in given))
        except UserError as error:
            return refuse(str(error))
        except OSError:  # whose text would name paths
            return refuse("the server has no room for the files: try again later")

    return call


def well_formed(body: Any, inputs: Sequence[int], picks: Sequence[bool]) -> bool:
    """Return whether decoded JSON calls an event of the page.

    Args:
        body: of the request.
        inputs: how many values each event takes, by its index.
        picks: whether each event is a click on one of several things.
    """
    if not isinstance(body, dict):
        return False
    index, data, session = (body.get(key) for key in ("fn_index", "data", "session_hash"))
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(inputs):
        return False
    if not isinstance(data, list) or len(data) != inputs[index]:
        return False
    if not isinstance(session, str) or not session.isalnum() or len(session) > 40:
        return False
    click = body.get("event_data")
    if picks[index]:
        return isinstance(click, dict) and {"index", "value"} <= click.keys()
    return click is None or isinstance(click, dict)


def _in_gallery(item: Any) -> Any:
    """Return the file of an item of a gallery, which wraps it in its kind and a caption."""
    return item["image"] if isinstance(item, dict) and "image" in item else item
