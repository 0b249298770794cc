"""What templates of answer files may put in: wishes and the machine, as plain values."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from typing import Any, NamedTuple

from kvmtui.guest.first_login import FirstLogin, StaticAddress, host_name_of

_USUAL_USERS = {"cloud-init": "", "autoinstall": "ubuntu", "autounattend": "admin"}
"""Root with every other kind."""
_LONGEST_COMPUTER_NAME = 15
_DRIVERS = ("viostor", "vioscsi", "NetKVM", "Balloon", "vioserial")
_DRIVE_LETTERS = "DEFG"
_DRIVER_FOLDERS = {
    "win10": "w10",
    "win11": "w11",
    "win2k16": "2k16",
    "win2k19": "2k19",
    "win2k22": "2k22",
    "win2k25": "2k25",
}
"""Folders of the virtio-win CD, by the short id of the system."""
_PRODUCTS = {
    "autoyast": {"opensusetumbleweed": "openSUSE", "opensuse": "Leap", "sle": "SLES"},
    "agama": {
        "opensusetumbleweed": "Tumbleweed",
        "opensuse16.0": "Leap_16.0",
        "opensuse": "openSUSE_Leap",
        "sle": "SLES",
    },
}
"""What each calls a product, by how the short id begins; the first that does."""
_MODULES = ("Basesystem", "Server-Applications")
"""Of SLE 15: what a server is made of, on a medium that has it."""
_CLIENT_KEY = "W269N-WFGWX-YVC9B-4J6C9-T83GX"
"""Microsoft's published setup key of Windows 10 and 11 Pro: it chooses, and activates nothing."""
_TAKES_NO_KEY = re.compile(r"_(X64|A64)FRE[EV]_")
"""The label of a Windows CD for evaluation, or of a volume licence: it is of one edition."""
_LANGUAGE = re.compile(r"_([A-Z]{2})-([A-Z]{2})_DV")
"""What a Windows CD's label says of its language."""
_SERIAL_PORT = "ttyS0"
_SERIAL_PORTS = {"aarch64": "ttyAMA0"}
"""What Linux calls the first serial port, where it has another name."""
_ALPINE = "alpinelinux"


class Target(NamedTuple):
    """What an answer file must know of the guest itself."""

    name: str
    """The guest's name."""
    instance: str
    """What cloud-init tells one installation from another by."""
    mac: str | None = None
    """Of the first network card; None where there is none."""
    disk: str = "/dev/sda"
    """The disk that is installed to, as the guest calls it."""
    firmware: str = "bios"
    os: str = ""
    """The short id: debian12."""
    serial: bool = True
    """Whether it has a serial console."""
    product: str = ""
    """openSUSE's and SUSE's name of what is installed; by the short id when empty."""
    image_index: int = 1
    """Which of the editions on a Windows CD."""
    product_key: str = ""
    media_language: str = ""
    """The language of the Windows CD; as its label says when empty."""
    medium: str = ""
    """The label of the medium that it is installed from."""
    arch: str = "x86_64"


