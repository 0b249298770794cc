"""What an installer or cloud-init is given, so that nobody has to answer it.

`answers` is a pure function: from the kind of answer file (a profile's `unattended`, or
``cloud-init``) and from wishes to the files of a seed CD, and how the installer gets at them:

===============  ============  ==============================================================
cloud-init       CIDATA        found by the label; nothing else is needed
autoinstall      CIDATA        found by the label; without ``autoinstall`` on the kernel's line
                               it stops for a yes, so the ISO's kernel is booted directly
preseed          CIDATA        appended to the initrd of the ISO's kernel, which is booted
                               directly; the CD is a copy for people
kickstart        OEMDRV        ks.cfg there is found by itself
autoyast         OEMDRV        autoinst.xml there is found by itself
agama            OEMDRV        autoinst.json there is found by itself
alpine           APKOVL        \\*.apkovl.tar.gz on any CD is unpacked over the live system; the
                               files beside it are what it is made of
autounattend     UNATTEND      autounattend.xml at the root of any CD is found by itself
===============  ============  ==============================================================

Kickstart, AutoYaST and Agama too have their kernel booted directly where the medium's label is
known: the menus of their media wait, check the medium, or boot the disk first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from kvmtui.guest import answer_values, archives
from kvmtui.guest.answer_values import Target as Target
from kvmtui.guest.first_login import FirstLogin, check
from kvmtui.guest.templates import render

CLOUD_INIT = "cloud-init"
KINDS = (
    CLOUD_INIT,
    "autoinstall",
    "preseed",
    "kickstart",
    "autoyast",
    "agama",
    "alpine",
    "autounattend",
)
_LINES = {"autoinstall": "autoinstall", "preseed": "auto=true priority=critical"}
_LINES_WITH_LABEL = {
    "kickstart": "inst.stage2=hd:LABEL={label} inst.ks=hd:LABEL=OEMDRV:/ks.cfg inst.text",
    "autoyast": "install=cd:/ autoyast=label://OEMDRV/autoinst.xml textmode=1",
    "agama": "root=live:CDLABEL={label} rd.live.image inst.auto=label://OEMDRV/autoinst.json",
}
_WHOSE = {
    "autoyast": "SUSE's installer",
    "agama": "SUSE's installer",
    "alpine": "Alpine",
    "autounattend": "Windows",
}
_UNTOLD = {
    "autoyast": ("mirror", "proxy"),
    "agama": ("mirror", "proxy"),
    "alpine": ("locale",),
    "autounattend": ("keyboard", "address", "mirror", "proxy"),
}
_ROOT_STARTS = "etc/local.d/kvmtui.start"
_OVERLAY = "localhost.apkovl.tar.gz"


class Answers(NamedTuple):
    """What one installer is given."""

    files: dict[str, bytes]
    """The files of the seed CD, by their names at its root."""
    label: str
    """The CD's label, by which it is found."""
    kernel_append: str | None = None
    """What the kernel's line says where the ISO's kernel is booted directly; None: it is not."""
    needs_kernel_from_iso: bool = False
    """Whether it must be; else the ISO can boot as it is."""
    initrd_extra: bytes | None = None
    """A cpio archive to be appended to that initrd."""
    notes: tuple[str, ...] = ()
    """What cannot be done this way, one sentence each."""


def answers(kind: str, wants: FirstLogin, target: Target, folders: Sequence[str] = ()) -> Answers:
    """The files for one kind of installer.

    Args:
        kind: One of `KINDS`.
        folders: Folders with a user's own templates.

    Raises:
        DefinitionError: Wishes are not valid, or a template is faulty.
    """
    check(wants)
    made = _MAKERS[kind](answer_values.values(kind, wants, target), folders)
    notes = (*made.notes, *_without(kind, wants))
    return made._replace(kernel_append=kernel_line(kind, target), notes=notes)


def _without(kind: str, wants: FirstLogin) -> list[str]:
    """What is asked for, and that installer has no word for; one sentence each."""
    named = {"locale": "a locale", "keyboard": "a keyboard", "address": "a fixed address"}
    named |= {"mirror": "a mirror", "proxy": "a proxy"}
    return [
        f"{_WHOSE[kind]} is not told of {words}: put it right by hand once it is installed"
        for field, words in named.items()
        if field in _UNTOLD.get(kind, ()) and getattr(wants, field)
    ]


def kernel_line(kind: str, target: Target) -> str | None:
    """What the kernel's line says where it is booted directly; None where it is not.

    Args:
        target: Its serial console, machine and medium are looked at.
    """
    line = _LINES.get(kind)
    if line is None and target.medium and kind in _LINES_WITH_LABEL:
        line = _LINES_WITH_LABEL[kind].format(label=_as_udev_has_it(target.medium))
    if line is None or not target.serial:
        return line
    return f"{line} {answer_values.consoles(target.arch)}"


