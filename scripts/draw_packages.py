"""The packages of nst_tf and their imports, as a picture: docs/architecture.svg.

    python scripts/draw_packages.py

An arrow leads from a package to one that it imports. Arrows that follow from others are left out:
where A imports B and B imports C, A may import C too.
"""

import re
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch
from record import ROOT

sys.path.insert(0, str(ROOT))
from tests.behaviour.test_imports import ORDER, import_graph, package

PICTURE = ROOT / "docs" / "architecture.svg"

WAYS, METHOD, NEEDS = "#dcebf7", "#f9e0c7", "#e7ece4"
GROUPS = {"ways to use it": WAYS, "the method": METHOD, "what it needs": NEEDS}

ROOMS = {
    "doors": ("nst_tf, run, app", WAYS, "public names; python -m"),
    "page": ("page", WAYS, "nst-tf-app: the live page"),
    "video": ("video", WAYS, "nst-tf-video: films"),
    "batch": ("batch", WAYS, "nst-tf-batch: many pictures"),
    "cli": ("cli", WAYS, "nst-tf: flags, inputs, outputs"),
    "workers": ("workers", WAYS, "jobs in other processes"),
    "service": ("service", WAYS, "Stylizer: many pictures"),
    "callbacks": ("callbacks", WAYS, "what prints, draws, writes"),
    "transfer": ("transfer", METHOD, "the run, step by step"),
    "synthesis": ("synthesis", METHOD, "patches of the painting"),
    "losses": ("losses", METHOD, "terms and their sum"),
    "optimizers": ("optimizers", METHOD, "Adam, L-BFGS"),
    "network": ("network", METHOD, "VGG19"),
    "compute": ("compute", NEEDS, "memory, tiles, kernels"),
    "inputs": ("inputs", NEEDS, "what a run is made from"),
    "quality": ("quality", WAYS, "figures of a picture"),
    "images": ("images", NEEDS, "files, colours, masks"),
    "settings": ("settings", NEEDS, "every setting, recipes"),
    "utils": ("utils", NEEDS, "files, locks, errors"),
}
"""Title, colour and contents of each package."""

COLUMNS = {
    "video": -1,
    "batch": -1,
    "workers": -1,
    "doors": 1,
    "service": 1,
    "optimizers": 1,
    "quality": -1,
}
"""The column of each package that is not in the middle one."""

WIDTH, HEIGHT = 0.84, 0.62  # of a box, in columns and rows

Edges = dict[str, set[str]]


def package_edges() -> Edges:
    """Return the packages that each package imports, without those that follow from others."""
    edges: Edges = {name: set() for name in ORDER}
    for module, targets in import_graph(ROOT / "nst_tf").items():
        edges[package(module)] |= {package(target) for target in targets} - {package(module)}
    return reduced(edges)


def reduced(edges: Edges) -> Edges:
    """Return a graph without the edges that a longer path replaces."""
    below: Edges = {}
    for name in ORDER:  # each package after those that it imports
        below[name] = set(edges[name]).union(*(below[target] for target in edges[name]))
    return {
        name: targets - set().union(*(below[target] for target in targets))
        for name, targets in edges.items()
    }


def described(edges: Edges) -> str:
    """Return a graph as text, which the picture contains: `a: b c; d: e`."""
    return "; ".join(f"{name}: {' '.join(sorted(edges[name]))}".strip() for name in sorted(edges))


def drawn() -> str:
    """Return the text of the graph that the picture shows."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", PICTURE.read_text(), re.DOTALL)
    return found[1].strip() if found else ""


def rows(edges: Edges) -> dict[str, int]:
    """Return the row of each package, from 0 at the bottom: above all that it imports."""
    found: dict[str, int] = {}
    for name in ORDER:
        found[name] = 1 + max((found[target] for target in edges[name]), default=-1)
    for name in ORDER:
        if not edges[name]:  # as near as possible to those that import it
            found[name] = min(found[user] for user in ORDER if name in edges[user]) - 1
    return found


def draw(edges: Edges) -> None:
    """Draw the packages and the imports between them."""
    levels = rows(edges)
    places = {name: (COLUMNS.get(name, 0), levels[name]) for name in ORDER}
    top = max(levels.values())
    figure, axes = plt.subplots(figsize=(8.2, 0.66 * (top + 1.4)))
    for name in ORDER:
        for target in sorted(edges[name]):
            arrow(axes, places[name], places[target])
    for name, place in places.items():
        box(axes, place, *ROOMS[name])
    for number, (words, colour) in enumerate(GROUPS.items()):
        axes.text(-1.42, 2.4 - 0.62 * number, f" {words} ", fontsize=9.5, va="center",
                  bbox={"facecolor": colour, "edgecolor": "#888888", "linewidth": 0.6})  # fmt: skip
    axes.set(xlim=(-1.48, 1.48), ylim=(-0.5, top + 0.5))
    axes.axis("off")
    figure.tight_layout(pad=0.3)
    text = described(edges)
    with matplotlib.rc_context({"svg.hashsalt": text}):  # the same file for the same imports
        figure.savefig(PICTURE, metadata={"Description": text, "Date": None})


def box(axes, place: tuple[int, int], title: str, colour: str, contents: str) -> None:
    """Draw a package."""
    x, y = place
    corner = (x - WIDTH / 2, y - HEIGHT / 2)
    axes.add_patch(
        FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06",
                       facecolor=colour, edgecolor="#666666", linewidth=0.8, zorder=2)
    )  # fmt: skip
    axes.text(x, y + 0.13, title, fontsize=11, weight="bold", ha="center", va="center", zorder=3)
    axes.text(x, y - 0.14, contents, fontsize=9, ha="center", va="center", zorder=3)


def arrow(axes, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw the import of the package at `end` by the package at `start`."""
    (x, y), (to_x, to_y) = start, end
    shift = 0.3 * (to_x - x) * (WIDTH / 2)
    axes.annotate(
        "", (to_x - shift, to_y + HEIGHT / 2), (x + shift, y - HEIGHT / 2),
        arrowprops={"arrowstyle": "-|>", "color": "#555555", "linewidth": 1.1, "shrinkA": 0,
                    "shrinkB": 0},
        zorder=1,
    )  # fmt: skip


if __name__ == "__main__":
    draw(package_edges())
