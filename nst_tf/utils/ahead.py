"""Modules imported in a thread before they are needed."""

import importlib
import sys
import threading


def import_ahead(name: str) -> None:
    """Begin to import a module in a thread, unless it has been imported."""
    if name not in sys.modules:
        threading.Thread(target=importlib.import_module, args=[name]).start()
