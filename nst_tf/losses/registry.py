"""The terms of the objective, in the order in which histories and figures show them."""

from collections.abc import Callable

from nst_tf.losses.content import Content
from nst_tf.losses.gram import Gram
from nst_tf.losses.keep import Keep
from nst_tf.losses.moments import Covariance, Mean
from nst_tf.losses.neighbors import Neighbor
from nst_tf.losses.temporal import Temporal
from nst_tf.losses.term import Term
from nst_tf.losses.total_variation import TotalVariation
from nst_tf.settings import Settings


def style(settings: Settings) -> Term | None:
    """Return the style term with the statistics that the settings ask for."""
    kinds: dict[str, type[Gram]] = {"gram": Gram, "covariance": Covariance}
    return kinds[settings.style_statistics].from_settings(settings)


FACTORIES: list[Callable[[Settings], Term | None]] = [
    style,
    Content.from_settings,
    TotalVariation.from_settings,
    Mean.from_settings,
    Neighbor.from_settings,
    Keep.from_settings,
    Temporal.from_settings,
]
"""Each returns a term, or None where the settings do without it."""


def make_terms(settings: Settings) -> tuple[Term, ...]:
    """Return the terms that the settings describe."""
    return tuple(term for make in FACTORIES if (term := make(settings)) is not None)
