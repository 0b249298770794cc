"""Starting and ending with the host, on a real systemd that really goes down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from kvmtui.guest import history
from kvmtui.host.boot_unit import MARK
from kvmtui.manage.demo import boot_image

sys.path.insert(0, str(Path(__file__).parent.parent))
from systemd_host import SystemdHost, booted

pytestmark = pytest.mark.slow

USERS = """
useradd --create-home --shell /bin/sh lingerer
useradd --create-home --shell /bin/sh stranger
"""
LIGHT = "--memory 32M --accelerator tcg --network none --set usb=false --set rng=false"
UNITS = Path("/etc/systemd/system")
SEED = """
mkdir {seed}; cd /; cp -a --parents etc/systemd/system {seed}; cd {seed}/etc/systemd/system
for unit in multi-user.target.wants/*.service; do
    case $unit in */kvmtui*) ;; *) ln -sf /dev/null $(basename $unit) ;; esac
done
"""
"""What the next boot finds: the units as they are, without other services of this machine."""


@pytest.fixture
def host(tmp_path, shared):
    with booted(tmp_path, [shared]) as host:
        host.run("sh", "-ec", USERS)
        yield host


class Home:
    """A user's guests in there, all of them demo guests that obey their power button."""

    def __init__(self, host: SystemdHost, shared: Path, user: str) -> None:
        self.host, self.user = host, user
        self.path = shared / f'vms of {user} "$HOME"'
        self.path.mkdir()
        host.run("chown", f"{user}:", self.path)

    def __call__(self, script: str) -> str:
        return self.host.session(self.user, str(self.path), f"set -e; {script}")

    def make(self, *names: str) -> None:
        for name in names:
            image = self.path / f"{name}.raw"
            image.write_bytes(boot_image("wave.bin"))
            self.host.run("chown", f"{self.user}:", image)
            self(f'$kvmtui create {name} {LIGHT} --disk "$KVMTUI_HOME/{name}.raw"')

    def states(self) -> dict[str, str]:
        return {row["name"]: row["state"] for row in json.loads(self("$kvmtui list --json"))}

    def wait_ready(self, *names: str) -> None:
        for name in names:
            self(f"$kvmtui wait {name} --for running --timeout 60")
            self(f"$kvmtui wait {name} --for text=ready --timeout 60")

    def overview(self) -> dict:
        return json.loads(self("$kvmtui autostart --json"))

    def story(self, name: str) -> list[dict]:
        return history.read(self.path / "guests" / name / "history.jsonl")

    def ends(self) -> list[tuple[str, str, str, str]]:
        """Time, name, result and user of each guest's last shutdown, by the time of its end."""
        found = []
        for folder in (self.path / "guests").iterdir():
            lines = [line for line in self.story(folder.name) if line.get("verb") == "shutdown"]
            if not lines:
                continue
            begin, end = lines[-2:]
            run = [line for line in self.story(folder.name) if line["phase"] == "run"][-1]
            found.append((end["time"], folder.name, run["reason"], begin["user"]))
        return sorted(found)


def test_roots_guests_start_and_end_with_the_host(host, shared):
    home = Home(host, shared, "root")
    home.make("one", "two", "three")
    assert home("$kvmtui autostart enable one --order 1") == "one starts with the host: order 1\n"
    home("$kvmtui autostart enable two --order 2 --delay 1")
    found = home.overview()
    assert found["problems"] == [] and found["in_place"] and found["shuts_down"]
    unit = found["starter"]
    host.run("systemd-analyze", "verify", found["file"])
    assert set(home.states().values()) == {"stopped"}
    # As the next start of the host does it, in a fraction of the time.
    host.run("systemctl", "stop", unit)
    assert unit in host.run("systemctl", "list-dependencies", "--plain", "multi-user.target")
    host.run("systemctl", "start", unit)
    home("$kvmtui start three")
    home.wait_ready("one", "two", "three")
    starts = {name: home.story(name)[-2] for name in ("one", "two", "three")}
    assert starts["one"]["time"] < starts["two"]["time"]
    assert [line["user"] for line in starts.values()] == ["autostart", "autostart", "root"]
    host.power_off()
    ends = home.ends()
    assert [end[1:] for end in ends] == [
        (name, "guest-shutdown", "host shutdown") for name in ("three", "two", "one")
    ]


def test_the_next_boot_starts_them(host, shared, tmp_path):
    home = Home(host, shared, "root")
    home.make("one", "two")
    home("$kvmtui autostart enable one --order 1; $kvmtui autostart enable two --order 2")
    seed = shared / "seed"
    host.run("sh", "-ec", SEED.format(seed=seed))
    host.power_off()
    place = tmp_path / "again"
    place.mkdir()
    with booted(place, [shared], seed=seed, unit="multi-user.target") as again:
        home.host = again
        home.wait_ready("one", "two")
        again.power_off()
    assert [end[1:] for end in home.ends()] == [
        (name, "guest-shutdown", "host shutdown") for name in ("two", "one")
    ]


