"""`python -m nst_tf.batch`: many pictures."""

from nst_tf.batch.program import console

if __name__ == "__main__":  # not in the worker processes that it starts
    console()
