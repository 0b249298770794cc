"""What it costs to say what each of a folder's installation media is."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kvmtui.guest.library import Library
from kvmtui.manage.recognising import Recogniser
from tests.media import iso

_MANY = 200
_ROUNDS = 5
_LABELS = (
    ("Debian 12.{}.0 amd64 n", ""),
    ("Ubuntu-Server 24.04.{} LTS amd64", ""),
    ("Fedora-WS-Live-4{}", ""),
    ("RHEL-9-{}-0-BaseOS-x86_64", ""),
    ("CCCOMA_X64FRE_EN-US_DV9", "MICROSOFT CORPORATION"),
    ("SOMETHING_{}", ""),
)
_COLD = """
import sys, time
began = time.perf_counter()
from kvmtui.guest.library import Library
from kvmtui.manage.recognising import Recogniser
found = Recogniser(Library(sys.argv[1])).folder(sys.argv[2])
print(time.perf_counter() - began, time.process_time())
"""


def measure(folder: Path) -> None:
    """Recognise a folder of media in a new process, and again in one that knows them."""
    media = folder / "iso"
    media.mkdir(parents=True)
    for index in range(_MANY):
        label, publisher = _LABELS[index % len(_LABELS)]
        data = iso(label.format(index % 9), publisher=publisher, loader=b"BOOTX64 EFI")
        (media / f"medium{index:03}.iso").write_bytes(data.ljust(1 << 20, b"\0"))
    os.sync()
    library = Library(folder)
    cold = [_cold(folder, media) for _ in range(_ROUNDS)]
    recogniser = Recogniser(library)
    found = recogniser.folder(str(media))
    assert len(found) == _MANY
    warm = [_seconds(lambda: recogniser.folder(str(media))) for _ in range(_ROUNDS)]
    print(
        f"{_MANY} installation media recognised: in a new process "
        f"{statistics.median(wall for wall, _ in cold) * 1000:.0f} ms, of CPU with the "
        f"interpreter's start {statistics.median(cpu for _, cpu in cold) * 1000:.0f} ms, "
        f"again {statistics.median(warm) * 1000:.1f} ms"
    )


def _cold(folder: Path, media: Path) -> tuple[float, float]:
    words = [sys.executable, "-c", _COLD, str(folder), str(media)]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return float(told[0]), float(told[1])


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
