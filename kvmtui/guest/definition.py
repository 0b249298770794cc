"""The definition: what a guest is, as its ``guest.yaml`` states it.

A definition says what the user chose. What follows from the host (direct I/O,
the accelerator) is decided when the command line is built. A docstring under a
field is also its help in the schema.
"""

import uuid as uuid_module
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct, field

from kvmtui.guest.forwards import Forward, parse_forward


class Size(int):
    """A size in bytes; written as ``512M`` or ``20GiB``."""


class Duration(int):
    """A duration in seconds; written as ``10s`` or ``2m``."""


Architecture = Literal["x86_64", "aarch64", "riscv64"]
DiskFormat = Literal["qcow2", "raw", "vmdk", "vdi", "vhdx", "vpc", "qcow", "qed"]
DiskBus = Literal["scsi", "virtio", "sata", "ide", "nvme", "usb"]
CacheMode = Literal["auto", "none", "writeback", "writethrough", "directsync", "unsafe"]
NicModel = Literal["virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3"]

FORMAT_OF_SUFFIX: dict[str, DiskFormat] = {
    ".qcow2": "qcow2",
    ".raw": "raw",
    ".vmdk": "vmdk",
    ".vdi": "vdi",
    ".vhdx": "vhdx",
    ".vhd": "vpc",
    ".vpc": "vpc",
    ".qcow": "qcow",
    ".qed": "qed",
}


