"""Entry point of `python -m nst_tf.video`."""

from nst_tf.video.program import console

if __name__ == "__main__":  # not in worker processes, which import this module
    console()
