"""What makes this machine call a program as it starts, and before it goes down.

A systemd unit where systemd runs, else a line of cron (`boot_unit`, `boot_cron`). Both know
the home and the words of a program, and nothing of what it does then.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from kvmtui.errors import HostError
from kvmtui.text import visible

LIMIT_S = 30.0
"""How long systemctl, loginctl and crontab may take."""


class Problem(NamedTuple):
    """Why the next start of the host would not do it, and what repairs that."""

    what: str
    remedy: str
    """Empty where only enabling anew repairs it."""


class Starter(Protocol):
    """One way to be called with the host's start."""

    mechanism: Literal["systemd", "cron"]
    name: str
    """The unit's name, or whose crontab it is."""
    shuts_down: bool
    """Whether it is called before the host goes down, too."""

    @property
    def file(self) -> str | None:
        """The unit's file; None where it is a line among others."""
        ...

    def is_in_place(self) -> bool:
        """Whether the next start of the host calls the program: by files alone."""
        ...

    def install(self) -> list[str]:
        """Put it in place, or right; returns what else was done, in words.

        Raises:
            HostError: It cannot be; nothing is left of it.
        """
        ...

    def remove(self) -> bool:
        """Take away what `install` made; returns whether anything was there.

        Raises:
            HostError: It cannot be taken away.
        """
        ...

    def problems(self) -> list[Problem]:
        """What is missing; none when all is well."""
        ...


def check_sayable(text: str) -> None:
    """Refuse what no unit and no crontab can say.

    Raises:
        HostError: The path is no UTF-8, or has control characters.
    """
    if not text.isprintable():
        raise HostError(
            f"{visible(text, limit=200)} cannot be written into a unit or crontab",
            hint="use a --home without control characters in its path",
        )


def run(
    words: Sequence[str],
    *,
    data: bytes | None = None,
    runtime: str | None = None,
    limit_s: float = LIMIT_S,
) -> subprocess.CompletedProcess[bytes]:
    """Run a tool of the host to its end, in English and without a question.

    Args:
        data: Its standard input.
        runtime: Where it finds the user's manager (``XDG_RUNTIME_DIR``).
        limit_s: How long it may take.

    Raises:
        HostError: It cannot be run, or does not end.
    """
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
    if runtime is not None:
        environment["XDG_RUNTIME_DIR"] = runtime
    given: dict[str, object] = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    try:
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            words, capture_output=True, timeout=limit_s, env=environment, cwd="/", **given
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"{' '.join(words[:3])} did not end within {limit_s:.0f} s") from None
    except OSError as error:
        raise HostError(f"{words[0]} cannot be run: {error.strerror}") from None


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """What a tool that failed said: its first line, or its exit status."""
    said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
    return visible(said, limit=300) or f"exit status {done.returncode}"
