"""What becomes of a new guest's form: what is made, what happens then, the command line.

The command line is the one that the guest will be started with: built by the same pure
function, of what `create` is going to write down.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.errors import HostError, KvmtuiError, as_told
from kvmtui.guest.definition import Definition
from kvmtui.guest.folder import EFI_VARS, INSTALL_INITRD, INSTALL_KERNEL, RUN, SEED, GuestFolder
from kvmtui.guest.laying import written_size
from kvmtui.guest.library import Library
from kvmtui.guest.wants import wants_of
from kvmtui.host import resources
from kvmtui.manage import choosing, command_lines, hosting
from kvmtui.manage.install_draft import Draft, makes_answers
from kvmtui.manage.install_login import Wishes
from kvmtui.manage.install_plan import Plan
from kvmtui.manage.seeding import says_login
from kvmtui.qemu.binary import host_architecture
from kvmtui.qemu.command import versioned_machine
from kvmtui.stats.host import nearest_folder
from kvmtui.text import visible


class Summary(NamedTuple):
    """What is going to be."""

    title: str
    """The guest and its system, in one line."""
    facts: tuple[str, ...]
    """What it has, a line each."""
    folder: str
    files: tuple[tuple[str, str], ...]
    """What its folder gets: a name and what that is."""
    steps: tuple[str, ...]
    """What happens, one after the other."""
    argv: tuple[str, ...]
    """QEMU's command line; empty where it cannot be built."""
    fault: str
    """Why it cannot; empty where it can."""
    line: str
    """The command line as one types it."""


NOTHING = Summary("", (), "", (), (), (), "", "")


def summary(
    library: Library, draft: Draft, plan: Plan, wished: Wishes, edited: Sequence[str] = ()
) -> Summary:
    """What the fields come to.

    Args:
        edited: The files of its seed that a person edited.
    """
    if plan.definition is None:
        first = next(iter(plan.problems.values()), "it cannot be made so")
        return NOTHING._replace(fault=first)
    definition = plan.definition
    folder = library.place(plan.name) if _is_name(library, plan.name) else None
    if folder is None:
        return NOTHING._replace(fault="the name cannot be a guest's")
    argv: list[str] = []
    fault, choice = "", None
    try:
        choice = _choice(library, definition)
        argv = _command_line(library, folder, definition, choice, installs=draft.source == "iso")
    except (KvmtuiError, OSError) as error:
        fault = as_told("", error).message
    return Summary(
        title=_title(draft, plan.name),
        facts=(*_facts(definition, choice), *_login_facts(draft, wished, edited)),
        folder=f"guests/{plan.name}/",
        files=_files(draft, definition, edited),
        steps=_steps(draft, definition, choice, edited),
        argv=tuple(argv),
        fault=fault,
        line=f"cd {shlex.quote(folder.at(RUN))} && {shlex.join(argv)}" if argv else "",
    )


def _is_name(library: Library, name: str) -> bool:
    try:
        library.place(name)
    except KvmtuiError:
        return False
    return True


def _choice(library: Library, definition: Definition) -> choosing.Choice:
    """Under what it will run; never waits for a measurement.

    Raises:
        HostError: It is not measured yet, or QEMU is missing.
    """
    auto = definition.accelerator == "auto" and definition.arch == host_architecture()
    if auto and hosting.kept_verdict(library) is None:
        raise HostError("how guests run here is being measured")
    return choosing.choose(library, definition.arch, definition.accelerator)


def _command_line(
    library: Library,
    folder: GuestFolder,
    definition: Definition,
    choice: choosing.Choice,
    *,
    installs: bool,
) -> list[str]:
    """The line of the first start, before there is anything of the guest."""
    from msgspec.structs import replace

    capabilities = hosting.capabilities_for(library, definition.arch)
    settled = replace(
        definition,
        machine=versioned_machine(definition, capabilities),
        disks=[replace(disk, format=disk.image_format()) for disk in definition.disks],
    )
    layout = command_lines.lay_out(folder, wants_of(settled, folder.name), choice)
    direct = resources.folder_opens_direct(nearest_folder(library.at("guests")))
    disks = tuple(
        place._replace(direct=direct)
        if disk.size is not None and not _is_there(place.path)
        else place
        for disk, place in zip(settled.disks, layout.disks, strict=True)
    )
    return command_lines.build_line(
        library, settled, layout._replace(disks=disks, installs=installs)
    )


def _is_there(path: str) -> bool:
    return os.path.exists(path)


