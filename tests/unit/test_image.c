// SPDX-License-Identifier: BSD-3-Clause
/* Kernels, good and bad. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xen/xen.h>
#include <xen/elfnote.h>

#include "elf_maker.h"
#include "image.h"
#include "layout.h"

static struct elf_maker maker;

static int read_maker(void *opaque, uint64_t offset, void *buffer, size_t length)
{
    size_t size = *(size_t *)opaque;

    if (offset > size || length > size - offset)
        return -ENODATA;
    memcpy(buffer, maker.bytes + offset, length);
    return 0;
}

static int parse(size_t size, struct image *image, struct chaos_error *err)
{
    struct image_source source = {.read = read_maker, .opaque = &size, .size = size};

    *err = (struct chaos_error){0};
    return image_elf_parse(&source, image, err);
}

static void refused(const char *why)
{
    struct chaos_error err;
    struct image image;

    assert_int_not_equal(parse(maker.size, &image, &err), 0);
    assert_int_equal(err.exit, CHAOS_EXIT_CONFIG);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_good(void **state)
{
    struct chaos_error err;
    struct image image;

    (void)state;
    elf_make(&maker);
    assert_int_equal(parse(maker.size, &image, &err), 0);
    assert_int_equal(image.start, ELF_BASE);
    assert_int_equal(image.end, ELF_BASE + ELF_TEXT_SIZE + ELF_BSS_SIZE);
    assert_int_equal(image.entry, ELF_BASE + 16);
    assert_int_equal(image.hypercall_page, ELF_BASE + 0x3000);
    assert_int_equal(image.nr_segments, 1);
    assert_false(image.has_boot_window);
    elf_add_number(&maker, "Xen", XEN_ELFNOTE_ENTRY, ELF_BASE + 32);
    elf_add_number(&maker, "chaos", IMAGE_NOTE_BOOT_WINDOW, 0x100000);
    elf_add_number(&maker, "GNU", 1, 1);
    assert_int_equal(parse(maker.size, &image, &err), 0);
    assert_int_equal(image.entry, ELF_BASE + 32);
    assert_true(image.has_boot_window);
    assert_int_equal(image.boot_window, 0x100000);
}

/* Cut off anywhere: refused, and no byte behind the end is read (the sanitizers watch). */
static void test_truncated(void **state)
{
    struct chaos_error err;
    struct image image;
    size_t size;

    (void)state;
    elf_make(&maker);
    for (size = 0; size < maker.size; size++)
        assert_int_not_equal(parse(size, &image, &err), 0);
}

static void test_headers(void **state)
{
    (void)state;
#define BAD(change, why)                                                                           \
    do {                                                                                           \
        elf_make(&maker);                                                                          \
        change;                                                                                    \
        refused(why);                                                                              \
    } while (0)
    BAD(memcpy(maker.bytes, "#!/bin/sh\n", 10), "not an ELF file");
    BAD(memcpy(maker.bytes, "MZ", 2), "bzImage");
    BAD(memcpy(maker.bytes, "\x1f\x8b", 2), "gzip");
    BAD(maker.header->e_ident[EI_CLASS] = ELFCLASS32, "32-bit");
    BAD(maker.header->e_ident[EI_DATA] = ELFDATA2MSB, "another machine");
    BAD(maker.header->e_machine = EM_AARCH64, "another machine");
    BAD(maker.header->e_type = ET_REL, "ET_EXEC");
    BAD(maker.header->e_version = 9, "version");
    BAD(maker.header->e_phnum = 0, "program headers");
    BAD(maker.header->e_phnum = 0xffff, "program headers");
    BAD(maker.header->e_phentsize = 32, "program headers");
    BAD(maker.header->e_phoff = UINT64_MAX - 10, "cut short");
    BAD(maker.header->e_phoff = maker.size - 60, "cut short");
    BAD(maker.text->p_filesz = UINT64_MAX, "larger in the file");
    BAD(maker.text->p_filesz = maker.text->p_memsz = maker.size, "beyond the end");
    BAD(maker.text->p_offset = UINT64_MAX, "beyond the end");
    BAD(maker.text->p_memsz = UINT64_MAX, "outside of the memory");
    BAD(maker.text->p_paddr = UINT64_MAX - 5, "outside of the memory");
    BAD(maker.text->p_paddr = 0, "outside of the memory");
    BAD(maker.text->p_type = PT_NULL, "nothing to load");
    BAD(maker.header->e_entry = ELF_BASE - 1, "entry point");
    BAD(maker.header->e_entry = ELF_BASE + ELF_TEXT_SIZE + ELF_BSS_SIZE, "entry point");
}

static void test_notes(void **state)
{
    Elf64_Nhdr *first;

    (void)state;
    elf_make(&maker);
    first = (Elf64_Nhdr *)maker.notes;
    BAD(maker.note->p_type = PT_NULL, "not a Xen PV kernel");
    BAD(maker.note->p_filesz = 0, "not a Xen PV kernel");
    BAD(maker.note->p_filesz = 0x10000000, "larger than 4 KiB");
    BAD(maker.note->p_offset = maker.size - 8, "cut short");
    BAD(first->n_namesz = UINT32_MAX, "beyond its segment");
    BAD(first->n_descsz = UINT32_MAX, "beyond its segment");
    BAD(first->n_descsz = 7, "interface");
    BAD(memcpy(maker.notes + 16, "xen-2.0", 8), "interface");
    BAD(elf_add_note(&maker, "Xen", XEN_ELFNOTE_ENTRY, "abc", 3), "wrong size");
    BAD(elf_add_number(&maker, "Xen", XEN_ELFNOTE_VIRT_BASE, ELF_BASE + 1), "VIRT_BASE");
    BAD(elf_add_number(&maker, "Xen", XEN_ELFNOTE_HYPERCALL_PAGE, ELF_BASE + 1), "hypercall page");
    BAD(elf_add_number(&maker, "Xen", XEN_ELFNOTE_HYPERCALL_PAGE, 0), "hypercall page");
    BAD(elf_add_number(&maker, "Xen", XEN_ELFNOTE_HYPERCALL_PAGE, ELF_BASE + 0x5000),
        "hypercall page"); /* only half of that page is the kernel's */
    BAD(elf_add_number(&maker, "Xen", XEN_ELFNOTE_PHYS32_ENTRY, 0x1000), "a PVH kernel");
}

