"""Seeds of guests: made with a new guest, looked at and changed later.

A seed is ``seed.iso`` in the guest's folder, readable by its owner alone, and a CD of the
guest. What it holds is decided by `kvmtui.guest.answers`.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from kvmtui.durable import give_to_owner_of, write_atomically
from kvmtui.errors import DefinitionError, KvmtuiError, UsageError
from kvmtui.guest import boot_files
from kvmtui.guest.answers import (
    CLOUD_INIT,
    Answers,
    Target,
    answers,
    initrd_archive,
    with_files,
    with_parts,
)
from kvmtui.guest.definition import Plain
from kvmtui.guest.first_login import FirstLogin
from kvmtui.guest.folder import INSTALL_INITRD, SEED, GuestFolder
from kvmtui.guest.install_record import read_install, write_install
from kvmtui.guest.library import Library
from kvmtui.guest.seed_image import Seed, read_seed, write_seed
from kvmtui.guest.user_data import check_user_data, check_yaml
from kvmtui.guest.validation import definition_from
from kvmtui.host.paths import answer_folders
from kvmtui.manage.creating import prepare
from kvmtui.manage.living import live_pid
from kvmtui.manage.operation import locked, told
from kvmtui.manage.views import Outcome
from kvmtui.text import visible

_DISKS = {"virtio": "/dev/vda", "nvme": "/dev/nvme0n1"}
"""What Linux calls the first disk, by its bus; /dev/sda with all others."""
_MAIN_FILES = (
    *("user-data", "ks.cfg", "preseed.cfg", "autoinst.xml", "autoinst.json", "autounattend.xml"),
    "answers",
)
_LOGIN_FILES = frozenset((*_MAIN_FILES, "vendor-data", "late.sh", "start.sh"))
_CLOUD_FILES = ("user-data", "meta-data", "network-config", "vendor-data")
"""What cloud-init looks for, whether it is made or not."""


class Seeded(NamedTuple):
    """A definition with a seed, and the seed."""

    plain: Plain
    files: dict[str, bytes]
    """What the guest's new folder gets: the seed's image."""
    answers: Answers


def with_seed(
    name: str,
    plain: Plain,
    wants: FirstLogin,
    *,
    kind: str = CLOUD_INIT,
    user_data: bytes | None = None,
    more: dict[str, Any] | None = None,
    own: Mapping[str, bytes] | None = None,
) -> Seeded:
    """A definition that has a seed besides, and the seed for `creating.create`.

    Args:
        name: The guest's.
        plain: The definition as plain data.
        user_data: A person's own, for cloud-init; the wishes go into vendor-data then,
            which cloud-init takes wherever the user-data says nothing.
        more: Fields of `Target` that follow from nothing here, such as a product key.
        own: A person's own files, which stand in the place of those that would be made.

    Raises:
        UsageError: The seed has no such file.
        DefinitionError: The definition, a wish, a person's own file or a template is not valid.
    """
    plain, made = answered(name, plain, wants, kind=kind, user_data=user_data, more=more)
    made = with_own(made, kind, own or {})
    cdroms = [one for one in plain.get("cdroms") or [] if one.get("file") != SEED]
    plain["cdroms"] = [*cdroms, {"file": SEED}]
    return Seeded(plain, {SEED: write_seed(made.label, made.files)}, made)


def answered(
    name: str,
    plain: Plain,
    wants: FirstLogin,
    *,
    kind: str,
    user_data: bytes | None = None,
    more: dict[str, Any] | None = None,
) -> tuple[Plain, Answers]:
    """The definition as its answers were made for, and these; as `with_seed`."""
    plain = copy.deepcopy(plain)
    plain.setdefault("uuid", str(uuid.uuid4()))
    definition = definition_from(prepare(plain))
    target = Target(
        name=name,
        instance=definition.identity(name),
        mac=definition.mac_of(0, name) if definition.networks else None,
        disk=_DISKS.get(definition.disks[0].bus, "/dev/sda") if definition.disks else "/dev/sda",
        firmware=definition.boot_firmware(),
        os=definition.os,
        serial=definition.serial,
        arch=definition.arch,
    )
    made = answers(kind, wants, target._replace(**more or {}), answer_folders())
    if user_data is not None:
        made = made._replace(files=_with_user_data(made.files, user_data))
    return plain, made


def _with_user_data(files: dict[str, bytes], user_data: bytes) -> dict[str, bytes]:
    check_user_data(user_data)
    ours = files["user-data"]
    return {**files, "user-data": user_data, "vendor-data": ours}


def with_own(
    made: Answers, kind: str, own: Mapping[str, bytes], *, checked: bool = True
) -> Answers:
    """Answers with a person's own files, and with what is made of these.

    Raises:
        UsageError: The seed has no such file, or it is made of others.
        DefinitionError: A file is not what its reader takes.
    """
    for name, content in own.items():
        if not is_replaceable(made.files, kind, name):
            files = {**dict.fromkeys(_CLOUD_FILES if kind == CLOUD_INIT else ()), **made.files}
            known = [one for one in files if is_replaceable(made.files, kind, one)]
            hint = f"one of {', '.join(known)}"
            raise UsageError(f"the seed has no file {visible(name)} to replace", hint=hint)
        if checked:
            check_file(name, content)
    return with_files(made, own) if own else made


def is_replaceable(files: Mapping[str, bytes], kind: str, name: str) -> bool:
    """Whether a person may put a file of their own in the place of a seed's.

    Args:
        files: The seed's.
    """
    if kind == CLOUD_INIT and name in _CLOUD_FILES:
        return True
    return name in files and b"\0" not in files[name]


def says_login(names: Iterable[str]) -> bool:
    """Whether any of these files of a seed says who can log in."""
    return not _LOGIN_FILES.isdisjoint(names)


def main_file(files: Mapping[str, bytes]) -> str:
    """The file of a seed that people write; empty where it has none at all."""
    return next((one for one in _MAIN_FILES if one in files), next(iter(files), ""))


def seed_of(library: Library, name: str) -> Seed:
    """What a guest's seed holds.

    Raises:
        KvmtuiError: It has none, or it cannot be read.
    """
    folder = library.folder(name)
    if not os.path.lexists(folder.at(SEED)):
        raise KvmtuiError(
            f"{name} has no seed", hint="kvmtui create NAME … --ssh-key FILE makes one"
        )
    return read_seed(folder.at(SEED))


def chosen_file(seed: Seed, file: str | None) -> str:
    """The file of a seed that is meant; the one that people write when none is named.

    Raises:
        UsageError: There is no such file.
    """
    if file is None:
        file = main_file(seed.files)
    if file not in seed.files:
        known = ", ".join(visible(one) for one in seed.files)
        raise UsageError(f"the seed has no file {visible(file)}", hint=f"one of {known}")
    return file


def replace_file(
    library: Library,
    name: str,
    file: str,
    content: bytes,
    *,
    before: bytes | None = None,
    again: bool = False,
) -> Outcome:
    """Change one file of a guest's seed.

    Args:
        before: What it was when the change was begun; None: whatever it is.
        again: Whether cloud-init is to do all anew, as in a new guest.

    Raises:
        DefinitionError: It is not what it should be; the seed is as before.
        StateError: Another changed it meanwhile.
    """
    check_file(file, content)
    folder = library.folder(name)
    with locked(folder):
        seed = seed_of(library, name)
        if before is not None and seed.files.get(file) != before:
            raise KvmtuiError(f"{name}: the seed was changed by another while it was edited")
        if seed.files.get(file) == content and not again:
            return Outcome(name, "seed edit", False, f"the seed of {name} is as it was")
        files = with_parts({**seed.files, file: content})
        if again:
            files["meta-data"] = _with_new_instance(files.get("meta-data", b""))
        with told(folder, "edit") as operation:
            operation.result["set"] = [f"{file} of its seed"]
            write_atomically(folder.at(SEED), write_seed(seed.label, files))
            _renew_initrd(folder, files)
            _keep_no_longer(folder)
    return Outcome(
        name,
        "seed edit",
        True,
        f"the seed of {name} is changed",
        _note(folder, again or "meta-data" not in files),
    )


def _keep_no_longer(folder: GuestFolder) -> None:
    """What a person put into an installation's answers goes with it: it may be a password."""
    record = read_install(folder)
    if record is not None and SEED in record.media and not record.secret:
        write_install(folder, record._replace(secret=True))


