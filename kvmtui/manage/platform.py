"""What a guest has of a modern PC besides QEMU: UEFI variables, Secure Boot's keys, its TPM."""

from __future__ import annotations

import contextlib

from kvmtui.durable import give_to_owner_of, reading
from kvmtui.errors import HostError, LaunchError, StateError
from kvmtui.guest.folder import EFI_VARS, RUN, TPM
from kvmtui.host.firmware import find_uefi
from kvmtui.qemu import tpm
from kvmtui.qemu.scope import scope_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.wants import Wants
    from kvmtui.qemu.launch import Launch

_PLATFORM_KEY = "PK\0".encode("utf-16-le")
"""The name of the variable without which Secure Boot lets all through."""
_MOST_VARIABLES_BYTES = 16 << 20


def ensure_firmware_variables(folder: GuestFolder, wants: Wants) -> None:
    """Make the guest's own UEFI variables from the template, once.

    Raises:
        HostError: The firmware or qemu-img is missing.
        StateError: Its variables have no keys, and Secure Boot is asked for.
    """
    target = folder.path / EFI_VARS
    if target.exists():
        if wants.secure_boot:
            _check_keys(folder)
        return
    found = find_uefi(wants.arch, secure=wants.secure_boot)
    if not found.template:
        return
    from kvmtui.manage.starting import image_tools
    from kvmtui.qemu import image

    with image_tools():
        image.convert_to_qcow2(found.template, found.template_format, target)
    give_to_owner_of(folder.path, target)


def _check_keys(folder: GuestFolder) -> None:
    """Refuse variables that were made without keys: all would be booted.

    qcow2 keeps them as they are, in clusters; they are small.
    """
    with reading(folder.at(EFI_VARS)) as file:
        found = _PLATFORM_KEY in file.read(_MOST_VARIABLES_BYTES)
    if not found:
        raise StateError(
            f"{folder.name}: its {EFI_VARS} was made without Secure Boot and has no keys",
            hint=f"rm {folder.at(EFI_VARS)} (the next start makes it anew)",
        )


def check_tpm() -> None:
    """Refuse a guest with a TPM where swtpm is missing.

    Raises:
        HostError: With the package.
    """
    try:
        tpm.find_swtpm()
    except HostError as error:
        from kvmtui.host.packages import install_hint

        raise HostError(error.message, hint=install_hint("swtpm")) from None


def end_left_over(folder: GuestFolder) -> None:
    """End the swtpm of a run that is over: it may just be leaving, or QEMU never came to it.

    Raises:
        LaunchError: It does not end.
    """
    tpm.end_tpm(folder.at(RUN))


@contextlib.contextmanager
def tpm_beside(folder: GuestFolder, request: Launch) -> Iterator[None]:
    """The guest's TPM for the QEMU that is started inside; it ends where that fails.

    Raises:
        HostError, LaunchError: swtpm is missing, or does not start.
    """
    scope = scope_name(f"{folder.name}-tpm") if request.scope else None
    beside = tpm.Tpm(request.run, folder.at(TPM), request.user, scope, request.ended_by)
    tpm.make_state(beside)
    tpm.start_tpm(beside)
    try:
        yield
    except LaunchError as error:
        said = tpm.last_words(request.run)
        tpm.end_tpm(request.run, leaving_s=0.0)
        if said and "tpm" in error.message:
            raise LaunchError(f"{error.message}; swtpm: {said}", hint=error.hint) from None
        raise
    except BaseException:
        tpm.end_tpm(request.run, leaving_s=0.0)
        raise
