"""What is said of each field of a new guest while it is filled in.

What would be wrong with the guest is a problem; what is only unwise is a warning.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

from kvmtui.errors import HostError, KvmtuiError, as_told
from kvmtui.guest.definition import Definition
from kvmtui.guest.library import Library
from kvmtui.guest.names import check_name
from kvmtui.guest.units import format_size
from kvmtui.host import resources
from kvmtui.host.firmware import find_uefi
from kvmtui.manage import choosing, fitting, hosting, media_fit, platform
from kvmtui.manage.install_draft import AGENT, Draft, makes_answers
from kvmtui.manage.install_fields import YES
from kvmtui.manage.install_files import disk_said
from kvmtui.manage.install_login import Wishes, is_address
from kvmtui.manage.install_plan import BOOT_FILE, Plan
from kvmtui.manage.seed_edits import EditedSeed
from kvmtui.manage.seeding import says_login
from kvmtui.qemu.command import versioned_machine
from kvmtui.qemu.image import virtual_size_bytes
from kvmtui.stats.host import mount_of, nearest_folder
from kvmtui.text import visible

Standing = Literal["fine", "warning", "problem"]
Told = dict[str, tuple[Standing, str]]


class Host(NamedTuple):
    """What the checks know of this machine besides what they ask it."""

    promised_cpus: int
    """The processors that running guests have."""


def said(
    library: Library,
    draft: Draft,
    plan: Plan,
    wished: Wishes,
    host: Host,
    edited: EditedSeed | None = None,
) -> Told:
    """What is said of the fields, by their ids; of some nothing."""
    checks = Checks(library, draft, plan, host)
    told = checks.all() | login_checks(draft, wished)
    if edited is not None:
        if says_login(edited.names) and told.get("ssh_key", ("",))[0] == "warning":
            del told["ssh_key"]
        field = "answers" if draft.source == "iso" else "user_data"
        told[field] = (
            edited.standing,
            edited.words.removeprefix("user-data: ").removeprefix("user-data is "),
        )
    for field, words in (*plan.problems.items(), *wished.problems.items()):
        told[field] = ("problem", words)
    return told


def login_checks(draft: Draft, wished: Wishes) -> Told:
    """What is said of the first login."""
    if not makes_answers(draft.values):
        return {}
    told: Told = {}
    keys = wished.login.ssh_keys
    if keys:
        kind, _, rest = keys[0].partition(" ")
        named = rest.partition(" ")[2] or kind.removeprefix("ssh-")
        more = f" +{len(keys) - 1}" if len(keys) > 1 else ""
        told["ssh_key"] = ("fine", visible(named, limit=40) + more)
    elif is_address(draft.values["ssh_key"]):
        told["ssh_key"] = ("fine", "fetched when the guest is made")
    elif wished.login.password_hash is None and wished.user_data is None:
        told["ssh_key"] = ("warning", "neither key nor password: nobody could log in")
    if wished.login.password_hash is not None:
        told["password"] = ("fine", "only its hash is kept")
    if AGENT in wished.login.packages:
        told["packages"] = ("fine", "agent: address, clean freeze")
    if wished.user_data is not None:
        told["user_data"] = ("fine", "it is valid")
    return told


class Checks:
    """One look at all fields."""

    def __init__(self, library: Library, draft: Draft, plan: Plan, host: Host) -> None:
        self._library = library
        self._draft = draft
        self._values = draft.values
        self._plan = plan
        self._host = host
        self._told: Told = {}

    def all(self) -> Told:
        """What all checks say."""
        self._name()
        self._source()
        self._profile()
        self._memory()
        self._cpus()
        self._disk()
        self._network()
        self._firmware()
        if self._plan.definition is not None:
            self._rest(self._plan.definition)
        return self._told

    def _say(self, field: str, standing: Standing, words: str) -> None:
        """Say something of a field; what was said before stays, unless this is worse."""
        order = ("fine", "warning", "problem")
        before = self._told.get(field)
        if before is None or order.index(standing) > order.index(before[0]):
            self._told[field] = (standing, words)

    def _name(self) -> None:
        try:
            check_name(self._plan.name)
            if os.path.lexists(self._library.place(self._plan.name).place):
                self._say("name", "problem", "a guest of this name exists")
            else:
                self._say("name", "fine", "free")
        except KvmtuiError as error:
            self._say("name", "problem", error.message)

    def _source(self) -> None:
        draft = self._draft
        if draft.source == "iso" and self._values["iso"].strip():
            if draft.fault:
                self._say("iso", "problem", draft.fault)
            elif draft.medium is None:
                self._say("iso", "problem", "it is no installation medium")
            else:
                boots = draft.medium.recognition.boot
                words = media_fit.words_of(draft.medium)
                self._say("iso", "fine" if boots else "warning", words)
                faults = media_fit.size_faults(draft.medium)
                for words in faults + media_fit.arch_faults(draft.medium, self._values["arch"]):
                    self._say("iso", "problem", words)
        if draft.cloud is not None:
            here = draft.cloud.here
            words = f"here already, {here.verified}" if here else "it is fetched and verified first"
            self._say("image", "fine", visible(words, limit=80))
        for field in ("file", "kernel", "initrd", "cdrom"):
            self._path(field)

        if draft.source == "network":
            self._boots_from_network()

    def _boots_from_network(self) -> None:
        network = self._values["network"].strip()
        if network == "none":
            self._say("network", "problem", "it has no card to boot from: user, or bridge=NAME")
        elif self._values[BOOT_FILE].strip():
            return
        elif network in ("", "user"):
            words = "QEMU's NAT names nothing: an iPXE script's URL, or a bridge as network"
            self._say(BOOT_FILE, "warning", words)
        else:
            self._say(BOOT_FILE, "fine", "what that network's PXE names")

    def _path(self, field: str) -> None:
        text = self._values[field].strip()
        there = {"file": "disk", "kernel": "kernel", "initrd": "kernel"}
        if not text or there.get(field, self._draft.source) != self._draft.source:
            return
        path = os.path.abspath(os.path.expanduser(text))
        if not os.path.exists(path):
            self._say(field, "problem", "there is no such file")
        elif os.path.isdir(path):
            self._say(field, "problem", "it is a directory: Ctrl-O browses it")
        elif not os.access(path, os.R_OK):
            self._say(field, "problem", "it cannot be read")
        elif field == "file":
            self._say(field, *disk_said(self._library, path))
        else:
            size = os.stat(path).st_size
            self._say(field, "fine", format_size(size) if size else "found")

    def _profile(self) -> None:
        draft, os_id = self._draft, self._values["os"]
        medium = draft.medium
        if draft.cloud is not None and "os" not in draft.given:
            self._say("os", "fine", "recognised")
        if draft.source != "iso":
            if os_id:
                self._say("os", "fine", "chosen" if "os" in draft.given else "the usual one")
            return
        if not os_id:
            if medium is not None:
                self._say("os", "problem", f"{visible(medium.told, limit=100)}: choose one")
            return
        found = medium.recognition if medium is not None else None
        if found is None or "os" not in draft.given:
            self._say("os", "fine", "recognised")
        elif os_id in found.candidates or not found.candidates:
            self._say("os", "fine", "chosen")
        else:
            assert medium is not None
            self._say("os", "warning", f"the ISO says {visible(medium.told, limit=60)}")

    def _memory(self) -> None:
        definition, profile = self._plan.definition, self._draft.profile
        if definition is None:
            return
        total, free = resources.total_memory_bytes(), resources.available_memory_bytes()
        wanted = int(definition.memory)
        words = f"{format_size(free)} of {format_size(total)} free"
        if profile is not None and profile.memory is not None:
            least = int(profile.memory.least)
            if wanted < least:
                words = f"{profile.name} takes {format_size(least)} or more"
                self._say("memory", "warning", words)
            words += f", least {format_size(least)}"
        if wanted > total:
            self._say("memory", "problem", f"more than the host's {format_size(total)}")
        elif wanted > free:
            self._say("memory", "warning", f"only {format_size(free)} of {format_size(total)} free")
        self._say("memory", "fine", words)

    def _cpus(self) -> None:
        definition, profile = self._plan.definition, self._draft.profile
        if definition is None:
            return
        there, promised = os.cpu_count() or 1, self._host.promised_cpus
        if definition.cpus > there:
            self._say("cpus", "warning", f"the host has {there}: they would wait for each other")
        if profile is not None and profile.cpus and definition.cpus < profile.cpus.least:
            self._say("cpus", "warning", f"{profile.name} takes {profile.cpus.least} or more")
        more = f", {promised} promised" if promised else ""
        self._say("cpus", "fine", f"host has {there}{more}")

    def _disk(self) -> None:
        definition = self._plan.definition
        if definition is None or not definition.disks or self._draft.source == "disk":
            if definition is not None and not definition.disks:
                bare = self._draft.source == "iso"
                told = "there is nothing to install to" if bare else "none"
                self._say("disk", "problem" if bare else "fine", told)
            return
        disk, profile = definition.disks[0], self._draft.profile
        if disk.size is None:
            found = os.path.exists(disk.file)
            self._say("disk", "fine" if found else "problem", "found" if found else "no such file")
            return
        size = int(disk.size)
        here = self._draft.cloud.here if self._draft.cloud is not None else None
        least = (virtual_size_bytes(here.path, "qcow2") or 0) if here is not None else 0
        if size < least:
            self._say("disk", "problem", f"the image takes {format_size(least)}")
        mount, free = room_for(self._library)
        left = f"{format_size(free)} left on {visible(mount, limit=20)}"
        if profile is not None and profile.disk and size < profile.disk.least:
            wanted = format_size(profile.disk.least)
            self._say("disk", "warning", f"{profile.name} takes {wanted} or more")
        if free < 1 << 20:
            self._say("disk", "problem", f"no room: {left}")
        elif size > free:
            self._say("disk", "warning", f"thin; only {left}")
        self._say("disk", "fine", f"thin; {left}")

    def _network(self) -> None:
        definition = self._plan.definition
        if definition is None:
            return
        for index, network in enumerate(definition.networks):
            field = "network" if index == 0 else "more_networks"
            name = network.bridge or network.tap
            if name is None:
                self._say(field, "fine", "address by DHCP; NAT in QEMU")
            elif not resources.interface_exists(name):
                self._say(field, "problem", f"this host has no {name}")
            elif network.bridge is not None and not self._runs_as_root():
                self._say(field, "warning", "a bridge takes a QEMU that runs as root")
            else:
                self._say(field, "fine", "its addresses come from that network")
        for path, words in fitting.network_faults(definition):
            self._say("network" if path == "networks[0]" else "more_networks", "problem", words)
        if not definition.networks:
            self._say("network", "fine", "none")
        for rule in definition.forwards():
            try:
                free = resources.port_is_free(rule.protocol, rule.host_address, rule.host_port)
            except OSError as error:
                self._say("forwards", "problem", f"port {rule.host_port}: {error.strerror}")
                continue
            if not free:
                self._say("forwards", "problem", f"port {rule.host_port} is taken")
            self._say("forwards", "fine", "free")

    def _runs_as_root(self) -> bool:
        if os.geteuid() != 0:
            return False
        try:
            return hosting.run_user(self._library) is None
        except OSError:
            return True

    def _firmware(self) -> None:
        draft, way = self._draft, self._values["firmware"]
        arch = self._values["arch"]
        if way == "bios" and arch != "x86_64" and draft.source != "kernel":
            self._say("firmware", "problem", f"{arch} boots by UEFI only")
            return
        if way == "uefi":
            try:
                find_uefi(arch, secure=self._values.get("secure_boot") == YES)
            except HostError as error:
                self._say("firmware", "problem", error.message)
                return
        profile = draft.profile
        if profile is not None and arch == "x86_64" and way not in profile.firmware:
            only = " or ".join(one.upper() for one in profile.firmware)
            self._say("firmware", "problem", f"{profile.name} boots by {only} only")
        elif profile is not None and arch == "x86_64":
            ways = " and ".join(one.upper() for one in profile.firmware)
            self._say("firmware", "fine", f"{profile.name} boots by {ways}")
        if draft.medium is not None:
            for words in media_fit.boot_faults(draft.medium, arch, way):
                self._say("firmware", "problem", words)
            boots = draft.medium.recognition.boot
            if boots:
                told = " and ".join(one.upper() for one in boots)
                if self._told.get("firmware", ("fine",))[0] == "fine":
                    self._told["firmware"] = ("fine", f"the ISO boots by {told}")

    # What only experts change.

    def _rest(self, definition: Definition) -> None:
        try:
            capabilities = hosting.capabilities_for(self._library, definition.arch)
        except (HostError, OSError) as error:
            self._say("arch", "problem", as_told("", error).message)
            return
        try:
            machine = versioned_machine(definition, capabilities)
            self._say("machine", "fine", f"{machine}, recorded with its version")
        except HostError as error:
            self._say("machine", "problem", error.message)
        if definition.tpm:
            try:
                platform.check_tpm()
            except HostError as error:
                self._say("tpm", "problem", error.message)
        self._accelerator(definition)
        for path, words in fitting.device_faults(definition, capabilities):
            self._say(path, "problem", words)

    def _accelerator(self, definition: Definition) -> None:
        slow = choosing.warning(self._library, definition.arch, definition.accelerator)
        if slow:
            self._say("accelerator", "warning", "KVM was measured not to serve here")
        if definition.cpu == "host":
            if definition.accelerator == "tcg":
                self._say("cpu", "problem", "host goes with kvm only")
            self._say("cpu", "warning", "cannot migrate to another model")
        elif definition.cpu is None:
            self._say("cpu", "fine", "host under kvm, max under emulation")


def room_for(library: Library) -> tuple[str, int]:
    """The mount on which new guests are made, and the bytes that are free there."""
    place = nearest_folder(library.at("guests"))
    room = os.statvfs(place)
    return mount_of(place), room.f_bavail * room.f_frsize
