"""One viewer of a guest's serial console. Of all viewers one types, the others read the log.

QEMU's serial socket serves one client and lets a second wait without a word, so who types
holds it under a lock file of the guest's folder. Who wants to type in its place writes a wish
beside it, at which the holder gives the console up and reads on. Nothing here waits: the
command line turns it in a loop of its own, the interface in asyncio's.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from kvmtui.durable import give_to_owner_of, open_regular, reading
from kvmtui.guest.folder import CONSOLE_LOG, PID, RUN, RUN_LOCK, SERIAL
from kvmtui.guest.history import acting_user
from kvmtui.qemu.claimed import ClaimedSocket
from kvmtui.qemu.claims import holders
from kvmtui.qemu.process import is_held, lock_holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.folder import GuestFolder

STEP_S = 0.25
"""How often `step` should be called."""
_WISH = ".serial.wish"
_WISH_HOLDS_S = 4.0
_PIECE_BYTES = 1 << 16
_TAIL_BYTES = 16384
_HEARD_BYTES = 16


class SerialLine(ClaimedSocket):
    """A viewer, from `open` to `close`.

    Args:
        folder: The guest's.
        logs: Whether the guest's console is logged, so that others than who types can read.

    Attributes:
        typing: Whether this viewer has the socket: what it writes reaches the guest.
        reads_only: Whether it does not take the socket, though that is free.
        ended: Whether the guest's QEMU is gone; what it said before is still read.
    """

    def __init__(self, folder: GuestFolder, *, logs: bool = True) -> None:
        super().__init__(folder.at(RUN), folder.place, f"console of {acting_user()}")
        self._folder = folder
        self._logs = logs
        self._offset = 0
        """How much of the log is read, or came over the socket instead: that is logged too."""
        self._joined = False
        """Whether the socket has said something since it was taken; until then the log does."""
        self._heard = b""
        """The end of what came over the socket."""
        self._all_read = False
        self._token = os.urandom(8).hex()
        self._wish_seen = ""
        self.typing = False
        self.reads_only = False
        self.ended = False

    @property
    def holder(self) -> str:
        """Who types: ``pid 7 (console of ops)``; empty where it is this viewer."""
        if self.typing:
            return ""
        return next(iter(holders(self._folder.place, (SERIAL,))), "another")

    def open(self) -> None:
        """Take the socket where nobody has it, else begin to read the log.

        Raises:
            OSError: The socket cannot be reached: the guest is gone, or no longer serves it.
        """
        self._offset = self._log_size()
        self._wish_seen, _ = self._wish()
        if not self._take():
            self._follow()

    def ask_for_it(self) -> None:
        """Wish to type: who does gives the console up within a moment; `step` then takes it."""
        path = self._folder.at(_WISH)
        fd = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
        try:
            wish = {"token": self._token, "at": time.time()}
            os.write(fd, json.dumps(wish).encode())
            if os.geteuid() == 0:
                give_to_owner_of(self._folder.place, fd)
        finally:
            os.close(fd)

    def step(self) -> None:
        """Give the console up where another wishes it, take it where it is free."""
        if self.typing:
            token, _ = self._wish()
            if token not in (self._wish_seen, self._token):
                self.let_go()
            return
        if not is_held(self._folder.at(RUN_LOCK)) and not lock_holder(self._folder.at(RUN, PID)):
            self.ended = True
        elif not self.reads_only and not self._others_turn():
            with contextlib.suppress(OSError):
                self._take()

    def let_go(self) -> None:
        """Give the console up and read its log."""
        self._give_back()
        self.typing = False
        self._wish_seen, _ = self._wish()
        self._follow()

    def close(self) -> None:
        """Leave; the guest goes on."""
        self._give_back()
        self.typing = False

    def fileno(self) -> int:
        """The socket, to be waited on; -1 while the log is read."""
        return -1 if self._socket is None else self._socket.fileno()

    def hear(self) -> bytes | None:
        """What came over the socket since, a piece of it; touches no file.

        None where only `read` can tell: the log is read, or the socket has come to its end.
        """
        connection = self._socket
        if connection is None or not self._joined:
            return None
        try:
            data = connection.recv(_PIECE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            return None
        self._count(data)
        return data or None

    def read(self) -> bytes:
        """What the guest wrote since, a piece of it; empty where that is nothing, or the end.

        What it wrote while nobody had the socket is in the log alone, so that is read up to
        where the socket begins.
        """
        if self._socket is None:
            return b"" if self._all_read else self._read_log()
        # What is logged by now and does not come over the socket now will not come over it.
        logged = self._log_size() if self._logs and not self._joined else 0
        if logged - self._offset >= _PIECE_BYTES:
            return self._read_log()
        try:
            data = self._socket.recv(_PIECE_BYTES)
        except BlockingIOError:
            return self._read_log(logged)
        except OSError:
            data = b""
        if not data:
            self._all_read = self._joined or not self._logs
            self.close()
            self.ended = True
            return self.read()
        before = b""
        if not self._joined:
            before = self._read_log(logged)
            common = _common(before, data)
            before = before[: len(before) - common]
            self._offset -= common
            self._joined = True
        self._count(data)
        return before + data

    def read_rest(self) -> bytes:
        """All that the guest wrote and that is not yet read; for when it has ended."""
        return b"".join(iter(self.read, b""))

    def write(self, data: bytes) -> int:
        """Send what was typed; how much of it went. A guest that does not read takes none."""
        connection = self._socket
        if connection is None:
            return 0
        try:
            return connection.send(data)
        except OSError:
            return 0

    def tail(self) -> bytes:
        """The end of this run's log up to where reading begins: the socket repeats nothing."""
        begin = (self._folder.start_record() or {}).get("console_offset", 0)
        if not isinstance(begin, int) or not 0 <= begin <= self._offset:
            begin = 0
        begin = max(begin, self._offset - _TAIL_BYTES)
        with contextlib.suppress(OSError), reading(self._folder.at(CONSOLE_LOG)) as file:
            file.seek(begin)
            return file.read(self._offset - begin)
        return b""

    def _count(self, data: bytes) -> None:
        """Something came over the socket, and so it is in the log."""
        self._offset += len(data)
        self._heard = (self._heard + data)[-_HEARD_BYTES:]

    def _take(self) -> bool:
        self._joined = False
        self._heard = b""
        try:
            self.typing = self._connect(SERIAL)
        except BaseException:
            self._give_back()
            raise
        return self.typing

    def _follow(self) -> None:
        size = self._log_size()
        if self._offset <= size:
            self._offset += self._logged_again()
        else:
            # A log that could not be written (a full disk) has less than came over the socket.
            self._offset = size

    def _logged_again(self) -> int:
        """How many bytes the log has more of what came over the socket.

        QEMU (7.2) logs a byte that it could not send and again when it is sent: one each time
        that who has the socket reads too slowly, after some 280 bytes.
        """
        begin = self._offset - len(self._heard)
        if begin < 0 or not self._heard:
            return 0
        with contextlib.suppress(OSError), reading(self._folder.at(CONSOLE_LOG)) as file:
            file.seek(begin)
            return max(file.read(_PIECE_BYTES).find(self._heard), 0)
        return 0

    def _log_size(self) -> int:
        try:
            return os.stat(self._folder.at(CONSOLE_LOG)).st_size
        except OSError:
            return 0

    def _read_log(self, end: int | None = None) -> bytes:
        """The next piece of the log, up to ``end`` at the most."""
        size = _PIECE_BYTES if end is None else min(_PIECE_BYTES, end - self._offset)
        if not self._logs or size <= 0:
            return b""
        with contextlib.suppress(OSError), reading(self._folder.at(CONSOLE_LOG)) as file:
            if os.fstat(file.fileno()).st_size < self._offset:
                self._offset = 0
            file.seek(self._offset)
            data = file.read(size)
            self._offset += len(data)
            return data
        return b""

    def _wish(self) -> tuple[str, float]:
        """Who last asked for the console, by its token, and when."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with reading(self._folder.at(_WISH)) as file:
                wish = json.loads(file.read(500))
            return str(wish["token"]), float(wish["at"])
        return self._wish_seen, 0.0

    def _others_turn(self) -> bool:
        """Whether another asked for the console just now."""
        token, when = self._wish()
        return token != self._token and abs(time.time() - when) < _WISH_HOLDS_S


def _common(before: bytes, data: bytes) -> int:
    """How many bytes at the end of one are the begin of the other."""
    end, begin = memoryview(before), memoryview(data)
    place = before.find(data[:1], max(0, len(before) - len(data)))
    while place >= 0 and end[place:] != begin[: len(before) - place]:
        place = before.find(data[:1], place + 1)
    return len(before) - place if place >= 0 else 0
