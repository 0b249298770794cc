"""What contradicts itself in how a guest is reached: networks, forwards, VNC on a port."""

from __future__ import annotations

import contextlib
import ipaddress
import re

from kvmtui.guest.definition import Definition, Network, Vnc
from kvmtui.guest.forwards import parse_forward
from kvmtui.text import visible

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


def reaching_problems(definition: Definition) -> list[str]:
    """All problems, each with the path of its key."""
    problems = []
    for index, network in enumerate(definition.networks):
        problems.extend(_network_problems(network, f"networks[{index}]"))
    problems.extend(_mac_clashes(definition))
    problems.extend(_forward_clashes(definition))
    if definition.vnc is not None:
        problems.extend(_vnc_problems(definition, definition.vnc))
    return problems


def _network_problems(network: Network, path: str) -> list[str]:
    problems = []
    for kind in ("bridge", "tap"):
        if network.type == kind and getattr(network, kind) is None:
            problems.append(f"{path}.{kind}: is missing, its name is needed for type {kind}")
        if network.type != kind and getattr(network, kind) is not None:
            problems.append(f"{path}.{kind}: is for type {kind} only")
    if network.forwards and network.type != "user":
        problems.append(f"{path}.forwards: are for type user only")
    if network.boot_file is not None and network.type != "user":
        problems.append(f"{path}.boot_file: is for type user only")
    if network.mac is not None:
        if not _MAC.fullmatch(network.mac):
            problems.append(f"{path}.mac: '{visible(network.mac)}' is no MAC address")
        elif int(network.mac[:2], 16) & 1:
            problems.append(f"{path}.mac: {network.mac} is a multicast address")
    for index, text in enumerate(network.forwards):
        try:
            parse_forward(text)
        except ValueError as error:
            problems.append(f"{path}.forwards[{index}]: {visible(str(error))}")
    return problems


def _mac_clashes(definition: Definition) -> list[str]:
    seen: dict[str, int] = {}
    problems = []
    for index, network in enumerate(definition.networks):
        if network.mac is None:
            continue
        first = seen.setdefault(network.mac.lower(), index)
        if first != index:
            problems.append(
                f"networks[{index}].mac: {visible(network.mac)} is networks[{first}]'s already"
            )
    return problems


def _forward_clashes(definition: Definition) -> list[str]:
    seen: set[tuple[str, str, int]] = set()
    problems = []
    for network in definition.networks:
        for text in network.forwards:
            try:
                rule = parse_forward(text)
            except ValueError:
                continue
            key = (rule.protocol, rule.host_address, rule.host_port)
            if key in seen:
                problems.append(f"networks: host port {rule.host_port} is forwarded twice")
            seen.add(key)
    return problems


def _vnc_problems(definition: Definition, vnc: Vnc) -> list[str]:
    problems = []
    try:
        reached = not ipaddress.ip_address(vnc.address).is_loopback
    except ValueError:
        reached = False
        problems.append(f"vnc.address: '{visible(vnc.address, limit=60)}' is no IP address")
    if reached and not vnc.asks_password():
        problems.append(
            f"vnc.address: others reach {vnc.address}: set vnc.password or vnc.secret too, "
            "or leave it at 127.0.0.1"
        )
    if definition.video == "none":
        problems.append("vnc: needs video")
    for key in ("secret", "tls"):
        text = getattr(vnc, key)
        if text is not None and (not text.startswith("/") or "\0" in text or "\n" in text):
            problems.append(f"vnc.{key}: an absolute path is expected")
    for key, port in (("port", vnc.port), ("websocket", vnc.websocket)):
        if port in _tcp_ports(definition):
            problems.append(f"vnc.{key}: {port} is forwarded to the guest already")
    if vnc.websocket == vnc.port:
        problems.append(f"vnc.websocket: {vnc.port} is vnc.port already")
    return problems


def _tcp_ports(definition: Definition) -> set[int]:
    found = set()
    for text in [text for network in definition.networks for text in network.forwards]:
        with contextlib.suppress(ValueError):
            rule = parse_forward(text)
            if rule.protocol == "tcp":
                found.add(rule.host_port)
    return found
