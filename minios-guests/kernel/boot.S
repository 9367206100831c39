/* SPDX-License-Identifier: BSD-3-Clause */
/* ELF notes for the loader, and the first instructions. */
#define __ASSEMBLY__
#include <xen/elfnote.h>

/* At 4 MiB null pointers, and 4 MiB behind them, fault without a page-table update. */
#define VIRT_BASE 0x400000

    .macro note type:req, data:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \data
2:  .balign 4
    .popsection
    .endm

    note XEN_ELFNOTE_GUEST_OS,       .asciz "chaos-minios"
    note XEN_ELFNOTE_GUEST_VERSION,  .asciz "1"
    note XEN_ELFNOTE_LOADER,         .asciz "generic"
    note XEN_ELFNOTE_XEN_VERSION,    .asciz "xen-3.0"
    note XEN_ELFNOTE_VIRT_BASE,      .quad VIRT_BASE
    note XEN_ELFNOTE_PADDR_OFFSET,   .quad VIRT_BASE
    note XEN_ELFNOTE_ENTRY,          .quad _start
    note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    note XEN_ELFNOTE_SUSPEND_CANCEL, .long 1

/* To libchaos: nothing but the boot data need be mapped, mm.c maps the rest as it is reached. */
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 6, 8, 1 /* IMAGE_NOTE_BOOT_WINDOW */
    .asciz "chaos"
    .balign 4
    .quad 0
    .popsection

    .section .text.boot, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    cld
    mov     %rsi, %rdi                      /* start_info */
    mov     %rsp, %rsi                      /* the builder's stack: memory after it is free */
    mov     $boot_stack + 8192, %esp
    xor     %ebp, %ebp
    call    guest_start
    ud2

    .section .bss.page, "aw", @nobits
    .globl hypercall_page, shared_info, shared_unused, boot_stack
    .balign 4096
hypercall_page:
    .skip 4096
shared_info:
    .skip 3584                              /* NOXS_UNUSED_OFFSET */
shared_unused:
    .skip 512
boot_stack:
    .skip 8192

    .section .note.GNU-stack, "", @progbits
