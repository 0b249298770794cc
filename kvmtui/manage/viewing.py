"""How the graphical screen is reached from elsewhere: VNC on a socket, through ssh."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from typing import NamedTuple

from kvmtui.errors import StateError
from kvmtui.guest.folder import RUN, VNC
from kvmtui.guest.history import acting_user
from kvmtui.guest.library import Library
from kvmtui.host.accounts import Account, account, account_of_uid
from kvmtui.manage.screens import refuse_stopped

_PORT = 5910
_WEB_PORT = 6080
_NOVNC, _PAGE = "/usr/share/novnc", "vnc.html"
"""Where the distributions' novnc has its files."""
_LONGEST_SOCKET_BYTES = 107
_SSH_PORT = "22"


class Viewer(NamedTuple):
    """What to type on the machine where the viewer is."""

    ssh: str
    """The tunnel."""
    viewer: str
    """The viewer, once the tunnel stands."""
    socket: str
    bridge: str = ""
    """What shows it in a browser instead: a tunnel to noVNC, which ends with it; empty where
    this host has none."""
    page: str = ""
    """What the browser opens then."""
    note: str = ""
    """Why the tunnel is of another account than who asks; empty where it is of that."""


def viewer(library: Library, name: str) -> Viewer:
    """The lines that show the guest's graphical screen on another machine.

    Raises:
        StateError: It does not run, has no VNC server, or its socket's path is too long for ssh.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    path = folder.at(RUN, VNC)
    if not os.path.exists(path):
        raise StateError(
            f"{name} was started without a VNC server",
            hint=f"kvmtui set {name} display=vnc video=std, then kvmtui reboot {name}",
        )
    if len(os.fsencode(path)) > _LONGEST_SOCKET_BYTES:
        raise StateError(
            f"{name}: ssh forwards no socket whose path has over {_LONGEST_SOCKET_BYTES} bytes",
            hint=f"ln -s {shlex.quote(folder.at(RUN))} /tmp/{name}, and forward /tmp/{name}/{VNC}",
        )
    host, port = _here()
    user, note = _account(name, folder.place, path)
    there = [*(["-p", port] if port != _SSH_PORT else []), f"{user}@{host}"]
    ssh = shlex.join(["ssh", "-N", "-L", f"127.0.0.1:{_PORT}:{path}", *there])
    bridge = page = ""
    if shutil.which("websockify") and os.path.exists(f"{_NOVNC}/{_PAGE}"):
        # With a terminal of its own it ends when the tunnel does.
        serve = f"websockify --web={_NOVNC} --unix-target={shlex.quote(path)} 127.0.0.1:{_WEB_PORT}"
        tunnel = f"127.0.0.1:{_WEB_PORT}:127.0.0.1:{_WEB_PORT}"
        bridge = shlex.join(["ssh", "-t", "-L", tunnel, *there, serve])
        page = f"http://127.0.0.1:{_WEB_PORT}/{_PAGE}?autoconnect=true"
    viewer = f"vncviewer 127.0.0.1:{_PORT - 5900}"
    return Viewer(ssh, viewer, path, bridge, page, note)


def _account(name: str, place: str, path: str) -> tuple[str, str]:
    """Who can reach the socket: who asks, else whom the guest's folder belongs to, else root."""
    asks = acting_user()
    user = account(asks)
    # Here is no account of that name where it comes from a directory that does not answer.
    if user is None or _reaches(user, path):
        return asks, ""
    found = os.stat(place)
    owner = account_of_uid(found.st_uid, found.st_gid)
    other = owner.name if _reaches(owner, path) else "root"
    return other, f"{asks} cannot reach {name}'s socket: it takes an ssh key of {other}"


def _reaches(user: Account, path: str) -> bool:
    """Whether the modes of all folders above a socket, and its own, let a user connect."""
    if user.uid == 0:
        return True
    place = os.path.realpath(path)
    need = 2
    while True:
        found = os.stat(place)
        shift = 6 if found.st_uid == user.uid else 3 if found.st_gid in user.groups else 0
        if not found.st_mode >> shift & need:
            return False
        if place == "/":
            return True
        place, need = os.path.dirname(place), 1


def _here() -> tuple[str, str]:
    """This machine as who is at the other end of ssh reaches it, and the port."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    if len(words) == 4:
        return words[2], words[3]
    return socket.gethostname(), _SSH_PORT
