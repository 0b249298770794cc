"""UEFI firmware by the descriptors that distributions ship (QEMU's firmware.json)."""

from __future__ import annotations

import json
import os

from kvmtui.durable import read_small
from kvmtui.errors import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from kvmtui.light import NamedTuple

FOLDERS = ("/usr/share/qemu/firmware", "/etc/qemu/firmware")
FALLBACKS = {
    "x86_64": (
        ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
        ("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
    ),
    "aarch64": (("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),),
    "riscv64": (
        (
            "/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd",
            "/usr/share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd",
        ),
    ),
}
U_BOOT = {
    "riscv64": (
        "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin",
        "/usr/share/uboot/qemu-riscv64_smode/u-boot.bin",
    ),
}
"""U-Boot, which boots what UEFI does and keeps no variables, where there is no edk2."""
SECURE = {
    "x86_64": (
        ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
        (
            "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd",
            "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd",
        ),
        (
            "/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin",
            "/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin",
        ),
    ),
    "aarch64": (("/usr/share/AAVMF/AAVMF_CODE.ms.fd", "/usr/share/AAVMF/AAVMF_VARS.ms.fd"),),
}
"""Builds with Secure Boot whose variables have the keys; Arch Linux ships none."""
_NEEDED_FOR_SECURE = {"secure-boot", "enrolled-keys"}
UNWANTED = {"requires-smm", "enrolled-keys", "amd-sev", "amd-sev-es", "intel-tdx"}
"""Features of builds that a plain machine does not boot with."""


class Firmware(NamedTuple):
    """One UEFI build: its code, and the template of a guest's variables.

    U-Boot has no template: all of it is the code.
    """

    code: str
    code_format: str
    template: str
    template_format: str


def find_uefi(arch: str, folders: tuple[str, ...] = FOLDERS, *, secure: bool = False) -> Firmware:
    """The first UEFI firmware for an architecture: plain, with neither SMM nor enrolled keys.

    Descriptors are read in the order of their names; one of the same name in a later
    folder masks the earlier.

    Args:
        secure: Take one with Secure Boot and enrolled keys instead.

    Raises:
        HostError: None is installed.
    """
    descriptors: dict[str, str] = {}
    for folder in filter(os.path.isdir, folders):
        for name in os.listdir(folder):
            if name.endswith(".json"):
                descriptors[name] = f"{folder}/{name}"
    for name in sorted(descriptors):
        found = _from_descriptor(descriptors[name], arch, secure)
        if found is not None:
            return found
    for code, template in (SECURE if secure else FALLBACKS).get(arch, ()):
        if os.path.isfile(code) and os.path.isfile(template):
            return Firmware(code, "raw", template, "raw")
    for code in filter(os.path.isfile, () if secure else U_BOOT.get(arch, ())):
        return Firmware(code, "raw", "", "")
    from kvmtui.host.packages import install_hint

    if secure:
        raise HostError(
            f"UEFI firmware for {arch} with Secure Boot and its keys is not installed",
            hint=install_hint(f"uefi-{arch}"),
        )

    raise HostError(f"UEFI firmware for {arch} is not installed", hint=install_hint(f"uefi-{arch}"))


def _from_descriptor(path: str, arch: str, secure: bool) -> Firmware | None:
    try:
        value: Any = json.loads(read_small(path) or b"{}")
        targets = [target["architecture"] for target in value["targets"]]
        if "uefi" not in value["interface-types"] or arch not in targets:
            return None
        features = set(value.get("features", []))
        if not (features >= _NEEDED_FOR_SECURE if secure else not UNWANTED & features):
            return None
        mapping = value["mapping"]
        code, template = mapping["executable"], mapping["nvram-template"]
        firmware = Firmware(
            code["filename"], code["format"], template["filename"], template["format"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    there = os.path.isfile(firmware.code) and os.path.isfile(firmware.template)
    return firmware if there else None
