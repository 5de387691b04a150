"""The import rule: a package imports only packages before it."""

import ast
import graphlib
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ORDER = (
    "utils", "optimizers", "network", "settings", "images", "quality", "inputs", "losses",
    "compute", "synthesis", "transfer", "callbacks", "service", "workers", "cli", "batch", "video",
    "page", "doors",
)  # fmt: skip
"""The packages, each before those that may import it."""

MODULES = {
    **dict.fromkeys(("settings", "extending", "recipes", "validation", "keywords"), "settings"),
    **dict.fromkeys(("run", "app", "__main__", ""), "doors"),
}
"""The package that each single module, and `extending`, counts as; the empty name is `nst_tf`."""

WITHOUT_TENSORFLOW = (
    "extending", "settings", "recipes", "images.io", "images.masks", "images.resize",
    "images.sources",
    "inputs.prepare", "inputs.blend", "inputs.pyramid", "inputs.sources", "callbacks",
    "callbacks.notebook", "transfer.progress", "compute.device", "synthesis.repaint",
    "synthesis.estimate", "service.result", "images.wrap", "transfer.recolor", "transfer.start",
    "cli.sheet", "cli.sheet_figure", "cli.sheet_run",
    "service.admission", "cli.flags", "cli.inputs", "cli.program", "cli.measure", "run",
    "batch.program", "workers.ray", "workers.cluster", "video.program", "video.inputs",
    "video.reader", "video.writer", "video.store", "video.reference", "video.cuts", "video.scenes",
    "video.workers", "app", "page.program", "page.flags", "page.order", "page.runs", "page.queue",
    "page.painter", "page.worker", "page.render",
)  # fmt: skip
"""Modules that programs need before it is known that a picture is to be made."""


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


def package(module):
    """Return the package that a module counts as."""
    name = module.split(".")[1] if "." in module else ""
    return MODULES.get(name, name)


def violations(graph):
    """Return a line for each import of a later package."""
    return sorted(
        f"{module} imports {target}"
        for module, targets in graph.items()
        for target in targets
        if target != "nst_tf" or package(module) != "doors"
        if ORDER.index(package(target)) > ORDER.index(package(module))
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


def test_packages_import_only_earlier_ones(graph):
    assert violations(graph) == []


def test_there_is_no_import_circle(graph):
    assert circle(graph) == []


def test_the_order_names_the_packages_that_exist(graph):
    assert {package(module) for module in graph} == set(ORDER)


def test_a_folder_has_more_than_one_module():
    for folder in (ROOT / "nst_tf").iterdir():
        modules = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(modules) != 1, folder.name


def test_modules_that_must_be_quick_do_not_import_tensorflow():
    script = (
        "import importlib, sys\n"
        f"for name in {WITHOUT_TENSORFLOW}:\n"
        "    importlib.import_module('nst_tf.' + name)\n"
        "    assert not {'tensorflow', 'keras'} & {*sys.modules}, name\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["cli", "batch", "video", "page"])
def test_help_needs_no_package_that_is_slow_to_import(program):
    script = (
        f"import sys, nst_tf.{program}.program as program\n"
        "assert program.main(['program', '--help']) == 0\n"
        "assert not {'numpy', 'PIL', 'rich', 'matplotlib', 'tensorflow'} & {*sys.modules}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("images/io", "from nst_tf.utils import files", []),
        ("callbacks/console", "from nst_tf.transfer.progress import Progress", []),
        ("run", "import nst_tf.cli.flags", []),
        ("images/io", "import nst_tf.losses.gram", ["nst_tf.images.io imports nst_tf.losses.gram"]),
        ("optimizers/adam", "def f():\n from nst_tf.losses.gram import loss",
         ["nst_tf.optimizers.adam imports nst_tf.losses.gram"]),
        ("transfer/progress", "if TYPE_CHECKING:\n from nst_tf.callbacks.console import Console",
         ["nst_tf.transfer.progress imports nst_tf.callbacks.console"]),
        ("settings", "from nst_tf.losses import gram",
         ["nst_tf.settings imports nst_tf.losses.gram"]),
        ("cli/flags", "from nst_tf.run import main", ["nst_tf.cli.flags imports nst_tf.run"]),
        ("cli/flags", "from nst_tf import Settings", ["nst_tf.cli.flags imports nst_tf"]),
    ],
)  # fmt: skip
def test_imports_of_later_packages_are_seen(tmp_path, module, text, found):
    root = tmp_path / "nst_tf"
    names = ("losses/gram", "images/io", "cli/flags", "callbacks/console", "optimizers/adam")
    more = ("utils/files", "transfer/progress", "settings", "run", "__init__", "cli/__init__")
    for name in (*names, *more):
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
