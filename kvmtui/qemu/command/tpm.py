"""The TPM: QEMU's connection to swtpm, and the device that the guest sees."""

from __future__ import annotations

from kvmtui.qemu.command.plan import Plan
from kvmtui.qemu.tpm import SOCKET

_DEVICES = {"x86_64": "tpm-crb", "aarch64": "tpm-tis-device", "riscv64": "tpm-tis-device"}


def add_tpm(plan: Plan) -> None:
    """A TPM 2.0; its state lies with swtpm, which listens in ``run/``."""
    if not plan.definition.tpm:
        return
    plan.option("-chardev", f"socket,id=tpmc,path={SOCKET}")
    plan.option("-tpmdev", "emulator,id=tpm0,chardev=tpmc")
    plan.device(_DEVICES[plan.definition.arch], tpmdev="tpm0")
