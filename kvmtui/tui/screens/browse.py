"""A browser of files: what each ISO and image is, to choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span, shorten_middle
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.editor import Editor
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable
from kvmtui.tui.widgets.text_view import LineView

if TYPE_CHECKING:
    from kvmtui.manage.browsing import Entry, Listing
    from kvmtui.manage.install_door import InstallDoor

_COLUMNS = (
    Column("name", "Name", 30, flexible=True, least=16, sortable=False),
    Column("size", "Size", 5, right=True, sortable=False, drop=2),
    Column("what", "What it is", 34, sortable=False, drop=1),
)
_TOLD_AT_ONCE = 60
"""How many files around the cursor are looked at."""
_LOOK_S = 0.05


class BrowseScreen(AnsweringScreen):
    """Shows a folder after the other; ends with the path of a file, or an empty text.

    Letters narrow what is shown; arrows move, Enter opens or takes, Backspace goes up. A text
    that begins with ``/`` or ``~`` is a path, to which Enter goes.

    Args:
        door: Who reads folders, and looks at files.
    """

    DEFAULT_CSS = """
    BrowseScreen { layout: vertical; }
    BrowseScreen #head { height: 2; }
    BrowseScreen #area { height: 1fr; layers: base above; }
    """
    AUTO_FOCUS = "#files"
    typed_into = True
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, door: InstallDoor) -> None:
        super().__init__()
        self._door = door
        self._listing: Listing | None = None
        self._filter = Editor()
        self._told: dict[str, tuple[str, str]] = {}
        self._awaited: set[str] = set()
        self._is_opening = True
        self._typed: list[events.Key] = []
        """Keys for a folder that is not read yet."""
        self.head = LineView(id="head")
        self.table = LineTable(_COLUMNS, marks=False, id="files")

    def compose(self) -> ComposeResult:
        yield self.head
        with Container(id="area"):
            yield self.table
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Begin at the images of the home."""
        keys = [
            ("Enter", "choose"),
            ("←", "folder above"),
            ("letters", "narrow"),
            ("/ ~", "a path"),
            ("Esc", "leave"),
        ]
        self.key_bar.set_keys(keys, last=None)
        self._open("")

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._show_head()

    # Folders.

    def _open(self, folder: str) -> None:
        self._is_opening = True
        self._read(folder)

    @work(group="browse", exclusive=True)
    async def _read(self, folder: str, *, typed: str = "") -> None:
        """Show a folder, or what a typed path leads to."""
        rest = ""
        try:
            if typed:
                folder, file, rest = await self._door.place_of(typed)
                if file:
                    self._leave(file)
                    return
            listing = await self._door.browse(folder)
        except (KvmtuiError, OSError) as error:
            self.refuse(as_told("", error).message)
            self._typed.clear()
            return
        finally:
            self._is_opening = False
        came_from = self._listing.folder if self._listing is not None else ""
        self._listing = listing
        self._filter = Editor.at_end(rest)
        self._show()
        if any(entry.path == came_from for entry in listing.entries):
            self.table.go_to(came_from)
        if listing.more:
            self.refuse(f"{listing.more} more are not shown: letters narrow only what is")
        waiting, self._typed = self._typed, []
        for key in waiting:
            self._hear(key)

    @property
    def _is_path(self) -> bool:
        """Whether a path is typed, rather than a part of a name."""
        return self._filter.text.startswith(("/", "~"))

    @property
    def _shown(self) -> list[Entry]:
        if self._listing is None:
            return []
        wanted = "" if self._is_path else self._filter.text.lower()
        return [one for one in self._listing.entries if wanted in one.name.lower()]

    def _show(self) -> None:
        self.table.set_rows([self._row(entry) for entry in self._shown])
        self._show_head()
        self._tell_soon()

    def _row(self, entry: Entry) -> Row:
        size, what = self._told.get(entry.path, ("", ""))
        name = Span(entry.name, "muted" if entry.is_folder else "text")
        return Row(entry.path, ((name,), (Span(size, "muted"),), (Span(what),)))

    def _show_head(self) -> None:
        listing = self._listing
        if listing is None:
            return
        width = max(self.app.size.width - 12, 10)
        self.head.set_lines(
            [(Span(" Files  ", bold=True), Span(shorten_middle(listing.title, width), "muted"))]
        )
        shown, count = len(self._shown), len(listing.entries)
        found = f"{count} {'entry' if count == 1 else 'entries'}" if count else "nothing here"
        line: Line = (Span(found, "muted"),)
        if self._filter.text:
            told = "Enter goes there" if self._is_path else f"{shown} of {count}"
            typed = shorten_middle(self._filter.text, max(width - 12, 10))
            line = (Span(typed), Span(f"   {told}", "muted"))
        self.message.set_standing(line)

    # What files are.

    @on(LineTable.CursorMoved)
    def _cursor_moved(self, event: LineTable.CursorMoved) -> None:
        event.stop()
        self._tell_soon()

    def _tell_soon(self) -> None:
        self.set_timer(_LOOK_S, self._tell)

    def _tell(self) -> None:
        """Look at the files around the cursor that were not looked at."""
        shown = self._shown
        at = next((i for i, one in enumerate(shown) if one.path == self.table.cursor_key), 0)
        near = shown[max(at - _TOLD_AT_ONCE, 0) : at + _TOLD_AT_ONCE]
        paths = [
            one.path
            for one in near
            if not one.is_folder and one.path not in self._told and one.path not in self._awaited
        ]
        if paths:
            self._awaited |= set(paths)
            self._ask(paths)

    @work(group="told")
    async def _ask(self, paths: list[str]) -> None:
        for first in range(0, len(paths), 8):
            some = paths[first : first + 8]
            try:
                found = await self._door.told(some)
            except (KvmtuiError, OSError):
                continue
            self._told |= found
            if not self.is_mounted:
                return
            for path, (size, what) in found.items():
                self.table.update_cells(
                    path, {"size": (Span(size, "muted"),), "what": (Span(what),)}
                )
        self._awaited -= set(paths)

    # Keys.

    def on_key(self, event: events.Key) -> None:
        """Letters narrow; the list hears none of them. A folder that is read gets its keys."""
        self.key_came()
        if self._hear(event):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A path, or what narrows."""
        event.stop()
        self._filter = self._filter.insert(event.text)
        self._show()

    def _hear(self, event: events.Key) -> bool:
        if self._is_opening and event.key != "escape":
            self._typed.append(event)
            return True
        return self._press(event)

    def _press(self, event: events.Key) -> bool:
        """Do what a key does; whether it does anything."""
        moves = {
            "down": lambda: self.table.action_move(1),
            "up": lambda: self.table.action_move(-1),
            "pagedown": lambda: self.table.action_page(1),
            "pageup": lambda: self.table.action_page(-1),
            "home": self.table.action_first,
            "end": self.table.action_last,
            "enter": self._go_or_take,
            "right": lambda: self._take(self.table.cursor_key),
            "left": self._go_above,
            "escape": self.back,
        }
        if event.key in moves:
            moves[event.key]()
        elif event.key == "backspace" and not self._filter.text:
            self._go_above()
        elif event.is_printable or event.key == "backspace":
            edited = self._filter.press(event.key, event.character)
            if edited is not None and edited != self._filter:
                self._filter = edited
                self._show()
        else:
            return False
        return True

    def _go_or_take(self) -> None:
        if self._is_path:
            self._is_opening = True
            self._read("", typed=self._filter.text)
        else:
            self._take(self.table.cursor_key)

    def _go_above(self) -> None:
        if self._listing is not None and self._listing.folder:
            self._open(self._listing.above)

    def go_up(self) -> None:
        """Esc: what narrows first, then the browser."""
        if self._filter.text:
            self._filter = Editor()
            self._show()
        else:
            self._leave("")

    @on(LineTable.RowOpened)
    def _row_opened(self, event: LineTable.RowOpened) -> None:
        event.stop()
        self._take(event.key)

    def _take(self, path: str | None) -> None:
        """Look into a folder, or end with a file."""
        entry = next((one for one in self._shown if one.path == path), None)
        if entry is None:
            return
        if entry.is_folder:
            self._open(entry.path)
        else:
            self._leave(entry.path)

    def _leave(self, path: str) -> None:
        self.leaving = True
        if self.is_current:
            cast("Screen[str]", self).dismiss(path)
