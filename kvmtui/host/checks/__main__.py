"""The process that runs checks: each is announced, then told, a line of JSON each.

Its argument is JSON: ``asked`` (the fields of `Asked`), ``ids`` (which checks, in order)
and ``tree`` (a recorded tree in place of this machine, or null). Being a process of its
own it can be killed where a file or device never answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kvmtui.host.checks import Finding, all_checks, run_check
from kvmtui.host.facts import Asked, Facts, ThisMachine


def _facts(order: dict[str, Any]) -> Facts:
    # JSON has no tuples.
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in order["asked"].items()
    }
    asked = Asked(**plain)
    if order["tree"] is not None:
        from kvmtui.host.recorded import RecordedTree

        return RecordedTree(Path(order["tree"]), asked)
    return ThisMachine(asked)


def _plain(finding: Finding) -> dict[str, Any]:
    remedy = finding.remedy
    return {
        "status": finding.status,
        "detail": finding.detail,
        "remedy": remedy.text if remedy else None,
        "steps": remedy.steps if remedy else (),
        "measured": finding.measured,
    }


def main() -> None:
    """Run the checks that were asked for."""
    order = json.loads(sys.argv[1])
    facts = _facts(order)
    known = {one.id: one for one in all_checks()}
    for id in order["ids"]:
        print(json.dumps({"begin": id}), flush=True)
        print(json.dumps({"end": id, **_plain(run_check(known[id], facts))}), flush=True)


if __name__ == "__main__":
    main()
