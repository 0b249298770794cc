"""The Fleet's door to disk images: async, long work in threads of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeVar

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.manage import (
        image_changing,
        image_checking,
        image_copying,
        image_deleting,
        image_form_door,
        image_importing,
        image_info,
        image_limiting,
        image_live,
        image_live_merging,
        image_live_moving,
        image_making,
        image_partition_cache,
        image_places,
        image_records,
        image_storage,
        image_story,
        image_work,
        images,
    )
    from kvmtui.qemu.partitions import Table
else:
    image_changing = Later("kvmtui.manage.image_changing")
    image_checking = Later("kvmtui.manage.image_checking")
    image_copying = Later("kvmtui.manage.image_copying")
    image_deleting = Later("kvmtui.manage.image_deleting")
    image_form_door = Later("kvmtui.manage.image_form_door")
    image_importing = Later("kvmtui.manage.image_importing")
    image_info = Later("kvmtui.manage.image_info")
    image_limiting = Later("kvmtui.manage.image_limiting")
    image_live = Later("kvmtui.manage.image_live")
    image_live_merging = Later("kvmtui.manage.image_live_merging")
    image_live_moving = Later("kvmtui.manage.image_live_moving")
    image_making = Later("kvmtui.manage.image_making")
    image_partition_cache = Later("kvmtui.manage.image_partition_cache")
    image_places = Later("kvmtui.manage.image_places")
    image_records = Later("kvmtui.manage.image_records")
    image_storage = Later("kvmtui.manage.image_storage")
    image_story = Later("kvmtui.manage.image_story")
    image_work = Later("kvmtui.manage.image_work")
    images = Later("kvmtui.manage.images")

T = TypeVar("T")
Tell = Callable[["image_work.Progress"], None]
"""Gets the progress of work, in the loop's thread."""

_MOST_AT_ONCE = 4


