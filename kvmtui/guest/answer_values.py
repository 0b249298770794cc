"""What templates of answer files may put in: wishes and the machine, as plain values."""

from __future__ import annotations

import ipaddress
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
    "opensusetumbleweed": "Tumbleweed",
    "opensuse16": "openSUSE_Leap",
    "opensuse": "Leap",
    "sle16": "SLES",
    "sles16": "SLES",
    "sle": "SLES",
}
"""Products of AutoYaST and Agama, by how the short id begins; the first that does."""
_SERIAL_PORTS = {"aarch64": "ttyAMA0"}
"""What Linux calls the first serial port; ttyS0 with all others."""


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
    media_language: str = "en-US"
    """The language of the Windows CD."""
    medium: str = ""
    """The label of the medium that it is installed from, where its kernel is booted directly."""
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
        "serial": target.serial,
        "consoles": consoles(target.arch),
        "product": target.product or _product(target.os),
        **_windows(wants, target, host, user),
    }


def usual_user(kind: str) -> str:
    """Who logs in where nobody is named; empty where that is the image's own user."""
    return _USUAL_USERS.get(kind, "root")


def consoles(arch: str) -> str:
    """What a kernel's line says so that Linux talks on the screen and on the serial port."""
    return f"console=tty0 console={_SERIAL_PORTS.get(arch, 'ttyS0')},115200"


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


def _product(os_id: str) -> str:
    return next((name for prefix, name in _PRODUCTS.items() if os_id.startswith(prefix)), "Leap")


def _windows(wants: FirstLogin, target: Target, host: str, user: str) -> dict[str, Any]:
    folder = _DRIVER_FOLDERS.get(target.os, "w11")
    language = wants.locale.split(".")[0].split("@")[0].replace("_", "-")
    commands = [f'cmd /c net user "{user}" /logonpasswordchg:yes'] if wants.password_hash else []
    return {
        "computer_name": host[:_LONGEST_COMPUTER_NAME],
        "driver_paths": [
            f"{letter}:\\{driver}\\{folder}\\amd64"
            for letter in _DRIVE_LETTERS
            for driver in _DRIVERS
        ],
        "windows_locale": language if len(language) == 5 else "en-US",
        "media_language": target.media_language,
        "image_index": target.image_index,
        "product_key": target.product_key,
        "windows_commands": [*commands, *wants.run],
    }
