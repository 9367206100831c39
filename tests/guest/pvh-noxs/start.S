/* SPDX-License-Identifier: BSD-3-Clause */
/* PVH entry: one noxs hypercall while still a 32-bit caller, then long mode and main(). */
#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define XEN_CPUID_BASE           0x40000000
#define NOXS_HYPERCALL           44
#define HYPERCALL_STUB           32

    .section .note.Xen, "a", @note
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long start32

    .text
    .code32
    .globl start32
start32:
    cld
    mov $stack_top, %esp

    mov $XEN_CPUID_BASE + 2, %eax /* ebx: the MSR that takes the hypercall page's address */
    cpuid
    mov %ebx, %ecx
    mov $hypercall_page, %eax
    xor %edx, %edx
    wrmsr
    mov $hypercall_page + NOXS_HYPERCALL * HYPERCALL_STUB, %eax
    xor %ebx, %ebx /* NOXS_OP_QUERY */
    mov $stack_top - 256, %ecx
    call *%eax
    mov %eax, answer_to_32_bits

    /* The first 4 GiB, one to one, in pages of 2 MiB. */
    movl $page_directory_pointers + 3, page_map
    mov $page_directories + 3, %eax
    mov $page_directory_pointers, %edi
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b
    mov $0x83, %eax
    mov $page_directories, %edi
    mov $4 * 512, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    mov $0x20, %eax /* PAE */
    mov %eax, %cr4
    mov $page_map, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx /* EFER.LME */
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $start64

    .code64
start64:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $stack_top, %rsp
    xor %ebp, %ebp
    call main
3:  hlt
    jmp 3b

    .data
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9a000000ffff /* 64-bit code */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt
    .globl answer_to_32_bits
answer_to_32_bits:
    .long 0

    .bss
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096
page_map:
    .skip 4096
page_directory_pointers:
    .skip 4096
page_directories:
    .skip 4 * 4096
    .skip 16384
stack_top:

    .section .note.GNU-stack, "", @progbits
