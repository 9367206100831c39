// SPDX-License-Identifier: BSD-3-Clause
/* Parses a PV kernel's ELF headers and Xen notes. */
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/elfnote.h>

#include "hv.h"

#define HEADERS_MAX 64
#define NOTES_MAX   (4u << 10) /* bytes of one note segment */

/* What the notes say; defaults are those of a kernel that leaves them out. */
struct notes {
    uint64_t virt_base, paddr_offset, entry, hypercall_page, boot_window;
    bool has_entry, has_hypercall_page, has_boot_window, is_xen, is_pvh;
};

static int bad(struct chaos_error *err, const char *why)
{
    return chaos_error_set(err, -ENOEXEC, CHAOS_EXIT_CONFIG, "%s", why);
}

static int fetch(const struct image_source *source, uint64_t offset, void *buffer, size_t length,
                 struct chaos_error *err)
{
    int rc;

    if (offset > source->size || length > source->size - offset)
        return bad(err, "the file is cut short");
    rc = source->read(source->opaque, offset, buffer, length);
    if (rc == -ENODATA)
        return bad(err, "the file became shorter while it was read");
    if (rc < 0)
        return chaos_error_set(err, rc, CHAOS_EXIT_CONFIG, "cannot read it: %s", strerror(-rc));
    return 0;
}

static int check_header(const Elf64_Ehdr *header, const struct image_source *source,
                        struct chaos_error *err)
{
    const unsigned char *ident = header->e_ident;

    if (memcmp(ident, ELFMAG, SELFMAG) != 0) {
        if (memcmp(ident, "MZ", 2) == 0)
            return bad(err, "a bzImage, which is compressed; give the ELF file in it "
                            "(extract-vmlinux of Linux's sources unpacks it)");
        if (memcmp(ident, "\x1f\x8b", 2) == 0)
            return bad(err, "compressed with gzip; give the uncompressed kernel");
        return bad(err, "not an ELF file");
    }
    if (ident[EI_CLASS] != ELFCLASS64)
        return bad(err, "a 32-bit ELF file; chaos builds 64-bit x86 PV guests");
    if (ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
        return bad(err, "an ELF file of another machine; chaos builds 64-bit x86 PV guests");
    if (header->e_type != ET_EXEC)
        return bad(err, "not an executable ELF file (ET_EXEC)");
    if (ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
        return bad(err, "unknown ELF version");
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > HEADERS_MAX)
        return bad(err, "the number or the size of its program headers is not plausible");
    if (header->e_phoff > source->size ||
        header->e_phnum * sizeof(Elf64_Phdr) > source->size - header->e_phoff)
        return bad(err, "the file is cut short");
    return 0;
}

static bool note_number(const unsigned char *desc, uint32_t size, uint64_t *out)
{
    uint32_t word;

    if (size == 8) {
        memcpy(out, desc, 8);
        return true;
    }
    if (size == 4) {
        memcpy(&word, desc, 4);
        *out = word;
        return true;
    }
    return false;
}

static int xen_note(uint32_t type, const unsigned char *desc, uint32_t size, struct notes *notes,
                    struct chaos_error *err)
{
    bool good = true;

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        good = note_number(desc, size, &notes->entry);
        notes->has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        good = note_number(desc, size, &notes->hypercall_page);
        notes->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        good = note_number(desc, size, &notes->virt_base);
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        good = note_number(desc, size, &notes->paddr_offset);
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        if (size < sizeof("xen-3.0") || memcmp(desc, "xen-3.0", sizeof("xen-3.0")) != 0)
            return bad(err, "its Xen note asks for another interface than xen-3.0");
        notes->is_xen = true;
        break;
    case XEN_ELFNOTE_PHYS32_ENTRY:
        notes->is_pvh = true;
        break;
    default: /* says nothing that this builder acts on */
        break;
    }
    return good ? 0 : bad(err, "a Xen note has the wrong size");
}

static int parse_notes(const unsigned char *at, size_t left, struct notes *notes,
                       struct chaos_error *err)
{
    while (left >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        uint64_t name_size, desc_size;
        const unsigned char *name = at + sizeof(note), *desc;
        int rc = 0;

        memcpy(&note, at, sizeof(note));
        name_size = ((uint64_t)note.n_namesz + 3) & ~3ull;
        desc_size = ((uint64_t)note.n_descsz + 3) & ~3ull;
        if (name_size > left - sizeof(note) || note.n_descsz > left - sizeof(note) - name_size)
            return bad(err, "a note reaches beyond its segment");
        desc = name + name_size;
        if (note.n_namesz == sizeof("Xen") && memcmp(name, "Xen", sizeof("Xen")) == 0)
            rc = xen_note(note.n_type, desc, note.n_descsz, notes, err);
        else if (note.n_namesz == sizeof("chaos") && memcmp(name, "chaos", sizeof("chaos")) == 0 &&
                 note.n_type == IMAGE_NOTE_BOOT_WINDOW)
            notes->has_boot_window = note_number(desc, note.n_descsz, &notes->boot_window);
        if (rc < 0)
            return rc;
        if (desc_size > left - sizeof(note) - name_size)
            break; /* the last one, without padding */
        at = desc + desc_size;
        left -= sizeof(note) + name_size + desc_size;
    }
    return 0;
}

static int read_notes(const struct image_source *source, const Elf64_Phdr *headers, unsigned int nr,
                      struct notes *notes, struct chaos_error *err)
{
    unsigned char buffer[NOTES_MAX];
    unsigned int i;
    int rc;

