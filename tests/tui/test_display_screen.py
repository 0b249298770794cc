"""A real guest's display inside the app, on a real terminal."""

from __future__ import annotations

import boot_guests
import pytest
from tui.drawn import kitty_commands, sixels
from tui.seen import ESC, wait_row

from kvmtui.tui.screens.display import key_name

CHORD = "\x1d"


@pytest.fixture
def at_display(kvmtui, open_app):
    def open_one(disk, *size, text=True, more=(), **options):
        kvmtui.tiny("v", "--disk", "1M", "--set", "disks[0].file=disk0.raw", *more)
        (kvmtui.folder("v") / "disk0.raw").write_bytes(disk)
        kvmtui.ok("start", "v")
        terminal = open_app(*size, **options)
        wait_row(terminal, "v", "running")
        terminal.send("v")
        terminal.wait_for("Ctrl-] leave")
        if text:
            terminal.wait_for("Booting from Hard Disk")
        return terminal

    return open_one


def test_text_is_read_and_typed_into(kvmtui, at_display):
    terminal = at_display(boot_guests.TYPES_BACK, 100, 30)
    terminal.wait_for("text 80×25")
    terminal.wait_for("seen whole")
    terminal.send("Hello q:?")
    terminal.wait_for("Hello q:?")
    terminal.send("\x1b[200~pasted at once\x1b[201~")
    terminal.wait_for("pasted at once")
    terminal.send(CHORD + "t")
    terminal.wait_for("Paste into v")
    terminal.send("geheim7")
    terminal.wait_for("*******")
    assert "geheim7" not in terminal.text
    terminal.send("\r")
    terminal.wait_for("geheim7")
    story = (kvmtui.folder("v") / "history.jsonl").read_text()
    assert "geheim7" not in story
    terminal.send(CHORD + "c")
    terminal.wait_for("copied to your terminal's clipboard")
    terminal.send(CHORD + "k")
    terminal.wait_for("ctrl-alt-backspace")
    terminal.send("delete\r")
    terminal.wait_gone("geheim7")
    terminal.wait_for("Booting from Hard Disk")
    terminal.send(CHORD + "?")
    terminal.wait_for("Ctrl-] ? is no key")
    terminal.send(CHORD + ESC)
    wait_row(terminal, "v", "running")
    assert "typing: you" not in terminal.text


def test_a_small_terminal_shows_where_the_cursor_is(at_display):
    terminal = at_display(boot_guests.TYPES_BACK, 60, 14)
    terminal.wait_for("60×11 of 80×25 are seen")
    terminal.send("\r\n" * 12 + "below")
    terminal.wait_for("below")


def test_a_graphics_mode_is_a_picture(at_display):
    terminal = at_display(boot_guests.shows_mode(0x4F02, 0x101), 100, 30, text=False)
    terminal.wait_for("graphics 640×480")
    terminal.wait_for("a graphics mode, as a picture")
    terminal.send(CHORD + "c")
    terminal.wait_for("there is no text on the screen")
    terminal.send(" ")
    terminal.wait_for("a graphics mode, as a picture")
    terminal.resize(60, 20)
    terminal.wait_gone("Ctrl-] y viewer")
    terminal.wait_for("a graphics mode, as a picture")


def test_colours_and_the_end(kvmtui, at_display):
    terminal = at_display(boot_guests.fills_screen(3), 80, 30, text=False)
    terminal.wait_for(' !"#$%&')

    def colours():
        return {terminal.screen.buffer[2][x].fg for x in range(80)}

    terminal.wait_until(lambda: len(colours()) > 8, what="its colours")
    kvmtui.ok("stop", "v", "--yes")
    terminal.wait_for("s starts it")
    assert ' !"#$%&' in terminal.text, "the last picture stays"
    terminal.send("s")
    terminal.wait_gone("s starts it")
    terminal.wait_for(' !"#$%&')
    kvmtui.ok("pause", "v")
    terminal.send("x")
    terminal.wait_for("v is paused")


@pytest.mark.parametrize(
    ("key", "name"),
    [("ctrl+c", "ctrl-c"), ("escape", "esc"), ("ctrl+pageup", "ctrl-pgup"), ("f5", "f5")],
)
def test_names_of_keys(key, name):
    assert key_name(key) == name


def pressed(button, column, row, *, up=False):
    """What a terminal sends for the mouse."""
    return f"\x1b[<{button};{column};{row}{'m' if up else 'M'}"


