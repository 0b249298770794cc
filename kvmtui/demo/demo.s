# A guest for demonstrations: no operating system, a program of a few sectors
# that SeaBIOS boots from a disk.  It moves the figures a virtual machine
# manager shows (processor, disk), answers what one types, and obeys the power
# button.  build.py makes two images of this one source:
#
#   wave    (STEADY = 0)  6 s of computing and disk writes, then 6 s of rest
#   steady  (STEADY = 1)  a fifth of a processor all the time, and small reads
#
# How to read it.  A PC starts in "real mode": 16-bit registers, no memory
# protection, and an address is segment * 16 + offset.  All segments here are 0
# unless a line says otherwise, so an offset simply is the address.  Operands
# are written "source, destination"; $5 is the number 5, a bare name is the
# memory of that name.  `int` calls the BIOS, `in` and `out` talk to hardware.
#
# Memory:
#   0x0046c          clock of the BIOS, counts 18.2 times a second
#   below 0x7c00     our stack, grows downwards
#   0x7c00           this program: the BIOS loads the first sector, we the rest
#   0x10000, 0x20000 64 KiB each: the block to write, the block read back
#   0xb8000          screen, 80 x 25 cells of one character and one colour byte
#
# Disk, in sectors of 512 bytes:
#   0 ...            this program
#   1024 to 2047     scratch area, the last 512 KiB of the 1 MiB image; nothing
#                    outside of it is ever written

        .code16
        .text
        .globl  start

        .equ    BIOS_CLOCK,      0x46c
        .equ    REPORT_TICKS,    36             # a line every 2 s (36 / 18.2)

        .equ    SCRATCH_SECTOR,  1024
        .equ    WRITE_SEGMENT,   0x1000         # address 0x10000
        .equ    READ_SEGMENT,    0x2000         # address 0x20000
        .equ    DISK_TRIES,      3

        .equ    COM1,            0x3f8
        .equ    COM1_STATUS,     COM1 + 5       # line status register
        .equ    RECEIVED,        0x01           #   a byte waits to be read
        .equ    MAY_SEND,        0x20           #   room for a byte to send

        .equ    SCREEN_SEGMENT,  0xb800
        .equ    COLUMNS,         80
        .equ    CELLS,           80 * 25
        .equ    GREY_ON_BLACK,   0x07

        .equ    PM1_STATUS,      0              # offsets from the ACPI base port
        .equ    PM1_ENABLE,      2
        .equ    PM1_CONTROL,     4
        .equ    POWER_BUTTON,    0x0100         # its bit in status and enable
        .equ    SLEEP_TYPE,      0x1c00         # which sleep; 0 is "off" in QEMU
        .equ    SLEEP_NOW,       0x2000

# The two characters.  Out of every PERIOD clock ticks the first BUSY are spent
# computing; in the others the processor is halted.

        .if     STEADY
        .equ    PERIOD,          5              # 1 tick of 5: 20 % of a processor
        .equ    BUSY,            1
        .equ    DISK_TICKS,      18             # a small read every second
        .macro  name
        .ascii  "kvmtui demo steady: "
        .endm
        .else
        .equ    PERIOD,          218            # 12 s
        .equ    BUSY,            109            # 6 s of them
        .equ    DISK_TICKS,      9              # a block every half second
        .macro  name
        .ascii  "kvmtui demo wave: "
        .endm
        .endif

# ---------------------------------------------------------------- first sector

# The BIOS has put this sector at 0x7c00 and left the number of the boot disk in
# DL.  Nothing else is certain, not even the segment registers.

start:
        cli                             # no interrupt while the stack moves
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        sti
        cld                             # string instructions count upwards
        ljmp    $0, $1f                 # some BIOSes start at 0x07c0:0x0000
1:      mov     %dl, drive

        movw    $REST_SECTORS, packet_count
        movw    $rest, packet_offset
        movw    $0, packet_segment
        movl    $1, packet_sector
        mov     $0x42, %ah              # read
        call    disk_transfer
        jnc     main

        mov     $load_failed, %si       # only the BIOS can print so far
1:      lodsb
        test    %al, %al
        jz      2f
        mov     $0x0e, %ah              # int 10h, 0e: print the character in AL
        mov     $0x0007, %bx
        int     $0x10
        jmp     1b
2:      hlt
        jmp     2b

load_failed:
        name
        .asciz  "cannot read the rest of the program"

