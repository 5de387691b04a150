"""`python -m nst_tf.run`: a photo and paintings in, a picture out."""

from nst_tf.cli.program import console, main

__all__ = ["console", "main"]

if __name__ == "__main__":
    console()
