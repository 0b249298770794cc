"""From views to cells, as tables."""

from __future__ import annotations

import pytest
from tui.views import guest, operation, trends

from kvmtui.manage.fleet import HostFigures
from kvmtui.manage.timeline import TimelineEntry
from kvmtui.stats.figures import DiskFigures, Figures
from kvmtui.stats.history import History, of_drive
from kvmtui.tui.glyphs import ASCII, UNICODE
from kvmtui.tui.render import activity, detail, frame, guest_graphs, guests
from kvmtui.tui.spans import plain, width_of
from kvmtui.tui.words import long_time

HOST = HostFigures("hv1", 71.2, 41 << 30, 64 << 30, "/srv", 312 << 30)


def shown(live, glyphs=UNICODE, kvm_serves=""):
    cells = guests.row_cells(live, glyphs, kvm_serves=kvm_serves)
    return {column: plain(line) for column, line in cells.items()}


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (
            guest(state="running", cpu=27.4),
            ("● web", "running", "2", "27", "900M/2.0G", "12d", "kvm"),
        ),
        (guest(state="stopped"), ("○ web", "stopped", "2", "", "     2.0G", "", "")),
        (guest(state="paused", cpu=0.0), ("║ web", "paused", "2", "0", "900M/2.0G", "12d", "kvm")),
        (
            guest(state="running", answers=False),
            ("● web", "no answer", "2", "", "900M/2.0G", "12d", "kvm"),
        ),
        (
            guest(state="running", doing="shutdown", cpu=3.0),
            ("» web", "shutting-down", "2", "3", "900M/2.0G", "12d", "kvm"),
        ),
        (
            guest(state="invalid", cpus=None, memory_bytes=None, error="memory: bad"),
            ("? web", "invalid", "", "", "", "", ""),
        ),
        (guest(state="crashed"), ("✗ web", "crashed", "2", "", "     2.0G", "", "")),
    ],
)
def test_a_row(live, expected):
    columns = ("name", "state", "cpus", "cpu", "memory", "up", "acc")
    cells = shown(live)
    assert tuple(cells[column] for column in columns) == expected


def test_ascii_signs():
    assert shown(guest(state="running"), ASCII)["name"] == "+ web"
    assert shown(guest(state="crashed"), ASCII)["name"] == "X web"


def test_emulation_is_told_of_where_kvm_serves():
    live = guest(state="running", accelerator="tcg")
    role = {
        serves: guests.row_cells(live, UNICODE, kvm_serves=serves)["acc"][0].role
        for serves in ("", "x86_64", "aarch64")
    }
    assert role == {"": "muted", "x86_64": "warn", "aarch64": "muted"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (48, "48 s"), (720, "12 min"), (3723, "1 h 2 min"), (273659, "3 d 4 h")],
)
def test_a_duration_in_a_sentence(seconds, words):
    assert long_time(seconds) == words


def test_all_that_is_well_has_no_colour():
    cells = guests.row_cells(guest(state="running", cpu=3.0), UNICODE, kvm_serves="x86_64")
    roles = {
        span.role for column, line in cells.items() for span in line[1 if column == "name" else 0 :]
    }
    assert roles <= {"text", "muted"}


def test_filter_looks_into_name_state_tags_and_description():
    known = {
        live.view.name: live
        for live in (
            guest("db-01", "running", tags=("prod",), description="PostgreSQL"),
            guest("web-01", "crashed", tags=("prod",)),
            guest("web-02", "stopped"),
        )
    }

    def names(**how):
        return [live.view.name for live in guests.arranged(known, **how)]

    assert names(text="prod") == ["db-01", "web-01"]
    assert names(text="WEB stop") == ["web-02"]
    assert names(text="postgres") == ["db-01"]
    known["s"] = guest("s", "stopped", doing="install")
    known["t"] = guest("t", "stopped", os="almalinux9")
    assert names(text="lin") == ["t"], "not what is installing"
    assert names(text="inst") == ["s"] and names(text="top") == []
    known["u"] = guest("u", "io-error")
    assert names(text="error") == names(text="io-e") == ["u"]
    del known["s"], known["t"], known["u"]
    assert names(sort="state") == ["web-01", "db-01", "web-02"]
    assert names(sort="cpu") == ["db-01", "web-01", "web-02"]


def test_host_figures_are_shorter_where_it_is_narrow():
    name, figures = frame.host_figures(HOST)
    assert name == "hv1"
    assert [plain(figure.long) for figure in figures] == [
        "cpu  71%",
        "memory 41G of 64G",
        "/srv  312G left",
    ]
    assert [plain(figure.short) for figure in figures] == ["cpu  71%", "mem 41G/64G", ""]
    first = HOST._replace(cpu_percent=None, disk_free_bytes=None)
    assert [plain(figure.long) for figure in frame.host_figures(first)[1]] == [
        "cpu     ",
        "memory 41G of 64G",
    ]


def test_row_one_tells_of_trouble_and_how_much_more():
    troubled = [
        guest("ci-runner-2", "io-error"),
        guest("nas", "crashed"),
        guest("k3s-3", "running", answers=False),
        guest("web", "running"),
    ]
    wide = plain(frame.trouble_line(troubled, UNICODE, 140, "!"))
    assert wide == (
        " ▲ ci-runner-2 waits: no room for its disk   ✗ nas crashed   "
        "● k3s-3 does not answer   ! go there"
    )
    narrow = frame.trouble_line(troubled, UNICODE, 80, "!")
    assert plain(narrow).endswith("+1 more   ! go there") and width_of(narrow) <= 80
    assert frame.trouble_line([guest(state="running")], UNICODE, 80, "!") == ()


