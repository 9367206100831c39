// SPDX-License-Identifier: BSD-3-Clause
#include "checkpoint_maker.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <lz4.h>
#include <xen/xen.h>

#include "checkpoint_format.h"
#include "hv.h"

int maker_write(void *opaque, const struct iovec *parts, int nr)
{
    struct maker_bytes *out = opaque;
    int i;

    for (i = 0; i < nr; i++) {
        if (parts[i].iov_len > sizeof(out->bytes) - out->length)
            return -ENOSPC;
        memcpy(out->bytes + out->length, parts[i].iov_base, parts[i].iov_len);
        out->length += parts[i].iov_len;
    }
    return 0;
}

ssize_t maker_read(void *opaque, void *buffer, size_t size)
{
    struct maker_bytes *in = opaque;
    size_t left = in->length - in->read;

    if (size > left)
        size = left;
    memcpy(buffer, in->bytes + in->read, size);
    in->read += size;
    return (ssize_t)size;
}

static void put(struct stream_writer *writer, uint16_t type, uint16_t flags, const void *first,
                size_t first_size, const void *second, size_t second_size)
{
    const struct iovec parts[] = {{(void *)first, first_size}, {(void *)second, second_size}};
    struct chaos_error err;
    int rc = stream_put(writer, type, flags, parts, second ? 2 : 1, &err);

    assert(rc == 0);
    (void)rc;
}

static void put_data(struct stream_writer *writer, bool compressed, uint64_t (*pages)[512],
                     uint32_t nr)
{
    const struct checkpoint_lz4 head = {.nr = nr};
    static char block[CHECKPOINT_DATA_PAGES * HV_PAGE_SIZE];
    const int size = (int)(nr * HV_PAGE_SIZE);
    int packed;

    if (!compressed) {
        put(writer, CHECKPOINT_DATA, 0, pages, (size_t)size, NULL, 0);
        return;
    }
    packed = LZ4_compress_default((const char *)pages, block, size, size - (int)sizeof(head) - 1);
    assert(packed > 0);
    put(writer, CHECKPOINT_DATA_LZ4, 0, &head, sizeof(head), block, (size_t)packed);
}

/* 200 zero, 50 that are not used, two of data, one the same as the first of these, three tables. */
static void put_pages(struct stream_writer *writer, bool compressed)
{
    static const struct checkpoint_run runs[] = {
        {.nr = 200, .kind = CHECKPOINT_KIND_ZERO},
        {.nr = 50, .kind = CHECKPOINT_KIND_UNUSED},
        {.nr = 2, .kind = CHECKPOINT_KIND_DATA},
        {.nr = 1, .kind = CHECKPOINT_KIND_SAME, .same = 250},
        {.nr = 1, .kind = CHECKPOINT_KIND_TABLE1},
        {.nr = 1, .kind = CHECKPOINT_KIND_TABLE2},
        {.nr = 1, .kind = CHECKPOINT_KIND_TABLE4, .flags = CHECKPOINT_PINNED},
    };
    const struct checkpoint_pages pages = {.nr = MAKER_PAGES,
                                           .nr_runs = sizeof(runs) / sizeof(runs[0])};
    static uint64_t data[5][512];
    size_t i;

    for (i = 0; i < 512; i++) {
        data[0][i] = i * 0x9e3779b97f4a7c15u;
        data[1][i] = i + 1;
        data[2][i] = i < MAKER_PAGES ? i << 12 | 0x63 : 0;
    }
    data[3][2] = 253 << 12 | 0x67;
    data[4][0] = 254 << 12 | 0x67;
    put(writer, CHECKPOINT_PAGES, 0, &pages, sizeof(pages), runs, sizeof(runs));
    put_data(writer, compressed, data, 2);
    put_data(writer, compressed, data + 2, 3);
}

static bool is_stored(const struct checkpoint_run *run)
{
    return run->kind == CHECKPOINT_KIND_DATA ||
           (run->kind >= CHECKPOINT_KIND_TABLE1 && run->kind <= CHECKPOINT_KIND_TABLE4);
}

/* What has contents has them in records of one page each. */
static void put_window(struct stream_writer *writer, const struct maker_window *window)
{
    const struct checkpoint_pages pages = {
        .first = window->first, .nr = window->nr, .nr_runs = window->nr_runs};
    static uint64_t data[512];
    uint32_t i, n;

    put(writer, CHECKPOINT_PAGES, 0, &pages, sizeof(pages), window->run,
        window->nr_runs * sizeof(window->run[0]));
    for (i = 0; i < window->nr_runs; i++)
        for (n = 0; n < window->run[i].nr; n++) {
            if (!is_stored(&window->run[i]))
                break;
            data[0] = (uint64_t)(n + 1) << 12 | 0x67;
            put(writer, CHECKPOINT_DATA, 0, data, sizeof(data), NULL, 0);
        }
}

static void put_head(struct stream_writer *writer)
{
    static const char config[] = "name=\"made\"\nkernel=\"/nowhere\"\nmemory=1\nvcpus=1\n";
    static const struct checkpoint_domain domain = {
        .uuid = "0123456789abcde", .pages = MAKER_PAGES, .vcpus = 1, .xen_major = 4};

    put(writer, CHECKPOINT_CONFIG, 0, config, sizeof(config) - 1, NULL, 0);
    put(writer, CHECKPOINT_DOMAIN, 0, &domain, sizeof(domain), NULL, 0);
}

