"""The walls between the rooms of the package, which are its sub-packages and single modules."""

import ast
import graphlib
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAMS = {"run", "batch", "video", "__main__", "app", "page"}
ABOVE_MEMORY = {
    "transfer", "service", "callbacks", "notebook", "film", "cli", "jobs", *PROGRAMS,
}  # fmt: skip
ABOVE_LEAVES = {"losses", "optimizers", "memory", *ABOVE_MEMORY}
LEAVES = (
    "checks", "files", "settings", "recipes", "schedule", "network", "images", "caching", "gate",
    "digests", "errors", "explain", "forks", "keywords", "overrides", "loading", "runtime",
    "stderr", "version",
)  # fmt: skip

FORBIDDEN = {
    **dict.fromkeys(LEAVES, ABOVE_LEAVES),
    "losses": ABOVE_LEAVES - {"losses"},
    "optimizers": ABOVE_LEAVES - {"optimizers"},
    "memory": ABOVE_MEMORY | {"optimizers"},
    "cli": {"jobs", *PROGRAMS},
    "jobs": PROGRAMS,
}
ALLOWED = {
    "callbacks": {"callbacks", "checkpoint", "errors", "progress", "files", "images"},
    "notebook": {"callbacks", "progress", "images"},
}
KNOWN_ONLY_TO_PROGRAMS = {"cli", "jobs", *PROGRAMS}

WITHOUT_TENSORFLOW = (
    "settings", "recipes", "schedule", "fitting", "styles", "images.io", "images.masks",
    "images.resize", "images.sources", "callbacks", "cli.flags", "cli.inputs", "run", "loading",
    "overrides", "progress", "runtime", "service.result", "service.admission", "service.buckets",
    "notebook", "app", "page.order", "page.runs", "page.worker", "page.show", "batch", "jobs.ray",
    "jobs.cluster", "video", "cli.film_inputs", "film.reader", "film.writer", "film.keep",
    "film.reference", "film.cuts", "film.scenes", "jobs.scenes",
)  # fmt: skip


def import_graph(root):
    """Return the modules of the package at `root` that each of its modules imports.

    Imports in functions and under TYPE_CHECKING count: they too are knowledge of the other module.
    """
    files = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = path
    graph = {name: set() for name in files}
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names} & files.keys()
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name} uses a relative import"
                for alias in node.names:
                    module = f"{node.module}.{alias.name}"
                    graph[name] |= {module if module in files else node.module} & files.keys()
    return graph


def room(module):
    return module.split(".")[1] if "." in module else ""


def allowed(own, other):
    if other in FORBIDDEN.get(own, ()) or other not in ALLOWED.get(own, {other}):
        return False
    return other not in KNOWN_ONLY_TO_PROGRAMS or own in KNOWN_ONLY_TO_PROGRAMS


def violations(graph):
    """Return a line for each import that goes through a wall."""
    return sorted(
        f"{module} imports {target}"
        for module, targets in graph.items()
        for target in targets
        if not allowed(room(module), room(target))
    )


def circle(graph):
    """Return the modules of an import circle, or nothing."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


@pytest.fixture(scope="module")
def graph():
    return import_graph(ROOT / "nst_tf")


def test_no_import_goes_through_a_wall(graph):
    assert violations(graph) == []


def test_no_import_circle(graph):
    assert circle(graph) == []


def test_every_room_that_has_a_wall_exists(graph):
    named = {*FORBIDDEN, *ALLOWED, *ABOVE_LEAVES, *ALLOWED["callbacks"]}
    assert named <= {room(module) for module in graph}


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_what_must_be_quick_does_not_import_tensorflow(module):
    loaded = "{'tensorflow', 'keras'} & {*sys.modules}"
    script = f"import sys, nst_tf.{module}; sys.exit(bool({loaded}))"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("images/io", "from nst_tf import files", []),
        ("callbacks/console", "from nst_tf.progress import Progress", []),
        ("run", "import nst_tf.cli.flags", []),
        ("images/io", "import nst_tf.losses.gram", ["nst_tf.images.io imports nst_tf.losses.gram"]),
        ("optimizers/adam", "def f():\n from nst_tf.losses.gram import loss",
         ["nst_tf.optimizers.adam imports nst_tf.losses.gram"]),
        ("callbacks/console", "if TYPE_CHECKING:\n from nst_tf.schedule import Scale",
         ["nst_tf.callbacks.console imports nst_tf.schedule"]),
        ("progress", "from nst_tf.cli import flags", ["nst_tf.progress imports nst_tf.cli.flags"]),
        ("cli/flags", "from nst_tf.run import main", ["nst_tf.cli.flags imports nst_tf.run"]),
    ],
)  # fmt: skip
def test_walls_are_seen(tmp_path, module, text, found):
    root = tmp_path / "nst_tf"
    names = ("losses/gram", "images/io", "cli/flags", "callbacks/console", "optimizers/adam")
    for name in (*names, "files", "progress", "schedule", "run", "__init__", "cli/__init__"):
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if name == module else "import os")
    assert violations(import_graph(root)) == found


def test_circles_are_seen(tmp_path):
    root = tmp_path / "nst_tf"
    root.mkdir()
    (root / "state.py").write_text("from nst_tf.progress import Progress")
    (root / "progress.py").write_text("if TYPE_CHECKING:\n    from nst_tf.state import RunState")
    assert set(circle(import_graph(root))) == {"nst_tf.state", "nst_tf.progress"}
