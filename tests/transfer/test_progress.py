"""What a run reports, as values."""

import pickle

import numpy as np
import pytest

from nst_tf import CallbackError, DivergedError, NonFiniteLossError


@pytest.mark.parametrize("kind", [CallbackError, DivergedError, NonFiniteLossError])
def test_errors_reach_another_process_with_their_picture(kind):
    """Rebuild an error as a process pool does."""
    image = np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 2, 2, 3)
    error = pickle.loads(pickle.dumps(kind("the loss is blank", image)))
    assert type(error) is kind
    assert str(error) == "the loss is blank"
    np.testing.assert_array_equal(error.image, image)
