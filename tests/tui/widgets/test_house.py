"""The widgets know no guest, and nothing of the program but what they draw with."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kvmtui.tui.widgets as widgets

MODULES = sorted(Path(widgets.__file__).parent.glob("*.py"))
ALLOWED = ("spans", "palette", "glyphs", "widgets")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kvmtui"):
            assert (node.module or "").split(".")[2] in ALLOWED, node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            documented = ast.get_docstring(node) or ""
            length = node.end_lineno - node.lineno - len(documented.splitlines())
            assert length <= 32, node.name
