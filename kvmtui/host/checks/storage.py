"""Checks of the place where guests are kept."""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.host.checks import Finding, check, fail, ok, warn
from kvmtui.host.checks.words import size
from kvmtui.host.facts import Facts, is_there
from kvmtui.host.remedies import system_of

_LEAST_BYTES = 256 << 10
"""With less QEMU could not even write its pid."""
_LITTLE_BYTES = 1 << 30
_LITTLE_SHARE = 0.05
_FEW_FILES = 1000
_IN_MEMORY = ("tmpfs", "ramfs")
_ELSEWHERE = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs")


class Mount(NamedTuple):
    """A mounted file system."""

    point: str
    kind: str
    options: tuple[str, ...]


def existing_part(facts: Facts, path: str) -> str:
    """The folder itself, or the nearest above it that is there."""
    while path not in ("", "/") and not is_there(facts, path):
        path = path.rpartition("/")[0]
    return path or "/"


def mount_of(facts: Facts, path: str) -> Mount:
    """The file system that a path is on (/proc/self/mountinfo).

    Raises:
        ValueError: None of the mounts has it.
    """
    best: Mount | None = None
    for line in facts.read("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        words, kinds = before.split(), after.split()
        if len(words) < 6 or not kinds:
            continue
        point = words[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best.point)):
            best = Mount(point, kinds[0], tuple(words[5].split(",")))
    if best is None:
        raise ValueError("no mount has it")
    return best


@check("home", "Where guests are kept", reads="--home, its owner and permissions")
def home(facts: Facts) -> Finding:
    """All of a guest lies in one folder below the home: its definition, disks, logs and
    sockets. QEMU's user must be able to write there."""
    path = facts.asked.home
    place = existing_part(facts, path)
    there = place == path
    name = facts.person().name
    # A new home is made by the asking user, who may be root.
    may = facts.writable(place) if there else facts.root() or facts.writable(place)
    if not may:
        whose = f"{system_of(facts).sudo}chown -R {name}: {path}" if there else ""
        remedy = whose or "choose another place: kvmtui --home DIR, or KVMTUI_HOME"
        return fail(f"{name} cannot write to {place}", remedy, path=path)
    return ok(path if there else f"{path} (made with the first guest)", path=path)


@check("disk", "Room and kind of the disk", reads="statvfs of the home, /proc/self/mountinfo")
def disk(facts: Facts) -> Finding:
    """Disk images grow as guests write, and a guest whose host has no room left stands still.
    Not every file system suits images: one in memory is empty after a restart of the host,
    and on one of another machine a lock may not hold. On btrfs images fragment unless the
    folder has the attribute C (no copy on write) before they are made."""
    place = existing_part(facts, facts.asked.home)
    space = facts.space(place)
    mount = mount_of(facts, place)
    measured = {
        "size_bytes": space.size_bytes,
        "free_bytes": space.free_bytes,
        "files_free": space.files_free,
        "file_system": mount.kind,
    }
    room = f"{size(space.free_bytes)} of {size(space.size_bytes)} free on {mount.point}"
    detail = f"{room} ({mount.kind})"
    make_room = f"make room on {mount.point}, or choose another place: kvmtui --home DIR"
    if space.free_bytes < _LEAST_BYTES or space.files_free == 0:
        what = "no room" if space.free_bytes < _LEAST_BYTES else "no inode left"
        return fail(f"{what}: {detail}", make_room, **measured)
    elsewhere = _unfit(mount.kind)
    if elsewhere:
        why, where = elsewhere
        return warn(f"{detail}: {why}", f"choose a place on {where}: kvmtui --home DIR", **measured)
    if space.free_bytes < max(_LITTLE_BYTES, int(space.size_bytes * _LITTLE_SHARE)):
        return warn(f"little room: {detail}", make_room, **measured)
    if space.files_free is not None and space.files_free < _FEW_FILES:
        return warn(f"few inodes ({space.files_free}): {detail}", make_room, **measured)
    if mount.kind == "btrfs":
        detail += f"; before images are made: chattr +C {facts.asked.home}"
    return ok(detail, **measured)


def _unfit(kind: str) -> tuple[str, str] | None:
    """Why a kind of file system does not suit guests, and what does; None where it suits."""
    if kind in _IN_MEMORY:
        return "in memory, gone with a restart of the host", "a disk"
    if kind in _ELSEWHERE:
        return "of another machine, where locks may not hold", "a disk of this machine"
    return None
