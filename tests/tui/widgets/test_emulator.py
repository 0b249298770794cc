"""The emulator beside tmux: both are shown what real programs wrote to a terminal."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path

import pyte
import pytest
from rich.cells import cell_len

from kvmtui.tui.widgets.emulator import MOST_COLUMNS, Emulator

RECORDINGS = Path(__file__).parent.parent / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.bin"))
KNOWN: dict[str, set[int]] = {
    # CSI 2 g means nothing to a VT100 and to tmux; bittty clears a tab stop by it.
    "vttest-screen 2": {0},
    # Lines of 132 columns on 80: what stands at the margin is undefined.
    "vttest-cursor 2": set(range(24)),
    # Wrapping and control characters: tmux parts two letters that belong to one line.
    "vttest-cursor 3": set(range(2, 21)),
    "vttest-cursor 4": set(range(24)),
    # Origin mode in a region of two lines: the text itself says that the emulator is right.
    "vttest-screen 11": {1, 23},
    # tmux knows no British set, and draws blocks of DEC's graphics as blanks.
    "vttest-characters 2": {7, 11, 12, 13},
    # It tells cells of DEC's graphics by their letters.
    "vttest-screen 15": {11, 15},
    # tmux has no VT52, no CHT, HPR, VPR, SL, SR, DECSCA, nor columns and areas of a VT420.
    **{f"vttest-vt52 {step}": set(range(24)) for step in (1, 2, 3)},
    "vttest-later 9": {1, 2, 4},
    **{f"vttest-later {step}": set(range(5, 18)) for step in (11, 19)},
    **{f"vttest-later {step}": set(range(20)) for step in (27, 29, 38, 40, 47, 48)},
    **{f"vttest-later {step}": set(range(7, 17)) for step in (63, 64, 65)},
    **{f"vttest-later {step}": set(range(4, 14)) for step in (67, 69)},
}
"""Where tmux and the emulator differ, by recording and step: the rows, and why beside them."""


def resident_mb() -> float:
    """What this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Tmux:
    """A pane of 80x24 that shows files, and what is seen in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tmux = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
        self._fifo = folder / "fifo"
        os.mkfifo(self._fifo)
        shell = f"stty raw -echo; exec cat {self._fifo} {self._fifo}"
        environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        subprocess.run(
            [*self._tmux, "new-session", "-d", "-x", "80", "-y", "24", "sh", "-c", shell],
            check=True,
            env=environment,
        )
        subprocess.run([*self._tmux, "set", "-g", "status", "off"], check=True)
        subprocess.run([*self._tmux, "resize-window", "-x", "80", "-y", "24"], check=True)
        self._out = os.open(self._fifo, os.O_WRONLY)

    def _run(self, *words: str) -> str:
        return subprocess.run(
            [*self._tmux, *words], check=True, capture_output=True, text=True
        ).stdout

    def show(self, data: bytes) -> None:
        os.write(self._out, data)

    def grid(self, mark: str) -> list[str]:
        """The rows once a title that was sent last has arrived: all before it has, too."""
        self.show(f"\x1b]2;{mark}\x07".encode())
        end = time.monotonic() + 10
        while self._run("display", "-p", "#{pane_title}").strip() != mark:
            assert time.monotonic() < end
        return [row.rstrip() for row in self._run("capture-pane", "-p").split("\n")[:24]]

    def colours(self) -> list[list[tuple[str, str]]]:
        """Foreground and background of each cell, as pyte names them."""
        shown = pyte.Screen(80, 24)
        lines = self._run("capture-pane", "-p", "-e").split("\n")[:24]
        pyte.Stream(shown).feed("\r\n".join(lines))
        return [[(cell.fg, cell.bg) for cell in map(row.__getitem__, range(80))] for row in
                map(shown.buffer.__getitem__, range(24))]  # fmt: skip

    def cursor(self) -> tuple[int, int]:
        x, y = self._run("display", "-p", "#{cursor_x} #{cursor_y}").split()
        return min(int(x), 79), int(y)

    def close(self) -> None:
        os.close(self._out)
        subprocess.run([*self._tmux, "kill-server"], capture_output=True)


@pytest.fixture
def tmux(tmp_path):
    terminal = Tmux(tmp_path)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("name", NAMES)
def test_it_shows_what_tmux_shows(tmux, name):
    data = (RECORDINGS / f"{name}.bin").read_bytes()
    emulator = Emulator(80, 24)
    before = 0
    for number, end in enumerate(json.loads((RECORDINGS / f"{name}.json").read_text())):
        tmux.show(data[before:end])
        emulator.feed(data[before:end])
        before = end
        ours = emulator.text()
        if any("Choose test type" in row for row in ours):
            # Menus of vttest are all alike.
            continue
        theirs = tmux.grid(f"step {number}")
        different = {
            y: (theirs[y], ours[y])
            for y in range(24)
            if theirs[y] != ours[y] and y not in KNOWN.get(f"{name} {number}", ())
        }
        assert not different, f"step {number}: tmux and the emulator: {different}"
        if emulator.cursor is not None and f"{name} {number}" not in KNOWN:
            assert emulator.cursor == tmux.cursor(), f"step {number}"


def colour_name(color):
    """A colour as pyte names it."""
    if color is None or color.is_default:
        return "default"
    if color.number is None:
        return f"{color.triplet.red:02x}{color.triplet.green:02x}{color.triplet.blue:02x}"
    if color.number < 16:
        codes = {30 + color.number: color.number < 8, 82 + color.number: color.number >= 8}
        code = next(code for code, is_it in codes.items() if is_it)
        return (pyte.graphics.FG_ANSI | pyte.graphics.FG_AIXTERM)[code]
    return pyte.graphics.FG_BG_256[color.number]


COLOURED = [("dialog", 1), ("htop", 1), ("mc", 1), ("vi-xterm", 1)]
COLOURED += [("vttest-colours", step) for step in (3, 5, 6, 8, 9)]


@pytest.mark.parametrize(("name", "step"), COLOURED)
def test_its_colours_are_those_of_tmux(tmux, name, step):
    data = (RECORDINGS / f"{name}.bin").read_bytes()
    end = json.loads((RECORDINGS / f"{name}.json").read_text())[step]
    emulator = Emulator(80, 24)
    tmux.show(data[:end])
    emulator.feed(data[:end])
    texts, theirs = tmux.grid("shown"), tmux.colours()
    different, coloured = [], 0
    for y in range(24):
        x = 0
        for run in emulator.row(y):
            style = run.style
            for text in run.text:
                ours = colour_name(style.color), colour_name(style.bgcolor)
                wanted = theirs[y][x]
                # A blank's foreground is not seen, and tmux ends a line with its last letter.
                seen = x < len(texts[y])
                same = ours[1] == wanted[1] and (text == " " or ours[0] == wanted[0])
                if seen and not same:
                    different.append((y, x, text, ours, wanted))
                coloured += seen and ours != ("default", "default")
                x += cell_len(text)
    assert not different, different[:10]
    assert coloured > (20 if name != "vi-xterm" else -1)


@pytest.mark.slow
def test_a_million_lines_and_one_without_an_end_take_no_memory():
    emulator = Emulator(80, 24)
    lines = b"".join(b"line %d of a guest\r\n" % number for number in range(1000))
    for _ in range(20):
        emulator.feed(lines)
    before = resident_mb()
    for _ in range(1000):
        emulator.feed(lines)
    for _ in range(2000):
        emulator.feed(b"endless " * 64)
    assert resident_mb() - before < 4
    assert "endless" in emulator.text()[-2]
    assert emulator.broken == 0


def test_wrapping_is_as_vttest_says():
    data = (RECORDINGS / "vttest-cursor.bin").read_bytes()
    ends = json.loads((RECORDINGS / "vttest-cursor.json").read_text())
    emulator = Emulator(80, 24)
    emulator.feed(data[: ends[3]])
    letters = [f"{letter}{letter.lower().rjust(79)}" for letter in "IJKLMNOPQRSTUVWXYZ"]
    assert emulator.text()[2:20] == letters


def played(name, step):
    """The rows of the emulator once a step of a recording was shown."""
    data = (RECORDINGS / f"{name}.bin").read_bytes()
    emulator = Emulator(80, 24)
    emulator.feed(data[: json.loads((RECORDINGS / f"{name}.json").read_text())[step]])
    return emulator.text()


OUTLINE = [" " * 19 + edge for edge in ("*" * 40, *[f"*{'*'.rjust(39)}"] * 11, "*" * 40)]
SOLID = [" " * 20 + "*" * 41] * 13
COLUMN = [" " * 39 + "*"] * 20
LETTERS = "abcdefghijklmnopqrst"
FILLED = ["E" * 80] * 4 + ["EEEE" + " " * 71 + "EEEEE"] * 10 + ["E" * 80] * 6


@pytest.mark.parametrize(
    ("step", "rows", "wanted"),
    [
        (11, slice(5, 18), OUTLINE),
        (19, slice(5, 18), OUTLINE),
        (27, slice(20), COLUMN),
        (29, slice(20), COLUMN),
        (38, slice(4, 17), SOLID),
        (39, slice(4, 17), SOLID),
        (40, slice(4, 17), SOLID),
        (47, slice(20), [letter.rjust(80) for letter in LETTERS]),
        (48, slice(20), list(LETTERS)),
        (67, slice(20), FILLED),
        (69, slice(4, 14), [" " * 4 + "*" * 71] * 10),
    ],
)
def test_what_tmux_lacks_is_as_vttest_says(step, rows, wanted):
    assert played("vttest-later", step)[rows] == wanted


def test_a_vt52_is_as_vttest_says():
    shown = played("vttest-vt52", 1)
    assert shown[0] == shown[23] == " " * 9 + "*" * 61
    assert {row[:11] + row[-2:] for row in shown[1:23]} == {" " * 9 + "*!!*"}
    assert "PQRSTUVWXYZ[\\]^  ▮⅟   °±→…÷↓⎺⎺⎻⎻⎼⎼⎽⎽₀₁₂₃₄₅₆₇₈₉¶" in played("vttest-vt52", 2)[8]
    assert "<27> / Z   -- OK" in played("vttest-vt52", 3)[2]


def test_vttest_hears_the_keys_and_reports_that_it_asks_for():
    steps = iter(range(11, 26))
    for mode in ("[ ", "O ", ""):
        for letter, name in zip("ABCD", ("Up", "Down", "Right", "Left"), strict=True):
            assert (
                f"<27> {mode}{letter}  ({name} arrow key)" in played("vttest-keys", next(steps))[22]
            )
        next(steps)
    told = ["\n".join(played("vttest-reports", step)) for step in (6, 7, 9, 15)]
    assert "<13> <10>  -- OK" in told[0] and "<13>  -- OK" in told[1]
    assert "TERMINAL OK" in told[2] and "<27> [ 5 ; 1 R  -- OK" in told[2]
    assert "<27> P ! | 0 0 0 0 0 0 0 0 <27> \\  ok" in told[3]


def test_random_bytes_end_nothing_and_keep_their_bounds():
    """Parts of sequences in any order: each row stays as wide as the screen, and is text."""
    chance = random.Random(4)
    parts = [
        b"\x1b[",
        b"\x1b]",
        b"\x1bP",
        b"\x1b(0",
        b";",
        b"?",
        b"h",
        b"l",
        b"m",
        b"H",
        b"J",
        b"K",
    ]
    parts += [b"38;2;300;1;9m", b"8;9999;9999t", b"\x1b[?3h", b"\x1b[?40h", b"\x1b[?1049h"]
    parts += [b"9999999999", b"L", b"M", b"@", b"P", b"S", b"T", b"r", b"\x1b#8", b"\x1b#6", b"$p"]
    parts += ["é漢字👩‍👩‍👧".encode(), b"\xff\xfe", "\u202e\u0301".encode() * 9, b"\n", b"\r", b"\t"]
    parts += [b"x" * 90, b"\x9b", b"\x1b[5i", b"\x1b[?69h", b"\x1b[300$|", b"\x1b[99*|", b"\x1bc"]
    emulator = Emulator(80, 24)
    for _ in range(400):
        some = [chance.choice(parts) if chance.random() < 0.8 else chance.randbytes(3)]
        emulator.feed(b"".join(chance.choices(parts, k=30) + some))
        for y in emulator.changed_rows():
            text = "".join(run.text for run in emulator.row(y))
            assert cell_len(text) == 80 and "\x1b" not in text and "\u202e" not in text
        assert emulator.cursor is None or emulator.cursor[0] < 80
    assert emulator.size == (80, 24) and emulator.broken == 0
    assert len(emulator.take_replies()) <= 4096


def test_only_changed_rows_are_told():
    emulator = Emulator(80, 24)
    assert emulator.changed_rows() == list(range(24))
    assert emulator.changed_rows() == []
    emulator.feed(b"\x1b[5;1Hhello")
    assert emulator.changed_rows() == [4]
    emulator.feed(b"\x1b[?1049h")
    assert emulator.changed_rows() == list(range(24))
    emulator.feed(b"\x1b[?1049l")
    assert emulator.changed_rows() == list(range(24)) and emulator.text()[4] == "hello"


def test_answers_go_back_to_the_guest_and_are_bounded():
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b[3;7H\x1b[6n")
    assert emulator.take_replies() == b"\x1b[3;7R"
    emulator.feed(b"\x1b[c" * 100_000)
    assert len(emulator.take_replies()) <= 4096


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+q", None, b"\x11"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("escape", "\x1b", b"\x1b"),
        ("enter", "\r", b"\r"),
        ("backspace", "\x7f", b"\x7f"),
        ("up", None, b"\x1b[A"),
        ("ctrl+left", None, b"\x1b[1;5D"),
        ("f5", None, b"\x1b[15~"),
        ("delete", None, b"\x1b[3~"),
        ("pagedown", None, b"\x1b[6~"),
        ("alt+x", "x", b"\x1bx"),
        ("ctrl+at", None, b"\x00"),
        ("ctrl+right_square_bracket", None, b"\x1d"),
        ("é", "é", "é".encode()),
    ],
)
def test_keys(key, character, sent):
    assert Emulator().key(key, character) == sent


def test_keys_follow_what_the_program_asked_for():
    emulator = Emulator()
    emulator.feed(b"\x1b[?1h")
    assert emulator.key("up", None) == b"\x1bOA"
    assert emulator.key("backspace", "\x7f") == b"\x7f" and emulator.key("enter", "\r") == b"\r"
    emulator.feed(b"\x1b[20h\x1b[?67h")
    assert emulator.key("enter", "\r") == b"\r\n" and emulator.key("backspace", "\x7f") == b"\b"
    emulator.feed(b"\x1b[20l\x1b[?67l\x1b[?2l")
    assert emulator.key("enter", "\r") == b"\r" and emulator.key("up", None) == b"\x1bA"
    emulator.feed(b"\x1b<")
    assert emulator.paste("a\nb") == b"a\rb"
    emulator.feed(b"\x1b[?2004h")
    assert emulator.paste("a\x1b[201~b") == b"\x1b[200~a [201~b\x1b[201~"
    assert emulator.mouse(0, 0, 0, "press", set()) == b""
    emulator.feed(b"\x1b[?1000h\x1b[?1006h")
    assert emulator.mouse(4, 2, 0, "press", set()) == b"\x1b[<0;5;3M"
    assert emulator.take_replies() == b""


def test_a_size_is_bounded():
    emulator = Emulator(10_000, 10_000)
    assert emulator.size[0] == MOST_COLUMNS
    emulator.resize(1, 1)
    emulator.feed(b"text that is longer\r\n" * 9)
    assert emulator.size == (2, 2)


@pytest.mark.parametrize("begin", [b"\x1b]0;", b"\x1b[", b"\x1bP", b"\x1b_"])
def test_a_sequence_without_an_end_is_given_up(begin):
    emulator = Emulator(80, 24)
    emulator.feed(begin)
    for _ in range(1000):
        emulator.feed(b"1" * 512)
        assert len(emulator._board.parser.buffer) <= 40_000
    assert emulator.broken
    emulator.feed(b"\x1b\\\x1bcafter")
    assert emulator.text()[0] == "after"


def test_what_a_guest_writes_types_nothing_into_its_own_shell():
    """A title, a clipboard or an answerback that is reported would be a command there."""
    emulator = Emulator(80, 24)
    emulator.feed(b"\x1b]2;rm -rf /\x07\x1b]52;c;cm0gLXJmIC8K\x07")
    emulator.feed(b"\x1b[21t\x1b[20t\x1b[18t\x1b]52;c;?\x07\x05")
    assert emulator.take_replies() == b""
