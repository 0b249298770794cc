"""VNC on a TCP port: where a guest listens, and its password for this run."""

from __future__ import annotations

from typing import Any, NamedTuple

from kvmtui.errors import StateError, UsageError
from kvmtui.guest.library import Library
from kvmtui.manage.image_secrets import MOST_VNC_BYTES
from kvmtui.manage.power import monitors_of, running_session
from kvmtui.manage.screens import refuse_stopped
from kvmtui.manage.views import Outcome
from kvmtui.qemu.command.devices import VNC_PORT_ID
from kvmtui.qemu.monitor import Monitor, command_session


class Listening(NamedTuple):
    """A VNC server on a TCP port."""

    address: str
    port: int
    password: bool
    """Whether it asks for one."""
    tls: bool
    websocket: int | None = None
    """The port for a browser's viewer; None where there is none."""

    @property
    def viewer(self) -> str:
        """The line for a viewer on a machine that reaches it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"vncviewer {host}::{self.port}"


async def listening(library: Library, name: str) -> Listening | None:
    """Where the guest that runs listens; None where it has the socket alone.

    Raises:
        StateError: It does not run.
        MonitorError: Its QEMU does not answer.
    """
    folder = library.folder(name)
    refuse_stopped(library, folder)
    async with command_session(monitors_of(folder), f"kvmtui screen {name}") as monitor:
        return await _listening(monitor)


async def _listening(monitor: Monitor) -> Listening | None:
    servers: list[dict[str, Any]] = await monitor.execute("query-vnc-servers")
    for server in servers:
        places = server.get("server") or []
        if server.get("id") == VNC_PORT_ID and places:
            ways = {str(server.get("auth")), str(server.get("vencrypt", ""))}
            ports = {bool(one.get("websocket")): int(one["service"]) for one in places}
            return Listening(
                str(places[0]["host"]),
                ports[False],
                any(way.endswith("vnc") for way in ways),
                "vencrypt" in ways,
                ports.get(True),
            )
    return None


async def set_password(
    library: Library, name: str, password: str, *, expires_s: int | None = None
) -> Outcome:
    """Set the password of the TCP port's VNC server, until the guest ends; it is told nowhere.

    Args:
        expires_s: After how long nobody is let in by it any more; who is in stays. None: never.

    Raises:
        UsageError: It is empty, or longer than what counts.
        StateError: The guest does not run, or its server asks for none.
        MonitorError: Its QEMU does not answer.
    """
    size = len(password.encode())
    if not size:
        raise UsageError("an empty password lets nobody in")
    if size > MOST_VNC_BYTES or not password.isascii():
        raise UsageError(f"VNC knows passwords of at most {MOST_VNC_BYTES} ASCII characters")
    folder = library.folder(name)
    async with running_session(library, folder, "password") as (monitor, operation):
        found = await _listening(monitor)
        if found is None or not found.password:
            raise StateError(
                f"{name} was started without a VNC server that asks for a password",
                hint=f"kvmtui set {name} 'vnc={{port: 5901, password: true}}', "
                f"then kvmtui reboot {name}",
            )
        which = {"protocol": "vnc", "display": VNC_PORT_ID}
        await monitor.execute("set_password", {**which, "password": password})
        time = "never" if expires_s is None else "now" if expires_s == 0 else f"+{expires_s}"
        await monitor.execute("expire_password", {**which, "time": time})
        operation.result |= {"expires_s": expires_s}
    until = {None: "until the guest ends", 0: "for nobody: it is over"}.get(
        expires_s, f"for {expires_s} s"
    )
    message = f"{name}: the VNC password of {found.address} port {found.port} serves {until}"
    return Outcome(name, "screen", True, message)
