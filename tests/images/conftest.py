"""What the tests of picture files share."""

import pytest

from nst_tf.utils.stderr import own_stderr


@pytest.fixture
def own_process():
    """Let the test hold back what C libraries print, as programs do."""
    own_stderr()
    yield
    own_stderr(False)
