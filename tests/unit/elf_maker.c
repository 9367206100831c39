// SPDX-License-Identifier: BSD-3-Clause
#include "elf_maker.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/elfnote.h>

#define NOTES_OFFSET 0x200

void elf_add_note(struct elf_maker *maker, const char *owner, uint32_t type, const void *desc,
                  uint32_t size)
{
    Elf64_Nhdr header = {.n_namesz = (uint32_t)strlen(owner) + 1, .n_descsz = size, .n_type = type};
    unsigned char *at = maker->notes + maker->notes_size;

    memcpy(at, &header, sizeof(header));
    memcpy(at + sizeof(header), owner, header.n_namesz);
    at += sizeof(header) + ((header.n_namesz + 3) & ~3u);
    memcpy(at, desc, size);
    at += (size + 3) & ~3u;
    maker->notes_size = (size_t)(at - maker->notes);
    maker->note->p_filesz = maker->note->p_memsz = maker->notes_size;
}

void elf_add_number(struct elf_maker *maker, const char *owner, uint32_t type, uint64_t value)
{
    elf_add_note(maker, owner, type, &value, sizeof(value));
}

void elf_make(struct elf_maker *maker)
{
    size_t i;

    memset(maker, 0, sizeof(*maker));
    maker->size = ELF_TEXT_OFFSET + ELF_TEXT_SIZE;
    maker->header = (Elf64_Ehdr *)maker->bytes;
    memcpy(maker->header->e_ident, ELFMAG, SELFMAG);
    maker->header->e_ident[EI_CLASS] = ELFCLASS64;
    maker->header->e_ident[EI_DATA] = ELFDATA2LSB;
    maker->header->e_ident[EI_VERSION] = EV_CURRENT;
    maker->header->e_type = ET_EXEC;
    maker->header->e_machine = EM_X86_64;
    maker->header->e_version = EV_CURRENT;
    maker->header->e_entry = ELF_BASE + 16;
    maker->header->e_phoff = sizeof(Elf64_Ehdr);
    maker->header->e_phentsize = sizeof(Elf64_Phdr);
    maker->header->e_phnum = 2;
    maker->text = (Elf64_Phdr *)(maker->bytes + sizeof(Elf64_Ehdr));
    maker->note = maker->text + 1;
    maker->text->p_type = PT_LOAD;
    maker->text->p_offset = ELF_TEXT_OFFSET;
    maker->text->p_vaddr = maker->text->p_paddr = ELF_BASE;
    maker->text->p_filesz = ELF_TEXT_SIZE;
    maker->text->p_memsz = ELF_TEXT_SIZE + ELF_BSS_SIZE;
    maker->note->p_type = PT_NOTE;
    maker->note->p_offset = NOTES_OFFSET;
    maker->notes = maker->bytes + NOTES_OFFSET;
    for (i = 0; i < ELF_TEXT_SIZE; i++)
        maker->bytes[ELF_TEXT_OFFSET + i] = (unsigned char)(i * 7 + 1);
    elf_add_note(maker, "Xen", XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    elf_add_number(maker, "Xen", XEN_ELFNOTE_VIRT_BASE, ELF_BASE);
    elf_add_number(maker, "Xen", XEN_ELFNOTE_PADDR_OFFSET, ELF_BASE);
    elf_add_number(maker, "Xen", XEN_ELFNOTE_HYPERCALL_PAGE, ELF_BASE + 0x3000);
}
