"""A systemd unit that calls a program with the host's start, and before it goes down.

Root's is of the system; a plain user's is of that user's manager, which starts with the
host only where the user lingers. Measured on systemd 252:

- The end is ``ExecStopPost``: ``ExecStop`` is left out where the start is still under way
  (it waits between guests) or has failed. ``-`` before the start lets one guest's failure
  not fail the unit, and ``exec`` does not let the host's start wait for it.
- ``KillMode=process``: a QEMU that got no scope of its own lives in this unit, and must not
  be ended with the program.
- A user's manager is killed 120 s after it was told to end, so its limits are shorter.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import Literal

from kvmtui.durable import write_atomically
from kvmtui.errors import HostError
from kvmtui.host.boot import Problem, check_sayable, complaint, run
from kvmtui.host.paths import autostart_unit

MARK = "# Written by kvmtui autostart, which also removes it: changes here are lost."
"""The first line of a file that is ours."""

_SYSTEM_FOLDER = "/etc/systemd/system"
_USER_FOLDER = "~/.config/systemd/user"
_LINGER = "/var/lib/systemd/linger"
_LIMITS_S = {True: (300, 360), False: (70, 115)}
"""By whether it is the system's: how long the end may take, and when systemd kills it."""
_MANAGER_LIMIT_S = 10.0
_ASK_LIMIT_S = 5.0
_PAUSE_S = 0.05
_BY_SHELL = ("/bin/sh", "-c", 'exec "$0" "$@"')

_UNIT = """\
{mark}
[Unit]
Description=kvmtui guests in {home}
{order}
[Service]
Type=exec
RemainAfterExit=yes
Environment={environment}
ExecStart={start}
ExecStopPost={end}
KillMode=process
TimeoutStopSec={limit_s}

[Install]
WantedBy={target}
"""
_SYSTEM_ORDER = """\
Wants=network-online.target
After=network-online.target remote-fs.target
RequiresMountsFor={home}
"""


