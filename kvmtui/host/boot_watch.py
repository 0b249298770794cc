"""A systemd unit that keeps `kvmtui watch` running, from the host's start on.

It starts no QEMU, so all of it is ended with the unit. It is started again where it fails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from kvmtui.errors import HostError
from kvmtui.host.boot_unit import BootUnit, quoted, unit_command
from kvmtui.host.paths import watch_unit

MARK = "# Written by kvmtui watch, which also removes it: changes here are lost."
"""The first line of a file that is ours."""

_UNIT = """\
{mark}
[Unit]
Description=kvmtui watches the guests in {home}
{order}
[Service]
Type=exec
Environment={environment}
ExecStart={start}
Restart=on-failure
RestartSec=10
TimeoutStopSec=30

[Install]
WantedBy={target}
"""


def watch_text(home: str, program: Sequence[str], *, system: bool) -> str:
    """The unit's file.

    Args:
        home: The home whose guests it is for.
        program: The words of kvmtui, the first of them an absolute path.
        system: Whether it is the system's, not a user's.
    """
    order = f"After=remote-fs.target\nRequiresMountsFor={quoted(home)}\n" if system else ""
    return _UNIT.format(
        mark=MARK,
        home=quoted(home),
        order=order,
        environment=quoted(f"KVMTUI_HOME={home}"),
        start=unit_command(":", (*program, "watch", "run")),
        target="multi-user.target" if system else "default.target",
    )


class WatchUnit(BootUnit):
    """The unit of one home's watch."""

    shuts_down = False
    mark = MARK
    inactive = "nobody watches now"

    def _unit_name(self) -> str:
        return watch_unit(self._home)

    def _text(self) -> str:
        return watch_text(self._home, self._program, system=self._system)

    def _activate(self) -> None:
        self._control("start", self.name)

    @property
    def journal(self) -> str:
        """The command that shows what it said."""
        return f"journalctl {'' if self._system else '--user '}-u {self.name}"

    def restart(self) -> None:
        """Begin anew, with the settings as they are now.

        Raises:
            HostError: systemd does not.
        """
        self._control("restart", self.name)

    def remove(self) -> bool:
        """End it, disable it and remove its file.

        Raises:
            HostError: The file is not ours, or cannot be removed.
        """
        if self._written() is None:
            return False
        with contextlib.suppress(HostError):
            self._control("stop", self.name)
        return super().remove()
