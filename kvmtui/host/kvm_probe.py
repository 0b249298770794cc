"""One page of code run under KVM by its own ioctls: no QEMU, a few milliseconds.

It tells a device that only opens from one that makes a machine and runs an instruction.
It does not tell how fast: only a boot that is timed does (`kvmtui.host.accelerator`).
"""

from __future__ import annotations

import errno
import fcntl
import json
import mmap
import os
import struct
import subprocess
import sys
import time

from kvmtui.host.apart import module_words
from kvmtui.host.isolated import isolated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

DEVICE = "/dev/kvm"
APART_LIMIT_S = 3.0
"""Of a probe from a process with threads: the probe's own limit, and an interpreter's start."""
_GET_API_VERSION = 0xAE00
_CREATE_VM = 0xAE01
_GET_VCPU_MMAP_SIZE = 0xAE04
_CREATE_VCPU = 0xAE41
_SET_USER_MEMORY_REGION = 0x4020AE46
_RUN = 0xAE80
_GET_SREGS, _SET_SREGS, _SREGS_BYTES = 0x8138AE83, 0x4138AE84, 312
_SET_REGS = 0x4090AE82
_EXIT_IO = 2

_CODE = bytes.fromhex("b007 e6f4 f4")
"""mov al, 7 · out 0xf4, al · hlt: the write to a port gives the processor back to us."""
_ADDRESS = 0x1000
_PAGE = 4096


def probe(user: str | None = None, *, device: str = DEVICE) -> dict[str, Any]:
    """Run the page in a process of its own; not from one with threads.

    Args:
        user: The user to run it as, None for our own.
        device: KVM's device.

    Returns:
        The fields of `kvmtui.host.facts.KvmRun`.

    Raises:
        OSError: The process died, or there is no such user.
    """
    try:
        return isolated(lambda: _attempt(device), user=user)
    except TimeoutError:
        return {"step": "KVM_RUN", "error": errno.ETIME}


def probe_apart(user: str | None = None, *, device: str = DEVICE) -> dict[str, Any]:
    """As `probe`, from any process: an interpreter of its own is started, and does it.

    Raises:
        OSError: There was no answer: nothing is known of KVM then.
    """
    words, environment = module_words("kvmtui.host.kvm_probe")
    order = json.dumps({"user": user, "device": device})
    try:
        done = subprocess.run(
            [*words, order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=APART_LIMIT_S,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise OSError(errno.EIO, "the probe does not answer") from None
    return answer


def _attempt(device: str) -> dict[str, Any]:
    began = time.monotonic()
    told: dict[str, Any] = {"step": "open"}
    try:
        for step, value in _steps(device):
            told["step"] = step
            told.update(value)
    except OSError as error:
        return {**told, "error": error.errno or errno.EIO}
    right = told.get("exit_reason") in (None, _EXIT_IO)
    return {**told, "step": "" if right else "KVM_RUN", "seconds": time.monotonic() - began}


def _steps(path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each step's name before it is done, so that a failure is of that step."""
    device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    yield "KVM_GET_API_VERSION", {}
    yield "KVM_CREATE_VM", {"api": fcntl.ioctl(device, _GET_API_VERSION, 0)}
    machine = fcntl.ioctl(device, _CREATE_VM, 0)
    if os.uname().machine != "x86_64":
        return
    yield "KVM_SET_USER_MEMORY_REGION", {}
    memory = _give_memory(machine)
    yield "KVM_CREATE_VCPU", {}
    processor = fcntl.ioctl(machine, _CREATE_VCPU, 0)
    shared = mmap.mmap(processor, fcntl.ioctl(device, _GET_VCPU_MMAP_SIZE, 0))
    yield "KVM_SET_REGS", {}
    _point_at_code(processor)
    yield "KVM_RUN", {}
    fcntl.ioctl(processor, _RUN, 0)
    yield "KVM_RUN", {"exit_reason": struct.unpack_from("=I", shared, 8)[0]}
    memory.close()


def _give_memory(machine: int) -> mmap.mmap:
    import ctypes

    memory = mmap.mmap(-1, _PAGE)
    memory[: len(_CODE)] = _CODE
    view = ctypes.c_char.from_buffer(memory)
    place = ctypes.addressof(view)
    del view
    region = struct.pack("=IIQQQ", 0, 0, _ADDRESS, _PAGE, place)
    fcntl.ioctl(machine, _SET_USER_MEMORY_REGION, region)
    return memory


def _point_at_code(processor: int) -> None:
    """Real mode with code segment 0, instruction pointer at the page."""
    special = bytearray(_SREGS_BYTES)
    fcntl.ioctl(processor, _GET_SREGS, special)
    struct.pack_into("=QIH", special, 0, 0, 0xFFFF, 0)
    fcntl.ioctl(processor, _SET_SREGS, bytes(special))
    flags = 2
    fcntl.ioctl(processor, _SET_REGS, struct.pack("=18Q", *([0] * 16), _ADDRESS, flags))


if __name__ == "__main__":
    print(json.dumps(probe(**json.loads(sys.argv[1]))))
