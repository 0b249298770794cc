"""The Images pane on a real terminal, over real images and work that really goes on."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import tempfile

import pytest
from tui.seen import CLEAR, CTRL_S, ENTER, ESC, TAB

from kvmtui.manage.image_records import records

CLIPBOARD = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07")
DOWN, LEFT, RIGHT = "\x1b[B", "\x1b[D", "\x1b[C"


@pytest.fixture
def images(kvmtui):
    """The home's ``images/``."""
    kvmtui.library.make()
    return kvmtui.home / "images"


def make(path, *words, size="16M"):
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *words, os.fspath(path), size]
    subprocess.run(command, check=True)


def full(path, megabytes=8):
    """A raw image of noise."""
    path.write_bytes(os.urandom(megabytes << 20))


def open_images(open_app, columns=140, rows=40):
    terminal = open_app(columns, rows)
    terminal.wait_for("? help")
    terminal.send("2")
    terminal.wait_for("Used by")
    terminal.wait_gone("looking at the images")
    return terminal


def row(terminal, name):
    """The line of an image in the list."""
    found = (line for line in terminal.lines[1:-2] if f" {name} " in f"{line[2:60]} ")
    return next(found, "")


def go_to(terminal, name):
    """Put the cursor on an image by the filter, and take the filter away."""
    terminal.wait_until(lambda: row(terminal, name), what=name)
    terminal.send("g")
    for _ in range(60):
        if row(terminal, name).startswith("▌"):
            return
        before = terminal.text
        terminal.send("j")
        terminal.wait_until(lambda before=before: terminal.text != before, what="a move")
    raise AssertionError(terminal.text)


def leftovers(kvmtui):
    found = [path for path in kvmtui.home.rglob("*") if ".part-" in path.name]
    return found + list((kvmtui.home / "work").glob("*.json"))


def fill(terminal, label, text):
    """Put a text into the field that the form stands on."""
    terminal.wait_until(lambda: any(f"{label} " in line and "▌" in line for line in terminal.lines))
    terminal.send(CLEAR + text)


def begin_slow(terminal, rate="64K"):
    """A conversion of the image under the cursor that takes minutes."""
    terminal.send("V")
    terminal.wait_for("✓ free")
    terminal.send(TAB)
    fill(terminal, "Name", "slow")
    terminal.send(TAB + TAB)
    fill(terminal, "At most", rate)
    terminal.wait_for("✓ 64K" if rate == "64K" else "✓ 1.0M")
    terminal.send(CTRL_S)
    terminal.wait_for("Used by")


def test_an_image_is_made_grown_cloned_and_deleted_by_keys(kvmtui, images, open_app):
    terminal = open_images(open_app)
    terminal.wait_for("No images. i brings one in, n makes one.")
    terminal.send("n")
    fill(terminal, "Name", "disk")
    terminal.send(TAB)
    fill(terminal, "Size", "64M")
    terminal.wait_for("qcow2, 64M")
    terminal.wait_for("left; ")
    terminal.send(CTRL_S)
    terminal.wait_until(lambda: " 64M " in row(terminal, "disk.qcow2"), what="the image")
    terminal.send("w")
    fill(terminal, "Size", "+1")
    terminal.wait_for("✗ '1' has no unit")
    terminal.send("6M")
    terminal.wait_for("✓ from 64M to 80M")
    terminal.send(CTRL_S)
    terminal.wait_until(lambda: " 80M " in row(terminal, "disk.qcow2"), what="its new size")
    terminal.send("C")
    terminal.wait_for("disk-2")
    terminal.send(TAB + RIGHT + RIGHT)
    terminal.wait_for("linked")
    terminal.send(CTRL_S)
    terminal.wait_until(lambda: "└ disk-2.qcow2" in terminal.text, what="the clone below it")
    go_to(terminal, "disk.qcow2")
    terminal.send("D")
    terminal.wait_for("disk.qcow2 was not deleted")
    terminal.wait_for("stands on it")
    terminal.send(ESC)
    terminal.wait_gone("was not deleted")
    go_to(terminal, "disk-2.qcow2")
    terminal.send("D")
    terminal.wait_for("Delete disk-2.qcow2?")
    terminal.send(f"disk-2.qcow2{ENTER}")
    terminal.wait_for("disk-2.qcow2 is deleted")
    terminal.wait_until(lambda: not row(terminal, "disk-2.qcow2"), what="it to go")
    assert [path.name for path in images.iterdir()] == ["disk.qcow2"]


