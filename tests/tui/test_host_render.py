"""The host as lines: tables of views and what is read."""

from __future__ import annotations

import time

import pytest
from tui.hosts import CLOCK, FINE, NESTED, NO_QEMU, PROMISED, STAND, STORAGE, check, report, view

from kvmtui.host.accelerator import Progress
from kvmtui.host.remedies import Step
from kvmtui.manage.forecast import Forecast
from kvmtui.tui.glyphs import ASCII, UNICODE
from kvmtui.tui.render import host as render
from kvmtui.tui.render import machine
from kvmtui.tui.render.host import HostView
from kvmtui.tui.spans import plain, width_of

EMULATED = check("accelerator", "warn", "35 times slower", "nest it", accelerator="tcg")
NOT_MEASURED = check("accelerator", "unknown", "not measured yet", "kvmtui check --measure")
MEASURING = Progress("kvm -cpu host", 2, 4, 5.0)
HOSTILE = check("clock", "warn", "\x1b[31mred\u202e [bold]x", "echo \x1b]52;c;aGk=\x07")


@pytest.mark.parametrize(
    ("known", "badge", "verdict"),
    [
        (HostView(), "", "» looking at this machine …"),
        (view(), "", "✓ Guests run here under KVM"),
        (view(NESTED), "", "✓ Guests run here under KVM"),
        (view(CLOCK), "▲", "✓ Guests run here under KVM"),
        (view(EMULATED, words="In emulation"), "▲", "▲ In emulation"),
        (view(NOT_MEASURED, words="Not measured"), "", "? Not measured"),
        (view(NO_QEMU, CLOCK, words="No guest can run"), "✗", "✗ No guest can run"),
        (HostView(fault="the checks died"), "", "✗ the checks died"),
        (
            view(NO_QEMU, progress=MEASURING),
            "»",
            "» measuring: kvm -cpu host … 2 of 4, at most 5 s   Esc gives it up",
        ),
    ],
)
def test_verdict_and_sign(known, badge, verdict):
    assert plain(render.badge(known, UNICODE)) == badge
    assert plain(render.verdict(known, UNICODE, "Esc")) == verdict


def test_a_verdict_hangs_below_its_words():
    known = view(words="Guests run here and the sentence is long")
    lines = render.hanging(render.verdict(known, UNICODE), 20)
    assert [plain(line) for line in lines] == [
        "✓ Guests run here",
        "  and the sentence",
        "  is long",
    ]
    cut = render.hanging(render.verdict(known, UNICODE), 20, 2)
    assert [plain(line) for line in cut] == ["✓ Guests run here", "  and the sentence …"]
    assert all(width_of(line) <= 20 for line in cut)


@pytest.mark.parametrize(
    ("known", "low", "told"),
    [
        (HostView(), False, False),
        (view(CLOCK), False, False),
        (view(NOT_MEASURED), False, False),
        (view(EMULATED, words="In emulation"), False, True),
        (view(EMULATED, words="In emulation"), True, False),
        (view(NO_QEMU, words="No guest can run"), True, True),
    ],
)
def test_row_1_tells_of_what_guests_suffer_from(known, low, told):
    line = plain(render.host_trouble(known, UNICODE, 60, "4", low=low))
    assert bool(line) == told and line.endswith("4 shows how to help") == told


def test_row_1_keeps_its_key_in_sight():
    known = view(NO_QEMU, words="No guest can run here: " + "because " * 20)
    line = render.host_trouble(known, UNICODE, 80, "4", low=True)
    assert width_of(line) <= 80 and plain(line).endswith("…   4 shows how to help")


def test_trouble_comes_first_and_what_is_ok_is_folded():
    known = report(*FINE[:2], CLOCK, NESTED, NO_QEMU._replace(id="other"))
    found = render.arranged(known)
    assert [one.status for one in found.shown] == ["fail", "warn", "unknown"]
    assert found.folded == len(FINE)
    unfolded = render.arranged(known, unfolded=True)
    assert [one.status for one in unfolded.shown][3:] == ["ok"] * 4 and unfolded.folded == 0
    by_title = [one.title for one in render.arranged(known, sort="check").shown]
    assert by_title == sorted(by_title, key=str.casefold)


