"""Running qemu-img: its limits, its words, its end. A script stands in where it must misbehave."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import threading

import pytest

from kvmtui.errors import Cancelled, HostError, ImageError
from kvmtui.qemu import image_tool


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a shell script in qemu-img's place."""

    def put(script):
        program = tmp_path / "bin" / "qemu-img"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return put


def test_what_hangs_is_ended_at_the_limit(stand_in, tmp_path):
    stand_in(f"echo $$ >{tmp_path}/pid; exec sleep 100")
    with pytest.raises(ImageError, match="not done after 0 s"):
        image_tool.run(["info"], "a was not read", limit_s=0.3)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_person_ends_it(stand_in):
    stand_in("exec sleep 100")
    course = image_tool.Course(is_cancelled=lambda: True)
    with pytest.raises(Cancelled, match="a was not made: it was cancelled"):
        image_tool.run(["convert"], "a was not made", course=course, limit_s=None)


def test_progress_is_told_and_is_no_answer(stand_in):
    stand_in(r"printf '    (0.00/100%%)\r    (50.00/100%%)\r'; printf '    (100.00/100%%)\r\n{}'")
    told = []
    out = image_tool.run(["convert"], "x", course=image_tool.Course(told.append))
    assert told[-1] == 100.0 and out.strip() == b"{}"


def test_hostile_words_are_bounded_and_shown_as_text(stand_in):
    stand_in(r"printf 'qemu-img: \033[2J\342\200\256%0100000d\n' 7 >&2; exit 1")
    with pytest.raises(image_tool.Refused) as caught:
        image_tool.run(["info"], "a was not read")
    assert caught.value.message.startswith("a was not read: \\x1b[2J\\u{202e}")
    assert len(caught.value.message) < 500 and caught.value.status == 1


def test_an_answer_without_end_is_cut(stand_in):
    stand_in("exec yes")
    with pytest.raises(ImageError, match="has no end"):
        image_tool.run(["info"], "a was not read")


def test_an_answer_that_is_no_json(stand_in):
    stand_in("echo '{'")
    with pytest.raises(ImageError, match="makes no sense"):
        image_tool.run_json(["info"], "a was not read")


def test_an_abort_is_told(stand_in):
    stand_in("kill -ABRT $$")
    with pytest.raises(ImageError, match="ended by signal 6"):
        image_tool.run(["info"], "a was not read")


def test_memory_is_bounded(stand_in):
    stand_in("ulimit -v")
    assert image_tool.run(["info"], "x", memory_bytes=1 << 30).strip() == b"1048576"


def test_it_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="qemu-img is not installed"):
        image_tool.run(["info"], "x")


def test_a_passphrase_is_on_no_command_line(stand_in, tmp_path):
    stand_in(f'tr "\\0" " " </proc/$$/cmdline >{tmp_path}/line; cat "${{2##*file=}}"')
    with image_tool.secret(b"hunter2") as (arguments, keep):
        course = image_tool.Course(keep=keep)
        assert image_tool.run(arguments, "x", course=course) == b"hunter2"
    assert "hunter2" not in (tmp_path / "line").read_text()


@pytest.fixture(params=["setpriv", "none"])
def only_tools(request, tmp_path, monkeypatch, stand_in):
    """A PATH with all the tools there are, or without those of util-linux; the folder."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("sleep", "cat", *(["setpriv"] if request.param == "setpriv" else [])):
        (folder / name).symlink_to(shutil.which(name))

    def put(script):
        stand_in(script)
        monkeypatch.setenv("PATH", str(folder))

    return put


def test_its_limits_need_no_tool(only_tools):
    """From its first moment on: a shell prints what it may take before it does anything else."""
    only_tools("ulimit -v; ulimit -t; ulimit -c; cat")
    words = image_tool.run(["info"], "x", memory_bytes=1 << 30, limit_s=7).split()
    assert words == [b"1048576", str(7 * os.cpu_count() + 10).encode(), b"0"]


def test_it_ends_with_us_without_any_tool(only_tools, tmp_path):
    only_tools(f"echo $$ >{tmp_path}/pid; exec sleep 100")
    code = "from kvmtui.qemu import image_tool; image_tool.run(['x'], 'x', limit_s=None)"
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        threading.Event().wait(0.01)
    fd = os.pidfd_open(int((tmp_path / "pid").read_text()))
    process.kill()
    process.wait()
    assert select.select([fd], [], [], 10)[0], "it lives on"
    os.close(fd)


def test_what_gets_no_further_is_ended(stand_in, tmp_path, monkeypatch):
    """Neither words nor bytes: that is a disk that is dead, or a loop. What works on goes on."""
    monkeypatch.setattr(image_tool, "STALL_LIMIT_S", 0.6)
    stand_in("while :; do :; done")
    with pytest.raises(ImageError, match="a was not made: qemu-img got no further for"):
        image_tool.run(["convert"], "a was not made", limit_s=None)
    # Longer than that, reading and writing without a word.
    stand_in(f"for i in 1 2 3 4 5 6; do sleep 0.3; echo x >>{tmp_path}/out; done; echo done")
    assert image_tool.run(["convert"], "x", limit_s=None) == b"done\n"
    # A rate that it must keep makes it slower than that.
    stand_in("sleep 1.5; echo done")
    rate = image_tool._STALL_FACTOR // 4
    out = image_tool.run(["convert"], "x", limit_s=None, rate_bytes_per_s=rate)
    assert out == b"done\n"
