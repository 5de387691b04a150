"""Favourites: pictures that a visitor keeps longer than others, within limits."""

import time
from collections.abc import Iterable

from nst_tf.page.cookies import MAX_AGE
from nst_tf.page.limits import Limits
from nst_tf.page.runs import Run
from nst_tf.page.visitor import Visitor
from nst_tf.utils.errors import UserError


def toggle(visitor: Visitor, run: Run, limits: Limits) -> None:
    """Make a visitor's run a favourite, or an ordinary run again.

    Raises:
        UserError: the visitor would have too many favourites, or too large ones; or the run has no
            picture.
    """
    if run.favourite:
        run.mark(False)
        return
    if run.active or not run.picture:
        raise UserError("only a finished picture can be a favourite: wait for it")
    others = [one for one in visitor.runs if one.favourite]
    if len(others) >= limits.favourites:
        raise UserError(f"at most {limits.favourites} pictures can be favourites: deselect one")
    if sum(one.size for one in (run, *others)) > limits.session_bytes:
        most = limits.session_bytes / 1e6
        raise UserError(f"favourites may have {most:g} megabytes together: deselect one")
    run.mark(True)


def spared(visitors: Iterable[Visitor], limit: float, limits: Limits) -> set[Run]:
    """Return the favourites that remain although other runs of their age are deleted.

    Later than `MAX_AGE` seconds after its last use, no browser has the secret of a run's visitor.

    Args:
        visitors: all visitors.
        limit: time before which other runs are deleted if they are unused, on the monotonic clock.
        limits: the limits of the total size; the latest favourites come first.
    """
    expired = time.monotonic() - MAX_AGE
    old = [
        run
        for visitor in visitors
        for run in visitor.runs
        if run.favourite and not run.active and expired < run.last_used < limit
    ]
    kept, total = set(), 0
    for run in sorted(old, key=lambda run: run.last_used, reverse=True):
        total += run.size
        if total > limits.favourite_bytes:
            break
        kept.add(run)
    return kept
