"""Logins: the form, names and passwords, and the delay that slows guessing down."""

import hmac
import html
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST = 300.0  # seconds that an address waits at most
LONGEST_NAME = 5.0  # seconds by which the answer to a name is delayed at most
FREE = 3  # failures of an address that cost nothing: people mistype
FREE_NAME = 10
FORGOTTEN = 3600.0  # seconds after which failures do not count any more
MOST = 10_000  # addresses and names that are remembered

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
    """Return the page of the login.

    Args:
        action: address that the form goes to.
        problem: a sentence, or empty.
    """
    told = f'<p role="alert">{html.escape(problem)}.</p>' if problem else ""
    return PAGE.format(action=html.escape(action), problem=told)


@dataclass(frozen=True)
class Accounts:
    """Names and passwords.

    Attributes:
        passwords: by name; the administrator's is `ADMIN`.
    """

    passwords: dict[str, str] = field(default_factory=dict)

    def match(self, name: str, password: str) -> bool:
        """Return whether name and password belong together, in the same time for any two."""
        found = False
        for known, word in self.passwords.items():
            same = hmac.compare_digest(known.encode(), name.encode())
            found |= same & hmac.compare_digest(word.encode(), password.encode())
        return found


class Throttle:
    """Slows guessing down: by address, whose waits double, and by name, whose answers are late.

    An address that has failed too often is refused until its wait is over. A name is not, since
    strangers could shut its owner out: its answers are only delayed.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return how many seconds an address has to wait for its next try."""
        count, last = self._count("address", _network(address))
        if count <= FREE:
            return 0.0
        wait = min(LONGEST, math.ldexp(1.0, min(count - FREE, 20)))
        return max(0.0, last + wait - self._clock())

    def delay(self, name: str) -> float:
        """Return by how many seconds the answer to a name is to be delayed."""
        count, _ = self._count("name", name)
        return 0.0 if count < FREE_NAME else min(LONGEST_NAME, 0.5 * (count - FREE_NAME + 1))

    def failed(self, address: str, name: str) -> None:
        """Note a wrong password."""
        for kind, value in (("address", _network(address)), ("name", name)):
            count, _ = self._count(kind, value)
            key = f"{kind} {value[:200]}"
            self._failures[key] = (count + 1, self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > MOST:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        """Forget the failures of an address that has logged in, and its last one of the name.

        The name's earlier failures may come from a stranger who still guesses.
        """
        self._failures.pop(f"address {_network(address)}", None)
        count, last = self._count("name", name)
        self._failures[f"name {name[:200]}"] = (max(0, count - 1), last)

    def _count(self, kind: str, value: str) -> tuple[int, float]:
        count, last = self._failures.get(f"{kind} {value[:200]}", (0, 0.0))
        return (count, last) if self._clock() - last < FORGOTTEN else (0, 0.0)


def _network(address: str) -> str:
    """Return an address, or the network of an IPv6 address: one customer has all of its /64."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 6:
        return str(ipaddress.ip_network((int(known) >> 64 << 64, 64)))
    return str(known)
