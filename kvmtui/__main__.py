"""The program's entry: ``kvmtui`` and ``python -m kvmtui`` are the same."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.guest.library import Library


def _interface(library: Library) -> int:
    """The text interface; the command line does not import it."""
    from kvmtui.tui.start import open_interface

    return open_interface(library)


def main() -> None:
    """Run the command line and leave with its exit status."""
    from kvmtui.cli.main import run

    sys.exit(run(sys.argv[1:], _interface))


if __name__ == "__main__":
    main()
