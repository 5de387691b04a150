"""Threads that wait for each other, without TensorFlow."""

import threading
import time

import pytest

from nst_tf.service.admission import Admission
from nst_tf.utils.caching import cached
from nst_tf.utils.errors import BusyError
from nst_tf.utils.locks import Patience, WaitingLine
from tests.conftest import wait_until


def started(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


class Places(Admission):
    """Places that are entered and left in calls of their own."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._held = []

    def enter(self, need, cancel=None):
        place = self.place(need, cancel)
        has_place = place.__enter__()
        if has_place:
            self._held.append((need, place))
        return has_place

    def leave(self, need):
        held = next(held for held in self._held if held[0] == need)
        self._held.remove(held)
        held[1].__exit__(None, None, None)


def waiting(admission):
    return len(admission._line._line)


def test_runs_go_in_in_the_order_in_which_they_came():
    admission, order = Places(1, 100), []
    assert admission.enter(1)

    def run(number):
        admission.enter(1)
        order.append(number)
        admission.leave(1)

    threads = []
    for number in range(6):
        threads.append(started(run, number))
        wait_until(lambda: waiting(admission) == len(threads))
    assert order == []
    admission.leave(1)
    for thread in threads:
        thread.join(300)
    assert order == list(range(6))


def test_a_run_waits_for_memory_and_those_behind_it_for_their_turn():
    admission, entered = Places(3, 100), []

    def run(need):
        admission.enter(need)
        entered.append(need)

    assert admission.enter(60)
    started(run, 50)
    wait_until(lambda: waiting(admission) == 1)
    started(run, 10)  # it would fit, but is not the first in line
    wait_until(lambda: waiting(admission) == 2)
    time.sleep(0.05)
    assert entered == []
    admission.leave(60)
    wait_until(lambda: sorted(entered) == [10, 50])


def test_what_is_too_large_for_all_memory_runs_alone():
    admission = Places(3, 100)
    assert admission.enter(500)
    cancel = threading.Event()
    cancel.set()
    assert not admission.enter(1, cancel)
    admission.leave(500)
    assert admission.enter(1, cancel)


def test_waiting_can_be_cancelled_and_leaves_no_trace():
    admission, cancel, answers = Places(1, 100), threading.Event(), []
    assert admission.enter(1)
    thread = started(lambda: answers.append(admission.enter(1, cancel)))
    wait_until(lambda: waiting(admission) == 1)
    cancel.set()
    thread.join(300)
    assert answers == [False]
    assert waiting(admission) == 0
    admission.leave(1)
    assert admission.enter(1)


def test_a_failure_in_line_does_not_block_the_others():
    line = WaitingLine()

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), line.place(fail, lambda: None, lambda: None):
        pass
    with line.place(lambda: True, lambda: None, lambda: None) as has_place:
        assert has_place


def test_a_result_is_made_once_however_many_threads_ask():
    made = []

    @cached(2)
    def make(name):
        """Make it."""
        time.sleep(0.02)
        made.append(name)
        return object()

    found = []
    threads = [started(lambda: found.append(make("a"))) for _ in range(8)]
    for thread in threads:
        thread.join(300)
    assert made == ["a"]
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    for name in "bca":
        make(name)
    assert made == ["a", "b", "c", "a"]
    assert make.cache_info().currsize == 2
    assert make.__doc__ == "Make it."
    make.cache_clear()
    assert make.cache_info().currsize == 0


def test_a_run_waits_no_longer_than_its_limit():
    admission = Places(1, 100, Patience(seconds=0.01))
    assert admission.enter(1)
    with pytest.raises(BusyError, match=r"has waited for 0\.01 s \(wait_limit\): try again later"):
        admission.enter(1)
    admission.leave(1)
    assert admission.enter(1)  # the place in line was given back


def test_a_full_line_is_refused_at_once():
    admission, entered = Places(1, 100, Patience(length=1)), []
    assert admission.enter(1)
    waiter = started(lambda: entered.append(admission.enter(1)))
    wait_until(lambda: waiting(admission) == 1)
    with pytest.raises(BusyError, match=r"1 run waiting already \(max_waiting\)"):
        admission.enter(1)
    admission.leave(1)
    waiter.join(300)
    assert entered == [True]
    admission.leave(1)
    assert admission.enter(1)  # with nobody in line, the length does not matter


def test_only_a_run_that_waits_asks_for_idle_places():
    admission = Places(2, 100)
    asked = []

    class Idler:
        def end_if_idle(self):
            asked.append(self)
            admission.leave(1)

    idler = Idler()
    admission.watch(idler)
    assert admission.enter(1)
    assert admission.enter(1)
    assert asked == []
    assert admission.enter(1)
    assert asked == [idler]
