"""The Fleet's door to disk images: async, long work in threads of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeVar

from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.image_looks import ImageLooks
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.manage import (
        image_changing,
        image_checking,
        image_copying,
        image_deleting,
        image_form_door,
        image_importing,
        image_limiting,
        image_live,
        image_live_merging,
        image_live_moving,
        image_making,
        image_work,
    )
else:
    image_changing = Later("kvmtui.manage.image_changing")
    image_checking = Later("kvmtui.manage.image_checking")
    image_copying = Later("kvmtui.manage.image_copying")
    image_deleting = Later("kvmtui.manage.image_deleting")
    image_form_door = Later("kvmtui.manage.image_form_door")
    image_importing = Later("kvmtui.manage.image_importing")
    image_limiting = Later("kvmtui.manage.image_limiting")
    image_live = Later("kvmtui.manage.image_live")
    image_live_merging = Later("kvmtui.manage.image_live_merging")
    image_live_moving = Later("kvmtui.manage.image_live_moving")
    image_making = Later("kvmtui.manage.image_making")
    image_work = Later("kvmtui.manage.image_work")

T = TypeVar("T")
Tell = Callable[["image_work.Progress"], None]
"""Gets the progress of work, in the loop's thread."""

_MOST_AT_ONCE = 4


class ImageDoor(ImageLooks):
    """Everything that can be done with the disk images of one home.

    Work that is awaited ends when the waiting task is cancelled, and leaves nothing
    half-made.

    Args:
        library: The home.
    """

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._workers = ThreadPoolExecutor(_MOST_AT_ONCE, "kvmtui-image-work")
        self._ended = threading.Event()
        self._forms: image_form_door.FormDoor | None = None

    def close(self) -> None:
        """End all work; nobody waits for what does not answer."""
        self._ended.set()
        super().close()
        self._workers.shutdown(wait=False, cancel_futures=True)

    @property
    def forms(self) -> image_form_door.FormDoor:
        """The operations as forms to fill in."""
        if self._forms is None:
            self._forms = image_form_door.FormDoor(self, self._library)
        return self._forms

    async def create(
        self, name: str, size_bytes: int | None, wish: image_making.Wish, tell: Tell | None = None
    ) -> Outcome:
        """As `image_making.create`."""
        return await self._work(
            lambda watcher: image_making.create(
                self._library, name, size_bytes, wish, watcher=watcher
            ),
            tell,
        )

    async def resize(
        self, path: str, size_bytes: int, *, shrink: bool = False, follow: bool = False
    ) -> Outcome:
        """As `image_live.resize`, in a thread with a loop of its own."""

        def act(watcher: image_work.Watcher) -> Outcome:
            return asyncio.run(
                image_live.resize(
                    self._library, path, size_bytes, shrink=shrink, follow=follow, watcher=watcher
                )
            )

        return await self._work(act)

    async def convert(
        self, path: str, target: str, how: image_copying.Copy, tell: Tell | None = None
    ) -> Outcome:
        """As `image_copying.convert`."""
        return await self._work(
            lambda watcher: image_copying.convert(self._library, path, target, how, watcher), tell
        )

    async def clone(
        self,
        path: str,
        target: str,
        way: Literal["auto", "full", "linked", "reflink"],
        tell: Tell | None = None,
        *,
        follow: bool = False,
    ) -> Outcome:
        """As `image_copying.clone`."""
        return await self._work(
            lambda watcher: image_copying.clone(
                self._library, path, target, way, follow=follow, watcher=watcher
            ),
            tell,
        )

    async def rebase(
        self,
        path: str,
        backing: str | None,
        *,
        backing_format: str | None = None,
        unsafe: bool = False,
        follow: bool = False,
        tell: Tell | None = None,
    ) -> Outcome:
        """As `image_changing.rebase`."""
        return await self._work(
            lambda watcher: image_changing.rebase(
                self._library,
                path,
                backing,
                backing_format=backing_format,
                unsafe=unsafe,
                follow=follow,
                watcher=watcher,
            ),
            tell,
        )

    async def flatten(
        self,
        path: str,
        tell: Tell | None = None,
        *,
        rate_bytes_per_s: int | None = None,
        follow: bool = False,
    ) -> Outcome:
        """As `image_live_merging.flatten`; while its guest runs by that guest's QEMU."""
        return await self._work(
            lambda watcher: image_live_merging.flatten(
                self._library,
                path,
                rate_bytes_per_s=rate_bytes_per_s,
                follow=follow,
                watcher=watcher,
            ),
            tell,
        )

    async def commit(
        self,
        path: str,
        *,
        rate_bytes_per_s: int | None = None,
        follow: bool = False,
    ) -> Outcome:
        """As `image_live_merging.commit`; while its guest runs by that guest's QEMU."""
        return await self._work(
            lambda watcher: image_live_merging.commit(
                self._library,
                path,
                rate_bytes_per_s=rate_bytes_per_s,
                follow=follow,
                watcher=watcher,
            )
        )

    async def compact(
        self,
        path: str,
        *,
        compress: bool = False,
        follow: bool = False,
        tell: Tell | None = None,
    ) -> Outcome:
        """As `image_changing.compact`."""
        return await self._work(
            lambda watcher: image_changing.compact(
                self._library, path, compress=compress, follow=follow, watcher=watcher
            ),
            tell,
        )

    async def check(
        self, path: str, *, repair: Literal["leaks", "all"] | None = None, follow: bool = False
    ) -> image_checking.CheckResult:
        """As `image_checking.check`."""
        return await self._work(
            lambda watcher: image_checking.check(
                self._library, path, repair=repair, follow=follow, watcher=watcher
            )
        )

    async def undo_repair(self, path: str, kept: str) -> Outcome:
        """As `image_checking.undo_repair`."""
        return await self._work(
            lambda watcher: image_checking.undo_repair(self._library, path, kept)
        )

    async def import_image(
        self,
        source: str,
        name: str | None,
        how: image_importing.Import,
        tell: Tell | None = None,
    ) -> Outcome:
        """As `image_importing.import_image`, from a file."""
        return await self._work(
            lambda watcher: image_importing.import_image(
                self._library, source, name, how, watcher=watcher
            ),
            tell,
        )

    async def move(
        self,
        path: str,
        target: str,
        tell: Tell | None = None,
        *,
        how: image_live_moving.Move | None = None,
    ) -> Outcome:
        """As `image_live_moving.move`; while its guest runs by that guest's QEMU."""
        return await self._work(
            lambda watcher: image_live_moving.move(self._library, path, target, how, watcher), tell
        )

    async def limit(self, path: str, values: dict[str, str], *, clear: bool = False) -> Outcome:
        """As `image_limiting.limit`; guests that run have it at once."""
        return await self._work(
            lambda watcher: image_limiting.limit(self._library, path, values, clear=clear)
        )

    async def delete(self, path: str) -> Outcome:
        """As `image_deleting.delete`."""
        return await self._work(lambda watcher: image_deleting.delete(self._library, path))

    async def _work(self, act: Callable[[image_work.Watcher], T], tell: Tell | None = None) -> T:
        """Do it in a thread; a cancelled task ends it, and waits until it has."""
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()

        def told(progress: image_work.Progress) -> None:
            if tell is not None and not loop.is_closed():
                loop.call_soon_threadsafe(tell, progress)

        def is_cancelled() -> bool:
            return cancelled.is_set() or self._ended.is_set()

        watcher = image_work.Watcher(told, is_cancelled)
        future = loop.run_in_executor(self._workers, lambda: act(watcher))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()  # Told in the story; nobody else asks for it.
            raise

    do = _work
