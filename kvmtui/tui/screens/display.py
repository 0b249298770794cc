"""A guest's display: its text screen as text, a graphics mode as a picture of half blocks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on

from kvmtui.errors import ConnectionLost, KvmtuiError, as_told
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.pointing import Deed
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.render import vga
from kvmtui.tui.render.confirm import question_secret
from kvmtui.tui.screens.combinations import choose
from kvmtui.tui.screens.display_picture import DisplayPicture
from kvmtui.tui.screens.viewing import CHORD_SHOWN, ViewingScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.cell_view import Cells
from kvmtui.tui.widgets.display_view import DisplayView

if TYPE_CHECKING:
    from kvmtui.manage.screens import Picture, TextMirror, TextScreen
    from kvmtui.tui.widgets.dialog import Answer

FRAME_S = 0.046
"""Between two looks at a text screen."""
_REST_S = 0.01
_RESTING_S, _RESTS_FRAMES = 0.1, 50
"""Between looks at a text screen that has not changed for so many frames."""
_BUSY_FRAME_S, _BUSY_ROWS = 0.25, 5
"""Where so many rows change in each frame, fewer frames are sent."""
_SELDOM_S = 0.5
"""Where others have all monitors that can be held."""
_AGAIN_S = 1.0
_ENDS_WITHIN_S = 3.0
"""How long a guest that closed its monitor may still count as running."""
_MOST_DEEDS = 200
_NAMED = {
    **{"escape": "esc", "enter": "ret", "pageup": "pgup", "pagedown": "pgdn"},
    **{"delete": "delete", "space": "spc", "circumflex_accent": "6", "at": "2"},
    **{"left_square_bracket": "bracket_left", "right_square_bracket": "bracket_right"},
    **{"backslash": "backslash", "underscore": "minus", "minus": "minus"},
}


class DisplayScreen(ViewingScreen):
    """The display. It is looked at only while it is seen, and again when the guest starts."""

    WHAT = "screen"
    ALIASES: ClassVar[dict[str, str]] = {"p": "t"}
    AUTO_FOCUS = "#face"

    def __init__(self, fleet: Fleet, keys: Keys, name: str) -> None:
        super().__init__(fleet, keys, name, DisplayView(id="face"))
        self.view.can_focus = True
        self._facts = ""
        self._ended = ""
        self._text: TextScreen | None = None
        self._picture: Picture | None = None
        self._typed: deque[tuple[str, bool]] = deque()
        self._typed_some = asyncio.Event()
        self._pointed: deque[Deed] = deque(maxlen=_MOST_DEEDS)
        self._pointed_some = asyncio.Event()
        self._looking = False
        self._again = asyncio.Event()
        """Set to look at once."""
        self._same = 0
        """How many frames were as the one before."""
        self._drawing = DisplayPicture(lambda: self.kvmtui, self.view, lambda: self.room)

    def on_mount(self) -> None:
        """Begin to look."""
        super().on_mount()
        self._look()
        self.run_worker(self._type(), group="typing")
        self.run_worker(self._point(), group="pointing")

    # Looking.

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self.run_worker(self._follow(), group="display", exclusive=True)

    async def _follow(self) -> None:
        """Show the display until the guest ends or one leaves."""
        try:
            async with self._fleet.console.mirror(self.guest) as mirror:
                self._ended = ""
                self.view.mute(False)
                due = time.monotonic()
                while self.runs:
                    due += await self._show(mirror)
                    now = time.monotonic()
                    due = max(due, now + _REST_S)
                    await self._rest(due - now)
        except (KvmtuiError, OSError) as error:
            told = as_told("screen", error)
            self._ended, self._failed = told.message, self.run
            if isinstance(error, ConnectionLost):
                # Most likely the guest has ended, which is seen at the next look.
                await self._until_ended()
            if self.runs:
                self.tell_failure(self.guest, told)
        finally:
            self._looking = False
        if self._picture is not None and self.is_attached:
            await self._drawing.show(vga.faded(self._picture), plain=True)
        self.view.mute(self._picture is None)
        self.show_frame()

    async def _until_ended(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN_S):
                while self.runs:
                    self._again.clear()
                    await self._again.wait()

    async def _rest(self, pause_s: float) -> None:
        """Wait until the next look."""
        if pause_s <= FRAME_S:
            await asyncio.sleep(pause_s)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._again.wait()
        self._again.clear()

    async def _show(self, mirror: TextMirror) -> float:
        """Show one frame; returns how long to wait for the next."""
        if self.app.screen is not self and not self.is_current:
            return _AGAIN_S
        text = await mirror.frame()
        if text is None:
            return await self._show_picture(mirror.picture)
        if self._picture is not None:
            self._picture = None
            self._drawing.forget()
        before, self._text = self._text, text
        same = before is not None and before.columns == text.columns
        width = text.columns * 2
        changed: list[tuple[int, Cells]] = []
        for row in range(text.rows):
            place = slice(row * width, (row + 1) * width)
            if not same or before is None or before.cells[place] != text.cells[place]:
                changed.append((row, vga.text_row(text, row)))
        if not same or before is None or before.rows != text.rows:
            self.view.set_rows([cells for _, cells in changed], text.cursor)
        else:
            self.view.set_some(changed, text.cursor)
        self._tell_facts(f"text {text.columns}×{text.rows}")
        self._same = 0 if changed or not same else self._same + 1
        if mirror.is_short:
            return _SELDOM_S
        if self._same > _RESTS_FRAMES:
            return _RESTING_S
        return _BUSY_FRAME_S if same and len(changed) > _BUSY_ROWS else FRAME_S

    async def _show_picture(self, picture: Picture | None) -> float:
        if picture is None:
            return _AGAIN_S
        self._picture, self._text = picture, None
        if self.app.screen is not self:
            # What lies over this screen would be under the picture.
            return _AGAIN_S
        self._place()
        await self._drawing.show(picture, plain=self.toast.shown)
        self._tell_facts(f"graphics {picture.width}×{picture.height}")
        return self._drawing.pause_s

    def _tell_facts(self, facts: str) -> None:
        if facts != self._facts:
            self._facts = facts
            self.show_frame()

    def guest_changed(self) -> None:
        """It runs again, or has ended."""
        if not self.runs:
            self._again.set()
        if self.may_try:
            self._look()

    def on_resize(self, event: events.Resize) -> None:
        """A picture is drawn for the new size."""
        super().on_resize(event)
        self._drawing.forget()
        self._again.set()

    def on_screen_resume(self) -> None:
        """A picture is drawn again where something lay over it."""
        super().on_screen_resume()
        self._again.set()

    def on_screen_suspend(self) -> None:
        """What lies over the screen lies over cells, not over a picture."""
        super().on_screen_suspend()
        self._drawing.forget()

    def on_unmount(self) -> None:
        """A picture is nothing that another screen would write over."""
        self._drawing.forget()

    # What stands around it.

    def facts(self) -> str:
        """The mode of the display."""
        return self._facts

    def standing(self) -> Line:
        """How much of it is seen, or why none is."""
        live = self.live
        if live is not None and not self.runs:
            return self.stopped_line(live)
        if self._ended:
            return (Span(self._ended, "muted"),)
        if self._picture is not None:
            return (
                Span(f"a graphics mode, {self._drawn_as()}: ", "muted"),
                Span(f"{CHORD_SHOWN} y", "accent", bold=True),
                Span(" shows how to see it whole", "muted"),
            )
        text = self._text
        if text is None:
            return ()
        width, height = self.room
        if width >= text.columns and height >= text.rows:
            return (Span("seen whole", "muted"),)
        return (Span(f"{width}×{height} of {text.columns}×{text.rows} are seen", "muted"),)

    def _drawn_as(self) -> str:
        shown = self.kvmtui.preferences.pictures != "off"
        return "as a picture" if shown else "not drawn (pictures: off)"

    def columns(self) -> int:
        """Those of a text screen; a picture takes all."""
        return self._text.columns if self._text is not None else 0

    def commands(self) -> dict[str, tuple[str, Callable[[], None]]]:
        """The letters after the chord."""
        return {
            "k": ("Ctrl-Alt-Del …", self._choose_keys),
            "t": ("type text", lambda: self.ask_paste(self._type_text)),
            "/": ("search", self._search),
            "c": ("copy", self._copy),
            "y": ("viewer", self._copy_viewer),
            "w": ("VNC password", self._ask_password),
        }

    # What a person does.

    def type_key(self, event: events.Key) -> None:
        """Press a key of the guest's keyboard."""
        if event.character is not None and event.character.isprintable() and "+" not in event.key:
            self._press(event.character, is_text=True)
        else:
            self._press(key_name(event.key))

    def _press(self, word: str, *, is_text: bool = False) -> None:
        """Have a text typed, or a combination of keys pressed."""
        self._same = 0
        if word:
            self._typed.append((word, is_text))
            self._typed_some.set()

    def on_paste(self, event: events.Paste) -> None:
        """Type a paste."""
        event.stop()
        self._type_text(event.text)

    def _type_text(self, text: str) -> None:
        self._press(text, is_text=True)

    async def _type(self) -> None:
        """Press keys in the order they came; what comes meanwhile goes in one."""
        console = self._fleet.console
        while True:
            await self._typed_some.wait()
            word, is_text = self._typed.popleft()
            while is_text and self._typed and self._typed[0][1]:
                word += self._typed.popleft()[0]
            if not self._typed:
                self._typed_some.clear()
            try:
                if is_text:
                    # What cannot be typed is named nowhere: it may be of a password.
                    await console.type_text(self.guest, word, secret=len(word) > 1)
                else:
                    await console.press_keys(self.guest, [word])
            except (KvmtuiError, OSError) as error:
                self.refuse(as_told("type", error).message)

    @on(DisplayView.Pointed)
    def _was_pointed(self, event: DisplayView.Pointed) -> None:
        """Take what the mouse did; of moves in a row the last counts."""
        if not self.runs:
            return
        moved = event.button is None
        if moved and self._pointed and self._pointed[-1].button is None:
            self._pointed.pop()
        self._pointed.append(Deed(event.x, event.y, event.button, event.down))
        self._pointed_some.set()

    async def _point(self) -> None:
        """Do what the mouse did in the guest; what comes meanwhile goes in one."""
        while True:
            await self._pointed_some.wait()
            self._pointed_some.clear()
            deeds = list(self._pointed)
            self._pointed.clear()
            try:
                await self._fleet.console.point(self.guest, deeds)
            except (KvmtuiError, OSError) as error:
                self.refuse(as_told("mouse", error).message)

    def _choose_keys(self) -> None:
        def then(keys: str) -> None:
            self._press(keys)
            self.tell(f"{keys} pressed")

        choose(self, then)

    def _search(self) -> None:
        if self._text is None:
            self.refuse("there is no text on the screen")
        else:
            from kvmtui.tui.screens.scrollback import FewLines

            self.search(FewLines(self._text.lines()), "text on the screen")

    def _copy(self) -> None:
        self.copy_text(self._text.lines() if self._text is not None else [])

    def _ask_password(self) -> None:
        def answered(answer: Answer) -> None:
            self.run_worker(self._set_password(answer.text), group="password", exclusive=True)

        label = "At most 8 characters, not shown, until the guest ends"
        question = question_secret(f"VNC password of {self.guest}", label, "Set")
        self.kvmtui.ask(question, "", [self.guest], answered)

    async def _set_password(self, password: str) -> None:
        try:
            outcome = await self._fleet.console.set_vnc_password(self.guest, password)
        except (KvmtuiError, OSError) as error:
            self.tell_failure(self.guest, as_told("password", error))
        else:
            self.kvmtui.told(outcome)

    def _copy_viewer(self) -> None:
        self.run_worker(self._tell_viewer(), group="viewer", exclusive=True)

    async def _tell_viewer(self) -> None:
        try:
            lines = await self._fleet.console.viewer(self.guest)
        except (KvmtuiError, OSError) as error:
            self.tell_failure(self.guest, as_told("screen", error))
        else:
            note = f" ({lines.note})" if lines.note else ""
            self.copy_told(
                lines.ssh, "", f"run it on your own machine, and {lines.viewer} there{note}"
            )


def key_name(key: str) -> str:
    """A key of Textual's as the guest's keyboard has it: ``ctrl+pageup`` is ctrl-pgup."""
    *modifiers, base = key.split("+")
    return "-".join([*modifiers, _NAMED.get(base, base)])
