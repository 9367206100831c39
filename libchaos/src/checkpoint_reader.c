// SPDX-License-Identifier: BSD-3-Clause
#include "checkpoint_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <xen/xen.h>

#include "cleanup.h"
#include "hv.h"

#define ENTRIES (HV_PAGE_SIZE / sizeof(uint64_t))

static int next_of_type(struct checkpoint_reader *reader, enum checkpoint_type type,
                        const char *what, struct stream_record *record, struct chaos_error *err)
{
    int rc = stream_next(&reader->stream, record, err);

    /* Optional ones may stand anywhere. */
    while (rc == 0 && record->flags & STREAM_OPTIONAL)
        rc = stream_next(&reader->stream, record, err);
    if (rc == 0 && record->type != type)
        return stream_flaw(err, record->offset, "record %u has type %u, not the %s",
                           record->sequence, record->type, what);
    return rc;
}

static int read_config(struct checkpoint_reader *reader, struct chaos_error *err)
{
    struct stream_record record;
    int rc = next_of_type(reader, CHECKPOINT_CONFIG, "configuration", &record, err);

    if (rc < 0)
        return rc;
    if (record.length == 0 || record.length > CHECKPOINT_CONFIG_MAX)
        return stream_flaw(err, record.offset, "the configuration has %u bytes", record.length);
    if (memchr(record.payload, '\0', record.length))
        return stream_flaw(err, record.offset, "the configuration is not text");
    reader->config = malloc(record.length + 1);
    if (!reader->config)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    memcpy(reader->config, record.payload, record.length);
    reader->config[record.length] = '\0';
    reader->config_length = record.length;
    return 0;
}

static int read_domain(struct checkpoint_reader *reader, struct chaos_error *err)
{
    struct checkpoint_domain *domain = &reader->domain;
    struct stream_record record;
    int rc = next_of_type(reader, CHECKPOINT_DOMAIN, "domain", &record, err);

    if (rc < 0)
        return rc;
    if (record.length != sizeof(*domain))
        return stream_flaw(err, record.offset, "the domain record has %u bytes, not %zu",
                           record.length, sizeof(*domain));
    memcpy(domain, record.payload, sizeof(*domain));
    if (domain->pages == 0 || domain->pages > CHECKPOINT_PAGES_MAX)
        return stream_flaw(err, record.offset, "a guest cannot have %llu pages",
                           (unsigned long long)domain->pages);
    if (domain->vcpus == 0 || domain->vcpus > CHECKPOINT_VCPUS_MAX)
        return stream_flaw(err, record.offset, "a guest cannot have %u vcpus", domain->vcpus);
    if (domain->reserved[0] != 0 || domain->reserved[1] != 0)
        return stream_flaw(err, record.offset, "reserved bytes of the domain record are not 0");
    return 0;
}

static int make_room_for_told(struct checkpoint_reader *reader, struct chaos_error *err)
{
    const size_t words = (size_t)((reader->domain.pages + 63) / 64);

    if (!(reader->stream.features & STREAM_LIVE))
        return 0;
    reader->told = calloc(words, sizeof(*reader->told));
    reader->tables = calloc(words, sizeof(*reader->tables));
    if (!reader->told || !reader->tables)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    return 0;
}

static int make_room_for_plain(struct checkpoint_reader *reader, struct chaos_error *err)
{
    if (!(reader->stream.features & STREAM_LZ4))
        return 0;
    reader->plain = malloc(CHECKPOINT_DATA_PAGES * HV_PAGE_SIZE);
    return reader->plain ? 0 : chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
}

int checkpoint_open(struct checkpoint_reader *reader, stream_read *read, void *opaque,
                    struct chaos_error *err)
{
    int rc;

    memset(reader, 0, sizeof(*reader));
    rc = stream_open(&reader->stream, read, opaque, err);
    if (rc == 0)
        rc = read_config(reader, err);
    if (rc == 0)
        rc = read_domain(reader, err);
    if (rc == 0)
        rc = make_room_for_told(reader, err);
    if (rc == 0)
        rc = make_room_for_plain(reader, err);
    return rc;
}

void checkpoint_release(struct checkpoint_reader *reader)
{
    stream_release(&reader->stream);
    free(reader->config);
    free(reader->told);
    free(reader->tables);
    free(reader->plain);
    reader->config = NULL;
    reader->plain = NULL;
    reader->told = reader->tables = NULL;
}

/* ---------------------------------------------------------------- pages */

static bool is_table(uint8_t kind)
{
    return kind >= CHECKPOINT_KIND_TABLE1 && kind <= CHECKPOINT_KIND_TABLE4;
}

