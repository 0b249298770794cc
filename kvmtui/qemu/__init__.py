"""How QEMU is driven: binaries, command lines, processes, monitors, events."""
