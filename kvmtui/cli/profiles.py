"""`profile list`, `profile show`: what is known of operating systems."""

from __future__ import annotations

import argparse

from kvmtui.cli.context import Context, table
from kvmtui.errors import KvmtuiError
from kvmtui.guest.profile import Counts, Profile, Sizes
from kvmtui.guest.units import format_size
from kvmtui.manage import profiles
from kvmtui.text import visible

_VERBS = {
    "list": "every operating system that has a profile",
    "show": "what a new guest of one gets, and what its installer can do",
}
_HEADS = ("ID", "NAME", "MEMORY", "VCPUS", "DISK", "FIRMWARE", "UNATTENDED")


def configure_profile(parser: argparse.ArgumentParser) -> None:
    """Verbs of `profile`."""
    from kvmtui.cli.parsing import add_verbs

    verbs = add_verbs(parser, "verbs of profile", _VERBS, dest="profile_verb", metavar="VERB")
    for verb, inner in verbs:
        if verb == "show":
            inner.add_argument("id", metavar="ID", help="such as debian12")


def run_profile(arguments: argparse.Namespace, context: Context) -> int:
    """Show profiles."""
    known = profiles.profiles()
    if arguments.profile_verb == "show":
        _show(known.find(arguments.id), arguments.id, context)
    else:
        found = known.all()
        if context.as_json:
            context.document([profiles.document(profile) for profile in found])
        else:
            context.say(table(_HEADS, [_row(one) for one in found], right=frozenset({2, 3, 4})))
    for fault in known.faults:
        context.note(fault)
    return 0


def _show(profile: Profile | None, os_id: str, context: Context) -> None:
    if profile is None:
        raise KvmtuiError(
            f"there is no profile of {visible(os_id, limit=60)}", hint="kvmtui profile list"
        )
    if context.as_json:
        context.document(profiles.document(profile))
        return
    lines = [("id", profile.id), ("name", profile.name), ("family", profile.family)]
    lines += [("released", profile.released or "-"), ("ends", profile.ends or "-")]
    lines += [("machines", ", ".join(profile.arch))]
    lines += [("memory", _sizes(profile.memory)), ("vCPUs", _counts(profile.cpus))]
    lines += [("disk", _sizes(profile.disk)), ("firmware", " or ".join(profile.firmware))]
    lines += [("Secure Boot", profile.secure_boot), ("TPM 2.0", profile.tpm)]
    lines += [("clock", profile.clock), ("answers by", profile.unattended)]
    lines += [("cloud-init", "yes" if profile.cloud_init else "no")]
    lines += [(key, _flat(value)) for key, value in profile.definition.items()]
    width = max(len(key) for key, _ in lines)
    context.say("\n".join(f"{key.ljust(width)}  {value}" for key, value in lines))


def _row(profile: Profile) -> tuple[str, ...]:
    return (
        profile.id,
        profile.name,
        format_size(profile.memory.recommended) if profile.memory else "-",
        str(profile.cpus.recommended) if profile.cpus else "-",
        format_size(profile.disk.recommended) if profile.disk else "-",
        profile.firmware[0],
        profile.unattended,
    )


def _sizes(sizes: Sizes | None) -> str:
    if sizes is None:
        return "-"
    return f"{format_size(sizes.recommended)}, {format_size(sizes.least)} at least"


def _counts(counts: Counts | None) -> str:
    return "-" if counts is None else f"{counts.recommended}, {counts.least} at least"


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return visible(str(value), limit=120)
