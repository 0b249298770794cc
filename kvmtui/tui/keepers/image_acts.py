"""What the keys of the Images pane do, and why they cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.fleet import Fleet
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.panes.images import ImagesPane
from kvmtui.tui.render.images import ImagesView, summary

if TYPE_CHECKING:
    from kvmtui.manage.image_form_words import Kind
    from kvmtui.manage.image_users import ImageUser
    from kvmtui.manage.images import ImageView
    from kvmtui.manage.views import OperationView
    from kvmtui.tui.image_desk import ImageDesk
    from kvmtui.tui.screens.main import MainScreen

_FORMS: dict[str, Kind] = {
    "images.new": "create",
    "images.import": "import",
    "images.add": "add",
    "images.remove": "remove",
    "images.grow": "resize",
    "images.convert": "convert",
    "images.clone": "clone",
    "images.rebase": "rebase",
    "images.move": "move",
    "images.repair": "repair",
    "images.commit": "commit",
    "images.limits": "limits",
}
_WITHOUT_IMAGE = ("create", "import", "add", "remove")
_FOR_ONE = (
    *("images.grow", "images.convert", "images.clone", "images.rebase", "images.move"),
    *("images.repair", "images.measure", "images.copy", "images.cancel", "images.flatten"),
    *("images.compact", "images.open", "images.commit", "images.limits"),
)
_FOR_SEVERAL = ("images.check", "images.delete")
_DISK_FAULTS = (KvmtuiError, OSError)


class ImageActs:
    """Does what is asked for on the pane: by itself, or through the desk."""

    def __init__(self, screen: MainScreen, pane: ImagesPane, fleet: Fleet, keys: Keys) -> None:
        self._screen = screen
        self._pane = pane
        self._fleet = fleet
        self._keys = keys
        self._known = ImagesView()

    @property
    def _desk(self) -> ImageDesk:
        return self._screen.kvmtui.desk.images

    def idle(self) -> list[str]:
        """What the chosen images have nothing for."""
        return [one for one in (*_FOR_ONE, *_FOR_SEVERAL) if self.refusal(one)]

    def refusal(self, action_id: str) -> str:
        """Why an action can act on none of the chosen images now; empty where it can."""
        if action_id not in (*_FOR_ONE, *_FOR_SEVERAL):
            return ""
        chosen = self._pane.chosen_images
        if not chosen:
            return "no image is chosen"
        if action_id in _FOR_ONE and len(chosen) > 1:
            return f"this is for one image: {len(chosen)} are marked"
        view = chosen[0]
        if action_id in ("images.flatten", "images.commit") and view.backing is None:
            return f"{visible(view.name, limit=60)} stands on nothing" + (
                " already" if action_id == "images.flatten" else ""
            )
        if action_id == "images.limits" and not _disk_users(view):
            return f"{visible(view.name, limit=60)} is no guest's disk, and limits are a disk's"
        if action_id == "images.cancel" and self._work_on(view) is None:
            return f"nothing is being done to {visible(view.name, limit=60)}"
        return ""

    def _work_on(self, view: ImageView) -> OperationView | None:
        name = visible(view.name, limit=120)
        running = (one for one in self._fleet.operations if one.result == "running")
        return next((one for one in running if one.image == name), None)

    # What a person asks for.

    def perform(self, action_id: str, known: ImagesView) -> None:
        """Do an action of the pane, or say why not.

        Args:
            known: What is known of images and storage.
        """
        self._known = known
        reason = self.refusal(action_id)
        if reason:
            self._screen.refuse(reason)
            return
        chosen = self._pane.chosen_images
        if action_id in _FORMS:
            kind = _FORMS[action_id]
            view = None if kind in _WITHOUT_IMAGE else chosen[0]
            self._desk.open_form(kind, view)
            return
        handler: Callable[[list[ImageView]], None] = getattr(
            self, "_do_" + action_id.rpartition(".")[2]
        )
        handler(chosen)

    def _do_check(self, views: list[ImageView]) -> None:
        self._desk.check(views)

    def _do_delete(self, views: list[ImageView]) -> None:
        self._desk.delete(views)

    def _do_compact(self, views: list[ImageView]) -> None:
        self._desk.compact(views[0])

    def _do_flatten(self, views: list[ImageView]) -> None:
        if any(user.running for user in _disk_users(views[0])):
            # That guest's QEMU does it, and can be asked to take its time.
            self._desk.open_form("flatten", views[0])
            return
        folder = views[0].path.rpartition("/")[0]
        free = [one.free_bytes for one in self._known.storages if folder in one.directories]
        self._desk.flatten(views[0], free[0] if free else None)

    def _do_measure(self, views: list[ImageView]) -> None:
        self._desk.measure(views[0])

    def _do_cancel(self, views: list[ImageView]) -> None:
        work = self._work_on(views[0])
        if work is not None:
            self._desk.cancel(work)

    def _do_copy(self, views: list[ImageView]) -> None:
        """A path goes as it is; one that would not fit a line of a shell is not taken."""
        path = views[0].path
        if not path.isprintable():
            self._screen.refuse("not copied: the path has characters that no line can have")
            return
        self._screen.copy_told(path, "")

    def _do_open(self, views: list[ImageView]) -> None:
        self.open_image(views[0].path, self._known)

    def _do_tree(self, views: list[ImageView]) -> None:
        by = self._pane.switch_tree()
        self._screen.tell("by directory" if by == "directory" else "by what stands on what")

    def _do_unused(self, views: list[ImageView]) -> None:
        if self._pane.switch_unused():
            self._screen.run_worker(self._tell_orphans(), group="orphans", exclusive=True)
        else:
            self._screen.tell("all images")

    async def _tell_orphans(self) -> None:
        """Say what would come free, and what is left of work that is gone."""
        try:
            found = await self._fleet.images.orphans()
        except _DISK_FAULTS as error:
            self._screen.tell_failure("orphans", as_told("orphans", error))
            return
        text = summary(self._known).rpartition(" · ")[2] if found.images else "every image is used"
        if found.unfinished:
            one = visible(found.unfinished[0], limit=80)
            text += f"; left of work that is gone: {one}"
            text += f" and {len(found.unfinished) - 1} more" * (len(found.unfinished) > 1)
        self._screen.tell(text)

    def _do_fold(self, views: list[ImageView]) -> None:
        self._pane.fold(True)

    def _do_unfold(self, views: list[ImageView]) -> None:
        self._pane.fold(False)

    def open_image(self, path: str, known: ImagesView) -> None:
        """Show all of an image."""
        self._known = known
        self._screen.run_worker(self._open_page(path), group="open", exclusive=True)

    async def _open_page(self, path: str) -> None:
        from kvmtui.tui.screens.image import ImageScreen

        try:
            info = await self._fleet.images.info(path)
        except _DISK_FAULTS as error:
            name = visible(path.rpartition("/")[2], limit=60)
            self._screen.tell_failure(name, as_told(name, error))
            return
        if not self._screen.is_current:
            return

        def answered(action_id: str | None) -> None:
            if action_id:
                self._do_copy([info.view])

        images = self._fleet.images
        shown = ImageScreen(info, self._known, self._keys, lambda: images.partitions(path))
        self._screen.app.push_screen(shown, answered)


def _disk_users(view: ImageView) -> list[ImageUser]:
    """The guests whose disk an image is."""
    return [user for user in view.used_by if user.role.startswith("disk")]
