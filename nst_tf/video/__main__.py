"""`python -m nst_tf.video`: films."""

from nst_tf.video.program import console

if __name__ == "__main__":  # not in the worker processes that it starts
    console()
