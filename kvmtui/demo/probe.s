# The smallest guest that shows whether a virtual machine works, and how fast: SeaBIOS
# boots it, it goes to 64-bit mode, runs a loop of plain arithmetic and memory and ends
# QEMU.  Whoever starts it measures the time from outside, by its letters on the first
# serial port (a clock of the guest cannot be trusted here):
#
#     B  booted    L  the loop begins    E  the loop has ended
#
# The loop runs in 64-bit mode since that is where guests spend their lives: some KVMs
# interpret real mode instruction by instruction.  Start QEMU with
# -device isa-debug-exit,iobase=0xf4,iosize=4 and expect exit code 33.

        .code16
        .text
        .globl  start

        .equ    COM1,       0x3f8       # first serial port, data register
        .equ    DEBUG_EXIT, 0xf4
        .equ    ROUNDS,     20000000    # as ROUNDS of kvmtui/host/trial.py

        .equ    TABLES,     0x1000      # three pages: one entry each
        .equ    TABLE_ROOM, 0x3000
        .equ    DATA,       0x10000     # 4 KiB that the loop works on

        .macro  say letter
        mov     $\letter, %al
        mov     $COM1, %dx
        out     %al, %dx
        .endm

start:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp
        say     'B'

# The first 2 MiB, mapped to themselves by one large page.

        mov     $TABLES, %di
        mov     $TABLE_ROOM / 4, %cx
        xor     %eax, %eax
        cld
        rep stosl
        movl    $TABLES + 0x1000 + 3, TABLES            # present, writable
        movl    $TABLES + 0x2000 + 3, TABLES + 0x1000
        movl    $0x83, TABLES + 0x2000                  # and large

        mov     %cr4, %eax
        or      $0x20, %eax                             # physical address extension
        mov     %eax, %cr4
        mov     $TABLES, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx                       # EFER
        rdmsr
        or      $0x100, %eax                            # long mode
        wrmsr
        lgdt    descriptors
        mov     %cr0, %eax
        or      $0x80000001, %eax                       # paging and protection
        mov     %eax, %cr0
        ljmp    $8, $long

        .align  8
segments:
        .quad   0
        .quad   0x00209a0000000000                      # 64-bit code
        .quad   0x0000920000000000                      # data
descriptors:
        .word   . - segments - 1
        .long   segments

        .code64
long:
        mov     $16, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        say     'L'

        mov     $ROUNDS, %ecx
        mov     $1, %eax
1:      mov     %ecx, %edx
        and     $0xff8, %edx
        add     DATA(%rdx), %rax
        imul    $0x01000193, %rax, %rax
        xor     %rcx, %rax
        mov     %rax, DATA(%rdx)
        dec     %ecx
        jnz     1b

        say     'E'

# QEMU's exit code is the written value twice plus one, here 33.  No failure of
# QEMU itself looks like that.

        mov     $0x10, %al
        out     %al, $DEBUG_EXIT

2:      hlt                             # without that device: rest for ever
        jmp     2b

        .org    510, 0
        .word   0xaa55                  # the BIOS boots nothing without it