# Reads (AH = 42h) or writes (AH = 43h) what the packet below describes.  The
# BIOS hides from us whether the disk is virtio-blk, SCSI or IDE.  A first try
# may fail, for instance after a reset of the bus; then the disk is reset and
# asked again.  After a failure the BIOS has put the number of sectors it did
# move into the packet: without writing the count anew, the second try would
# move 0 sectors and succeed.  Returns with carry set if it failed for good.

disk_transfer:
        pushal
        mov     $DISK_TRIES, %cx
        mov     packet_count, %bp
1:      mov     %bp, packet_count
        push    %ax
        push    %cx
        push    %bp
        xor     %al, %al                # for writes: without verification
        mov     drive, %dl
        mov     $packet, %si
        int     $0x13
        pop     %bp
        pop     %cx
        pop     %ax
        jnc     2f
        push    %ax
        push    %cx
        push    %bp
        xor     %ah, %ah                # int 13h, 00: reset the disk
        mov     drive, %dl
        int     $0x13
        pop     %bp
        pop     %cx
        pop     %ax
        loop    1b
        mov     %bp, packet_count
        stc
2:      popal                           # leaves the carry alone
        ret

        .balign 4
packet:         .byte   16, 0           # its own length
packet_count:   .word   0               # sectors; some BIOSes allow 127 at most
packet_offset:  .word   0               # where in memory
packet_segment: .word   0
packet_sector:  .long   0, 0            # where on the disk

drive:          .byte   0

        .org    510, 0
        .word   0xaa55                  # the BIOS boots nothing without it

# ------------------------------------------------------------------- main loop

rest:
main:
        mov     $0x0003, %ax            # int 10h, 00: text, 80 x 25, cleared
        int     $0x10
        call    serial_init
        call    power_init
        mov     BIOS_CLOCK, %ax
        mov     %ax, clock_seen

        mov     $ready, %si
        call    put_string
        cmpw    $0, acpi_port
        jne     main_loop
        mov     $no_button, %si
        call    put_string

main_loop:
        call    clock_poll
        call    power_poll
        call    keyboard_poll
        call    serial_poll
        call    report_if_due
        cmpw    $BUSY, phase
        jae     1f
        call    disk_if_due
        call    compute
        jmp     main_loop

# Rest: `hlt` stops the processor until the next interrupt.  The clock gives one
# every 55 ms and a key at once, so keys, serial line and power button are still
# looked at often enough.

1:      hlt
        jmp     main_loop

# Keeps `elapsed` (ticks since the start) and `phase` (ticks within PERIOD).
# The clock of the BIOS goes back to 0 at midnight; such a jump counts as one.

clock_poll:
        mov     BIOS_CLOCK, %ax
        mov     %ax, %bx
        sub     clock_seen, %ax         # ticks since the last look
        jz      3f
        mov     %bx, clock_seen
        cmp     $0x1000, %ax
        jb      1f
        mov     $1, %ax
1:      movzwl  %ax, %eax
        add     %eax, elapsed
        add     phase, %ax
        xor     %dx, %dx
        mov     $PERIOD, %bx
        div     %bx                     # DX = remainder
        mov     %dx, phase
3:      ret

# Some ten thousand steps of a random number generator: long enough to load the
# processor, short enough (about a millisecond) to return to the polling soon.

compute:
        mov     $30000, %cx
        mov     computed, %eax
1:      imul    $1664525, %eax, %eax
        add     $1013904223, %eax
        loop    1b
        mov     %eax, computed
        ret

report_if_due:
        mov     elapsed, %eax
        cmp     report_at, %eax
        jb      3f
        add     $REPORT_TICKS, %eax
        mov     %eax, report_at
        incl    reports

        cmpb    $0, typed               # somebody typed: begin a new line
        je      1f
        mov     $new_line, %si
        call    put_string
1:      mov     $report_tick, %si
        call    put_string
        mov     reports, %eax
        call    put_number
        mov     $report_cpu, %si
        call    put_string
        .if     STEADY
        mov     $cpu_light, %si
        .else
        mov     $cpu_busy, %si
        cmpw    $BUSY, phase
        jb      2f
        mov     $cpu_idle, %si
2:
        .endif
        call    put_string
        mov     disk_kib, %eax
        call    put_number
        mov     $report_end, %si
        call    put_string
3:      ret

# ------------------------------------------------------------------------ disk

