#!/usr/bin/env python3
"""Build the demo guests: NAME.bin, the program in whole sectors, and NAME.img,
the same filled up with zeros to 1 MiB, the smallest disk SeaBIOS boots on q35.

Needs GNU binutils.  The same sources give the same bytes every time.
--check builds nothing but compares with the NAME.bin already there.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

SECTOR = 512
IMAGE = 1024 * 1024
SCRATCH = 512 * 1024  # the guests write from here to the end of the image
TARGETS = {
    "wave": ("demo.s", ("--defsym", "STEADY=0")),
    "steady": ("demo.s", ("--defsym", "STEADY=1")),
    "probe": ("probe.s", ()),
}


def assemble(source: Path, symbols: tuple[str, ...]) -> bytes:
    """Return the program of one source file, linked for address 0x7c00."""
    with tempfile.TemporaryDirectory() as folder:
        object_file = Path(folder, "program.o")
        binary = Path(folder, "program.bin")
        # x86-used-note: some assemblers add a note that would end up in the image.
        subprocess.run(
            [
                "as",
                "--32",
                "--fatal-warnings",
                "-mx86-used-note=no",
                *symbols,
                "-o",
                object_file,
                source,
            ],
            check=True,
        )
        subprocess.run(
            [
                "ld",
                "-m",
                "elf_i386",
                "-Ttext",
                "0x7c00",
                "-e",
                "start",
                "--oformat",
                "binary",
                "-o",
                binary,
                object_file,
            ],
            check=True,
        )
        return binary.read_bytes()


def verify(name: str, program: bytes) -> None:
    """Stop if the BIOS would not boot this program."""
    if program[510:512] != b"\x55\xaa":
        sys.exit(f"{name}: no boot signature at byte 510")
    if len(program) % SECTOR or len(program) > SCRATCH:
        sys.exit(f"{name}: {len(program)} bytes are not whole sectors below {SCRATCH}")


def main() -> None:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=here, metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = []
    for name, (source, symbols) in TARGETS.items():
        program = assemble(here / source, symbols)
        verify(name, program)
        target = options.output / f"{name}.bin"
        if options.check:
            if not target.exists() or target.read_bytes() != program:
                stale.append(target.name)
            continue
        target.write_bytes(program)
        (options.output / f"{name}.img").write_bytes(program.ljust(IMAGE, b"\0"))
        print(f"{target.name}: {len(program)} bytes")
    if stale:
        sys.exit("not built from these sources: " + ", ".join(stale))


if __name__ == "__main__":
    main()