def quoted(text: str) -> str:
    """A word as unit files have it, with nothing in it that systemd would expand."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def unit_command(prefix: str, words: Sequence[str]) -> str:
    """A command line; ``:`` before it lets every ``$`` stand for itself.

    The first word of a command may have no quotes and backslashes, however it is written.
    """
    if any(character in words[0] for character in "\"'\\"):
        words = (*_BY_SHELL, *words)
    return " ".join([quoted(prefix + words[0]), *map(quoted, words[1:])])


def unit_text(home: str, program: Sequence[str], *, system: bool) -> str:
    """The unit's file.

    Args:
        home: The home whose guests it is for.
        program: The words of kvmtui, the first of them an absolute path.
        system: Whether it is the system's, not a user's.
    """
    end_s, limit_s = _LIMITS_S[system]
    stop = ("autostart", "stop", "--yes", "--timeout", str(end_s))
    return _UNIT.format(
        mark=MARK,
        home=quoted(home),
        order=_SYSTEM_ORDER.format(home=quoted(home)) if system else "",
        environment=quoted(f"KVMTUI_HOME={home}"),
        start=unit_command("-:", (*program, "autostart", "run")),
        end=unit_command("-:", (*program, *stop)),
        limit_s=limit_s,
        target="multi-user.target" if system else "default.target",
    )


class BootUnit:
    """The unit of one home.

    Args:
        home: The home whose guests it is for.
        program: The words of kvmtui, the first of them an absolute path.
    """

    mechanism: Literal["systemd", "cron"] = "systemd"
    shuts_down = True
    mark = MARK
    inactive = "the host's end would pull the guests' plugs"
    """What it means when it is not active."""

    def __init__(self, home: str, program: Sequence[str]) -> None:
        self._home, self._program = home, program
        self._system = os.geteuid() == 0
        self.name = self._unit_name()
        self._folder = _SYSTEM_FOLDER if self._system else os.path.expanduser(_USER_FOLDER)
        self.file: str = f"{self._folder}/{self.name}"
        target = "multi-user" if self._system else "default"
        self._wanted = f"{self._folder}/{target}.target.wants/{self.name}"

    def _unit_name(self) -> str:
        return autostart_unit(self._home)

    def _text(self) -> str:
        return unit_text(self._home, self._program, system=self._system)

    def _written(self) -> str | None:
        """What the file says; None where there is none.

        Raises:
            HostError: It is not ours, or cannot be read.
        """
        try:
            with open(self.file, encoding="utf-8", errors="replace") as file:
                text = file.read(1 << 16)
        except FileNotFoundError:
            if not os.path.islink(self.file):
                return None
            text = ""
        except OSError as error:
            raise HostError(f"{self.file}: {error.strerror}") from None
        if text.startswith(self.mark + "\n"):
            return text
        raise HostError(
            f"{self.file} was not written by kvmtui",
            hint=f"look into it, and move it away: mv {self.file} {self.file}.old",
        )

    def is_in_place(self) -> bool:
        """Whether the unit is ours, and enabled."""
        with contextlib.suppress(HostError):
            return self._written() is not None and os.path.lexists(self._wanted)
        return False

    def install(self) -> list[str]:
        """Write the unit, enable it, and have it active without starting a guest now.

        Only an active unit is ended with the host. A user is made to linger.

        Raises:
            HostError: It cannot be; a file that was not there before is gone again.
        """
        check_sayable(self._home)
        check_sayable(" ".join(self._program))
        before = self._written()
        notes = [] if self._system else self._linger()
        text = self._text()
        try:
            if before != text:
                self._write(text)
                self._control("daemon-reload")
            if not os.path.lexists(self._wanted):
                self._control("enable", self.name)
            if not self._is_active():
                self._activate()
        except HostError:
            if before is None:
                with contextlib.suppress(HostError):
                    self.remove()
            raise
        return notes

    def _write(self, text: str) -> None:
        try:
            os.makedirs(self._folder, exist_ok=True)
            write_atomically(self.file, text.encode(), mode=0o644)
        except OSError as error:
            raise HostError(
                f"{self.file} cannot be written: {error.strerror}",
                hint=f"make {self._folder} writable: systemd looks for units there",
            ) from None

    def _activate(self) -> None:
        passed = passed_mark(self.name)
        try:
            with open(passed, "w"):
                pass
        except OSError as error:
            raise HostError(f"{passed} cannot be written: {error.strerror}") from None
        try:
            self._control("start", "--no-block", self.name)
        except HostError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(passed)
            raise

    def remove(self) -> bool:
        """Disable the unit and remove its file; guests that run go on.

        It is not stopped: that would shut the guests down.

        Raises:
            HostError: The file is not ours, or cannot be removed.
        """
        if self._written() is None:
            return False
        self._control("disable", self.name)
        try:
            os.unlink(self.file)
        except OSError as error:
            raise HostError(f"{self.file} cannot be removed: {error.strerror}") from None
        self._control("daemon-reload")
        return True

    def problems(self) -> list[Problem]:
        """What is missing: the file, lingering, what the manager knows of it."""
        try:
            text = self._written()
        except HostError as error:
            return [Problem(error.message, error.hint)]
        if text is None:
            return [Problem(f"{self.name} is not installed", "")]
        found = []
        if text != self._text():
            found.append(Problem(f"{self.name} is not as this kvmtui writes it", ""))
        if not os.path.lexists(self._wanted):
            found.append(Problem(f"{self.name} is not enabled", ""))
        if not self._system and not _lingers():
            what = f"{_user()} does not linger: the user's units start at the login only"
            found.append(Problem(what, f"loginctl enable-linger {_user()}"))
        with contextlib.suppress(HostError):
            if not self._is_active():
                what = f"{self.name} is not active: {self.inactive}"
                found.append(Problem(what, ""))
        return found

    def _is_active(self) -> bool:
        return self._asked("is-active", "--quiet", self.name).returncode == 0

    def _control(self, *words: str) -> None:
        done = self._asked(*words)
        if done.returncode != 0:
            raise HostError(f"systemctl {words[0]}: {complaint(done)}")

    def _asked(self, *words: str) -> CompletedProcess[bytes]:
        command = ["systemctl", "--no-ask-password"]
        if self._system:
            return run([*command, *words])
        _await_manager()
        return run([*command, "--user", *words], runtime=_runtime())

    def _linger(self) -> list[str]:
        """Have the user linger.

        Raises:
            HostError: This host does not let the user; an administrator can.
        """
        if _lingers():
            return []
        done = run(["loginctl", "--no-ask-password", "enable-linger"])
        if done.returncode != 0 or not _lingers():
            raise HostError(
                f"{_user()} does not linger, and so has no units at the host's start",
                hint=f"sudo loginctl enable-linger {_user()}",
            )
        return [f"{_user()} lingers now: units of this user start with the host, and stay"]


def passed_mark(unit: str) -> str:
    """The file whose presence says that the unit's next start is to start no guest.

    It lies where a start of the host leaves nothing.
    """
    return f"{_runtime()}/{unit}.passed"


def take_passed_mark(unit: str) -> bool:
    """Whether the mark was there; it is gone then."""
    try:
        os.unlink(passed_mark(unit))
    except OSError:
        return False
    return True


def is_host_going_down() -> bool:
    """Whether systemd is ending this machine (``systemctl is-system-running``)."""
    try:
        asked = run(["systemctl", "is-system-running"], limit_s=_ASK_LIMIT_S)
        return asked.stdout.strip() == b"stopping"
    except HostError:
        return False


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _lingers() -> bool:
    return os.path.exists(f"{_LINGER}/{_user()}")


def _runtime() -> str:
    """Where runtime files lie, also where no session says so (``su``, ``sudo``)."""
    if os.geteuid() == 0:
        return "/run"
    return os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"


def _await_manager() -> None:
    """Wait until the user's manager answers.

    Raises:
        HostError: There is none.
    """
    deadline = time.monotonic() + _MANAGER_LIMIT_S
    while not os.path.exists(f"{_runtime()}/systemd/private"):
        # Right after lingering was switched on the manager is still coming up.
        if not _lingers() or time.monotonic() >= deadline:
            raise HostError(f"no systemd of {_user()} answers", hint="log in anew")
        time.sleep(_PAUSE_S)