disk_if_due:
        cmpb    $0, disk_usable
        je      3f
        mov     elapsed, %eax
        cmp     disk_at, %eax
        jb      3f
        add     $DISK_TICKS, %eax
        mov     %eax, disk_at
        .if     STEADY
        call    disk_small_read
        .else
        call    disk_block
        .endif
        jnc     3f
        movb    $0, disk_usable         # read-only, or broken: go on without
        mov     $disk_refuses, %si
        call    put_string
3:      ret

        .if     STEADY

# Reads 4 KiB, at another place of the scratch area each time.

disk_small_read:
        mov     disk_count, %eax
        and     $127, %eax              # 128 places of 8 sectors
        shl     $3, %eax
        add     $SCRATCH_SECTOR, %eax
        mov     %eax, packet_sector
        movw    $8, packet_count
        movw    $0, packet_offset
        movw    $READ_SEGMENT, packet_segment
        mov     $0x42, %ah
        call    disk_transfer
        jc      1f
        incl    disk_count
        addl    $4, disk_kib            # clears the carry
1:      ret

        .else

# Writes one block of 64 KiB with new contents, going round the eight blocks of
# the scratch area, reads it back and compares.

disk_block:
        mov     $WRITE_SEGMENT, %ax
        mov     %ax, %es
        xor     %di, %di
        mov     $64 * 1024 / 4, %cx
        mov     computed, %eax
1:      imul    $1664525, %eax, %eax
        add     $1013904223, %eax
        stosl                           # EAX to ES:DI, DI goes on
        loop    1b
        mov     %eax, computed
        mov     %cx, %es                # CX is 0 now

        mov     $0x43, %ah              # write
        mov     $WRITE_SEGMENT, %bx
        call    disk_halves
        jc      3f
        mov     $0x42, %ah              # read
        mov     $READ_SEGMENT, %bx
        call    disk_halves
        jc      3f
        incl    disk_count
        addl    $64, disk_kib

        mov     $WRITE_SEGMENT, %ax
        mov     $READ_SEGMENT, %bx
        mov     $64 * 1024 / 4, %cx
        xor     %si, %si
        xor     %di, %di
        mov     %bx, %es
        mov     %ax, %ds
        repe cmpsl                      # DS:SI with ES:DI until they differ
        mov     $0, %ax                 # `mov` keeps the result, `xor` would not
        mov     %ax, %ds
        mov     %ax, %es
        je      2f
        mov     $disk_differs, %si
        call    put_string
2:      clc
3:      ret

# AH = read or write, BX = segment.  The block goes in two transfers of 64
# sectors, because 128 at once are more than every BIOS takes.

disk_halves:
        mov     disk_count, %ecx
        and     $7, %ecx
        shl     $7, %ecx                # 128 sectors a block
        add     $SCRATCH_SECTOR, %ecx
        mov     %ecx, packet_sector
        mov     %bx, packet_segment
        movw    $64, packet_count
        movw    $0, packet_offset
        call    disk_transfer
        jc      1f
        addl    $64, packet_sector
        movw    $0x8000, packet_offset  # 32 KiB further
        call    disk_transfer
1:      ret

        .endif

# ---------------------------------------------------------------- power button

# The button belongs to ACPI: a status, an enable and a control register at an
# I/O port the firmware has chosen.  The chipset's PCI configuration tells which
# port: on q35 the ICH9 bridge (device 1f, function 0), on i440fx the PIIX4
# (device 1, function 3), in both at offset 40h.

power_init:
        mov     $0x8000f800, %eax       # bus 0, device 1f, function 0
        mov     $0x29188086, %ecx       # Intel ICH9
        mov     $0xff80, %bx            # the bits that hold the port
        call    power_find
        je      1f
        mov     $0x80000b00, %eax       # bus 0, device 1, function 3
        mov     $0x71138086, %ecx       # Intel PIIX4
        mov     $0xffc0, %bx
        call    power_find
        jne     2f                      # another machine: no button

# A pressed button also raises interrupt 9 and holds it until the status bit is
# cleared.  The BIOS has no handler that clears it, so keep that interrupt shut
# (bit 1 of the second interrupt controller's mask) and poll the bit.

1:      in      $0xa1, %al
        or      $0x02, %al
        out     %al, $0xa1

        mov     acpi_port, %dx          # PM1_STATUS is at offset 0
        test    %dx, %dx
        jz      2f
        mov     $POWER_BUTTON, %ax
        out     %ax, %dx                # writing a 1 clears an old press
        add     $PM1_ENABLE, %dx        # without the enable bit QEMU drops the
        in      %dx, %ax                # press altogether
        or      $POWER_BUTTON, %ax
        out     %ax, %dx
