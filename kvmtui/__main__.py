"""The program's entry: ``kvmtui`` and ``python -m kvmtui`` are the same."""

import gc
import os
import sys

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Imports alone make thousands of objects, all of which stay; Python's 700 costs 0.7 ms."""


def main() -> None:
    """Run the command line and leave with its exit status.

    Where no threads were used the interpreter's taking itself apart is skipped: it does
    nothing for us and costs 3 ms. Everything said is flushed by then.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from kvmtui.cli.main import run

    status = run(sys.argv[1:])
    if "threading" not in sys.modules:
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
