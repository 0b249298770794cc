"""Guests of a few bytes of machine code that SeaBIOS boots from a disk."""

from __future__ import annotations

SIZE_BYTES = 1 << 20
_REST = b"\xf4\xeb\xfd"
"""hlt; jmp to it"""


def boot_disk(code: bytes) -> bytes:
    """A disk whose boot sector is this code; a smaller one never boots on q35."""
    assert len(code) <= 510
    return (code.ljust(510, b"\0") + b"\x55\xaa").ljust(SIZE_BYTES, b"\0")


def bios_call(ax: int, bx: int = 0, cx: int = 0, dx: int = 0, *, number: int = 0x10) -> bytes:
    """mov of the four registers; int."""
    moved = zip((0xB8, 0xBB, 0xB9, 0xBA), (ax, bx, cx, dx), strict=True)
    words = b"".join(bytes([op]) + value.to_bytes(2, "little") for op, value in moved)
    return words + bytes([0xCD, number])


def shows_mode(ax: int, bx: int = 0) -> bytes:
    """A guest that sets a video mode by the BIOS and rests."""
    return boot_disk(bios_call(ax, bx) + _REST)


def fills_screen(mode: int, moved: int = 0) -> bytes:
    """A guest with every character and colour on its screen, and the cursor in row 7.

    Args:
        moved: How many cells the screen's begin is moved by, as Linux scrolls.
    """
    code = bios_call(mode) + bios_call(0x0200, dx=0x0705)
    for register, value in ((0x0C, moved >> 8), (0x0D, moved & 0xFF)):
        # mov dx, 3d4; mov ax, value:register; out dx, ax
        code += b"\xba\xd4\x03\xb8" + bytes([register, value]) + b"\xef"
    # mov ax, b800; mov es, ax; xor di, di; mov cx, 4000 / 2 + moved; xor ax, ax
    begin = (moved * 2).to_bytes(2, "little")
    code += b"\xb8\x00\xb8\x8e\xc0\xbf" + begin + b"\xb9" + (2000).to_bytes(2, "little")
    # 1: mov ax, bx; stosw; inc bx; jump around the blink of bit 15; loop 1b
    code += b"\x31\xdb" + b"\x89\xd8\x80\xe4\x7f\xab\x81\xc3\x01\x01\xe2\xf4"
    return boot_disk(code + _REST)


def echoes_scancodes(*, slowly: bool = False) -> bytes:
    """A guest that writes each byte its keyboard sends to its serial port, as it is.

    Args:
        slowly: Take some milliseconds for each.
    """
    # cli; 1: in al, 64; test al, 1; jz 1b; in al, 60; mov ah, al
    code = b"\xfa\xe4\x64\xa8\x01\x74\xfa\xe4\x60\x88\xc4"
    if slowly:
        # mov cx, ffff; 2: in al, 80; loop 2b
        code += b"\xb9\xff\xff\xe4\x80\xe2\xfc"
    # mov dx, 3fd; 3: in al, dx; test al, 20; jz 3b; mov dx, 3f8; mov al, ah; out dx, al
    code += b"\xba\xfd\x03\xec\xa8\x20\x74\xfb\xba\xf8\x03\x88\xe0\xee"
    # jmp 1b
    return boot_disk(code + b"\xeb" + bytes([256 + 1 - len(code) - 2]))


# 1: xor ax, ax; int 16; mov ah, 0e; xor bx, bx; int 10; jmp 1b
TYPES_BACK = boot_disk(b"\x31\xc0\xcd\x16\xb4\x0e\x31\xdb\xcd\x10\xeb\xf4")
"""A guest that shows what is typed, by the BIOS."""

# 1: xor ax, ax; int 16; mov dx, 3f8; out dx, al; jmp 1b
WRITES_WHAT_IS_TYPED = boot_disk(b"\x31\xc0\xcd\x16\xba\xf8\x03\xee\xeb\xf6")
"""A guest that writes the keys of its keyboard to its serial port, and nothing else."""

READS_DISK = boot_disk(
    bios_call(0x0201, bx=0x7E00, cx=0x0002, dx=0x0080, number=0x13) + b"\xeb\xf0"
)
"""A guest that reads a sector of its disk again and again, by the BIOS."""

SPINS = boot_disk(b"\xeb\xfe")
"""A guest that is never idle."""

_WAIT = b"\xb4\x86\xcd\x15"
"""By the BIOS, so many microseconds as CX and DX say."""
_COM1 = b"\xba\xf8\x03"

FLOODS = boot_disk(_COM1 + b"\xb0\x79\xee\xb0\x0d\xee\xb0\x0a\xee\xeb\xf5")
"""A guest that writes ``y`` lines to its serial port, as fast as it can."""


FLOODS_GARBAGE = boot_disk(
    # mov dx, 3f8; ax = es = f000, then one by one lower; ds = ax; xor si, si
    _COM1
    + b"\xbb\x00\xf0\x8e\xdb\x31\xf6"
    # al = 1b; out; 1: lodsb; out dx, al; test si, 1f; jnz 1b; at each 32 bytes an ESC and ]
    + b"\xac\xee\xf7\xc6\x1f\x00\x75\xf8\xb0\x1b\xee\xb0\x5d\xee\xeb\xf0"
)
"""A guest that writes its BIOS to its serial port for ever, with begins of sequences in it."""


def writes_lines() -> bytes:
    """A guest that writes nine lines a second to its serial port, no two neighbours alike."""
    # sti; hlt; hlt: the clock ticks 18.2 times a second.
    wait = b"\xfb\xf4\xf4"
    # inc bx; mov ax, bx; and ax, 31; mov si, text; add si, ax
    begin = wait + b"\x43\x89\xd8\x83\xe0\x1f\xbe%b\x01\xc6" + _COM1
    # lodsb; test al, al; jz to the begin; out dx, al; jmp to lodsb
    size = len(begin) + 8
    write = b"\xac\x84\xc0\x74" + bytes([256 - (size - 3)]) + b"\xee\xeb" + bytes([256 - 8])
    code = begin % (0x7C00 + size).to_bytes(2, "little") + write
    text = b"Nov 27 10:15:42 db-01 postgresql[4121]: checkpoint complete, wrote 117 buffers\r\n\0"
    return boot_disk(code + text)


CHANGES_A_LINE = boot_disk(
    # mov ax, 0xb800; mov es, ax
    b"\xb8\x00\xb8\x8e\xc0"
    # 20 ms; inc bx; mov di, row 10, column 10; mov cx, 8
    + b"\x31\xc9\xba\x20\x4e"
    + _WAIT
    + b"\x43\xbf\x54\x06\xb9\x08\x00"
    # al = 'a' + (bl + cl) % 16, grey; stosw; loop; again
    + b"\x88\xd8\x00\xc8\x24\x0f\x04\x61\xb4\x07\xab\xe2\xf3\xeb\xe1"
)
"""A guest that changes eight characters of its text screen every 20 ms."""

FILLS_A_DISK = boot_disk(
    # es = 0; cx = cylinder 0, sector 1
    b"\x31\xc0\x8e\xc0\x31\xc9\xb1\x01"
    # ax = write 63 sectors; bx = 0x7c00; dx = head 0 of the second disk; the next cylinder
    + b"\xb8\x3f\x03\xbb\x00\x7c\xba\x81\x00\xcd\x13\xfe\xc5\xeb\xf1"
)
"""A guest that writes to its second disk, 32 KiB at each of its places, until it cannot."""
