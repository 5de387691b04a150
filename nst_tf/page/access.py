"""The gate for values from browsers, which admits only values of the kind of their component.

A browser can send anything, not only what the page's components would send. So the page's events
never see the raw values: `GuardedBlocks` checks every value against the kind of its component and
passes an `AdmittedValue` on, and `guarded` refuses to call an event with anything else. A component
without a kind cannot be an input. A file is identified by the exact path that the server has
granted to this visitor; no other path is ever looked up on the disk.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nst_tf.page.drawings import Drawing
from nst_tf.page.visitor import INVALID_VALUE, Visitor
from nst_tf.utils.errors import UserError

SESSION_LOST = "the session has expired: load the page again"

MAX_TEXT = 500  # characters of a field

SESSION = re.compile(r"[A-Za-z0-9-]{1,40}")

PLACE = re.compile(r"[01]\.[0-9]{3},[01]\.[0-9]{3}")

_visitor: ContextVar[Visitor | None] = ContextVar("visitor", default=None)


@contextmanager
def acting_as(visitor: Visitor | None) -> Iterator[None]:
    """Set the visitor of a request, in this task and the threads that it starts."""
    token = _visitor.set(visitor)
    try:
        yield
    finally:
        _visitor.reset(token)


def current_visitor() -> Visitor:
    """Return the visitor of this request.

    Raises:
        UserError: there is none.
    """
    visitor = _visitor.get()
    if visitor is None:
        raise UserError(SESSION_LOST)
    return visitor


class Kind(Protocol):
    """A kind of values that a component may send."""

    def admit(self, visitor: Visitor, value: Any) -> Any:
        """Return a value in the form that events expect.

        Args:
            visitor: the visitor who sends it.
            value: any decoded JSON.

        Raises:
            UserError: the value is not of this kind; the message does not repeat it.
        """


@dataclass(frozen=True)
class File:
    """A file that the server has granted to the visitor, or none: a `Path` or None."""

    def admit(self, visitor: Visitor, value: Any) -> Path | None:
        """Return the path of the file."""
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            raise UserError(INVALID_VALUE)
        return visitor.own_file(value.get("path"))


@dataclass(frozen=True)
class Files:
    """Several such files, from galleries and lists of uploads: a tuple of `Path`s.

    Attributes:
        limit: the maximum number of files.
    """

    limit: int

    def admit(self, visitor: Visitor, value: Any) -> tuple[Path, ...]:
        """Return the paths of the files."""
        if value is None:
            return ()
        if isinstance(value, dict):
            value = [value]
        if not isinstance(value, list):
            raise UserError(INVALID_VALUE)
        if len(value) > self.limit:
            raise UserError(f"at most {self.limit} pictures can be chosen, not {len(value)}")
        paths = [File().admit(visitor, _in_gallery(item)) for item in value]
        return tuple(path for path in paths if path)


@dataclass(frozen=True)
class Drawn:
    """Regions that the editor has sent before, by their name: a `Drawing` or None."""

    def admit(self, visitor: Visitor, value: Any) -> Drawing | None:
        """Return the visitor's drawing."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise UserError(INVALID_VALUE)
        return visitor.drawing(value)


