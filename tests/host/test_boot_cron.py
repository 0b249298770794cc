"""The line of cron: its words, what is left as it is, and a real crontab and cron."""

from __future__ import annotations

import subprocess

import pytest

from kvmtui.errors import HostError
from kvmtui.host.boot_cron import BootCron, entry, without
from kvmtui.manage.demo import boot_image

PROGRAM = ("/opt/kvmtui/bin/python", "-P", "-m", "kvmtui")
ODD = "/srv/my \"vms\" 100% $HOME\\x 'q' é;b\\"
OTHERS = b"# mine \xff\nMAILTO=root\n\n@reboot echo 50\\% >/tmp/x\n5 4 * * * true\t "


def test_the_comment_and_the_line_to_the_letter():
    assert entry("/srv/vms", PROGRAM).decode() == (
        "# kvmtui autostart of /srv/vms, which writes and removes the next line\n"
        "@reboot cd / && KVMTUI_HOME=/srv/vms exec /opt/kvmtui/bin/python -P -m kvmtui "
        "--quiet autostart run\n"
    )


@pytest.mark.parametrize("home", [ODD, "/srv/%", "/srv/a'%'b"])
def test_the_shell_reads_odd_paths_as_they_are_and_cron_sees_no_percent(home):
    line = entry(home, PROGRAM).splitlines()[1]
    assert b"%" not in line
    assignment = line.decode().split(" && ")[1].rpartition(" exec /opt")[0]
    script = f'{assignment}; printf %s "$KVMTUI_HOME"'
    assert subprocess.check_output(["sh", "-c", script]).decode() == home


def test_only_our_own_line_is_touched():
    mine, other = entry("/srv/a", PROGRAM), entry("/srv/b", PROGRAM)
    assert without(OTHERS + b"\n" + mine + other, "/srv/a") == OTHERS + b"\n" + other
    assert without(mine + OTHERS, "/srv/a") == OTHERS
    assert without(OTHERS, "/srv/a") == OTHERS
    # Someone deleted the line and left the comment: what follows is theirs.
    assert without(mine.splitlines(keepends=True)[0] + b"1 * * * * true\n", "/srv/a") == (
        b"1 * * * * true\n"
    )


def test_a_missing_crontab_is_told_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    cron = BootCron(str(tmp_path), PROGRAM)
    with pytest.raises(HostError, match="crontab is not installed") as caught:
        cron.install()
    assert caught.value.hint
    assert not cron.is_in_place() and not cron.remove()
    assert [problem.what for problem in cron.problems()] == [caught.value.message]


def test_a_line_that_crons_would_cut_is_refused(tmp_path):
    with pytest.raises(HostError, match="too long for a line of cron"):
        BootCron("/srv/" + "x" * 990, PROGRAM).install()


@pytest.mark.slow
def test_a_real_crontab_keeps_what_is_not_ours(kvmtui, without_systemd):
    kvmtui.prefix = without_systemd
    others = OTHERS + b"\n"
    crontab = [*without_systemd, "crontab"]
    subprocess.run([*crontab, "-"], input=others, check=True)
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    done = kvmtui.ok("autostart", "enable", "a", "b")
    assert done.out == "a starts with the host\nb starts with the host\n"
    assert done.err.count("nothing shuts guests down as the host goes down") == 1
    found = subprocess.check_output([*crontab, "-l"])
    assert found.startswith(others) and found.count(b"autostart run") == 1
    assert "already" in kvmtui.ok("autostart", "enable", "a").out
    assert subprocess.check_output([*crontab, "-l"]) == found
    told = kvmtui.ok("autostart", "--json").json
    assert (told["mechanism"], told["in_place"], told["shuts_down"]) == ("cron", True, False)
    kvmtui.ok("autostart", "disable", "--all")
    assert subprocess.check_output([*crontab, "-l"]) == others
    assert "does not start" in kvmtui.ok("autostart", "disable", "a").out


@pytest.mark.slow
def test_what_deleted_guests_leave_behind_can_be_taken_away(kvmtui, without_systemd, tmp_path):
    kvmtui.prefix = without_systemd
    kvmtui.tiny("a")
    kvmtui.ok("autostart", "enable", "a")
    kvmtui.ok("delete", "a", "--yes")
    assert "to end that, too: kvmtui autostart disable --all" in kvmtui.ok("autostart").out
    assert "is removed" in kvmtui.ok("autostart", "disable", "--all").err
    assert list((tmp_path / "crontabs").iterdir()) == []
    kvmtui.ok("autostart", "disable", "--all")


@pytest.mark.slow
def test_a_crontab_that_is_not_given_back_as_it_is_stays(kvmtui, without_systemd, tmp_path):
    kvmtui.prefix = without_systemd
    subprocess.run([*without_systemd, "crontab", "-"], input=b"MAILTO=root\r\n", check=True)
    kvmtui.tiny("a")
    assert "carriage return" in kvmtui.refused("autostart", "enable", "a", status=1)
    (spool,) = (tmp_path / "crontabs").iterdir()
    assert spool.read_bytes().endswith(b"\nMAILTO=root\r\n")
    assert kvmtui.row("a")["autostart"] is False


@pytest.mark.slow
def test_a_real_cron_starts_the_guests(kvmtui, without_systemd, tmp_path):
    kvmtui.prefix = without_systemd
    image = tmp_path / "a.raw"
    image.write_bytes(boot_image("wave.bin"))
    kvmtui.tiny("a", "--disk", image)
    kvmtui.ok("autostart", "enable", "a")
    cron = subprocess.Popen([*without_systemd, "cron", "-f"], stdin=subprocess.DEVNULL)
    try:
        kvmtui.ok("wait", "a", "--for", "running", "--timeout", "60")
        kvmtui.ok("wait", "a", "--for", "text=ready", "--timeout", "60")
    finally:
        cron.terminate()
        cron.wait()
