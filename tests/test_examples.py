"""Every example loads, builds and is accepted by real QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvmtui.manage.preferences import load_preferences
from kvmtui.tui.actions.keymap import checked_keys

FOLDER = Path(__file__).parent.parent / "examples"
SETTINGS = FOLDER / "config.yaml"
EXAMPLES = sorted(path for path in FOLDER.glob("*.yaml") if path != SETTINGS)
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


def test_the_example_of_settings_has_no_fault(monkeypatch, tmp_path):
    folder = tmp_path / "kvmtui"
    folder.mkdir()
    (folder / "config.yaml").write_text(SETTINGS.read_text())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    preferences = load_preferences()
    assert preferences.complaints == () and preferences.theme == "night"
    keys, complaints = checked_keys(preferences.keys)
    assert complaints == [] and keys.of("guest.log") == "L"
