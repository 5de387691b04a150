"""Sizes of a picture for a screen, for prints, or of the visitor's own."""

from nst_tf.recipes import recipe

SCREEN, OWN = "screen", "own"

PAPERS = {"A4": 297, "A3": 420}
"""Long sides of papers, millimetres."""

DPI, LEAST_DPI = 300, 200  # dots per inch of a print, and the fewest with which one is offered


def print_sizes(most: int) -> dict[str, int]:
    """Return the long side in pixels of each paper's print, by the paper's name.

    Args:
        most: the maximum long side; a print that needs more has fewer dots per inch.
    """
    sides = {paper: round(length * DPI / 25.4) for paper, length in PAPERS.items()}
    return {
        paper: min(side, most)
        for paper, side in sides.items()
        if min(side, most) >= side * LEAST_DPI / DPI
    }


def choices(most: int) -> list[tuple[str, str]]:
    """Return the choices of a size: their words and values."""
    prints = [(f"Print {paper}", paper) for paper in print_sizes(most)]
    return [("Screen", SCREEN), *prints, ("Own", OWN)]


def long_side(chosen: str, own: float | None, name: str, most: int) -> float | None:
    """Return the long side in pixels of a chosen size.

    Args:
        chosen: the value of a choice.
        own: the visitor's own long side.
        name: the recipe, which determines the size for a screen.
        most: the maximum long side.
    """
    if chosen == OWN:
        return own
    return print_sizes(most).get(chosen) or min(recipe(name).max_dim, most)


def choice_of(side: float, name: str, most: int) -> str:
    """Return the choice that a long side in pixels is; arguments as for `long_side`."""
    if side == min(recipe(name).max_dim, most):
        return SCREEN
    return next((paper for paper, known in print_sizes(most).items() if known == side), OWN)
