"""Entry point of `python -m nst_tf.app`, the live page."""

from nst_tf.page.program import console, main

__all__ = ["console", "main"]

if __name__ == "__main__":
    console()
