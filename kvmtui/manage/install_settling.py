"""Installations go on while somebody looks at the guests: the interface, or `watch`."""

from __future__ import annotations

from collections.abc import Mapping

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.install_record import DISK, read_install
from kvmtui.guest.library import Library
from kvmtui.manage.guest_threads import GuestThreads
from kvmtui.manage.views import LiveGuest


class Settler:
    """Settles installations in threads: a start that takes long holds up nobody."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._threads = GuestThreads("kvmtui-install")

    def close(self) -> None:
        """Let what is under way end by its own limits."""
        self._threads.close()

    def step(self, guests: Mapping[str, LiveGuest]) -> list[tuple[str, str]]:
        """Look at those that are being installed; what was done, by guest, in words."""
        told = self._threads.take_done()
        for name, live in guests.items():
            if live.view.installing and name not in self._threads.busy and self._is_due(name, live):
                self._threads.begin(name, self._settle)
        return told

    def _is_due(self, name: str, live: LiveGuest) -> bool:
        record = read_install(self._library.place(name))
        if record is None or record.trouble:
            return False
        return live.view.pid is None or record.stage == DISK

    def _settle(self, name: str) -> str:
        from kvmtui.manage import install_steps

        try:
            outcome = install_steps.settle(self._library, name)
        except (KvmtuiError, OSError) as error:
            return as_told(name, error).message
        return outcome.message if outcome else ""
