"""Port forwards of user-mode networking, as a person writes them.

2222:22                      host port 2222 on 127.0.0.1 to the guest's 22, TCP
2222:22/udp
0.0.0.0:8080:80              reachable from other machines: asked for by the address
[::1]:2222:22
tcp:127.0.0.1:2222-:22       QEMU's own form; an empty address means every address, as there
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SHORT = re.compile(
    r"(?:(?P<address>\[[^\]]+\]|[^:\[\]]+):)?(?P<host>\d+):(?P<guest>\d+)(?:/(?P<protocol>tcp|udp))?"
)
_QEMU = re.compile(
    r"(?P<protocol>tcp|udp)?:(?P<address>\[[^\]]+\]|[^:\[\]]*):(?P<host>\d+)"
    r"-(?P<guest_address>[^:]*):(?P<guest>\d+)"
)


class Forward(NamedTuple):
    """One forwarded port."""

    protocol: str
    host_address: str
    host_port: int
    guest_address: str
    guest_port: int

    def qemu_rule(self) -> str:
        """The value of a netdev's ``hostfwd``."""
        address = f"[{self.host_address}]" if ":" in self.host_address else self.host_address
        return f"{self.protocol}:{address}:{self.host_port}-{self.guest_address}:{self.guest_port}"


def parse_forward(text: str) -> Forward:
    """Read one forward.

    Raises:
        ValueError: Not a forward; the text says what to write.
    """
    match = _SHORT.fullmatch(text)
    if match:
        address, guest_address = match["address"] or "127.0.0.1", ""
    else:
        match = _QEMU.fullmatch(text)
        if not match:
            raise ValueError(f"'{text[:60]}' is no forward: write HOSTPORT:GUESTPORT, as 2222:22")
        address, guest_address = match["address"] or "0.0.0.0", match["guest_address"]
    host_port, guest_port = int(match["host"]), int(match["guest"])
    for port in (host_port, guest_port):
        if not 0 < port < 65536:
            raise ValueError(f"port {str(port)[:20]} is not between 1 and 65535")
    for part in (address, guest_address):
        _check_address(part)
    return Forward(
        match["protocol"] or "tcp", address.strip("[]"), host_port, guest_address, guest_port
    )


def _check_address(text: str) -> None:
    if text in ("", "127.0.0.1"):
        return
    import ipaddress

    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise ValueError(f"'{text[:60]}' is no IP address") from None
