"""Which guests start with the host, and what makes the host start them.

The truth lies in the definition (``autostart``): the folder is the guest, so a copy, a
rename and a deletion take it along, and `list` needs to ask nobody. One unit or line of cron
for each home starts what the definitions say at that moment; it is put in place before a
guest is said to start with the host, and goes with the last one. A definition may be
changed without it (`set`, an editor): then the change's note and `autostart list` say so.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from kvmtui.durable import try_lock
from kvmtui.errors import BusyError, DefinitionError, HostError
from kvmtui.guest.definition import Autostart
from kvmtui.guest.editing import Change
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.host.boot import Problem
from kvmtui.manage import changing
from kvmtui.manage.definitions import load_definition, load_plain
from kvmtui.manage.starters import starter_of
from kvmtui.manage.views import Outcome

_LOCK = ".autostart.lock"
_LOCK_LIMIT_S = 60.0
_ALONE = "nothing shuts guests down as the host goes down: no systemd runs here, and cron cannot"


class Planned(NamedTuple):
    """A guest that starts with the host."""

    name: str
    order: int | None
    """None: behind those that have one."""
    delay_s: int
    """How long to wait before it is started."""


class Overview(NamedTuple):
    """What the next start of the host does."""

    mechanism: str
    """systemd or cron."""
    starter: str
    """The unit's name, or whose line it is."""
    file: str | None
    in_place: bool
    shuts_down: bool
    """Whether guests are shut down before the host goes down."""
    problems: tuple[Problem, ...]
    guests: tuple[Planned, ...]
    """In the order in which they are started."""
    unread: tuple[str, ...]
    """Guests whose definition cannot be read, so that nobody knows."""


def wish_of(folder: GuestFolder) -> Autostart | None:
    """When a guest is to start with the host; one whose definition has faults, too.

    Raises:
        DefinitionError: Its definition is no YAML.
    """
    try:
        return load_definition(folder).start_with_host()
    except DefinitionError:
        return Autostart() if load_plain(folder).get("autostart") else None


def planned(library: Library) -> tuple[list[Planned], list[str]]:
    """The guests that start with the host, in order, and those that nobody can read."""
    found, unread = [], []
    for name in library.names():
        try:
            wish = wish_of(library.place(name))
        except (DefinitionError, OSError):
            unread.append(name)
            continue
        if wish is not None:
            found.append(Planned(name, wish.order, int(wish.delay)))
    return sorted(found, key=_place), unread


def _place(one: Planned) -> tuple[bool, int, str]:
    return one.order is None, one.order or 0, one.name


def enable(
    library: Library, name: str, *, order: int | None = None, delay_s: int | None = None
) -> Outcome:
    """Have a guest start with the host.

    Args:
        order: Its place; None: as it was.
        delay_s: How long to wait before it is started; None: as it was.

    Raises:
        HostError: The host cannot be made to start it; the definition is as before.
        DefinitionError: Its definition is not valid.
    """
    folder = library.folder(name)
    with _alone(library):
        before = load_definition(folder).start_with_host()
        after = _merged(before or Autostart(), order, delay_s)
        starter = starter_of(library)
        stood = starter.is_in_place()
        notes = starter.install()
        changed = before != after
        if changed:
            try:
                changing.change(library, name, [Change(["autostart"], _written(after))])
            except BaseException:
                _tidy(library)
                raise
    if not starter.shuts_down:
        notes.append(_ALONE)
    words = after.words()
    when = f"{name} starts with the host" + (f": {words}" if words != "on" else "")
    if not changed and stood:
        return Outcome(name, "autostart", False, f"{when}, already", "\n".join(notes))
    return Outcome(name, "autostart", True, when, "\n".join(notes))


def _merged(before: Autostart, order: int | None, delay_s: int | None) -> Autostart:
    return Autostart(
        order=before.order if order is None else order,
        delay=before.delay if delay_s is None else type(before.delay)(delay_s),
    )


def _written(autostart: Autostart) -> str:
    words = [] if autostart.order is None else [f"order: {autostart.order}"]
    words += [f"delay: {autostart.delay}s"] if autostart.delay else []
    return f"{{{', '.join(words)}}}" if words else "true"


def disable(library: Library, name: str) -> Outcome:
    """Have a guest start with the host no more; the last one takes the unit or line along.

    Raises:
        DefinitionError: Its definition is not valid.
    """
    folder = library.folder(name)
    with _alone(library):
        was_on = bool(load_plain(folder).get("autostart"))
        if was_on:
            changing.change(library, name, [Change(["autostart"], "")])
        note = _tidy(library)
    words = "no longer starts with the host" if was_on else "does not start with the host"
    return Outcome(name, "autostart", was_on, f"{name} {words}", note)


def tidy(library: Library) -> str:
    """Take the unit or line away where no guest is left that needs it; in words."""
    if not os.path.isdir(library.root):
        return _tidy(library)
    with _alone(library):
        return _tidy(library)


def _tidy(library: Library) -> str:
    """Take the unit or line away where no guest needs it; what was done, in words."""
    guests, unread = planned(library)
    if guests or unread:
        return ""
    starter = starter_of(library)
    try:
        if not starter.remove():
            return ""
    except HostError as error:
        return error.message
    lost = ": guests that run are not shut down with the host any more"
    return f"no guest is left, so {starter.name} is removed{lost if starter.shuts_down else ''}"


def overview(library: Library) -> Overview:
    """What the next start of the host does, and what is missing for it."""
    guests, unread = planned(library)
    starter = starter_of(library)
    in_place = starter.is_in_place()
    problems = starter.problems() if guests or in_place else []
    again = f"kvmtui autostart enable {guests[0].name}" if guests else ""
    return Overview(
        mechanism=starter.mechanism,
        starter=starter.name,
        file=starter.file,
        in_place=in_place,
        shuts_down=starter.shuts_down,
        problems=tuple(Problem(one.what, one.remedy or again) for one in problems),
        guests=tuple(guests),
        unread=tuple(unread),
    )


@contextlib.contextmanager
def _alone(library: Library) -> Iterator[None]:
    """One at a time: who disables the last must not take away what another just needs.

    Raises:
        BusyError: Another kvmtui kept it.
    """
    deadline = time.monotonic() + _LOCK_LIMIT_S
    while (lock := try_lock(library.at(_LOCK), owner_folder=library.root)) is None:
        if time.monotonic() >= deadline:
            raise BusyError("another kvmtui is changing what starts with the host")
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(lock)
