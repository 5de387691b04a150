"""Declarations for the terms of other packages.

A module that an entry point of nst_tf names imports these two names, and nothing else of nst_tf:
`setting` declares a setting, and `checked_ramp` is the check of a weight that may be a ramp.
"""

from nst_tf.extending.fields import setting
from nst_tf.validation import checked_ramp

__all__ = ["checked_ramp", "setting"]
