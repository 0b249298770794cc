"""Remedies in each distribution's own form."""

from __future__ import annotations

import pytest

from kvmtui.host import remedies
from kvmtui.host.remedies import Step, System

SYSTEMS = {
    "debian": System("debian", None, "sudo "),
    "fedora": System("fedora", None, "sudo "),
    "arch": System("arch", None, "sudo "),
    "suse": System("suse", None, "sudo "),
    "ostree": System("fedora", "ostree", "sudo "),
    "transactional": System("suse", "transactional", "sudo "),
    "nixos": System(None, "nixos", "sudo "),
    "nobody's": System(None, None, "sudo "),
}
NIX = "in /etc/nixos/configuration.nix: {} then: sudo nixos-rebuild switch"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("debian", "sudo apt-get install -y qemu-system-x86 qemu-utils"),
        ("fedora", "sudo dnf install -y qemu-kvm qemu-img"),
        ("arch", "sudo pacman -S --needed --noconfirm qemu-base qemu-img"),
        ("suse", "sudo zypper --non-interactive install qemu-x86 qemu-tools"),
        ("ostree", "sudo rpm-ostree install -y qemu-kvm qemu-img, then restart the host"),
        (
            "transactional",
            "sudo transactional-update --non-interactive pkg install qemu-x86 qemu-tools, "
            "then restart the host",
        ),
        ("nixos", NIX.format("environment.systemPackages = [ pkgs.qemu ];")),
        ("nobody's", "install QEMU for x86_64 and qemu-img by your distribution's package manager"),
    ],
)
def test_packages(name, text):
    found = remedies.install(SYSTEMS[name], "qemu-x86_64", "qemu-img")
    assert found.text == text
    assert bool(found.steps) == (name not in ("nixos", "nobody's"))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_rest(name):
    system = SYSTEMS[name]
    for remedy in (
        remedies.load_module(system, "kvm_intel"),
        remedies.set_module_option(system, "kvm_intel", "nested=1"),
        remedies.join_group(system, "anna"),
        remedies.add_system_user(system, "kvmtui"),
    ):
        if name == "nixos":
            assert remedy.steps == () and "nixos-rebuild switch" in remedy.text
        else:
            assert remedy.steps and remedy.text.startswith("sudo ")
    assert "intel_iommu=on" in remedies.boot_arguments(system, "intel_iommu=on iommu=pt")


def test_ostree_has_its_groups_elsewhere():
    text = remedies.join_group(SYSTEMS["ostree"], "anna").text
    assert "/usr/lib/group >> /etc/group; usermod -aG kvm anna" in text


def test_boot_arguments_in_each_form():
    assert remedies.boot_arguments(SYSTEMS["fedora"], "a b").startswith(
        'sudo grubby --update-kernel=ALL --args="a b"'
    )
    assert "rpm-ostree kargs --append=a --append=b" in remedies.boot_arguments(
        SYSTEMS["ostree"], "a b"
    )
    assert "sudo update-grub" in remedies.boot_arguments(SYSTEMS["debian"], "a b")


def test_root_needs_no_sudo():
    root = System("debian", None, "")
    assert remedies.linger(root, "anna").text == "loginctl enable-linger anna"


def test_all_packages_come_by_one_command():
    debian = SYSTEMS["debian"]
    qemu = remedies.install(debian, "qemu-x86_64", "qemu-img")
    steps = [*qemu.steps, *remedies.install(debian, "qemu-img").steps]
    steps += [*remedies.linger(debian, "anna").steps, *remedies.install(debian, "chrony").steps]
    words = ("apt-get", "install", "-y", "qemu-system-x86", "qemu-utils", "chrony")
    assert remedies.joined(steps) == [
        Step("packages", words),
        Step("linger", ("loginctl", "enable-linger", "anna")),
    ]


def test_a_written_file_holds_the_line_as_it_is(tmp_path):
    """What the shell makes of a step's quotes."""
    import subprocess

    step = remedies._file("udev", str(tmp_path / "rule"), remedies._KVM_RULE)
    subprocess.run(step.argv, check=True)
    assert (tmp_path / "rule").read_text() == remedies._KVM_RULE + "\n"
