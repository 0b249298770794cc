"""First steps: pages for who comes from a book or a course, or is new to virtual machines.

A page is paragraphs. Lines that begin with blanks stand as they are; others flow. A page
fits a terminal of 80×24, a drawing 36 cells.
"""

from __future__ import annotations

from typing import NamedTuple

from kvmtui.manage.checking import Report
from kvmtui.manage.measured import table_of
from kvmtui.text import visible


class Page(NamedTuple):
    """One page."""

    title: str
    text: str


class Block(NamedTuple):
    """A paragraph that flows, or lines that stand as they are."""

    lines: tuple[str, ...]
    flows: bool


_WORDS = """
A host is the machine you are logged in to: its processors, its memory and disks, and the
Linux that runs on them.

A guest is a whole machine made of software. It has processors (vCPUs), memory, disks and
network cards of its own, boots, and runs an operating system of its own, which need not be
Linux. What happens in it stays in it: a guest that crashes takes nothing along. "Virtual
machine", VM and domain are other words for it.

A hypervisor makes guests and keeps them apart. Here it has two parts. KVM, in the kernel,
lets a guest use the real processor. QEMU, a program, plays the rest of the machine: disks,
network cards, clock, firmware. Each guest is one QEMU process, which ps shows like any other.

An image is a file that is the disk of a guest. One in the format qcow2 grows as the guest
writes: a new disk of 20G takes less than a megabyte.

kvmtui starts those processes and talks to them. Guests go on when it ends.
"""

_KINDS = """
Emulation: QEMU translates each instruction of the guest into the host's own. That works on
any machine and for any processor, say an ARM guest on an Intel host, and is many times
slower. QEMU calls it TCG, for tiny code generator.

Full virtualization: the processor runs the guest's instructions itself, in a mode made for
it (Intel VT-x, AMD-V), and comes back to the host when the guest touches what is not its own.
Any operating system runs unchanged, nearly as fast as on the host. KVM does this.

Para-virtualization: the guest knows that it is one, and asks the host instead of driving a
device that is not there. Xen began with whole systems changed in that way. With KVM only the
devices are so: disks and networks by virtio are several times faster than copies of real
ones. Linux has the drivers; Windows gets them from a CD image, virtio-win.

Nested: a host that is a guest itself, as with most clouds. KVM then works only where the
outer host lets its guests use VT-x or AMD-V too.
"""

_PLACE = """
  +------ guest ------+  kvmtui
  | programs          |    |
  | kernel, virtio    |    | QMP
  +--- QEMU process --+    |
  | disks, cards, BIOS|<---+
  +---------+---------+
            | /dev/kvm
  +---------+------------------+
  | Linux: KVM, disks, network |
  +----------------------------+
  | processor: VT-x or AMD-V   |
  +----------------------------+

KVM is a module of the kernel, kvm with kvm_intel or kvm_amd. It shows as the file /dev/kvm;
who may open that may run guests at full speed. QEMU opens it, hands over the guest's memory
and says: run. It gets the processor back when the guest asks for a device.

kvmtui speaks with QEMU over a socket in QEMU's own language, QMP. There is no other daemon.
"""

_BOOK = """
  qemu-img create -f qcow2 a.qcow2 20G
    kvmtui create a --disk 20G
  qemu-system-x86_64 -m 2048 -smp 2
    --memory 2G --cpus 2
  -hda a.qcow2
    --disk a.qcow2
  -cdrom debian.iso -boot d
    --cdrom debian.iso
    --set 'boot=[cdrom, disk]'
  -enable-kvm, -cpu host
    --accelerator auto   (as measured)
  -net user,hostfwd=tcp::2222-:22
    --forward 2222:22
  (qemu) system_powerdown, quit
    kvmtui shutdown a,   kvmtui stop a

All but the last belong to "create"; "kvmtui set a KEY=VALUE" changes them later, and any
other word for QEMU goes into qemu_args. "kvmtui show a --argv" prints the line QEMU gets.
"""

