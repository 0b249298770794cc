"""What all checks amount to, and what of it a program may repair."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvmtui.guest.library import Library
from kvmtui.host.accelerator import Trial
from kvmtui.host.judging import judge
from kvmtui.manage import hosting, setting_up
from kvmtui.manage.checking import asked_for, check_host
from kvmtui.manage.measured import SIGNS, table_of

TREES = Path(__file__).parent.parent / "host" / "trees"
TCG = Trial("tcg", "max", 0.08, 0.05)


def report(tmp_path, tree):
    return check_host(Library(tmp_path / "home"), tree=TREES / tree)


@pytest.mark.parametrize(
    ("tree", "serves", "words"),
    [
        ("amd-fine", True, "Guests can run here; KVM runs code"),
        ("intel-firmware-off", True, "in emulation: /dev/kvm is missing"),
        ("wrong-group", True, "in emulation: anna may not open /dev/kvm"),
        ("virtualbox-runs", True, "in emulation: KVM_CREATE_VM: another hypervisor"),
        ("garbage", True, "Guests can run here"),
        ("no-space", False, "No guest can run here: Room and kind of the disk: no room"),
        ("old-qemu", False, "No guest can run here: QEMU: /usr/bin/qemu-system-x86_64 is 5.2.0"),
        ("image-based", False, "No guest can run here: QEMU: not installed"),
    ],
)
def test_the_verdict(tmp_path, tree, serves, words):
    found = report(tmp_path, tree)
    assert found.serves is serves and words in found.words


def measured(monkeypatch, kvmtui, *trials):
    monkeypatch.setattr(hosting, "verdict_for", lambda *_, **__: judge(list(trials)))
    found = check_host(kvmtui.library, measure=True)
    return found, next(one for one in found.results if one.id == "accelerator")


def test_a_kvm_that_serves_is_ok(monkeypatch, kvmtui):
    found, one = measured(monkeypatch, kvmtui, TCG, Trial("kvm", "host", 0.05, 0.01))
    assert one.status == "ok" and one.remedy is None
    assert found.words.startswith("Guests run here under KVM: boot 50 ms, loop 10 ms")
    assert one.measured["trials"][1] == {
        "accelerator": "kvm",
        "cpu": "host",
        "serves": True,
        "tried": True,
        "booted": True,
        "duration_s": 0.05 + 0.01,
        "boot_s": 0.05,
        "loop_s": 0.01,
        "loop_rounds_per_s": 2_000_000_000,
        "slower_than_s": None,
        "detail": "",
    }
    doubted = {result.id for result in found.results if result.status == "warn"}
    assert {lie["id"] for lie in one.measured.get("lied", [])} == doubted & set(SIGNS)


def test_a_kvm_that_lies_names_the_signs(monkeypatch, kvmtui):
    slow = Trial("kvm", "qemu64", detail="had not booted", stopped_after_s=2.8)
    found, one = measured(monkeypatch, kvmtui, TCG, slow)
    assert one.status == "warn" and one.remedy and found.serves
    assert "35 times slower" in found.words and "lied" not in found.words
    fine = {result.id: result.detail for result in found.results if result.status == "ok"}
    lied = {lie["id"]: lie["said"] for lie in one.measured.get("lied", [])}
    assert lied == {id: fine[id] for id in SIGNS if id in fine}
    assert all(said in one.detail for said in lied.values())
    assert one.measured["trials"][1]["slower_than_s"] == 2.8


def test_where_nothing_boots_no_guest_runs(monkeypatch, kvmtui):
    dead = Trial("tcg", "max", detail="cannot allocate")
    found, one = measured(monkeypatch, kvmtui, dead)
    assert one.status == "fail" and "cannot allocate" in one.detail
    assert not found.serves


def test_where_nothing_ran_in_time_it_is_not_known(monkeypatch, kvmtui):
    late = Trial("tcg", "max", detail="had not booted", stopped_after_s=2.0)
    found, one = measured(monkeypatch, kvmtui, late)
    assert one.status == "unknown" and "busy" in one.detail and found.serves


def test_each_candidate_is_a_line_for_people(monkeypatch, kvmtui):
    missing = Trial("kvm", "host", detail="/dev/kvm is missing", tried=False)
    _, one = measured(monkeypatch, kvmtui, TCG, missing)
    assert table_of(one.measured) == [
        "serves  tcg -cpu max      boot 80 ms, loop 50 ms (400 million rounds a second)",
        "no      kvm -cpu host     not booted: /dev/kvm is missing",
    ]


def test_what_the_guests_ask_for(kvmtui):
    forward = ["--forward", "2222:22", "--forward", "8080:80"]
    kvmtui.ok("create", "a", "--memory", "2G", "--accelerator", "tcg", *forward)
    kvmtui.ok("create", "b", "--memory", "1G", "--network", "bridge:br0")
    kvmtui.folder("b").joinpath("broken").write_text("")
    (kvmtui.home / "guests" / "c").mkdir()
    asked = asked_for(kvmtui.library)
    assert asked.promised_bytes == 3 << 30
    assert asked.ports == (2222, 8080) and asked.bridged
    assert asked.home == str(kvmtui.home)


def test_what_a_program_may_do(tmp_path):
    actions = setting_up.actions_for(report(tmp_path, "image-based").results)
    assert [action.step.kind for action in actions] == ["packages", "module", "module"]
    assert actions[0].step.argv[3:] == ("qemu-kvm", "qemu-img", "edk2-ovmf")
    assert actions[0].checks == ("qemu", "qemu-img", "ovmf")
    assert actions[1].checks == ("kvm-module", "kvm-perm")


def test_a_fine_host_has_nothing_to_set_up(tmp_path):
    assert setting_up.actions_for(report(tmp_path, "amd-fine").results) == []
