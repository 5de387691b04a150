"""The figures of a picture, for the other scripts; `nst-tf-measure` prints them."""

from nst_tf.quality.figures import measure_quality

__all__ = ["measure_quality"]
