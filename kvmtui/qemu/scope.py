"""A systemd scope of its own for each QEMU, so that the end of a session cannot end it.

What was measured on systemd 252: a process that a login session started stays in that
session's scope, and ends with it where logind has ``KillUserProcesses=yes``. A scope of the
system's manager outlives every session. One of a user's manager outlives them only where
the user lingers: else that manager ends ten seconds after the last session, and every
scope of its with it, also where logind would have let the processes live.

As the host goes down systemd ends all scopes at once, which pulls the plug. A scope is
therefore ordered before a service, which systemd stops first: that one shuts the guests down
(`kvmtui autostart`). Before a service that does not exist means nothing.
"""

from __future__ import annotations

import os

from kvmtui.qemu.binary import find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmtui.qemu.spawn import RunUser

_SYSTEM = "/run/systemd/system"
"""There while systemd is the first process (``sd_booted``)."""
_LINGER = "/var/lib/systemd/linger"


def scope_name(guest: str) -> str:
    """Unique for each run: a scope of the same name may still be going away."""
    return f"kvmtui-{guest}-{os.urandom(4).hex()}.scope"


def is_systemd_here() -> bool:
    """Whether systemd runs this machine and can be asked for a scope."""
    return os.path.isdir(_SYSTEM) and find_program("systemd-run") is not None


def obstacle(user: RunUser | None) -> str | None:
    """Why a scope would not help or cannot be made here, and what can be done; None: it can.

    Args:
        user: Who QEMU is executed as, by root.
    """
    if os.geteuid() == 0:
        if user is not None and find_program("setpriv") is None:
            return "setpriv is missing: install util-linux"
        return None
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "this user has no name"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not os.path.exists(f"{_LINGER}/{name}"):
        return "to let it outlive your logout for certain: loginctl enable-linger"
    if not runtime or not os.path.exists(f"{runtime}/systemd/private"):
        return "no systemd of this user answers: log in anew"
    return None


def scope_words(
    name: str, description: str, user: RunUser | None, before: str = ""
) -> Sequence[str]:
    """The words before QEMU that put it into a scope.

    Args:
        before: The service that systemd stops before it ends the scope.

    ``systemd-run --uid`` leaves the supplementary groups as they are, so that QEMU would
    be without kvm and might keep root's; therefore setpriv, behind it, sets all of them.
    """
    words = ["systemd-run", "--scope", "--quiet", "--collect", f"--unit={name}"]
    words.append(f"--description={description}")
    if before:
        words.append(f"--property=Before={before}")
    if os.geteuid() != 0:
        return [*words, "--user", "--"]
    words.append("--")
    if user is not None:
        groups = f"--groups={','.join(map(str, user.groups))}" if user.groups else "--clear-groups"
        words += ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", groups, "--"]
    return words
