"""What a machine tells of itself, from files of real ones and from garbage."""

from __future__ import annotations

import pytest
from recorded_hosts import TREES, variant

from kvmtui.host.facts import Asked
from kvmtui.host.machine import describe
from kvmtui.host.recorded import RecordedTree

CPU = "processor\t: {}\nphysical id\t: {}\ncore id\t\t: {}\nmodel name\t: {}\n\n"
XEON = "Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz"
TWO_SOCKETS = "".join(CPU.format(n, n % 2, n // 2 % 2, XEON) for n in range(8))


def test_a_machine_as_it_is_recorded():
    found = describe(RecordedTree(TREES / "amd-fine", Asked("/home/anna/kvmtui")))
    assert "AMD" in found.processor and "Processor" not in found.processor
    assert found.memory_bytes and found.memory_bytes % 1024 == 0
    assert found.system.startswith("Debian") and found.kernel == "6.1.0-26-amd64"
    assert found.nodes == 1 and found.threads


def test_cores_threads_and_sockets_are_told_apart(tmp_path):
    found = describe(variant(tmp_path / "two", {"/proc/cpuinfo": TWO_SOCKETS}))
    assert found.processor == "Intel Xeon E5-2650 v4"
    assert (found.cores, found.threads, found.sockets) == (4, 8, 2)


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ({"/proc/cpuinfo": "processor : 0\nBogoMIPS : 50\n"}, "cores"),
        ({"/proc/cpuinfo": "\x00\x01 nothing here"}, "threads"),
        ({"/proc/meminfo": "MemTotal: much kB\n"}, "memory_bytes"),
        ({"/proc/meminfo": ""}, "memory_bytes"),
    ],
)
def test_what_is_not_told_is_not_known(tmp_path, files, field):
    assert getattr(describe(variant(tmp_path / "odd", files)), field) is None


def test_a_machine_without_its_files_still_stands(tmp_path):
    gone = ["/proc/cpuinfo", "/proc/meminfo", "/etc/os-release", "/sys/devices/system/node"]
    unreadable = dict.fromkeys(gone, "EACCES")
    found = describe(variant(tmp_path / "bare", gone=gone, unreadable=unreadable))
    assert (found.processor, found.system) == ("", "")
    assert {found.cores, found.threads, found.sockets, found.memory_bytes, found.nodes} == {None}


def test_hostile_names_are_shown_as_text(tmp_path):
    files = {
        "/proc/cpuinfo": "processor : 0\nmodel name : \x1b[31mred\u202e\n",
        "/etc/os-release": 'PRETTY_NAME="\x1b]0;owned\x07 Linux\n',
    }
    found = describe(variant(tmp_path / "hostile", files))
    assert found.processor == "\\x1b[31mred\\u{202e}"
    assert "\x1b" not in found.system and "Linux" in found.system
