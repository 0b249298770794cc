"""A guest's folder: the names of everything in it, and what it says about its runs.

The standard library alone, since `list` reads a hundred of these.
"""

from __future__ import annotations

import os
import stat

from kvmtui import light_json as json
from kvmtui.durable import read_small
from kvmtui.errors import DefinitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

DEFINITION = "guest.yaml"
"""What the user chose."""
EFI_VARS = "efivars.qcow2"
"""The UEFI firmware's variables."""
SEED = "seed.iso"
"""The CD with what cloud-init or an installer is given."""
CONSOLE_LOG = "console.log"
"""All that the guest wrote to its serial port, written by QEMU."""
QEMU_LOG = "qemu.log"
"""QEMU's own messages of this run."""
EVENTS = "events.jsonl"
"""Every QMP event of this run, written by QEMU."""
HISTORY = "history.jsonl"
"""The guest's own story: operations, and the events of closed runs."""
FIGURES = "figures.bin"
"""The figures of a day, written by `watch`; also of the host, in the home itself."""
REPORTS = "reports"
"""What was so just before each crash, written by `watch`."""
TPM = "tpm"
"""What the guest's TPM keeps; written by swtpm."""
INSTALL = "install.json"
"""How far its installation is; there only until it is installed."""
INSTALL_KERNEL, INSTALL_INITRD = "install.kernel", "install.initrd"
"""What an installation without questions boots; there only until it is installed."""
LOCK = ".lock"
"""Held by who changes the guest; never unlinked."""
RUN_LOCK = ".run.lock"
"""Inherited by QEMU: held from before its start until it is gone."""
RUN = "run"
"""Sockets and records of this run; cleared before each start."""
PID = "pid"
START_RECORD = "start.json"
SERIAL = "serial"
AGENT = "agent"
VNC = "vnc"
EVENTS_PIPE = "events"
RESERVED = frozenset(
    {DEFINITION, EFI_VARS, CONSOLE_LOG, QEMU_LOG, EVENTS, HISTORY, RUN}
    | {FIGURES, REPORTS, SEED, TPM, INSTALL, "state.saved"}
    | {INSTALL_KERNEL, INSTALL_INITRD}
)
"""Names in a guest's folder that no disk may have."""
MONITORS = ("qmp0", "qmp1", "qmp2", "qmp3")
"""QMP sockets in `RUN`; the last one is for commands only, held under 2 s."""

_MOST_READ_BYTES = 1 << 20
"""More than a definition may have; the reader of YAML has its own, lower bound."""


class GuestFolder:
    """Where the parts of one guest lie.

    Paths are text below and `Path` only for who asks for one: `list` and `start` do
    without pathlib, which costs 3 ms to import.
    """

    __slots__ = ("_path", "name", "place")

    def __init__(self, place: Path | str) -> None:
        self.place = os.fspath(place)
        self.name = os.path.basename(self.place)
        self._path: Path | None = None

    def at(self, *names: str) -> str:
        """The path of something in the folder, as text."""
        return "/".join((self.place, *names))

    @property
    def path(self) -> Path:
        """The folder itself."""
        if self._path is None:
            from pathlib import Path

            self._path = Path(self.place)
        return self._path

    @property
    def definition(self) -> Path:
        """The definition, ``guest.yaml``."""
        return self.path / DEFINITION

    @property
    def run(self) -> Path:
        """The folder of the present run, ``run/``."""
        return self.path / RUN

    @property
    def events(self) -> Path:
        """The event record of the present run."""
        return self.path / EVENTS

    @property
    def history(self) -> Path:
        """The guest's story."""
        return self.path / HISTORY

    @property
    def console_log(self) -> Path:
        """The serial console's log."""
        return self.path / CONSOLE_LOG

    @property
    def qemu_log(self) -> Path:
        """QEMU's own messages."""
        return self.path / QEMU_LOG

    @property
    def pid_file(self) -> Path:
        """QEMU's pid file, locked by QEMU as long as it lives."""
        return self.path / RUN / PID

    def resolve(self, file: str) -> str:
        """The absolute path of a file that the definition names."""
        return file if file.startswith("/") else os.path.join(self.place, file)

    def start_record(self) -> dict[str, Any] | None:
        """``run/start.json``: how the present or last run was started; None without one."""
        try:
            record = json.loads(read_small(self.at(RUN, START_RECORD)))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None


def read_definition_file(folder: GuestFolder) -> bytes:
    """The bytes of ``guest.yaml``, bounded.

    Raises:
        DefinitionError: It is missing or cannot be read.
    """
    try:
        # A FIFO of this name must not hold up a listing.
        fd = os.open(folder.at(DEFINITION), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise DefinitionError([f"{DEFINITION}: is no file"])
            return file.read(_MOST_READ_BYTES)
    except OSError as error:
        raise DefinitionError([f"{DEFINITION}: {error.strerror}"]) from None
