"""The options of the server."""

from collections.abc import Sequence
from dataclasses import dataclass

from nst_tf.page.limits import Limits
from nst_tf.page.login import Accounts
from nst_tf.page.rules import Rules


@dataclass(frozen=True)
class ServerOptions:
    """The options of the server.

    Attributes:
        rules: the accepted hosts, proxies and logins.
        accounts: names and passwords.
        limits: the limits of visitors and runs.
        devices: the device of each concurrent run, as in `--device`.
        port: the port to listen on; None: the first free one.
        mcp: whether to serve the tool for assistants.
    """

    rules: Rules
    accounts: Accounts
    limits: Limits
    devices: Sequence[str] = ("auto",)
    port: int | None = None
    mcp: bool = False
