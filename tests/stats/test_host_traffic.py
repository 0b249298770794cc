"""Drives and cards of the machine, not what lies on top of them."""

from __future__ import annotations

from kvmtui.stats.host_traffic import TrafficMeter

LINE = "   8       {number} {name} 1 0 {read} 0 1 0 {written} 0 0 0 0\n"
CARD = "{name}: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n"


def write(folder, disks, cards):
    proc, sys = folder / "proc", folder / "sys"
    for name in ("block/sda/device", "block/dm-0", "class/net/eth0/device", "class/net/br0"):
        (sys / name).mkdir(parents=True, exist_ok=True)
    (proc / "net").mkdir(parents=True, exist_ok=True)
    (proc / "diskstats").write_text("".join(LINE.format(number=0, **disk) for disk in disks))
    (proc / "net/dev").write_text("a|b\nc|d\n" + "".join(CARD.format(**card) for card in cards))
    return TrafficMeter(str(proc), str(sys))


def at(seconds):
    return float(seconds), float(seconds)


def test_only_what_has_a_device_counts(tmp_path):
    def disks(read):
        return [{"name": name, "read": read, "written": 2 * read} for name in ("sda", "dm-0")]

    def cards(received):
        return [
            {"name": name, "received": received, "sent": 3 * received} for name in ("eth0", "br0")
        ]

    meter = write(tmp_path, disks(0), cards(0))
    assert meter.read(at(1)) == (None, None, None, None)
    write(tmp_path, disks(10), cards(100))
    assert meter.read(at(3)) == (2560, 5120, 50, 150)
    write(tmp_path, disks(0), cards(200))
    assert meter.read(at(5)) == (None, None, 50, 150), "a drive's counter went back"


def test_a_machine_without_any_tells_nothing(tmp_path):
    meter = TrafficMeter(str(tmp_path), str(tmp_path))
    meter.read(at(1))
    assert meter.read(at(2)) == (None, None, None, None)


def test_the_real_machine_has_figures_that_are_no_less_than_nothing():
    meter = TrafficMeter()
    meter.read(at(1))
    assert all(value is None or value >= 0 for value in meter.read(at(2)))
