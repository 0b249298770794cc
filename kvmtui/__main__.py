"""The program's entry: ``kvmtui`` and ``python -m kvmtui`` are the same."""

import sys


def main() -> None:
    """Run the command line and leave with its exit status."""
    from kvmtui.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
