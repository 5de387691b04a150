"""Logins: the form, the accounts, and a throttle against password guessing."""

import asyncio
import hmac
import html
import ipaddress
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from nst_tf.utils.errors import UserError

LOG = logging.getLogger("nst_tf.page")

MAX_WAIT = 300.0  # seconds for which an address is refused
MAX_DELAY = 5.0  # seconds by which the response to a name is delayed
FREE_FAILURES = 3  # failures of an address without a wait, for typing errors
FREE_NAME_FAILURES = 10  # failures of a name without a delay
EXPIRY = 3600.0  # seconds after which failures no longer count
MAX_ENTRIES = 10_000  # stored addresses and names

ADMIN = "admin"

PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>nst_tf: log in</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; font: 16px system-ui, sans-serif; }}
main {{ max-width: 20rem; margin: 15vh auto; padding: 0 1rem; }}
label, input, button {{ display: block; width: 100%; box-sizing: border-box; }}
input, button {{ margin: .25rem 0 1rem; padding: .5rem; font: inherit; }}
[role=alert] {{ padding: .5rem; border: 1px solid; border-radius: 6px; }}
</style></head>
<body><main><h1>nst_tf</h1>{problem}
<form method="post" action="{action}">
<label for="username">Name</label>
<input id="username" name="username" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Log in</button></form></main></body></html>
"""


def login_page(action: str, problem: str = "") -> str:
    """Return the login page.

    Args:
        action: the URL to which the form is sent.
        problem: a sentence, or empty.
    """
    alert = f'<p role="alert">{html.escape(problem)}.</p>' if problem else ""
    return PAGE.format(action=html.escape(action), problem=alert)


@dataclass(frozen=True)
class Accounts:
    """Names and passwords.

    Attributes:
        passwords: by name; the administrator's is `ADMIN`.
    """

    passwords: dict[str, str] = field(default_factory=dict)

    def match(self, name: str, password: str) -> bool:
        """Return whether a name has a password, in constant time."""
        found = False
        for known, word in self.passwords.items():
            same = hmac.compare_digest(known.encode(), name.encode())
            found |= same & hmac.compare_digest(word.encode(), password.encode())
        return found


class Throttle:
    """A throttle against guessing, with doubling waits by address and short delays by name.

    An address with too many failures is refused until its wait is over. A name is only delayed, so
    strangers cannot lock its owner out.

    Args:
        clock: returns the time, seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return the seconds until the next attempt of an address."""
        count, last = self._count("address", _network(address))
        if count <= FREE_FAILURES:
            return 0.0
        wait = min(MAX_WAIT, math.ldexp(1.0, min(count - FREE_FAILURES, 20)))
        return max(0.0, last + wait - self._clock())

    def delay(self, name: str) -> float:
        """Return the seconds by which to delay the response to a name."""
        count, _ = self._count("name", name)
        excess = count - FREE_NAME_FAILURES + 1
        return min(MAX_DELAY, max(0.0, 0.5 * excess))

    def failed(self, address: str, name: str) -> None:
        """Record a wrong password."""
        for kind, value in (("address", _network(address)), ("name", name)):
            count, _ = self._count(kind, value)
            key = f"{kind} {value[:200]}"
            self._failures[key] = (count + 1, self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > MAX_ENTRIES:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        """Clear the failures of an address that has logged in, and one failure of the name.

        The name's other failures may come from a stranger who is still guessing.
        """
        self._failures.pop(f"address {_network(address)}", None)
        count, last = self._count("name", name)
        self._failures[f"name {name[:200]}"] = (max(0, count - 1), last)

    def _count(self, kind: str, value: str) -> tuple[int, float]:
        count, last = self._failures.get(f"{kind} {value[:200]}", (0, 0.0))
        return (count, last) if self._clock() - last < EXPIRY else (0, 0.0)


class LoginError(UserError):
    """A login that is refused.

    Attributes:
        wait: seconds until the next attempt of the address; 0: the name or the password is wrong.
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


async def log_in(
    accounts: Accounts, throttle: Throttle, address: str, name: str, password: str
) -> None:
    """Check a login, and record how it ended; LoginError if it is refused."""
    if wait := throttle.wait(address):
        LOG.warning("login refused: %s has to wait %.0f seconds", address, wait)
        raise LoginError(f"too many wrong passwords: try again in {wait:.0f} seconds", wait)
    # The failure is recorded before the delay, so that parallel guesses gain nothing.
    throttle.failed(address, name)
    await asyncio.sleep(throttle.delay(name))
    if not accounts.match(name, password):
        LOG.warning("login failed: %s from %s", ascii(name[:40]), address)
        raise LoginError("the name or the password is wrong")
    throttle.succeeded(address, name)
    LOG.info("login: %s from %s", ascii(name), address)


def _network(address: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address, which has one owner."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 6:
        return str(ipaddress.ip_network((int(known) >> 64 << 64, 64)))
    return str(known)
