"""Keeps the Images pane: looks at the images while it is seen, does what its keys ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.keepers.base import Keeper
from kvmtui.tui.panes.images import ImagesPane
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render.image_rows import parents
from kvmtui.tui.render.images import ImagesView, State, summary
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.words import clock_time, state_look

if TYPE_CHECKING:
    from textual.timer import Timer

    from kvmtui.manage.image_storage import Storage
    from kvmtui.manage.images import ImageView, Survey
    from kvmtui.tui.image_desk import ImageDesk
    from kvmtui.tui.screens.main import MainScreen

FIRST_LOOK_S = 1.5
"""When the images are first looked at, after the first picture: for what was cut off, and
for the sign behind the pane's name."""
AGAIN_S = 10.0
"""How often they are looked at while the pane is seen: images grow."""
_FRESH_S = 3.0
_FORMS = {
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
}
_WITHOUT_IMAGE = ("create", "import", "add", "remove")
_FOR_ONE = (
    *("images.grow", "images.convert", "images.clone", "images.rebase", "images.move"),
    *("images.repair", "images.measure", "images.copy", "images.cancel", "images.flatten"),
    *("images.compact", "images.open"),
)
_FOR_SEVERAL = ("images.check", "images.delete")
_DISK_FAULTS = (KvmtuiError, OSError)


