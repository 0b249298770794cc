"""QEMU's command line for a guest on this host: made from its definition, or remembered."""

from __future__ import annotations

import os
import stat

from kvmtui.errors import HostError
from kvmtui.guest.folder import EFI_VARS, read_definition_file
from kvmtui.guest.install_record import MEDIUM, read_install
from kvmtui.guest.wants import Wants, wants_of
from kvmtui.host import resources
from kvmtui.manage import hosting, memo
from kvmtui.manage.choosing import Choice, choose
from kvmtui.qemu.binary import identity_of
from kvmtui.qemu.layout import DiskPlace, FirmwarePlace, Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.definition import Definition
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library


class CommandLine:
    """A guest's command line while its start is prepared.

    The definition is read and checked only where nothing is remembered of its very bytes.

    Attributes:
        wants: What the definition asks of the host.

    Raises:
        DefinitionError: It is not valid.
    """

    def __init__(self, library: Library, folder: GuestFolder) -> None:
        self._library = library
        self._folder = folder
        self._bytes = read_definition_file(folder)
        self._memo = memo.recall(library, folder.name, self._bytes)
        self.wants: Wants = (
            self._memo.wants if self._memo else wants_of(self._definition(), folder.name)
        )

    def _definition(self) -> Definition:
        from kvmtui.manage.definitions import checked

        return checked(self._folder, self._bytes)

    def built(self) -> tuple[list[str], Choice]:
        """The command line, and the accelerator it goes with.

        Raises:
            HostError: QEMU or its firmware is missing, or lacks a device.
            DefinitionError: The definition asks for what its machine has no place for.
        """
        library, wants = self._library, self.wants
        choice = choose(library, wants.arch, wants.accelerator)
        layout = lay_out(self._folder, wants, choice)
        path = hosting.emulator_for(wants.arch)
        emulator = f"{path}={identity_of(path)}"
        argv = self._memo.argv(emulator, layout) if self._memo else None
        if argv is None:
            argv = build_line(library, self._definition(), layout)
            found = (wants, emulator, layout, argv)
            memo.keep(library, self._folder.name, self._bytes, found)
        return argv, choice


def build_line(library: Library, definition: Definition, layout: Layout) -> list[str]:
    """The command line, made anew.

    Raises:
        HostError, DefinitionError: As `CommandLine.built`.
    """
    from kvmtui.qemu.command import build

    return build(definition, hosting.capabilities_for(library, definition.arch), layout)


def command_line(library: Library, folder: GuestFolder, definition: Definition) -> list[str]:
    """The command line of a definition on this host, made anew.

    Raises:
        HostError, DefinitionError: As `CommandLine.built`.
    """
    choice = choose(library, definition.arch, definition.accelerator)
    layout = lay_out(folder, wants_of(definition, folder.name), choice)
    return build_line(library, definition, layout)


def lay_out(folder: GuestFolder, wants: Wants, choice: Choice) -> Layout:
    """Where a guest's things lie on this host now, and what can be done with them.

    Raises:
        HostError: Its firmware is missing.
    """
    install = read_install(folder)
    installs = install is not None and install.stage == MEDIUM
    # Once a kernel has installed the guest it is no longer booted, also where it is still named.
    own = install is None or installs or not install.kernel
    return Layout(
        name=folder.name,
        folder=folder.place,
        accelerator=choice.accelerator,
        cpu=choice.cpu,
        disks=tuple(_disk_place(folder.resolve(file)) for file in wants.disks),
        cdroms=tuple(folder.resolve(file) if file else None for file in wants.cdroms),
        kernel=folder.resolve(wants.kernel) if wants.kernel and own else None,
        initrd=folder.resolve(wants.initrd) if wants.initrd and own else None,
        firmware=_firmware(folder, wants) if wants.uefi else None,
        installs=installs,
    )


def _disk_place(path: str) -> DiskPlace:
    try:
        block_device = stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        block_device = False
    return DiskPlace(path, resources.opens_direct(path), block_device)


def _firmware(folder: GuestFolder, wants: Wants) -> FirmwarePlace:
    from kvmtui.host.firmware import find_uefi

    found = find_uefi(wants.arch, secure=wants.secure_boot)
    if not found.template:
        if wants.kernel:
            raise HostError(
                f"{folder.name}: U-Boot, the UEFI firmware here, boots no kernel given to it",
                hint=f"kvmtui set {folder.name} firmware=bios",
            )
        return FirmwarePlace(found.code, found.code_format, "", "")
    return FirmwarePlace(found.code, found.code_format, folder.at(EFI_VARS), "qcow2")
