"""Checks the code of the docs, and calls that must be accepted or refused, by mypy and pyright.

Each page's blocks become one module. Run it after installing the extra `dev`: the checkers see the
package as an installation of it would be seen.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALLS = ROOT / "tests" / "types" / "calls.py"
PAGES = ("README.md", "docs/about.md", "docs/python.md", "docs/service.md")
WITHOUT_TYPES = ["cv2", "keras", "tensorflow", "celery", "IPython", "ipywidgets"]


def modules():
    """Return the sources to check by file name."""
    found = {CALLS.name: CALLS.read_text(encoding="utf-8")}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        stem = Path(page).stem.lower()
        if page == "docs/python.md":  # whose blocks build on each other
            blocks = ["\n".join(blocks)]
        found |= {f"{stem}_{number}.py": block for number, block in enumerate(blocks)}
    return found


def mypy_config():
    """Return the settings of mypy, which needs no stubs of what has none."""
    lines = ["[mypy]", "warn_unused_ignores = True", "check_untyped_defs = True"]
    for name in WITHOUT_TYPES:
        lines += [f"[mypy-{name}.*]", "ignore_missing_imports = True", "follow_imports = skip"]
    return "\n".join(lines)


def main():
    """Run both checkers; exit with 1 if one of them finds something."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, text in modules().items():
            (directory / file).write_text(text, encoding="utf-8")
        (directory / "mypy.ini").write_text(mypy_config())
        pyright = {
            "include": ["."], "extraPaths": [str(ROOT)], "pythonVersion": "3.11",
            "reportUnnecessaryTypeIgnoreComment": "error", "reportMissingImports": "none",
            "reportMissingModuleSource": "none",
            "reportPossiblyUnboundVariable": "none",  # loops in the docs take a step at least
        }  # fmt: skip
        (directory / "pyrightconfig.json").write_text(json.dumps(pyright))
        checks = (
            ["mypy", "--config-file", "mypy.ini", "."],
            # Left to itself, pyright asks the first `python` of PATH for its packages.
            ["pyright", "--pythonpath", sys.executable],
        )
        return max(
            subprocess.run(
                [sys.executable, "-m", *check], cwd=directory, env=environment()
            ).returncode
            for check in checks
        )


def environment():
    """Return the environment in which both find this checkout."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return os.environ | {"MYPYPATH": str(ROOT), "PYTHONPATH": paths}


if __name__ == "__main__":
    sys.exit(main())