static bool has_contents(const struct checkpoint_run *run)
{
    return run->kind == CHECKPOINT_KIND_DATA || is_table(run->kind);
}

/* The page that others are the same as stands before them, with contents. */
static bool good_reference(const struct checkpoint_reader *reader, uint32_t same)
{
    uint32_t low = 0, high = reader->nr_stored, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (reader->stored[middle].index < same)
            low = middle + 1;
        else
            high = middle;
    }
    return low < reader->nr_stored && reader->stored[low].index == same &&
           reader->stored[low].kind == CHECKPOINT_KIND_DATA;
}

static bool is_known_kind(const struct checkpoint_reader *reader, uint8_t kind)
{
    return kind <= CHECKPOINT_KIND_UNUSED || is_table(kind) ||
           (kind == CHECKPOINT_KIND_ELSEWHERE && reader->told);
}

/* In a live stream the last window counts; but what is a page table is not changed any more. */
static int note_told(struct checkpoint_reader *reader, const struct stream_record *record,
                     const struct checkpoint_run *run, uint32_t at, struct chaos_error *err)
{
    uint64_t pfn = reader->window.first + at;
    const uint64_t end = pfn + run->nr;

    if (run->kind == CHECKPOINT_KIND_ELSEWHERE)
        return 0;
    for (; reader->told && pfn < end; pfn++) {
        const uint64_t mask = 1ull << pfn % 64;

        if (reader->tables[pfn / 64] & mask)
            return stream_flaw(err, record->offset,
                               "record %u: page %llu came as a page table, and comes again",
                               record->sequence, (unsigned long long)pfn);
        reader->told_pages += !(reader->told[pfn / 64] & mask);
        reader->told[pfn / 64] |= mask;
        if (is_table(run->kind))
            reader->tables[pfn / 64] |= mask;
    }
    return 0;
}

static int take_run(struct checkpoint_reader *reader, const struct stream_record *record,
                    const struct checkpoint_run *run, uint32_t at, struct chaos_error *err)
{
    uint32_t i;
    int rc;

    if (run->nr == 0 || run->nr > reader->window.nr - at)
        return stream_flaw(err, record->offset, "record %u: its runs are not its %u pages",
                           record->sequence, reader->window.nr);
    if (!is_known_kind(reader, run->kind))
        return stream_flaw(err, record->offset, "record %u: page %llu is of kind %u, unknown",
                           record->sequence, (unsigned long long)reader->window.first + at,
                           run->kind);
    if (run->flags & ~CHECKPOINT_PINNED || (run->flags && !is_table(run->kind)))
        return stream_flaw(err, record->offset, "record %u: page %llu has flags 0x%x",
                           record->sequence, (unsigned long long)reader->window.first + at,
                           run->flags);
    if (run->kind == CHECKPOINT_KIND_SAME ? !good_reference(reader, run->same) : run->same != 0)
        return stream_flaw(err, record->offset,
                           "record %u: page %llu is said to be the same as one without contents",
                           record->sequence, (unsigned long long)reader->window.first + at);
    rc = note_told(reader, record, run, at, err);
    if (rc < 0 || !has_contents(run))
        return rc;
    for (i = 0; i < run->nr; i++)
        reader->stored[reader->nr_stored++] =
            (struct checkpoint_stored){.index = (uint16_t)(at + i), .kind = run->kind};
    return 0;
}

static int window_complete(const struct checkpoint_reader *reader,
                           const struct stream_record *record, struct chaos_error *err)
{
    if (reader->nr_data == reader->nr_stored)
        return 0;
    return stream_flaw(err, record->offset, "the contents of %u pages are missing",
                       reader->nr_stored - reader->nr_data);
}

/* Of a live stream they may stand anywhere, but not come without end. */
static int check_place(struct checkpoint_reader *reader, const struct stream_record *record,
                       struct chaos_error *err)
{
    const struct checkpoint_pages *window = &reader->window;
    const uint64_t pages = reader->domain.pages;

    if (!reader->told && window->first != reader->told_pages)
        return stream_flaw(err, record->offset, "page %llu stands where page %llu should",
                           (unsigned long long)window->first,
                           (unsigned long long)reader->told_pages);
    if (window->nr == 0 || window->nr > CHECKPOINT_WINDOW || window->first >= pages ||
        window->nr > pages - window->first)
        return stream_flaw(
            err, record->offset, "record %u has %u pages: it may have %u, and the guest has %llu",
            record->sequence, window->nr, CHECKPOINT_WINDOW, (unsigned long long)pages);
    reader->window_pages += window->nr;
    if (reader->window_pages > pages * CHECKPOINT_TIMES_MAX)
        return stream_flaw(err, record->offset, "its pages come again more than %u times",
                           CHECKPOINT_TIMES_MAX);
    return 0;
}