def test_a_key_doubled_deletes_nothing(kvmtui, images, open_app):
    make(images / "D.qcow2")
    terminal = open_images(open_app, 80, 24)
    go_to(terminal, "D.qcow2")
    terminal.send("DD")
    terminal.wait_for("Delete D.qcow2?")
    terminal.send(ENTER)
    terminal.send(ESC)
    terminal.wait_gone("Delete D.qcow2?")
    assert (images / "D.qcow2").exists()


def test_long_work_stands_in_activity_and_is_cancelled_there(kvmtui, images, open_app):
    full(images / "big.raw", 64)
    terminal = open_images(open_app)
    go_to(terminal, "big.raw")
    begin_slow(terminal, rate="1M")
    terminal.wait_for("convert big.raw: begun")
    terminal.wait_for("» converting")
    terminal.send("5")
    terminal.wait_until(lambda: re.search(r"convert big\.raw .*━.* %", terminal.text))
    terminal.wait_until(
        lambda: re.search(r" % +[\d.]+[KM] +\d+ (s|min) ", terminal.text), what="rate, left"
    )
    assert "5 Activity »1" in terminal.lines[0]
    terminal.send("q")
    terminal.wait_for("Work on images ends")
    terminal.send(ENTER + "X")
    terminal.wait_for("The target is removed, the source is whole.")
    terminal.send("y")
    terminal.wait_for("it was cancelled")
    terminal.wait_until(lambda: "▲ convert" in terminal.text, what="its end")
    assert not leftovers(kvmtui) and [one.name for one in images.iterdir()] == ["big.raw"]


def test_the_work_of_another_kvmtui_is_seen_and_ended(kvmtui, images, open_app):
    full(images / "big.raw")
    first, second = open_images(open_app), open_images(open_app, 80, 24)
    go_to(first, "big.raw")
    begin_slow(first)
    go_to(second, "big.raw")
    second.wait_for("» converting")
    second.send("X")
    second.wait_for("Cancel convert of big.raw?")
    second.wait_for("in another kvmtui (pid")
    second.send("y")
    second.wait_for("is asked to end")
    first.wait_for("it was cancelled")
    second.wait_gone("» converting")
    assert not leftovers(kvmtui)


def test_killed_in_the_middle_the_next_start_tells_it(kvmtui, images, open_app):
    full(images / "big.raw")
    before = (images / "big.raw").read_bytes()
    terminal = open_images(open_app)
    go_to(terminal, "big.raw")
    begin_slow(terminal)
    terminal.wait_for("» converting")
    terminal.process.send_signal(signal.SIGKILL)
    terminal.wait_end()
    assert leftovers(kvmtui)
    again = open_app(100, 30)
    again.wait_for("convert of big.raw was cut off; what was unfinished is removed")
    again.wait_until(lambda: not leftovers(kvmtui), what="the leftovers to go")
    again.send("5")
    again.wait_for("it was cut off: the kvmtui")
    assert (images / "big.raw").read_bytes() == before


def test_a_full_disk_is_told_and_leaves_nothing(kvmtui, images, open_app, small_disk):
    full(images / "big.raw", 32)
    terminal = open_images(open_app)
    go_to(terminal, "big.raw")
    terminal.send("V")
    terminal.wait_for("✓ free")
    terminal.send(TAB)
    fill(terminal, "Name", f"{small_disk}/a.qcow2")
    terminal.wait_for("has no room for it")
    terminal.send(CTRL_S)
    terminal.wait_for("▲ ")
    terminal.send(f"{TAB} ")
    terminal.wait_gone("has no room for it")
    terminal.send(CTRL_S)
    terminal.wait_for("No space left")
    terminal.wait_for("Try: make room")
    assert os.listdir(small_disk) == [] and not leftovers(kvmtui)