2:      ret

# EAX = PCI address, ECX = device and vendor wanted.  Port 0xcf8 selects a
# register, 0xcfc reads it.  Returns "equal" if it is that device.

power_find:
        mov     $0xcf8, %dx
        out     %eax, %dx
        push    %eax
        mov     $0xcfc, %dx
        in      %dx, %eax
        cmp     %ecx, %eax
        pop     %eax
        jne     1f
        mov     $0x40, %al
        mov     $0xcf8, %dx
        out     %eax, %dx
        mov     $0xcfc, %dx
        in      %dx, %eax
        and     %bx, %ax
        mov     %ax, acpi_port
        cmp     %ax, %ax                # "equal"
1:      ret

power_poll:
        mov     acpi_port, %dx
        test    %dx, %dx
        jz      1f
        in      %dx, %ax
        test    $POWER_BUTTON, %ax
        jnz     power_off
1:      ret

power_off:
        cmpb    $0, typed
        je      1f
        mov     $new_line, %si
        call    put_string
1:      mov     $good_bye, %si
        call    put_string
        mov     acpi_port, %dx
        mov     $POWER_BUTTON, %ax
        out     %ax, %dx
        add     $PM1_CONTROL, %dx
        in      %dx, %ax
        and     $~SLEEP_TYPE, %ax
        or      $SLEEP_NOW, %ax
        out     %ax, %dx                # QEMU ends here
        cli
2:      hlt                             # in case it only pauses
        jmp     2b

# ------------------------------------------------------- keyboard, serial line

keyboard_poll:
        mov     $0x01, %ah              # int 16h, 01: does a key wait?
        int     $0x16
        jz      1f
        xor     %ah, %ah                # int 16h, 00: take it
        int     $0x16
        cmp     $0xe0, %al              # arrows and the like carry no character
        je      keyboard_poll
        call    echo
        jmp     keyboard_poll
1:      ret

serial_init:
        mov     $serial_setup, %si
1:      lodsw                           # low byte value, high byte register
        cmp     $0xffff, %ax
        je      2f
        movzbw  %ah, %dx
        add     $COM1, %dx
        out     %al, %dx
        jmp     1b
2:      ret

serial_setup:
        .byte   0x00, 1                 # no interrupts, the line is polled
        .byte   0x80, 3                 # the next two set the speed:
        .byte   0x01, 0                 #   115200 / 1
        .byte   0x00, 1
        .byte   0x03, 3                 # 8 bits, no parity, 1 stop bit
        .byte   0xc7, 2                 # buffers of 16 bytes, emptied, and as
                                        #   many bytes at once as they hold
        .byte   0x03, 4                 # tell the other side we are there
        .byte   0xff, 0xff

serial_poll:
        mov     $16, %cx                # at most a buffer's worth at a time, so
1:      mov     $COM1_STATUS, %dx       # that a flood cannot hold us up
        in      %dx, %al
        cmp     $0xff, %al              # all bits set: there is no serial port
        je      2f
        test    $RECEIVED, %al
        jz      2f
        mov     $COM1, %dx
        in      %dx, %al
        call    echo
        loop    1b
2:      ret

# Shows a typed character on screen and serial line.

echo:
        cmp     $'\r', %al
        je      2f
        cmp     $'\b', %al
        je      1f
        cmp     $0x7f, %al              # terminals send this for backspace
        je      1f
        cmp     $' ', %al
        jb      3f                      # no other control characters
        incb    typed
        jnz     put_char
        decb    typed                   # stay at 255
        jmp     put_char
1:      cmpb    $0, typed
        je      3f                      # nothing of ours to wipe out
        decb    typed
        mov     $wipe, %si
        jmp     put_string
2:      mov     $new_line, %si
        jmp     put_string
3:      ret

# --------------------------------------------------------------------- printing

# SI = text, ends with a zero byte

put_string:
        push    %ax
1:      lodsb
        test    %al, %al
        jz      2f
        cmp     $'\n', %al
        jne     3f
        movb    $0, typed               # a new line has nothing typed in it
3:      call    put_char
        jmp     1b
2:      pop     %ax
        ret

# EAX = number, printed in decimal

put_number:
        pushal
        xor     %cx, %cx
        mov     $10, %ebx
