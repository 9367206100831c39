/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries from Xen, and the switch between threads. */

/* Xen pushes rcx and r11 below the usual frame, and clears the privilege level in cs. */

    .text
    .macro entry vector:req, has_error=0
trap_\vector:
    pop     %rcx
    pop     %r11
    .if !\has_error
    push    $0
    .endif
    push    $\vector
    jmp     trap_common
    .endm

    entry 0
    entry 1
    entry 2
    entry 3
    entry 4
    entry 5
    entry 6
    entry 7
    entry 8, 1
    entry 9
    entry 10, 1
    entry 11, 1
    entry 12, 1
    entry 13, 1
    entry 14, 1
    entry 15
    entry 16
    entry 17, 1
    entry 18
    entry 19

trap_common:
    cld
    .irp reg, rax, rbx, rcx, rdx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    push    %\reg
    .endr
    mov     %rsp, %rdi
    mov     %rsp, %rbx
    and     $-16, %rsp
    call    trap_handler
    mov     %rbx, %rsp
    .irp reg, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax
    pop     %\reg
    .endr
    add     $16, %rsp                       /* vector, error */
    orb     $3, 8(%rsp)
    iretq

/*
 * Events are looked at when a thread sleeps, so all that an upcall has to do is to end the sleep
 * of SCHEDOP_block. Xen masked upcalls on the way in, and they stay masked: upcalls never nest.
 */
    .globl upcall_entry
    .type upcall_entry, @function
upcall_entry:
    pop     %rcx
    pop     %r11
    orb     $3, 8(%rsp)
    iretq

/* A return to us failed on a segment register, and we never load one. */
    .globl failsafe_entry
    .type failsafe_entry, @function
failsafe_entry:
    add     $48, %rsp                       /* rcx, r11, ds, es, fs, gs */
    push    $0
    push    $255
    jmp     trap_common

/* switch_stacks(save_sp, sp) */
    .globl switch_stacks
    .type switch_stacks, @function
switch_stacks:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, (%rdi)
    mov     %rsi, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    .section .rodata
    .balign 8
    .globl trap_entries
trap_entries:
    .irp vector, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19
    .quad   trap_\vector
    .endr
    .quad   0

    .section .note.GNU-stack, "", @progbits