static int take_pages(struct checkpoint_reader *reader, const struct stream_record *record,
                      struct chaos_error *err)
{
    struct checkpoint_pages *window = &reader->window;
    uint32_t i, at = 0;
    int rc = window_complete(reader, record, err);

    if (rc < 0)
        return rc;
    if (reader->guest_seen)
        return stream_flaw(err, record->offset, "pages follow the guest record");
    if (record->length < sizeof(*window))
        return stream_flaw(err, record->offset, "record %u is too short", record->sequence);
    memcpy(window, record->payload, sizeof(*window));
    rc = check_place(reader, record, err);
    if (rc < 0)
        return rc;
    if (window->nr_runs == 0 || window->nr_runs > window->nr ||
        record->length != sizeof(*window) + window->nr_runs * sizeof(reader->run[0]))
        return stream_flaw(err, record->offset, "record %u: its length does not fit its %u runs",
                           record->sequence, window->nr_runs);
    memcpy(reader->run, record->payload + sizeof(*window),
           window->nr_runs * sizeof(reader->run[0]));
    reader->nr_stored = reader->nr_data = 0;
    for (i = 0; i < window->nr_runs; at += reader->run[i++].nr) {
        rc = take_run(reader, record, &reader->run[i], at, err);
        if (rc < 0)
            return rc;
    }
    if (at != window->nr)
        return stream_flaw(err, record->offset, "record %u: its runs are not its %u pages",
                           record->sequence, window->nr);
    if (!reader->told)
        reader->told_pages += window->nr;
    reader->stored_pages += reader->nr_stored;
    return 0;
}

static int check_table(const struct checkpoint_reader *reader, const struct stream_record *record,
                       const uint8_t *bytes, uint32_t page, struct chaos_error *err)
{
    const uint64_t *entry = (const uint64_t *)(bytes + page * HV_PAGE_SIZE);
    uint64_t wrong = 0, place = record->offset;
    size_t i;

    for (i = 0; i < ENTRIES; i++)
        if (entry[i] & PTE_PRESENT)
            wrong |= (entry[i] & PTE_FRAME) >> PTE_FRAME_SHIFT >= reader->domain.pages;
    if (!wrong)
        return 0;
    if (record->type == CHECKPOINT_DATA) /* what is compressed has no place of its own */
        place += sizeof(struct stream_record_header) + page * HV_PAGE_SIZE;
    return stream_flaw(err, place, "the page table that is page %llu leads out of the guest",
                       (unsigned long long)reader->window.first +
                           reader->stored[reader->nr_data + page].index);
}

/* The contents of nr pages, of which as many are to come. */
static int take_contents(struct checkpoint_reader *reader, const struct stream_record *record,
                         const uint8_t *bytes, uint32_t nr, struct checkpoint_item *item,
                         struct chaos_error *err)
{
    uint32_t i;
    int rc;

    for (i = 0; i < nr; i++) {
        if (!is_table(reader->stored[reader->nr_data + i].kind))
            continue;
        rc = check_table(reader, record, bytes, i, err);
        if (rc < 0)
            return rc;
    }
    item->type = CHECKPOINT_DATA;
    item->data.bytes = bytes;
    item->data.from = reader->nr_data;
    item->data.nr = nr;
    reader->nr_data += nr;
    return 0;
}

static bool are_to_come(const struct checkpoint_reader *reader, uint32_t nr)
{
    return nr > 0 && nr <= CHECKPOINT_DATA_PAGES && nr <= reader->nr_stored - reader->nr_data;
}

static int take_data(struct checkpoint_reader *reader, const struct stream_record *record,
                     struct checkpoint_item *item, struct chaos_error *err)
{
    const uint32_t nr = record->length / HV_PAGE_SIZE;

    if (record->length % HV_PAGE_SIZE != 0 || !are_to_come(reader, nr))
        return stream_flaw(err, record->offset,
                           "record %u has %u bytes of pages, where %u pages are to come",
                           record->sequence, record->length, reader->nr_stored - reader->nr_data);
    return take_contents(reader, record, record->payload, nr, item, err);
}

/* How much comes out of it is known, and checked, before any of it does. */
static int take_lz4(struct checkpoint_reader *reader, const struct stream_record *record,
                    struct checkpoint_item *item, struct chaos_error *err)
{
    const char *block = (const char *)record->payload + sizeof(struct checkpoint_lz4);
    struct checkpoint_lz4 head;
    int size;

