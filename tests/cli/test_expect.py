"""`expect` and the black box: real consoles and menus, scripts that are wrong, guests that end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path

import boot_guests
import bootable_cds
import pytest

from kvmtui.errors import BusyError, DefinitionError
from kvmtui.guest import history
from kvmtui.manage import black_box
from kvmtui.manage.expect_script import read_script
from kvmtui.manage.expecting import ConsoleText
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.looking import look_at
from kvmtui.manage.serial_line import SerialLine
from kvmtui.qemu import picture

EXAMPLES = Path(__file__).parents[2] / "examples" / "expect"


@pytest.fixture
def script(tmp_path):
    """Writes a script; returns its path."""

    def write(text):
        path = tmp_path / "script.yaml"
        path.write_text(text)
        return path

    return write


def newest_report(kvmtui, name):
    reports = black_box.reports(kvmtui.library.folder(name))
    return json.loads(Path(reports[0].path).read_text())


SHELL = r"""
timeout: 60
steps:
  - wait: "guest# $"
  - type: "echo $((6*7)); echo to the screen > /dev/tty1\n"
  - wait: '(?m)^(42)$'
  - wait: "guest# $"
  - type_variable: SECRET_LINE
  - type: "\n"
  - wait: "from the environment"
  - wait: "to the screen"
    on: screen
  - keys: [shift-pgup, ctrl-alt-f1]
  - screenshot: shot.png
  - screenshot: shot.txt
"""


def test_a_console_is_driven(kvmtui, linux_guest_files, script, tmp_path):
    example = linux_guest_files / "debian-kernel.yaml"
    line = "console=tty0 console=ttyS0 panic=-1 quiet"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--append", line)
    kvmtui.environment["SECRET_LINE"] = "echo from the env''ironment"
    told = kvmtui.ok("expect", "g", script(SHELL), "--start", cwd=tmp_path).out
    assert "wait '(?m)^(42)$': 42" in told and "11 steps" in told
    assert "env''ironment" not in told
    assert (tmp_path / "shot.png").read_bytes().startswith(b"\x89PNG")
    assert "to the screen" in (tmp_path / "shot.txt").read_text()
    # A prompt that waits is seen by who comes later.
    again = script("steps: [{wait: 'guest# $'}, {type: \"echo a''gain\\n\"}, {wait: again}]")
    kvmtui.ok("expect", "g", again, "--quiet")
    line = SerialLine(kvmtui.library.folder("g"))
    line.open()
    assert "is used by pid" in kvmtui.refused("expect", "g", again, status=1)
    listens = script("steps: [{wait: 'never', timeout: 0.3}]")
    kvmtui.refused("expect", "g", listens, status=1)
    line.close()


def test_a_boot_menu_is_driven(kvmtui, tmp_path):
    menu = 'qemu_args=[-boot, "menu=on,splash-time=20000"]'
    kvmtui.tiny("pc", "--disk", "1M", "--set", menu)
    told = kvmtui.ok("expect", "pc", EXAMPLES / "boot-menu.yaml", "--start", cwd=tmp_path).out
    assert "Select boot device" in told
    assert (tmp_path / "boot-menu.png").stat().st_size > 1000


GRUB = r"""
on: screen
timeout: 60
steps:
  - wait: 'GNU GRUB +version \d'
  - wait: '\*First system'
  - keys: [down, down]
  - wait: '\*More systems'
  - keys: ret
  - wait: '\*Third system'
  - keys: down
  - wait: '\*Fourth system'
  - screenshot: menu.txt
  - keys: ret
  - wait: '(?m)^fourth boots'
"""


@pytest.mark.slow
def test_the_menu_of_a_boot_loader_is_driven(kvmtui, script, tmp_path):
    """GRUB's own menu: what is chosen in it is what boots."""
    iso = bootable_cds.make_grub_menu(tmp_path / "grub.iso")
    kvmtui.tiny("g", "--cdrom", iso)
    told = kvmtui.ok("expect", "g", script(GRUB), "--start", cwd=tmp_path).out
    assert "fourth boots" in told and "11 steps" in told
    menu = (tmp_path / "menu.txt").read_text()
    assert "*Fourth system" in menu and "Press enter to boot the selected OS" in menu


def test_a_failed_step_leaves_what_was_seen(kvmtui, script):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    steps = script("on: screen\nsteps: [{wait: SeaBIOS}, {wait: 'not\\e[2J there', timeout: 0.5}]")
    steps.write_text(steps.read_text().replace("\\e[2J ", ""))
    done = kvmtui("expect", "a", steps)
    assert done.status == 1
    assert "kvmtui: a: step 2, wait 'notthere': did not come within 0.5 s" in done.err
    report = newest_report(kvmtui, "a")
    assert report["reason"] == "expect" and "SeaBIOS" in report["screen"][0]
    assert "reports/" in done.err
    steps.write_text("on: screen\nsteps: [{wait: never}]")
    waiting = kvmtui.popen("expect", "a", steps)
    kvmtui.ok("stop", "a")
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 1 and "Traceback" not in err
    assert "does not run" in kvmtui.refused("expect", "a", steps, status=1)


