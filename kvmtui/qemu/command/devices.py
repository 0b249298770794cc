"""Display, USB, sound, entropy, balloon, serial console and agent channel."""

from __future__ import annotations

from kvmtui.guest.definition import Vnc
from kvmtui.qemu.command.plan import Plan

VNC_PORT_ID = "tcp"
"""How QEMU calls the VNC server on a TCP port."""
_FIRST_VNC_PORT = 5900

_VIDEO = {
    "std": "VGA",
    "virtio": "virtio-vga",
    "cirrus": "cirrus-vga",
    "vmware": "vmware-svga",
}


def add_display(plan: Plan) -> None:
    """The video card, and a VNC server on a socket in the guest's folder."""
    definition = plan.definition
    if definition.video != "none":
        plan.device(_VIDEO[definition.video] if plan.is_x86 else "virtio-gpu-pci", id="vga0")
    if definition.display == "vnc" and definition.video != "none":
        plan.option("-vnc", "unix:vnc")
    if definition.vnc is not None and definition.video != "none":
        _add_vnc_port(plan, definition.vnc)


def _add_vnc_port(plan: Plan, vnc: Vnc) -> None:
    """A second VNC server, on a TCP port."""
    host = f"[{vnc.address}]" if ":" in vnc.address else vnc.address
    words = [f"{host}:{vnc.port - _FIRST_VNC_PORT}", f"id={VNC_PORT_ID}"]
    if vnc.websocket is not None:
        words.append(f"websocket={vnc.websocket}")
    if vnc.secret is not None:
        plan.option("-object", {"qom-type": "secret", "id": "vnc-key", "file": vnc.secret})
        words.append("password-secret=vnc-key")
    elif vnc.password:
        words.append("password=on")
    if vnc.tls is not None:
        credentials = {"qom-type": "tls-creds-x509", "id": "vnc-tls", "dir": vnc.tls}
        plan.option("-object", {**credentials, "endpoint": "server", "verify-peer": False})
        words.append("tls-creds=vnc-tls")
    plan.option("-vnc", ",".join(words))


def add_usb(plan: Plan) -> None:
    """A controller and a tablet: absolute positions, so pointers do not drift."""
    if not plan.definition.usb:
        return
    if plan.is_classic:
        plan.device("piix3-usb-uhci", id="usb", bus=plan.pci_place())
    else:
        plan.device("qemu-xhci", id="usb", p2=8, p3=8, bus=plan.pci_place())
    plan.device("usb-tablet", id="tablet0", bus="usb.0")
    if not plan.is_x86:
        plan.device("usb-kbd", id="keyboard0", bus="usb.0")


def add_sound(plan: Plan) -> None:
    """A sound card whose sound goes nowhere: old software asks for one."""
    sound = plan.definition.sound
    if sound == "none":
        return
    plan.option("-audiodev", {"driver": "none", "id": "audio0"})
    if sound == "hda":
        plan.device("ich9-intel-hda", id="sound0", bus=plan.pci_place())
        plan.device("hda-output", id="codec0", bus="sound0.0", audiodev="audio0")
    elif sound == "sb16":
        plan.device("sb16", id="sound0", audiodev="audio0")
    else:
        driver = {"ac97": "AC97", "es1370": "ES1370"}[sound]
        plan.device(driver, id="sound0", bus=plan.pci_place(), audiodev="audio0")


def add_helpers(plan: Plan) -> None:
    """Entropy and the balloon, which also tells what the guest uses of its memory."""
    if plan.definition.rng:
        plan.option("-object", {"qom-type": "rng-random", "id": "rng0", "filename": "/dev/urandom"})
        plan.device("virtio-rng-pci", id="rngdev0", bus=plan.pci_place(), rng="rng0")
    if plan.definition.balloon:
        plan.device(
            "virtio-balloon-pci",
            id="balloon0",
            bus=plan.pci_place(),
            **{"free-page-reporting": True, "deflate-on-oom": True},
        )


def add_console(plan: Plan) -> None:
    """The serial console: a socket for one viewer, and a log that is written with nobody there."""
    if not plan.definition.serial:
        return
    log = ",logfile=../console.log,logappend=on" if plan.definition.console_log else ""
    plan.option("-chardev", f"socket,id=serial0,path=serial,server=on,wait=off{log}")
    plan.option("-serial", "chardev:serial0")


def add_agent(plan: Plan) -> None:
    """The channel of the QEMU guest agent."""
    if not plan.definition.agent:
        return
    plan.device("virtio-serial-pci", id="vser0", bus=plan.pci_place())
    plan.option("-chardev", "socket,id=agent0,path=agent,server=on,wait=off")
    plan.device(
        "virtserialport",
        id="agentport",
        bus="vser0.0",
        chardev="agent0",
        name="org.qemu.guest_agent.0",
    )
