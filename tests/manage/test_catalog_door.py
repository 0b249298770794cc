"""The catalogue as the interface uses it: progress, Activity, a task that is cancelled."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kvmtui.guest.first_login import FirstLogin
from kvmtui.manage.fleet import Fleet

sys.path.insert(0, str(Path(__file__).parent.parent))
from http_files import serving

ENTRY = """
images:
  - id: tiny
    name: A tiny one
    user: debian
    url: {url}/tiny.qcow2
    checksums: {url}/SUMS
"""


@pytest.fixture
def files():
    with serving() as found:
        yield found


@pytest.fixture
def image(files, tmp_path, monkeypatch):
    path = tmp_path / "made.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "64M"], check=True)
    data = path.read_bytes() + os.urandom(1_000_000)
    files.serve("/SUMS", f"{hashlib.sha256(data).hexdigest()}  tiny.qcow2\n".encode())
    (tmp_path / "kvmtui").mkdir()
    (tmp_path / "kvmtui" / "catalog.yaml").write_text(ENTRY.format(url=files.url))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return data


async def until(condition, limit_s: float = 30) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_pull_is_seen_cancelled_and_gone_on_with(kvmtui, files, image):
    fleet = Fleet(kvmtui.library)
    told = []

    async def act() -> None:
        files.serve("/tiny.qcow2", image, "slow")
        task = asyncio.create_task(fleet.catalog.pull("tiny", "x86_64", tell=told.append))
        await until(files.waits.is_set)
        await until(lambda: bool(told))
        await fleet.refresh()
        (seen,) = [one for one in fleet.operations if one.verb.endswith("pull")]
        assert seen.guest == "" and "tiny-x86_64" in str(seen)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert 0 < told[-1].percent < 100
        files.serve("/tiny.qcow2", image)
        made = await fleet.catalog.create_guest("web", {}, "tiny", FirstLogin(host_name="a"))
        assert made.changed and files.asked[-1][2].startswith("bytes=")
        (entry,) = [one for one in (await fleet.catalog.entries()).entries if one.here]
        assert entry.image.id == "tiny"

    try:
        asyncio.run(act())
    finally:
        fleet.close()
    assert (kvmtui.folder("web") / "seed.iso").exists()
