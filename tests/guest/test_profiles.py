"""Profiles: what is shipped, what users add, what they mean for a definition."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from kvmtui.guest.definition import Definition
from kvmtui.guest.laying import fitted, shortcomings, under
from kvmtui.guest.profile import ProfileFile, Rule, Version
from kvmtui.guest.profile_files import Profiles
from kvmtui.guest.profile_schema import profile_schema
from kvmtui.guest.validation import definition_from

GIB = 1 << 30
WANTED = [
    "debian11",
    "debian12",
    "debian13",
    "ubuntu20.04",
    "ubuntu22.04",
    "ubuntu24.04",
    "ubuntu26.04",
    "fedora39",
    "fedora44",
    "rhel8",
    "rhel9",
    "rhel10",
    "centos-stream8",
    "centos-stream9",
    "centos-stream10",
    "almalinux8",
    "almalinux9",
    "almalinux10",
    "rocky8",
    "rocky9",
    "rocky10",
    "opensuse15.5",
    "opensuse15.6",
    "opensuse16.0",
    "opensusetumbleweed",
    "sle15",
    "sles16.0",
    "archlinux",
    "alpinelinux3.18",
    "alpinelinux3.23",
    "nixos-25.11",
    "freebsd13",
    "freebsd14",
    "freebsd15",
    "openbsd7.8",
    "win10",
    "win11",
    "win2k16",
    "win2k19",
    "win2k22",
    "win2k25",
    "linux",
    "old-pc",
    "other",
]


@pytest.fixture(scope="module")
def shipped():
    return Profiles()


def of_user(tmp_path, **files):
    folder = tmp_path / "profiles"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return Profiles([str(folder)])


def test_all_that_is_shipped_is_whole(shipped):
    profiles = {profile.id: profile for profile in shipped.all()}
    assert not shipped.faults
    assert set(WANTED) <= set(profiles)
    for profile in profiles.values():
        assert profile.memory and profile.cpus and profile.disk, profile.id
        assert profile.arch and profile.firmware and profile.name != profile.id, profile.id
        assert re.fullmatch(r"[ -~]+", profile.name)
        laid = under(profile, {"disks": [{"size": "100G", "file": "disk0.qcow2"}]})
        for missing in ("tpm", "secure_boot"):
            laid.pop(missing, None)
        found = shortcomings(profile, definition_from(laid))
        assert all(one.startswith(("tpm", "secure_boot")) for one in found), profile.id


def test_one_id_reads_one_file(shipped):
    fresh = Profiles()
    assert fresh.find("debian12").name == "Debian 12"
    assert [one.family for one in fresh._known.values()] == ["debian"] * len(fresh._known)


@pytest.mark.parametrize(
    ("os_id", "found"),
    [
        ("rhel9.7", "rhel9"),
        ("freebsd14.4", "freebsd14"),
        ("sle15sp9", "sle15sp7"),
        ("debian21", "debian13"),
        ("nixos-26.11", "nixos-26.05"),
        ("centos-stream11", "centos-stream10"),
        ("debian1", None),
        ("win7", None),
        ("dos", None),
        ("", None),
        ("debian" + "9" * 5000, None),
    ],
)
def test_a_version_without_a_profile_has_that_of_the_one_before(shipped, os_id, found):
    profile = shipped.find(os_id)
    assert (profile and profile.id) == found


def test_facts_come_from_the_version_its_family_and_what_it_inherits(shipped):
    ubuntu = shipped.find("ubuntu24.10")
    assert ubuntu.name == "Ubuntu 24.10" and ubuntu.memory.recommended == 4 * GIB
    assert ubuntu.released == "2024-10-10"
    rocky = shipped.find("rocky10")
    assert rocky.memory.least == 2 * GIB and rocky.family == "rocky" and rocky.ends == "2035-05-31"
    silverblue = shipped.find("silverblue43")
    assert silverblue.released is None and not silverblue.cloud_init
    assert silverblue.disk.recommended == 50 * GIB


def test_windows_11_as_it_is_defined(shipped):
    plain = {"os": "win11", "disks": [{"size": "90G"}], "cpus": 2}
    laid = under(shipped.find("win11"), plain)
    assert plain == {"os": "win11", "disks": [{"size": "90G"}], "cpus": 2}
    assert laid["memory"] == "8G" and laid["cpus"] == 2
    assert laid["firmware"] == "uefi" and laid["clock"] == "localtime"
    assert laid["disks"] == [{"bus": "sata", "size": "90G"}]
    assert laid["networks"] == [{"model": "e1000e"}]


def test_what_the_user_says_wins(shipped):
    plain = {
        "memory": "64M",
        "video": "std",
        "rng": True,
        "machine": "pc-i440fx-7.2",
        "disks": [{"file": "/a.raw", "bus": "scsi"}, {"file": "/b.raw"}],
        "networks": [],
    }
    laid = under(shipped.find("old-pc"), plain)
    assert {key: laid[key] for key in plain if key != "disks"} == {
        key: plain[key] for key in plain if key != "disks"
    }
    assert [disk["bus"] for disk in laid["disks"]] == ["scsi", "ide"]
    assert laid["agent"] is False and laid["sound"] == "es1370"


def test_what_is_usual_anyhow_is_not_written_down(shipped):
    laid = under(shipped.find("debian12"), {"os": "debian12"})
    assert laid == {"os": "debian12", "memory": "2G", "cpus": 2}
    arm = under(shipped.find("win11"), {"arch": "aarch64"})
    assert "networks" not in arm and "firmware" not in arm


@pytest.mark.parametrize(
    ("memory", "cpus", "gets"),
    [
        (64 * GIB, 16, (8 * GIB, 4)),
        (15 * GIB, 3, (15 * GIB // 2, 3)),
        (2 * GIB, 1, (4 * GIB, 2)),
    ],
)
def test_no_more_is_recommended_than_half_of_the_host(shipped, memory, cpus, gets):
    fit = fitted(shipped.find("win11"), memory, cpus)
    assert (fit.memory.recommended, fit.cpus.recommended) == gets
    assert fit.memory.least == 4 * GIB and fit.name == "Windows 11"
    small = fitted(shipped.find("alpinelinux3.22"), 700 << 20, 1)
    assert under(small, {})["memory"] == "256M"


def test_shortcomings_are_told(shipped):
    definition = Definition(os="win11", memory=GIB, arch="x86_64", firmware="bios")
    found = shortcomings(shipped.find("win11"), definition)
    assert "firmware: Windows 11 boots by uefi only" in found
    assert "memory: Windows 11 takes 4.0G or more, not 1.0G" in found
    assert "cpus: Windows 11 takes 2 or more, not 1" in found
    arm = definition_from({"arch": "riscv64"})
    assert shortcomings(shipped.find("win10"), arm)[0].startswith("arch: Windows 10 has no riscv64")


MINE = """
family: mine
name: My System
memory: {least: 1G, recommended: 3G}
definition: {video: virtio, disk: {bus: virtio}}
media:
  - volume_id: '^MYSYS (?P<version>\\d+)'
    os: mysys{version}
