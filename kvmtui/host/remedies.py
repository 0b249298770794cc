"""What repairs a host, in the words of its own distribution.

A remedy is text for a person. Where a program can do it, it has steps too: the packages,
the group, the user, the file for udev or modprobe, lingering; nothing else is ever a step.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from kvmtui.host.facts import Facts, is_there, names_or_none, read_or
from kvmtui.host.packages import family_of, package_of

_OS_RELEASE = "/etc/os-release"
_INSTALL = {
    "debian": ("apt-get", "install", "-y"),
    "fedora": ("dnf", "install", "-y"),
    "arch": ("pacman", "-S", "--needed", "--noconfirm"),
    "suse": ("zypper", "--non-interactive", "install"),
    "ostree": ("rpm-ostree", "install", "-y"),
    "transactional": ("transactional-update", "--non-interactive", "pkg", "install"),
}
_UPDATE = {"debian": ("apt-get", "update"), "arch": ("pacman", "-Sy")}
_BOOT_ARGUMENTS = {
    "debian": "add {words} to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, "
    "then: {sudo}update-grub",
    "fedora": '{sudo}grubby --update-kernel=ALL --args="{words}"',
    "arch": "add {words} to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, "
    "then: {sudo}grub-mkconfig -o /boot/grub/grub.cfg",
    "suse": "add {words} to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, "
    "then: {sudo}grub2-mkconfig -o /boot/grub2/grub.cfg",
    "ostree": "{sudo}rpm-ostree kargs{appended}",
    "transactional": "add {words} to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, "
    "then: {sudo}transactional-update grub.cfg",
}
_NIX = "in /etc/nixos/configuration.nix: {line} then: {sudo}nixos-rebuild switch"
_NIX_PACKAGES = {"chrony": "chrony", "locales": "glibcLocales"}
_KVM_RULE = 'KERNEL=="kvm", GROUP="kvm", MODE="0660", OPTIONS+="static_node=kvm"'
_GROUP_FOR_OSTREE = (
    "grep -q '^kvm:' /etc/group || grep '^kvm:' /usr/lib/group >> /etc/group; usermod -aG kvm "
)


class Step(NamedTuple):
    """One command that a program may run as root."""

    kind: str
    """packages, group, user, udev, module or linger."""
    argv: tuple[str, ...]


class Remedy(NamedTuple):
    """What to do, and what of it a program can do."""

    text: str
    steps: tuple[Step, ...] = ()


class System(NamedTuple):
    """What the form of a remedy follows from."""

    family: str | None
    """debian, fedora, arch, suse; None for one that nobody knows."""
    image: str | None
    """ostree, transactional or nixos on a host whose system is an image."""
    sudo: str
    """``sudo `` before what root does; empty for root."""
    knows_packages: bool = True
    """Whether the package manager has a list of what there is; a fresh system has none."""

    @property
    def kind(self) -> str | None:
        """The image where it is one, else the family."""
        return self.image or self.family


def system_of(facts: Facts) -> System:
    """The distribution (os-release's ID and ID_LIKE), whether it is an image, who asks."""
    release = read_or(facts, _OS_RELEASE)
    image = None
    if "nixos" in (line.partition("=")[2].strip('"') for line in release.splitlines()):
        image = "nixos"
    elif is_there(facts, "/run/ostree-booted"):
        image = "ostree"
    elif is_there(facts, "/usr/sbin/transactional-update"):
        image = "transactional"
    family = family_of(release)
    return System(family, image, "" if facts.root() else "sudo ", _has_list(facts, family))


def _has_list(facts: Facts, family: str | None) -> bool:
    if family == "debian":
        return any("_Packages" in name for name in names_or_none(facts, "/var/lib/apt/lists"))
    return family != "arch" or is_there(facts, "/var/lib/pacman/sync/core.db")


def _by_steps(system: System, *steps: Step, after: str = "") -> Remedy:
    text = " && ".join(system.sudo + shlex.join(step.argv) for step in steps)
    return Remedy(text + after, steps)


def _file(kind: str, path: str, line: str, *after: str) -> Step:
    """A step that makes a file of one line, then runs more.

    The line has neither ``$`` nor backquotes; in double quotes it stays readable when the
    whole command is quoted in single ones.
    """
    quoted = line.replace('"', '\\"')
    folder = path.rpartition("/")[0]
    parts = [f"mkdir -p {folder}", f'echo "{quoted}" > {path}', *after]
    return Step(kind, ("sh", "-c", " && ".join(parts)))


def install(system: System, *things: str) -> Remedy:
    """Install what has these names in `kvmtui.host.packages`."""
    if system.image == "nixos":
        packages = " ".join(f"pkgs.{_NIX_PACKAGES.get(thing, 'qemu')}" for thing in things[:1])
        line = f"environment.systemPackages = [ {packages} ];"
        return Remedy(_NIX.format(line=line, sudo=system.sudo))
    kind, family = system.kind, system.family or ("fedora" if system.image == "ostree" else None)
    if kind is None or family is None:
        told = " and ".join(map(_in_words, things))
        return Remedy(f"install {told} by your distribution's package manager")
    names = tuple(dict.fromkeys(package_of(thing, family) for thing in things))
    steps = [Step("packages", (*_INSTALL[kind], *names))]
    if not system.knows_packages and kind in _UPDATE:
        steps.insert(0, Step("packages", _UPDATE[kind]))
    return _by_steps(system, *steps, after=", then restart the host" if system.image else "")


def _in_words(thing: str) -> str:
    """``qemu-x86_64`` for people whose distribution nobody knows."""
    kind, _, rest = thing.partition("-")
    words = {"qemu": "QEMU for", "uefi": "UEFI firmware (edk2) for", "microcode": "microcode for"}
    return thing if thing == "qemu-img" else f"{words[kind]} {rest}" if kind in words else thing


def joined(steps: Sequence[Step]) -> list[Step]:
    """The steps, each once, with all packages installed by one command."""
    once = list(dict.fromkeys(steps))
    for prefix in _INSTALL.values():
        length = len(prefix)
        same = [step for step in once if step.argv[:length] == prefix]
        if len(same) > 1:
            names = dict.fromkeys(name for step in same for name in step.argv[length:])
            once[once.index(same[0])] = Step("packages", (*prefix, *names))
            once = [step for step in once if step not in same[1:]]
    return once


def newer_qemu(system: System, facts: Facts, thing: str) -> Remedy:
    """Get a newer QEMU; never a step, since it may mean another release of the system."""
    if system.kind != "debian":
        return Remedy("update the system to a release with a newer QEMU")
    lines = read_or(facts, _OS_RELEASE).splitlines()
    values = dict(line.partition("=")[::2] for line in lines)
    backports = f"{values.get('VERSION_CODENAME', 'CODENAME')}-backports"
    package = package_of(thing, "debian")
    return Remedy(
        f"{system.sudo}apt install -t {backports} {package}, "
        "or update the system to a newer release"
    )


def load_module(system: System, module: str) -> Remedy:
    """Load a kernel module now and at each boot."""
    if system.image == "nixos":
        line = f'boot.kernelModules = [ "{module.replace("_", "-")}" ];'
        return Remedy(_NIX.format(line=line, sudo=system.sudo))
    path = f"/etc/modules-load.d/kvmtui-{module}.conf"
    step = _file("module", path, module)
    return _by_steps(system, Step("module", ("modprobe", module)), step)


def set_module_option(system: System, module: str, option: str) -> Remedy:
    """Give a module an option from its next loading on."""
    line = f"options {module} {option}"
    if system.image == "nixos":
        nix = f'boot.extraModprobeConfig = "{line}";'
        return Remedy(_NIX.format(line=nix, sudo=system.sudo))
    step = _file("module", f"/etc/modprobe.d/kvmtui-{module}.conf", line)
    again = f"{system.sudo}modprobe -r {module} && {system.sudo}modprobe {module}"
    return _by_steps(system, step, after=f", then, with no guest running: {again}")


def join_group(system: System, user: str, *, logs_in: bool = True) -> Remedy:
    """Put a user into the group ``kvm``.

    Args:
        logs_in: Whether it is a person, who has the group from the next login on.
    """
    if system.image == "nixos":
        line = f'users.users.{user}.extraGroups = [ "kvm" ];'
        return Remedy(_NIX.format(line=line, sudo=system.sudo))
    argv: tuple[str, ...] = ("usermod", "-aG", "kvm", user)
    if system.image == "ostree":
        argv = ("sh", "-c", _GROUP_FOR_OSTREE + shlex.quote(user))
    after = ", then log in again" if logs_in else ""
    return _by_steps(system, Step("group", argv), after=after)


def restore_device_rule(system: System) -> Remedy:
    """Have udev give the device to the group ``kvm``."""
    after = ("groupadd -f -r kvm", "udevadm control --reload", "udevadm trigger -c add /dev/kvm")
    step = _file("udev", "/etc/udev/rules.d/65-kvm.rules", _KVM_RULE, *after)
    return _by_steps(system, step)


def add_system_user(system: System, user: str) -> Remedy:
    """Make the user that QEMU is executed as when root starts it."""
    if system.image == "nixos":
        line = f'users.users.{user} = {{ isSystemUser = true; group = "kvm"; }};'
        return Remedy(_NIX.format(line=line, sudo=system.sudo))
    words = ("useradd", "--system", "--user-group", "--no-create-home")
    home = ("--home-dir", f"/var/lib/{user}", "--shell", "/usr/sbin/nologin")
    return _by_steps(system, Step("user", (*words, *home, user)))


def linger(system: System, user: str) -> Remedy:
    """Let a user's processes and folders outlive the last logout."""
    return _by_steps(system, Step("linger", ("loginctl", "enable-linger", user)))


def boot_arguments(system: System, words: str) -> str:
    """How the kernel gets arguments at its next boot; never a step."""
    kind = system.kind
    if kind == "nixos":
        listed = " ".join(f'"{word}"' for word in words.split())
        return _NIX.format(line=f"boot.kernelParams = [ {listed} ];", sudo=system.sudo)
    form = _BOOT_ARGUMENTS.get(kind or "", "add {words} to the kernel's arguments")
    appended = "".join(f" --append={word}" for word in words.split())
    return form.format(words=words, sudo=system.sudo, appended=appended) + ", then restart the host"


def set_kernel_value(system: System, name: str, value: str) -> Remedy:
    """Set a sysctl now and at each boot; it is the administrator's choice, so never a step."""
    if system.image == "nixos":
        line = f'boot.kernel.sysctl."{name}" = {value};'
        return Remedy(_NIX.format(line=line, sudo=system.sudo))
    keep = f"echo '{name} = {value}' | {system.sudo}tee /etc/sysctl.d/90-kvmtui.conf"
    return Remedy(f"{system.sudo}sysctl -w {name}={value} && {keep}")
