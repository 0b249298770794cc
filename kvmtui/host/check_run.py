"""All checks, each with its limit: one that hangs is killed and ``unknown``, the others go on.

They run in a process of their own. Where it has to be killed, or dies, a new one goes on
behind the check that it was at.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from kvmtui.host.apart import module_words
from kvmtui.host.checks import Check, all_checks
from kvmtui.host.facts import Asked
from kvmtui.host.remedies import Step
from kvmtui.text import visible

LIMIT_S = 3.0
"""The longest a check may take. Commands that a check runs have a shorter one."""
_BEGIN_LIMIT_S = 10.0
"""The longest until the process runs its first check."""


class Result(NamedTuple):
    """What became of one check."""

    id: str
    title: str
    status: str
    """ok, warn, fail or unknown."""
    detail: str
    remedy: str | None
    """None when ok."""
    measured: dict[str, Any]
    subject: str = ""
    reads: str = ""
    explanation: str = ""
    steps: tuple[Step, ...] = ()
    """What of the remedy a program can do."""


class _Process:
    """A process that runs checks, and what it tells line by line."""

    def __init__(self, order: dict[str, Any]) -> None:
        words, environment = module_words("kvmtui.host.checks")
        self._process = subprocess.Popen(
            [*words, json.dumps(order)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        self._buffer = b""

    def line(self, limit_s: float) -> dict[str, Any] | None:
        """The next line, None when the process ended; TimeoutError after the limit."""
        deadline = time.monotonic() + limit_s
        while b"\n" not in self._buffer:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._out], [], [], left)[0]:
                raise TimeoutError
            data = os.read(self._out, 1 << 16)
            if not data:
                return None
            self._buffer += data
        first, _, self._buffer = self._buffer.partition(b"\n")
        told: dict[str, Any] = json.loads(first)
        return told

    def end(self) -> None:
        """Kill it with what it started; one that the kernel holds is not waited for."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, 9)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        assert self._process.stdout is not None
        self._process.stdout.close()


def run_checks(
    asked: Asked,
    *,
    tree: Path | None = None,
    limit_s: float = LIMIT_S,
    only: tuple[str, ...] | None = None,
) -> list[Result]:
    """Run all checks of this machine; nothing is changed by them.

    Args:
        tree: A recorded tree to check instead.
        limit_s: The longest that one check may take.
        only: The ids of the checks to run; None for all.
    """
    checks = {one.id: one for one in all_checks() if only is None or one.id in only}
    results: dict[str, Result] = {}
    while len(results) < len(checks):
        left = [id for id in checks if id not in results]
        order = {
            "asked": asked._asdict(),
            "ids": left,
            "tree": str(tree.resolve()) if tree else None,
        }
        at, why = _run_some(order, checks, results, limit_s)
        if why:
            one = checks[at or left[0]]
            results[one.id] = _unknown(one, why)
    return [results[id] for id in checks]


def _run_some(
    order: dict[str, Any], checks: dict[str, Check], results: dict[str, Result], limit_s: float
) -> tuple[str | None, str]:
    """Run checks until one hangs or dies: that one, and what became of it."""
    process = _Process(order)
    at: str | None = None
    try:
        while len(results) < len(checks):
            told = process.line(limit_s if at else _BEGIN_LIMIT_S)
            if told is None:
                return at, "the process that ran it died"
            if "begin" in told:
                at = told["begin"]
            else:
                results[told["end"]] = _result(checks[told["end"]], told)
    except TimeoutError:
        return at, f"no answer within {limit_s:g} s"
    finally:
        process.end()
    return None, ""


def _result(one: Check, told: dict[str, Any]) -> Result:
    steps = tuple(Step(kind, tuple(argv)) for kind, argv in told["steps"])
    return Result(
        id=one.id,
        title=one.title,
        status=told["status"],
        detail=visible(told["detail"], limit=600),
        remedy=told["remedy"],
        measured=told["measured"],
        subject=one.subject,
        reads=one.reads,
        explanation=one.explanation,
        steps=steps,
    )


def _unknown(one: Check, why: str) -> Result:
    remedy = f"look at what it asks: {one.reads}"
    meta = (one.subject, one.reads, one.explanation)
    return Result(one.id, one.title, "unknown", why, remedy, {}, *meta)