WRONG = {
    "": "steps: is missing",
    "steps: []": "steps: at least one",
    "steps: [{wiat: x}]": "steps[0].wiat: unknown key: did you mean wait",
    "steps: [{}]": "steps[0]: one of wait",
    "steps: [{wait: a, type: b}]": "steps[0]: one of wait",
    "steps: [{wait: '('}]": "steps[0].wait: no regular expression",
    "steps: [{wait: a}, {keys: hyper-x}]": "steps[1].keys: there is no key 'hyper'",
    "steps: [{wait: a, timeout: -1}]": "steps[0].timeout",
    "steps: [{wait: a, on: printer}]": "steps[0].on: 'printer' is not one of serial, screen",
    "steps: [{keys: esc, on: serial}]": "steps[0].on: keys is of the screen",
    "layout: ru\non: screen\nsteps: [{type: a}]": "steps[0].type: the keyboard layout ru has",
    "steps: 3": "steps: a list is expected",
    "steps: [3]": "steps[0]: keys and values are expected",
    "- wait: a": "mapping",
    "steps: [{type: 5}]": "steps[0].type: text is expected",
    "steps: [": "not YAML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_told_with_its_place(text):
    with pytest.raises(DefinitionError) as raised:
        read_script(text.encode())
    assert WRONG[text] in raised.value.message


def test_all_problems_at_once_and_with_the_file(kvmtui, script):
    path = script("steps: [{wiat: x}, {wait: '('}, {keys: 4}]")
    told = kvmtui.refused("expect", "a", path)
    assert told.count(str(path)) >= 2 and "steps[0].wiat" in told and "steps[2].keys" in told
    assert "No such file" in kvmtui.refused("expect", "a", "/no/such/file", status=2)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_are_scripts(path):
    assert read_script(path.read_bytes()).steps


def test_a_panic_leaves_a_report(kvmtui, linux_guest_files):
    example = linux_guest_files / "debian-kernel.yaml"
    line = "console=tty0 console=ttyS0 panic=-1 crash"
    kvmtui.ok("create", "g", "--from", example, "--accelerator", "tcg", "--append", line)
    kvmtui.ok("start", "g")
    kvmtui.ok("wait", "g", "--for", "text=Kernel panic")
    while kvmtui.row("g")["state"] != "crashed":
        pass
    told = kvmtui.ok("why", "g", "--json").json
    report = json.loads(Path(told["report"]).read_text())
    assert report["reason"] == "broken" and report["guest"] == "g"
    assert "Kernel panic" in "".join(report["console"])
    assert sum(bool(line.strip()) for line in report["screen"]) > 15
    assert any(event["event"] == "GUEST_PANICKED" for event in report["events"])
    assert "reports/" in kvmtui.ok("why", "g").out
    assert len(black_box.reports(kvmtui.library.folder("g"))) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root")
def test_a_full_disk_leaves_a_report(kvmtui, new_disk):
    """The guest waits and lives: its screen is in the report, and the event that says why."""
    small = new_disk(2) / "data.raw"
    with open(small, "wb") as file:
        file.truncate(256 << 20)
    disks = ["--set", f"disks=[{{file: disk0.raw, size: 1M}}, {{file: {small}}}]"]
    kvmtui.tiny("a", *disks)
    (kvmtui.folder("a") / "disk0.raw").write_bytes(boot_guests.FILLS_A_DISK)
    kvmtui.ok("start", "a")
    while kvmtui.row("a")["state"] != "io-error":
        pass
    told = kvmtui.ok("why", "a", "--json").json
    report = json.loads(Path(told["report"]).read_text())
    assert report["reason"] == "io-error" and "SeaBIOS" in "".join(report["screen"])
    errors = [one for one in report["events"] if one["event"] == "BLOCK_IO_ERROR"]
    assert errors and errors[0]["data"]["nospace"] is True
    kvmtui.ok("why", "a")
    assert len(black_box.reports(kvmtui.library.folder("a"))) == 1
    kvmtui.ok("stop", "a", "--yes")


def test_a_killed_one_leaves_a_report(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    assert kvmtui.ok("why", "a", "--json").json["report"] is None
    before = history.iso_time()
    os.kill(kvmtui.pid("a"), signal.SIGKILL)
    while kvmtui.row("a")["state"] != "crashed":
        pass
    report = newest_report(kvmtui, "a") if kvmtui.ok("why", "a") else None
    assert report["reason"] == "crashed" and report["screen"] is None
    again = kvmtui.ok("why", "a", "--json").json
    assert report["time"] < before <= report["noticed"] <= history.iso_time()
    assert again["report_of"] == f"crashed between {report['time']} and {report['noticed']}"
    kvmtui.ok("start", "a")
    assert kvmtui.ok("why", "a", "--json").json == {
        **kvmtui.ok("why", "a", "--json").json,
        "report": again["report"],
        "screen": [],
    }


def test_the_interface_notices_by_itself(kvmtui):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")

    async def watch():
        fleet = Fleet(kvmtui.library)
        async with asyncio.timeout(30):
            while (await fleet.refresh())["a"].cpu_percent is None:
                await asyncio.sleep(0.05)
        os.kill(kvmtui.pid("a"), signal.SIGKILL)
        async with asyncio.timeout(30):
            while not black_box.reports(kvmtui.library.folder("a")):
                await fleet.refresh()
                await asyncio.sleep(0.05)
        fleet.close()

    asyncio.run(watch())
    report = newest_report(kvmtui, "a")
    assert report["reason"] == "crashed"
    assert any(percent is not None for percent in report["figures"]["cpu"])


def test_a_picture_that_cannot_be_had_keeps_nothing_else_out(kvmtui, monkeypatch):
    kvmtui.tiny("a")
    kvmtui.ok("start", "a")
    folder = kvmtui.library.folder("a")
    monkeypatch.setattr(picture, "_MOST_BYTES", 10)
    for when in (1e9, 2e9):
        report = black_box.collect(kvmtui.library, folder, "expect", alive=True, when=when)
        assert report.screen == () and report.picture is None and os.path.exists(report.path)
        monkeypatch.setattr(picture, "parse_ppm", lambda _: int("no number"))
        monkeypatch.setattr(picture, "_MOST_BYTES", 1 << 30)


def test_one_at_a_time_makes_a_report(kvmtui):
    kvmtui.tiny("a")
    folder = kvmtui.library.folder("a")
    with black_box._alone(folder), pytest.raises(BusyError, match="is being made"):
        black_box.collect(kvmtui.library, folder, "crashed", alive=False)
    report = black_box.collect(kvmtui.library, folder, "crashed", alive=False)
    os.unlink(report.path)
    view = look_at(kvmtui.library, "a")._replace(state="crashed")
    found = []
    waits = threading.Thread(target=lambda: found.append(black_box.notice(kvmtui.library, view)))
    with black_box._alone(folder):
        waits.start()
        assert not found
    waits.join(30)
    assert found[0] is not None and os.path.exists(found[0].path)


def test_the_newest_reports_are_kept(kvmtui):
    kvmtui.tiny("a")
    folder = kvmtui.library.folder("a")
    for when in range(black_box.MOST_REPORTS + 5):
        black_box.collect(kvmtui.library, folder, "crashed", alive=False, when=1e9 + when)
    kept = black_box.reports(folder)
    assert len(kept) == black_box.MOST_REPORTS
    assert kept[0].time.startswith("2001-09-09T01:47:04")
    assert black_box.newest(folder) == kept[0]
    document = json.loads(Path(kept[0].path).read_text())
    document |= {"screen": ["\x1b[31mred"] * 1000, "picture": "../../etc/passwd"}
    Path(kept[0].path).write_text(json.dumps(document))
    hostile = black_box.reports(folder)[0]
    assert hostile.screen == ("\\x1b[31mred",) * 200
    assert hostile.picture == folder.at("reports", "passwd")
    (Path(kept[0].path)).write_bytes(b"[" * 100_000)
    assert len(black_box.reports(folder)) == black_box.MOST_REPORTS - 1
    reports = kvmtui.folder("a") / "reports"
    for path in reports.iterdir():
        path.unlink()
    reports.rmdir()
    reports.write_text("in the way")
    view = look_at(kvmtui.library, "a")._replace(state="crashed")
    assert black_box.notice(kvmtui.library, view) is None


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_console_text_is_the_same_in_pieces(size):
    said = "\x1b[1;31mgröße\x1b[0m\r\n\x1b]0;title\x07a☃ \x1b(B\x1bP1$r\x1b\\\U0001f600>".encode()
    text = ConsoleText()
    pieces = [text.feed(said[at : at + size]) for at in range(0, len(said), size)]
    assert "".join(pieces) == "größe\na☃ \U0001f600>"


def test_what_never_becomes_whole_is_not_held_for_ever():
    text = ConsoleText()
    assert text.feed(b"\x1b]R\nlogin: ").endswith("login: ")
    assert "x" * 2000 in text.feed(b"\x1b]" + b"x" * 2000)
