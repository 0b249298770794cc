"""Installations without questions: answers on a CD, and given to the installer's own kernel."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import NamedTuple

from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest import boot_files
from kvmtui.guest.answers import Answers, Target, kernel_line
from kvmtui.guest.boot_files import BootFiles
from kvmtui.guest.definition import Definition, Plain
from kvmtui.guest.first_login import FirstLogin, check
from kvmtui.guest.folder import INSTALL_INITRD, INSTALL_KERNEL, SEED
from kvmtui.manage import creating, profiles
from kvmtui.manage.creating import Writer
from kvmtui.manage.seeding import says_login, with_seed
from kvmtui.qemu.iso import read_media
from kvmtui.text import visible

_MUST = ("preseed", "autoinstall")
"""Kinds whose installer reads its answers only where its kernel is told so."""


class Unattended(NamedTuple):
    """A definition that is installed without questions, and what its folder has for that."""

    plain: Plain
    """Its profile is laid under it."""
    files: Mapping[str, bytes | Writer]
    notes: list[str]
    answers: Answers
    """What the seed holds."""


class Boot(NamedTuple):
    """The installer's own kernel, for the guest's first boot."""

    iso: str
    """The medium that it is on; empty where the definition names it."""
    files: BootFiles
    label: str
    """The medium's."""


def unattended(
    name: str, plain: Plain, wants: FirstLogin, own: Mapping[str, bytes] | None = None
) -> Unattended:
    """Let the guest's installer have its answers.

    Args:
        plain: The definition; its first CD, or its kernel, is what it is installed from, its
            ``os`` says how that is answered. An ``append`` without a kernel goes to the
            medium's own.
        own: A person's own files, in the place of those that would be made.

    Raises:
        UsageError: It is not known how that system is answered, or one's own file has no place.
        ImageError: The CD lacks the kernel that has to be booted.
        DefinitionError: A wish is not valid.
    """
    check(wants)
    line = plain.get("append")
    if not plain.get("kernel"):
        plain = {key: value for key, value in plain.items() if key != "append"}
    plain, notes = profiles.laid_under(creating.prepare(plain))
    kind = kind_of(name, plain)
    boot = boot_of(plain, kind)
    if boot is None and line:
        plain["append"] = line
    label = boot.label if boot is not None else _label(_iso(plain))
    seeded = with_seed(name, plain, wants, kind=kind, more={"medium": label}, own=own)
    made, files = seeded.plain, dict[str, bytes | Writer](seeded.files)
    if boot is not None:
        extra = seeded.answers.initrd_extra or b""
        made |= _words(boot, seeded.answers.kernel_append, line, extra)
        files |= _writers(boot, extra)
    unsaid = says_login(own or ()) or kind == "autounattend"
    if not unsaid and not (wants.ssh_keys or wants.password_hash):
        notes = [*notes, "neither key nor password: nobody could log in"]
    return Unattended(made, files, [*notes, *seeded.answers.notes], seeded.answers)


def kind_of(name: str, plain: Plain) -> str:
    """The kind of answer file of a definition's system.

    Raises:
        UsageError: There is none.
    """
    os_id = plain.get("os")
    profile = profiles.profiles().find(os_id) if isinstance(os_id, str) else None
    if profile is not None and profile.unattended != "none":
        return profile.unattended
    what = visible(os_id, limit=60) if isinstance(os_id, str) and os_id else "this medium"
    raise UsageError(
        f"{name}: it is not known how {what} is installed without questions",
        hint="--by-hand" if what == os_id else "name its system, such as --os debian12",
    )


def boot_of(plain: Plain, kind: str) -> Boot | None:
    """The kernel that is booted directly; None where the medium boots as it is.

    Raises:
        ImageError: The medium lacks it, or cannot be read.
        StateError: There is no medium, or Secure Boot does not let it be booted.
    """
    iso = _iso(plain)
    if plain.get("kernel"):
        files = BootFiles(str(plain["kernel"]), str(plain.get("initrd") or ""))
        if kind == "preseed" and not files.initrd:
            raise StateError("the answers go into an initrd", hint="--initrd FILE")
        return Boot("", files, _label(iso))
    if kind not in boot_files.PLACES:
        return None
    if not iso:
        raise StateError("there is nothing to be installed from", hint="--iso FILE")
    if plain.get("secure_boot"):
        # Its kernel is signed for shim, not for the firmware.
        if kind in _MUST:
            raise StateError(
                "with Secure Boot its installer's kernel cannot be booted directly",
                hint="--set secure_boot=false, and turn it on once it is installed",
            )
        return None
    found = _found(iso, kind, str(plain.get("arch") or Definition().arch))
    if found is None and kind in _MUST:
        raise ImageError(
            f"{visible(iso)} has no installer's kernel where it is looked for",
            hint="--by-hand; or the kernel and initrd by --kernel FILE --initrd FILE",
        )
    return Boot(iso, found, _label(iso)) if found is not None else None


def boot_words(plain: Plain, kind: str) -> Plain:
    """What a definition says of the kernel that is booted directly; nothing where none is.

    Raises:
        ImageError, StateError: As `boot_of`.
    """
    boot = boot_of(plain, kind)
    if boot is None:
        return {}
    usual = Definition()
    target = Target(
        name="",
        instance="",
        serial=bool(plain.get("serial", usual.serial)),
        arch=str(plain.get("arch") or usual.arch),
        medium=boot.label,
    )
    return _words(boot, kernel_line(kind, target), plain.get("append"), b"")


def _words(boot: Boot, line: str | None, own: str | None, extra: bytes) -> Plain:
    words: Plain = {"append": " ".join(filter(None, (line, own)))}
    if boot.iso:
        words |= {"kernel": INSTALL_KERNEL, "initrd": INSTALL_INITRD}
    elif extra:
        words["initrd"] = INSTALL_INITRD
    return {key: value for key, value in words.items() if value}


def _writers(boot: Boot, extra: bytes) -> dict[str, Writer]:
    iso, files = boot.iso, boot.files
    if not iso:
        if not extra:
            return {}
        return {INSTALL_INITRD: lambda goal: boot_files.copy(files.initrd, goal, behind=extra)}
    return {
        INSTALL_KERNEL: lambda goal: boot_files.extract(iso, files.kernel, goal),
        INSTALL_INITRD: lambda goal: boot_files.extract(iso, files.initrd, goal, behind=extra),
    }


def _iso(plain: Plain) -> str:
    """The first CD that is not the seed; empty where there is none."""
    media = [str(one.get("file")) for one in plain.get("cdroms") or [] if one.get("file")]
    return next((file for file in media if file != SEED), "")


def _label(iso: str) -> str:
    media = read_media(iso) if iso else None
    return media.volume_id if media is not None else ""


def _found(iso: str, kind: str, arch: str) -> BootFiles | None:
    try:
        status = os.stat(iso)
    except OSError as error:
        raise ImageError(f"{visible(iso)}: {error.strerror}") from None
    identity = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    found, fault = _looked(iso, kind, arch, identity)
    if fault:
        raise ImageError(fault)
    return found


@functools.lru_cache(64)
def _looked(
    iso: str, kind: str, arch: str, _identity: tuple[int, ...]
) -> tuple[BootFiles | None, str]:
    """What was found, or why it cannot be; looked for once, as a hostile medium may take long."""
    try:
        return boot_files.find(iso, kind, arch), ""
    except ImageError as error:
        return None, error.message
