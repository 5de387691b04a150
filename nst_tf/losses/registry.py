"""The terms of the objective, in the order in which histories and figures show them."""

from collections.abc import Callable

from nst_tf.extending.entry_points import outside_terms
from nst_tf.losses.content import Content
from nst_tf.losses.gram import Gram
from nst_tf.losses.keep import Keep
from nst_tf.losses.moments import Covariance, Mean
from nst_tf.losses.neighbors import Neighbor
from nst_tf.losses.temporal import Temporal
from nst_tf.losses.term import Term
from nst_tf.losses.total_variation import TotalVariation
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError


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
    """Return the terms that the settings describe, those of other packages last.

    A UserError reports a term whose name is not that of its entry point.
    """
    terms = [term for make in FACTORIES if (term := make(settings)) is not None]
    for outside in outside_terms():
        if not getattr(settings, f"{outside.name}_weight"):
            continue
        terms.append(outside.make(settings))
        if terms[-1].name != outside.name:
            raise UserError(
                f"the term {outside.name} of another package calls itself {terms[-1].name}: give "
                "its class the name of its entry point"
            )
    return tuple(terms)