/* A Linux for PV and PVH, which makes its hypercall page itself. */
static void test_linux_notes(void **state)
{
    struct chaos_error err;
    struct image image;

    (void)state;
    elf_make(&maker);
    maker.notes_size = 0;
    elf_add_note(&maker, "Xen", XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    elf_add_number(&maker, "Xen", XEN_ELFNOTE_VIRT_BASE, ELF_BASE);
    elf_add_number(&maker, "Xen", XEN_ELFNOTE_PADDR_OFFSET, ELF_BASE);
    elf_add_number(&maker, "Xen", XEN_ELFNOTE_PHYS32_ENTRY, 0x1000);
    elf_add_number(&maker, "Xen", XEN_ELFNOTE_ENTRY, ELF_BASE + 32);
    assert_int_equal(parse(maker.size, &image, &err), 0);
    assert_int_equal(image.entry, ELF_BASE + 32);
    assert_false(image.has_hypercall_page);
}

static void test_overlap(void **state)
{
    (void)state;
    elf_make(&maker);
    maker.header->e_phnum = 3;
    maker.note[1] = *maker.text;
    maker.note[1].p_paddr = ELF_BASE + ELF_TEXT_SIZE + ELF_BSS_SIZE - 1;
    refused("overlap");
}

static struct image good_image(void)
{
    struct chaos_error err;
    struct image image;

    elf_make(&maker);
    assert_int_equal(parse(maker.size, &image, &err), 0);
    return image;
}

static void test_layout(void **state)
{
    struct image image = good_image();
    struct chaos_error err;
    struct layout layout;

    (void)state;
    assert_int_equal(layout_compute(&image, 5000, 2048, false, &layout, &err), 0);
    assert_int_equal(layout.kernel_pfn, 0);
    assert_int_equal(layout.kernel_pages, 6);
    assert_int_equal(layout.ramdisk_pfn, 6);
    assert_int_equal(layout.ramdisk_pages, 2);
    assert_int_equal(layout.p2m_pages, 4);
    assert_int_equal(layout.start_info_pfn, 12);
    assert_int_equal(layout.tables_pfn, 14);
    assert_int_equal(layout.mapped_pages, 1024); /* to the next 4 MiB */
    assert_int_equal(layout.level[1], 2);
    assert_int_equal(layout.nr_tables, 5);
    assert_int_equal(layout.end_pfn, layout.stack_pfn + 1);

    image.has_boot_window = true;
    image.boot_window = 0;
    assert_int_equal(layout_compute(&image, 0, 2048, false, &layout, &err), 0);
    assert_int_equal(layout.mapped_pages, layout.end_pfn);
    assert_int_equal(layout.nr_tables, 4);
}

/* 512 KiB are spare, or the window grows by 4 MiB. */
static void test_layout_spare(void **state)
{
    struct image image = good_image();
    struct chaos_error err;
    struct layout layout;
    uint64_t ramdisk;

    (void)state;
    for (ramdisk = 3 << 20; ramdisk < 5 << 20; ramdisk += 4096) {
        assert_int_equal(layout_compute(&image, ramdisk, 1 << 20, false, &layout, &err), 0);
        assert_int_equal(layout_address(&layout, layout.mapped_pages) % (4 << 20), 0);
        assert_true(layout.mapped_pages - layout.end_pfn >= 128);
        assert_true(layout.mapped_pages - layout.end_pfn < 128 + 1024);
    }
}

static void test_layout_limits(void **state)
{
    struct image image = good_image();
    struct chaos_error err;
    struct layout layout;
    uint64_t pages;

    (void)state;
    assert_int_equal(layout_compute(&image, 0, 13, false, &layout, &err), -ENOMEM);
    assert_non_null(strstr(err.text, "needs 56 KiB of memory, the guest has 52"));
    for (pages = 1; layout_compute(&image, 0, pages, false, &layout, &err) != 0; pages++)
        assert_in_range(pages, 1, 64);
    assert_int_equal(layout.end_pfn, pages); /* it fits exactly */

    image.virt_base = 0xffff800000000000ull; /* Xen's own */
    image.start = image.virt_base;
    image.end = image.start + 0x5800;
    assert_int_equal(layout_compute(&image, 0, 2048, false, &layout, &err), -ENOEXEC);
    image.virt_base = 0xffffffff80000000ull; /* where Linux is */
    image.start = image.virt_base + 0x1000000;
    image.end = image.start + 0x5800;
    assert_int_equal(layout_compute(&image, 0, 1 << 16, false, &layout, &err), 0);
    assert_int_equal(layout.kernel_pfn, 0x1000);
    assert_int_equal(layout.level[4], 1);
    image.start = image.virt_base - 0x1000;
    assert_int_equal(layout_compute(&image, 0, 1 << 16, false, &layout, &err), -ENOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_headers),       cmocka_unit_test(test_notes),
        cmocka_unit_test(test_linux_notes),   cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_layout),        cmocka_unit_test(test_layout_spare),
        cmocka_unit_test(test_layout_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
