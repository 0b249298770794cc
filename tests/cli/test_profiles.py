"""`profile`, `create --os`, and what `image info` says of media."""

from __future__ import annotations

import json
import os

import pytest

from tests.media import iso

OSINFO = """<libosinfo version="0.0.1"><os id="http://example.org/haiku">
<short-id>haikur1</short-id>
<media arch="x86_64"><iso><volume-id>haiku-\\d+</volume-id></iso></media>
</os></libosinfo>"""


@pytest.fixture
def settings(kvmtui, tmp_path):
    """A folder of the user's own profiles."""
    folder = tmp_path / "config" / "kvmtui" / "profiles"
    folder.mkdir(parents=True)
    kvmtui.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    kvmtui.environment["OSINFO_SYSTEM_DIR"] = str(tmp_path / "osinfo")
    return folder


def test_create_lays_the_profile_under_what_is_given(kvmtui, settings):
    kvmtui.ok("create", "pc", "--os", "old-pc", "--disk", "1G", "--set", "sound=none")
    definition = kvmtui.ok("show", "pc", "--json").json["definition"]
    assert definition["machine"].startswith("pc-i440fx-")
    assert definition["memory"] == "256M" and definition["sound"] == "none"
    assert definition["disks"][0]["bus"] == "ide"
    assert definition["networks"] == [{"model": "rtl8139"}]
    argv = kvmtui.ok("show", "pc", "--argv").out
    assert "ide-hd" in argv and "rtl8139" in argv and "cirrus" in argv
    made = kvmtui.ok("create", "big", "--os", "rhel9.7", "--memory", "1G")
    assert kvmtui.ok("show", "big", "--json").json["cpus"] == min(2, os.cpu_count() or 1)
    assert made.err == "kvmtui: memory: Red Hat Enterprise Linux 9 takes 1.5G or more, not 1.0G\n"


def test_a_system_without_a_profile_is_told_and_defined(kvmtui, settings):
    made = kvmtui.ok("create", "a", "--os", "debain12")
    assert made.err == "kvmtui: there is no profile of debain12: did you mean debian12\n"
    made = kvmtui.ok("create", "b", "--os", "debian21")
    assert "debian21 has no profile of its own: Debian 13's is used" in made.err
    shown = kvmtui.ok("show", "b", "--json").json
    assert shown["os"] == "debian21" and shown["memory_bytes"] == 2 << 30


def test_a_file_is_taken_as_it_is(kvmtui, settings, tmp_path):
    (tmp_path / "a.yaml").write_text("os: win11\nmemory: 64M\n")
    kvmtui.ok("create", "--from", tmp_path / "a.yaml")
    definition = kvmtui.ok("show", "a", "--json").json["definition"]
    assert "firmware" not in definition and "clock" not in definition


def test_profiles_are_listed_and_shown(kvmtui, settings):
    (settings / "mine.yaml").write_text("family: mine\nversions: [{id: mine1, inherits: debian12}]")
    (settings / "bad.yaml").write_text("family: mine\nversions: [{id: mine2, memory: 1G}]")
    listed = kvmtui.ok("profile", "list")
    assert "debian12 " in listed.out and "mine1 " in listed.out
    assert listed.err.startswith(f"kvmtui: {settings}/bad.yaml: versions[0].memory: ")
    assert len(listed.err.splitlines()) == 1
    assert "mine1" in [one["id"] for one in kvmtui.ok("profile", "list", "--json").json]
    shown = kvmtui.ok("profile", "show", "win11", "--json").json
    assert shown["memory_least_bytes"] == 4 << 30 and shown["tpm"] == "required"
    assert "preseed" in kvmtui.ok("profile", "show", "mine1").out
    refused = kvmtui.refused("profile", "show", "nothing", status=1)
    assert refused == "kvmtui: there is no profile of nothing"
    assert json.loads(kvmtui.ok("schema", "--profile").out)["title"] == "kvmtui profiles"


def test_image_info_tells_what_a_medium_is(kvmtui, settings, tmp_path):
    for name, label, publisher in (
        ("sure", "Debian 12.5.0 amd64 n", ""),
        ("unsure", "CCCOMA_X64FRE_EN-US_DV9", "MICROSOFT CORPORATION"),
        ("unknown", "haiku-1", ""),
    ):
        (tmp_path / f"{name}.iso").write_bytes(iso(label, publisher=publisher))
    found = {
        name: kvmtui.ok("image", "info", tmp_path / f"{name}.iso", "--json").json
        for name in ("sure", "unsure", "unknown")
    }
    assert found["sure"]["os"] == "debian12" and found["sure"]["arch"] == "x86_64"
    assert found["sure"]["boot"] == ["bios", "uefi"]
    assert found["unsure"]["os"] is None and found["unsure"]["os_candidates"] == ["win11", "win10"]
    assert found["unknown"]["os"] is None and found["unknown"]["os_candidates"] == []
    assert "Debian 12 (debian12)" in kvmtui.ok("image", "info", tmp_path / "sure.iso").out
    told = kvmtui.ok("image", "info", tmp_path / "unsure.iso").out
    assert "perhaps Windows 11 (win11) or Windows 10 (win10)" in told


def test_osinfo_db_says_what_else_it_can_be(kvmtui, settings, tmp_path):
    folder = tmp_path / "osinfo" / "os" / "example.org"
    folder.mkdir(parents=True)
    (folder / "haiku.xml").write_text(OSINFO)
    bomb = '<!DOCTYPE a [<!ENTITY b "haiku">]>' + OSINFO.replace("haikur1", "&b;")
    (folder / "bomb.xml").write_text(bomb)
    (folder / "broken.xml").write_text("<libosinfo")
    kvmtui.tiny("a")
    (tmp_path / "a.iso").write_bytes(iso("haiku-1"))
    for _ in range(2):
        found = kvmtui.ok("image", "info", tmp_path / "a.iso", "--json").json
        assert found["os"] is None and found["os_candidates"] == ["haikur1"]
    assert (kvmtui.home / "osinfo.json").exists()
    (folder / "haiku.xml").unlink()
    assert kvmtui.ok("image", "info", tmp_path / "a.iso", "--json").json["os_candidates"] == []
