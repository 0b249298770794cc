"""Looking at the disk images of one home from the loop: nothing of it waits for a dead disk."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.image_readers import Readers
from kvmtui.manage.image_waiting import Patience

if TYPE_CHECKING:
    from kvmtui.manage import (
        image_checking,
        image_deleting,
        image_info,
        image_limiting,
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
    image_checking = Later("kvmtui.manage.image_checking")
    image_deleting = Later("kvmtui.manage.image_deleting")
    image_info = Later("kvmtui.manage.image_info")
    image_limiting = Later("kvmtui.manage.image_limiting")
    image_partition_cache = Later("kvmtui.manage.image_partition_cache")
    image_places = Later("kvmtui.manage.image_places")
    image_records = Later("kvmtui.manage.image_records")
    image_storage = Later("kvmtui.manage.image_storage")
    image_story = Later("kvmtui.manage.image_story")
    image_work = Later("kvmtui.manage.image_work")
    images = Later("kvmtui.manage.images")

T = TypeVar("T")


class ImageLooks:
    """Everything that can be told of the disk images of one home.

    Images are named by path, as `survey` has them, or as a person types them (`find`).

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
        self._reader = Readers("kvmtui-images", 2)
        self._patience = Patience()
        self._reclaim: dict[str, tuple[object, int]] = {}
        self._looking = threading.Lock()
        self._partitions: image_partition_cache.PartitionCache | None = None

    def close(self) -> None:
        """Begin no more looks; nobody waits for what does not answer."""
        self._reader.close()
        if self._partitions is not None:
            self._partitions.close()

    async def survey(self) -> images.Survey:
        """All images as they stand now; what did not change is not read again.

        The first one removes what cut-off work left behind.
        """

        def look() -> images.Survey:
            if self._catalog is None:
                self._catalog = images.ImageCatalog(self._library, self._patience)
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
            self._catalog = images.ImageCatalog(self._library, self._patience)
        with self._looking:
            self.last = found = self._catalog.survey(also)
        return found

    async def storage(self, survey: images.Survey) -> list[image_storage.Storage]:
        """As `image_storage.storages`."""
        return await self.read(
            lambda: image_storage.storages(self._library, survey, self._patience)
        )

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
        found = await self.read(
            lambda: image_checking.measure(
                self._library, path, image_format, source_format=None, follow=False
            )
        )
        view = self.last.images.get(path) if self.last is not None else None
        self._reclaim.pop(path, None)
        if found.reclaim_bytes is not None and view is not None:
            self._reclaim[path] = (_state(view), found.reclaim_bytes)
        return found

    def reclaim(self, survey: images.Survey) -> dict[str, int]:
        """What compacting gives back, of images that were measured and are as they were then."""
        return {
            path: size
            for path, (state, size) in self._reclaim.items()
            if path in survey.images and _state(survey.images[path]) == state
        }

    async def orphans(self) -> image_deleting.Orphans:
        """As `image_deleting.orphans`."""
        return await self.read(lambda: image_deleting.orphans(self._library))

    async def cancel(self, operation_id: str) -> bool:
        """Ask work of any kvmtui to end; False when there is none of this id."""
        return await self.read(lambda: image_records.cancel(self._library, operation_id))

    async def limits(self, path: str) -> list[image_limiting.DiskLimits]:
        """As `image_limiting.limits_of`."""
        return await self.read(lambda: image_limiting.limits_of(self._library, path))

    async def read(self, read: Callable[[], T]) -> T:
        """Read something in a thread that nobody waits for when the app is left.

        Raises:
            asyncio.CancelledError: It is left already.
            ImageError: A disk does not answer.
        """
        return await self._reader.read(read)


def _state(view: images.ImageView) -> object:
    return view.changed, view.actual_size_bytes
