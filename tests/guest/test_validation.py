"""Definitions: read as written, all problems at once, hostile input bounded."""

import pytest

from kvmtui.errors import DefinitionError, UsageError
from kvmtui.guest.names import check_name
from kvmtui.guest.schema import definition_schema
from kvmtui.guest.validation import definition_from
from kvmtui.strict_yaml import read_mapping


def load(text):
    return definition_from(read_mapping(text.encode()))


def problems(text):
    with pytest.raises(DefinitionError) as caught:
        load(text)
    return list(caught.value.problems)


def test_mac_port_pair_and_off_are_read_as_written():
    found = load(
        "networks: [{mac: 52:54:00:12:34:56, forwards: [2222:22]}]\n"
        "balloon: off\ndisks: [{file: a.raw, detect_zeroes: off, serial: '0600'}]\n"
    )
    assert found.networks[0].mac == "52:54:00:12:34:56"
    assert found.forwards()[0][:4] == ("tcp", "127.0.0.1", 2222, "")
    assert found.balloon is False
    assert found.disks[0].detect_zeroes == "off"


def test_all_problems_come_at_once_with_their_paths():
    found = problems("memory: 1024\ncpus: two\ndisks: [{file: a.raw, szie: 3}]\nnetworks: 3\n")
    assert [problem.split(":")[0] for problem in found] == [
        "memory",
        "cpus",
        "disks[0].szie",
        "networks",
    ]
    assert "did you mean size" in found[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2", "stands twice"),
        ("disks: [{file: a.raw, file: b.raw}]", "stands twice"),
        ("a: &x 1\nb: *x", "anchors"),
        ("[" * 300000, "bytes are more"),
        ("[" * 2000, "nesting"),
        ("? [a]\n: 1", "a key is a word"),
        ("- 1", "mapping"),
        ("!!python/object:os.system x", "not allowed"),
        ("\x00", "not YAML"),
        ("disks: [{file: a.qcow2}, {file: a.qcow2}]", "is disks[0] already"),
        ("disks: [{file: ../a.raw}]", "leaves the guest's folder"),
        (
            "networks: [{mac: 52:54:00:12:34:ab}, {}, {mac: 52:54:00:12:34:AB}]",
            "networks[2].mac: 52:54:00:12:34:AB is networks[0]'s already",
        ),
        ("disks: [{file: a.img}]", "format"),
        ("disks: [{file: ./guest.yaml, format: raw}]", "kvmtui's own"),
        ("disks: [{file: .lock, format: raw}]", "kvmtui's own"),
        ("disks: [{file: run/pid, format: raw}]", "kvmtui's own"),
        ("disks: [{size: 1G}]", "file: is missing"),
        ("uuid: nonsense", "no UUID"),
        ("networks: [{mac: 01:00:00:00:00:00}]", "multicast"),
        ("networks: [{type: bridge}]", "bridge: is missing"),
        ("networks: [{forwards: [2222:22, 2222:80]}]", "forwarded twice"),
        ("networks: [{forwards: [99999:22]}]", "65535"),
        ("networks: [{forwards: ['1.2.3:2222:22']}]", "no IP address"),
        ("append: quiet", "needs kernel"),
        ("tags: ['a b']", "not allowed here"),
        ("networks: [{boot_file: nowhere}]", "no address such as http://"),
        ("cpus: 0", "cpus"),
        ("arch: pdp11", "not one of x86_64"),
        ("description: true", "quotes"),
        ('kernel: "a\\0b"', "zero byte"),
    ],
)
def test_bad_definitions_are_refused_in_words(text, says):
    assert says in "; ".join(problems(text))


def test_control_characters_of_a_file_do_not_reach_the_message():
    assert "\x1b" not in problems('"\\e[31m": 1')[0]


@pytest.mark.parametrize("name", ["a", "web-01", "A.b_c-d", "x" * 63, "0"])
def test_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a/b", "a,b", "a b", "..", ".x", "-x", "a\n", "x" * 64, "ä", "a\x1b"]
)
def test_what_cannot_be_a_name(name):
    with pytest.raises(UsageError):
        check_name(name)


