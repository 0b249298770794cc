"""`screen` of real guests: firmware, boot sectors, Linux; text, pictures, what has none."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
import zlib

import boot_guests
import pytest

from kvmtui.errors import KvmtuiError, MonitorError
from kvmtui.manage import screens, typing_keys
from kvmtui.qemu import vga_text
from kvmtui.qemu.guest_memory import read_words
from kvmtui.qemu.picture import Picture, parse_ppm


def boot(kvmtui, disk, name="v"):
    """Start a guest that boots these bytes."""
    kvmtui.tiny(name, "--disk", "1M", "--set", "disks[0].file=disk0.raw")
    (kvmtui.folder(name) / "disk0.raw").write_bytes(disk)
    kvmtui.ok("start", name)
    return name


def wait_screen(kvmtui, name, condition, limit_s=60):
    """The screen once a condition holds of it."""
    end = time.monotonic() + limit_s
    while True:
        shown = asyncio.run(screens.screen(kvmtui.library, name))
        if condition(shown):
            return shown
        assert time.monotonic() < end, shown.text.lines() if shown.text else shown
        # Looking all the time would take the processor from the guest.
        time.sleep(0.02)


def test_the_firmware_is_read_as_text(kvmtui):
    kvmtui.tiny("v")
    kvmtui.ok("start", "v")
    shown = wait_screen(kvmtui, "v", lambda s: s.text and "SeaBIOS" in s.text.line(0))
    assert (shown.text.columns, shown.text.rows) == (80, 25)
    wait_screen(kvmtui, "v", lambda s: "No bootable device" in "".join(s.text.lines()))
    assert "SeaBIOS" in kvmtui.ok("screen", "v").out
    document = kvmtui.ok("screen", "v", "--json").json
    assert document["mode"] == "text" and document["columns"] == 80
    assert len(document["lines"]) == len(document["attributes"]) == 25


@pytest.mark.parametrize("moved", [0, 80 * 7, 80 * 100], ids=["begin", "scrolled", "far"])
def test_every_character_and_colour(kvmtui, moved):
    name = boot(kvmtui, boot_guests.fills_screen(3, moved))
    shown = wait_screen(kvmtui, name, lambda s: s.text and s.text.cells[-2:-1] == b"\xcf")
    expected = bytearray()
    word = 0
    for _ in range(2000):
        expected += bytes([word & 0xFF, word >> 8 & 0x7F])
        word = (word + 0x101) & 0xFFFF
    same = shown.text.cells == bytes(expected)
    assert same
    assert "ABC" in shown.text.line(0) and "☺☻♥" in shown.text.line(0)
    assert all(character.isprintable() for character in vga_text.GLYPHS)
    assert len(vga_text.GLYPHS) == 256
    assert shown.text.attributes(0)[65] == 65


def test_forty_columns(kvmtui):
    name = boot(kvmtui, boot_guests.fills_screen(1))
    shown = wait_screen(kvmtui, name, lambda s: s.text and s.text.columns == 40)
    wait_screen(kvmtui, name, lambda s: "ABC" in "".join(s.text.lines()))
    assert shown.text.rows == 25


@pytest.mark.parametrize(
    ("mode", "size"),
    [((0x4F02, 0x101), (640, 480)), ((0x13, 0), None), ((0x12, 0), (640, 480))],
)
def test_a_graphics_mode_says_so(kvmtui, mode, size, tmp_path):
    name = boot(kvmtui, boot_guests.shows_mode(*mode))
    # Before the BIOS sets a mode, QEMU shows a picture of its own, of 640×480.
    first = (640, 480)

    def is_told(shown):
        """On the way to its mode it has another size for a moment."""
        seen = shown.width, shown.height
        fits = shown.text is None and (seen == size if size else seen != first)
        words = f"graphics mode, {shown.width}×{shown.height}"
        return fits and words in kvmtui.refused("screen", name, status=1)

    wait_screen(kvmtui, name, is_told)
    assert kvmtui.ok("screen", name, "--json").json["mode"] == "graphics"


def png_size(data):
    """Width and height of a PNG, all of which is checked on the way."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, image, size = 8, b"", (0, 0)
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert check == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        image += body if kind == b"IDAT" else b""
        place += 12 + length
    assert len(zlib.decompress(image)) == size[1] * (size[0] * 3 + 1)
    return size


def test_a_picture_is_saved(kvmtui, tmp_path):
    name = boot(kvmtui, boot_guests.fills_screen(3))
    wait_screen(kvmtui, name, lambda s: s.text and "ABC" in s.text.line(0))
    file = tmp_path / "shot.png"
    assert "720×400" in kvmtui.ok("screen", name, "--png", file).out
    assert png_size(file.read_bytes()) == (720, 400)
    assert file.stat().st_mode & 0o777 == 0o600
    document = kvmtui.ok("screen", name, "--png", file, "--json").json
    assert document["width"] == 720 and document["size_bytes"] == file.stat().st_size
    assert "is no file" in kvmtui.refused("screen", name, "--png", "/dev/null", status=2)
    nowhere = tmp_path / "no" / "where.png"
    said = kvmtui.refused("screen", name, "--png", nowhere, status=1)
    assert said == f"kvmtui: {nowhere} was not written: No such file or directory"
    assert not list(tmp_path.glob(".shot*"))
    assert kvmtui.ok("qmp", name, "query-fdsets").json == []


