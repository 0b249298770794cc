"""The limits of a guest's disks: set after its start, and changed while it runs.

They are set on the drive (QMP ``block_set_io_throttle``), not by a filter among the nodes: so
they hold for the guest alone, stay when its image is moved, and jobs find the nodes that
they want (7.2 mirrors no node below a filter).
"""

from __future__ import annotations

from kvmtui.errors import BusyError, KvmtuiError, MonitorError
from kvmtui.qemu.block_nodes import drive_of, qdev_of
from kvmtui.qemu.brief import brief_session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.definition import Definition
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.wants import Wants
    from kvmtui.qemu.plain import PlainMonitor

_PURPOSE = "kvmtui limits"


def set_at_start(folder: GuestFolder, wants: Wants) -> list[str]:
    """Set the limits of a guest that was just started; what to know where that failed."""
    try:
        with brief_session(folder, _PURPOSE) as monitor:
            for index, limits in wants.limits:
                qdev = qdev_of(monitor, f"hd{index}")
                if qdev is None:
                    raise KvmtuiError(f"QEMU has no drive hd{index}")
                _set(monitor, qdev, limits)
    except KvmtuiError as error:
        return [f"{folder.name} runs without the limits of its disks: {error.message}"]
    return []


def change(folder: GuestFolder, before: Definition | None, after: Definition) -> list[str]:
    """Set the limits that differ in a guest that runs; what to know where that failed."""
    old = {} if before is None else {disk.file: disk.limits for disk in before.disks}
    new = [disk for disk in after.disks if old.get(disk.file) != disk.limits]
    if not new:
        return []
    notes = []
    try:
        with brief_session(folder, _PURPOSE) as monitor:
            for disk in new:
                drive = drive_of(monitor, folder.resolve(disk.file))
                if drive is None:
                    notes.append(
                        f"{disk.file} is no disk of this run: its limits come with a start"
                    )
                    continue
                _set(monitor, drive.qdev, disk.limits.throttle() if disk.limits else {})
    except (MonitorError, BusyError) as error:
        notes.append(f"the limits hold from the next start on: {error.message}")
    return notes


_NONE = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)


def _set(monitor: PlainMonitor, qdev: str, limits: dict[str, int]) -> None:
    monitor.execute("block_set_io_throttle", {"id": qdev, **_NONE, **limits})
