"""Whether a guest that starts has the identity of one that runs; light enough for every start."""

from __future__ import annotations

from kvmtui.manage.living import live_pid
from kvmtui.manage.summaries import Summaries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.folder import GuestFolder
    from kvmtui.guest.library import Library
    from kvmtui.guest.wants import Wants


def clashes_of_start(library: Library, folder: GuestFolder, wants: Wants) -> list[str]:
    """What to know of a guest that starts beside one of the same identity; a line each.

    One MAC address on two user networks is harmless: these never meet.
    """
    summaries = Summaries(library)
    addresses = set(wants.lan_macs)
    for name in library.names():
        summary = summaries.get(library.place(name))
        shared = addresses.intersection(summary.get("lan_macs") or ())
        if name == folder.name or not (shared or summary.get("uuid") == wants.uuid):
            continue
        other = library.place(name)
        if live_pid(other, other.start_record(), summary.get("uuid")) is not None:
            return _told(library, folder)
    summaries.keep(whole=True)
    return []


def _told(library: Library, folder: GuestFolder) -> list[str]:
    from kvmtui.manage.clashes import notes_of_start
    from kvmtui.manage.definitions import load_definition

    return notes_of_start(library, folder, load_definition(folder))
