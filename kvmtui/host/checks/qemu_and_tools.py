"""Checks of QEMU, its tools, firmware and helpers."""

from __future__ import annotations

import json
import re

from kvmtui.host import firmware
from kvmtui.host.checks import Finding, check, fail, ok, warn
from kvmtui.host.facts import Facts, is_there, names_or_none, read_or
from kvmtui.host.packages import package_of
from kvmtui.host.remedies import Remedy, install, newer_qemu, system_of

_HELPERS = {"swtpm": "a TPM", "passt": "networks without privilege", "virtiofsd": "shared folders"}
_HELPER_FOLDERS = ("/usr/libexec", "/usr/lib/qemu", "/usr/lib")


def _architecture(facts: Facts) -> str:
    return facts.machine()[0]


@check("qemu", "QEMU", reads="PATH, /usr/libexec, qemu --version")
def qemu(facts: Facts) -> Finding:
    """Every guest is a QEMU process. Distributions name it qemu-system-ARCH or qemu-kvm;
    on RHEL it lies in /usr/libexec, outside of PATH."""
    asked = facts.asked
    path = next((found for name in asked.emulators if (found := facts.which(name))), None)
    system = system_of(facts)
    if path is None:
        names = ", ".join(asked.emulators)
        remedy = install(system, f"qemu-{_architecture(facts)}", "qemu-img")
        return fail(f"not installed: none of {names} was found", remedy)
    told = facts.run(path, "--version")
    version = re.search(r"version (\d+)\.(\d+)(?:\.(\d+))?", told.text)
    if told.status != 0 or version is None:
        line = (told.text.splitlines() or [f"status {told.status}"])[0]
        remedy = install(system, f"qemu-{_architecture(facts)}")
        return fail(f"{path} does not run: {line}", remedy, path=path)
    number = tuple(int(part or 0) for part in version.groups())
    text = ".".join(map(str, number))
    oldest = ".".join(map(str, asked.oldest))
    if number < asked.oldest:
        detail = f"{path} is {text}: {oldest} is the oldest that is driven"
        remedy = newer_qemu(system, facts, f"qemu-{_architecture(facts)}")
        return fail(detail, remedy, path=path, version=text)
    return ok(f"{text} ({path})", path=path, version=text)


@check("emulators", "Other machines", reads="PATH")
def emulators(facts: Facts) -> Finding:
    """A guest of another architecture than the host's is emulated, by a QEMU of that
    architecture. Where none is to be run, none is needed."""
    own, family = _architecture(facts), system_of(facts).family
    there, lacking = [], []
    for arch in firmware.FALLBACKS:
        if arch == own:
            continue
        if facts.which(f"qemu-system-{arch}"):
            there.append(arch)
        else:
            package = f"qemu-{arch}"
            lacking.append(f"{arch} ({package_of(package, family) if family else package})")
    parts = ["there: " + ", ".join(there)] if there else []
    if lacking:
        parts.append("only for guests of that kind: " + ", ".join(lacking))
    return ok("; ".join(parts), emulated=there)


@check("qemu-img", "qemu-img", reads="PATH")
def qemu_img(facts: Facts) -> Finding:
    """Makes, converts and checks disk images. Guests with images that exist start without."""
    path = facts.which("qemu-img")
    if path:
        return ok(path, path=path)
    remedy = install(system_of(facts), "qemu-img")
    return warn("not installed: no disk image can be made", remedy)


@check("ovmf", "UEFI firmware", reads="/usr/share/qemu/firmware, /etc/qemu/firmware")
def ovmf(facts: Facts) -> Finding:
    """What a guest boots that is to be UEFI: the build of edk2 for its architecture. Firmware
    comes with descriptors that say for which machines it is. A guest with a BIOS needs none."""
    architecture = _architecture(facts)
    found = _described(facts, architecture)
    if found is None:
        pairs = firmware.FALLBACKS.get(architecture, ())
        both = (pair for pair in pairs if all(is_there(facts, path) for path in pair))
        found = next((code for code, _ in both), None)
    if found:
        return ok(found, path=found)
    remedy = (
        install(system_of(facts), f"uefi-{architecture}")
        if architecture in firmware.FALLBACKS
        else Remedy(f"install UEFI firmware for {architecture}")
    )
    return warn(f"not installed for {architecture}: guests can only have a BIOS", remedy)


def _described(facts: Facts, architecture: str) -> str | None:
    """The first firmware that a descriptor has for this architecture and that is there."""
    descriptors: dict[str, str] = {}
    for folder in firmware.FOLDERS:
        for name in names_or_none(facts, folder):
            descriptors[name] = f"{folder}/{name}"
    for name in sorted(descriptors):
        try:
            value = json.loads(read_or(facts, descriptors[name]) or "{}")
            targets = [target["architecture"] for target in value["targets"]]
            code = value["mapping"]["executable"]["filename"]
            fits = "uefi" in value["interface-types"] and architecture in targets
            fits = fits and not firmware.UNWANTED & set(value.get("features", []))
        except (ValueError, KeyError, TypeError):
            continue
        if fits and isinstance(code, str) and is_there(facts, code):
            return code
    return None


@check("helpers", "Helpers of QEMU", reads="PATH, /usr/libexec, /usr/lib/qemu")
def helpers(facts: Facts) -> Finding:
    """Programs that run beside QEMU for single devices: swtpm is a guest's TPM, passt a
    network without privilege, virtiofsd shares a folder. A guest without such a device
    needs none of them."""
    there = {name: _helper(facts, name) for name in _HELPERS}
    found = [name for name, path in there.items() if path]
    lacking = [f"{name} ({_HELPERS[name]})" for name, path in there.items() if not path]
    parts = ["there: " + ", ".join(found)] if found else []
    if lacking:
        parts.append("only for guests that use it: " + ", ".join(lacking))
    return ok("; ".join(parts), **there)


def _helper(facts: Facts, name: str) -> str | None:
    places = (f"{folder}/{name}" for folder in _HELPER_FOLDERS)
    return facts.which(name) or next((path for path in places if is_there(facts, path)), None)