1:      xor     %edx, %edx
        div     %ebx                    # gives the digits last one first,
        push    %dx                     # the stack turns them round
        inc     %cx
        test    %eax, %eax
        jnz     1b
2:      pop     %ax
        add     $'0', %al
        call    put_char
        loop    2b
        popal
        ret

# AL = character, to both serial line and screen

put_char:
        pushal
        call    serial_put
        call    screen_put
        popal
        ret

# Waits until the serial port takes a character, but not for ever: nobody may be
# reading at the other end.  After one long wait the next characters are thrown
# away without waiting, until the port is free again.

serial_put:
        mov     %al, %bl
        mov     serial_patience, %cx
        mov     $COM1_STATUS, %dx
1:      in      %dx, %al
        test    $MAY_SEND, %al
        jnz     2f
        loop    1b
        movw    $1, serial_patience
        jmp     3f
2:      movw    $20000, serial_patience
        mov     %bl, %al
        mov     $COM1, %dx
        out     %al, %dx
3:      mov     %bl, %al
        ret

# Writes straight into the memory of the screen, moves the lines up at the
# bottom and takes the blinking cursor along.

screen_put:
        push    %es
        mov     $SCREEN_SEGMENT, %bx
        mov     %bx, %es
        mov     cursor, %di             # in cells; a cell has two bytes
        cmp     $'\r', %al
        je      1f
        cmp     $'\n', %al
        je      2f
        cmp     $'\b', %al
        je      3f
        mov     $GREY_ON_BLACK, %ah
        mov     %di, %bx
        add     %bx, %bx
        mov     %ax, %es:(%bx)
        inc     %di
        jmp     4f
1:      mov     %di, %ax                # to the start of the line
        xor     %dx, %dx
        mov     $COLUMNS, %bx
        div     %bx
        sub     %dx, %di
        jmp     4f
2:      add     $COLUMNS, %di
        jmp     4f
3:      test    %di, %di
        jz      4f
        dec     %di
4:      cmp     $CELLS, %di
        jb      5f
        push    %di
        push    %ds
        push    %es
        pop     %ds
        mov     $COLUMNS * 2, %si
        xor     %di, %di
        mov     $CELLS - COLUMNS, %cx
        rep movsw                       # DS:SI to ES:DI
        mov     $GREY_ON_BLACK << 8 | ' ', %ax
        mov     $COLUMNS, %cx
        rep stosw                       # an empty last line
        pop     %ds
        pop     %di
        sub     $COLUMNS, %di
5:      mov     %di, cursor
        mov     %di, %bx
        mov     $0x3d4, %dx             # the video chip's cursor position:
        mov     $0x0e, %al              # register 0e, high byte,
        mov     %bh, %ah
        out     %ax, %dx
        mov     $0x0f, %al              # register 0f, low byte
        mov     %bl, %ah
        out     %ax, %dx
        pop     %es
        ret

# ------------------------------------------------------------------------ data

ready:          name
                .asciz  "ready\r\n"
no_button:      name
                .asciz  "no power button on this machine\r\n"
disk_refuses:   name
                .asciz  "the disk refuses, going on without it\r\n"
good_bye:       name
                .asciz  "power button, good bye\r\n"
report_tick:    name
                .asciz  "tick "
report_cpu:     .asciz  ", cpu "
new_line:       .asciz  "\r\n"
wipe:           .asciz  "\b \b"
                .if     STEADY
cpu_light:      .asciz  "light, disk "
report_end:     .asciz  " KiB read\r\n"
                .else
cpu_busy:       .asciz  "busy, disk "
cpu_idle:       .asciz  "idle, disk "
report_end:     .asciz  " KiB written\r\n"
disk_differs:   name
                .asciz  "the disk gave back something else\r\n"
                .endif

                .balign 4, 0
elapsed:        .long   0               # clock ticks since the start
report_at:      .long   REPORT_TICKS    # when the next line is due
reports:        .long   0
disk_at:        .long   0
disk_count:     .long   0
disk_kib:       .long   0
computed:       .long   1
phase:          .word   0
clock_seen:     .word   0
cursor:         .word   0
acpi_port:      .word   0               # 0: none
serial_patience: .word  20000
disk_usable:    .byte   1
typed:          .byte   0               # characters typed on the current line

        .balign 512, 0                  # disks are read in whole sectors
end:
        .equ    REST_SECTORS, (end - rest) / 512
