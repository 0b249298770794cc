"""Command lines remembered, so that a start of an unchanged guest need not work them out.

A command line is a pure function, and reading and checking a definition for it costs more
than QEMU's own start. What came out the last time is therefore kept in ``starts/NAME.json``
of the home with all that it followed from: the definition byte for byte (never the file's
time), the emulator, the layout on this host, and the code that did the work. It holds while
every one of these is the same. A record that is damaged, or of other code, is none.
"""

from __future__ import annotations

import contextlib
import os
import sys

import kvmtui
from kvmtui import light_json as json
from kvmtui.durable import make_folder, reading, write_atomically
from kvmtui.guest.library import STARTS
from kvmtui.guest.wants import Wants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.library import Library
    from kvmtui.qemu.layout import Layout

_LARGEST_BYTES = 4 << 20
_WORKERS = frozenset({"kvmtui", "yaml", "msgspec"})
"""The packages whose code makes a command line out of a definition."""


class Memo:
    """What is remembered of one guest's last start.

    Attributes:
        wants: What its definition asks of the host.
    """

    def __init__(self, wants: Wants, emulator: str, layout: str, argv: list[str]) -> None:
        self.wants = wants
        self._emulator = emulator
        self._layout = layout
        self._argv = argv

    def argv(self, emulator: str, layout: Layout) -> list[str] | None:
        """The command line, or None where the emulator or the layout is another."""
        same = self._emulator == emulator and self._layout == json.dumps(layout)
        return self._argv if same else None


def _path(library: Library, name: str) -> str:
    return library.at(STARTS, f"{name}.json")


def recall(library: Library, name: str, definition: bytes) -> Memo | None:
    """What is remembered of a guest with this very definition."""
    try:
        with reading(_path(library, name)) as file:
            checksum, content = file.read(_LARGEST_BYTES).split(b"\n", 1)
        if int(checksum) != _checksum(content):
            return None
        kept = json.loads(content)
        if kept["definition"].encode() != definition or kept["program"] != _program():
            return None
        if any(_file_identity(path) != [path, *rest] for path, *rest in kept["code"]):
            return None
        return Memo(Wants(*kept["wants"]), kept["emulator"], kept["layout"], kept["argv"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep(
    library: Library,
    name: str,
    definition: bytes,
    memo: tuple[Wants, str, Layout, list[str]],
) -> None:
    """Remember a guest's command line; a home that cannot be written is fine."""
    wants, emulator, layout, argv = memo
    kept = {
        "definition": definition.decode(),
        "program": _program(),
        "code": _code(),
        "wants": wants,
        "emulator": emulator,
        "layout": json.dumps(layout),
        "argv": argv,
    }
    content = json.dumps(kept).encode()
    with contextlib.suppress(OSError):
        make_folder(library.at(STARTS))
        data = b"%d\n%s" % (_checksum(content), content)
        write_atomically(_path(library, name), data, durable=False)


def _checksum(content: bytes) -> int:
    """The content as one number, modulo a prime: no damage of a few bytes leaves it."""
    return int.from_bytes(content, "little") % 4294967291


def _program() -> list[str]:
    """The kvmtui and the Python that run now."""
    return [kvmtui.__version__, str(kvmtui.__file__), sys.version]


def _code() -> list[list[str | int]]:
    """Every file of code that can have had a part in a command line, as it is now."""
    files = {
        module.__file__
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in _WORKERS and getattr(module, "__file__", None)
    }
    return [_file_identity(file) for file in sorted(filter(None, files))]


def _file_identity(path: str) -> list[str | int]:
    stat = os.stat(path)
    return [path, stat.st_mtime_ns, stat.st_size]
