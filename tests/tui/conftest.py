"""The app on a real pty, on a home of its own."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from bootable_cds import boots
from tui.terminal import Terminal

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA" + "A" * 42 + " anna@laptop"


@pytest.fixture
def open_app(kvmtui) -> Iterator[Callable[..., Terminal]]:
    """Opens kvmtui in a terminal of some size; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def open_one(
            columns: int = 80,
            rows: int = 24,
            *,
            answers: dict[bytes, bytes] | None = None,
            cell: tuple[int, int] = (0, 0),
            **environment: str | None,
        ) -> Terminal:
            terminal = Terminal(
                [*kvmtui.prefix, sys.executable, "-m", "kvmtui"],
                columns=columns,
                rows=rows,
                answers=answers,
                cell=cell,
                environment={**kvmtui.environment, **environment},
            )
            return stack.enter_context(terminal)

        yield open_one


@pytest.fixture
def key_home(kvmtui, tmp_path):
    """A home directory of a person with a public key."""
    ssh = tmp_path / "person" / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "id_ed25519.pub").write_text(KEY + "\n")
    kvmtui.environment["HOME"] = str(ssh.parent)
    return ssh


@pytest.fixture
def cloud_image(kvmtui, tmp_path):
    """A tiny image in the place of Debian 13's, here already."""
    raw, image = tmp_path / "tiny.raw", tmp_path / "tiny.qcow2"
    raw.write_bytes(boots("CLOUD").ljust(1 << 20, b"\0"))
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image]
    subprocess.run(convert, check=True)
    digest = hashlib.sha512(image.read_bytes()).hexdigest()
    kvmtui.ok("catalog", "pull", "debian-13", "--file", image, "--checksum", digest)
