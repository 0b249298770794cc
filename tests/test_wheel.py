"""What is installed holds its data files."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kvmtui.guest.templates import NAMES

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_has_boot_images_and_themes(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = ["demo/probe.bin", "demo/wave.bin", "themes/night.yaml", "themes/terminal.yaml"]
    data += ["guest/catalog.yaml", *(f"guest/unattended/{name}" for name in NAMES)]
    data += ["guest/profiles/debian.yaml"]
    for name in data:
        assert f"kvmtui/{name}" in names
