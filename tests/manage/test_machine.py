"""What guests were promised, and the room under the home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tui.views import guest

from kvmtui.guest.library import Library
from kvmtui.host.machine import Machine
from kvmtui.manage.definitions import remembered_definition
from kvmtui.manage.machine import promised, stand, storage

GIB = 1 << 30
MACHINE = Machine("EPYC", 16, 32, 1, 64 * GIB, 1, "Debian", "6.12")


def test_what_runs_and_what_could_are_counted_apart():
    guests = [
        guest("a", "running", cpus=2, memory_bytes=2 * GIB),
        guest("b", "paused", cpus=4, memory_bytes=4 * GIB),
        guest("c", "stopped", cpus=8, memory_bytes=16 * GIB),
        guest("d", "invalid", cpus=None, memory_bytes=None),
    ]
    found = promised(guests, MACHINE)
    assert (found.cpus_now, found.cpus_all, found.cpus) == (6, 14, 32)
    assert (found.memory_now_bytes, found.memory_all_bytes) == (6 * GIB, 22 * GIB)


def test_an_unknown_machine_promises_all_the_same():
    found = promised([guest("a", "running")], None)
    assert found.cpus is None and found.memory_bytes is None and found.cpus_now == 2


def qcow2(path: Path, size: int) -> Path:
    """The header of an image, which is all that is read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(16) + size.to_bytes(8, "big"))
    return path


def define(library: Library, name: str, *disks: str) -> None:
    folder = library.place(name)
    os.makedirs(folder.path, exist_ok=True)
    lines = ["memory: 1G", "disks:", *(f"- file: {disk}" for disk in disks)]
    (folder.path / "guest.yaml").write_text("\n".join(lines) + "\n")


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "home")


def test_disks_by_their_headers_each_once(library, tmp_path):
    shared = qcow2(tmp_path / "shared.qcow2", 5 * GIB)
    define(library, "a", "disk0.qcow2", str(shared))
    define(library, "b", str(shared), "gone.qcow2")
    own = qcow2(library.place("a").path / "disk0.qcow2", 20 * GIB)
    found = storage(library)
    assert found.disks_all_bytes == 25 * GIB
    assert found.disks_used_bytes == sum(os.stat(one).st_blocks * 512 for one in (own, shared))
    assert 0 < found.free_bytes <= found.size_bytes and found.mount.startswith("/")


def test_a_size_that_no_header_tells_leaves_the_sum_unknown(library, tmp_path):
    define(library, "a", "disk0.vmdk")
    (library.place("a").path / "disk0.vmdk").write_bytes(b"KDMV" * 9)
    found = storage(library)
    assert found.disks_all_bytes is None and found.disks_used_bytes is not None


def test_disks_of_other_file_systems_are_not_counted(library):
    if os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev:
        pytest.skip("one file system for all")
    other = qcow2(Path(f"/dev/shm/kvmtui-test-{os.getpid()}.qcow2"), GIB)
    try:
        define(library, "a", str(other))
        assert storage(library).disks_all_bytes == 0
    finally:
        other.unlink()


def test_a_home_that_is_not_there_has_room_all_the_same(tmp_path):
    found = storage(Library(tmp_path / "not" / "yet"))
    assert found.size_bytes and (found.disks_used_bytes, found.disks_all_bytes) == (0, 0)


def test_emulators_are_asked_for_their_versions(library):
    found = {one.arch: one.version for one in stand(library).emulators}
    assert found and all(version[:1].isdecimal() for version in found.values())


def test_without_any_emulator_there_is_none(library, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("kvmtui.qemu.binary._NATIVE_NAMES", ())
    assert stand(library).emulators == ()


def test_a_definition_is_read_again_when_its_file_is_another(library):
    define(library, "a", "one.qcow2")
    folder = library.place("a")
    first = remembered_definition(folder)
    assert remembered_definition(folder) is first
    define(library, "a", "another-name.qcow2")
    assert remembered_definition(folder).disks[0].file == "another-name.qcow2"
