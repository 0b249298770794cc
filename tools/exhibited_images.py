"""The disk images of the pictures: made by hand, as the guests are."""

from __future__ import annotations

from kvmtui.guest.library import Library
from kvmtui.manage.image_door import ImageDoor
from kvmtui.manage.image_info import ImageInfo
from kvmtui.manage.image_links import Link
from kvmtui.manage.image_storage import Storage
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.images import ImageView, Survey
from kvmtui.qemu.image_header import Header

_M, _G = 1 << 20, 1 << 30
_DAY = 86400
_HOME = "/srv/kvmtui"

_TABLE = """
images/debian-13.qcow2         qcow2 3.0G 412M  -            15    -
images/debian-12.qcow2         qcow2 2.0G 388M  -            267   -
images/ws2022-template.qcow2   qcow2 60G  14G   -            98    -
guests/debian-13-test/disk0.qcow2 qcow2 20G 1.1G debian-13-test 0 images/debian-13.qcow2
guests/web-01/disk0.qcow2      qcow2 40G  12G   web-01       0     images/debian-13.qcow2
guests/web-02/disk0.qcow2      qcow2 40G  12G   web-02       0     images/debian-13.qcow2
guests/db-01/disk0.qcow2       qcow2 40G  16G   db-01        0     images/debian-12.qcow2
guests/db-01/disk1.qcow2       qcow2 200G 176G  db-01        0     -
guests/db-02/disk0.qcow2       qcow2 40G  15G   db-02        0     images/debian-12.qcow2
guests/gitlab/disk0.qcow2      qcow2 120G 96G   gitlab       0     images/debian-12.qcow2
guests/winsrv22/disk0.qcow2    qcow2 60G  22G   winsrv22     0     images/ws2022-template.qcow2
guests/nas-replica/data.raw    raw   2000G 1400G nas-replica 0.3   -
images/old-mail.vmdk           vmdk  80G  31G   -            270   -
images/lost.qcow2              qcow2 40G  6.2G  -            380   images/gone.qcow2
images/virtio-win-0.1.285.iso  iso   754M 754M  winsrv22     85    -
"""
_RUNNING = ("web-01", "web-02", "db-01", "db-02", "gitlab", "winsrv22", "debian-13-test")
_SNAPSHOTS = {"web-01": 2, "web-02": 2, "winsrv22": 1}
STORAGES = [
    Storage(
        *("/srv", 2000 * _G, 312 * _G, 1600 * _G, 2900 * _G),
        (f"{_HOME}/images", f"{_HOME}/guests/nas-replica"),
    ),
    Storage("/fast", 480 * _G, 0, 300 * _G, 480 * _G, ("/fast",)),
]


def _bytes(text: str) -> int:
    return int(float(text[:-1]) * {"M": _M, "G": _G}[text[-1]])


def survey(now: float) -> Survey:
    """All images of the pictures."""
    rows = [line.split() for line in _TABLE.strip().splitlines()]
    children: dict[str, list[str]] = {}
    for row in rows:
        if row[6] != "-":
            children.setdefault(f"{_HOME}/{row[6]}", []).append(f"{_HOME}/{row[0]}")
    users = {f"{_HOME}/{row[0]}": row[4] for row in rows if row[4] != "-"}
    views = [_view(row, children, users, now) for row in rows]
    return Survey({one.path: one for one in sorted(views, key=lambda one: one.name)}, (), ())


def _view(
    row: list[str], children: dict[str, list[str]], users: dict[str, str], now: float
) -> ImageView:
    name, image_format, size, real, guest, days, backing = row
    path = f"{_HOME}/{name}"
    below = tuple(sorted(children.get(path, ())))
    using = [guest] if guest != "-" else sorted({users[child] for child in below})
    role = "disk0" if guest != "-" else "backing"
    gone = backing == "images/gone.qcow2"
    link = None
    if backing != "-":
        link = Link(backing, f"{_HOME}/{backing}", "qcow2", "backing gone" if gone else "")
    is_qcow2 = image_format == "qcow2"
    return ImageView(
        path=path,
        name=name.partition("/")[2],
        format=image_format,
        virtual_size_bytes=_bytes(size),
        actual_size_bytes=_bytes(real),
        used_by=tuple(ImageUser(one, one in _RUNNING, role) for one in using),
        snapshots=_SNAPSHOTS.get(guest, 0) if is_qcow2 else None,
        changed=now - float(days) * _DAY - 20,
        backing=link,
        children=below,
        locked=False,
        trouble="backing gone" if gone else "",
        header=Header(
            image_format,
            _bytes(size),
            cluster_bytes=65536 if is_qcow2 else None,
            compression="zstd" if is_qcow2 else None,
        ),
    )


class ExhibitedImages(ImageDoor):
    """A door to images that are in this file only.

    Args:
        now: Seconds since 1970.
    """

    def __init__(self, library: Library, now: float) -> None:
        super().__init__(library)
        self._now = now

    async def survey(self) -> Survey:
        """The same images at every look."""
        self.last = survey(self._now)
        return self.last

    async def storage(self, found: Survey) -> list[Storage]:
        """Two file systems, one of them full."""
        return STORAGES

    async def last_check(self, path: str) -> tuple[float, str] | None:
        """All were checked three days ago."""
        return self._now - 3 * _DAY, "no errors"

    async def info(self, path: str) -> ImageInfo:
        """No more than the list knows."""
        found = survey(self._now).images
        return ImageInfo(found[path], (found[path],), (), False, None, None, "")
