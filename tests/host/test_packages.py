import json

import pytest

from kvmtui.host.firmware import find_uefi
from kvmtui.host.packages import install_hint


@pytest.mark.parametrize(
    ("os_release", "hint"),
    [
        ("ID=debian\n", "sudo apt install qemu-utils"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt install qemu-utils"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "sudo dnf install qemu-img"),
        ("ID=manjaro\nID_LIKE=arch\n", "sudo pacman -S qemu-img"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "sudo zypper install qemu-tools"),
        ("ID=void\n", "install qemu-img by your distribution's package manager"),
    ],
)
def test_the_distributions_own_command(tmp_path, os_release, hint):
    path = tmp_path / "os-release"
    path.write_text(os_release)
    assert install_hint("qemu-img", path) == hint


def descriptor(folder, name, **changes):
    code, template = folder / f"{name}.code", folder / f"{name}.vars"
    code.touch()
    template.touch()
    content = {
        "interface-types": ["uefi"],
        "mapping": {
            "executable": {"filename": str(code), "format": "raw"},
            "nvram-template": {"filename": str(template), "format": "raw"},
        },
        "targets": [{"architecture": "x86_64"}],
        "features": [],
        **changes,
    }
    (folder / f"{name}.json").write_text(json.dumps(content))
    return str(code)


def test_firmware_by_descriptors(tmp_path):
    system, local = tmp_path / "system", tmp_path / "local"
    system.mkdir()
    local.mkdir()
    descriptor(system, "40-secure", features=["requires-smm"])
    plain = descriptor(system, "60-plain")
    folders = (str(system), str(local))
    assert find_uefi("x86_64", folders).code == plain
    (local / "60-plain.json").write_text("")
    (system / "10-broken.json").write_text("{")
    with pytest.raises(KeyError):
        find_uefi("none", folders)
