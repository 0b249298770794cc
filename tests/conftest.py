"""What tests share: a home of their own, the command line, a real Linux guest."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kvmtui.guest.library import Library
from kvmtui.qemu.process import lock_holder

sys.path.insert(0, str(Path(__file__).parent))
import linux_guest
from warm_start import WarmStart

# Started in the background, tests would hand ignored signals on to all that they start.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

WARM = WarmStart()
LIGHT = frozenset({"list", "show", "why", "events", "logs"})
"""The verbs that load none of the libraries: they start, and end, as they do elsewhere."""

CACHE = Path(__file__).parent.parent / ".cache"


class Done(NamedTuple):
    """How a call of the command line ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Kvmtui:
    """The command line on one home, as a user calls it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "KVMTUI_HOME": str(home)}
        self.prefix: list[str] = []

    @property
    def library(self) -> Library:
        return Library(self.home)

    def popen(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        command = [*self.prefix, sys.executable, "-m", "kvmtui", *map(str, words)]
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("env", self.environment)
        return subprocess.Popen(command, text=True, **options)

    def __call__(self, *words: object, **options: Any) -> Done:
        with WARM.alone() as free:
            if free and words[:1] and words[0] not in LIGHT and self._usual(options):
                done = self._warm(list(map(str, words)), options)
            else:
                process = self.popen(*words, **options)
                out, err = process.communicate(timeout=120)
                done = Done(process.returncode, out, err)
        said = done.err or ""
        assert "Traceback" not in said and "a fault of kvmtui" not in said, said
        return done

    def _usual(self, options: dict[str, Any]) -> bool:
        """Whether a start differs from others in nothing that Python reads before it."""
        own = options.get("env", self.environment)
        read = {name for name in {*own, *os.environ} if name.startswith(("PYTHON", "LC_", "LANG"))}
        same = all(own.get(name) == os.environ.get(name) for name in read)
        return same and not self.prefix and options.keys() <= {"env"}

    def _warm(self, words: list[str], options: dict[str, Any]) -> Done:
        status, *said = WARM.run(words, options.get("env", self.environment), 120)
        out, err = (io.TextIOWrapper(io.BytesIO(data)).read() for data in said)
        return Done(status, out, err)

    def ok(self, *words: object, **options: Any) -> Done:
        """Call it, and show what it said when it failed."""
        done = self(*words, **options)
        assert done.status == 0, (words, done)
        return done

    def refused(self, *words: object, status: int | None = None, **options: Any) -> str:
        """Call it, expect one clear line, return it."""
        done = self(*words, **options)
        assert done.status in ((1, 2) if status is None else (status,)), (words, done)
        lines = done.err.splitlines()
        assert lines and lines[0].startswith("kvmtui: "), done.err
        assert all(line.startswith("  try: ") for line in lines[1:]), done.err
        return lines[0]

    def row(self, name: str) -> dict[str, Any]:
        """The guest's row of `list --json`."""
        rows = self.ok("list", "--json").json
        return next(row for row in rows if row["name"] == name)

    def pid(self, name: str) -> int:
        pid = self.row(name)["pid"]
        assert isinstance(pid, int)
        return pid

    def boot_linux(self, files: Path, words: str = "") -> None:
        """Define and start the guest ``g`` from the Linux example.

        Args:
            words: What its kernel line says besides, such as ``nopower``.
        """
        line = f"console=ttyS0 quiet panic=-1 {words}".strip()
        example = files / "debian-kernel.yaml"
        self.ok("create", "g", "--from", example, "--accelerator", "tcg", "--append", line)
        self.ok("start", "g")

    def folder(self, name: str) -> Path:
        return self.home / "guests" / name

    def tiny(self, name: str, *words: object) -> None:
        """Define a guest that needs next to nothing and boots nothing."""
        self.ok(
            "create",
            name,
            "--memory",
            "16M",
            "--accelerator",
            "tcg",
            "--network",
            "none",
            "--set",
            "usb=false",
            "--set",
            "balloon=false",
            "--set",
            "rng=false",
            *words,
        )


def end_guests(home: Path) -> None:
    """End every QEMU of a home, by the lock on its pid file."""
    for pid_file in home.glob("guests/*/run/pid"):
        pid = lock_holder(pid_file)
        if pid:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def kvmtui(tmp_path: Path) -> Iterator[Kvmtui]:
    """The command line on an empty home."""
    home = tmp_path / "home"
    yield Kvmtui(home)
    end_guests(home)


@pytest.fixture(scope="session")
def linux() -> tuple[Path, Path]:
    """Kernel and initrd of a real Linux guest."""
    CACHE.mkdir(exist_ok=True)
    return linux_guest.build(CACHE)


@pytest.fixture
def linux_guest_files(tmp_path: Path, linux: tuple[Path, Path]) -> Path:
    """A folder with the example's YAML beside kernel and initrd."""
    folder = tmp_path / "linux"
    folder.mkdir()
    (folder / "vmlinuz").symlink_to(linux[0])
    (folder / "initrd.img").symlink_to(linux[1])
    example = Path(__file__).parent.parent / "examples" / "debian-kernel.yaml"
    (folder / "debian-kernel.yaml").write_text(example.read_text())
    return folder


PLAIN_UID = 65534


@pytest.fixture
def plain_kvmtui() -> Iterator[Kvmtui]:
    """The command line as a plain user sees it: root passes every permission check.

    It may still read and search everywhere, since Python itself may lie in root's home.
    The home is outside pytest's folders, which are closed to other users.
    """
    with tempfile.TemporaryDirectory(prefix="kvmtui-test-") as folder:
        os.chmod(folder, 0o755)
        kvmtui = Kvmtui(Path(folder) / "home")
        if os.geteuid() == 0:
            capability = "+dac_read_search"
            kvmtui.prefix = [
                "setpriv",
                f"--reuid={PLAIN_UID}",
                f"--regid={PLAIN_UID}",
                "--clear-groups",
                f"--inh-caps={capability}",
                f"--ambient-caps={capability}",
            ]
            kvmtui.home.mkdir(mode=0o700)
            os.chown(kvmtui.home, PLAIN_UID, PLAIN_UID)
            kvmtui.environment["HOME"] = str(kvmtui.home)
        yield kvmtui
        end_guests(kvmtui.home)


@pytest.fixture
def new_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a folder that is a file system of so many MiB."""
    made: list[Path] = []

    def make(size_mib: int) -> Path:
        folder = tmp_path / f"disk{len(made)}"
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)]
        subprocess.run(words, check=True)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        end_guests(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


HIDE_SYSTEMD = """
mount --bind "$1" /var/spool/cron/crontabs
mount -t tmpfs none /run
mount -t tmpfs none /etc/cron.d
mount --bind /dev/null /etc/crontab
shift; exec "$@"
"""
"""A machine without systemd, whose crontabs are our own."""


@pytest.fixture
def without_systemd(tmp_path):
    """The words before a command that let it see such a machine."""
    assert os.geteuid() == 0, "hiding a systemd takes root"
    spool = tmp_path / "crontabs"
    spool.mkdir(mode=0o730)
    return ["unshare", "--mount", "sh", "-ec", HIDE_SYSTEMD, "sh", str(spool)]
