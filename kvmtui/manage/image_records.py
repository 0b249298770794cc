"""The records of image work under way: ``HOME/work/ID.json``, held by who is at work."""

from __future__ import annotations

import os

from kvmtui import light_json as json
from kvmtui.durable import reading, write_atomically
from kvmtui.qemu.process import is_held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from kvmtui.guest.library import Library
else:
    from kvmtui.light import NamedTuple

WORK = "work"
_LARGEST_RECORD_BYTES = 1 << 20


class CutOff(NamedTuple):
    """Work whose kvmtui is gone before its end."""

    verb: str
    image: str
    """A path, not yet visible."""
    unfinished: bool
    """Whether it left a file that was not done."""


def cancel_file(library: Library, number: str) -> str:
    """The file that asks work to end."""
    return library.at(WORK, f"{number}.cancel")


def records(library: Library) -> list[tuple[dict[str, Any], bool]]:
    """All work records, each with whether it goes on; of a torn one only the id."""
    found = []
    try:
        names = sorted(os.listdir(library.at(WORK)))
    except OSError:
        return []
    for name in names:
        file = library.at(WORK, name)
        if not name.endswith(".json"):
            continue
        held = is_held(file)
        try:
            with reading(file) as stream:
                record = json.loads(stream.read(_LARGEST_RECORD_BYTES))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or record.get("id") != name[:-5]:
            record = {"id": name[:-5]}
        found.append((record, held))
    return found


def cut_off(library: Library) -> tuple[CutOff, ...]:
    """The work that was cut off and not yet cleaned up after."""
    return tuple(
        CutOff(str(record["verb"]), str(record.get("image")), bool(record.get("parts")))
        for record, held in records(library)
        if not held and "verb" in record
    )


def cancel(library: Library, number: str) -> bool:
    """Ask work of any kvmtui to end; False when there is none of this id."""
    for record, held in records(library):
        if record["id"] == number and held:
            write_atomically(cancel_file(library, number), b"", durable=False)
            return True
    return False
