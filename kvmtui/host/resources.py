"""What this machine has left and who uses what: memory, ports, files."""

from __future__ import annotations

import os

_QCOW2_MAGIC = b"QFI\xfb"


def total_memory_bytes() -> int:
    """The machine's memory (``MemTotal`` of /proc/meminfo)."""
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    raise OSError("MemTotal is missing in /proc/meminfo")


def available_memory_bytes() -> int:
    """What new programs can have without swapping (``MemAvailable`` of /proc/meminfo)."""
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    raise OSError("MemAvailable is missing in /proc/meminfo")


def folder_opens_direct(folder: str) -> bool:
    """Whether new files in a folder will open with O_DIRECT; a nameless one is tried."""
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    os.close(fd)
    return True


def port_is_free(protocol: str, address: str, port: int) -> bool:
    """Whether a port can be bound now, as QEMU will bind it.

    Raises:
        OSError: It cannot be told: the address is not of this machine, or no right.
    """
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as probe:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            if protocol == "tcp":
                probe.listen(1)
        except OSError as error:
            import errno

            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def interface_exists(name: str) -> bool:
    """Whether this network namespace has an interface of this name."""
    import socket

    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def has_qcow2_header(path: str) -> bool:
    """Whether a file begins as qcow2 does; one that cannot be read does not."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_QCOW2_MAGIC)) == _QCOW2_MAGIC
    except OSError:
        return False


def stands_alone(path: str) -> bool:
    """Whether an image is qcow2 and its header names no other file, or it cannot be read.

    Source: QEMU's ``docs/interop/qcow2.txt``: the backing file's offset, and the bit of
    incompatible features for an external data file.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            header = file.read(80)
    except OSError:
        return True
    if header[:4] != _QCOW2_MAGIC:
        return False
    version = int.from_bytes(header[4:8], "big")
    data_file = version >= 3 and header[79] & 0x04
    return not any(header[8:16]) and not data_file


def opens_direct(path: str) -> bool:
    """Whether a file or device opens with O_DIRECT (tmpfs and some others refuse)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_NONBLOCK)
    except OSError:
        return False
    os.close(fd)
    return True


def processes_that_hold(path: str) -> list[tuple[int, str]]:
    """Processes that have a file open (``/proc/*/fd``), as pid and name.

    A plain user sees only its own.
    """
    try:
        wanted = os.stat(path)
    except OSError:
        return []
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and _holds(entry, wanted):
            try:
                with open(f"/proc/{entry}/comm", errors="replace") as file:
                    name = file.read().strip()
            except OSError:
                continue
            found.append((int(entry), name))
    return found


def _holds(pid: str, wanted: os.stat_result) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        for fd in os.listdir(folder):
            stat = os.stat(f"{folder}/{fd}")
            if (stat.st_dev, stat.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:
        pass
    return False
