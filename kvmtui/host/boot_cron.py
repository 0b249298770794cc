"""A line of cron that calls a program with the host's start, where there is no systemd.

Cron says nothing of the host's end: nobody shuts guests down then. A crontab is the user's
own: a comment that names the home tells which line is ours, and every other byte stays.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import Literal

from kvmtui.errors import HostError
from kvmtui.host.boot import Problem, check_sayable, complaint, run
from kvmtui.host.packages import install_hint

_CRONS = frozenset({"cron", "crond", "fcron", "dcron", "bcron-start", "systemd-cron"})
_LONGEST_LINE = 990
"""Bytes; crons cut or refuse lines of a thousand."""
_NONE_YET = (b"no crontab for", b"No such file or directory")


def _quoted(text: str) -> str:
    """A word of the shell without a percent sign, which crons read as a new line."""
    if "%" not in text:
        return shlex.quote(text)
    text = text.replace("'", "'\"'\"'").replace("%", "'\"$(printf '\\045')\"'")
    return f"'{text}'"


def entry(home: str, program: Sequence[str], verb: str = "autostart") -> bytes:
    """The comment and the line.

    Args:
        home: The home whose guests it is for.
        program: The words of kvmtui, the first of them an absolute path.
        verb: What of kvmtui is run.
    """
    words = " ".join(map(_quoted, (*program, "--quiet", verb, "run")))
    line = f"@reboot cd / && KVMTUI_HOME={_quoted(home)} exec {words}\n"
    return _comment(home, verb) + line.encode()


def _comment(home: str, verb: str) -> bytes:
    return f"# kvmtui {verb} of {home}, which writes and removes the next line\n".encode()


def without(crontab: bytes, home: str, verb: str = "autostart") -> bytes:
    """A crontab without the comment and line of this home; all else as it is."""
    lines = crontab.splitlines(keepends=True)
    kept: list[bytes] = []
    ours = False
    for line in lines:
        if ours and line.startswith(b"@reboot "):
            ours = False
            continue
        ours = line.rstrip(b"\n") == _comment(home, verb).rstrip(b"\n")
        if not ours:
            kept.append(line)
    return b"".join(kept)


class BootCron:
    """The line of one home in the crontab of the user.

    Args:
        home: The home whose guests it is for.
        program: The words of kvmtui, the first of them an absolute path.
        verb: What of kvmtui is run.
    """

    mechanism: Literal["systemd", "cron"] = "cron"
    shuts_down = False
    file: str | None = None
    name = "@reboot in the crontab"

    def __init__(self, home: str, program: Sequence[str], verb: str = "autostart") -> None:
        self._home, self._program, self._verb = home, program, verb

    def _read(self) -> bytes:
        """The crontab as it is.

        Raises:
            HostError: There is no crontab program, or it refuses this user.
        """
        done = _crontab("-l")
        if done.returncode == 0:
            return done.stdout
        if any(words in done.stderr for words in _NONE_YET):
            return b""
        raise HostError(f"crontab -l: {complaint(done)}", hint="see crontab(1): cron.allow")

    def _write(self, crontab: bytes) -> None:
        done = _crontab("-", data=crontab) if crontab else _crontab("-r")
        if done.returncode != 0:
            raise HostError(f"crontab: {complaint(done)}", hint="see crontab(1): cron.allow")

    def is_in_place(self) -> bool:
        """Whether the crontab has the line."""
        try:
            return _comment(self._home, self._verb) in self._read()
        except HostError:
            return False

    def install(self) -> list[str]:
        """Add the line, or put it right.

        Raises:
            HostError: There is no crontab program, or it refuses.
        """
        check_sayable(self._home)
        check_sayable(" ".join(self._program))
        wanted = entry(self._home, self._program, self._verb)
        if any(len(line) > _LONGEST_LINE for line in wanted.splitlines()):
            raise HostError(
                f"the path of {self._home} is too long for a line of cron",
                hint="use a --home with a shorter path",
            )
        before = self._read()
        if wanted in before:
            return []
        _check_faithful(before, wanted)
        kept = without(before, self._home, self._verb)
        if kept and not kept.endswith(b"\n"):
            kept += b"\n"
        self._write(kept + wanted)
        return []

    def remove(self) -> bool:
        """Take the line away; returns whether there was one.

        Raises:
            HostError: crontab refuses.
        """
        if not _has_crontab():
            return False
        before = self._read()
        kept = without(before, self._home, self._verb)
        if kept == before:
            return False
        _check_faithful(before, b"")
        self._write(kept)
        return True

    def problems(self) -> list[Problem]:
        """What is missing: cron itself, the line, a cron that runs."""
        try:
            before = self._read()
        except HostError as error:
            return [Problem(error.message, error.hint)]
        found = []
        if _comment(self._home, self._verb) not in before:
            found.append(Problem("the crontab has no line for it", ""))
        elif entry(self._home, self._program, self._verb) not in before:
            found.append(Problem("the crontab's line is not as this kvmtui writes it", ""))
        if not _cron_runs():
            what = "no cron runs now: it has to start with the host"
            found.append(
                Problem(what, "see how this system starts services, such as: service cron start")
            )
        return found


def _check_faithful(crontab: bytes, wanted: bytes) -> None:
    """Refuse to write back what was not given as it is.

    Debian's ``crontab -l`` (3.0pl1) shows a carriage return as ``\\r``.

    Raises:
        HostError: A line ends in one; a person can add or remove ours by hand.
    """
    if any(line.endswith(b"\\r") for line in crontab.splitlines()):
        line = wanted.decode().splitlines()[-1:]
        raise HostError(
            "the crontab has lines that end in a carriage return, which crontab -l alters",
            hint=f"crontab -e, and add: {line[0]}" if line else "crontab -e, and remove the line",
        )


def _has_crontab() -> bool:
    import shutil

    return shutil.which("crontab") is not None


def _crontab(word: str, data: bytes | None = None) -> CompletedProcess[bytes]:
    if not _has_crontab():
        raise HostError(
            "no systemd runs here, and crontab is not installed", hint=install_hint("crontab")
        )
    return run(["crontab", word], data=data)


def _cron_runs() -> bool:
    """Whether any process is a cron, by its name (``/proc/PID/comm``)."""
    for entry_ in os.listdir("/proc"):
        if not entry_.isdigit():
            continue
        try:
            with open(f"/proc/{entry_}/comm") as file:
                if file.read().strip() in _CRONS:
                    return True
        except OSError:
            continue
    return False