@pytest.fixture
def small_disk():
    folder = tempfile.mkdtemp(prefix="s", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


HOSTILE = (
    b"new\nline.qcow2",
    b"esc\x1b[2J\x1b]0;gotcha\x07.qcow2",
    "rtl\u202egpj.qcow2".encode(),
    b"not-utf8-\xff\xfe.qcow2",
    b"per%cent,comma:colon.qcow2",
    "東京-二.qcow2".encode(),
)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (140, 40)])
def test_hostile_names_are_shown_escaped(kvmtui, images, open_app, size):
    make(images / "plain.qcow2")
    content = (images / "plain.qcow2").read_bytes()
    for name in HOSTILE:
        with open(os.path.join(os.fsencode(images), name), "wb") as file:
            file.write(content)
    terminal = open_images(open_app, *size)
    terminal.wait_for("new\\x0aline")
    terminal.wait_for("東京-二")
    terminal.send("G")
    terminal.wait_for("rtl\\u")
    for _ in HOSTILE:
        terminal.send("k" + ENTER)
        terminal.wait_for("closes")
        terminal.send(ESC)
        terminal.wait_gone("closes")
    sent = bytes(terminal.received)
    assert b"\x1b]0;gotcha" not in sent and "\u202e".encode() not in sent
    assert b"\xff\xfe" not in sent and terminal.process.poll() is None
    assert all(len(line) <= size[0] for line in terminal.lines)


def test_an_image_with_a_hostile_name_is_deleted_by_what_is_shown(kvmtui, images, open_app):
    path = os.path.join(os.fsencode(images), HOSTILE[0])
    make(path.decode())
    terminal = open_images(open_app)
    terminal.wait_for("new\\x0aline")
    terminal.send("y")
    terminal.wait_for("not copied")
    terminal.send("D")
    terminal.wait_for("Delete new\\x0aline.qcow2?")
    terminal.send(f"new\\x0aline.qcow2{ENTER}")
    terminal.wait_for("is deleted")
    assert not os.path.exists(path)


def test_a_path_goes_to_the_clipboard(kvmtui, images, open_app):
    make(images / "東京 disk.qcow2")
    terminal = open_images(open_app, 80, 24)
    terminal.wait_for("東京 disk.qcow2")
    terminal.send("y")
    terminal.wait_for("copied to your terminal's clipboard")
    (sent,) = CLIPBOARD.findall(terminal.received)
    assert base64.b64decode(sent).decode() == str(images / "東京 disk.qcow2")


