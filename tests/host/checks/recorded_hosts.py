"""Recorded trees, and variants of them made for one test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kvmtui.host.checks import Finding, all_checks, run_check
from kvmtui.host.facts import Asked
from kvmtui.host.recorded import RecordedTree

TREES = Path(__file__).parent.parent / "trees"
ASKED = Asked("/home/anna/kvmtui")


def variant(
    folder: Path,
    files: dict[str, str] | None = None,
    *,
    base: str = "amd-fine",
    asked: dict[str, Any] | None = None,
    **facts: Any,
) -> RecordedTree:
    """A tree that differs from a recorded one in some files and facts."""
    folder.mkdir(exist_ok=True)
    (folder / "facts.json").write_text(json.dumps({"base": str(TREES / base), **facts}))
    for path, text in (files or {}).items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return RecordedTree(folder, ASKED._replace(**(asked or {})))


def find(facts: RecordedTree, id: str) -> Finding:
    """What one check finds."""
    return run_check(next(one for one in all_checks() if one.id == id), facts)


def find_all(facts: RecordedTree) -> dict[str, Finding]:
    """What all checks find."""
    return {one.id: run_check(one, facts) for one in all_checks()}
