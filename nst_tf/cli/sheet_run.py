"""A sheet under way: its pictures, one after the other, and their figure."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nst_tf.callbacks.pace import duration
from nst_tf.cli.job import Checked, check, prepare
from nst_tf.cli.request import Request
from nst_tf.cli.sheet import Sheet, plan_sheet
from nst_tf.cli.sheet_figure import SheetPicture, save_sheet
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import print_error, print_out
from nst_tf.compute.device import start_tensorflow
from nst_tf.utils.errors import UserError
from nst_tf.utils.stop import StopRequest

if TYPE_CHECKING:
    from nst_tf.compute.cache import StatisticsCache

STOPPED = "stopped"
LATE = "time limit"
SHORTEST = 1e-3  # seconds: the first picture is always made, in as few steps as possible


def make_sheet(argv: Sequence[str], request: Request) -> int:
    """Make the sheet that a command line asks for, and return the exit status.

    All values are checked before TensorFlow starts. Errors are those of `plan_sheet` and `check`.
    """
    sheet = plan_sheet(argv, request)
    if not request.quiet:
        print_out(sheet.defaults)
    checked = [_checked(cell.request, sheet) for cell in sheet.cells]
    if not all(entry.settings.recolor for entry in checked):
        start_tensorflow(request.device, request.deterministic)
    return SheetRun(sheet, checked, request.quiet).run()


def _checked(request: Request, sheet: Sheet) -> Checked:
    """Return the checked run of a cell, whose picture is not written to a file of its own."""
    picture = str(sheet.output.with_suffix(".png"))
    return check(dataclasses.replace(request, output=picture, overwrite=True))


class SheetRun:
    """Paints the pictures of a sheet, and writes those that are done when it ends.

    The runs share the network, compiled steps and the statistics of paintings. Each picture equals
    that of its own small command, unless there is a time limit.
    """

    def __init__(self, sheet: Sheet, checked: Sequence[Checked], quiet: bool = False) -> None:
        self._sheet = sheet
        self._checked = checked
        self._quiet = quiet
        self._pictures: list[SheetPicture] = []
        self._began = time.monotonic()
        self._memory: tuple[int, StatisticsCache] | None = None

    def run(self) -> int:
        """Paint until the sheet is done, a signal arrives or time is up; return the exit status."""
        with Stopper(self.save) as stopper:
            for entry in self._checked:
                if stopper.requested:
                    break
                self._pictures.append(self._paint(entry, stopper))
                self._report()
            stopper.run_ended()
            saved = self.save()
        words = f"{self._done()} of {len(self._checked)} pictures"
        if saved is None:
            notes = {picture.note for picture in self._pictures if picture.note}
            status = 128 + stopper.signal if stopper.signal is not None else 1
            return print_error(f"the sheet has no picture: {'; '.join(sorted(notes))}", status)
        if stopper.signal is not None:
            problem = f"stopped after {words}; the sheet is saved as {saved}"
            return print_error(problem, 128 + stopper.signal)
        if not self._quiet:
            print_out(f"Saved {saved}, {words}, after {duration(self._spent())}")
        return 0

    def save(self) -> Path | None:
        """Write the sheet and return its path; without a picture, return `None`."""
        if not self._done():
            return None
        save_sheet(self._sheet, self._pictures)
        return self._sheet.output

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _done(self) -> int:
        return sum(picture.image is not None for picture in self._pictures)

    def _report(self) -> None:
        """Print a line for the latest picture."""
        if self._quiet:
            return
        number, count = len(self._pictures), len(self._checked)
        cell, note = self._sheet.cells[number - 1], self._pictures[-1].note
        values = ", ".join(
            f"{axis.name} {label}"
            for axis, label in zip(self._sheet.axes, cell.labels, strict=True)
        )
        left = duration(self._spent() / number * (count - number))
        print_out(f"{number}/{count}: {values}{f' ({note})' * bool(note)} - about {left} left")

    def _paint(self, checked: Checked, stop: StopRequest) -> SheetPicture:
        """Return the picture of a cell, or none with a note if it could not be made."""
        from nst_tf.transfer.progress import DivergedError

        if limit := self._sheet.time_limit:
            share = (limit - self._spent()) / (len(self._checked) - len(self._pictures))
            if share <= 0 and self._pictures:
                return SheetPicture(None, LATE)
            checked = _limited(checked, max(share, SHORTEST))
        try:
            image = self._picture(checked, stop)
        except DivergedError as error:
            return SheetPicture(error.image[0], "diverged")
        except MemoryError:
            return SheetPicture(None, "memory ran out")
        except (UserError, OSError) as error:
            return SheetPicture(None, str(error))
        return SheetPicture(image, "" if image is not None else STOPPED)

    def _picture(self, checked: Checked, stop: StopRequest) -> np.ndarray | None:
        """Return the picture of a run, `[h, w, 3]`; `None`: it was stopped before its end."""
        memory = () if checked.settings.recolor else self._shared(checked)
        transfer = prepare(checked, *memory).transfer
        ended = []
        image = transfer.finish([lambda progress: ended.append(transfer.ending(progress)), stop])
        return image[0] if ended and ended[-1] else None

    def _shared(self, checked: Checked) -> "tuple[int, StatisticsCache]":
        """Return the bytes that a run may use, and the cache of statistics, which has the rest."""
        from nst_tf.compute.budget import memory_budget
        from nst_tf.compute.cache import StatisticsCache, cache_share

        if self._memory is None:
            budget = memory_budget(checked.settings)
            cache = StatisticsCache(cache_share(budget))
            self._memory = budget - cache.limit, cache
        return self._memory


def _limited(checked: Checked, seconds: float) -> Checked:
    """Return a run with a time limit."""
    fitted = checked.inputs.fitted
    settings = dataclasses.replace(fitted.settings, time_limit=seconds)
    fitted = dataclasses.replace(fitted, settings=settings)
    return dataclasses.replace(checked, inputs=dataclasses.replace(checked.inputs, fitted=fitted))
