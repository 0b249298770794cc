"""A catalogue of one image, which is on a server of the test's."""

from __future__ import annotations

from conftest import Kvmtui

ENTRY = """
images:
  - id: tiny
    name: A tiny one
    os: debian12
    user: debian
    url: {url}/latest/tiny-{{arch}}.qcow2
    checksums: {url}/latest/SUMS
    arch: {{x86_64: amd64}}
"""


def write_catalog(kvmtui: Kvmtui, url: str, more: str = "", entry: str = ENTRY) -> None:
    """Put it beside a home, where that command line looks."""
    config = kvmtui.home.parent / "config" / "kvmtui"
    config.mkdir(parents=True, exist_ok=True)
    (config / "catalog.yaml").write_text(entry.format(url=url) + more)
    kvmtui.environment["XDG_CONFIG_HOME"] = str(config.parent)
