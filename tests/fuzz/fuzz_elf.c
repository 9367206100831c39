// SPDX-License-Identifier: BSD-3-Clause
/*
 * A kernel image, and what the builder computes from it. An input that does not begin with an ELF
 * magic is a list of changes to a good kernel: two bytes of place, one of how many (0 to 8) bytes,
 * and these bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf_maker.h"
#include "hv.h"
#include "image.h"
#include "layout.h"
#include "pagetables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static int read_input(void *opaque, uint64_t offset, void *buffer, size_t length)
{
    const struct input *input = opaque;

    require(offset <= input->size && length <= input->size - offset);
    memcpy(buffer, input->data + offset, length);
    return 0;
}

static void check_image(const struct image *image, size_t size)
{
    unsigned int i;

    require(image->nr_segments >= 1 && image->nr_segments <= IMAGE_SEGMENTS_MAX);
    for (i = 0; i < image->nr_segments; i++) {
        const struct image_segment *s = &image->segment[i];

        require(s->file_size <= s->memory_size && s->memory_size > 0);
        require(s->offset <= size && s->file_size <= size - s->offset);
        require(s->address >= image->start && s->memory_size <= image->end - s->address);
        require(i == 0 || s->address >= s[-1].address + s[-1].memory_size);
    }
    require(image->entry >= image->start && image->entry < image->end);
    require(!image->has_hypercall_page || (image->hypercall_page >= image->start &&
                                           image->end - image->hypercall_page >= HV_PAGE_SIZE));
}

static void check_layout(const struct image *image, uint64_t pages)
{
    struct memory_extent extent = {.pfn = 0, .frame = 0x1000, .order = 20};
    struct memory memory = {.pages = pages, .nr = 1, .room = 1, .extent = &extent};
    struct chaos_error err;
    struct layout layout;
    uint64_t *tables;

    if (layout_compute(image, 0, pages, false, &layout, &err) < 0)
        return;
    require(layout.end_pfn <= pages && layout.mapped_pages <= pages);
    require(layout.mapped_pages >= layout.end_pfn);
    require(layout_address(&layout, layout.kernel_pfn) <= image->start);
    require(layout_address(&layout, layout.kernel_pfn + layout.kernel_pages) >= image->end);
    require(layout.nr_tables <= 16);
    tables = malloc(layout.nr_tables * HV_PAGE_SIZE);
    require(tables != NULL);
    pagetables_fill(&layout, &memory, tables);
    free(tables);
}

static void try(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    const struct image_source source = {.read = read_input, .opaque = &input, .size = size};
    struct chaos_error err = {0};
    struct image image;

    if (image_elf_parse(&source, &image, &err) == 0) {
        check_image(&image, size);
        check_layout(&image, 256);
        check_layout(&image, 4096);
    } else {
        require(err.code < 0 && err.text[0] && err.exit == CHAOS_EXIT_CONFIG);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_maker maker;
    size_t at, place, length;

    if (size >= 4 && memcmp(data,
                            "\x7f"
                            "ELF",
                            4) == 0) {
        try(data, size);
        return 0;
    }
    elf_make(&maker);
    for (at = 0; at + 3 <= size; at += 3 + length) {
        place = (data[at] | (size_t)data[at + 1] << 8) % 0x400; /* headers and notes */
        length = data[at + 2] % 9;
        if (length > size - at - 3)
            break;
        memcpy(maker.bytes + place, data + at + 3, length);
    }
    try(maker.bytes, maker.size);
    return 0;
}