def values(kind: str, wants: FirstLogin, target: Target) -> dict[str, Any]:
    """The values for all templates of one kind."""
    fqdn = wants.host_name or host_name_of(target.name)
    host, _, domain = fqdn.partition(".")
    user = wants.user or usual_user(kind)
    if kind == "autounattend" and user == "root":
        user = usual_user(kind)
    is_root = user == "root"
    return {
        "host": host,
        "domain": domain,
        "fqdn": fqdn,
        "user": user,
        "is_root": is_root,
        "home": "/root" if is_root else f"/home/{user}",
        "keys": list(wants.ssh_keys),
        "password": wants.password_hash,
        "locale": wants.locale,
        "keyboard": wants.keyboard,
        "timezone": wants.timezone,
        "address": _address(wants.address),
        "packages": list(wants.packages),
        "run": list(wants.run),
        "mirror": _mirror(wants.mirror),
        "proxy": wants.proxy,
        "instance": target.instance,
        "mac": target.mac,
        "disk": target.disk,
        "disk_name": target.disk.removeprefix("/dev/"),
        "is_uefi": target.firmware == "uefi",
        "os": target.os,
        "medium": target.medium,
        "serial": target.serial,
        "consoles": consoles(target.arch),
        "serial_port": _SERIAL_PORTS.get(target.arch, _SERIAL_PORT),
        "product": target.product or _product(kind, target.os),
        "modules": _MODULES if target.os.startswith("sle15") and "-Full" in target.medium else (),
        # What is not on every medium comes from the network.
        "usual_packages": ["qemu-guest-agent"] if target.mac else [],
        "usual_mirror": _mirror(_usual_mirror(target.os)),
        "branch": f"v{target.os.removeprefix(_ALPINE)}"
        if target.os != _ALPINE
        else "latest-stable",
        **_windows(wants, target, host, user),
    }


def usual_user(kind: str) -> str:
    """Who logs in where nobody is named; empty where that is the image's own user."""
    return _USUAL_USERS.get(kind, "root")


def consoles(arch: str) -> str:
    """What a kernel's line says so that Linux talks on the screen and on the serial port."""
    return f"console=tty0 console={_SERIAL_PORTS.get(arch, _SERIAL_PORT)},115200"


def _address(address: StaticAddress | None) -> dict[str, Any] | None:
    if address is None:
        return None
    interface = ipaddress.ip_interface(address.address)
    return {
        "ip": str(interface.ip),
        "prefix": interface.network.prefixlen,
        "netmask": str(interface.network.netmask),
        "version": interface.version,
        "gateway": address.gateway,
        "dns": list(address.dns),
    }


def _mirror(url: str) -> dict[str, str] | None:
    if not url:
        return None
    parts = urllib.parse.urlsplit(url)
    return {
        "url": url,
        "protocol": parts.scheme,
        "host": parts.netloc,
        "path": parts.path.rstrip("/") or "/",
    }


def _usual_mirror(os_id: str) -> str:
    """Where the installer of a Debian, or of an Ubuntu of its kind, gets packages."""
    if os_id.startswith("ubuntu"):
        return "http://archive.ubuntu.com/ubuntu"
    return "http://deb.debian.org/debian"


def _product(kind: str, os_id: str) -> str:
    known = _PRODUCTS.get(kind, {})
    return next((name for prefix, name in known.items() if os_id.startswith(prefix)), "")


def _computer_name(host: str) -> str:
    """A name that Windows takes: short, and not of digits alone."""
    name = host[:_LONGEST_COMPUTER_NAME].strip("-")
    return f"pc-{name}"[:_LONGEST_COMPUTER_NAME] if name.isdecimal() else name


def _windows(wants: FirstLogin, target: Target, host: str, user: str) -> dict[str, Any]:
    folder = _DRIVER_FOLDERS.get(target.os, "w11")
    language = wants.locale.split(".")[0].split("@")[0].replace("_", "-")
    labelled = _LANGUAGE.search(target.medium)
    media_language = f"{labelled[1].lower()}-{labelled[2]}" if labelled else "en-US"
    is_client = target.os in ("win10", "win11") and not _TAKES_NO_KEY.search(target.medium)
    commands = [f'cmd /c net user "{user}" /logonpasswordchg:yes'] if wants.password_hash else []
    return {
        "computer_name": _computer_name(host),
        "driver_paths": [
            f"{letter}:\\{driver}\\{folder}\\amd64"
            for letter in _DRIVE_LETTERS
            for driver in _DRIVERS
        ],
        "windows_locale": language if len(language) == 5 else media_language,
        "media_language": target.media_language or media_language,
        "image_index": target.image_index,
        "product_key": target.product_key or (_CLIENT_KEY if is_client else ""),
        "windows_commands": [*commands, *wants.run],
    }