    for (i = 0; i < nr; i++) {
        if (headers[i].p_type != PT_NOTE || headers[i].p_filesz == 0)
            continue;
        if (headers[i].p_filesz > sizeof(buffer))
            return bad(err, "its notes are larger than 4 KiB");
        rc = fetch(source, headers[i].p_offset, buffer, headers[i].p_filesz, err);
        if (rc == 0)
            rc = parse_notes(buffer, headers[i].p_filesz, notes, err);
        if (rc < 0)
            return rc;
    }
    if (notes->is_pvh && !notes->has_entry)
        return bad(err, "a PVH kernel; chaos builds PV guests");
    if (!notes->is_xen)
        return bad(err, "not a Xen PV kernel (no XEN_VERSION note)");
    return 0;
}

static int compare_segments(const void *a, const void *b)
{
    const struct image_segment *x = a, *y = b;

    return (x->address > y->address) - (x->address < y->address);
}

static int add_segment(const Elf64_Phdr *header, const struct notes *notes,
                       const struct image_source *source, struct image *out,
                       struct chaos_error *err)
{
    struct image_segment *segment = &out->segment[out->nr_segments];
    uint64_t address = header->p_paddr - notes->paddr_offset + notes->virt_base;

    if (out->nr_segments == IMAGE_SEGMENTS_MAX)
        return bad(err, "it has more than 16 segments to load");
    if (header->p_filesz > header->p_memsz)
        return bad(err, "a segment is larger in the file than in memory");
    if (header->p_offset > source->size || header->p_filesz > source->size - header->p_offset)
        return bad(err, "a segment reaches beyond the end of the file");
    if (header->p_paddr < notes->paddr_offset || header->p_memsz > IMAGE_MEMORY_MAX ||
        header->p_paddr - notes->paddr_offset > IMAGE_MEMORY_MAX ||
        address + header->p_memsz < address)
        return bad(err, "a segment lies outside of the memory that a kernel may use");
    segment->address = address;
    segment->memory_size = header->p_memsz;
    segment->offset = header->p_offset;
    segment->file_size = header->p_filesz;
    out->nr_segments++;
    return 0;
}

static int collect_segments(const struct image_source *source, const Elf64_Phdr *headers,
                            unsigned int nr, const struct notes *notes, struct image *out,
                            struct chaos_error *err)
{
    const struct image_segment *last;
    unsigned int i;
    int rc;

    for (i = 0; i < nr; i++) {
        if (headers[i].p_type != PT_LOAD || headers[i].p_memsz == 0)
            continue;
        rc = add_segment(&headers[i], notes, source, out, err);
        if (rc < 0)
            return rc;
    }
    if (out->nr_segments == 0)
        return bad(err, "it has nothing to load");
    qsort(out->segment, out->nr_segments, sizeof(out->segment[0]), compare_segments);
    for (i = 1; i < out->nr_segments; i++) {
        last = &out->segment[i - 1];
        if (out->segment[i].address - last->address < last->memory_size)
            return bad(err, "two of its segments overlap");
    }
    last = &out->segment[out->nr_segments - 1];
    out->start = out->segment[0].address;
    out->end = last->address + last->memory_size;
    return 0;
}

static int check_addresses(const struct notes *notes, const Elf64_Ehdr *header, struct image *out,
                           struct chaos_error *err)
{
    out->virt_base = notes->virt_base;
    out->entry = notes->has_entry ? notes->entry : header->e_entry;
    out->hypercall_page = notes->hypercall_page;
    out->has_hypercall_page = notes->has_hypercall_page;
    out->boot_window = notes->boot_window;
    out->has_boot_window = notes->has_boot_window;
    if (out->virt_base % HV_PAGE_SIZE != 0)
        return bad(err, "its VIRT_BASE is not on a page boundary");
    if (out->entry < out->start || out->entry >= out->end)
        return bad(err, "its entry point lies outside of what it loads");
    if (out->has_hypercall_page &&
        (out->hypercall_page % HV_PAGE_SIZE != 0 || out->hypercall_page < out->start ||
         out->hypercall_page >= out->end || out->end - out->hypercall_page < HV_PAGE_SIZE))
        return bad(err, "its hypercall page lies outside of what it loads");
    return 0;
}

int image_elf_parse(const struct image_source *source, struct image *out, struct chaos_error *err)
{
    Elf64_Phdr headers[HEADERS_MAX];
    struct notes notes = {0};
    Elf64_Ehdr header = {0};
    struct image image = {0};
    int rc;

    if (source->size < sizeof(header)) {
        rc = fetch(source, 0, &header, source->size, err);
        if (rc == 0 && memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
            return bad(err, "not an ELF file");
        return rc < 0 ? rc : bad(err, "the file is cut short");
    }
    rc = fetch(source, 0, &header, sizeof(header), err);
    if (rc == 0)
        rc = check_header(&header, source, err);
    if (rc == 0)
        rc = fetch(source, header.e_phoff, headers, header.e_phnum * sizeof(headers[0]), err);
    if (rc == 0)
        rc = read_notes(source, headers, header.e_phnum, &notes, err);
    if (rc == 0)
        rc = collect_segments(source, headers, header.e_phnum, &notes, &image, err);
    if (rc == 0)
        rc = check_addresses(&notes, &header, &image, err);
    if (rc == 0)
        *out = image;
    return rc;
}
