"""Running qemu-img: its limits, its words, its end. A script stands in where it must misbehave."""

from __future__ import annotations

import os
import select
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


def test_it_ends_with_who_started_it(stand_in, tmp_path):
    stand_in(f"echo $$ >{tmp_path}/pid; echo '(1.00/100%)'; exec sleep 100")
    code = "from kvmtui.qemu import image_tool; image_tool.run(['x'], 'x', limit_s=None)"
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        threading.Event().wait(0.01)
    pid = int((tmp_path / "pid").read_text())
    fd = os.pidfd_open(pid)
    process.kill()
    process.wait()

    assert select.select([fd], [], [], 10)[0], "it lives on"
    os.close(fd)
