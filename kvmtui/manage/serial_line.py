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

from kvmtui.durable import give_to_owner_of
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


class SerialLine(ClaimedSocket):
    """A viewer, from `open` to `close`.

    Args:
        folder: The guest's.
        logs: Whether the guest's console is logged, so that others than who types can read.

    Attributes:
        typing: Whether this viewer has the socket: what it writes reaches the guest.
        ended: Whether the guest's QEMU is gone; what it said before is still read.
    """

    def __init__(self, folder: GuestFolder, *, logs: bool = True) -> None:
        super().__init__(folder.at(RUN), folder.place, f"console of {acting_user()}")
        self._folder = folder
        self._logs = logs
        self._offset = 0
        self._token = os.urandom(8).hex()
        self._wish_seen = ""
        self.typing = False
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
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(path, flags, 0o600)
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
        elif not self._others_turn():
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

    def read(self) -> bytes:
        """What the guest wrote since; empty where that is nothing, or the end."""
        if self._socket is None:
            return self._read_log()
        try:
            data = self._socket.recv(_PIECE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.close()
            self.ended = True
        return data

    def write(self, data: bytes) -> int:
        """Send what was typed; how much of it went. A guest that does not read takes none."""
        if self._socket is None:
            return 0
        try:
            return self._socket.send(data)
        except OSError:
            return 0

    def tail(self) -> bytes:
        """The end of the log up to where reading begins: the socket itself repeats nothing."""
        with contextlib.suppress(OSError), open(self._folder.at(CONSOLE_LOG), "rb") as file:
            file.seek(max(0, self._offset - _TAIL_BYTES))
            return file.read(min(self._offset, _TAIL_BYTES))
        return b""

    def _take(self) -> bool:
        try:
            self.typing = self._connect(SERIAL)
        except BaseException:
            self._give_back()
            raise
        return self.typing

    def _follow(self) -> None:
        self._offset = self._log_size()

    def _log_size(self) -> int:
        try:
            return os.stat(self._folder.at(CONSOLE_LOG)).st_size
        except OSError:
            return 0

    def _read_log(self) -> bytes:
        if not self._logs:
            return b""
        with contextlib.suppress(OSError), open(self._folder.at(CONSOLE_LOG), "rb") as file:
            if os.fstat(file.fileno()).st_size < self._offset:
                self._offset = 0
            file.seek(self._offset)
            data = file.read(_PIECE_BYTES)
            self._offset += len(data)
            return data
        return b""

    def _wish(self) -> tuple[str, float]:
        """Who last asked for the console, by its token, and when."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with open(self._folder.at(_WISH), "rb") as file:
                wish = json.loads(file.read(500))
            return str(wish["token"]), float(wish["at"])
        return self._wish_seen, 0.0

    def _others_turn(self) -> bool:
        """Whether another asked for the console just now."""
        token, when = self._wish()
        return token != self._token and abs(time.time() - when) < _WISH_HOLDS_S
