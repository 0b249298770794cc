"""`type`: every character of every layout, as a guest that echoes scancodes gets it."""

from __future__ import annotations

import asyncio
import os
import sys
import unicodedata

import boot_guests
import pytest
from tui.terminal import Terminal

from kvmtui.errors import MonitorError, StateError, UsageError
from kvmtui.guest.folder import MONITORS
from kvmtui.manage.console_door import ConsoleDoor
from kvmtui.manage.pointing import Deed
from kvmtui.manage.typing_keys import Typist
from kvmtui.qemu import keyboard
from kvmtui.qemu.claims import claim


# What a PC's keyboard sends for a key that goes down (set 1): made by position, so that the
# order of a whole row is checked.
def row(keys, first):
    return {key: first + number for number, key in enumerate(keys.split())}


SET_1 = row("esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab", 0x01)
SET_1 |= row("q w e r t y u i o p bracket_left bracket_right ret", 0x10)
SET_1 |= row("a s d f g h j k l semicolon apostrophe grave_accent", 0x1E)
SET_1 |= row("backslash z x c v b n m comma dot slash", 0x2B)
SET_1 |= {"less": 0x56, "ro": 0x73, "yen": 0x7D, "spc": 0x39}
SHIFT, ALT_GR = 0x2A, 0x138
KEYS = {code: key for key, code in SET_1.items()}

# What each layout must be able to write, whatever else it can.
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ASCII = "".join(map(chr, range(32, 127)))
WRITES = {
    "us": ASCII,
    "uk": ASCII + "£€¬",
    "de": ASCII + "äöüÄÖÜß§€µ°²³áéíóúàèìòùâêîôûÉ",
    "fr": ASCII + "éèçàù€£§µ°²âêîôûäëïöüÿ¨",
    "es": ASCII + "ñÑáéíóúÁÉÍÓÚüÜ¿¡ºª·çÇ€¬àèìòù",
    "it": ASCII + "àèéìòùç£§°€",
    "jp": ASCII,
    "ru": "".join(map(chr, range(0x410, 0x450))) + 'ёЁ№0123456789 .,!?:;-=+*()"%/\\_',
}
# Keys that anybody may look up on a picture of the keyboard.
KNOWN = {
    "us": {"@": ("shift", "2"), "\\": ("backslash",), "~": ("shift", "grave_accent")},
    "uk": {"@": ("shift", "apostrophe"), "#": ("backslash",), "\\": ("less",)},
    "de": {"z": ("y",), "@": ("alt_r", "q"), "{": ("alt_r", "7"), "-": ("slash",)},
    "fr": {"a": ("q",), "1": ("shift", "1"), "@": ("alt_r", "0"), "m": ("semicolon",)},
    "es": {"ñ": ("semicolon",), "@": ("alt_r", "2"), "-": ("slash",)},
    "it": {"@": ("alt_r", "semicolon"), "{": ("shift", "alt_r", "bracket_left")},
    "jp": {"@": ("bracket_left",), "_": ("shift", "ro"), "|": ("shift", "yen")},
    "ru": {"й": ("q",), "Я": ("shift", "z"), ".": ("slash",)},
}


def decoded(said):
    """The keys that went down, each with what was held."""
    held, found, extended = [], [], 0
    for byte in said:
        if byte == 0xE0:
            extended = 0x100
            continue
        code, extended = byte & 0x7F | extended, 0
        if byte & 0x80:
            if code in held:
                held.remove(code)
        elif code in (SHIFT, ALT_GR):
            held.append(code)
        else:
            names = {SHIFT: "shift", ALT_GR: "alt_r"}
            found.append((*(names[one] for one in held), KEYS[code]))
    assert not held, "a key was never let go"
    return found


@pytest.fixture
def echo(kvmtui, request):
    """A guest that writes what its keyboard sends to its console, byte by byte."""
    disk = boot_guests.echoes_scancodes(slowly=getattr(request, "param", "") == "slowly")
    kvmtui.tiny("k", "--disk", "1M", "--set", "disks[0].file=disk0.raw")
    (kvmtui.folder("k") / "disk0.raw").write_bytes(disk)
    kvmtui.ok("start", "k")
    log = kvmtui.folder("k") / "console.log"
    while b"\x1c" not in log.read_bytes():
        kvmtui.ok("type", "k", "--enter")
    kvmtui.ok("type", "k", "--keys", "esc")

    def typed(*words, **options):
        kvmtui.ok("wait", "k", "--for", "text=\\x81$", "--timeout", "30")
        before = log.stat().st_size
        kvmtui.ok("type", "k", *words, **options)
        kvmtui.ok("type", "k", "--keys", "esc")
        kvmtui.ok("wait", "k", "--for", "text=\\x81$", "--timeout", "30")
        said = log.read_bytes()[before:]
        while not said.endswith(b"\x01\x81"):
            said = log.read_bytes()[before:]
        return said[:-2]

    return typed


QUICK_LAYOUTS = ("us", "de", "ru")


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(one, marks=[] if one in QUICK_LAYOUTS else pytest.mark.slow)
        for one in keyboard.LAYOUTS
    ],
)
def test_every_character_reaches_the_guest(echo, layout):
    table = keyboard.characters(layout)
    text = "".join(character for character in table if character.isprintable())
    assert set(WRITES[layout]) <= set(text), set(WRITES[layout]) - set(text)
    got = decoded(echo(text, "--layout", layout))
    expected = [stroke.keys for character in text for stroke in table[character]]
    assert got == expected
    for character, keys in KNOWN[layout].items():
        assert table[character][0].keys == keys


def test_a_long_text_loses_nothing(echo):
    text = "The quick brown fox jumps over the lazy dog. " * 7
    assert len(decoded(echo(text))) == len(text)


