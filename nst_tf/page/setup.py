"""What the administrator has chosen for the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from nst_tf.page.limits import Limits
from nst_tf.page.login import Accounts
from nst_tf.page.wall import Rules


@dataclass(frozen=True)
class Setup:
    """What the administrator has chosen for the page.

    Attributes:
        rules: where the page is reached.
        accounts: who may log in.
        limits: what visitors may take.
        devices: one for each run at the same time, as `--device` has them.
        port: to serve at; None for the first free one.
    """

    rules: Rules
    accounts: Accounts
    limits: Limits
    devices: Sequence[str] = ("auto",)
    port: int | None = None