def test_a_filter_finds_what_is_folded_too():
    found = render.arranged(report(CLOCK), text="xeon")
    assert found == ((), 0)
    found = render.arranged(report(CLOCK), text="2000g FREE")
    assert [one.id for one in found.shown] == ["disk"]
    assert render.arranged(None) == ((), 0)


def test_the_counts():
    line = plain(render.counts_line(report(CLOCK, NESTED, NO_QEMU), 60, UNICODE))
    assert line.split("   ")[-4:] == ["3 ok", "1 ▲", "1 ✗", "1 unknown"]
    assert len(line) == 59 and line.startswith(" Checks ")
    assert plain(render.counts_line(None, 60, UNICODE)) == " Checks"


@pytest.mark.parametrize(("glyphs", "sign"), [(UNICODE, "▲"), (ASCII, "!")])
def test_a_check_is_a_row(glyphs, sign):
    cells = render.check_cells(CLOCK, glyphs)
    assert plain(cells["status"]) == f"{sign} warn"
    assert (plain(cells["check"]), plain(cells["found"])) == ("Clock", CLOCK.detail)


def test_what_a_check_says_is_shown_as_text():
    cells = render.check_cells(HOSTILE, UNICODE)
    assert plain(cells["found"]) == "\\x1b[31mred\\u{202e} [bold]x"
    for lines in (
        render.check_lines(HOSTILE, 60, "y", 20),
        render.check_page(HOSTILE, 60, UNICODE),
    ):
        text = "".join(map(plain, lines))
        assert text.isprintable() and "\\x1b]52" in text
    assert render.remedy_of(HOSTILE) == "echo \\x1b]52;c;aGk=\\x07"


@pytest.mark.parametrize("width", [24, 36, 60, 76])
def test_all_of_a_check_fits_its_box(width):
    one = CLOCK._replace(remedy="apt-get install -y " + "chrony " * 20, explanation="word " * 90)
    for lines in (
        render.check_page(one, width, UNICODE),
        render.check_lines(one, width, "y", 60),
    ):
        assert all(width_of(line) <= width for line in lines)
    text = "\n".join(map(plain, render.check_page(one, width, UNICODE)))
    assert "Found" in text and "Try" in text and "Reads" in text and "▲ warn" in text


@pytest.mark.parametrize(
    ("remedy", "steps", "copied"),
    [
        ("usermod -aG kvm anna, then log in again", True, ("usermod -aG kvm anna", "log in again")),
        ("a && b, then, with no guest running: c", True, ("a && b", "with no guest running: c")),
        ("apt-get install -y chrony; systemctl enable --now chrony", True, None),
        ("turn it on in the firmware, then start anew", False, None),
    ],
)
def test_what_is_copied_can_be_run(remedy, steps, copied):
    one = CLOCK._replace(remedy=remedy, steps=(Step("group", ("x",)),) if steps else ())
    assert render.command_of(one) == (copied or (remedy, ""))


def test_the_remedy_has_room_however_much_was_found():
    one = CLOCK._replace(detail="word " * 99)
    lines = [plain(line) for line in render.check_lines(one, 60, "y", 4)]
    assert len(lines) == 4 and lines[2].endswith("…")
    assert lines[3] == "Try    apt-get install -y chrony"
    one = one._replace(remedy="long " * 99)
    lines = [plain(line) for line in render.check_lines(one, 60, "y", 4)]
    assert [line.endswith("…") for line in lines] == [False, True, False, True]
    short = [plain(line) for line in render.check_lines(CLOCK, 60, "y", 3)]
    assert short[1:] == ["Try    apt-get install -y chrony", "y copies it".rjust(60)]


def test_a_check_without_remedy_offers_none():
    text = "\n".join(map(plain, render.check_page(FINE[0], 60, UNICODE)))
    assert "Try" not in text and render.remedy_of(FINE[0]) == render.remedy_of(None) == ""


# The machine.


def test_the_column_at_the_left():
    lines = [plain(line) for line in machine.whole(view(), 62, UNICODE)]
    assert lines == [
        "Machine",
        "CPU        AMD EPYC 7313P, 16 cores, 32 threads, 1 socket",
        "Memory     64G, 2 NUMA nodes",
        "System     Debian 13, Linux 6.12.0-18-amd64, up 41d",
        "QEMU       9.2.1 x86_64 aarch64",
        "Home       /srv/kvmtui, xfs",
        "",
        "Now",
        "Load       0.31  0.42  1.53  1, 5, 15 min",
        "Pressure   cpu 4 %  memory 0 %  io 12 % ▲",
        "",
        "Promised         now   if all start     there",
        "vCPUs             61             84        32",
        "Memory           41G            63G       64G",
        "Disk            1.6T           2.8T      2.0T ▲",
        "",
        "/srv       ━━━━━━━━━━━━━━━━━━━━━━━━━━━───── 312G left",
    ]


