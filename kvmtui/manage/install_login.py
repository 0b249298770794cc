"""The first login of a new guest: what its fields wish, and what seeds and installers get."""

from __future__ import annotations

import re
from typing import NamedTuple

from kvmtui.errors import DefinitionError, KvmtuiError
from kvmtui.guest.answers import CLOUD_INIT, Answers
from kvmtui.guest.first_login import FirstLogin, problems, read_bounded
from kvmtui.guest.user_data import LARGEST_BYTES, check_user_data
from kvmtui.manage import first_logins, seeding
from kvmtui.manage.install_draft import Draft, file_of, makes_answers
from kvmtui.manage.install_fields import OWN_PASSWORD
from kvmtui.manage.install_plan import Plan
from kvmtui.text import visible

_FIELD_OF = {"ssh_keys": "ssh_key", "password_hash": "password"}
_HIDDEN = re.compile(r"\$[0-9a-z]{1,10}\$[./0-9A-Za-z$=,-]{8,300}")


class Wishes(NamedTuple):
    """What the fields wish of the first login."""

    login: FirstLogin
    user_data: bytes | None
    """A person's own, for cloud-init."""
    problems: dict[str, str]
    """What is wrong, by field."""


def wishes(
    draft: Draft, *, fetches: bool = False, fetched: dict[str, list[str]] | None = None
) -> Wishes:
    """What the fields wish; nothing where nothing reads it.

    Args:
        fetches: Whether keys that are at an address are fetched now.
        fetched: Those that were, by their addresses; used where none are fetched now.
    """
    values, found = draft.values, {}
    known = {} if fetched is None else fetched
    if not makes_answers(values):
        return Wishes(FirstLogin(), None, {})
    keys: list[str] = []
    user_data = None
    where = values["ssh_key"].strip()
    if is_address(where) and not fetches:
        keys = known.get(where, [])
    elif where:
        try:
            keys = first_logins.keys_of(where if "://" in where else file_of(where))
            known[where] = keys
        except KvmtuiError as error:
            found["ssh_key"] = error.message
    if draft.source == "cloud" and values["user_data"].strip():
        try:
            user_data = read_bounded(file_of(values["user_data"]), LARGEST_BYTES + 1)
            check_user_data(user_data)
        except DefinitionError as error:
            found["user_data"] = error.problems[0]
        except KvmtuiError as error:
            found["user_data"] = error.message
    secret = draft.given.get("password_hash") if values["password"] == OWN_PASSWORD else None
    if values["password"] == OWN_PASSWORD and not secret:
        found["password"] = "it was not typed: choose it again"
    login = FirstLogin(
        host_name=values["host_name"].strip(),
        user=values["user"].strip(),
        ssh_keys=keys,
        password_hash=secret,
        packages=values["packages"].split(),
        run=[values["run"].strip()] if values["run"].strip() else [],
    )
    for problem in problems(login):
        path, _, words = problem.partition(": ")
        field = re.split(r"[.\[]", path)[0]
        found.setdefault(_FIELD_OF.get(field, field), words)
    return Wishes(login, user_data, found)


def is_address(text: str) -> bool:
    """Whether keys are to be had over the network."""
    return text.strip().startswith("https://")


def kind_of(draft: Draft) -> str:
    """The kind of answer file."""
    if draft.source == "cloud" or draft.profile is None:
        return CLOUD_INIT
    return draft.profile.unattended


def answers(draft: Draft, plan: Plan, wished: Wishes) -> Answers:
    """What the guest or its installer is given.

    Raises:
        DefinitionError: It cannot be made so.
    """
    label = draft.medium.media.volume_id if draft.medium is not None else ""
    return seeding.answered(
        plan.name,
        plan.plain,
        wished.login,
        kind=kind_of(draft),
        user_data=wished.user_data,
        more={"medium": label},
    )[1]


def told_lines(data: bytes) -> list[str]:
    """A file of a seed for people, line by line, without a password's hash."""
    if b"\0" in data:
        return ["(not text)"]
    return [
        _HIDDEN.sub("(a password's hash)", visible(line, limit=2000))
        for line in data.decode("utf-8", "replace").splitlines()
    ]
