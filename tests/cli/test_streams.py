"""What the programs say of errors, and where nobody reads it."""

import pytest

from nst_tf.cli.arguments import UsageError
from nst_tf.cli.streams import answered
from nst_tf.errors import UserError


def raising(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (UserError("row 1: bad\nrow 2: bad"), 1, "nst_tf: row 1: bad\nnst_tf: row 2: bad\n"),
        (FileNotFoundError("a.png does not exist"), 1, "nst_tf: a.png does not exist\n"),
        (UsageError("--x is unknown"), 2, "nst_tf: --x is unknown (--help tells how to start)\n"),
        (KeyboardInterrupt(), 130, "nst_tf: stopped early\n"),
    ],
)
def test_mistakes_of_users_are_lines(error, status, lines, capfd):
    assert answered(raising(error), "stopped early") == status
    assert capfd.readouterr() == ("", lines)


@pytest.mark.parametrize(
    "error", [ValueError("shapes (3,) (4,)"), RuntimeError("x"), KeyError("x"), ArithmeticError()]
)
def test_bugs_pass(error, capfd):
    with pytest.raises(type(error)):
        answered(raising(error), "stopped early")
    assert capfd.readouterr() == ("", "")