@dataclass(frozen=True)
class Number:
    """A finite number within bounds, or none.

    Attributes:
        low, high: the bounds, inclusive.
    """

    low: float = -math.inf
    high: float = math.inf

    def admit(self, visitor: Visitor, value: Any) -> float | int | None:
        """Return the number."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UserError(INVALID_VALUE)
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise UserError(f"a number must be from {self.low:g} to {self.high:g}")
        return value


@dataclass(frozen=True)
class Choice:
    """One of several texts.

    Attributes:
        options: the texts.
    """

    options: tuple[str, ...]

    def admit(self, visitor: Visitor, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str) or value not in self.options:
            raise UserError(INVALID_VALUE)
        return value


@dataclass(frozen=True)
class Text:
    """A text of one line, possibly empty."""

    def admit(self, visitor: Visitor, value: Any) -> str:
        """Return the text without white space around it."""
        if value is None:
            return ""
        if not isinstance(value, str):
            raise UserError(INVALID_VALUE)
        if len(value) > MAX_TEXT:
            raise UserError(f"a field may have at most {MAX_TEXT} characters, not {len(value)}")
        if not value.isprintable():
            raise UserError("a field may contain letters, digits and signs, no control characters")
        return value.strip()


@dataclass(frozen=True)
class Places:
    """Places in the photo, each a text such as `0.412,0.223`: a tuple of them.

    Attributes:
        limit: the maximum number of places.
    """

    limit: int

    def admit(self, visitor: Visitor, value: Any) -> tuple[str, ...]:
        """Return the places."""
        if not isinstance(value, list) or len(value) > self.limit:
            raise UserError(INVALID_VALUE)
        if not all(isinstance(place, str) and PLACE.fullmatch(place) for place in value):
            raise UserError(INVALID_VALUE)
        return tuple(value)


@dataclass(frozen=True)
class Switch:
    """On or off."""

    def admit(self, visitor: Visitor, value: Any) -> bool:
        """Return whether it is on."""
        if not isinstance(value, bool):
            raise UserError(INVALID_VALUE)
        return value


def valid_index(index: Any, count: int) -> int:
    """Return the index of the clicked item among `count` items.

    Raises:
        UserError: the index is not valid.
    """
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
        raise UserError(INVALID_VALUE)
    return index


@dataclass(frozen=True)
class AdmittedValue:
    """A value that has passed the gate.

    Attributes:
        value: the value, in the form that its kind promises.
        problem: why the value was not admitted, in a sentence, or empty.
    """

    value: Any = None
    problem: str = ""


def admit(kind: Kind | None, value: Any) -> AdmittedValue:
    """Return a value of the current visitor in the form that its kind admits.

    Args:
        kind: the kind of the component; None admits nothing.
        value: decoded JSON.
    """
    try:
        if kind is None:
            raise UserError(INVALID_VALUE)
        return AdmittedValue(kind.admit(current_visitor(), value))
    except UserError as error:
        return AdmittedValue(problem=str(error))


def guarded(event: Callable[..., Any], refuse: Callable[[str], Any]) -> Callable[..., Any]:
    """Return an event handler that calls `event` with the visitor and admitted values.

    Args:
        event: a function of the visitor and the values.
        refuse: returns what the page shows for a problem, which is a sentence.

    Returns:
        The handler, a function of `AdmittedValue`s. The page shows the message of a `UserError`,
        and for an `OSError` a message that names no path.
    """

    def call(*values: AdmittedValue) -> Any:
        if not all(isinstance(one, AdmittedValue) for one in values):
            raise TypeError("a value from a browser has not passed nst_tf.page.access")
        try:
            visitor = current_visitor()
            for one in values:
                if one.problem:
                    raise UserError(one.problem)
            return event(visitor, *(one.value for one in values))
        except UserError as error:
            return refuse(str(error))
        except OSError:  # its message would name paths
            return refuse("the server has no room for the files: try again later")

    return call


def well_formed(body: Any, inputs: Sequence[int], selects: Sequence[bool]) -> bool:
    """Return whether decoded JSON is a call of one of the page's events.

    Args:
        body: the body of the request.
        inputs: the number of inputs of each event.
        selects: for each event, whether it is a click on one of several items.
    """
    if not isinstance(body, dict):
        return False
    index, data, session = (body.get(key) for key in ("fn_index", "data", "session_hash"))
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(inputs):
        return False
    if not isinstance(data, list) or len(data) != inputs[index]:
        return False
    if not isinstance(session, str) or not SESSION.fullmatch(session):
        return False
    click = body.get("event_data")
    if selects[index]:
        return isinstance(click, dict) and {"index", "value"} <= click.keys()
    # Fields that change send their values; only events of clicks use such data.
    return True


def _in_gallery(item: Any) -> Any:
    """Return the file of a gallery's item, which consists of a file and a caption."""
    return item["image"] if isinstance(item, dict) and "image" in item else item
