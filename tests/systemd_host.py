"""A real systemd as the first process of its own namespaces, over a copy-on-write root.

Everything it changes (files, cgroups, mounts, users) is gone at the end. It needs root,
systemd, dbus and pam_systemd. Sessions are real ones of logind, by PAM.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent

BOOT = """
set -e
echo $$ >"$CGROUP/cgroup.procs"
exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child sh -ec '
mount --make-rprivate /
mount -t tmpfs none "$PLACE"
mkdir "$PLACE/upper" "$PLACE/work" "$PLACE/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$PLACE/upper,workdir=$PLACE/work" "$PLACE/root"
cd "$PLACE/root"
for folder in $BOUND; do mkdir -p ".$folder"; mount --bind "$folder" ".$folder"; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for folder in run tmp dev; do mount -t tmpfs -o mode=755 none "$folder"; done
chmod 1777 tmp
for node in null zero full random urandom tty; do
    touch "dev/$node"; mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p etc/systemd/logind.conf.d
printf "[Login]\\nKillUserProcesses=yes\\nKillExcludeUsers=nobody\\n" \
    >etc/systemd/logind.conf.d/all.conf
[ -z "$SEED" ] || cp -a "$SEED/." .
pivot_root . mnt
umount -l /mnt
chmod o+x $OPENED
exec env -i container=kvmtui-test PATH="$PATH" NOTIFY_SOCKET="$NOTIFY_SOCKET" \
    "$SYSTEMD" --system --unit="$UNIT" --log-target=null
'
"""


def _cgroup_mount() -> Path:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    raise AssertionError("no cgroup2 is mounted")


def _code_folders() -> list[Path]:
    """What a user in there must be able to read: this checkout and its Python."""
    return [ROOT, Path(sys.prefix), Path(sys.base_prefix)]


class SystemdHost:
    """A booted systemd.

    Args:
        init: Its pid, seen from here.
    """

    def __init__(self, init: int) -> None:
        self.init = init

    def run(self, *words: object) -> str:
        """Run words in there as root, outside of every session; what they said."""
        command = ["nsenter", "-t", str(self.init), "-a", "--", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (words, done)
        return done.stdout + done.stderr

    def session(self, user: str, home: str, script: str) -> str:
        """Run a shell script in a login session of its own, which ends with it.

        ``$kvmtui`` is the program, on the given home.
        """
        command = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--uid={user}"]
        command += ["--property=PAMName=login", f"--setenv=KVMTUI_HOME={home}"]
        command += [f"--setenv=kvmtui={sys.executable} -m kvmtui", "--working-directory=/"]
        # The manager has its own use for a plain dollar.
        return self.run(*command, "--", "sh", "-c", script.replace("$", "$$"))

    def power_off(self) -> None:
        """Let it go down as a host does, and wait until it has."""
        pidfd = os.pidfd_open(self.init)
        self.run("systemctl", "poweroff", "--no-wall")
        ended, _, _ = select.select([pidfd], [], [], 300)
        os.close(pidfd)
        assert ended, "systemd did not go down"


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _remove_cgroup(cgroup: Path) -> None:
    for folder, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(folder)


@contextlib.contextmanager
def booted(
    place: Path,
    shared: Sequence[Path] = (),
    *,
    seed: Path | None = None,
    unit: str = "basic.target",
) -> Iterator[SystemdHost]:
    """Boot a systemd; it and all its processes are gone at the end.

    Args:
        place: An empty folder.
        shared: Folders outside of /tmp and /run in which what it writes stays.
        seed: A folder whose content lies over the root.
        unit: What it boots into.
    """
    assert os.geteuid() == 0, "booting a systemd takes root"
    cgroup = _cgroup_mount() / f"kvmtui-test-{os.getpid()}-{os.urandom(3).hex()}"
    cgroup.mkdir()
    code = _code_folders()
    device = os.stat("/").st_dev
    bound = [*(path for path in code if path.stat().st_dev != device), *shared]
    environment = {
        **os.environ,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PLACE": str(place),
        "CGROUP": str(cgroup),
        "BOUND": " ".join(map(str, bound)),
        "SEED": str(seed or ""),
        "UNIT": unit,
        "OPENED": " ".join(sorted({str(parent) for path in code for parent in path.parents})),
        "SYSTEMD": "/usr/lib/systemd/systemd",
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"\0{cgroup.name}")
        environment["NOTIFY_SOCKET"] = f"@{cgroup.name}"
        process = subprocess.Popen(["sh", "-c", BOOT], env=environment, stdin=subprocess.DEVNULL)
        try:
            _await_ready(ready)
            (init,) = _children(process.pid)
            yield SystemdHost(init)
        finally:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for init in _children(process.pid):
                    os.kill(init, signal.SIGKILL)
            process.wait()
            _remove_cgroup(cgroup)


def _await_ready(ready: socket.socket) -> None:
    """Wait until systemd says that it has booted (``READY=1``)."""
    ready.settimeout(60)
    while b"READY=1" not in ready.recv(4096).splitlines():
        pass
