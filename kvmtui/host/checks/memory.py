"""Checks of memory and of the limits that guests run into."""

from __future__ import annotations

import re

from kvmtui.host.checks import Finding, check, ok, warn
from kvmtui.host.checks.words import number, size
from kvmtui.host.facts import Facts, is_there, names_or_none, read_or
from kvmtui.host.remedies import set_kernel_value, system_of

_LITTLE_BYTES = 256 << 20
_PRESSED_PERCENT = 10.0
_FEW_FILES = 1024
_IDLE_SHARE = 0.1
_PAGES = "/sys/kernel/mm/hugepages"
_THP = "/sys/kernel/mm/transparent_hugepage/enabled"


def _meminfo(facts: Facts) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    values = {}
    for line in facts.read("/proc/meminfo").splitlines():
        key, _, value = line.partition(":")
        if value.split():
            values[key] = number(value.split()[0]) * 1024
    return values


@check("memory", "Memory", reads="/proc/meminfo, /proc/pressure/memory, vm.overcommit_memory")
def memory(facts: Facts) -> Finding:
    """A guest's memory is the host's. Guests may be promised more than there is, since not
    all use theirs at once; when they do, the kernel kills one. With vm.overcommit_memory=2
    the kernel refuses promises, and QEMU 'cannot set up guest memory'. Pressure is the share
    of time in which something waited for memory."""
    values = _meminfo(facts)
    total, available = values["MemTotal"], values["MemAvailable"]
    promised = facts.asked.promised_bytes
    pressure = _pressure_percent(facts)
    measured = {
        "total_bytes": total,
        "available_bytes": available,
        "swap_bytes": values.get("SwapTotal", 0),
        "promised_bytes": promised,
        "pressure_percent": pressure,
    }
    detail = f"{size(available)} of {size(total)} available, {size(promised)} promised to guests"
    if read_or(facts, "/proc/sys/vm/overcommit_memory") == "2":
        remedy = set_kernel_value(system_of(facts), "vm.overcommit_memory", "0")
        return warn("vm.overcommit_memory is 2: QEMU may be refused memory", remedy, **measured)
    if available < _LITTLE_BYTES:
        return warn(detail, "end what uses it: ps -eo rss,pid,args --sort -rss | head", **measured)
    if promised > total:
        return warn(detail, "give guests less: kvmtui set NAME memory=…", **measured)
    if pressure is not None and pressure >= _PRESSED_PERCENT:
        told = f"{detail}; something waited for memory {pressure:.0f} % of the last 10 s"
        return warn(told, "shut down a guest, or give guests less memory", **measured)
    return ok(detail, **measured)


def _pressure_percent(facts: Facts) -> float | None:
    found = re.search(r"^some avg10=([\d.]+)", read_or(facts, "/proc/pressure/memory"), re.M)
    return float(found[1]) if found else None


@check("hugepages", "Huge pages", reads=f"{_PAGES}, {_THP}")
def hugepages(facts: Facts) -> Finding:
    """Large pages of memory make guests faster. Transparent ones come by themselves where
    QEMU asks (madvise) or always. Reserved ones are kept for programs that ask for them by
    name: guests here do not, so what is reserved and unused is lost to them."""
    thp = re.search(r"\[(\w+)\]", read_or(facts, _THP))
    transparent = thp[1] if thp else None
    idle = sum(_idle_bytes(facts, name) for name in names_or_none(facts, _PAGES))
    measured = {"transparent": transparent, "reserved_unused_bytes": idle}
    system = system_of(facts)
    if idle > _meminfo(facts)["MemTotal"] * _IDLE_SHARE:
        remedy = set_kernel_value(system, "vm.nr_hugepages", "0")
        told = f"{size(idle)} are reserved as huge pages that nobody uses"
        return warn(told, remedy, **measured)
    if transparent == "never":
        command = f"echo madvise | {system.sudo}tee {_THP}"
        return warn("transparent huge pages are off: guests are slower", command, **measured)
    return ok(f"transparent: {transparent or 'not offered'}", **measured)


def _idle_bytes(facts: Facts, name: str) -> int:
    """Reserved pages of one size that nobody uses; ``name`` is hugepages-2048kB."""
    kilobytes = re.fullmatch(r"hugepages-(\d+)kB", name)
    free = read_or(facts, f"{_PAGES}/{name}/free_hugepages", "0")
    return int(kilobytes[1]) * 1024 * number(free) if kilobytes else 0


@check("ksm", "Sharing of equal pages", reads="/sys/kernel/mm/ksm")
def ksm(facts: Facts) -> Finding:
    """The kernel can find equal pages of several guests and keep them once. It saves memory
    with many alike guests, costs processor time, and lets one guest learn what another has
    in memory (side channels): a choice, not a fault."""
    if not is_there(facts, "/sys/kernel/mm/ksm/run"):
        return ok("this kernel has none")
    running = facts.read("/sys/kernel/mm/ksm/run") == "1"
    pages = number(read_or(facts, "/sys/kernel/mm/ksm/pages_sharing", "0"))
    told = f"on, {size(pages * 4096)} saved" if running else "off: worth it with many alike guests"
    return ok(told, running=running, pages_sharing=pages)


@check("cgroup", "Control groups", reads="/sys/fs/cgroup, user.slice")
def cgroup(facts: Facts) -> Finding:
    """Limits on what a guest may use are set by control groups. With version 2 a plain user
    can set those that systemd hands down; with version 1 only root can."""
    if not is_there(facts, "/sys/fs/cgroup/cgroup.controllers"):
        return ok("version 1, or none: a plain user cannot limit guests", version=1)
    everything = facts.read("/sys/fs/cgroup/cgroup.controllers").split()
    uid = facts.person().uid
    path = f"/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers"
    handed = everything if uid == 0 else read_or(facts, path).split()
    told = f"version 2, this user may limit: {' '.join(handed) or 'nothing'}"
    return ok(told, version=2, controllers=handed)


@check("limits", "Limits of a process", reads="RLIMIT_NOFILE, RLIMIT_MEMLOCK, /proc/sys")
def limits(facts: Facts) -> Finding:
    """QEMU opens a file for each disk, socket and connection. Locked memory is for guests
    that are given a device of the host. Where the kernel forbids io_uring, or the requests
    of all programs together (fs.aio-max-nr) are used up, disks fall back to threads."""
    found = facts.limits()
    asynchronous = number(read_or(facts, "/proc/sys/fs/aio-max-nr", "0"))
    used = number(read_or(facts, "/proc/sys/fs/aio-nr", "0"))
    forbidden = read_or(facts, "/proc/sys/kernel/io_uring_disabled", "0")
    measured = {
        "open_files": found["open_files"],
        "locked_bytes": found["locked_bytes"],
        "aio_free": asynchronous - used,
        "io_uring": forbidden == "0",
    }
    system = system_of(facts)
    if 0 <= found["open_files"] < _FEW_FILES:
        name = facts.person().name
        line = f"echo '{name} - nofile 65536' | {system.sudo}tee /etc/security/limits.d/kvmtui.conf"
        told = f"only {found['open_files']} open files a process"
        return warn(told, f"{line}, then log in again", **measured)
    if asynchronous and used >= asynchronous * 0.9:
        remedy = set_kernel_value(system, "fs.aio-max-nr", str(asynchronous * 4))
        return warn(f"{used} of {asynchronous} asynchronous requests used", remedy, **measured)
    io_uring = "" if forbidden == "0" else "; io_uring is off, disks use threads"
    return ok(f"{found['open_files']} open files a process{io_uring}", **measured)
