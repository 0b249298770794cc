"""Every example loads, builds and is accepted by real QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))
MEDIA = ("debian-12.iso", "windows.iso", "vmlinuz", "initrd.img")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example, kvmtui, tmp_path, linux):
    source = tmp_path / example.name
    source.write_text(example.read_text())
    for name in MEDIA[:2]:
        (tmp_path / name).write_bytes(bytes(1 << 20))
    for name, path in zip(MEDIA[2:], linux, strict=True):
        (tmp_path / name).symlink_to(path)
    kvmtui.ok("create", "--from", source, "--accelerator", "tcg")
    name = example.stem
    kvmtui.ok("set", name, "networks[0].forwards=") if "forwards" in source.read_text() else None
    kvmtui.ok("start", name)
    assert kvmtui.row(name)["state"] == "running"
    assert "#" in kvmtui.ok("show", name, "--yaml").out
    kvmtui.ok("stop", name)
