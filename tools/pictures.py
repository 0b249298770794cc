"""Pictures of the interface for the documentation: guests made up, drawn by the real app.

python -m tools.pictures            write docs/pictures/*.svg
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

os.environ["TZ"] = "UTC"
time.tzset()
NOW = 1795512660.0
"""24 November 2026, 09:31: every picture is of this moment."""

from kvmtui.host.accelerator import Verdict  # noqa: E402
from kvmtui.manage.detail import DiskUse, GuestDetail  # noqa: E402
from kvmtui.manage.fleet import Fleet, HostFigures  # noqa: E402
from kvmtui.manage.preferences import load_preferences  # noqa: E402
from kvmtui.manage.timeline import TimelineEntry  # noqa: E402
from kvmtui.manage.views import GuestView, LiveGuest, OperationView  # noqa: E402
from kvmtui.tui.app import KvmtuiApp  # noqa: E402
from kvmtui.tui.themes import load_themes  # noqa: E402

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
_DAY_S = 86400
_MIB, _GIB = 1 << 20, 1 << 30

Step = Callable[[Any], Awaitable[None]]


def _guest(
    name: str, state: str, cpus: int, percent: float | None, used: int, memory: int, up_s: int
) -> LiveGuest:
    alive = state in ("running", "paused", "io-error")
    view = GuestView(
        name=name,
        state=state,
        pid=4121 if alive else None,
        os="debian12" if name.startswith(("db", "web")) else None,
        arch="x86_64",
        accelerator=("tcg" if name in ("dos-cnc", "riscv-dev") else "kvm") if alive else None,
        cpus=cpus,
        memory_bytes=memory,
        memory_resident_bytes=used if alive else None,
        uptime_s=up_s if alive else None,
        addresses=("192.168.122.41",) if name == "db-01" else (),
        tags=("prod", "db") if name == "db-01" else (),
        description="PostgreSQL 17 for gitlab and netbox" if name == "db-01" else "",
        autostart=False,
        error=None,
        answers=name != "k3s-3",
    )
    return LiveGuest(view, percent)


_GUESTS = (
    _guest("backup-tgt", "running", 2, 3, 612 * _MIB, 2 * _GIB, 41 * _DAY_S),
    _guest("build-01", "running", 8, 642, 6246 * _MIB, 16 * _GIB, 11520),
    _guest("build-02", "stopped", 8, None, 0, 16 * _GIB, 0),
    _guest("ci-runner-1", "running", 4, 188, 3482 * _MIB, 8 * _GIB, 6 * _DAY_S),
    _guest("ci-runner-2", "io-error", 4, 0, 3994 * _MIB, 8 * _GIB, 6 * _DAY_S),
    _guest("db-01", "running", 4, 38, 5939 * _MIB, 8 * _GIB, 41 * _DAY_S),
    _guest("db-02", "running", 4, 12, 5734 * _MIB, 8 * _GIB, 41 * _DAY_S),
    _guest("dos-cnc", "running", 1, 2, 31 * _MIB, 64 * _MIB, 12 * _DAY_S),
    _guest("gitlab", "running", 4, 61, 7373 * _MIB, 8 * _GIB, 41 * _DAY_S),
    _guest("grafana", "running", 2, 9, 1126 * _MIB, 2 * _GIB, 41 * _DAY_S),
    _guest("k3s-1", "running", 4, 44, 3174 * _MIB, 4 * _GIB, 19 * _DAY_S),
    _guest("k3s-2", "running", 4, 40, 3072 * _MIB, 4 * _GIB, 19 * _DAY_S),
    _guest("k3s-3", "running", 4, None, 3072 * _MIB, 4 * _GIB, 19 * _DAY_S),
    _guest("mail", "running", 2, 5, 1434 * _MIB, 2 * _GIB, 41 * _DAY_S),
    _guest("nas-replica", "crashed", 2, None, 0, 4 * _GIB, 0),
    _guest("opnsense-lab", "paused", 2, 0, 811 * _MIB, 1 * _GIB, 2 * _DAY_S),
    _guest("pihole", "running", 1, 1, 142 * _MIB, 512 * _MIB, 41 * _DAY_S),
    _guest("riscv-dev", "running", 2, 199, 488 * _MIB, 1 * _GIB, 6000),
    _guest("vault", "running", 2, 22, 390 * _MIB, 1 * _GIB, 8 * _DAY_S),
    _guest("web-01", "running", 2, 27, 904 * _MIB, 2 * _GIB, 12 * _DAY_S),
    _guest("web-02", "running", 2, 25, 888 * _MIB, 2 * _GIB, 12 * _DAY_S),
    _guest("win11-cad", "stopped", 8, None, 0, 16 * _GIB, 0),
)


def _told(ago_s: float, text: str, kind: str = "done") -> TimelineEntry:
    return TimelineEntry(NOW - ago_s, text, kind, "anna", "")


_TIMELINE = (
    _told(1020, "resumed by anna"),
    _told(1080, "paused by anna"),
    _told(2 * _DAY_S, "memory 4.0G → 8.0G, needs restart"),
    _told(41 * _DAY_S, "started by anna, kvm, ready in 1.8 s"),
    _told(41 * _DAY_S + 60, "the host went down", "warning"),
    _told(53 * _DAY_S, "created"),
)


def _done(ago_s: float, guest: str, verb: str, **fields: Any) -> OperationView:
    begun = NOW - ago_s
    one = OperationView(f"{guest}{ago_s}", guest, verb, "done", "anna", 77, begun, begun + 1.2, "")
    return one._replace(**fields)


_OPERATIONS = [
    _done(12, "vault", "shutdown", result="running", ended=None),
    _done(40, "winsrv22", "resume"),
    _done(62, "web-03", "start", result="failed", message="its disk is in use by web-02"),
    _done(1080, "db-01", "pause"),
    _done(26400, "nas-replica", "crashed", result="crashed", user="", message="out of memory"),
    _done(2 * _DAY_S, "db-01", "set"),
]


class _MadeUp:
    """Guests that never were, behind the Fleet's door."""

    class library:
        home = "/srv/kvmtui"

    def __init__(self) -> None:
        self.guests = {live.view.name: live for live in _GUESTS}
        vault = self.guests["vault"]
        self.guests["vault"] = vault._replace(under_way=_OPERATIONS[0])
        self.operations = list(_OPERATIONS)
        self.host = HostFigures("hv1", 71.0, 41 * _GIB, 64 * _GIB, "/srv", 312 * _GIB)

    def subscribe(self, callback: Callable[..., None]) -> None:
        self._told = callback

    async def refresh(self) -> None:
        self._told(dict(self.guests))

    def close(self) -> None:
        """Nothing is open."""

    def standing(self, name: str) -> object:
        return name

    async def verdict(self) -> Verdict:
        return Verdict("kvm", "host", "KVM serves", ())

    async def detail(self, name: str) -> GuestDetail:
        disks = (
            DiskUse("vda.qcow2", "qcow2", 16 * _GIB, 40 * _GIB),
            DiskUse("vdb.qcow2", "qcow2", 176 * _GIB, 200 * _GIB),
        )
        return GuestDetail(
            name=name,
            machine="pc-q35-9.2",
            disks=disks,
            networks=("bridge br0",),
            accelerator="auto",
            protected=True,
            qemu_args=(),
            directory=f"/srv/kvmtui/guests/{name}",
            last_stop="",
            problems=(),
            timeline=_TIMELINE,
        )

    async def files_of(self, name: str) -> tuple[list[tuple[str, int]], list[str]]:
        return [("disk0.qcow2", 18 * _GIB), ("efivars.qcow2", 200 << 10)], ["/mnt/iso/debian.iso"]