@pytest.mark.parametrize("echo", ["slowly"], indirect=True)
def test_a_guest_that_is_slow_to_read_loses_nothing(echo):
    text = "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG"
    assert len(decoded(echo(text))) == len(text)


def test_keys_by_name(echo):
    assert echo("--keys", "ctrl-alt-delete").hex(" ") == "1d 38 e0 53 e0 d3 b8 9d"
    assert echo("--keys", "ctrl-alt-f1").hex(" ") == "1d 38 3b bb b8 9d"
    assert echo("--keys", "alt-sysrq-b").hex(" ") == "38 b8 38 54 30 b0 d4 b8 38 b8"
    assert echo("--keys", "F12", "--keys", "up").hex(" ") == "58 d8 e0 48 e0 c8"
    assert echo("ab", "--enter").hex(" ") == "1e 9e 30 b0 1c 9c"


@pytest.mark.parametrize("letter", "bceijklmnopqrstuvwz0123456789")
def test_every_sysrq_parses(letter):
    assert keyboard.stroke_named(f"alt-sysrq-{letter}").keys == ("alt", "sysrq", letter)


@pytest.mark.parametrize("name", ["", "ctrl-", "ctrl-alt-nothing", "a-a", "\x1b[2J", "é"])
def test_no_such_key(kvmtui, name):
    with pytest.raises(UsageError):
        keyboard.stroke_named(name)


def test_a_password_is_neither_shown_nor_kept(kvmtui, echo):
    command = [sys.executable, "-m", "kvmtui", "type", "k", "--stdin", "--enter"]
    with Terminal(command, environment=kvmtui.environment) as terminal:
        terminal.wait_for("not shown")
        terminal.send("Zx9secret\r")
        assert terminal.wait_end() == 0
        assert "Zx9" not in terminal.text
    for path in kvmtui.home.rglob("*"):
        if path.is_file() and path.name != "disk0.raw":
            assert b"Zx9secret" not in path.read_bytes()


def test_standard_input_is_typed(echo, tmp_path):
    (tmp_path / "text").write_text("ab\n")
    with open(tmp_path / "text") as text:
        assert echo("--stdin", stdin=text).hex(" ") == "1e 9e 30 b0"


def test_what_cannot_be_typed_is_told_before_anything_is(kvmtui):
    kvmtui.tiny("a")
    assert "no key for 'ж'" in kvmtui.refused("type", "a", "abcж", status=2)
    assert "no key for 'a'" in kvmtui.refused("type", "a", "a", "--layout", "ru", status=2)
    kvmtui.refused("type", "a", "x", "--layout", "xx", status=2)
    kvmtui.refused("type", "a", status=2)
    kvmtui.refused("type", "a", "x", "--stdin", status=2)
    kvmtui.refused("type", "a", "--keys", "hyper-x", status=2)
    assert "does not run" in kvmtui.refused("type", "a", "x", status=1)
    kvmtui.ok("set", "a", "keyboard=ru")
    kvmtui.refused("set", "a", "keyboard=xx", status=1)
    kvmtui.ok("start", "a")
    assert "restart" not in kvmtui.ok("set", "a", "keyboard=de").err
    kvmtui.ok("pause", "a")
    assert "keys would be lost" in kvmtui.refused("type", "a", "x", status=1)


def test_no_part_of_a_secret_is_shown(kvmtui, tmp_path):
    kvmtui.tiny("a")
    (tmp_path / "text").write_text("abcж")
    with open(tmp_path / "text") as text:
        told = kvmtui.refused("type", "a", "--stdin", status=2, stdin=text)
    assert "has no key for a character of it" in told and "ж" not in told
    script = tmp_path / "script.yaml"
    script.write_text("on: screen\nsteps: [{type_variable: SECRET}]")
    kvmtui.environment["SECRET"] = "abcж"
    kvmtui.ok("start", "a")
    told = kvmtui.refused("expect", "a", script, status=1)
    assert "has no key for a character of it" in told and "ж" not in told
    for secret, shown in ((True, "a character of it"), (False, "'ж'")):
        with pytest.raises(UsageError, match=shown):
            asyncio.run(ConsoleDoor(kvmtui.library).type_text("a", "ж", secret=secret))


def test_keys_reach_a_guest_that_others_watch(kvmtui, echo):
    folder = kvmtui.library.folder("k")
    locks = [claim(folder.place, name, "a test") for name in MONITORS[:-1]]
    try:
        assert echo("ab", "--enter").hex(" ") == "1e 9e 30 b0 1c 9c"
        with pytest.raises(StateError, match="uses no tablet"):
            asyncio.run(ConsoleDoor(kvmtui.library).point("k", [Deed(0, 0)]))
        # A long text goes in pieces, between which others have the monitor for commands.
        assert echo("x" * 25) == b"\x2d\xad" * 25
        locks.append(claim(folder.place, MONITORS[-1], "a test"))
        told = kvmtui.refused("type", "k", "x" * 50, status=1)
        assert "all monitors are taken" in told and "(a test)" in told
    finally:
        for lock in locks:
            os.close(lock)


def test_a_status_that_is_no_number():
    class Odd:
        name = "qmp0"

        async def execute(self, command, arguments=None):
            return "unknown command: 'i'" if command == "human-monitor-command" else {}

    with pytest.raises(MonitorError, match="where a number is expected"):
        asyncio.run(Typist(Odd(), has_port=True).press(keyboard.strokes_of("a", "us")))


def test_composed_and_decomposed_are_one():
    assert keyboard.strokes_of(unicodedata.normalize("NFD", "é"), "fr") == keyboard.strokes_of(
        "é", "fr"
    )
    assert os.linesep == "\n" and keyboard.strokes_of("\r\n", "us") == keyboard.strokes_of(
        "\n", "us"
    )
