"""A real cloud-init takes a seed, and one logs in by ssh."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
import cloud_guest

CACHE = Path(__file__).parent.parent.parent / ".cache"
LIMIT_S = 600
PORT = 22622


@pytest.fixture(scope="module")
def cloud():
    why = cloud_guest.missing()
    if why:
        pytest.skip(why)
    CACHE.mkdir(exist_ok=True)
    return cloud_guest.build(CACHE)


class Ssh:
    """ssh to the guest by its forward and a key, until it answers."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "key"
        words = ["-q", "-t", "ed25519", "-N", "", "-C", 'it\'s "me": #', "-f", self.key]
        subprocess.run(["ssh-keygen", *words], check=True)

    def __call__(self, command: str, user: str = "admin") -> str | None:
        words = [
            "-i",
            self.key,
            "-p",
            PORT,
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "BatchMode=yes",
        ]
        words += ["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10"]
        done = subprocess.run(
            ["ssh", *map(str, words), f"{user}@127.0.0.1", command],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout if done.returncode == 0 else None

    def until(self, command: str, kvmtui) -> str:
        deadline = time.monotonic() + LIMIT_S
        while (answer := self(command)) is None:
            tail = (kvmtui.folder("web") / "console.log").read_bytes()[-2000:]
            assert time.monotonic() < deadline, tail.decode(errors="replace")
            time.sleep(2)
        return answer


@pytest.mark.slow
def test_cloud_init_takes_the_seed_and_one_logs_in_by_key(kvmtui, cloud, tmp_path):
    kvmtui.ok("image", "list")
    ssh, base = Ssh(tmp_path), kvmtui.home / "images" / "base.raw"
    base.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--sparse=always", cloud.image, base], check=True)
    command = ["create", "disk.qcow2", "--backing", "base.raw", "--backing-format", "raw"]
    kvmtui.ok("image", *command)
    secret = tmp_path / "password"
    secret.write_text("pass wörd '\"$\n")
    kvmtui.ok(
        *("create", "web", "--disk", kvmtui.home / "images" / "disk.qcow2", "--cpus", "2"),
        *("--kernel", cloud.kernel, "--initrd", cloud.initrd, "--append", cloud_guest.KERNEL_LINE),
        *("--memory", "768M", "--accelerator", "tcg", "--forward", f"127.0.0.1:{PORT}:22"),
        *("--hostname", "web-1.example.org", "--user", "admin", "--ssh-key", f"{ssh.key}.pub"),
        *("--password-file", secret, "--timezone", "Europe/Berlin"),
        *("--os", "debian12", "--locale", "de_DE.UTF-8"),
        *("--run", "echo \"it's: #\" '$HOME' > /ran", "--start"),
    )
    ssh.until("true", kvmtui)
    found = ssh.until("cloud-init status --wait >&2; cloud-init status --long; true", kvmtui)
    assert found.startswith("status: done\n"), found
    assert ssh("cat /ran") == "it's: # $HOME\n"
    assert ssh("hostname; hostname -f") == "web-1\nweb-1.example.org\n"
    assert ssh("readlink -f /etc/localtime") == "/usr/share/zoneinfo/Europe/Berlin\n"
    assert ssh("locale -a | grep de_DE; cat /etc/default/locale").count("de_DE") == 2
    assert ssh("id -nG").split()[0] == "admin"
    # The hash is right: sudo takes the password, and no other.
    ask = "sudo -k; echo {} | sudo -S -p '' cat /etc/shadow"
    assert ssh(ask.format("'pass wörd '\\''\"$'")) and ssh(ask.format("wrong")) is None
    log = kvmtui.home / "guests" / "web" / "seed.iso"
    assert b"pass w" not in log.read_bytes()
    kvmtui.ok("stop", "web")