@pytest.mark.parametrize(
    ("one", "what", "progress"),
    [
        (operation(result="running", begun=940.0), "» start", "for 60 s"),
        (operation(ended=1006.04), "✓ start", "done in 6.0 s"),
        (operation(result="failed", message="its disk is in use"), "✗ start", "its disk is in use"),
        (operation(result="interrupted"), "▲ start", "given up"),
        (
            operation(result="failed", message="web: disks[0]: /srv/guests/web/d.raw is gone"),
            "✗ start",
            "disks[0]: d.raw is gone",
        ),
    ],
)
def test_an_operation(one, what, progress):
    cells = activity.operation_cells(one, UNICODE, now=1000.0)
    assert (plain(cells["what"]), plain(cells["progress"])) == (what, progress)


def test_running_operations_come_first():
    old = operation(begun=1.0, result="running")
    new, failed = operation(begun=3.0), operation(begun=2.0, result="failed")
    assert activity.arranged([failed, new, old], text="", failures=False) == [old, new, failed]
    assert activity.arranged([failed, new, old], text="", failures=True) == [failed]
    assert activity.arranged([new], text="nobody", failures=False) == []


def test_a_long_problem_is_told_in_lines():
    error = "disks[0].file: /srv/images/a-very-long-name.qcow2 is in use by web-02: stop it first"
    scene = detail.Scene(46, UNICODE, now=0.0)
    lines = [plain(line) for line in detail.problem_lines(guest(error=error), None, scene)]
    assert all(
        width_of(line) <= 46 for line in detail.problem_lines(guest(error=error), None, scene)
    )
    assert lines[0].startswith(f"{UNICODE.io_error} disks[0].file:")
    assert " ".join(" ".join(lines).split())[2:] == error


def test_work_on_an_image_has_bar_rate_and_time_left():
    one = operation("", "convert", "running")._replace(
        image="old-mail.vmdk", percent=18.4, rate_bytes_per_s=212.0 * 2**20, left_s=122.0
    )
    cells = activity.operation_cells(one, UNICODE, now=1040.0)
    texts = {column: plain(line) for column, line in cells.items()}
    assert texts["what"] == "» convert old-mail.vmdk" and texts["guest"] == "–"
    assert texts["progress"] == "━━──────────  18 %"
    assert (texts["rate"], texts["left"]) == ("212M", "2 min")
    ended = one._replace(result="done", ended=1003.0)
    texts = {c: plain(line) for c, line in activity.operation_cells(ended, UNICODE, 1040.0).items()}
    assert (texts["progress"], texts["rate"], texts["left"]) == ("done in 3.0 s", "", "")
    assert activity.arranged([one], text="old-mail", failures=False) == [one]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, "demo-steady  ● running · kvm · 12d"),
        (29, "demo-steady  ● running · kvm"),
        (22, "demo-steady  ● running"),
        (21, "demo-steady  ●"),
        (12, "demo-ste…  ●"),
    ],
)
def test_a_name_is_cut_last(width, expected):
    live = guest("demo-steady", "running")
    assert plain(detail.head(live, detail.Scene(width, UNICODE, now=0.0))) == expected


def test_disk_graphs_show_what_was_gathered_before_and_say_since_when():
    disk = DiskFigures("hd0", 1e6, 0.0, 1.0, 0.0, 0.0, None, None, 0)
    known = Figures(5.0, (), None, None, 1e6, 0.0, 1.0, 0.0, None, None, None, None, None, (disk,))
    history = History()
    for second in range(1000, 1100):
        values = [("cpu", 5.0), ("disk_read", 1e6), ("disk_write", 0.0)]
        if second >= 1050:
            values.append((of_drive("hd0", "ops"), 0.0))
        history.record("web", second, values)

    def views(*disks, span="1min"):
        live = guest(state="running")._replace(figures=known._replace(disks=disks))
        page = guest_graphs.Page(live, trends(history), span, 140, UNICODE)
        return {tile.key: tile.view for band in guest_graphs.bands_of(page) for tile in band}

    found = views(disk)
    assert sum(value > 0 for value in found["hd0 bytes"].series[0].values) > 40
    assert found["hd0 p99"].empty == "nothing since it is gathered"
    found = views(disk, disk._replace(name="hd1"))
    assert sum(value > 0 for value in found["all disks bytes"].series[0].values) > 40
    assert found["hd1 p99"].empty == "gathered from now on"
    for second in range(1100, 1400):
        history.record("web", second, [(of_drive("hd0", "ops"), 0.0)])
    assert views(disk)["hd0 p99"].empty == "nothing was read or written"


def test_a_long_entry_of_the_timeline_is_whole_on_the_guests_own_page():
    words = "start failed: disks[0]: /srv/kvmtui/guests/web/disk0.qcow2 does not exist"
    entries = (
        TimelineEntry(0.0, words, "failed", "", ""),
        TimelineEntry(0.0, "created", "done", "", ""),
    )
    scene = detail.Scene(46, UNICODE, now=0.0)
    cut = [plain(line) for line in detail.timeline_lines(entries, scene)]
    assert len(cut) == 2 and cut[0].endswith("…")
    whole = [plain(line) for line in detail.timeline_lines(entries, scene, whole=True)]
    assert max(map(len, whole)) <= 46 and whole[-1] == "00:00  created"
    assert whole[1].startswith(" " * 7)
    assert " ".join(" ".join(whole[:-1]).split()) == f"00:00 {words}"
