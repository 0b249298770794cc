"""Files that are read in one go."""

from __future__ import annotations

import subprocess

from kvmtui.durable import read_small


def test_a_file_beyond_the_first_read_is_whole(tmp_path):
    for size in (0, 1, 8191, 8192, 8193, 300_000):
        path = tmp_path / str(size)
        path.write_bytes(bytes(index % 251 for index in range(size)))
        assert read_small(str(path)) == path.read_bytes()
        assert read_small(str(path), 100) == path.read_bytes()[:100]
        assert read_small(str(path), 9000) == path.read_bytes()[:9000]


def test_a_long_command_line_is_whole():
    words = ["x" * 1000] * 60
    command = ["sh", "-c", "echo ready; read line", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        data = read_small(f"/proc/{process.pid}/cmdline")
        assert data.split(b"\0")[3:-1] == [word.encode() for word in words]
