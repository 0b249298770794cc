"""Assemble the boot images of the demo guests and of the accelerator's probe.

    python tools/build_demo.py            write kvmtui/demo/*.bin
    python tools/build_demo.py --check    compare with what is there

Needs GNU binutils. The same sources give the same bytes every time. The programs are
filled up with zeros to 1 MiB where they are used, the smallest disk that SeaBIOS boots
on q35.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "kvmtui" / "demo"
SECTOR = 512
TARGETS = {
    "wave": ("demo.s", ("--defsym", "STEADY=0")),
    "steady": ("demo.s", ("--defsym", "STEADY=1")),
    "probe": ("probe.s", ()),
}


def assemble(source: Path, symbols: tuple[str, ...]) -> bytes:
    """The program of one source file, linked for the address the BIOS loads it to."""
    with tempfile.TemporaryDirectory() as folder:
        object_file, binary = f"{folder}/program.o", f"{folder}/program.bin"
        # Some assemblers add a note section that would end up in the image.
        command = ["as", "--32", "--fatal-warnings", "-mx86-used-note=no", *symbols]
        subprocess.run([*command, "-o", object_file, str(source)], check=True)
        command = ["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "-e", "start"]
        subprocess.run([*command, "--oformat", "binary", "-o", binary, object_file], check=True)
        return Path(binary).read_bytes()


def main() -> int:
    """Write or check every image; the exit status is 1 when one does not match."""
    stale = []
    for name, (source, symbols) in TARGETS.items():
        program = assemble(FOLDER / source, symbols)
        if program[510:512] != b"\x55\xaa" or len(program) % SECTOR:
            sys.exit(f"{name}: not a boot image of whole sectors")
        target = FOLDER / f"{name}.bin"
        if "--check" not in sys.argv:
            target.write_bytes(program)
        elif not target.exists() or target.read_bytes() != program:
            stale.append(target.name)
    if stale:
        print("not built from these sources:", ", ".join(stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
