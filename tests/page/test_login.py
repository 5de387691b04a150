"""Names, passwords, and the delay that slows guessing down."""

import pytest

from nst_tf.page.login import (  # fmt: skip
    ADMIN,
    EXPIRY,
    FREE_FAILURES,
    MAX_DELAY,
    MAX_ENTRIES,
    MAX_WAIT,
    Accounts,
    Throttle,
    login_page,
)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock)


def test_waits_of_an_address_double_up_to_the_longest(throttle, clock):
    waits = []
    for _ in range(FREE_FAILURES + 12):
        throttle.failed("192.0.2.1", "me")
        waits.append(throttle.wait("192.0.2.1"))
    assert waits[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert waits[FREE_FAILURES:] == [min(MAX_WAIT, 2.0**n) for n in range(1, 13)]
    clock.now += 100
    assert throttle.wait("192.0.2.1") == MAX_WAIT - 100
    assert throttle.wait("192.0.2.2") == 0.0


def test_failures_are_forgotten_in_time_and_by_success(throttle, clock):
    for address in ("192.0.2.1", "192.0.2.2"):
        for _ in range(FREE_FAILURES + 5):
            throttle.failed(address, "me")
    throttle.succeeded("192.0.2.1", "me")
    assert throttle.wait("192.0.2.1") == 0.0
    assert throttle.wait("192.0.2.2") > 0.0
    clock.now += EXPIRY
    assert throttle.wait("192.0.2.2") == 0.0


def test_a_name_is_delayed_from_everywhere_but_never_shut_out(throttle):
    for number in range(200):
        throttle.failed(f"192.0.2.{number}", "me")
    assert throttle.delay("me") == MAX_DELAY
    assert throttle.delay("you") == 0.0
    assert throttle.wait("198.51.100.1") == 0.0


def test_logging_in_often_is_no_failure(throttle):
    for _ in range(50):
        throttle.failed("192.0.2.1", "me")  # as is noted before the password is compared
        throttle.succeeded("192.0.2.1", "me")
    assert throttle.delay("me") == 0.0
    assert throttle.wait("192.0.2.1") == 0.0


def test_a_network_of_addresses_of_the_sixth_version_counts_as_one(throttle):
    for number in range(FREE_FAILURES + 3):
        throttle.failed(f"2001:db8::{number:x}", "me")
    assert throttle.wait("2001:db8::ffff") > 0.0
    assert throttle.wait("2001:db8:0:1::1") == 0.0


def test_many_addresses_do_not_fill_the_memory(throttle):
    for number in range(MAX_ENTRIES + 500):
        throttle.failed(f"address {number}", f"name {number}")
    assert len(throttle._failures) <= MAX_ENTRIES


@pytest.mark.parametrize(
    ("name", "password", "fine"),
    [
        ("me", "secret", True), ("me", "Secret", False), ("me", "", False), ("", "", False),
        ("you", "secret", False), (ADMIN, "secret", False), (ADMIN, "root", True),
        ("mé", "sécret", False),
    ],
)  # fmt: skip
def test_names_and_passwords_belong_together(name, password, fine):
    assert Accounts({"me": "secret", ADMIN: "root"}).match(name, password) == fine


def test_what_the_form_shows_is_text():
    page = login_page('/"><script>', "<b>wrong</b>")
    assert "<script>" not in page
    assert "<b>" not in page
