"""Processes that were forked from one in which TensorFlow had computed something."""

import multiprocessing

import numpy as np
import pytest
import tensorflow as tf

import nst_tf
from nst_tf import Stylizer, measure, stylize
from nst_tf.transfer.run import StyleTransfer

PICTURE = np.zeros((32, 32, 3), np.uint8)

CALLS = {
    "stylize": lambda: stylize(PICTURE, PICTURE),
    "Stylizer": lambda: Stylizer(),
    "measure": lambda: measure(PICTURE, PICTURE, PICTURE),
    "StyleTransfer": lambda: StyleTransfer(None),
}


def attempt(call, answer):
    try:
        CALLS[call]()
        answer.send("it worked")
    except nst_tf.UserError as error:
        answer.send(str(error))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_is_refused_instead_of_hanging(call):
    """Compute something, fork, and ask for a picture."""
    tf.zeros(1)
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    child = fork.Process(target=attempt, args=(call, theirs))
    child.start()
    try:
        assert ours.poll(60), "it hangs"
        assert "make pictures only after the fork" in ours.recv()
    finally:
        child.kill()
        child.join()
