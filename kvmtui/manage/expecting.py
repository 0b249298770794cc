"""Running a console script on a guest."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from kvmtui.durable import write_atomically
from kvmtui.errors import KvmtuiError, StateError
from kvmtui.guest.library import Library
from kvmtui.manage import black_box, screens, typing_keys
from kvmtui.manage.expect_script import Script, Step
from kvmtui.manage.lending import Lender
from kvmtui.manage.power import is_running
from kvmtui.manage.serial_console import SerialSession, open_session
from kvmtui.manage.views import Outcome
from kvmtui.qemu import keyboard
from kvmtui.qemu.picture import grab
from kvmtui.text import without_escapes

_WINDOW_CHARACTERS = 1 << 18
_FRAME_S = 0.1
_SELDOM_S = 0.5
"""Where others have all monitors that can be held."""
_SEND_LIMIT_S = 30.0
_BEGUN = re.compile(rb"\x1b(?:[ -/]*|\[[0-?]*[ -/]*|[P\]X^_][^\x07\x1b\r\n]*\x1b?)\Z")
_LONGEST_BEGUN = 1024


class StepDone(NamedTuple):
    """A step that came through."""

    number: int
    """From 1."""
    words: str
    took_s: float
    found: str
    """The text that was waited for, as it came."""


class ConsoleText:
    """What a console says as text, in pieces: one may end amid an escape or a character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = b""

    def feed(self, data: bytes) -> str:
        """The text of a piece, without what is not yet whole."""
        data = self._held + data
        begun = _BEGUN.search(data)
        whole = len(data)
        if begun is not None and whole - begun.start() <= _LONGEST_BEGUN:
            whole = begun.start()
        self._held = data[whole:]
        # Carriage returns would be before each line's end that a person thinks of.
        return self._decoder.decode(without_escapes(data[:whole]).replace(b"\r", b""))


class _Run:
    """One run of a script."""

    def __init__(self, library: Library, name: str, script: Script, session: SerialSession | None):
        self._library = library
        self._name = name
        self._script = script
        self._serial = session
        self._said = ""
        self._text = ConsoleText()
        self._lender = Lender(library.place(name), f"kvmtui expect {name}")
        self._mirror = screens.TextMirror(self._lender.monitor)
        if session is not None:
            # A prompt that waits already was said before we came.
            self._said = self._text.feed(session.tail).rpartition("\n")[2]

    async def close(self) -> None:
        await self._lender.close()
        if self._serial is not None:
            self._serial.close()

    async def step(self, step: Step) -> str:
        """Do a step; what was found by a wait."""
        side = self._script.side(step)
        limit_s = self._script.limit_s(step)
        if step.wait is not None:
            return await self._wait(re.compile(step.wait), side, limit_s)
        if step.type is not None:
            await self._type(step.type, side)
        elif step.type_variable is not None:
            text = os.environ.get(step.type_variable)
            if text is None:
                raise StateError(f"the environment has no variable {step.type_variable}")
            await self._type(text, side, secret=True)
        elif step.screenshot is not None:
            await self._save(step.screenshot)
        else:
            strokes = [keyboard.stroke_named(one) for one in step.combinations()]
            await self._press(strokes)
        return ""

    async def _wait(self, pattern: re.Pattern[str], side: str, limit_s: float) -> str:
        deadline = time.monotonic() + limit_s
        while True:
            alive = is_running(self._library, self._library.folder(self._name))
            if not alive and self._serial is not None:
                self._hear(await self._serial.read_rest())
            found = await (self._look_serial(pattern) if side == "serial" else self._look(pattern))
            if found is not None:
                return found
            if not alive:
                raise StateError("the guest ended")
            if time.monotonic() >= deadline:
                raise StateError(f"did not come within {limit_s:g} s")

    async def _look_serial(self, pattern: re.Pattern[str]) -> str | None:
        """Look at what the console said since the last text that was waited for."""
        assert self._serial is not None
        if (found := pattern.search(self._said)) is None:
            self._hear(await self._serial.read())
            found = pattern.search(self._said)
        if found is None:
            return None
        self._said = self._said[found.end() :]
        return found[0]

    def _hear(self, data: bytes) -> None:
        self._said = (self._said + self._text.feed(data))[-_WINDOW_CHARACTERS:]

    async def _look(self, pattern: re.Pattern[str]) -> str | None:
        text = await self._mirror.frame()
        found = pattern.search("\n".join(text.lines())) if text is not None else None
        if found is None:
            await asyncio.sleep(_SELDOM_S if self._mirror.is_short else _FRAME_S)
            return None
        return found[0]

    async def _type(self, text: str, side: str, *, secret: bool = False) -> None:
        if side == "screen":
            layout = self._script.layout or typing_keys.layout_of(self._library, self._name)
            await self._press(keyboard.strokes_of(text, layout, secret=secret))
            return
        assert self._serial is not None
        if not self._serial.typing:
            raise StateError(f"the console was taken over by {self._serial.holder}")
        data = text.replace("\r\n", "\r").replace("\n", "\r").encode()
        deadline = time.monotonic() + _SEND_LIMIT_S
        sent = self._serial.write(data)
        while not sent:
            if time.monotonic() >= deadline:
                raise StateError("the guest does not read its console")
            self._hear(await self._serial.read())
            sent = self._serial.write(b"")

    async def _press(self, strokes: list[keyboard.Stroke]) -> None:
        await typing_keys.press_by(self._mirror.lend, strokes, self._name)

    async def _save(self, file: str) -> None:
        text = await self._mirror.frame()
        path = os.path.abspath(file)
        if not path.endswith(".txt"):
            async with self._mirror.lend() as monitor:
                grabbed = await grab(monitor)
            data = await asyncio.to_thread(grabbed.png)
        elif text is not None:
            data = "".join(f"{line}\n" for line in text.lines()).encode()
        else:
            raise StateError("the display is in a graphics mode: save a picture, not a .txt")
        await asyncio.to_thread(write_atomically, path, data)