def test_a_start_that_waits_between_guests_does_not_keep_the_end_from_them(host, shared):
    home = Home(host, shared, "root")
    home.make("one", "two")
    home("$kvmtui autostart enable one --order 1; $kvmtui autostart enable two --delay 1h")
    unit = home.overview()["starter"]
    host.run("systemctl", "stop", unit)
    host.run("systemctl", "start", unit)
    home.wait_ready("one")
    assert home.states() == {"one": "running", "two": "stopped"}
    host.power_off()
    assert [end[1:] for end in home.ends()] == [("one", "guest-shutdown", "host shutdown")]
    assert [line for line in home.story("two") if line.get("verb") == "start"] == []


def test_a_users_guests_end_with_the_host_and_what_does_not_obey_is_told(host, shared):
    host.run("loginctl", "enable-linger", "lingerer")
    home = Home(host, shared, "lingerer")
    home.make("one", "two")
    home("$kvmtui autostart enable one two; $kvmtui autostart enable two --order 1")
    found = home.overview()
    assert [guest["name"] for guest in found["guests"]] == ["two", "one"]
    assert found["problems"] == [] and found["file"].startswith("/home/lingerer/.config/systemd/")
    home(f"$kvmtui create deaf {LIGHT}; $kvmtui start --all")
    home.wait_ready("one", "two")
    host.power_off()
    assert [end[1:] for end in home.ends()] == [
        ("deaf", "host-qmp-quit", "host shutdown"),
        ("one", "guest-shutdown", "host shutdown"),
        ("two", "guest-shutdown", "host shutdown"),
    ]
    assert home.story("deaf")[-1]["forced"].startswith("the power button was not obeyed within ")


def test_the_last_one_takes_the_unit_along_and_guests_go_on(host, shared):
    home = Home(host, shared, "root")
    home.make("one")
    home(f"$kvmtui create two {LIGHT}; $kvmtui autostart enable --all; $kvmtui start --all")
    file = home.overview()["file"]
    assert home("$kvmtui autostart disable two") == "two no longer starts with the host\n"
    host.run("test", "-e", file)
    assert "is removed" in home("$kvmtui autostart disable one two 2>&1")
    host.run("sh", "-c", f"! test -e {file} && ! ls {UNITS}/*/{Path(file).name}")
    assert set(home.states().values()) == {"running"}
    # What is left of the unit in systemd's memory ends nothing.
    host.run("sh", "-c", f"systemctl stop {Path(file).name} || true")
    assert set(home.states().values()) == {"running"}


def refusal(home: Home, script: str) -> str:
    return home(f"{script} 2>&1 && exit 9; test $? = 1")


def test_a_unit_of_another_is_left_alone(host, shared):
    home = Home(host, shared, "root")
    home.make("one")
    file = home.overview()["file"]
    for make in (f"echo '[Service]' >{file}", f"ln -sf /dev/null {file}"):
        host.run("sh", "-ec", make)
        before = host.run("ls", "-l", file)
        said = refusal(home, "$kvmtui autostart enable one")
        assert said.startswith(f"kvmtui: one: {file} was not written by kvmtui\n  try: ")
        assert home.overview()["guests"] == []
        assert host.run("ls", "-l", file) == before


def test_a_closed_etc_leaves_nothing_behind(host, shared):
    home = Home(host, shared, "root")
    home.make("one")
    host.run("mount", "--bind", "-o", "ro", UNITS, UNITS)
    said = refusal(home, "$kvmtui autostart enable one")
    assert "cannot be written: Read-only file system\n  try: make " in said
    assert home.overview()["guests"] == []


def test_a_user_lingers_from_then_on_or_is_told_the_one_line(host, shared):
    home = Home(host, shared, "stranger")
    home.make("one")
    host.run("systemctl", "mask", "--runtime", "--now", "systemd-logind")
    said = refusal(home, "$kvmtui autostart enable one")
    assert said == (
        "kvmtui: one: stranger does not linger, and so has no units at the host's start\n"
        "  try: sudo loginctl enable-linger stranger\n"
    )
    assert home.overview()["guests"] == []
    host.run("systemctl", "unmask", "--runtime", "systemd-logind")
    assert "stranger lingers now" in home("$kvmtui autostart enable one 2>&1")
    assert home.overview()["problems"] == []
    host.run("rm", "/var/lib/systemd/linger/stranger")
    (problem,) = home.overview()["problems"]
    assert problem["remedy"] == "loginctl enable-linger stranger"


def test_what_is_missing_is_told_with_its_remedy(host, shared):
    home = Home(host, shared, "root")
    home.make("one")
    assert "nothing starts one with the host yet: kvmtui autostart enable one" in home(
        "$kvmtui set one autostart=true 2>&1"
    )
    (problem,) = home.overview()["problems"]
    assert problem["remedy"] == "kvmtui autostart enable one"
    assert "already" not in home("$kvmtui autostart enable one")
    assert "already" in home("$kvmtui autostart enable one")
    unit = home.overview()["starter"]
    host.run("sh", "-ec", f"systemctl disable {unit}; echo '# more' >>{UNITS}/{unit}")
    whats = [problem["what"] for problem in home.overview()["problems"]]
    assert whats == [f"{unit} is not as this kvmtui writes it", f"{unit} is not enabled"]
    home("$kvmtui autostart enable one")
    assert home.overview()["problems"] == []
    assert host.run("head", "-n1", f"{UNITS}/{unit}").strip() == MARK