def _renew_initrd(folder: GuestFolder, files: Mapping[str, bytes]) -> None:
    """Put the seed's answers behind the installer's initrd too, where it has some: the last count.

    Raises:
        ImageError: There is no room for it; it is as before.
    """
    path, extra = folder.at(INSTALL_INITRD), initrd_archive(files)
    if extra is None or not os.path.exists(path):
        return
    new = folder.at(f".{INSTALL_INITRD}.new")
    try:
        boot_files.copy(path, new, behind=extra)
        give_to_owner_of(folder.place, new)
        os.replace(new, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)


def _note(folder: GuestFolder, again: bool) -> str:
    notes = []
    if live_pid(folder, folder.start_record() or {}, None) is not None:
        notes.append(f"{folder.name} runs, and sees it when it is started next")
    if not again and folder.start_record() is not None:
        notes.append("cloud-init has seen this guest already: --again lets it do all anew")
    return "\n".join(notes)


def _with_new_instance(meta_data: bytes) -> bytes:
    lines = [
        line for line in meta_data.splitlines(keepends=True) if not line.startswith(b"instance-id:")
    ]
    return f'instance-id: "{uuid.uuid4()}"\n'.encode() + b"".join(lines)


def check_file(file: str, content: bytes) -> None:
    """Refuse a file of a seed that its reader would not take; names the line where it can.

    Raises:
        DefinitionError: It is not what it should be.
    """
    if file == "user-data":
        check_user_data(content)
    elif file in ("meta-data", "network-config"):
        check_yaml(content, file)
    elif file.endswith(".json"):
        try:
            json.loads(content)
        except ValueError as error:
            line = getattr(error, "lineno", None)
            where = f"line {line}: " if line else ""
            raise DefinitionError([f"{file}: {where}not JSON: {visible(str(error))}"]) from None
    elif file.endswith(".xml"):
        parser = expat.ParserCreate()
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            told_as = visible(expat.ErrorString(error.code))
            raise DefinitionError([f"{file}: line {error.lineno}: not XML: {told_as}"]) from None
