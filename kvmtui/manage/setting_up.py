"""What this host lacks, and the commands of the checks' remedies that a program may run.

Only steps that a check's remedy has: packages, group, user, udev rule, module, lingering.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import NamedTuple

from kvmtui.host.check_run import Result
from kvmtui.host.remedies import Step, joined

LIMIT_S = 1800.0
"""The longest a command may take: packages come over the network."""


class Action(NamedTuple):
    """One command, and the checks that it is for."""

    checks: tuple[str, ...]
    step: Step

    @property
    def line(self) -> str:
        """The command as a person types it, as root or by sudo."""
        sudo = "" if os.geteuid() == 0 else "sudo "
        return sudo + shlex.join(self.step.argv)


def actions_for(results: tuple[Result, ...]) -> list[Action]:
    """What a program can do about these results, each command once."""
    steps = joined([step for one in results if one.status != "ok" for step in one.steps])
    return [Action(_checks_of(step, results), step) for step in steps]


def _checks_of(step: Step, results: tuple[Result, ...]) -> tuple[str, ...]:
    """The checks that have a step, or whose packages went into it."""
    words = set(step.argv)
    return tuple(
        one.id
        for one in results
        if any(step.kind == own.kind and set(own.argv) <= words for own in one.steps)
    )


def carry_out(action: Action) -> str | None:
    """Run one command as root, its output as it comes on standard error.

    Returns:
        Why it failed; None when it was done.
    """
    try:
        done = subprocess.run(
            action.step.argv,
            stdin=subprocess.DEVNULL,
            stdout=2,
            timeout=LIMIT_S,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return f"not done within {LIMIT_S / 60:.0f} minutes"
    except OSError as error:
        return f"{action.step.argv[0]}: {error.strerror}"
    return None if done.returncode == 0 else f"exit status {done.returncode}"
