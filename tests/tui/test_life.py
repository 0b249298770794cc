"""Where the terminal is."""

from __future__ import annotations

import os

import pytest

from kvmtui.tui.life import came_over_ssh


def ancestors(folder, *names: str) -> str:
    """A `/proc` in which these are the processes above us, the nearest first."""
    pids = [os.getppid(), *range(900, 900 + len(names) - 1), 0]
    for name, pid, parent in zip(names, pids, pids[1:], strict=False):
        (folder / str(pid)).mkdir()
        (folder / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0\n")
    return str(folder)


@pytest.mark.parametrize(
    ("names", "remote"),
    [
        (("bash", "sudo", "bash", "sshd", "systemd"), True),
        (("bash", "su", "bash", "sshd-session", "sshd", "systemd"), True),
        (("bash", "sudo", "mosh-server"), True),
        (("bash", "sudo", "bash", "login", "systemd"), False),
        (("a) S 1 (sshd", "systemd"), False),
        (("bash", "tmux: server", "systemd"), False),
    ],
)
def test_sudo_hides_ssh_but_the_processes_above_tell(tmp_path, names, remote: bool) -> None:
    assert came_over_ssh({}, ancestors(tmp_path, *names)) is remote


def test_the_environment_is_enough(tmp_path) -> None:
    assert came_over_ssh({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, str(tmp_path))
    assert came_over_ssh({"SSH_TTY": "/dev/pts/3"}, str(tmp_path))


@pytest.mark.parametrize("text", ["", "x", "1 (bash) S", "1 (bash) S x"])
def test_what_cannot_be_read_is_no_ssh(tmp_path, text: str) -> None:
    (tmp_path / str(os.getppid())).mkdir()
    (tmp_path / str(os.getppid()) / "stat").write_text(text)
    assert not came_over_ssh({}, str(tmp_path))
    assert not came_over_ssh({}, str(tmp_path / "gone"))