def test_identity_follows_from_the_name_unless_stated():
    one, two = load("memory: 1G"), load("memory: 2G")
    assert one.identity("a") == two.identity("a") != one.identity("b")
    assert one.mac_of(0, "a").startswith("52:54:00:")


def test_the_schema_knows_every_field_with_its_help():
    schema = definition_schema()
    fields = schema["$defs"]["Definition"]["properties"]
    assert fields["memory"]["type"] == ["string", "integer"]
    assert "protected guest refuses" in fields["protected"]["description"]
    assert schema["$defs"]["Disk"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("text", "order", "delay_s"),
    [
        ("true", None, 0),
        ("on", None, 0),
        ("{order: 2, delay: 10s}", 2, 10),
        ("{delay: 2m}", None, 120),
        ("{delay: 15}", None, 15),
        ("{}", None, 0),
    ],
)
def test_a_start_with_the_host(text, order, delay_s):
    found = load(f"autostart: {text}\n").start_with_host()
    assert (found.order, found.delay) == (order, delay_s)


def test_no_start_with_the_host():
    assert load("cpus: 1\n").start_with_host() is None
    assert load("autostart: off\n").start_with_host() is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("soon", "autostart: true, false, or keys such as order are expected, not 'soon'"),
        ("3", "autostart: true, false, or keys such as order are expected, not '3'"),
        ("[1]", "autostart: true, false, or keys such as order are expected, not a list"),
        ("{oder: 2}", "autostart.oder: unknown key: did you mean order"),
        ("{delay: soon}", "autostart.delay: 'soon' is no duration: write 10s or 2m"),
        ("{delay: yes}", "autostart.delay: 'yes' is no duration: write 10s or 2m"),
        ("{delay: 61m}", "autostart.delay: more than an hour"),
        ("{delay: -3}", "autostart.delay: '-3' is no duration: write 10s or 2m"),
        ("{order: -1}", "autostart.order: '-1' is less than 0"),
    ],
)
def test_what_is_no_start_with_the_host(text, problem):
    assert problems(f"autostart: {text}\n") == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cpus: 0", "cpus: '0' is less than 1"),
        ("cpus: 2000", "cpus: '2000' is more than 1024"),
        (f"os: {'x' * 70}", "os: has 70 characters, 63 at most"),
        (
            "disks: [{file: a.raw, bus: sata, read_only: true}]",
            "disks[0].read_only: not on sata: use scsi, virtio, usb or nvme",
        ),
    ],
)
def test_what_is_wrong_is_told_in_words(text, problem):
    assert problems(f"{text}\n") == [problem]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("{iops: 5, read_iops: 4}", "a total, or reading and writing apart"),
        ("{iops: 5, burst_read_iops: 9}", "burst_read_iops: needs read_iops"),
        ("{burst_iops: 5}", "burst_iops: needs iops"),
        ("{iops: 5, burst_iops: 5}", "is not more than iops"),
        ("{iops: 5, burst_s: 2}", "burst_s: needs a burst"),
        ("{bytes_per_s: 0}", "bytes_per_s: from 1"),
        ("{bytes_per_s: 8192G}", "bytes_per_s: from 1"),
        ("{iop: 5}", "did you mean iops"),
        ("fast", "limits"),
    ],
)
def test_limits_of_a_disk_that_qemu_would_refuse(limits, says):
    found = problems(f"disks: [{{file: a.raw, limits: {limits}}}]\n")
    assert says in found[0] and found[0].startswith("disks[0].limits")


def test_limits_as_qmp_takes_them():
    text = "{read_bytes_per_s: 1M, burst_read_bytes_per_s: 4M, burst_s: 3, iops: 9}"
    limits = load(f"disks: [{{file: a.raw, limits: {text}}}]\n").disks[0].limits
    expected = {"bps": 0, "bps_rd": 1 << 20, "bps_wr": 0, "iops": 9, "iops_rd": 0, "iops_wr": 0}
    expected |= {"bps_rd_max": 4 << 20, "bps_rd_max_length": 3}
    assert limits.throttle() == expected


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        ("{file: a.qcow2, secret: s}", "absolute path"),
        ("{file: a.vmdk, secret: /s}", "only qcow2 and raw"),
    ],
)
def test_secrets_that_are_refused(disk, says):
    assert says in problems(f"disks: [{disk}]\n")[0]
