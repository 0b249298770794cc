"""Debian's own installer with the answers made for it: nothing is asked until it wants packages."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import http_files
import linux_guest
import pytest
from conftest import CACHE

PACKAGE = "debian-installer-12-netboot-amd64"
IMAGES = "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64"
LIMIT_S = 900


@pytest.fixture(scope="module")
def installer() -> Path:
    """A folder with the kernel, ``linux``, and ``initrd.gz``."""
    folder = CACHE / PACKAGE
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="build-") as name:
            work = Path(name)
            linux_guest._download([PACKAGE], work)
            (package,) = work.glob("*.deb")
            linux_guest._run(["dpkg-deb", "-x", str(package), str(work / "unpacked")])
            (work / "made").mkdir()
            for file in ("linux", "initrd.gz"):
                shutil.move(work / "unpacked" / IMAGES / file, work / "made" / file)
            linux_guest._publish(work / "made", folder)
    return folder


@pytest.mark.slow
def test_it_asks_nothing_until_it_wants_packages(kvmtui, tmp_path, installer):
    password = tmp_path / "password"
    password.write_text("correct-horse-9\n")
    with http_files.serving() as mirror:
        port = mirror.url.rpartition(":")[2]
        words = ("--os", "debian12", "--kernel", installer / "linux")
        words += ("--initrd", installer / "initrd.gz", "--accelerator", "tcg", "--memory", "1536M")
        words += ("--user", "ann", "--password-file", password, "--hostname", "made-so")
        words += ("--locale", "de_DE.UTF-8", "--keyboard", "de", "--disk", "2G")
        kvmtui.ok("install", "g", *words, "--mirror", f"http://10.0.2.2:{port}/debian")
        deadline = time.monotonic() + LIMIT_S
        while not any(path.startswith("/debian/dists/") for _, path, _ in mirror.asked):
            console = (kvmtui.folder("g") / "console.log").read_bytes()[-4000:]
            assert time.monotonic() < deadline, console
            assert kvmtui.pid("g")
            time.sleep(1)
    assert b"correct-horse" not in (kvmtui.folder("g") / "console.log").read_bytes()
    os.kill(kvmtui.pid("g"), 0)
