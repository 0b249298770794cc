"""Users of this machine, with all their groups."""

from __future__ import annotations

import os
import pwd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from kvmtui.light import NamedTuple


class Account(NamedTuple):
    """A user of this machine, with all its groups."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str


def account(name: str) -> Account | None:
    """A user by name; None when there is no such user."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_uid, entry.pw_gid, groups, entry.pw_name)


def account_of_uid(uid: int, gid: int) -> Account:
    """A user by number; one without a name has just its own group."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(uid, gid, (gid,), str(uid))
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(uid, entry.pw_gid, groups, entry.pw_name)
