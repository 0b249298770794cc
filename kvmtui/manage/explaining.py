"""What it means when QEMU does not come up: its own line, or a clearer one where we know it."""

from __future__ import annotations

import contextlib
import os
import pwd

from kvmtui.errors import HostError, ImageError, KvmtuiError, LaunchError
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.guest.wants import Wants
from kvmtui.manage import choosing, hosting
from kvmtui.manage.clashes import user_of
from kvmtui.qemu.image_header import read_header
from kvmtui.text import visible

_BRIDGE_RULES = "/etc/qemu/bridge.conf"


def explained(
    library: Library, folder: GuestFolder, wants: Wants, error: LaunchError
) -> KvmtuiError:
    """The failure of a start, in words that say what to do."""
    text = error.message
    if "lock" in text and ("Failed to get" in text or "Is another process using" in text):
        return _disk_in_use(library, folder, wants, text)
    if "key-secret" in text or "keyslot" in text:
        return _no_passphrase(folder, wants, text)
    bridges = [name for kind, name in wants.interfaces if kind == "bridge"]
    found = _bridge_failure(library, folder, bridges[0], text) if bridges else None
    hint = f"kvmtui logs {folder.name} --qemu"
    if measured := choosing.warning(library, wants.arch, wants.accelerator):
        text = f"{text}; {measured}"
        hint = f"kvmtui set {folder.name} accelerator=auto"
    return found or LaunchError(f"{folder.name} did not start: {text}", hint=hint)


def _disk_in_use(library: Library, folder: GuestFolder, wants: Wants, text: str) -> ImageError:
    for file in wants.disks:
        path = folder.resolve(file)
        user = user_of(library, path)
        if user is not None:
            return ImageError(
                f"{folder.name} did not start: its disk {visible(path)} is in use "
                f"by {user[0]} (pid {user[1]})"
            )
    return ImageError(f"{folder.name} did not start: a disk is in use: {text}")


def _no_passphrase(folder: GuestFolder, wants: Wants, text: str) -> ImageError:
    """A disk that is encrypted: its passphrase is missing, or is another."""
    if "keyslot" in text:
        files = ", ".join(visible(file) for _, file in wants.secrets)
        return ImageError(
            f"{folder.name} did not start: the passphrase in {files} does not open its disk",
            hint="correct it; it must end without a newline",
        )
    named = {index for index, _ in wants.secrets}
    for index, file in enumerate(wants.disks):
        path = folder.resolve(file)
        with contextlib.suppress(ImageError):
            if index not in named and read_header(path).encrypted:
                return ImageError(
                    f"{folder.name} did not start: its disk {visible(path)} is encrypted, and "
                    "no passphrase is named",
                    hint=f"kvmtui set {folder.name} 'disks[{index}].secret=FILE'",
                )
    return ImageError(f"{folder.name} did not start: {text}")


def _bridge_failure(
    library: Library, folder: GuestFolder, bridge: str, text: str
) -> HostError | None:
    """What the words of ``qemu-bridge-helper`` mean; None for others."""
    begin = f"{folder.name} did not start: bridge {bridge}"
    refused = "acl file" in text
    if user := _user_of_qemu(library):
        if refused or "/dev/net/tun" in text or "failed to create tun device" in text:
            return _no_rights(folder, begin, bridge, user)
    elif refused:
        missing = "failed to parse" in text
        why = "is missing or cannot be read" if missing else "does not allow it"
        return HostError(
            f"{begin}: {_BRIDGE_RULES} {why}",
            hint=f"sudo mkdir -p /etc/qemu && echo allow {bridge} | sudo tee -a {_BRIDGE_RULES}",
        )
    if text.endswith("bridge helper failed"):
        return HostError(
            f"{begin}: QEMU's qemu-bridge-helper cannot be run",
            hint="install it (Debian: qemu-system-common)",
        )
    return None


def _no_rights(folder: GuestFolder, begin: str, bridge: str, user: str) -> HostError:
    """``-sandbox on`` sets no_new_privs, under which a setuid helper gets no rights (QEMU 7.2)."""
    tap = f"tap-{folder.name}"[:15]
    return HostError(
        f"{begin} takes root: QEMU's bridge helper has no rights as {user}, setuid or not",
        hint=f"sudo ip tuntap add {tap} mode tap user {user} && "
        f"sudo ip link set {tap} master {bridge} up, and a network of type tap",
    )


def _user_of_qemu(library: Library) -> str:
    """The plain user that QEMU is executed as; empty for root."""
    user = hosting.run_user(library)
    if user is not None:
        return user.name
    if os.geteuid() == 0:
        return ""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
