"""QMP sessions that are held, to ask many guests the same few questions again and again.

The standard library alone: no asyncio, one poll loop for all guests. Of a guest's four
monitors one of the first three is claimed; the last is for commands, so a held session
never keeps a command waiting. All questions of a round go out in one write and their
answers come in order.
"""

from __future__ import annotations

import select
import time
from collections import deque

from kvmtui.qemu.claimed import ClaimedSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Question = tuple[str, bytes]
    """A name for the answer, and the command as a line."""

GREETING_S = 1.0
AGAIN_S = 2.0
_PIECE_BYTES = 1 << 15
_MOST_BYTES = 8 << 20
_CAPABILITIES = ("", b'{"execute":"qmp_capabilities"}\n')

TAKEN = "its monitors are taken"
SILENT = "does not answer"
UNREACHABLE = "its monitor cannot be reached"


class HeldMonitor(ClaimedSocket):
    """The session with one guest.

    Args:
        run: The folder of the sockets.
        locks: The folder of their lock files.
        monitors: The guest's monitors; the last one is never taken.
        purpose: Who asks, for the lock file.

    Attributes:
        trouble: Why the last questions have no answers; empty where they have.
        answers: The answers to the last questions, by their names; errors included.
        answered: When the last of them came (`time.monotonic`).
    """

    def __init__(self, run: str, locks: str, monitors: Sequence[str], purpose: str) -> None:
        super().__init__(run, locks, purpose)
        self._monitors = tuple(monitors[:-1])
        self._foreign: set[str] = set()
        self._name = ""
        self._due: deque[str] = deque()
        self._asked = 0.0
        self._negotiated = False
        self._greeted = False
        self._again = 0.0
        self.trouble = ""
        self.answers: dict[str, bytes] = {}
        self.answered = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a session is held, or begun."""
        return self._socket is not None

    def fileno(self) -> int:
        """The socket's descriptor, -1 where none is open."""
        return -1 if self._socket is None else self._socket.fileno()

    def close(self, trouble: str = "") -> None:
        """Let go of the monitor; the guest goes on."""
        self._give_back()
        self._due.clear()
        self._negotiated = self._greeted = False
        self.answers = {}
        self.trouble = trouble

    def open(self, now: float) -> bool:
        """Claim a monitor and begin a session, if there is one to be had.

        Args:
            now: The moment (`time.monotonic`); a failure is tried again after 2 s.
        """
        if self._socket is not None:
            return True
        if now < self._again:
            return False
        trouble = self._open_one()
        if not trouble:
            return True
        self.close(trouble)
        self._again = now + AGAIN_S
        return False

    def _open_one(self) -> str:
        """Why none could be opened; empty where one was."""
        trouble = SILENT if self._foreign else TAKEN
        candidates = [name for name in self._monitors if name not in self._foreign]
        if not candidates:
            self._foreign.clear()
        for name in candidates:
            try:
                if not self._connect(name):
                    continue
            except BlockingIOError:
                # A foreign client holds it, and others wait.
                self._give_back()
                continue
            except OSError as error:
                return f"{UNREACHABLE}: {error.strerror}"
            self._name = name
            return ""
        return trouble

    def ask(self, questions: Iterable[Question], now: float) -> bool:
        """Send questions, where the last ones were answered.

        Returns:
            Whether they were sent. Answers that came too late are thrown away.
        """
        if self._due:
            self.take(now)
        if self._due or self._socket is None:
            self.answers = {}
            return False
        batch = list(questions)
        if not self._negotiated:
            batch.insert(0, _CAPABILITIES)
        data = b"".join(line for _, line in batch)
        try:
            sent = self._socket.send(data)
        except OSError:
            sent = -1
        if sent != len(data):
            self._lost(now)
            return False
        self.answers = {}
        self._negotiated = True
        self._due.extend(name for name, _ in batch)
        self._asked = now
        return True

    def _lost(self, now: float) -> None:
        self.close(UNREACHABLE)
        self._again = now + AGAIN_S

    def take(self, now: float) -> bool:
        """Take in what has come, without waiting.

        Returns:
            Whether nothing is due any more.
        """
        connection = self._socket
        if connection is None:
            return True
        while True:
            try:
                data = connection.recv(_PIECE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data or len(self._buffer) > _MOST_BYTES:
                self._lost(now)
                return True
            self._buffer += data
            if len(data) < _PIECE_BYTES:
                break
        were_due = bool(self._due)
        self._sort_lines()
        if self._due:
            self._doubt(now)
            return self._socket is None
        if were_due:
            self.answered = now
        self.trouble = ""
        return True

    def _sort_lines(self) -> None:
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if line.startswith((b'{"timestamp"', b'{"QMP"')):
                self._greeted = True
            elif self._due and len(line) > 1:
                name = self._due.popleft()
                if name:
                    self.answers[name] = line

    def _doubt(self, now: float) -> None:
        """Say that answers are due; leave one who does not even greet to the next monitor."""
        self.trouble = SILENT
        if not self._greeted and now - self._asked > GREETING_S:
            self._foreign.add(self._name)
            self.close(SILENT)


class HeldMonitors:
    """The sessions with many guests: asked at once, waited for together.

    Args:
        purpose: Who asks.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._held: dict[str, HeldMonitor] = {}
        self._poll: Any = select.poll()
        self._registered: dict[int, str] = {}
        self._waiting: set[str] = set()

    def close(self) -> None:
        """Let go of all."""
        for key in list(self._held):
            self.leave(key)

    def leave(self, key: str) -> None:
        """Let go of one guest's monitor."""
        held = self._held.pop(key, None)
        if held is not None:
            self._unregister(held.fileno())
            held.close()

    def hold(self, key: str, run: str, locks: str, monitors: Sequence[str]) -> HeldMonitor:
        """The session with a guest, begun where it can be."""
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = HeldMonitor(run, locks, monitors, self._purpose)
        if not held.is_open and held.open(time.monotonic()):
            self._registered[held.fileno()] = key
            self._poll.register(held.fileno(), select.POLLIN)
        return held

    def held(self, key: str) -> HeldMonitor:
        """The session with a guest that `hold` was called for."""
        return self._held[key]

    def send(self, questions: Mapping[str, Sequence[Question]]) -> None:
        """Ask guests whose session is held; the answers are taken by `wait`.

        One that is late is not asked again, nor waited for, until it has caught up.
        """
        now = time.monotonic()
        self._waiting = set()
        for key, asked in questions.items():
            held = self._held.get(key)
            if held is None or not held.is_open:
                continue
            descriptor = held.fileno()
            if held.ask(asked, now):
                self._waiting.add(key)
            if not held.is_open:
                self._unregister(descriptor)

    def wait(self, limit_s: float) -> None:
        """Wait for those who were asked, for all of them together so long and no longer."""
        deadline = time.monotonic() + limit_s
        waiting = self._waiting
        while waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            for descriptor, _ in self._poll.poll(left * 1000):
                key = self._registered.get(descriptor)
                held = self._held.get(key) if key is not None else None
                if key is None or held is None:
                    self._unregister(descriptor)
                    continue
                if held.take(time.monotonic()):
                    waiting.discard(key)
                if not held.is_open:
                    self._unregister(descriptor)
        now = time.monotonic()
        for key in waiting:
            held = self._held[key]
            descriptor = held.fileno()
            held.take(now)
            if not held.is_open:
                self._unregister(descriptor)

    def _unregister(self, descriptor: int) -> None:
        if self._registered.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)