def test_the_rows_above_the_checks():
    lines = [plain(line) for line in machine.short(view(), 78, UNICODE)]
    assert lines[0] == "AMD EPYC 7313P, 16 cores · 64G · Linux 6.12.0 · QEMU 9.2.1 · up 41d"
    assert lines[1] == "Load       0.31  0.42  1.53  1, 5, 15 min   Promised       now   all  there"
    assert lines[2].endswith("vCPUs           61    84     32")
    assert lines[3].startswith("/srv       ━") and lines[4].endswith("1.6T  2.8T   2.0T ▲")
    assert all(len(line) <= 78 for line in lines) and len(lines) == 5


def test_when_the_home_is_full_or_who_would_know():
    gib = 1 << 30
    when = time.mktime((2027, 1, 18, 12, 0, 0, 0, 0, -1))
    known = Forecast("/srv", 2000 * gib, 312 * gib, 6.0 * gib, 7.0, when)
    for lines_of, width in ((machine.whole, 62), (machine.short, 78)):
        lines = [plain(line) for line in lines_of(view(forecasts=(known,)), width, UNICODE)]
        assert any("6.0G a day: full on 18 Jan" in line for line in lines)
        unknown = known._replace(bytes_per_day=None, over_days=None, full_at=None)
        lines = [plain(line) for line in lines_of(view(forecasts=(unknown,)), width, UNICODE)]
        assert any("kvmtui watch would know when" in line for line in lines)
        watched = view(forecasts=(unknown._replace(is_watched=True),))
        assert lines_of(watched, width, UNICODE) == lines_of(view(), width, UNICODE)
        fast = Forecast("/fast", 500 * gib, 12 * gib, 1.0, 7.0, when)
        lines = [plain(line) for line in lines_of(view(forecasts=(known, fast)), width, UNICODE)]
        (line,) = [line for line in lines if line.startswith("/fast")]
        assert " 12G left, full on 18 Jan" in line and len(line) <= width
        still = view(forecasts=(known._replace(bytes_per_day=0.0, full_at=None),))
        assert lines_of(still, width, UNICODE) == lines_of(view(), width, UNICODE)


def test_what_is_not_known_is_left_out():
    assert [plain(line) for line in machine.whole(HostView(), 62, UNICODE)] == [
        "Machine",
        "",
        "Now",
    ]
    assert machine.short(HostView(), 78, UNICODE) == []
    bare = STAND._replace(
        machine=STAND.machine._replace(processor="", cores=None, memory_bytes=None, nodes=None),
        emulators=(),
    )
    storage = STORAGE._replace(disks_all_bytes=None, disks_used_bytes=None)
    promised = PROMISED._replace(cpus=None, memory_bytes=None)
    known = view(stand=bare, storage=storage, promised=promised, pulse=None)
    lines = [plain(line).rstrip() for line in machine.whole(known, 62, UNICODE)]
    assert lines[1] == "CPU        32 threads, 1 socket"
    assert "QEMU       none for x86_64, aarch64 or riscv64" in lines
    assert "vCPUs             61             84" in lines
    assert "Disk                                     2.0T" in lines


def test_several_versions_of_qemu_are_told_apart():
    emulators = (*STAND.emulators, STAND.emulators[0]._replace(arch="riscv64", version="10.0"))
    lines = machine.whole(view(stand=STAND._replace(emulators=emulators)), 62, UNICODE)
    assert "QEMU       9.2.1 x86_64 aarch64, 10.0 riscv64" in [plain(line) for line in lines]


def test_more_memory_promised_than_there_is_is_marked():
    promised = PROMISED._replace(memory_all_bytes=PROMISED.memory_all_bytes * 2)
    lines = machine.whole(view(promised=promised), 62, ASCII)
    assert next(
        plain(line)
        for line in lines
        if plain(line).startswith("Memory     ") and "126G" in plain(line)
    ).endswith("64G !")