def test_what_must_not_be_followed_is_flagged_and_followed_on_a_word(
    kvmtui, images, open_app, tmp_path
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    make(elsewhere / "base.qcow2")
    make(images / "far.qcow2", "-u", "-b", str(elsewhere / "base.qcow2"), "-F", "qcow2")
    make(images / "lost.qcow2", "-u", "-b", "gone.qcow2", "-F", "qcow2")
    terminal = open_images(open_app)
    terminal.wait_for("2 Images 2 ▲")
    for name, trouble in (("far.qcow2", "▲ backing elsewhere"), ("lost.qcow2", "✗ backing gone")):
        terminal.wait_until(lambda n=name, t=trouble: t in row(terminal, n), what=trouble)
    terminal.send("1")
    terminal.wait_gone("Used by")
    terminal.send("!")
    terminal.wait_for("Used by")
    terminal.wait_until(lambda: row(terminal, "far.qcow2").startswith("▌"), what="the first")
    terminal.send("c")
    terminal.wait_for("Check far.qcow2 all the same?")
    terminal.wait_for("which is in no folder of images")
    terminal.send("y")
    terminal.wait_for("far.qcow2: no errors")
    terminal.send("V")
    terminal.wait_for("✓ free")
    terminal.wait_for("which is in no folder of images")
    terminal.send(CTRL_S)
    terminal.wait_for("▲ ")
    assert not (images / "far.raw").exists()
    terminal.send(f"{TAB * 6} ")
    terminal.wait_gone("which is in no folder of images")
    terminal.send(CTRL_S)
    terminal.wait_for("far.raw is made")
    terminal.wait_until(lambda: row(terminal, "far.raw"), what="the new one")
    terminal.send("!")
    terminal.wait_until(lambda: row(terminal, "lost.qcow2").startswith("▌"), what="the next")
    terminal.wait_for("which is not there")


def test_an_image_that_vanishes_while_its_form_is_open(kvmtui, images, open_app):
    make(images / "here.qcow2")
    terminal = open_images(open_app)
    go_to(terminal, "here.qcow2")
    terminal.send("C")
    terminal.wait_for("✓ free")
    (images / "here.qcow2").unlink()
    terminal.wait_for("✗ the image is gone")
    terminal.send(CTRL_S)
    terminal.wait_for("▲ the image is gone")
    terminal.send(ESC)
    terminal.wait_for("No images.")


def test_several_are_marked_and_deleted_by_their_number(kvmtui, images, open_app):
    kvmtui.tiny("web", "--disk", "64M")
    for name in ("a", "b", "c"):
        make(images / f"{name}.qcow2")
    terminal = open_images(open_app)
    terminal.wait_until(lambda: "○ web" in row(terminal, "web/disk0.qcow2"), what="its user")
    terminal.send("*D")
    terminal.wait_for("Delete 3 images?")
    terminal.wait_for("stays: web/disk0.qcow2 was not deleted")
    terminal.send(f"3{ENTER}")
    terminal.wait_until(lambda: not list(images.iterdir()), what="them to go")
    assert (kvmtui.folder("web") / "disk0.qcow2").exists()


def test_a_directory_is_listed_and_forgotten(kvmtui, images, open_app, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    make(other / "far.qcow2")
    make(images / "near.qcow2")
    terminal = open_images(open_app)
    terminal.send("a")
    terminal.wait_for("Path ")
    fill(terminal, "Path", str(other))
    terminal.wait_for("✓ 1 image in it")
    terminal.send(CTRL_S)
    terminal.wait_for(" is listed")
    terminal.wait_for("far.qcow2")
    terminal.send("d")
    terminal.wait_for("by directory")
    terminal.wait_for("│ └ far.qcow2")
    terminal.send("A")
    terminal.wait_for("List a directory no more")
    terminal.wait_for(str(other)[:20])
    terminal.send(CTRL_S)
    terminal.wait_for("is listed no more")
    terminal.wait_gone("far.qcow2")


def test_it_is_usable_in_40_columns(kvmtui, images, open_app):
    make(images / "base.qcow2")
    make(images / "top.qcow2", "-b", "base.qcow2", "-F", "qcow2")
    make(images / "lost.qcow2", "-u", "-b", "gone.qcow2", "-F", "qcow2")
    terminal = open_images(open_app, 40, 12)
    terminal.wait_for("└ top.qcow2")
    assert "✗ backing gone" in terminal.text
    terminal.send("g" + LEFT)
    terminal.wait_gone("top.qcow2")
    terminal.send(RIGHT)
    terminal.wait_for("└ top.qcow2")
    terminal.send("w")
    terminal.wait_for("Size")
    terminal.wait_for("then" if "then" in terminal.text else "left")
    terminal.send(ESC)
    terminal.wait_gone("May shrink")
    terminal.send("jD")
    terminal.wait_for("Delete top.qcow2?")
    terminal.send(ESC)
    terminal.wait_gone("Delete top.qcow2?")


def test_work_of_a_hostile_record_is_told_not_done(kvmtui, images, open_app):
    make(images / "a.qcow2")
    work = kvmtui.home / "work"
    work.mkdir()
    (work / "0123456789ab.json").write_text('{"id": "0123456789ab", "verb": "\\u001b[2J", ')
    terminal = open_images(open_app, 80, 24)
    terminal.wait_until(lambda: row(terminal, "a.qcow2"), what="the list")
    assert not [record for record, held in records(kvmtui.library) if held]


def test_leaving_in_the_middle_of_work_removes_what_is_unfinished(kvmtui, images, open_app):
    full(images / "big.raw")
    terminal = open_images(open_app, 80, 24)
    go_to(terminal, "big.raw")
    begin_slow(terminal)
    terminal.wait_for("» converting")
    terminal.send("q")
    terminal.wait_for("Leave while work goes on?")
    terminal.send("y")
    assert terminal.wait_end() == 0, terminal.text
    assert not leftovers(kvmtui) and [one.name for one in images.iterdir()] == ["big.raw"]


def test_a_disk_of_a_running_guest_is_grown_in_the_pane(kvmtui, images, open_app):
    kvmtui.tiny("g", "--disk", "8M")
    kvmtui.ok("start", "g")
    terminal = open_images(open_app)
    terminal.wait_until(lambda: "● g" in row(terminal, "g/disk0.qcow2"), what="its guest")
    terminal.send("w")
    fill(terminal, "Size", "+8M")
    terminal.wait_for("g runs and sees the new size at once")
    terminal.send(CTRL_S)
    terminal.wait_for("it had 8.0M; g runs on")
    terminal.wait_until(lambda: " 16M " in row(terminal, "g/disk0.qcow2"), what="its new size")
    kvmtui.ok("stop", "g", "--yes")
    terminal.wait_until(lambda: "○ g" in row(terminal, "g/disk0.qcow2"), what="that it is off")


def test_live_work_is_seen_in_activity_and_cancelled_there(kvmtui, images, open_app, tmp_path):
    (tmp_path / "new").mkdir()
    make(images / "a.qcow2")
    io = ["qemu-io", "-f", "qcow2", "-c", "write -P 7 0 8M", os.fspath(images / "a.qcow2")]
    subprocess.run(io, check=True, capture_output=True)
    kvmtui.tiny("g", "--disk", images / "a.qcow2")
    kvmtui.ok("start", "g")
    terminal = open_images(open_app)
    terminal.wait_until(lambda: "● g" in row(terminal, "a.qcow2"), what="its guest")
    terminal.send("m")
    fill(terminal, "To", f"{tmp_path}/new/")
    terminal.wait_for("✓ copied while g runs")
    terminal.send(TAB + TAB)
    fill(terminal, "At most", "64K")
    terminal.wait_for("✓ 64K")
    terminal.send(CTRL_S)
    terminal.wait_until(lambda: "» moving" in row(terminal, "a.qcow2"), what="the work")
    terminal.send("5")
    told = re.compile(r"» move a\.qcow2 .*━+.* \d+ % .*[KM] +\d+ (s|min) ")
    terminal.wait_until(lambda: told.search(terminal.text), what="bar, rate and time left")
    terminal.send("X")
    terminal.wait_for("Cancel move of a.qcow2?")
    terminal.send("y")
    terminal.wait_for("a.qcow2 was not moved: it was cancelled")
    assert list((tmp_path / "new").iterdir()) == [] and not leftovers(kvmtui)
    assert kvmtui.ok("qmp", "g", "query-jobs", "--json").json == []
    kvmtui.ok("stop", "g", "--yes")


def test_flattened_limited_and_committed_by_keys_while_the_guest_runs(kvmtui, images, open_app):
    make(images / "base.qcow2")
    for name, below in (("mid", "base"), ("top", "mid")):
        make(images / f"{name}.qcow2", "-b", f"{below}.qcow2", "-F", "qcow2")
    kvmtui.tiny("g", "--disk", images / "top.qcow2")
    kvmtui.ok("start", "g")
    terminal = open_images(open_app, 80, 24)
    go_to(terminal, "top.qcow2")
    terminal.send("L")
    fill(terminal, "Bytes", "50M")
    terminal.wait_for("✓ 50M")
    terminal.send(CTRL_S)
    terminal.wait_for("top.qcow2 is limited, in g")
    terminal.send("L")
    terminal.wait_for(" 50M")
    terminal.send(ESC)
    terminal.wait_for("Used by")
    terminal.send("W")
    terminal.wait_for("g has that, top.qcow2 is gone; g runs on")
    terminal.send(CTRL_S)
    terminal.wait_for("Commit top.qcow2?")
    terminal.send(ENTER)
    terminal.wait_for("name incomplete")
    assert (images / "top.qcow2").exists()
    terminal.send(f"top.qcow2{ENTER}")
    terminal.wait_for("mid.qcow2 has the content of top.qcow2 now")
    terminal.wait_until(lambda: row(terminal, "mid.qcow2").startswith("▌"), what="the next row")
    terminal.send("T")
    terminal.wait_for("the same, alone; g runs on")
    fill(terminal, "At most", "50M")
    terminal.wait_for("✓ 50M")
    terminal.send(CTRL_S)
    terminal.wait_for("mid.qcow2 stands alone now; g runs on")
    (disk,) = kvmtui.ok("show", "g", "--json").json["definition"]["disks"]
    assert disk["file"] == str(images / "mid.qcow2") and disk["limits"]["bytes_per_s"]
    kvmtui.ok("stop", "g", "--yes")
