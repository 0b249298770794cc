"""A guest's serial console, as a terminal within this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events, on

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.fleet import Fleet
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.screens.combinations import choose
from kvmtui.tui.screens.viewing import CHORD_SHOWN, ViewingScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.emulator import MOST_COLUMNS, MOST_ROWS, Emulator
from kvmtui.tui.widgets.terminal_view import TerminalView

if TYPE_CHECKING:
    from kvmtui.manage.serial_console import SerialSession

_GUESTS_OWN = (80, 24)
"""Columns and rows that a guest takes its serial terminal for until it is told otherwise."""
_MOST_WAITING = 1 << 16
_COUNT_S = 1.0
_told: dict[str, tuple[int | None, tuple[int, int]]] = {}
"""What each guest was told last, and in which run: it goes on with that."""


class ConsoleScreen(ViewingScreen):
    """The serial console. It is opened again by itself when the guest starts again."""

    WHAT = "serial"
    AUTO_FOCUS = "#face"

    def __init__(self, fleet: Fleet, keys: Keys, name: str) -> None:
        self.terminal = TerminalView(Emulator(*_GUESTS_OWN), id="face")
        super().__init__(fleet, keys, name, self.terminal)
        self._session: SerialSession | None = None
        self._hungry = asyncio.Event()
        self._ended = ""
        self._opening = False
        self._lines: int | None = None
        """How many lines the guest's log has; None where it has none."""
        self._above_shown = 0
        self._silent = False
        """Whether its log, of all runs, holds nothing at all."""

    def on_mount(self) -> None:
        """Open the console."""
        super().on_mount()
        self._open()
        self.set_interval(_COUNT_S, self._follow_lines)

    def on_unmount(self) -> None:
        """Leave it to others."""
        self._close()

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    # Following the guest.

    def _open(self, *, take_over: bool = False) -> None:
        if not self._opening and self._session is None:
            self._opening = True
            self.run_worker(self._follow(take_over), group="console", exclusive=True)

    async def _follow(self, take_over: bool) -> None:
        """Show what the guest writes until it ends."""
        try:
            session = await self._fleet.console.open_serial(self.guest, take_over=take_over)
        except (KvmtuiError, OSError) as error:
            told = as_told("console", error)
            self._ended, self._failed = told.message, self.run
            if self.runs:
                self.tell_failure(self.guest, told)
            self.show_frame()
            return
        finally:
            self._opening = False
        self._session, self._ended = session, ""
        self._lines = session.lines
        self._silent = session.state.logs and not session.tail
        self.terminal.begin_anew(Emulator(*self._told_size))
        self.terminal.mute(False)
        self.terminal.feed(session.tail, old=True)
        if session.state.note:
            self.refuse(session.state.note)
        self.show_frame()
        try:
            await self._read(session)
            self._ended = "the console has ended"
        except (KvmtuiError, OSError) as error:
            told = as_told("console", error)
            self._ended, self._failed = told.message, self.run
            self.tell_failure(self.guest, told)
        finally:
            session.close()
            if self._session is session:
                self._session = None
        self.terminal.mute(True)
        self.show_frame()

    async def _read(self, session: SerialSession) -> None:
        typing, holder = session.typing, session.holder
        while not session.ended:
            self._hungry.clear()
            if self.terminal.waiting > _MOST_WAITING:
                await self._hungry.wait()
            data = await session.read()
            self.terminal.feed(data)
            if self._lines is not None:
                self._lines += data.count(b"\n")
            if data and self._silent:
                self._silent = False
                self.show_frame()
            if (session.typing, session.holder) != (typing, holder):
                typing, holder = session.typing, session.holder
                self.show_frame()

    @on(TerminalView.Hungry)
    def _wants_more(self, event: TerminalView.Hungry) -> None:
        event.stop()
        self._hungry.set()

    def guest_changed(self) -> None:
        """It paused, ended or runs again."""
        live = self.live
        if live is None:
            return
        paused = live.view.pid is not None and live.view.state != "running"
        self.terminal.mute(paused or not self.runs)
        if self._session is None and self.may_try:
            self._open()

    # What stands around it.

    def who_types(self) -> str:
        """You, or who has the console."""
        session = self._session
        if session is None:
            return "nobody"
        return "you" if session.typing else f"{_person(session.holder)}, F takes over"

    def standing(self) -> Line:
        """Sizes, or why there is no console."""
        live = self.live
        if live is not None and not self.runs:
            return self.stopped_line(live)
        if self._session is None and self._ended:
            return (Span(self._ended, "muted"),)
        if live is not None and live.view.state != "running":
            resume = f"{live.view.state}: it reads nothing until it runs again"
            return (Span(resume, "warn", bold=True),)
        if self._silent and self._session is not None:
            return (
                Span("nothing was ever written here; ", "muted"),
                Span(f"{CHORD_SHOWN} v", "accent", bold=True),
                Span(" shows the guest's screen", "muted"),
            )
        width, height = self.room
        told = self._told_size
        if (width, height) == told or self._session is None:
            return (Span(f"{told[0]}×{told[1]}", "muted"), *self._lines_above())
        return (
            Span(f"{width}×{height}, guest thinks {told[0]}×{told[1]}: ", "muted"),
            Span(f"{CHORD_SHOWN} s", "accent", bold=True),
            Span(" sends the size", "muted"),
            *self._lines_above(),
        )

    def columns(self) -> int:
        """Those of the terminal within."""
        return self.terminal.emulator.size[0]

    @property
    def above(self) -> int:
        """How many lines of the kept log are above the screen; 0 where none is kept."""
        cursor = self.terminal.emulator.cursor_row
        return max(self._lines - cursor, 0) if self._lines is not None else 0

    def _lines_above(self) -> Line:
        self._above_shown = self.above
        if not self._above_shown:
            return ()
        glyphs = self.kvmtui.glyphs
        sign = glyphs.up if glyphs.name == "ascii" else "▲"
        return (
            Span("   "),
            Span(sign, "muted", glyph=True),
            Span(f" {self._above_shown:,} line{'s'[: self._above_shown != 1]} above", "muted"),
        )

    def _follow_lines(self) -> None:
        """The count follows once a second, whatever the guest writes."""
        if self.above != self._above_shown and self._session is not None:
            self.message.set_standing(self.standing())

    def commands(self) -> dict[str, tuple[str, Callable[[], None]]]:
        """The letters after the chord."""
        commands: dict[str, tuple[str, Callable[[], None]]] = {
            "/": ("search", self._search),
            "c": ("copy", lambda: self.copy_text(self.terminal.emulator.text())),
            "k": ("keys", lambda: choose(self, self._press)),
            "p": ("paste", lambda: self.ask_paste(self.terminal.paste)),
            "s": ("size", self._send_size),
            "b": ("BREAK", self._send_break),
            "v": ("screen", self._show_screen),
            "r": ("repaint", self.kvmtui.action_repaint),
        }
        if self._session is not None and not self._session.typing:
            commands["F"] = ("take over", self._take_over)
        return commands

    # What a person does.

    def type_key(self, event: events.Key) -> None:
        """Send a key; where another types, F takes the console over."""
        session = self._session
        if session is None and event.character == "F":
            self._open(take_over=True)
        elif session is None:
            self.refuse(self._ended or "the console is being opened")
        elif session.typing:
            self.terminal.press(event)
        elif event.character == "F":
            self._take_over()
        else:
            self.refuse(f"{session.holder} types here: F takes over")

    @on(TerminalView.Typed)
    def _typed(self, event: TerminalView.Typed) -> None:
        event.stop()
        session = self._session
        if session is None or (event.answer and not session.typing):
            return
        if session.typing and not session.write(event.data) and not event.answer:
            self.refuse("the guest does not read: what is typed waits for it")

    def _take_over(self) -> None:
        session = self._session
        if session is not None:
            self.run_worker(self._taken_over(session), group="take-over", exclusive=True)

    async def _taken_over(self, session: SerialSession) -> None:
        try:
            await session.take_over()
        except (KvmtuiError, OSError) as error:
            self.tell_failure(self.guest, as_told("console", error))
        else:
            self.tell("the console is yours")
        self.show_frame()

    def _send_size(self) -> None:
        """Tell the guest the size by the command that sets it, as if it were typed."""
        width, height = min(self.room.width, MOST_COLUMNS), min(self.room.height, MOST_ROWS)
        session = self._session
        if session is None or not session.typing:
            self.refuse("only who types can send the size")
            return
        session.write(f"stty rows {height} cols {width}\r".encode())
        _told[self.guest] = (self._pid, (width, height))
        self.terminal.resize_terminal(width, height)
        self.tell(f"typed: stty rows {height} cols {width}; it needs a shell that reads it")
        self.show_frame()

    @property
    def _pid(self) -> int | None:
        return self.live.view.pid if self.live is not None else None

    @property
    def _told_size(self) -> tuple[int, int]:
        """What this run of the guest was last told from here."""
        pid, size = _told.get(self.guest, (None, _GUESTS_OWN))
        return size if pid == self._pid else _GUESTS_OWN

    def _show_screen(self) -> None:
        """Look at the guest's display instead."""
        from kvmtui.tui.screens.display import DisplayScreen

        self.app.switch_screen(DisplayScreen(self._fleet, self._keys, self.guest))

    def _search(self) -> None:
        log = self._fleet.console.kept_log(self.guest, width=self.size.width - 1)
        self.search(log, "the console's log")

    def _send_break(self) -> None:
        self.run_worker(self._break_sent(), group="keys")

    async def _break_sent(self) -> None:
        try:
            outcome = await self._fleet.console.send_break(self.guest)
        except (KvmtuiError, OSError) as error:
            self.tell_failure(self.guest, as_told("console", error))
        else:
            self.tell(outcome.message)

    def _press(self, keys: str) -> None:
        self.run_worker(self._pressed(keys), group="keys")

    async def _pressed(self, keys: str) -> None:
        """Press keys of the guest's keyboard, which is not its serial console."""
        try:
            await self._fleet.console.press_keys(self.guest, [keys])
        except (KvmtuiError, OSError) as error:
            self.refuse(as_told("type", error).message)
        else:
            self.tell(f"{keys} pressed on the guest's keyboard")


def _person(holder: str) -> str:
    """Who holds a console, as short as that can be said."""
    return holder.rpartition("console of ")[2].rstrip(")") or holder
