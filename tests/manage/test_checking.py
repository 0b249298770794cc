"""What all checks amount to, and what of it a program may repair."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvmtui.guest.library import Library
from kvmtui.host import accelerator
from kvmtui.host.accelerator import Trial, Verdict
from kvmtui.manage import checking, hosting, setting_up
from kvmtui.manage.checking import asked_for, check_host

TREES = Path(__file__).parent.parent / "host" / "trees"
TCG = Trial("tcg", "max", True, 0.08, "")


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


def measured(monkeypatch, kvmtui, verdict):
    monkeypatch.setattr(hosting, "verdict_for", lambda library, again: verdict)
    found = check_host(kvmtui.library, measure=True)
    return found, next(one for one in found.results if one.id == "accelerator")


def test_a_kvm_that_serves_is_ok(monkeypatch, kvmtui):
    trials = (TCG, Trial("kvm", "host", True, 0.05, ""))
    verdict = Verdict("kvm", "host", "KVM serves: it booted a test in 50 ms", trials)
    found, one = measured(monkeypatch, kvmtui, verdict)
    assert one.status == "ok" and one.remedy is None
    assert found.words == "Guests run here under KVM: it booted a test in 50 ms"
    assert one.measured["trials"][1]["duration_s"] == 0.05


def test_a_kvm_that_lies_names_the_signs(monkeypatch, kvmtui):
    verdict = accelerator._judge([TCG, Trial("kvm", "qemu64", True, 2.8, "")], None)
    found, one = measured(monkeypatch, kvmtui, verdict)
    assert one.status == "warn" and one.remedy and found.serves
    assert "35 times slower" in found.words
    fine = {result.id for result in found.results if result.status == "ok"}
    said_yes = one.measured.get("said_yes", [])
    assert set(said_yes) == fine & set(checking._SIGNS)


def test_where_nothing_boots_no_guest_runs(monkeypatch, kvmtui):
    dead = Trial("tcg", "max", False, None, "cannot allocate")
    found, one = measured(monkeypatch, kvmtui, Verdict("tcg", "max", "x", (dead,)))
    assert one.status == "fail" and "cannot allocate" in one.detail
    assert not found.serves


def test_a_kept_verdict_of_another_host_does_not_count(kvmtui):
    kvmtui.home.mkdir()
    (kvmtui.home / "accelerator.json").write_text('{"key": "another", "verdict": {}}')
    assert checking.kept_verdict(kvmtui.library) is None
    (kvmtui.home / "accelerator.json").write_text("[]")
    assert checking.kept_verdict(kvmtui.library) is None


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