def test_linux_scrolls_and_shows_its_cursor(kvmtui, linux_guest_files):
    example = linux_guest_files / "debian-kernel.yaml"
    line = "console=ttyS0 console=tty0 panic=-1"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--append", line)
    kvmtui.ok("start", "g")

    def at_prompt(shown):
        """It blinks, so one look may miss the cursor; a picture may be taken while it moves."""
        text = shown.text
        if not text or not text.cursor:
            return False
        column, row = text.cursor
        return column == 7 and text.lines()[row].startswith("guest#")

    def lines_of(shown):
        return "\n".join(shown.text.lines()) if shown.text else ""

    wait_screen(kvmtui, "g", lambda shown: "guest#" in lines_of(shown))
    # What a late driver said below the prompt stays there: Enter brings the next one.
    kvmtui.ok("type", "g", "--enter")
    wait_screen(kvmtui, "g", lambda shown: lines_of(shown).count("guest#") == 2)
    wait_screen(kvmtui, "g", at_prompt)


def test_a_mirror_follows(kvmtui):
    from kvmtui.manage import demo

    list(demo.bring_up(kvmtui.library))
    kvmtui.ok("wait", "demo-wave", "--for", "text=tick 2,")

    async def watch():
        async with screens.mirror(kvmtui.library, "demo-wave") as mirror:
            async with asyncio.timeout(60):
                for tick in range(3, 5):
                    while f"tick {tick}," not in "".join((await mirror.frame()).lines()):
                        await asyncio.sleep(0.02)

    asyncio.run(watch())


def test_more_watch_than_there_are_monitors(kvmtui):
    """Five mirrors, an app's figures and scripts at once: nobody is sent away, or waits long."""
    boot(kvmtui, boot_guests.TYPES_BACK)
    wait_screen(kvmtui, "v", lambda shown: shown.text and "Booting" in "".join(shown.text.lines()))

    async def watch():
        async with contextlib.AsyncExitStack() as stack:
            mirrors = [
                await stack.enter_async_context(screens.mirror(kvmtui.library, "v"))
                for _ in range(5)
            ]
            for mirror in mirrors:
                assert await mirror.frame() is not None
            assert [mirror.is_short for mirror in mirrors] == [False] * 3 + [True] * 2
            text = "more keys than are typed at once"
            typing = asyncio.create_task(typing_keys.type_text(kvmtui.library, "v", text))
            seen = set()
            async with asyncio.timeout(60):
                while len(seen) < 5:
                    for number, mirror in enumerate(mirrors):
                        if text in "".join((await mirror.frame()).lines()):
                            seen.add(number)
                    await asyncio.sleep(0)
            await typing
            assert kvmtui.ok("qmp", "v", "query-status").json["status"] == "running"
            # What one gives up another holds.
            await mirrors[0].lend.__self__.close()
            async with asyncio.timeout(60):
                while mirrors[4].is_short:
                    await mirrors[4].frame()
                    await asyncio.sleep(0.05)

    asyncio.run(watch())


def test_what_has_no_display(kvmtui):
    kvmtui.tiny("a", "--set", "video=none")
    assert "does not run" in kvmtui.refused("screen", "a", status=1)
    kvmtui.ok("start", "a")
    done = kvmtui("screen", "a")
    assert done.status == 1 and "a: it has no display" in done.err
    assert "kvmtui set a video=std" in done.err


@pytest.mark.parametrize("answer", ["000b8000: 0x1 0xno", "000b8000: 0x1" + "0" * 16, "0x"])
def test_memory_that_is_no_numbers(answer):
    class Odd:
        async def execute(self, command, arguments):
            return answer

    with pytest.raises(MonitorError, match="where a number is expected"):
        asyncio.run(read_words(Odd(), 0, 16))


def test_pictures_that_are_none():
    for data in (b"", b"P6 1", b"P6\n2 2\n255\n12", b"P5\n1 1\n255\n123", b"P6\n99999 1\n255\n"):
        with pytest.raises(KvmtuiError):
            parse_ppm(data)
    assert parse_ppm(b"P6\n1 2\n255\nabcdef") == Picture(1, 2, b"abcdef")
    assert parse_ppm(b"P6\n255 1\n255\n" + b"x" * 765).width == 255


@pytest.mark.parametrize("seed", range(3))
def test_a_picture_of_anything_is_no_text(seed):
    import random

    random.seed(seed)
    memory = random.randbytes(vga_text.WINDOW_BYTES)
    picture = Picture(720, 400, random.randbytes(720 * 400 * 3))
    found = vga_text.locate(memory, picture)
    assert found is None
    two = bytes.maketrans(bytes(range(256)), bytes(128) + b"\xff" * 128)
    picture = Picture(720, 400, random.randbytes(720 * 400).translate(two) * 3)
    found = vga_text.locate(memory, picture)
    assert found is None


@pytest.mark.parametrize("seen", [0, 1, 2, 60])
def test_a_nearly_plain_picture_is_no_empty_text(seen):
    """A logo on black, and text memory of blanks: only a cursor is missing from memory."""
    width, height = 640, 400
    rgb = bytearray(width * height * 3)
    for cell in range(seen):
        begin = ((160 + cell // 20 * 16) * width + cell % 20 * 32) * 3
        rgb[begin : begin + 6] = b"\xff" * 6
    picture = Picture(width, height, bytes(rgb))
    memory = bytes(vga_text.WINDOW_BYTES)
    found = vga_text.locate(memory, picture, empty_is_text=True)
    assert (found is not None) == (seen <= 1)
    assert vga_text.locate(memory, picture, empty_is_text=False) is None