@pytest.mark.parametrize("graphics", [False, True])
def test_the_mouse_is_the_guests_where_it_has_a_tablet(kvmtui, at_display, graphics):
    traced = "qemu_args=['-trace', 'input_event_*']"
    disk = boot_guests.shows_mode(0x4F02, 0x101) if graphics else boot_guests.TYPES_BACK
    terminal = at_display(
        disk, 100, 30, text=not graphics, more=["--set", traced, "--set", "usb=on"]
    )
    terminal.wait_for("graphics 640×480" if graphics else "text 80×25")
    log = kvmtui.folder("v") / "qemu.log"
    terminal.send(pressed(0, 41, 14))
    terminal.wait_for("v uses no tablet")
    assert "input_event_btn" not in log.read_text()
    # As a guest's driver does.
    mice = kvmtui.ok("qmp", "v", "query-mice").json
    tablet = next(one["index"] for one in mice if one["absolute"])
    command = f'{{"command-line": "mouse_set {tablet}"}}'
    kvmtui.ok("qmp", "v", "human-monitor-command", command)
    terminal.send(pressed(2, 1, 2) + pressed(2, 1, 2, up=True) + pressed(65, 40, 13))
    terminal.wait_until(lambda: "wheel-down, down 0" in log.read_text(), what="the wheel")
    told = [line.partition(" ")[2] for line in log.read_text().splitlines() if "con -1" in line]
    buttons = [line.partition("button ")[2] for line in told if "button" in line]
    assert buttons == ["right, down 1", "right, down 0", "wheel-down, down 1", "wheel-down, down 0"]
    places = [int(line.rpartition(" ")[2], 16) for line in told if "axis" in line]
    assert places[:2] == places[2:4] and max(places[:2]) < 32767 // 40
    assert all(abs(place - 32767 // 2) < 32767 // 12 for place in places[4:6])
    # Beside the picture nothing is the guest's.
    before = log.read_text()
    terminal.send(pressed(0, 99, 5) + pressed(0, 99, 5, up=True) + "\x1d?")
    terminal.wait_for("Ctrl-] ? is no key")
    assert log.read_text() == before


CELL = {b"\x1b[16t": b"\x1b[6;20;10t"}


def test_kitty_draws_the_picture_itself(kvmtui, at_display, tmp_path):
    answers = {b"\x1b_Gi=31": b"\x1b_Gi=31;OK\x1b\\", **CELL, b"\x1b[c": b"\x1b[?62;c"}
    disk = boot_guests.shows_mode(0x4F02, 0x101)
    traced = ["--set", "qemu_args=['-trace', 'handle_qmp_command']"]
    terminal = at_display(disk, 100, 30, text=False, answers=answers, more=traced)
    terminal.wait_for("graphics 640×480")
    log = kvmtui.folder("v") / "qemu.log"

    def shown():
        return [one for one in kitty_commands(bytes(terminal.received)) if one[0]["a"] == "T"]

    kvmtui.ok("screen", "v", "--png", tmp_path / "v.png")
    picture = (tmp_path / "v.png").read_bytes()
    terminal.wait_until(lambda: picture in [data for _, data in shown()], what="the picture")
    last = shown()[-1][0]
    assert (last["c"], last["r"]) == ("64", "24")
    assert "▀" not in terminal.text
    # Nothing changes: nothing is sent. A box lies over cells, so the picture goes meanwhile.
    count = len(shown())
    terminal.send(CHORD + "k")
    terminal.wait_for("ctrl-alt-backspace")
    gone = [one[0]["i"] for one in kitty_commands(bytes(terminal.received)) if one[0]["a"] == "d"]
    looks = log.read_text().count("screendump")
    terminal.wait_until(lambda: log.read_text().count("screendump") > looks + 2, what="looks")
    assert len(shown()) == count and last["i"] in gone
    terminal.send(ESC)
    terminal.wait_until(lambda: len(shown()) > count, what="the picture again")
    number = shown()[-1][0]["i"]
    terminal.send(CHORD + ESC)
    wait_row(terminal, "v", "running")
    commands = kitty_commands(bytes(terminal.received))
    assert commands[-1][0] == {"a": "d", "d": "I", "i": number, "q": "2"}


@pytest.mark.parametrize("told", [True, False])
def test_sixels_stand_until_cells_are_drawn_over_them(kvmtui, at_display, told):
    """In a terminal that tells its cell's size, and in one of which the kernel knows it."""
    answers = {**(CELL if told else {}), b"\x1b[c": b"\x1b[?62;4c"}
    cell = (0, 0) if told else (10, 20)
    disk = boot_guests.shows_mode(0x4F02, 0x101)
    terminal = at_display(disk, 100, 30, text=False, answers=answers, cell=cell)
    terminal.wait_until(lambda: b"\x1bP0;1;0q" in terminal.received, what="sixels")
    assert sixels(bytes(terminal.received))[:2] == (640, 480)
    before = len(terminal.received)
    terminal.send(CHORD + "k")
    terminal.wait_for("ctrl-alt-backspace")
    terminal.send(ESC)
    terminal.wait_until(lambda: b"\x1bP0;1;0q" in terminal.received[before:], what="sixels again")
    # What they covered is drawn again, though its cells are as they were.
    terminal.screen.buffer[10][20] = terminal.screen.buffer[10][20]._replace(data="#")
    terminal.send(CHORD + ESC)
    wait_row(terminal, "v", "running")
    assert "#" not in terminal.text.splitlines()[10]
    if told:
        return
    # The font is smaller now. The last picture of a guest that has ended is one of cells.
    terminal.cell_pixels = (5, 10)
    terminal.resize(60, 30)
    terminal.send("v")
    before = len(terminal.received)
    terminal.wait_until(lambda: b"\x1bP0;1;0q" in terminal.received[before:], what="sixels again")
    terminal.wait_for("a graphics mode, as a picture")
    assert sixels(bytes(terminal.received[before:]))[:2] == (300, 225)
    kvmtui.ok("stop", "v", "--yes")
    terminal.wait_for("s starts it")
    assert "QEMU closed its monitor" not in terminal.text


def test_pictures_can_be_off(kvmtui, at_display, tmp_path):
    settings = tmp_path / "kvmtui"
    settings.mkdir()
    (settings / "config.yaml").write_text("pictures: off\n")
    disk = boot_guests.shows_mode(0x4F02, 0x101)
    terminal = at_display(disk, 100, 30, text=False, XDG_CONFIG_HOME=str(tmp_path))
    terminal.wait_for("not drawn (pictures: off)")
    assert b"\x1b_G" not in terminal.received and "▀" not in terminal.text
