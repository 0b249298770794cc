"""The program's entry: ``kvmtui`` and ``python -m kvmtui`` are the same."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.library import Library

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Imports alone make thousands of objects, all of which stay; Python's 700 costs 0.7 ms."""


def _interface(library: Library) -> int:
    """The text interface; the command line does not import it.

    Textual reads at its import how many frames a second there may be. At its 60, a key that
    comes right after the figures of the second waits 17 ms for the next.
    """
    os.environ.setdefault("TEXTUAL_FPS", "250")
    from kvmtui.tui.start import open_interface

    return open_interface(library)


def main() -> None:
    """Run the command line and leave with its exit status.

    Where no threads were used the interpreter's taking itself apart is skipped: it does
    nothing for us and costs 3 ms. Everything said is flushed by then.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from kvmtui.cli.main import run

        status = run(sys.argv[1:], _interface)
    except KeyboardInterrupt:
        # While modules were still imported.
        os.write(2, b"kvmtui: interrupted\n")
        os._exit(130)
    if "threading" not in sys.modules:
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
