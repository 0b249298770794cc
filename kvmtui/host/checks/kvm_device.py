"""What an errno of /dev/kvm means, and what lets QEMU in."""

from __future__ import annotations

import errno
import os

from kvmtui.host.facts import Facts, Person, read_or
from kvmtui.host.processor import container, is_x86, read_processor
from kvmtui.host.remedies import (
    Remedy,
    join_group,
    load_module,
    restore_device_rule,
    system_of,
)

_DEVICE = "/dev/kvm"
_GROUP_MAY = 0o060


def advise_on_device(facts: Facts, code: int, person: Person) -> tuple[str, Remedy]:
    """The evidence in words, and the remedy.

    Args:
        code: The errno of opening it.
        person: The user that could not open it.
    """
    engine = container(facts)
    if code == errno.ENOENT:
        return f"{_DEVICE} is missing", _give_device(facts, engine)
    if code == errno.EPERM:
        who = engine or "a control group"
        return f"{_DEVICE} is closed by {who} (EPERM)", Remedy(_into_container(engine))
    if code == errno.EACCES:
        return _denied(facts, person)
    if code in (errno.ENODEV, errno.ENXIO):
        name = errno.errorcode[code]
        told = f"{_DEVICE} is there, but no driver behind it ({name})"
        return told, _give_device(facts, engine)
    if code == errno.EBUSY:
        told = "another hypervisor holds the processor (EBUSY)"
        return told, Remedy("end it: VirtualBox (vboxdrv), VMware (vmmon) or another")
    return f"{_DEVICE}: {os.strerror(code)}", Remedy(f"look at: ls -l {_DEVICE}; dmesg")


def _into_container(engine: str | None) -> str:
    command = engine if engine in ("docker", "podman") else "the container"
    return f"start {command} with --device {_DEVICE}"


def _give_device(facts: Facts, engine: str | None) -> Remedy:
    if engine:
        return Remedy(_into_container(engine))
    if not is_x86(facts):
        return Remedy("boot a kernel that is built with KVM")
    processor = read_processor(facts)
    if not processor.virtualization:
        return Remedy("repair cpu-flag first: without it there is no such device")
    return load_module(system_of(facts), processor.module)


def _denied(facts: Facts, person: Person) -> tuple[str, Remedy]:
    """EACCES: a session too old, a device that is root's alone, or a user not in its group."""
    system = system_of(facts)
    logs_in = facts.asked.run_as is None
    mode = facts.mode(_DEVICE)
    told = f"{person.name} may not open {_DEVICE} (EACCES, mode {mode.mode & 0o777:04o})"
    groups = _group_names(facts)
    owner = groups.get(str(mode.gid), str(mode.gid))
    if mode.gid == 0 or mode.mode & _GROUP_MAY != _GROUP_MAY:
        told += f": it is closed to the group {owner}"
        if facts.which("udevadm"):
            rule = restore_device_rule(system)
            if "kvm" in person.listed:
                return told, rule
            join = join_group(system, person.name, logs_in=logs_in)
            return told, Remedy(f"{rule.text} && {join.text}", rule.steps + join.steps)
        command = f"{system.sudo}chgrp kvm {_DEVICE} && {system.sudo}chmod 0660 {_DEVICE}"
        return told, Remedy(command)
    if owner in person.listed and owner not in person.groups:
        told += f": {person.name} is in the group {owner}, this session is older than that"
        remedy = f"log in again (and end an old tmux or screen server), or: sg {owner} -c kvmtui"
        return told, Remedy(remedy)
    return f"{told}: not in the group {owner}", join_group(system, person.name, logs_in=logs_in)


def _group_names(facts: Facts) -> dict[str, str]:
    """Names of groups by their numbers, of /etc/group, which has those without members too."""
    lines = [line.split(":") for line in read_or(facts, "/etc/group").splitlines()]
    return {parts[2]: parts[0] for parts in lines if len(parts) > 2}