versions:
  - {id: mysys1, version: "1", inherits: debian12}
  - {id: mysys2, version: "2"}
"""
CHANGED = """
family: debian
versions:
  - id: debian12
    memory: {least: 1G, recommended: 6G}
"""


def test_users_add_and_override(tmp_path):
    known = of_user(tmp_path, mine=MINE, changed=CHANGED)
    mine = known.find("mysys1")
    assert mine.name == "My System 1" and mine.memory.recommended == 3 * GIB
    assert mine.unattended == "preseed" and mine.disk.least == 4 * GIB
    assert mine.definition == {"video": "virtio", "disk": {"bus": "virtio"}}
    changed = known.find("debian12")
    assert changed.memory.recommended == 6 * GIB and changed.disk.least == 4 * GIB
    assert changed.name == "Debian 12" and changed.ends == "2028-06-30"
    assert known.find("debian13").memory.recommended == 2 * GIB
    assert not known.faults and {"mysys1", "mysys2"} <= {one.id for one in known.all()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("family: x\nversions: [{id: x1, memroy: 1}]", "versions[0].memroy: unknown key: did you"),
        ("family: x\nversions: []", "versions: there is none"),
        ("family: x", "versions: is missing"),
        ("versions: [{id: x1}]", "family: is missing"),
        ("family: x\nversions: [{name: n}]", "versions[0].id: is missing"),
        ("family: x\nversions: [{id: X 1}]", "versions[0].id: 'X 1' has characters that"),
        ("family: x\nversions: [{id: x1}, {id: x1}]", "versions[1].id: x1 stands twice"),
        (
            "family: x\nversions: [{id: x1, memory: {least: 2G, recommended: 1G}}]",
            "versions[0].memory: the least is more than what is recommended",
        ),
        (
            "family: x\nversions: [{id: x1, definition: {disk: {buss: ide}}}]",
            "versions[0].definition.disk.buss: unknown key: did you mean bus",
        ),
        (
            "family: x\nversions: [{id: x1, definition: {uuid: a, video: vga}}]",
            "versions[0].definition.uuid: is not for a profile's definition",
        ),
        (
            "family: x\nversions: [{id: x1, media: [{volume_id: '('}]}]",
            "versions[0].media[0].volume_id: is no regular expression",
        ),
        (
            "family: x\nmedia: [{volume_id: a}]\nversions: [{id: x1}]",
            "media[0].os: is missing",
        ),
        (
            "family: x\nversions: [{id: x1, media: [{volume_id: a, os: 'x{version}'}]}]",
            "versions[0].media[0]: no pattern has a group 'version'",
        ),
        ("family: x\nversions: [{id: x1, media: [{os: x1}]}]", "versions[0].media[0]: has no"),
        ("- a", "a definition is a mapping"),
        ("family: [", "line 2: not YAML"),
    ],
)
def test_a_bad_file_is_one_line_and_hurts_nothing_else(tmp_path, text, told):
    known = of_user(tmp_path, bad=text, changed=CHANGED)
    assert known.find("debian12").memory.recommended == 6 * GIB
    (fault,) = known.faults
    assert fault.startswith(f"{tmp_path}/profiles/bad.yaml: ") and told in fault
    assert "\n" not in fault


def test_inheriting_from_nothing_or_itself_is_told(tmp_path):
    text = "family: x\nversions: [{id: x1, inherits: x2}, {id: x2, inherits: x1}, %s]"
    known = of_user(tmp_path, x=text % "{id: x3, inherits: nothing}")
    assert {profile.id for profile in known.all()} >= {"x1", "x2", "x3"}
    assert "the profile of x1 inherits from itself" in known.faults
    assert "the profile of x3 inherits from nothing, not known" in known.faults


def test_the_schema_knows_every_key_with_its_help():
    schema = profile_schema()
    version = schema["$defs"]["Version"]["properties"]
    assert {"id", "inherits", "memory", "media", "definition"} <= set(version)
    assert version["clock"]["description"].startswith("What it expects")
    partial = schema["$defs"]["PartialDefinition"]["properties"]
    assert {"machine", "video", "disk", "network", "cdrom"} <= set(partial)
    assert "uuid" not in partial and "disks" not in partial


def test_what_the_docs_say(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    known = of_user(tmp_path, **{f"example{index}": one for index, one in enumerate(examples)})
    assert known.find("appliance5").tpm == "required" and not known.faults
    assert known.find("debian12").memory.recommended == 6 * GIB
    for type_ in (ProfileFile, Version, Rule):
        for field in msgspec.structs.fields(type_):
            assert f"`{field.name}`" in page, field.name
