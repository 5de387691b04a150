"""`python -m nst_tf`: the same as `python -m nst_tf.run`."""

from nst_tf.cli.program import console

console()
