"""Requests to stop."""

from nst_tf.utils.stop import StopRequest


def test_the_first_request_counts_and_cannot_be_withdrawn():
    stop = StopRequest()
    assert not stop.requested
    assert not stop("a progress")
    stop.request(2)
    stop.request(15)
    assert stop.requested
    assert stop()
    assert stop.signal == 2


def test_a_request_that_is_made_elsewhere_is_polled_until_it_is_made():
    answers = iter([False, True])
    stop = StopRequest(lambda: next(answers))
    assert [stop(), stop(), stop(), stop.requested] == [False, True, True, True]
    assert stop.signal is None