async def expect(
    library: Library,
    name: str,
    script: Script,
    tell: Callable[[StepDone], None] | None = None,
    *,
    take_over: bool = False,
) -> Outcome:
    """Run a script.

    Args:
        tell: Gets each step that came through.
        take_over: Type on the serial console in place of who does.

    Raises:
        StateError: A step failed: names it; screen and logs are in a report of the black box.
        BusyError: The script types on the serial console, and another has it.
    """
    folder = library.folder(name)
    screens.refuse_stopped(library, folder)
    serial = [step for step in script.steps if script.side(step) == "serial"]
    session = None
    if serial:
        session = await open_session(library, name, take_over=take_over)
        if any(step.wait is None for step in serial) and not session.typing:
            holder = session.holder
            session.close()
            raise KvmtuiError(
                f"{name}'s console is used by {holder}", hint="add --take-over, or wait for its end"
            )
        if all(step.wait is not None for step in serial) and session.state.logs:
            await session.let_go()
    run = _Run(library, name, script, session)
    began = time.monotonic()
    try:
        for number, step in enumerate(script.steps, start=1):
            start = time.monotonic()
            try:
                found = await run.step(step)
            except (KvmtuiError, OSError) as error:
                await run.close()
                reason = error.message if isinstance(error, KvmtuiError) else str(error)
                raise await _failed(library, name, number, step, reason) from None
            if tell is not None:
                tell(StepDone(number, step.words, time.monotonic() - start, found))
    finally:
        await run.close()
    took_s = time.monotonic() - began
    return Outcome(name, "expect", True, f"{name}: {len(script.steps)} steps in {took_s:.1f} s")


async def _failed(library: Library, name: str, number: int, step: Step, reason: str) -> StateError:
    """The failure, with what could be had of the guest beside it."""
    folder = library.folder(name)
    hint = f"kvmtui screen {name}, kvmtui logs {name}"
    alive = is_running(library, folder)
    with contextlib.suppress(OSError, KvmtuiError):
        report = await asyncio.to_thread(
            lambda: black_box.collect(library, folder, "expect", alive=alive, when=time.time())
        )
        hint = f"look into {report.path}: its last screen, console and events"
    return StateError(f"{name}: step {number}, {step.words}: {reason}", hint=hint)
