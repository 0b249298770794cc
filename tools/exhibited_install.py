"""The form of a new guest as pictures of it show it: a cloud image that is here."""

from __future__ import annotations

from typing import NoReturn

from kvmtui.guest.library import Library
from kvmtui.manage.forms import FormField
from kvmtui.manage.install_door import InstallDoor
from kvmtui.manage.install_fields import SOURCES, conditions, described, specs
from kvmtui.manage.install_form import InstallForm
from kvmtui.manage.install_summary import Summary

_VALUES = {
    "source": "cloud",
    "image": "debian-13",
    "os": "debian13",
    "name": "debian-13-a",
    "memory": "2G",
    "cpus": "2",
    "disk": "20G",
    "network": "user",
    "firmware": "uefi",
    "host_name": "debian-13-a",
    "user": "anna",
    "ssh_key": "~/.ssh/id_ed25519.pub",
    "password": "",
    "packages": "qemu-guest-agent",
    "answers": "none",
    "more": "no",
    "expert": "no",
    "summary": "no",
}
_LABELS = {
    "image": {"debian-13": "Debian 13 (trixie), amd64, 2026-11-10"},
    "os": {"debian13": "Debian 13"},
    "password": {"": "none: key only"},
    "network": {"user": "user"},
    "ssh_key": {"~/.ssh/id_ed25519.pub": "~/.ssh/id_ed25519.pub"},
}
_SAID = {
    "image": "here already, checksum right",
    "os": "recognised",
    "name": "free",
    "memory": "23G of 64G free, least 512M",
    "cpus": "host has 16, 61 promised",
    "disk": "thin; 312G left on /srv",
    "network": "address by DHCP; NAT in QEMU",
    "ssh_key": "anna@laptop",
    "packages": "agent: address, clean freeze",
}
_NOTES = {
    "more": "1 disk, 1 CD-ROM, 1 network, no forwards",
    "expert": "20 fields, none differs from the profile Debian 13",
    "summary": "debian-13-a",
}
_ARGV = (
    *("/usr/bin/qemu-system-x86_64", "-name", "guest=debian-13-a,debug-threads=on"),
    *("-uuid", "6f1d1c0e-52a4-4e0b-9b0e-7742aa30d1c5", "-nodefaults", "-daemonize"),
    *("-sandbox", "on,obsolete=deny,resourcecontrol=deny"),
    *("-machine", "pc-q35-9.2,memory-backend=ram0", "-accel", "kvm", "-cpu", "host"),
    *("-smp", "2,sockets=1,cores=2,threads=1", "-m", "size=2097152k"),
    *("-blockdev", '{"driver":"qcow2","node-name":"disk0","discard":"unmap"}'),
    *("-netdev", '{"type":"user","id":"net0"}'),
)
_SUMMARY = Summary(
    title="debian-13-a, Debian 13",
    facts=("2 vCPU, 2G, disk 20G, user, UEFI, kvm (measured 2026-11-24)",),
    folder="guests/debian-13-a/",
    files=(
        ("guest.yaml", "definition"),
        ("disk0.qcow2", "20G over the image"),
        ("efivars.qcow2", "UEFI variables"),
        ("seed.iso", "user, key, host name"),
    ),
    steps=(
        "overlay made",
        "started with kvm, measured 2026-11-24",
        "first boot sets user and key",
        "ready when ssh answers",
    ),
    argv=_ARGV,
    fault="",
    line="",
)


def _no_catalog() -> NoReturn:
    raise LookupError("there is no catalogue in a picture")


class ExhibitedInstalls(InstallDoor):
    """A door to a form that is in this file only."""

    def __init__(self, library: Library) -> None:
        super().__init__(library, lambda: 61, _no_catalog)

    async def look(self, given: dict[str, str], edits: object = None) -> InstallForm:
        """The same form, whatever is given."""
        fields = []
        for spec in specs():
            known, labels = described(spec.id), _LABELS.get(spec.id, {})
            choices = tuple(labels) or (known.choices if known is not None else ())
            if spec.id == "source":
                choices, labels = tuple(SOURCES), {str(key): word for key, word in SOURCES.items()}
            names = tuple(labels.values())
            if spec.id == "firmware":
                names = ("BIOS", "UEFI")
            fields.append(
                FormField(
                    spec.id,
                    spec.label,
                    spec.kind or (known.kind if known is not None else "text"),
                    _VALUES.get(spec.id, choices[0] if choices else ""),
                    choices,
                    spec.help,
                    section=spec.section,
                    labels=names,
                    when=conditions(spec),
                    short=spec.short,
                    note=_NOTES.get(spec.id, ""),
                )
            )
        said = {key: ("fine", text) for key, text in _SAID.items()}
        return InstallForm(False, tuple(fields), said, _SUMMARY, has_answers=True)
