"""Checks of what guests' networks need: devices, the bridge helper, ports."""

from __future__ import annotations

import errno
import stat

from kvmtui.host.checks import Finding, check, ok, warn
from kvmtui.host.checks.words import number
from kvmtui.host.facts import Facts, is_there, read_or
from kvmtui.host.remedies import Remedy, load_module, set_kernel_value, system_of

_VHOST_NET, _VHOST_VSOCK, _TUN = "/dev/vhost-net", "/dev/vhost-vsock", "/dev/net/tun"
_HELPERS = (
    "/usr/lib/qemu/qemu-bridge-helper",
    "/usr/libexec/qemu-bridge-helper",
    "/usr/lib/qemu-bridge-helper",
)
_BRIDGE_CONF = "/etc/qemu/bridge.conf"
_LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp."""


def _named(code: int) -> str | None:
    return errno.errorcode.get(code, str(code)) if code else None


@check("vhost-net", "Faster networks", reads=f"{_VHOST_NET}, {_VHOST_VSOCK}")
def vhost_net(facts: Facts) -> Finding:
    """With vhost-net the kernel moves a guest's packets between its card and a tap, without
    a detour through QEMU. Guests on user networks do not use it. vhost-vsock is a channel
    between host and guest without a network."""
    net, vsock = facts.open(_VHOST_NET), facts.open(_VHOST_VSOCK)
    measured = {"vhost_net": _named(net), "vhost_vsock": _named(vsock)}
    if net == 0:
        return ok(f"{_VHOST_NET} opens", **measured)
    told = f"{_VHOST_NET}: {_named(net)}"
    if not facts.asked.bridged:
        return ok(f"{told}; only for guests on a bridge or tap", **measured)
    if net == errno.EACCES:
        remedy = Remedy("as for kvm-perm: its group is that of /dev/kvm")
    else:
        remedy = load_module(system_of(facts), "vhost_net")
    return warn(f"{told}: networks of guests on a bridge or tap are slower", remedy, **measured)


@check("tun", "Taps", reads=_TUN)
def tun(facts: Facts) -> Finding:
    """A tap is a network card of the host whose cable ends in QEMU. Opening /dev/net/tun is
    for everybody; making a tap takes an administrator, or a tap made before for the user.
    Guests on user networks need none."""
    code = facts.open(_TUN)
    if code == 0:
        return ok(f"{_TUN} opens", error=None)
    told = f"{_TUN}: {_named(code)}"
    if not facts.asked.bridged:
        return ok(f"{told}; only for guests on a bridge or tap", error=_named(code))
    system = system_of(facts)
    if code in (errno.EACCES, errno.EPERM):
        return warn(told, f"{system.sudo}chmod 0666 {_TUN}", error=_named(code))
    return warn(told, load_module(system, "tun"), error=_named(code))


@check("bridge-helper", "Bridges for plain users", reads=f"qemu-bridge-helper, {_BRIDGE_CONF}")
def bridge_helper(facts: Facts) -> Finding:
    """A plain user's guest gets onto a bridge by qemu-bridge-helper, a small program that
    must be setuid root and allows the bridges of /etc/qemu/bridge.conf. Debian ships it
    without setuid, and a chmod is undone by the next update: dpkg-statoverride keeps it."""
    if facts.person().uid == 0:
        return ok("QEMU runs as root: it needs no helper")
    path = next((path for path in _HELPERS if is_there(facts, path)), None)
    setuid = path is not None and bool(facts.mode(path).mode & stat.S_ISUID)
    allowed = _allowed_bridges(facts)
    measured = {"helper": path, "setuid": setuid, "allowed": allowed}
    told = _what_lacks(path, setuid, allowed)
    if told is None:
        return ok(f"{path} is setuid, {_BRIDGE_CONF} allows bridges", **measured)
    if not facts.asked.bridged:
        return ok(f"{told}; only for guests on a bridge", **measured)
    return warn(told, _open_bridges(facts, path, setuid, allowed), **measured)


def _allowed_bridges(facts: Facts) -> list[str] | None:
    """The bridges of the helper's file; None where it cannot be read (Debian: root's)."""
    try:
        text = facts.read(_BRIDGE_CONF)
    except FileNotFoundError:
        return []
    except OSError:
        return None
    words = [line.split() for line in text.splitlines()]
    return [
        " ".join(line[1:]) for line in words if len(line) > 1 and line[0] in ("allow", "include")
    ]


def _what_lacks(path: str | None, setuid: bool, allowed: list[str] | None) -> str | None:
    if path is None:
        return "qemu-bridge-helper is not there"
    if not setuid:
        return f"{path} is not setuid"
    return f"{_BRIDGE_CONF} allows no bridge" if allowed == [] else None


def _open_bridges(
    facts: Facts, path: str | None, setuid: bool, allowed: list[str] | None
) -> Remedy:
    system = system_of(facts)
    if path is None:
        return Remedy("install all of QEMU's package, or make taps: ip tuntap add dev … mode tap")
    lines = []
    if not setuid and system.family == "debian":
        lines.append(f"{system.sudo}dpkg-statoverride --add --update root kvm 4750 {path}")
    elif not setuid:
        lines.append(f"{system.sudo}chmod u+s {path}")
    if allowed == []:
        line = f"mkdir -p /etc/qemu; echo allow br0 >> {_BRIDGE_CONF}"
        lines.append(f"{system.sudo}sh -c '{line}' (br0: your bridge)")
    return Remedy(" && ".join(lines))


@check("bridge-filter", "Filters on bridges", reads="/proc/sys/net/bridge, docker0")
def bridge_filter(facts: Facts) -> Finding:
    """With net.bridge.bridge-nf-call-iptables=1 what crosses a bridge passes the host's packet
    filter too. Docker sets that and drops what it does not know, so that guests on a bridge
    have no network."""
    name = "net.bridge.bridge-nf-call-iptables"
    filtered = read_or(facts, "/proc/sys/net/bridge/bridge-nf-call-iptables") == "1"
    docker = is_there(facts, "/sys/class/net/docker0")
    if not filtered or not facts.asked.bridged or not docker:
        told = "bridges are filtered" if filtered else "bridges are not filtered"
        return ok(told, filtered=filtered, docker=docker)
    system = system_of(facts)
    accept = f"{system.sudo}iptables -I DOCKER-USER -i br0 -j ACCEPT (br0: your bridge)"
    remedy = f"{accept}, or: {set_kernel_value(system, name, '0').text}"
    told = f"{name} is 1 and Docker is there: guests on a bridge may have no network"
    return warn(told, remedy, filtered=filtered, docker=docker)


@check("ports", "Ports that guests forward", reads="/proc/net/tcp, /proc/net/tcp6, /proc/sys/net")
def ports(facts: Facts) -> Finding:
    """A forwarded port of the host must be free when the guest starts. Ports within the
    range for outgoing connections can be taken by any client at any moment, and low ones
    are root's alone."""
    wanted = facts.asked.ports
    low, high = map(number, facts.read("/proc/sys/net/ipv4/ip_local_port_range").split())
    first = number(read_or(facts, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024"))
    taken = sorted(set(wanted) & _listening(facts))
    measured = {"forwarded": len(wanted), "taken": taken, "outgoing": [low, high]}
    if taken:
        remedy = f"ss -lntp 'sport = :{taken[0]}' tells by whom; or kvmtui set NAME … another port"
        return warn(f"forwarded, and taken by others now: {_list(taken)}", remedy, **measured)
    private = [port for port in wanted if port < first]
    system = system_of(facts)
    if private and facts.person().uid != 0:
        remedy = set_kernel_value(
            system, "net.ipv4.ip_unprivileged_port_start", str(min(private))
        ).text
        return warn(f"{_list(private)}: below {first} only root may listen", remedy, **measured)
    shared = [port for port in wanted if low <= port <= high]
    if shared:
        reserve = set_kernel_value(
            system, "net.ipv4.ip_local_reserved_ports", ",".join(map(str, shared))
        )
        told = f"{_list(shared)}: within {low}-{high}, where any client may be first"
        return warn(told, reserve, **measured)
    return ok(f"{len(wanted)} forwarded by guests that do not run, all free", **measured)


def _listening(facts: Facts) -> set[int]:
    """Ports that something listens on (TCP)."""
    found = set()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in read_or(facts, path).splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == _LISTEN:
                found.add(int(words[1].rpartition(":")[2], 16))
    return found


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:8])) + (" …" if len(numbers) > 8 else "")