class ImageDoor:
    """Everything that can be done with the disk images of one home.

    Work that is awaited ends when the waiting task is cancelled, and leaves nothing
    half-made. Images are named by path, as `survey` has them, or as a person types them
    (`find`).

    Args:
        library: The home.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._catalog: images.ImageCatalog | None = None
        self.last: images.Survey | None = None
        """All images as they were last looked at."""
        self.cut_off: tuple[image_records.CutOff, ...] = ()
        """Work that the first look found cut off, and cleaned up after."""
        # Each of them may stand at a disk that does not answer, so reading has its own.
        self._reader = ThreadPoolExecutor(2, "kvmtui-images")
        self._workers = ThreadPoolExecutor(_MOST_AT_ONCE, "kvmtui-image-work")
        self._ended = threading.Event()
        self._looking = threading.Lock()
        self._forms: image_form_door.FormDoor | None = None
        self._partitions: image_partition_cache.PartitionCache | None = None

    def close(self) -> None:
        """End all work; nobody waits for what does not answer."""
        self._ended.set()
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._workers.shutdown(wait=False, cancel_futures=True)
        if self._partitions is not None:
            self._partitions.close()

    @property
    def forms(self) -> image_form_door.FormDoor:
        """The operations as forms to fill in."""
        if self._forms is None:
            self._forms = image_form_door.FormDoor(self, self._library)
        return self._forms

    async def survey(self) -> images.Survey:
        """All images as they stand now; what did not change is not read again.

        The first one removes what cut-off work left behind.
        """

        def look() -> images.Survey:
            if self._catalog is None:
                self._catalog = images.ImageCatalog(self._library)
                with contextlib.suppress(KvmtuiError, OSError):
                    cut_off = image_records.cut_off(self._library)
                    image_work.sweep_now(self._library)
                    self.cut_off = cut_off
            return self.look()

        return await self.read(look)

    def look(self, *also: str) -> images.Survey:
        """All images as they stand now, in the thread of who calls.

        Args:
            also: Paths that are looked at wherever they lie.
        """
        if self._catalog is None:
            self._catalog = images.ImageCatalog(self._library)
        with self._looking:
            self.last = found = self._catalog.survey(also)
        return found

    async def storage(self, survey: images.Survey) -> list[image_storage.Storage]:
        """As `image_storage.storages`."""
        return await self.read(lambda: image_storage.storages(self._library, survey))

    async def info(self, path: str) -> image_info.ImageInfo:
        """As `image_info.image_info`."""
        return await self.read(lambda: image_info.image_info(self._library, path, self.look(path)))

    async def last_check(self, path: str) -> tuple[float, str] | None:
        """As `image_story.last_check`."""
        return await self.read(lambda: image_story.last_check(self._library, path))

    async def deletable(self, paths: Sequence[str]) -> list[images.ImageView | KvmtuiError]:
        """Of each image how it stands, or why it cannot be deleted."""

        def look() -> list[images.ImageView | KvmtuiError]:
            return image_deleting.deletable(self._library, self.look(*paths), paths)

        return await self.read(look)

    async def partitions(self, path: str) -> Table:
        """As `image_partition_cache.PartitionCache.partitions`."""
        if self._partitions is None:
            self._partitions = image_partition_cache.PartitionCache(self._library)
        return await self._partitions.partitions(path)

    async def find(self, text: str) -> str:
        """As `image_places.find_image`."""
        return await self.read(lambda: image_places.find_image(self._library, text))

    async def add_place(self, path: str) -> tuple[bool, str]:
        """As `image_places.add_place`."""
        return await self.read(lambda: image_places.add_place(self._library, path))

    async def remove_place(self, path: str) -> tuple[bool, str]:
        """As `image_places.remove_place`."""
        return await self.read(lambda: image_places.remove_place(self._library, path))

    async def measure(self, path: str, image_format: str) -> image_checking.Measure:
        """As `image_checking.measure`."""
        return await self.read(
            lambda: image_checking.measure(
                self._library, path, image_format, source_format=None, follow=False
            )
        )

    async def orphans(self) -> image_deleting.Orphans:
        """As `image_deleting.orphans`."""
        return await self.read(lambda: image_deleting.orphans(self._library))

    async def cancel(self, operation_id: str) -> bool:
        """Ask work of any kvmtui to end; False when there is none of this id."""
        return await self.read(lambda: image_records.cancel(self._library, operation_id))

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

    async def resize(self, path: str, size_bytes: int, *, shrink: bool = False) -> Outcome:
        """As `image_live.resize`, in a thread with a loop of its own."""
        return await self._work(
            lambda watcher: asyncio.run(
                image_live.resize(self._library, path, size_bytes, shrink=shrink)
            )
        )

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
        self, path: str, tell: Tell | None = None, *, rate_bytes_per_s: int | None = None
    ) -> Outcome:
        """As `image_live_merging.commit`; while its guest runs by that guest's QEMU."""
        return await self._work(
            lambda watcher: image_live_merging.commit(
                self._library, path, rate_bytes_per_s=rate_bytes_per_s, watcher=watcher
            ),
            tell,
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
        self, path: str, *, repair: Literal["leaks", "all"] | None = None
    ) -> image_checking.CheckResult:
        """As `image_checking.check`."""
        return await self._work(
            lambda watcher: image_checking.check(
                self._library, path, repair=repair, watcher=watcher
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

    async def limits(self, path: str) -> list[image_limiting.DiskLimits]:
        """As `image_limiting.limits_of`."""
        return await self.read(lambda: image_limiting.limits_of(self._library, path))

    async def limit(self, path: str, values: dict[str, str], *, clear: bool = False) -> Outcome:
        """As `image_limiting.limit`; guests that run have it at once."""
        return await self._work(
            lambda watcher: image_limiting.limit(self._library, path, values, clear=clear)
        )

    async def delete(self, path: str) -> Outcome:
        """As `image_deleting.delete`."""
        return await self._work(lambda watcher: image_deleting.delete(self._library, path))

    async def read(self, read: Callable[[], T]) -> T:
        """Read something in a thread that nobody waits for when the app is left.

        Raises:
            asyncio.CancelledError: It is left already.
        """
        if self._ended.is_set():
            raise asyncio.CancelledError
        return await asyncio.get_running_loop().run_in_executor(self._reader, read)

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
