# The smallest guest that shows a virtual machine works: SeaBIOS boots it, it
# sends one letter and ends QEMU.  Whoever starts it measures the time.  Start
# QEMU with -device isa-debug-exit,iobase=0xf4,iosize=4 and expect exit code 33.

        .code16
        .text
        .globl  start

        .equ    COM1,       0x3f8       # first serial port, data register
        .equ    DEBUG_EXIT, 0xf4

start:
        mov     $'K', %al
        mov     $COM1, %dx
        out     %al, %dx

# QEMU's exit code is the written value twice plus one, here 33.  No failure of
# QEMU itself looks like that.

        mov     $0x10, %al
        out     %al, $DEBUG_EXIT

        cli                             # without that device: rest for ever
1:      hlt
        jmp     1b

        .org    510, 0
        .word   0xaa55                  # the BIOS boots nothing without it