static void put_rest(struct stream_writer *writer, uint64_t stored)
{
    static const struct checkpoint_guest guest = {
        .start_info = 3, .console = 4, .store = CHECKPOINT_NO_PAGE, .upcall_mask = 1, .nr_p2m = 1};
    static const uint64_t p2m[] = {7};
    struct checkpoint_vcpu vcpu = {.state = HV_VCPU_CONTEXT};
    struct vcpu_guest_context context;
    struct checkpoint_end end = {.pages = MAKER_PAGES, .stored_pages = stored};

    put(writer, CHECKPOINT_GUEST, 0, &guest, sizeof(guest), p2m, sizeof(p2m));
    memset(&context, 0, sizeof(context));
    context.user_regs.rip = 0x400123;
    context.ctrlreg[3] = xen_pfn_to_cr3(255);
    put(writer, CHECKPOINT_VCPU, 0, &vcpu, sizeof(vcpu), &context, sizeof(context));
    vcpu.state = HV_VCPU_MSRS;
    put(writer, CHECKPOINT_VCPU, 0, &vcpu, sizeof(vcpu), NULL, 0);
    end.bytes = writer->offset;
    end.sum = xxh64_end(&writer->all);
    put(writer, CHECKPOINT_END, 0, &end, sizeof(end), NULL, 0);
}

static void make(struct maker_bytes *out, bool compressed)
{
    struct stream_writer writer;
    struct chaos_error err;

    out->length = out->read = 0;
    stream_begin(&writer, maker_write, out, compressed ? STREAM_LZ4 : 0, &err);
    put_head(&writer);
    put(&writer, 0x7fff, STREAM_OPTIONAL, "later", 5, NULL, 0);
    put_pages(&writer, compressed);
    put_rest(&writer, 5);
}

void maker_make(struct maker_bytes *out)
{
    make(out, false);
}

void maker_make_lz4(struct maker_bytes *out)
{
    make(out, true);
}

/* Two rounds: in the first a table waits, in the second it comes and others come again. */
const struct maker_window maker_live[3] = {
    {.first = 0,
     .nr = 256,
     .nr_runs = 3,
     .run = {{.nr = 252, .kind = CHECKPOINT_KIND_ZERO},
             {.nr = 3, .kind = CHECKPOINT_KIND_DATA},
             {.nr = 1, .kind = CHECKPOINT_KIND_ELSEWHERE}}},
    {.first = 16, .nr = 8, .nr_runs = 1, .run = {{.nr = 8, .kind = CHECKPOINT_KIND_UNUSED}}},
    {.first = 0,
     .nr = 256,
     .nr_runs = 4,
     .run = {{.nr = 1, .kind = CHECKPOINT_KIND_DATA},
             {.nr = 1, .kind = CHECKPOINT_KIND_SAME, .same = 0},
             {.nr = 253, .kind = CHECKPOINT_KIND_ELSEWHERE},
             {.nr = 1, .kind = CHECKPOINT_KIND_TABLE4, .flags = CHECKPOINT_PINNED}}},
};

void maker_make_live(struct maker_bytes *out, uint32_t features, const struct maker_window *windows,
                     size_t nr)
{
    struct stream_writer writer;
    struct chaos_error err;
    uint64_t stored = 0;
    size_t i;
    uint32_t n;

    out->length = out->read = 0;
    stream_begin(&writer, maker_write, out, features, &err);
    put_head(&writer);
    for (i = 0; i < nr; i++) {
        put_window(&writer, &windows[i]);
        for (n = 0; n < windows[i].nr_runs; n++)
            if (is_stored(&windows[i].run[n]))
                stored += windows[i].run[n].nr;
    }
    put_rest(&writer, stored);
}

void maker_sign(struct maker_bytes *bytes)
{
    struct stream_record_header header;
    struct stream_header first;
    struct checkpoint_end end;
    struct xxh64 all;
    uint32_t sequence = 0;
    size_t at;

    if (bytes->length < sizeof(first))
        return;
    memcpy(&first, bytes->bytes, sizeof(first));
    first.checksum = xxh64(&first, offsetof(struct stream_header, checksum));
    memcpy(bytes->bytes, &first, sizeof(first));
    xxh64_begin(&all);
    for (at = sizeof(first); at + sizeof(header) <= bytes->length;
         at += sizeof(header) + header.length) {
        memcpy(&header, bytes->bytes + at, sizeof(header));
        if (header.length > bytes->length - at - sizeof(header))
            break;
        if (header.type == CHECKPOINT_END && header.length == sizeof(end)) {
            memcpy(&end, bytes->bytes + at + sizeof(header), sizeof(end));
            end.bytes = at;
            end.sum = xxh64_end(&all);
            memcpy(bytes->bytes + at + sizeof(header), &end, sizeof(end));
        }
        header.sequence = sequence++;
        header.payload_checksum = xxh64(bytes->bytes + at + sizeof(header), header.length);
        header.header_checksum =
            xxh64(&header, offsetof(struct stream_record_header, header_checksum));
        memcpy(bytes->bytes + at, &header, sizeof(header));
        xxh64_add(&all, &header.header_checksum, sizeof(header.header_checksum));
    }
}