async def _on_db(pilot: Any) -> None:
    pilot.app.main.guests.table.go_to("db-01")


async def _marked(pilot: Any) -> None:
    pilot.app.main.guests.table.go_to("web-01")
    await pilot.press("space", "space")
    await _on_db(pilot)


def _pressed(*keys: str, on: str = "db-01") -> Step:
    async def step(pilot: Any) -> None:
        pilot.app.main.guests.table.go_to(on)
        await pilot.pause()
        await pilot.press(*keys)

    return step


PLAN: dict[str, tuple[str, tuple[int, int], Step]] = {
    "guests-140x40": ("night", (140, 40), _marked),
    "guests-80x24": ("night", (80, 24), _on_db),
    "guests-paper": ("paper", (140, 40), _on_db),
    "guest": ("night", (100, 30), _pressed("enter")),
    "stop": ("night", (100, 30), _pressed("x")),
    "delete": ("night", (100, 30), _pressed("D", on="win11-cad")),
    "help": ("night", (100, 30), _pressed("question_mark")),
    "palette": ("night", (100, 30), _pressed("colon")),
    "activity": ("night", (100, 30), _pressed("5")),
}
"""For each picture: theme, size, and what is done before."""


async def _draw(theme: str, size: tuple[int, int], step: Step) -> str:
    loaded = load_themes((), {}).by_name[theme]
    preferences = load_preferences()._replace(glyphs="unicode", keys={}, interval_s=60.0)
    app = KvmtuiApp(cast(Fleet, _MadeUp()), preferences, loaded, [])
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await step(pilot)
        for _ in range(20):
            await pilot.pause(0.02)
        return _without_fonts(app.export_screenshot(title="kvmtui"))


def _without_fonts(svg: str) -> str:
    """The picture with the reader's own fonts: none is fetched from anywhere."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "DejaVu Sans Mono")


def pictures() -> dict[str, str]:
    """Every picture by its name, as SVG."""
    real, time.time = time.time, lambda: NOW
    try:
        return {name: asyncio.run(_draw(*how)) for name, how in PLAN.items()}
    finally:
        time.time = real


def main() -> None:
    """Write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, svg in pictures().items():
        (PICTURES / f"{name}.svg").write_text(svg)


if __name__ == "__main__":
    main()
