"""Installations go on while somebody looks at the guests: the interface, or `watch`."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.install_record import DISK, read_install
from kvmtui.guest.library import Library
from kvmtui.manage.views import LiveGuest


class Settler:
    """Settles installations in threads: a start that takes long holds up nobody."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._threads = ThreadPoolExecutor(4, "kvmtui-install")
        self._under_way: dict[str, Future[str]] = {}

    def close(self) -> None:
        """Let what is under way end by its own limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def step(self, guests: Mapping[str, LiveGuest]) -> list[tuple[str, str]]:
        """Look at those that are being installed; what was done, by guest, in words."""
        told = []
        for name, future in list(self._under_way.items()):
            if future.done():
                del self._under_way[name]
                if words := future.result():
                    told.append((name, words))
        for name, live in guests.items():
            if name not in self._under_way and self._is_due(name, live):
                self._under_way[name] = self._threads.submit(self._settle, name)
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
