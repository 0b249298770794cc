"""The key that a Windows CD waits for when it is booted by UEFI.

"Press any key to boot from CD or DVD" stands for some five seconds, in a graphics mode that
nobody can read as text. So Enter is pressed once a second until the guest reads its CD.
"""

from __future__ import annotations

import time

from kvmtui.errors import KvmtuiError
from kvmtui.manage.living import live_pid
from kvmtui.qemu.brief import brief_session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.definition import Definition
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.qemu.plain import PlainMonitor

_LIMIT_S = 30.0
_PAUSE_S = 1.0
_BOOTS_BYTES = 16 << 20
"""More of its CD than the firmware reads; the boot loader then reads some hundred MiB."""
_ENTER = {"keys": [{"type": "qcode", "data": "ret"}]}


def waits_for_key(definition: Definition) -> bool:
    """Whether the guest's CD boots only when a key is pressed."""
    return definition.os.startswith("win") and definition.boot_firmware() == "uefi"


def press_until_it_boots(
    folder: GuestFolder, *, limit_s: float = _LIMIT_S, boots_bytes: int = _BOOTS_BYTES
) -> bool:
    """Press Enter until the guest reads its CD; False where it did not, or ended."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if live_pid(folder, folder.start_record(), None) is None:
            return False
        try:
            with brief_session(folder, "kvmtui install") as monitor:
                if _read_bytes(monitor) >= boots_bytes:
                    return True
                monitor.execute("send-key", _ENTER)
        except KvmtuiError:
            # Others are at its monitors, or it is just ending.
            pass
        time.sleep(_PAUSE_S)
    return False


def _read_bytes(monitor: PlainMonitor) -> int:
    drives = monitor.execute("query-blockstats")
    return sum(
        int(drive["stats"]["rd_bytes"])
        for drive in drives
        if any(part.startswith("cdrom") for part in str(drive.get("qdev") or "").split("/"))
    )
