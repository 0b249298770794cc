"""The records of image work under way: ``HOME/work/ID.json``, held by who is at work."""

from __future__ import annotations

import os

from kvmtui import light_json as json
from kvmtui.durable import write_atomically
from kvmtui.qemu.process import is_held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmtui.guest.library import Library

WORK = "work"
_LARGEST_RECORD_BYTES = 1 << 20


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
            with open(file, "rb") as stream:
                record = json.loads(stream.read(_LARGEST_RECORD_BYTES))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or record.get("id") != name[:-5]:
            record = {"id": name[:-5]}
        found.append((record, held))
    return found


def cancel(library: Library, number: str) -> bool:
    """Ask work of any kvmtui to end; False when there is none of this id."""
    for record, held in records(library):
        if record["id"] == number and held:
            write_atomically(cancel_file(library, number), b"", durable=False)
            return True
    return False
