"""Limits of uploads, runs and visitors."""

from dataclasses import dataclass

from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError


@dataclass(frozen=True)
class Limits:
    """Upper bounds that the administrator sets.

    Attributes:
        upload_bytes: size of one uploaded file.
        pixels: pixels of one uploaded picture.
        side: long side of a result, pixels.
        steps: steps of a run, over all scales.
        run_seconds: duration of a run, seconds; 0: unlimited.
        files: stored uploads of one visitor.
        session_bytes: total size of these uploads.
        paintings: paintings of one run.
        waiting: active runs of one visitor.
        kept: stored runs of one visitor.
        queue: waiting runs of all visitors.
        sessions: concurrent visitors.
        favourite_bytes: total size of all favourites that outlive other runs.
    """

    upload_bytes: int = 64_000_000
    pixels: int = 100_000_000
    side: int = 4961
    steps: int = 10_000
    run_seconds: float = 0.0
    files: int = 60
    session_bytes: int = 512_000_000
    paintings: int = 8
    waiting: int = 6
    kept: int = 20
    queue: int = 200
    sessions: int = 1000
    favourite_bytes: int = 2_000_000_000

    @property
    def favourites(self) -> int:
        """The maximum number of a visitor's favourites, which leave room for new runs."""
        return max(1, self.kept // 2)

    def check(self, settings: Settings) -> None:
        """Refuse settings that exceed a limit.

        Raises:
            UserError: a value is too large; the message names it and its bound.
        """
        if not 0 < settings.max_dim <= self.side:
            raise UserError(f"max_dim must be from 1 to {self.side} here, not {settings.max_dim}")
        steps = planned_steps(settings)
        if steps > self.steps:
            raise UserError(
                f"these settings plan {steps} steps, and a run may have {self.steps} here: lower "
                "epochs, steps_per_epoch, coarse_steps or scales"
            )
        if self.run_seconds and settings.time_limit > self.run_seconds:
            raise UserError(
                f"time_limit must be at most {self.run_seconds:g} seconds here, not "
                f"{settings.time_limit:g}"
            )

    def check_uploads(self, files: int, size: int) -> None:
        """Refuse more uploads than a visitor may store.

        Args:
            files: the number of files.
            size: total size of the files, bytes.

        Raises:
            UserError: there are too many files or bytes; the message names the bound.
        """
        if files > self.files:
            raise UserError(f"at most {self.files} files can be uploaded, not {files}")
        if size > self.session_bytes:
            most = self.session_bytes / 1e6
            raise UserError(f"at most {most:g} megabytes can be uploaded together")

    def describe(self) -> str:
        """Return the limits of a run in a sentence."""
        time = f", {self.run_seconds / 60:g} minutes" if self.run_seconds else ""
        return f"At most {self.side} pixels on the long side, {self.steps} steps{time}."


def planned_steps(settings: Settings) -> int:
    """Return an upper bound of the network's steps in a run, exact for square photos."""
    return sum(steps for _, steps in planned_scales(settings))


def planned_scales(settings: Settings) -> list[tuple[float, int]]:
    """Return the long side and the steps of each scale of a square photo, finest first.

    Scales with a long side below `min_dim` do not count; see `nst_tf.inputs.pyramid.plan_scales`.
    """
    planned = []
    for level in range(settings.scales):
        side = settings.network_limit / settings.scale_factor**level
        if level and side < max(settings.min_dim, settings.smallest_side):
            break
        planned.append((side, max(1, round(settings.finest_steps * settings.coarse_steps**level))))
    return planned
