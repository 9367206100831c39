// SPDX-License-Identifier: BSD-3-Clause
/*
 * The record of a shell: that of a domain (record.h), then lines of numbers and strings in a fixed
 * order, "end" last: without it the shell was not ready.
 */
#include "shell_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "shell 1\n"
#define LAST_LINE  "end\n"

static void add_number(struct text *text, uint64_t value)
{
    text_unsigned(text, value);
    text_char(text, '\n');
}

static void add_line(struct text *text, const char *line)
{
    text_string(text, line);
    text_char(text, '\n');
}

static void add_id(struct text *text, const struct image_id *id)
{
    add_number(text, id->device);
    add_number(text, id->inode);
    add_number(text, id->size);
    add_number(text, (uint64_t)id->modified_ns);
    add_number(text, (uint64_t)id->changed_ns);
}

void shell_record_format(const struct shell *shell, struct text *text)
{
    const struct flavour *flavour = &shell->flavour;
    size_t i;

    record_begin(&shell->record, flavour->bus, text);
    text_string(text, FIRST_LINE);
    add_number(text, shell->store_port);
    add_number(text, flavour->memory_mib);
    add_number(text, flavour->vcpus);
    add_number(text, flavour->max_event_channels);
    add_number(text, flavour->max_grant_frames);
    add_number(text, flavour->nr_vifs);
    for (i = 0; i < flavour->nr_vifs; i++)
        add_line(text, flavour->bridge[i]);
    add_line(text, flavour->kernel);
    add_line(text, flavour->ramdisk);
    if (flavour->kernel[0]) {
        add_number(text, shell->window.start_info_pfn);
        add_id(text, &shell->kernel_id);
        add_id(text, &shell->ramdisk_id);
    }
    add_number(text, shell->memory.nr);
    for (i = 0; i < shell->memory.nr; i++) {
        add_number(text, shell->memory.extent[i].order);
        add_number(text, shell->memory.extent[i].frame);
    }
    text_string(text, LAST_LINE);
}

/* Where we are in the text; NULL: it was not what it must be. */
struct reader {
    const char *at;
};

static uint64_t number(struct reader *reader, uint64_t most)
{
    uint64_t value;
    char *end;

    if (!reader->at || *reader->at < '0' || *reader->at > '9')
        goto bad;
    errno = 0;
    value = strtoull(reader->at, &end, 10);
    if (errno != 0 || *end != '\n' || value > most)
        goto bad;
    reader->at = end + 1;
    return value;
bad:
    reader->at = NULL;
    return 0;
}

static void line(struct reader *reader, char *out, size_t size)
{
    const char *end = reader->at ? strchr(reader->at, '\n') : NULL;

    if (!end || (size_t)(end - reader->at) >= size) {
        reader->at = NULL;
        return;
    }
    memcpy(out, reader->at, (size_t)(end - reader->at));
    out[end - reader->at] = '\0';
    reader->at = end + 1;
}

static void expect(struct reader *reader, const char *text)
{
    if (reader->at && strncmp(reader->at, text, strlen(text)) == 0)
        reader->at += strlen(text);
    else
        reader->at = NULL;
}

static void read_id(struct reader *reader, struct image_id *out)
{
    out->device = number(reader, UINT64_MAX);
    out->inode = number(reader, UINT64_MAX);
    out->size = number(reader, IMAGE_FILE_MAX);
    out->modified_ns = (int64_t)number(reader, INT64_MAX);
    out->changed_ns = (int64_t)number(reader, INT64_MAX);
}

static void read_flavour(struct reader *reader, struct flavour *out)
{
    uint32_t i;

    out->memory_mib = (uint32_t)number(reader, UINT32_MAX);
    out->vcpus = (uint32_t)number(reader, UINT32_MAX);
    out->max_event_channels = (uint32_t)number(reader, UINT32_MAX);
    out->max_grant_frames = (uint32_t)number(reader, UINT32_MAX);
    out->nr_vifs = (uint32_t)number(reader, CHAOS_VIFS_MAX);
    for (i = 0; i < out->nr_vifs; i++)
        line(reader, out->bridge[i], sizeof(out->bridge[i]));
    line(reader, out->kernel, sizeof(out->kernel));
    line(reader, out->ramdisk, sizeof(out->ramdisk));
}

static void read_memory(struct reader *reader, struct memory *out)
{
    size_t i, nr = (size_t)number(reader, REGISTRY_RECORD_MAX);
    uint64_t pfn = 0;

    out->extent = nr ? calloc(nr, sizeof(*out->extent)) : NULL;
    if (!out->extent) {
        reader->at = NULL;
        return;
    }
    out->nr = out->room = nr;
    for (i = 0; i < nr && reader->at; i++) {
        out->extent[i].pfn = pfn;
        out->extent[i].order = (unsigned int)number(reader, 20);
        out->extent[i].frame = number(reader, UINT64_MAX >> HV_PAGE_SHIFT);
        pfn += 1ull << out->extent[i].order;
    }
    out->pages = pfn;
}

bool shell_record_parse(const char *text, size_t length, struct shell *shell)
{
    struct chaos_error ignored;
    struct reader reader;

    if (record_parse(text, length, &shell->record, &ignored) < 0)
        return false;
    reader.at = strchr(shell->record.config, '\n'); /* behind the bus */
    expect(&reader, "\n" FIRST_LINE);
    shell->flavour.bus = shell->record.bus;
    shell->store_port = (uint32_t)number(&reader, UINT32_MAX);
    read_flavour(&reader, &shell->flavour);
    if (shell->flavour.kernel[0]) {
        shell->window.start_info_pfn = number(&reader, UINT32_MAX);
        read_id(&reader, &shell->kernel_id);
        read_id(&reader, &shell->ramdisk_id);
    }
    read_memory(&reader, &shell->memory);
    expect(&reader, LAST_LINE);
    shell->record.config = NULL; /* it points into the text */
    shell->record_length = length;
    shell_set_kind(shell);
    return reader.at && *reader.at == '\0' &&
           shell->memory.pages == (uint64_t)shell->flavour.memory_mib << 8 &&
           shell->window.start_info_pfn < shell->memory.pages;
}