def _as_udev_has_it(label: str) -> str:
    """A label as one word of the kernel's line."""
    return "".join(
        one
        if (one.isascii() and one.isalnum()) or one in "#+-.:=@_"
        else "".join(f"\\x{byte:02x}" for byte in one.encode())
        for one in label
    )


def _cloud_init(values: dict[str, Any], folders: Sequence[str]) -> Answers:
    names = ["meta-data", "user-data"] + (["network-config"] if values["mac"] else [])
    return Answers(_rendered(names, values, folders), "CIDATA")


def _autoinstall(values: dict[str, Any], folders: Sequence[str]) -> Answers:
    made = _rendered(["meta-data", "autoinstall"], values, folders)
    files = {"meta-data": made["meta-data"], "user-data": made["autoinstall"]}
    return Answers(files, "CIDATA", needs_kernel_from_iso=True)


def _preseed(values: dict[str, Any], folders: Sequence[str]) -> Answers:
    made = _rendered(["preseed.cfg", "late.sh"], values, folders)
    extra = initrd_archive(made)
    return Answers(made, "CIDATA", needs_kernel_from_iso=True, initrd_extra=extra)


def initrd_archive(files: Mapping[str, bytes]) -> bytes | None:
    """What goes behind the installer's initrd, of a seed's files; None where nothing does."""
    if "preseed.cfg" not in files:
        return None
    late = {"kvmtui-late.sh": files["late.sh"]} if "late.sh" in files else {}
    return archives.cpio({"preseed.cfg": files["preseed.cfg"], **late})


def _kickstart(values: dict[str, Any], folders: Sequence[str]) -> Answers:
    return Answers(_rendered(["ks.cfg"], values, folders), "OEMDRV")


def _suse(file: str, values: dict[str, Any], folders: Sequence[str]) -> Answers:
    values["shell_script"] = render("setup.sh", values, folders)
    return Answers(_rendered([file], values, folders), "OEMDRV", notes=_suse_notes(values))


def _suse_notes(values: dict[str, Any]) -> tuple[str, ...]:
    if "-Online" not in values["medium"] or not values["os"].startswith("sle"):
        return ()
    return (
        "this medium has the installer alone, and SUSE asks for a registration code: take the"
        " medium called Full, or put the code into the answers by kvmtui seed edit",
    )


def _alpine(values: dict[str, Any], folders: Sequence[str]) -> Answers:
    made = _rendered(["alpine-answers", "alpine-start.sh"], values, folders)
    files = {"answers": made["alpine-answers"], "start.sh": made["alpine-start.sh"], _OVERLAY: b""}
    return Answers(with_parts(files), "APKOVL")


def with_parts(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A seed's files, with what is made of others of them made anew: Alpine's overlay."""
    if not {"answers", "start.sh", _OVERLAY} <= files.keys():
        return dict(files)
    overlay = archives.tar_gz(
        {
            "etc/kvmtui-answers": (files["answers"], 0o600),
            _ROOT_STARTS: (files["start.sh"], 0o755),
            "etc/.default_boot_services": (b"", 0o644),
        },
        links={"etc/runlevels/default/local": "/etc/init.d/local"},
    )
    return {**files, _OVERLAY: overlay}


def with_files(made: Answers, own: Mapping[str, bytes]) -> Answers:
    """Answers with other files in the place of theirs, and with what is made of these."""
    files = with_parts({**made.files, **own})
    extra = initrd_archive(files) if made.initrd_extra is not None else None
    return made._replace(files=files, initrd_extra=extra)


def _autounattend(values: dict[str, Any], folders: Sequence[str]) -> Answers:
    made = _rendered(["autounattend.xml"], values, folders)
    notes = []
    if values["password"]:
        notes.append(
            f"Windows takes no hash of a password: {values['user']} has none at first, and sets"
            " one at the first login"
        )
    else:
        notes.append(f"{values['user']} has no password until one is set on the guest's own screen")
    if values["keys"]:
        notes.append("keys are not put into Windows: it has no ssh server at first")
    if values["packages"]:
        notes.append("packages are not installed in Windows: use commands to run")
    if values["timezone"]:
        notes.append("Windows has other names of time zones: it keeps its own")
    return Answers(made, "UNATTEND", notes=tuple(notes))


_MAKERS: dict[str, Callable[[dict[str, Any], Sequence[str]], Answers]] = {
    CLOUD_INIT: _cloud_init,
    "autoinstall": _autoinstall,
    "preseed": _preseed,
    "kickstart": _kickstart,
    "autoyast": partial(_suse, "autoinst.xml"),
    "agama": partial(_suse, "autoinst.json"),
    "alpine": _alpine,
    "autounattend": _autounattend,
}


def _rendered(
    names: Sequence[str], values: dict[str, Any], folders: Sequence[str]
) -> dict[str, bytes]:
    return {name: render(name, values, folders).encode() for name in names}
