"""Names of the sample pictures."""

from pathlib import Path

SAMPLES = Path(__file__).with_name("samples")
PHOTOS = ("temple", "cat", "astronaut", "coffee")
PAINTINGS = ("great_wave", "auvers", "composition_viii", "summertime")
PAIRS = (
    ("temple", "great_wave"), ("cat", "auvers"), ("astronaut", "composition_viii"),
    ("coffee", "summertime"), ("temple", "auvers"), ("cat", "great_wave"),
)  # fmt: skip
"""A photo and a painting each, chosen with one click."""