class Limits(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """The most that a guest may do with a disk; a total, or reading and writing apart."""

    bytes_per_s: Size | None = None
    """Bytes read and written in a second: 50M."""
    read_bytes_per_s: Size | None = None
    write_bytes_per_s: Size | None = None
    iops: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    """Operations in a second."""
    read_iops: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    write_iops: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    burst_bytes_per_s: Size | None = None
    """What it may do for `burst_s` seconds after it did less; each beside its limit."""
    burst_read_bytes_per_s: Size | None = None
    burst_write_bytes_per_s: Size | None = None
    burst_iops: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    burst_read_iops: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    burst_write_iops: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    burst_s: Annotated[int, Meta(ge=1, le=3600)] | None = None
    """How long a burst may last; one second when absent."""

    def throttle(self) -> dict[str, int]:
        """What QMP's ``block_set_io_throttle`` is given besides the drive; 0 is no limit."""
        found = {}
        for key, name in THROTTLES.items():
            limit, burst = getattr(self, key), getattr(self, f"burst_{key}")
            found[name] = limit or 0
            if burst is not None:
                found[f"{name}_max"] = int(burst)
                found[f"{name}_max_length"] = self.burst_s or 1
        return found


THROTTLES = {
    "bytes_per_s": "bps",
    "read_bytes_per_s": "bps_rd",
    "write_bytes_per_s": "bps_wr",
    "iops": "iops",
    "read_iops": "iops_rd",
    "write_iops": "iops_wr",
}
"""The limits of a disk, and what QEMU calls them."""


class Disk(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """A disk: an image file or a block device of the host."""

    file: str
    """Path of the image or block device; relative to the guest's folder or absolute."""
    format: DiskFormat | None = None
    """Image format; when absent it follows from the file's name. Never probed."""
    size: Size | None = None
    """Size of the image that `create` makes when the file does not exist."""
    bus: DiskBus = "scsi"
    """How the guest sees it: scsi (virtio-scsi), virtio (virtio-blk), sata, ide, nvme, usb."""
    cache: CacheMode = "auto"
    """Host cache; auto is none where the file system can, else writeback."""
    discard: Literal["unmap", "ignore"] = "unmap"
    """Whether blocks that the guest frees are freed in the image."""
    detect_zeroes: Literal["unmap", "on", "off"] = "unmap"
    """Whether written zeroes become holes."""
    read_only: bool = False
    serial: Annotated[str, Meta(max_length=36, pattern=r"^[A-Za-z0-9_.+-]*$")] | None = None
    """Serial number the guest sees; disk0, disk1 … when absent."""
    limits: Limits | None = None
    """The most that the guest may read and write; changed while it runs by `set` too."""
    secret: str | None = None
    """Path of a file with the passphrase of a disk encrypted with LUKS, and nothing else in it,
    no newline either; absolute, closed to others (0600). Of a raw disk: LUKS without qcow2."""

    def image_format(self) -> DiskFormat | None:
        """The format as stated or as the file's name says; None when neither does."""
        if self.format is not None:
            return self.format
        name = self.file.rsplit("/", 1)[-1]
        if self.file.startswith("/dev/"):
            return "raw"
        dot = name.rfind(".")
        return FORMAT_OF_SUFFIX.get(name[dot:].lower()) if dot > 0 else None


class Cdrom(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """A CD-ROM drive."""

    file: str | None = None
    """Path of the ISO image; absent means an empty drive."""
    bus: Literal["sata", "ide", "scsi", "usb"] | None = None
    """When absent: ide on the classic machine, sata for Windows, else scsi."""


class Network(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """A network card and what it is plugged into."""

    type: Literal["user", "bridge", "tap"] = "user"
    """user: NAT inside QEMU, no privilege needed; bridge, tap: existing ones of the host.
    A bridge takes a QEMU that runs as root; a tap may belong to a user."""
    bridge: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,15}$")] | None = None
    """Name of the bridge, for type bridge."""
    tap: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,15}$")] | None = None
    """Name of the tap device, for type tap."""
    mac: str | None = None
    """MAC address; follows from the guest's UUID when absent."""
    model: NicModel = "virtio"
    forwards: list[str] = field(default_factory=list)
    """Forwards for type user: HOSTPORT:GUESTPORT, ADDRESS:HOSTPORT:GUESTPORT, …/udp."""
    boot_file: Annotated[str, Meta(pattern=r"^(https?|tftp)://[!-~]{1,480}$")] | None = None
    """What a network boot loads, for type user: the URL of an iPXE script or of a loader."""

    def parsed_forwards(self) -> list[Forward]:
        """The forwards, read; the definition was checked before."""
        return [parse_forward(text) for text in self.forwards]


class Autostart(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """When a guest is started as the host starts; it is shut down in the reverse order."""

    order: Annotated[int, Meta(ge=0, le=9999)] | None = None
    """Its place: the lowest first, guests without one last, those of one place by name."""
    delay: Duration = cast(Duration, 0)
    """How long to wait before it is started: 10s, 2m; an hour at most."""

    def words(self) -> str:
        """When it is started, for people: ``order 2, after 10 s``; ``on`` where nothing is said."""
        words = [] if self.order is None else [f"order {self.order}"]
        words += [f"after {self.delay} s"] if self.delay else []
        return ", ".join(words) or "on"


class Vnc(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """A VNC server on a TCP port, besides the socket."""

    port: Annotated[int, Meta(ge=5900, le=65535)]
    """The TCP port; 5900 is what viewers call display 0."""
    websocket: Annotated[int, Meta(ge=1024, le=65535)] | None = None
    """A second TCP port of the same address, where a browser's viewer such as noVNC finds it."""
    address: str = "127.0.0.1"
    """The host's IP address to listen on; one that others reach takes a password."""
    password: bool = False
    """Whether it asks for a password. Until `kvmtui screen NAME --password` has set one in this
    run nobody is let in."""
    secret: str | None = None
    """Path of a file with the password from the start on, at most 8 characters and nothing else,
    no newline either; absolute, closed to others (0600)."""
    tls: str | None = None
    """Folder with ca-cert.pem, server-cert.pem and server-key.pem; absolute. The viewer must
    know VeNCrypt then."""

    def asks_password(self) -> bool:
        """Whether nobody is let in without one."""
        return self.password or self.secret is not None


def _one_user_network() -> list[Network]:
    return [Network()]


class Definition(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """All that a user chose about a guest."""

    name: str | None = None
    """Used by `create --from` only; the guest's folder is its name."""
    uuid: str | None = None
    """Identity the guest sees (SMBIOS); follows from the name when absent."""
    description: str = ""
    """One line about the guest, for lists."""
    tags: list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,63}$")]] = field(
        default_factory=list
    )
    """Words to choose guests by; the command line's --tag knows them."""
    protected: bool = False
    """A protected guest refuses `delete`."""
    autostart: bool | Autostart = False
    """Whether the host's start starts it; `kvmtui autostart enable` makes the host do so."""
    os: Annotated[str, Meta(max_length=63)] = ""
    """Operating system, as a short id: debian12, win11."""
    arch: Architecture = "x86_64"
    machine: Annotated[str, Meta(pattern=r"^[a-z0-9._+-]{1,40}$")] | None = None
    """QEMU machine; `create` records its version. pc is the classic one (i440fx)."""
    cpus: Annotated[int, Meta(ge=1, le=1024)] = 1
    """Virtual processors."""
    cpu: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.,=+-]{1,400}$")] | None = None
    """CPU model; host under kvm and max under tcg when absent."""
    memory: Size = cast(Size, 1 << 30)
    """Memory of the guest: 512M, 2G."""
    accelerator: Literal["auto", "kvm", "tcg"] = "auto"
    """auto follows what was measured on this host."""
    firmware: Literal["bios", "uefi"] | None = None
    """When absent: bios on x86_64, elsewhere uefi; a kernel booted directly there needs none."""
    secure_boot: bool = False
    """UEFI that boots only what is signed, with Microsoft's keys enrolled; machine q35."""
    tpm: bool = False
    """A TPM 2.0, by swtpm: what it keeps lies in the guest's folder, in tpm/."""
    hyperv: bool = False
    """Under kvm: what makes Windows faster, and Hyper-V to what the guest sees."""
    kernel: str | None = None
    """Path of a Linux kernel that is booted directly."""
    initrd: str | None = None
    """Path of the kernel's initial RAM disk."""
    append: str | None = None
    """Kernel command line."""
    boot: list[Literal["disk", "cdrom", "network"]] = field(
        default_factory=lambda: ["disk", "cdrom"]
    )
    """Order in which the firmware tries to boot."""
    disks: list[Disk] = field(default_factory=list)
    cdroms: list[Cdrom] = field(default_factory=list)
    networks: list[Network] = field(default_factory=_one_user_network)
    """One user network when absent; [] for none."""
    display: Literal["vnc", "none"] = "vnc"
    """vnc: a VNC server on the socket run/vnc, reachable by this host's user only."""
    vnc: Vnc | None = None
    """A VNC server on a TCP port too; none when absent."""
    video: Literal["std", "virtio", "cirrus", "vmware", "none"] = "std"
    serial: bool = True
    """A serial console on run/serial, logged to console.log."""
    console_log: bool = True
    """Whether all that the console says is kept in console.log."""
    keyboard: Literal["us", "uk", "de", "fr", "es", "it", "jp", "ru"] = "us"
    """The keyboard layout that the guest itself is set to: `type` presses its keys."""
    agent: bool = True
    """The channel of the QEMU guest agent."""
    balloon: bool = True
    rng: bool = True
    usb: bool = True
    """A USB controller with a tablet, so that a pointer is where it is put."""
    sound: Literal["none", "hda", "ac97", "es1370", "sb16"] = "none"
    acpi: bool = True
    on_full: Literal["wait", "resume"] = "wait"
    """What becomes of the guest once it was paused because a disk had no room: wait until
    somebody resumes it, or resume it as there is room again, which takes `kvmtui watch`."""
    clock: Literal["utc", "localtime"] = "utc"
    """What the hardware clock shows; Windows wants localtime."""
    qemu_args: list[Annotated[str, Meta(max_length=4096)]] = field(default_factory=list)
    """Own arguments, put behind QEMU's command line as they are."""

    def start_with_host(self) -> Autostart | None:
        """When the host's start starts it; None: it does not."""
        if isinstance(self.autostart, Autostart):
            return self.autostart
        return Autostart() if self.autostart else None

    def identity(self, name: str) -> str:
        """The guest's UUID: as stated, else one that follows from its name."""
        if self.uuid is not None:
            return self.uuid.lower()
        return str(uuid_module.uuid5(uuid_module.NAMESPACE_DNS, f"{name}.kvmtui.invalid"))

    def mac_of(self, index: int, name: str) -> str:
        """The MAC address of a network card: as stated, else from UUID and position."""
        mac = self.networks[index].mac
        if mac is not None:
            return mac.lower()
        seed = uuid_module.UUID(self.identity(name))
        digest = uuid_module.uuid5(seed, f"nic{index}").bytes
        return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])

    def boot_firmware(self) -> Literal["bios", "uefi"]:
        """The firmware: as stated, else bios on x86_64 and uefi elsewhere.

        Elsewhere bios is what the machine itself has: enough for a kernel booted directly.
        """
        if self.firmware is not None:
            return self.firmware
        return "bios" if self.arch == "x86_64" or self.kernel is not None else "uefi"

    def forwards(self) -> list[Forward]:
        """Every port forward of the guest."""
        return [rule for network in self.networks for rule in network.parsed_forwards()]

    def host_ports(self) -> list[tuple[str, str, int]]:
        """Protocol, address and port of all that it listens on at the host."""
        found = [(rule.protocol, rule.host_address, rule.host_port) for rule in self.forwards()]
        if self.vnc is not None and self.video != "none":
            ports = (self.vnc.port, self.vnc.websocket)
            found += [("tcp", self.vnc.address, port) for port in ports if port is not None]
        return found


Plain = dict[str, Any]
"""A definition as plain data, as it stands in its file."""
