"""The form of a new guest as it is now: its fields with their choices, and what is said."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.host import networks
from kvmtui.manage import install_login, seed_edits
from kvmtui.manage.forms import FormField
from kvmtui.manage.install_checks import Host, Told, said
from kvmtui.manage.install_cloud import cloud_words
from kvmtui.manage.install_draft import (
    Draft,
    Values,
    can_answer,
    draft,
    key_files,
    makes_answers,
    profile_choices,
)
from kvmtui.manage.install_fields import (
    EXPERT,
    MADE,
    MORE,
    NONE,
    OWN_PASSWORD,
    SOURCES,
    SUMMARY,
    Spec,
    conditions,
    described,
    specs,
)
from kvmtui.manage.install_login import Wishes, kind_of, wishes
from kvmtui.manage.install_plan import Plan, plan
from kvmtui.manage.install_summary import Summary, summary
from kvmtui.manage.recognising import Recogniser
from kvmtui.manage.seed_edits import EditedSeed, Edits

_Choices = tuple[tuple[str, ...], tuple[str, ...]]


class InstallForm(NamedTuple):
    """All of a form at one moment."""

    is_long: bool
    """Whether making it takes long: an image is to be fetched."""

    fields: tuple[FormField, ...]
    said: Told
    """How each value stands, by field."""
    summary: Summary
    has_answers: bool
    """Whether a seed or an answer file goes with it."""


def look(
    library: Library,
    recogniser: Recogniser,
    given: Values,
    host: Host,
    edits: Edits = seed_edits.NONE,
    fetched: dict[str, list[str]] | None = None,
) -> InstallForm:
    """What follows from what a person gave, and edited of the seed.

    Args:
        fetched: As `install_login.wishes`.
    """
    found = draft(library, recogniser, given)
    made = plan(found)
    wished = wishes(found, fetched=fetched)
    edited = _edited(found, made, wished, edits)
    come = summary(library, found, made, wished, edited.names if edited else ())
    fields = [spec for spec in specs() if spec.id != "answers" or can_answer(found.profile)]
    return InstallForm(
        found.cloud is not None and found.cloud.here is None,
        tuple(_field(found, made, spec, come.title) for spec in fields),
        said(library, found, made, wished, host, edited),
        come,
        makes_answers(found.values),
    )


def _edited(found: Draft, made: Plan, wished: Wishes, edits: Edits) -> EditedSeed | None:
    """How the edited files stand of the seed that goes with it."""
    kind = kind_of(found)
    if not makes_answers(found.values) or not seed_edits.contents(edits, kind):
        return None
    answers = None
    if not wished.problems:
        with contextlib.suppress(KvmtuiError):
            answers = install_login.answers(found, made, wished)
    return seed_edits.edited(edits, kind, answers)


def _field(found: Draft, planned: Plan, spec: Spec, title: str) -> FormField:
    known = described(spec.id)
    choices, labels = _choices(found, spec)
    kind = spec.kind or (known.kind if known is not None else "text")
    if not choices and known is not None and spec.kind in ("", "choice"):
        choices = known.choices
        labels = _LABELS.get(spec.id, ())
    value = found.values[spec.id]
    strong = spec.fold == EXPERT and value != found.usual.get(spec.id, "")
    return FormField(
        spec.id,
        spec.label,
        kind,
        value,
        choices,
        spec.help or (known.help if known is not None else ""),
        section=spec.section,
        labels=labels,
        when=conditions(spec),
        short=spec.short,
        strong=strong,
        note=title if spec.id == SUMMARY else _note(found, planned, spec.id),
    )


_LABELS = {"firmware": ("BIOS", "UEFI")}


def _choices(found: Draft, spec: Spec) -> _Choices:
    """The choices that depend on this host, and how they are called."""
    if spec.id == "source":
        return tuple(SOURCES), tuple(SOURCES.values())
    if spec.id == "image":
        arch = found.values["arch"]
        ids = tuple(one.image.id for one in found.clouds)
        return ids, tuple(cloud_words(one, arch) for one in found.clouds)
    if spec.id == "password":
        return ("", OWN_PASSWORD), ("none: key only", "one of your own")
    if spec.id == "os":
        return profile_choices(found.medium)
    if spec.id == "answers":
        return (MADE, NONE), ("answer file made for you", "none, I install by hand")
    if spec.id == "network":
        bridges = networks.bridges()
        return ("user", *(f"bridge={one}" for one in bridges), "none"), ()
    if spec.id == "ssh_key":
        return tuple(key_files()), ()
    return (), ()


def _note(found: Draft, planned: Plan, id: str) -> str:
    """What stands behind a fold."""
    if id == EXPERT:
        ids = [spec.id for spec in specs() if spec.fold == EXPERT]
        ids = [one for one in ids if one not in ("description", "tags")]
        differ = sum(found.values[one] != found.usual.get(one, "") for one in ids)
        name = f" the profile {found.profile.name}" if found.profile is not None else " the usual"
        told = f"{differ or 'none'} differ{'s' if differ <= 1 else ''} from{name}"
        return f"{len(ids) + 2} fields, {told}"
    if id == MORE and planned.definition is not None:
        definition = planned.definition
        forwards = len(definition.forwards())
        parts = [
            _count(len(definition.disks), "disk"),
            _count(len(definition.cdroms), "CD-ROM") if definition.cdroms else "",
            _count(len(definition.networks), "network"),
            _count(forwards, "forward"),
        ]
        return ", ".join(filter(None, parts))
    return ""


def _count(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    return f"{number or 'no'} {word}s"