_MISSING = """
In this order; "kvmtui check" looks at all of it and names the one that is missing, with the
command of your distribution, and "kvmtui setup --yes" runs what a program can.

The processor has it, and the firmware has it on:
  grep -cE 'vmx|svm' /proc/cpuinfo
0 means no: turn on Intel VT-x or SVM in the firmware's setup; on a virtual machine, nested
virtualization at its outer host.

The kernel has the module:
  modprobe kvm_intel     (or kvm_amd)

You may open the device; a new group counts from the next login on:
  usermod -aG kvm anna

The device belongs to the group kvm. Where it does not, a rule of udev does that,
/etc/udev/rules.d/65-kvm.rules:
  KERNEL=="kvm", GROUP="kvm", MODE="0660"

It really runs guests, which the signs above cannot tell:
  kvmtui check --measure
"""

_FIRST_GUEST = """
Two guests to play with, nothing to download: y on the empty list, or
  kvmtui demo

One of your own from an installation image:
  kvmtui create web --memory 2G
    --disk 20G --cdrom debian.iso
  kvmtui start web

In the interface: n makes one in a form, s starts it, d shuts it down as its power button
would, x pulls the plug, Enter shows all about it, e edits it, D deletes it. ? tells the keys
of where you are, Esc goes back, q leaves; guests go on.

All of a guest is in one folder, guests/NAME below the home: its definition guest.yaml, which
you may read and edit, its disks, its logs. Copied to another host, that folder is the guest.

When something fails, the sentence says what to do; "kvmtui why web" tells more.
"""


def pages(report: Report | None) -> tuple[Page, ...]:
    """All pages, in the order in which they are read.

    Args:
        report: What the checks of this machine found; None where they were not run yet.
    """
    return (
        Page("Host, guest, hypervisor", _WORDS),
        Page("How a guest can run", _KINDS),
        Page("Where KVM sits", _PLACE),
        Page("This machine", _this_machine(report)),
        Page("From the book to kvmtui", _BOOK),
        Page("When KVM is missing", _MISSING),
        Page("A first guest", _FIRST_GUEST),
    )


def blocks(text: str) -> list[Block]:
    """A page in paragraphs; an empty line parts them, and a change of kind."""
    found: list[Block] = []
    for paragraph in text.strip("\n").split("\n\n"):
        for line in paragraph.split("\n"):
            flows = not line.startswith(" ")
            joins = found and found[-1].flows == flows and found[-1].lines
            if joins:
                found[-1] = found[-1]._replace(lines=(*found[-1].lines, line))
            else:
                found.append(Block((line,), flows))
        found.append(Block((), True))
    return found[:-1]


def _this_machine(report: Report | None) -> str:
    """What the checks and the measurement found, in words."""
    if report is None:
        return 'The checks have not been run yet: "kvmtui check" runs them, or F5 on the Host pane.'
    parts = [visible(report.words, limit=600) + "."]
    seen = [
        f"{one.title}: {visible(one.detail, limit=200)}."
        for id in ("cpu-flag", "kvm-module", "kvm-perm", "kvm-run")
        if (one := report.of(id)) is not None
    ]
    parts += ["\n".join(seen)] if seen else []
    measured = report.of("accelerator")
    if measured is not None and measured.measured.get("trials"):
        told = (f"  {visible(line, limit=200)}" for line in table_of(measured.measured))
        parts.append("\n".join(["What was measured, by booting a test:", *told]))
        parts.append(_meaning(str(measured.measured.get("accelerator"))))
    else:
        parts.append(
            'How fast guests run is not measured yet: "kvmtui check --measure", or m on the Host '
            "pane, takes a few seconds."
        )
    if measured is not None and measured.status == "warn" and measured.remedy:
        parts.append(f"What may help: {visible(measured.remedy, limit=400)}.")
    return "\n\n".join(parts)


def _meaning(accelerator: str) -> str:
    if accelerator == "kvm":
        return "Guests of this machine's own architecture run under KVM; others are emulated."
    return "Guests are emulated here. They do all the same things, and more slowly."


def in_lines(page: Page, width: int) -> list[str]:
    """A page as plain lines; what stands as it is may be wider."""
    import textwrap

    lines: list[str] = []
    for block in blocks(page.text):
        if not block.lines:
            lines.append("")
        elif block.flows:
            lines += textwrap.wrap(" ".join(block.lines), width, break_on_hyphens=False)
        else:
            lines += block.lines
    return lines