def _title(draft: Draft, name: str) -> str:
    if draft.source == "iso" and draft.medium is not None:
        return f"{name} from {visible(os.path.basename(draft.medium.path), limit=60)}"
    if draft.cloud is not None:
        return f"{name} from {visible(draft.cloud.image.name, limit=60)}"
    if draft.profile is not None and draft.values["os"]:
        return f"{name}, {draft.profile.name}"
    return name


def _facts(definition: Definition, choice: choosing.Choice | None) -> tuple[str, ...]:
    disks = [
        f"disk {written_size(int(disk.size))}"
        if disk.size is not None
        else f"disk {visible(os.path.basename(disk.file), limit=40)}"
        for disk in definition.disks
    ]
    parts = [f"{definition.cpus} vCPU", written_size(int(definition.memory)), *disks]
    parts += [network.bridge or network.tap or "user network" for network in definition.networks]
    parts.append(definition.boot_firmware().upper())
    if choice is not None:
        when = f" (measured {choice.time[:10]})" if choice.time else ""
        parts.append(f"{choice.accelerator}{when}")
    return (", ".join(parts),)


def _login_facts(draft: Draft, wished: Wishes, edited: Sequence[str]) -> tuple[str, ...]:
    """Who can log in, and how; of an edited file only its reader knows."""
    if not makes_answers(draft.values):
        return ()
    told = f"as edited: {', '.join(visible(name, limit=60) for name in edited)}"
    if says_login(edited):
        return (told,)
    login = wished.login
    keys = [key.split(None, 2) for key in login.ssh_keys]
    named = [" ".join([key[0].removeprefix("ssh-"), *key[2:]]) for key in keys]
    parts = [f"user {login.user}" if login.user else "the image's own user"]
    parts[0] += f" with key {visible(named[0], limit=60)}" if named else " without a key"
    parts[0] += f" +{len(named) - 1}" if len(named) > 1 else ""
    parts.append("a password" if login.password_hash is not None else "no password")
    return (", ".join([*parts, *login.packages]), *((told,) if edited else ()))


def _files(
    draft: Draft, definition: Definition, edited: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    files = [("guest.yaml", "definition")]
    for disk in definition.disks:
        if disk.size is not None and not disk.file.startswith("/"):
            over = " over the image" if draft.source == "cloud" else ""
            files.append((visible(disk.file, limit=20), f"{written_size(int(disk.size))}{over}"))
    if definition.boot_firmware() == "uefi":
        files.append((EFI_VARS, "UEFI variables"))
    if makes_answers(draft.values):
        name = visible(edited[0], limit=60) if edited else ""
        words = f"{name} edited" if len(edited) == 1 else f"{len(edited)} files edited"
        files.append((SEED, words if edited else "user, key, host name"))
    if definition.kernel == INSTALL_KERNEL:
        files += [(INSTALL_KERNEL, "of the ISO"), (INSTALL_INITRD, "until it is installed")]
    return tuple(files)


def _steps(
    draft: Draft,
    definition: Definition,
    choice: choosing.Choice | None,
    edited: Sequence[str],
) -> tuple[str, ...]:
    made = "overlay made" if draft.source == "cloud" else "disk made, empty"
    steps = []
    if draft.cloud is not None and draft.cloud.here is None:
        steps.append("image fetched, its checksum compared")
    steps += [made] if any(disk.size is not None for disk in definition.disks) else []
    runs = f"started with {choice.accelerator}" if choice is not None else "started"
    if choice is not None and choice.time:
        runs += f", measured {choice.time[:10]}"
    steps.append(runs)
    steps += {
        "cloud": ["first boot sets user and key", "ready when ssh answers"]
        if not says_login(edited)
        else ["first boot does what you edited"],
        "iso": [
            *_from_medium(draft, definition),
            "its restart ends that: it boots from its disk, the ISO taken out",
        ],
        "disk": ["boots from the disk as it is"],
        "network": ["boots from the network, as the disk is empty"],
        "kernel": ["boots the kernel"],
        "empty": ["nothing to boot from yet: put a CD in later"],
    }[draft.source]
    return tuple(steps)


def _from_medium(draft: Draft, definition: Definition) -> tuple[str, str]:
    """How the installation begins, and who answers."""
    boots = "boots from the ISO"
    if not makes_answers(draft.values):
        return boots, "you install by hand, on its screen (v)"
    if definition.kernel == INSTALL_KERNEL:
        boots = "boots the ISO's own kernel"
    return boots, "the installer has its answers: nobody is asked"
