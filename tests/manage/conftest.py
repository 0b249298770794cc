"""Fixtures of several files: homes with images, what outlives a systemd."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvmtui.guest.library import Library
from kvmtui.manage.fleet import Fleet


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that outlives the systemd, outside of its /tmp."""
    folder = Path(tempfile.mkdtemp(prefix="kvmtui-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def library(kvmtui) -> Library:
    """An empty home with its directories."""
    kvmtui.library.make()
    return kvmtui.library


@pytest.fixture
def fleet(library: Library) -> Iterator[Fleet]:
    """The fleet of that home."""
    fleet = Fleet(library)
    yield fleet
    fleet.close()
