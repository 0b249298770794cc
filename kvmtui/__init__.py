"""kvmtui runs virtual machines on a headless server: QEMU/KVM guests without libvirt."""

__version__ = "0.1.0"
