"""The house: imports go downward only, modules stay small, `list` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "kvmtui"
MODULES = sorted(path for path in ROOT.rglob("*.py"))
MOST_LINES = 400

MAY_IMPORT = {
    "": {""},
    "demo": set(),
    "guest": {""},
    "qemu": {"", "guest"},
    "host": {""},
    "stats": {""},
    "manage": {"", "guest", "qemu", "host", "stats", "demo"},
    "cli": {"", "guest", "qemu", "host", "stats", "manage"},
    "tui": {"", "guest", "manage"},
}
HEAVY = {"textual", "qemu.qmp", "asyncio", "msgspec", "yaml", "ruamel", "psutil", "rich"}
SLOW_TO_IMPORT = {"argparse", "ctypes", "pathlib", "shutil", "socket", "subprocess", "typing", "re"}
"""1.4 to 3.4 ms each, of the 20 that `list` of a few guests takes."""


def room_of(name: str) -> str:
    """The room of a module: ``kvmtui.qemu.launch`` is in ``qemu``; the base is ``""``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and (ROOT / parts[1]).is_dir() else ""


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in names if name.split(".")[0] == "kvmtui"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward(path: Path) -> None:
    parts = path.relative_to(ROOT).parts
    room = parts[0] if len(parts) > 1 else ""
    if path.name == "__main__.py":
        return
    wrong = {
        name
        for name in imports_of(path)
        if room_of(name) != room and room_of(name) not in MAY_IMPORT[room]
    }
    assert not wrong, f"{room or 'the base'} may not import {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_list_imports_nothing_heavy(kvmtui) -> None:
    kvmtui.tiny("a")
    kvmtui.ok("list")
    code = "import sys\nfrom kvmtui.cli.main import run\nrun(['list'])\nprint(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=kvmtui.environment
    )
    assert "stopped" in done.stdout, done
    loaded = set(eval(done.stdout.splitlines()[-1]))
    assert not {name for name in HEAVY | SLOW_TO_IMPORT if name in loaded}


def test_the_first_picture_imports_only_what_it_shows() -> None:
    code = "import sys, kvmtui.tui.start\nprint(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    later = {"msgspec", "qemu.qmp", "ruamel", "kvmtui.manage.power", "kvmtui.tui.screens.guest"}
    later |= {"kvmtui.manage.sampling", "kvmtui.stats.answers"}
    assert not later & set(eval(done.stdout))