    if (!reader->plain)
        return stream_flaw(err, record->offset,
                           "record %u is compressed, which the header does not tell",
                           record->sequence);
    if (record->length <= sizeof(head))
        return stream_flaw(err, record->offset, "record %u is too short", record->sequence);
    memcpy(&head, record->payload, sizeof(head));
    if (!are_to_come(reader, head.nr) || head.reserved != 0)
        return stream_flaw(err, record->offset,
                           "record %u has %u compressed pages, where %u pages are to come",
                           record->sequence, head.nr, reader->nr_stored - reader->nr_data);
    size = (int)(head.nr * HV_PAGE_SIZE);
    if (record->length >= (uint32_t)size)
        return stream_flaw(err, record->offset, "record %u has %u bytes for %u compressed pages",
                           record->sequence, record->length, head.nr);
    if (LZ4_decompress_safe(block, (char *)reader->plain, (int)(record->length - sizeof(head)),
                            size) != size)
        return stream_flaw(err, record->offset, "record %u does not come to %u pages of contents",
                           record->sequence, head.nr);
    return take_contents(reader, record, reader->plain, head.nr, item, err);
}

/* ---------------------------------------------------------------- what is left of the guest */

static int take_guest(struct checkpoint_reader *reader, const struct stream_record *record,
                      struct checkpoint_item *item, struct chaos_error *err)
{
    const struct checkpoint_guest *guest = (const void *)record->payload;
    const uint64_t *p2m = (const void *)(record->payload + sizeof(*guest));
    const uint64_t pages = reader->domain.pages;
    uint32_t i;
    int rc = window_complete(reader, record, err);

    if (rc < 0)
        return rc;
    if (reader->guest_seen)
        return stream_flaw(err, record->offset, "there are two guest records");
    if (reader->told_pages != pages)
        return stream_flaw(err, record->offset, "only %llu of the guest's %llu pages are there",
                           (unsigned long long)reader->told_pages, (unsigned long long)pages);
    if (record->length < sizeof(*guest) || guest->nr_p2m > pages ||
        record->length != sizeof(*guest) + guest->nr_p2m * sizeof(*p2m))
        return stream_flaw(err, record->offset, "the guest record has %u bytes", record->length);
    if (guest->start_info >= pages || guest->console >= pages ||
        guest->start_info == guest->console ||
        (guest->store >= pages && guest->store != CHECKPOINT_NO_PAGE))
        return stream_flaw(err, record->offset,
                           "start info, console or store is no page of the guest");
    if (reader->domain.vcpus < 32 && guest->upcall_mask >> reader->domain.vcpus != 0)
        return stream_flaw(err, record->offset, "the guest record has a mask for %u vcpus",
                           reader->domain.vcpus);
    if (guest->nr_p2m < (pages + ENTRIES - 1) / ENTRIES)
        return stream_flaw(err, record->offset, "its table of frames is too short");
    for (i = 0; i < guest->nr_p2m; i++)
        if (p2m[i] >= pages)
            return stream_flaw(err, record->offset, "its table of frames is no memory of its own");
    item->guest.guest = guest;
    item->guest.p2m = p2m;
    reader->guest_seen = true;
    return 0;
}

static int check_context(const struct checkpoint_reader *reader, const struct stream_record *record,
                         const void *bytes, size_t length, struct chaos_error *err)
{
    struct vcpu_guest_context context;
    bool good;
    size_t i;

    if (length != sizeof(context))
        return stream_flaw(err, record->offset, "a vcpu's registers are %zu bytes, not %zu", length,
                           sizeof(context));
    memcpy(&context, bytes, sizeof(context));
    good = xen_cr3_to_pfn(context.ctrlreg[3]) < reader->domain.pages;
    if (context.ctrlreg[1] != 0)
        good = good && xen_cr3_to_pfn(context.ctrlreg[1]) < reader->domain.pages;
    good = good && context.gdt_ents <= sizeof(context.gdt_frames) / sizeof(uint64_t) * 512;
    for (i = 0; good && i * 512 < context.gdt_ents; i++)
        good = context.gdt_frames[i] < reader->domain.pages;
    if (!good)
        return stream_flaw(err, record->offset, "registers of a vcpu lead out of the guest");
    return 0;
}

static int take_vcpu(struct checkpoint_reader *reader, const struct stream_record *record,
                     struct checkpoint_item *item, struct chaos_error *err)
{
    const struct checkpoint_vcpu *head = (const void *)record->payload;
    int rc = 0;