class ImagesKeeper(Keeper):
    """What is known of the images, at little cost; one look at a time.

    Args:
        changed: Called when something is known anew.
    """

    pane: ImagesPane

    def __init__(
        self,
        screen: MainScreen,
        pane: ImagesPane,
        fleet: Fleet,
        keys: Keys,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(screen, pane, fleet, keys)
        self._changed = changed
        self.view = ImagesView()
        """What is known of images and storage."""
        self._looking = False
        self._again = False
        self._looked = float("-inf")
        self._silent_since: dict[str, float] = {}
        self._every: Timer | None = None
        self._told_cut_off = False
        self._trouble_wanted = False
        self._checked_for: tuple[str, float | None] = ("", None)

    @property
    def _desk(self) -> ImageDesk:
        return self._screen.kvmtui.desk.images

    def begin(self) -> None:
        """Look once, a little after the first picture stands."""
        self._desk.changed = self.look
        self._screen.set_timer(FIRST_LOOK_S, self._look_first)

    def _look_first(self) -> None:
        if not self.view.known:
            self.look()

    # Looking.

    def look(self) -> None:
        """Look at the images now, or once more when the present look is over."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        self._screen.run_worker(self._look(), group="images")

    async def _look(self) -> None:
        try:
            self._again = True
            while self._again:
                self._again = False
                await self._look_once()
        finally:
            self._looking = False

    async def _look_once(self) -> None:
        self._looked = asyncio.get_running_loop().time()
        images = self._fleet.images
        try:
            survey = await images.survey()
        except _DISK_FAULTS as error:
            told = f"the images could not be looked at: {as_told('', error).message}"
            self._know(self.view._replace(known=True, fault=told))
            return
        view = self._surveyed(survey)
        self._know(view)
        self._tell_cut_off()
        storages: tuple[Storage, ...] = ()
        try:
            storages = tuple(await images.storage(survey))
        except _DISK_FAULTS:
            storages = view.storages
        self._know(self.view._replace(storages=storages))

    def _know(self, view: ImagesView) -> None:
        if view != self.view:
            self.view = view
            self._changed()
        if self._trouble_wanted and view.known:
            self._trouble_wanted = False
            if not self.next_trouble(from_top=True):
                self._screen.tell("no guest and no image is in trouble")

    def _surveyed(self, survey: Survey) -> ImagesView:
        """What a look found; images of directories that do not answer stay as they were."""
        now = time.time()
        since = {place: self._silent_since.get(place, now) for place in survey.silent}
        self._silent_since = since
        silent = [
            (place, f"no answer since {clock_time(when, now)}") for place, when in since.items()
        ]
        silent += [(place, reason) for place, reason in survey.unreadable]
        known = dict(survey.images)
        stale = set()
        for path, one in self.view.images.items():
            if path not in known and (path.rpartition("/")[0] in since or path in since):
                known[path] = one
                stale.add(path)
        return self.view._replace(
            images=known,
            above=parents(known),
            known=True,
            stale=frozenset(stale),
            silent=tuple(silent),
            fault="",
        )

    def _tell_cut_off(self) -> None:
        """Tell once what a kvmtui that was killed left behind."""
        cut_off = self._fleet.images.cut_off
        if self._told_cut_off or not cut_off:
            return
        self._told_cut_off = True
        first = cut_off[0]
        left = "; what was unfinished is removed" if first.unfinished else ""
        name = visible(first.image.rpartition("/")[2], limit=60)
        more = f"  +{len(cut_off) - 1} more in Activity" if len(cut_off) > 1 else ""
        self._screen.refuse(f"{first.verb} of {name} was cut off{left}{more}")
        self._screen.kvmtui.look_soon()

    def take_changes(self, changed: Changed) -> None:
        """Who uses which image may be another now."""
        if self._every is not None:
            self.look()

    # While the pane is seen.

    def open(self) -> None:
        """The pane is seen: look now, if what is known is not fresh, and again and again."""
        if self._every is None:
            self._every = self._screen.set_interval(AGAIN_S, self.look)
        now = asyncio.get_running_loop().time()
        if not self.view.known or now - self._looked > _FRESH_S:
            self.look()

    def close(self) -> None:
        """The pane is out of sight: nothing is asked any more."""
        if self._every is not None:
            self._every.stop()
            self._every = None

    def fill(self) -> None:
        """Show the images with the guests and the work of this round."""
        glyphs = self._screen.kvmtui.glyphs
        users = {u.guest for one in self.view.images.values() for u in one.used_by}
        states: dict[str, State] = {
            name: state_look(live, glyphs)
            for name, live in self._fleet.guests.items()
            if name in users
        }
        work = {
            one.image: one
            for one in self._fleet.operations
            if one.image and one.result == "running"
        }
        self.pane.take(self.view._replace(states=states, work=work))

    # What the frame shows of it.

    def count(self) -> str:
        """How many images there are."""
        return str(len(self.view.images) or "")

    def badge(self, glyphs: Glyphs) -> Line:
        """A sign where an image is in trouble."""
        if any(one.trouble for one in self.view.images.values()):
            return (Span(glyphs.trouble, "warn", glyph=True),)
        return ()

    def standing(self) -> Line:
        """The sum of it, in the message line."""
        text = summary(self.view)
        return (Span(text, "muted"),) if text else ()

    def idle_actions(self) -> list[str]:
        """What the chosen images have nothing for."""
        return [one for one in (*_FOR_ONE, *_FOR_SEVERAL) if self.refusal(one)]

    def refusal(self, action_id: str) -> str:
        """Why an action can act on none of the chosen images now; empty where it can."""
        if action_id not in (*_FOR_ONE, *_FOR_SEVERAL):
            return ""
        chosen = self.pane.chosen_images
        if not chosen:
            return "no image is chosen"
        if action_id in _FOR_ONE and len(chosen) > 1:
            return f"this is for one image: {len(chosen)} are marked"
        view = chosen[0]
        if action_id == "images.flatten" and view.backing is None:
            return f"{visible(view.name, limit=60)} stands on nothing already"
        if action_id == "images.cancel" and self._work_on(view) is None:
            return f"nothing is being done to {visible(view.name, limit=60)}"
        return ""

    def _work_on(self, view: ImageView) -> object:
        name = visible(view.name, limit=120)
        running = (one for one in self._fleet.operations if one.result == "running")
        return next((one for one in running if one.image == name), None)

    # What a person asks for.

    def perform(self, action_id: str) -> None:
        """Do an action of the pane, or say why not."""
        reason = self.refusal(action_id)
        if reason:
            self._screen.refuse(reason)
            return
        chosen = self.pane.chosen_images
        if action_id in _FORMS:
            kind = _FORMS[action_id]
            view = None if kind in _WITHOUT_IMAGE else chosen[0]
            self._desk.open_form(kind, view)  # type: ignore[arg-type]
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
        folder = views[0].path.rpartition("/")[0]
        free = [one.free_bytes for one in self.view.storages if folder in one.directories]
        self._desk.flatten(views[0], free[0] if free else None)

    def _do_measure(self, views: list[ImageView]) -> None:
        self._desk.measure(views[0])

    def _do_cancel(self, views: list[ImageView]) -> None:
        work = self._work_on(views[0])
        if work is not None:
            self._desk.cancel(work)  # type: ignore[arg-type]

    def _do_copy(self, views: list[ImageView]) -> None:
        """A path goes as it is; one that would not fit a line of a shell is not taken."""
        path = views[0].path
        if not path.isprintable():
            self._screen.refuse("not copied: the path has characters that no line can have")
            return
        self._screen.copy_told(path, "")

    def _do_open(self, views: list[ImageView]) -> None:
        self._open(views[0].path)

    def _do_again(self, views: list[ImageView]) -> None:
        self.look()

    def _do_tree(self, views: list[ImageView]) -> None:
        by = self.pane.switch_tree()
        self._screen.tell("by directory" if by == "directory" else "by what stands on what")

    def _do_unused(self, views: list[ImageView]) -> None:
        if self.pane.switch_unused():
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
        text = summary(self.view).rpartition(" · ")[2] if found.images else "every image is used"
        if found.unfinished:
            one = visible(found.unfinished[0], limit=80)
            text += f"; left of work that is gone: {one}"
            text += f" and {len(found.unfinished) - 1} more" * (len(found.unfinished) > 1)
        self._screen.tell(text)

    def _do_fold(self, views: list[ImageView]) -> None:
        self.pane.fold(True)

    def _do_unfold(self, views: list[ImageView]) -> None:
        self.pane.fold(False)

    def asked(self, request: ListPane.Asked) -> None:
        """Show all of an image, or look up when it was checked."""
        if isinstance(request, ImagesPane.OpenRequested):
            self._open(request.path)
        elif isinstance(request, ImagesPane.DetailWanted):
            self._screen.run_worker(self._gather(request.path), group="checked", exclusive=True)

    async def _gather(self, path: str) -> None:
        try:
            self.pane.take_checked(path, await self._fleet.images.last_check(path))
        except _DISK_FAULTS:
            return

    def _open(self, path: str) -> None:
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

        self._screen.app.push_screen(ImageScreen(info, self.view, self._keys), answered)

    def next_trouble(self, *, from_top: bool) -> bool:
        """Put the cursor on the next image in trouble; False where none is behind it."""
        if not self.view.known:
            self._trouble_wanted = True
            self.look()
            return True
        self.fill()
        return self.pane.next_trouble(from_top=from_top)
