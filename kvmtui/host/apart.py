"""A module of the program run in an interpreter of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def module_words(module: str) -> tuple[list[str], dict[str, str]]:
    """The command line that runs a module, and its environment.

    It imports nothing of the folder one stands in (``-P``; give it ``cwd="/"`` too), and
    nothing but the standard library and this program (``-S``, which saves time).
    """
    root = str(Path(__file__).resolve().parents[2])
    return [sys.executable, "-P", "-S", "-m", module], {**os.environ, "PYTHONPATH": root}