    if (!reader->guest_seen)
        return stream_flaw(err, record->offset, "a vcpu stands before the guest record");
    if (record->length < sizeof(*head) || record->length > CHECKPOINT_VCPU_MAX)
        return stream_flaw(err, record->offset, "a vcpu record has %u bytes", record->length);
    if (head->vcpu >= reader->domain.vcpus || head->state >= HV_VCPU_STATES ||
        head->vcpu * HV_VCPU_STATES + head->state < reader->next_vcpu)
        return stream_flaw(err, record->offset, "state %u of vcpu %u has no place here",
                           head->state, head->vcpu);
    if (head->state != HV_VCPU_CONTEXT && !(reader->contexts >> head->vcpu & 1))
        return stream_flaw(err, record->offset, "state %u of vcpu %u comes without its registers",
                           head->state, head->vcpu);
    reader->next_vcpu = head->vcpu * HV_VCPU_STATES + head->state + 1;
    item->vcpu.vcpu = head->vcpu;
    item->vcpu.state = head->state;
    item->vcpu.bytes = record->payload + sizeof(*head);
    item->vcpu.length = record->length - sizeof(*head);
    if (head->state == HV_VCPU_CONTEXT) {
        rc = check_context(reader, record, item->vcpu.bytes, item->vcpu.length, err);
        reader->contexts |= 1u << head->vcpu;
    }
    return rc;
}

static int take_end(struct checkpoint_reader *reader, const struct stream_record *record,
                    struct chaos_error *err)
{
    struct checkpoint_end end;

    if (!reader->guest_seen || !(reader->contexts & 1))
        return stream_flaw(err, record->offset, "it ends before the guest is complete");
    if (record->length != sizeof(end))
        return stream_flaw(err, record->offset, "the end record has %u bytes, not %zu",
                           record->length, sizeof(end));
    memcpy(&end, record->payload, sizeof(end));
    if (end.pages != reader->domain.pages || end.stored_pages != reader->stored_pages ||
        end.bytes != record->offset || end.sum != xxh64_end(&reader->stream.all))
        return stream_flaw(err, record->offset,
                           "the totals of the end record are not those of what was read");
    return 0;
}

int checkpoint_next(struct checkpoint_reader *reader, struct checkpoint_item *item,
                    struct chaos_error *err)
{
    struct stream_record record;
    int rc;

    for (;;) {
        rc = stream_next(&reader->stream, &record, err);
        if (rc < 0)
            return rc;
        item->type = (enum checkpoint_type)record.type;
        switch (record.flags & STREAM_OPTIONAL ? UINT32_MAX : record.type) {
        case CHECKPOINT_PAGES:
            return take_pages(reader, &record, err);
        case CHECKPOINT_DATA:
            return take_data(reader, &record, item, err);
        case CHECKPOINT_DATA_LZ4:
            return take_lz4(reader, &record, item, err);
        case CHECKPOINT_GUEST:
            return take_guest(reader, &record, item, err);
        case CHECKPOINT_VCPU:
            return take_vcpu(reader, &record, item, err);
        case CHECKPOINT_END:
            return take_end(reader, &record, err);
        case UINT32_MAX:
            continue; /* no optional record is known to this version */
        default:
            return stream_flaw(err, record.offset, "record %u has type %u, which has no place here",
                               record.sequence, record.type);
        }
    }
}

/* ---------------------------------------------------------------- all of it */

int checkpoint_check(struct checkpoint_reader *reader, struct chaos_error *err)
{
    struct checkpoint_item item;
    int rc;

    do {
        rc = checkpoint_next(reader, &item, err);
    } while (rc == 0 && item.type != CHECKPOINT_END);
    return rc < 0 ? rc : stream_at_end(&reader->stream, err);
}

int checkpoint_summary(const struct checkpoint_reader *reader, struct chaos_checkpoint *out,
                       struct chaos_error *err)
{
    const struct chaos_config_options options = {0};
    struct chaos_config config;
    int rc = chaos_config_parse("its configuration", reader->config, reader->config_length, NULL, 0,
                                &options, &config, err);

    if (rc < 0)
        return rc;
    memset(out, 0, sizeof(*out));
    memcpy(out->name, config.name, sizeof(out->name));
    chaos_config_free(&config);
    memcpy(out->uuid, reader->domain.uuid, sizeof(out->uuid));
    out->memory_mib = (uint32_t)(reader->domain.pages >> 8);
    out->vcpus = reader->domain.vcpus;
    out->xen_major = reader->domain.xen_major;
    out->xen_minor = reader->domain.xen_minor;
    out->records = reader->stream.sequence;
    out->pages = reader->domain.pages;
    out->stored_pages = reader->stored_pages;
    out->compressed = reader->plain != NULL;
    out->bytes = reader->stream.offset;
    return 0;
}
