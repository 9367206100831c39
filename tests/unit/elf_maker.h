/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes PV kernels for tests: headers, Xen notes and segments as wanted, right or wrong. */
#ifndef ELF_MAKER_H
#define ELF_MAKER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_BASE        0x400000ull
#define ELF_TEXT_SIZE   0x2800u /* two and a half pages, from the file */
#define ELF_BSS_SIZE    0x3000u
#define ELF_TEXT_OFFSET 0x1000u
#define ELF_NOTES_MAX   512

struct elf_maker {
    unsigned char bytes[0x8000];
    size_t size;
    Elf64_Ehdr *header;
    Elf64_Phdr *text, *note; /* in bytes */
    unsigned char *notes;
    size_t notes_size;
};

/* A good one: text of byte i = i * 7 + 1 at ELF_BASE, hypercall page in its bss. */
void elf_make(struct elf_maker *maker);
/* Appends a note; size of the segment grows with it. */
void elf_add_note(struct elf_maker *maker, const char *owner, uint32_t type, const void *desc,
                  uint32_t size);
void elf_add_number(struct elf_maker *maker, const char *owner, uint32_t type, uint64_t value);

#endif
