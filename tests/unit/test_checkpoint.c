// SPDX-License-Identifier: BSD-3-Clause
/* The format of checkpoints: what is good is taken, and every flaw is refused with its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lz4.h>
#include <xen/xen.h>

#include "checkpoint_maker.h"
#include "checkpoint_reader.h"
#include "hv.h"
#include "scratch.h"

static struct maker_bytes made, work;
static struct checkpoint_reader reader;

static int check(struct maker_bytes *bytes, struct chaos_error *err)
{
    int rc;

    *err = (struct chaos_error){0};
    bytes->read = 0;
    rc = checkpoint_open(&reader, maker_read, bytes, err);
    if (rc == 0)
        rc = checkpoint_check(&reader, err);
    checkpoint_release(&reader);
    return rc;
}

static void assert_refused(struct maker_bytes *bytes, const char *pattern)
{
    struct chaos_error err;
    int rc = check(bytes, &err);

    assert_int_equal(rc, -EBADMSG);
    assert_int_equal(err.code, rc);
    assert_int_equal(err.exit, CHAOS_EXIT_CONFIG);
    assert_int_equal(strncmp(err.text, "byte ", 5), 0);
    if (!strstr(err.text, pattern))
        fail_msg("\"%s\" does not say \"%s\"", err.text, pattern);
}

static int set_up(void **state)
{
    (void)state;
    maker_make(&made);
    return 0;
}

static int set_up_lz4(void **state)
{
    (void)state;
    maker_make_lz4(&made);
    return 0;
}

static void test_hash(void **state)
{
    static const char text[] = "Nobody inspects the spammish repetition";
    struct xxh64 pieces;
    size_t size, at;

    (void)state;
    assert_true(xxh64("", 0) == 0xef46db3751d8e999u);
    assert_true(xxh64("abc", 3) == 0x44bc2cf5ad770999u);
    assert_true(xxh64(text, 39) == 0xfbcea83c8a378bf1u);
    for (size = 1; size < 80; size++) {
        xxh64_begin(&pieces);
        for (at = 0; at < 1000; at += size)
            xxh64_add(&pieces, made.bytes + at, size < 1000 - at ? size : 1000 - at);
        assert_true(xxh64_end(&pieces) == xxh64(made.bytes, 1000));
    }
}

static void test_good(void **state)
{
    struct chaos_checkpoint summary;
    struct chaos_error err;
    const char *file;

    (void)state;
    assert_int_equal(check(&made, &err), 0);
    scratch_make();
    file = scratch_file("made", made.bytes, made.length);
    if (chaos_checkpoint_verify(file, &summary, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(summary.name, "made");
    assert_memory_equal(summary.uuid, "0123456789abcde", 16);
    assert_int_equal(summary.pages, MAKER_PAGES);
    assert_int_equal(summary.stored_pages, 5);
    assert_int_equal(summary.memory_mib, 1);
    assert_int_equal(summary.vcpus, 1);
    assert_int_equal(summary.bytes, made.length);
    assert_int_equal(summary.records, 10);
    assert_false(summary.compressed);
    file = scratch_file("short", made.bytes, made.length - 1);
    assert_int_equal(chaos_checkpoint_verify(file, &summary, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "short\": byte "));
    assert_int_equal(chaos_checkpoint_verify("/dev/zero", &summary, &err), -EINVAL);
    assert_int_equal(chaos_checkpoint_verify("/nowhere/at/all", &summary, &err), -ENOENT);
    assert_int_equal(err.exit, CHAOS_EXIT_NOT_FOUND);
    scratch_remove();
}

static void read_golden(const char *name)
{
    FILE *file = fopen(name, "r");
    struct chaos_error err;

    assert_non_null(file);
    work.length = fread(work.bytes, 1, sizeof(work.bytes), file);
    fclose(file);
    assert_int_equal(check(&work, &err), 0);
}

/* Files that today's writer made stay readable. */
static void test_golden(void **state)
{
    (void)state;
    read_golden(GOLDEN "/checkpoint-1");
    assert_int_equal(work.length, made.length);
    assert_memory_equal(work.bytes, made.bytes, made.length);
}

static void test_truncated(void **state)
{
    size_t length;

    (void)state;
    work = made;
    for (length = 0; length < made.length; length++) {
        work.length = length;
        assert_refused(&work, length == 0 ? "empty" : "cut off");
    }
    work.length = made.length;
    work.bytes[work.length++] = 0;
    assert_refused(&work, "follow the end");
}

/* Where the records' headers begin. */
static size_t edges(size_t *edge)
{
    struct stream_record_header header;
    size_t at, nr = 0;

    for (at = sizeof(struct stream_header); at < made.length;
         at += sizeof(header) + header.length) {
        memcpy(&header, made.bytes + at, sizeof(header));
        edge[nr++] = at;
    }
    assert_int_equal(at, made.length);
    return nr;
}

static void flip_header(size_t at)
{
    size_t bit;

    for (bit = 0; bit < 32 * 8; bit++) {
        work.bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(&work, "");
        work.bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_flipped(void **state)
{
    size_t edge[32], nr = edges(edge), i;

    (void)state;
    assert_int_equal(nr, 10);
    work = made;
    flip_header(0);
    for (i = 0; i < nr; i++)
        flip_header(edge[i]);
    for (i = 0; i < made.length; i++) { /* one bit of every byte of it */
        work.bytes[i] ^= (uint8_t)(1u << i % 8);
        assert_refused(&work, "");
        work.bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_memory_equal(work.bytes, made.bytes, made.length);
}

static void test_header(void **state)
{
    (void)state;
    work = made;
    work.bytes[offsetof(struct stream_header, version)] = 2;
    maker_sign(&work);
    assert_refused(&work, "byte 8: its format has version 2, this chaos reads version 1");
    work = made;
    work.bytes[offsetof(struct stream_header, version)] = 0;
    maker_sign(&work);
    assert_refused(&work, "version 0");
    work = made;
    work.bytes[offsetof(struct stream_header, flags)] = 4;
    maker_sign(&work);
    assert_refused(&work, "features");
    work = made;
    memcpy(work.bytes,
           "\x7f"
           "ELF",
           4);
    maker_sign(&work);
    assert_refused(&work, "no checkpoint");
    work = made;
    maker_sign(&work);
    assert_memory_equal(work.bytes, made.bytes,
                        made.length); /* sign changes nothing that is good */
}

enum { CONFIG, DOMAIN, LATER, PAGES, DATA1, DATA2, GUEST, CONTEXT, MSRS, END };

#define IN_HEADER(member)                                                                          \
    (int)offsetof(struct stream_record_header, member) - (int)sizeof(struct stream_record_header)

/* Numbers written over a payload (a negative place: over its header), and what is said of it. */
static const struct flaw {
    int record, at, size;
    uint64_t value;
    const char *says;
} flaws[] = {
    {CONFIG, IN_HEADER(type), 2, CHECKPOINT_DOMAIN, "not the configuration"},
    {CONFIG, 3, 1, 0, "not text"},
    {DOMAIN, IN_HEADER(type), 2, 99, "not the domain"},
    {DOMAIN, offsetof(struct checkpoint_domain, pages), 8, 0, "cannot have 0 pages"},
    {DOMAIN, offsetof(struct checkpoint_domain, pages), 8, ~0ull, "cannot have"},
    {DOMAIN, offsetof(struct checkpoint_domain, pages), 8, 255, "it may have"},
    {DOMAIN, offsetof(struct checkpoint_domain, pages), 8, 257, "only 256 of the guest's 257"},
    {DOMAIN, offsetof(struct checkpoint_domain, vcpus), 4, 0, "0 vcpus"},
    {DOMAIN, offsetof(struct checkpoint_domain, vcpus), 4, 33, "33 vcpus"},
    {DOMAIN, offsetof(struct checkpoint_domain, reserved), 4, 1, "reserved"},
    {LATER, IN_HEADER(flags), 2, 0, "type 32767"},
    {LATER, IN_HEADER(flags), 2, 2, "flags"},
    {LATER, IN_HEADER(reserved), 4, 1, "flags"},
    {PAGES, 0, 8, 1, "page 1 stands where page 0 should"},
    {PAGES, 8, 4, 257, "it may have"},
    {PAGES, 8, 4, 0, "it may have"},
    {PAGES, 8, 4, 255, "runs"},
    {PAGES, 12, 4, 8, "its 8 runs"},
    {PAGES, 12, 4, 0, "its 0 runs"},
    {PAGES, 16, 4, 0, "its runs are not"},
    {PAGES, 16, 4, UINT32_MAX, "its runs are not"},
    {PAGES, 16, 4, 199, "its runs are not"},
    {PAGES, 16 + 4, 1, 8, "kind 8"},
    {PAGES, 16 + 5, 1, CHECKPOINT_PINNED, "flags 0x1"},
    {PAGES, 16 + 8 + 5, 1, CHECKPOINT_PINNED, "flags 0x1"},
    {PAGES, 16 + 5 * 8 + 5, 1, 2, "flags 0x2"},
    {PAGES, 16 + 6, 2, 1, "without contents"},
    {PAGES, 16 + 8 + 6, 2, 1, "without contents"},
    {PAGES, 16 + 3 * 8 + 6, 2, 3, "without contents"},
    {PAGES, 16 + 3 * 8 + 6, 2, 203, "without contents"},
    {PAGES, 16 + 3 * 8 + 6, 2, 253, "without contents"},
    {PAGES, 16 + 4, 1, CHECKPOINT_KIND_DATA, "contents of 200 pages are missing"},
    {DATA1, IN_HEADER(type), 2, CHECKPOINT_GUEST, "contents of 5 pages are missing"},
    {DATA2, 8, 8, 256ull << 12 | 1, "the page table that is page 253 leads out"},
    {DATA2, 4096 + 8, 8, PTE_FRAME | 1, "page 254 leads out"},
    {GUEST, 0, 8, 256, "no page of the guest"},
    {GUEST, 8, 8, 256, "no page of the guest"},
    {GUEST, 8, 8, 3, "no page of the guest"},
    {GUEST, 16, 8, 256, "no page of the guest"},
    {GUEST, 24, 4, 2, "mask for 1 vcpus"},
    {GUEST, 28, 4, 2, "bytes"},
    {GUEST, 28, 4, UINT32_MAX, "bytes"},
    {GUEST, 32, 8, 256, "no memory of its own"},
    {GUEST, IN_HEADER(type), 2, CHECKPOINT_PAGES, "page "},
    {CONTEXT, 0, 4, 1, "vcpu 1 has no place"},
    {CONTEXT, 4, 4, HV_VCPU_MSRS, "without its registers"},
    {CONTEXT, 4, 4, 4, "no place"},
    {MSRS, 4, 4, HV_VCPU_CONTEXT, "no place"},
    {MSRS, IN_HEADER(type), 2, CHECKPOINT_GUEST, "two guest records"},
    {MSRS, IN_HEADER(type), 2, CHECKPOINT_PAGES, "pages follow the guest"},
    {MSRS, IN_HEADER(type), 2, CHECKPOINT_END, "end record has 8 bytes"},
    {CONTEXT, IN_HEADER(type), 2, CHECKPOINT_END, "before the guest is complete"},
    {END, offsetof(struct checkpoint_end, pages), 8, 255, "totals"},
    {END, offsetof(struct checkpoint_end, stored_pages), 8, 4, "totals"},
    {END, IN_HEADER(type), 2, 77, "type 77"},
};

static void test_flaws(void **state)
{
    size_t edge[32], i;

    (void)state;
    edges(edge);
    for (i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
        const struct flaw *flaw = &flaws[i];

        work = made;
        memcpy(work.bytes + edge[flaw->record] + sizeof(struct stream_record_header) + flaw->at,
               &flaw->value, (size_t)flaw->size);
        maker_sign(&work);
        assert_refused(&work, flaw->says);
    }
}

/* Registers that would load frames which are not the guest's. */
static void test_registers(void **state)
{
    size_t edge[32], at;
    struct vcpu_guest_context context, changed;
    int what;

    (void)state;
    edges(edge);
    at = edge[CONTEXT] + sizeof(struct stream_record_header) + sizeof(struct checkpoint_vcpu);
    memcpy(&context, made.bytes + at, sizeof(context));
    for (what = 0; what < 4; what++) {
        changed = context;
        if (what == 0)
            changed.ctrlreg[3] = xen_pfn_to_cr3(256ul);
        if (what == 1)
            changed.ctrlreg[1] = xen_pfn_to_cr3(1ul << 40);
        if (what == 2)
            changed.gdt_ents = UINT32_MAX;
        if (what == 3) {
            changed.gdt_ents = 513;
            changed.gdt_frames[1] = 256;
        }
        work = made;
        memcpy(work.bytes + at, &changed, sizeof(changed));
        maker_sign(&work);
        assert_refused(&work, "registers of a vcpu lead out");
    }
}

/* Records left out, doubled and swapped, with their checksums as they were and made good. */
static void test_order(void **state)
{
    size_t edge[32], nr = edges(edge), i, size;

    (void)state;
    edge[nr] = made.length;
    for (i = 0; i < nr; i++) {
        size = edge[i + 1] - edge[i];
        work = made;
        memmove(work.bytes + edge[i], work.bytes + edge[i + 1], made.length - edge[i + 1]);
        work.length -= size;
        assert_refused(&work, "");
        work = made;
        memmove(work.bytes + edge[i + 1], work.bytes + edge[i], made.length - edge[i]);
        work.length += size;
        assert_refused(&work, "");
        maker_sign(&work);
        if (i != LATER)
            assert_refused(&work, "");
    }
}

/* ---------------------------------------------------------------- compressed contents */

static uint8_t contents[CHECKPOINT_DATA_PAGES][HV_PAGE_SIZE];

/* What a reader makes of all DATA, plain or not, in a row. */
static size_t read_contents(struct maker_bytes *bytes)
{
    struct checkpoint_item item;
    struct chaos_error err;
    size_t nr = 0;
    int rc;

    bytes->read = 0;
    rc = checkpoint_open(&reader, maker_read, bytes, &err);
    do {
        if (rc == 0)
            rc = checkpoint_next(&reader, &item, &err);
        if (rc < 0)
            fail_msg("%s", err.text);
        if (item.type != CHECKPOINT_DATA)
            continue;
        memcpy(contents[nr], item.data.bytes, item.data.nr * HV_PAGE_SIZE);
        nr += item.data.nr;
    } while (item.type != CHECKPOINT_END);
    checkpoint_release(&reader);
    return nr;
}

/* The guest is the same, in fewer bytes; other versions of lz4 may make others of them. */
static void test_lz4_good(void **state)
{
    static uint8_t wanted[CHECKPOINT_DATA_PAGES][HV_PAGE_SIZE];
    struct chaos_checkpoint summary;
    struct chaos_error err;

    (void)state;
    maker_make(&work);
    assert_true(made.length + 10000 < work.length);
    assert_int_equal(read_contents(&work), 5);
    memcpy(wanted, contents, sizeof(wanted));
    memset(contents, 0, sizeof(contents));
    assert_int_equal(read_contents(&made), 5);
    assert_memory_equal(contents, wanted, sizeof(wanted));
    read_golden(GOLDEN "/checkpoint-lz4-1");
    memset(contents, 0, sizeof(contents));
    assert_int_equal(read_contents(&work), 5);
    assert_memory_equal(contents, wanted, sizeof(wanted));
    scratch_make();
    assert_int_equal(
        chaos_checkpoint_verify(scratch_file("made", made.bytes, made.length), &summary, &err), 0);
    assert_true(summary.compressed);
    assert_int_equal(summary.stored_pages, 5);
    assert_int_equal(summary.bytes, made.length);
    scratch_remove();
}

/* In `work`, `made` with another payload in a record. */
static void set_payload(int record, uint32_t nr, const void *block, size_t length)
{
    const struct checkpoint_lz4 head = {.nr = nr};
    struct stream_record_header header;
    size_t edge[32], at, behind;

    edges(edge);
    at = edge[record] + sizeof(header);
    behind = edge[record + 1];
    work = made;
    memcpy(&header, made.bytes + edge[record], sizeof(header));
    header.length = (uint32_t)(sizeof(head) + length);
    memcpy(work.bytes + edge[record], &header, sizeof(header));
    memcpy(work.bytes + at, &head, sizeof(head));
    memcpy(work.bytes + at + sizeof(head), block, length);
    memcpy(work.bytes + at + header.length, made.bytes + behind, made.length - behind);
    work.length = at + header.length + made.length - behind;
    maker_sign(&work);
}

/* The block of a record of `made`. */
static const uint8_t *block_of(int record, size_t *length)
{
    const size_t before = sizeof(struct stream_record_header) + sizeof(struct checkpoint_lz4);
    size_t edge[32];

    edges(edge);
    *length = edge[record + 1] - edge[record] - before;
    return made.bytes + edge[record] + before;
}

/* Whatever is missing of it, or too much, though lengths and checksums are those of what is there.
 */
static void test_lz4_truncated(void **state)
{
    static uint8_t longer[HV_PAGE_SIZE];
    size_t length, n;
    int record;

    (void)state;
    for (record = DATA1; record <= DATA2; record++) {
        const uint8_t *block = block_of(record, &length);
        const uint32_t nr = record == DATA1 ? 2 : 3;

        set_payload(record, nr, block, length);
        assert_int_equal(work.length, made.length);
        assert_memory_equal(work.bytes, made.bytes, made.length);
        for (n = 0; n < length; n++) {
            set_payload(record, nr, block, n);
            assert_refused(&work, n == 0 ? "too short" : "does not come to");
        }
    }
    memcpy(longer, block_of(DATA2, &length), length);
    set_payload(DATA2, 3, longer, length + 1);
    assert_refused(&work, "does not come to 3 pages");
}

static void test_lz4_sizes(void **state)
{
    static const uint32_t wrong[] = {0, 6, 8, 9, 1u << 20, 1u << 30, UINT32_MAX};
    size_t length, i, edge[32];
    const uint8_t *block = block_of(DATA1, &length);

    (void)state;
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        set_payload(DATA1, wrong[i], block, length);
        assert_refused(&work, "where 5 pages are to come");
    }
    for (i = 1; i <= 5; i++) { /* good numbers, of other contents */
        set_payload(DATA1, (uint32_t)i, block, length);
        if (i != 2)
            assert_refused(&work, i == 1 ? "bytes for 1 compressed" : "does not come to");
    }
    set_payload(DATA1, 2, contents, 2 * HV_PAGE_SIZE - sizeof(struct checkpoint_lz4));
    assert_refused(&work, "8192 bytes for 2 compressed pages");
    edges(edge);
    work = made;
    work.bytes[edge[DATA1] + sizeof(struct stream_record_header) + 4] = 1; /* reserved */
    maker_sign(&work);
    assert_refused(&work, "compressed pages");
    work = made;
    work.bytes[offsetof(struct stream_header, flags)] = 0;
    maker_sign(&work);
    assert_refused(&work, "which the header does not tell");
}

/* Refused, and what is behind the pages that were said is as it was. */
static void assert_stays_inside(uint32_t nr)
{
    struct checkpoint_item item;
    struct chaos_error err;
    size_t i;

    work.read = 0;
    assert_int_equal(checkpoint_open(&reader, maker_read, &work, &err), 0);
    memset(reader.plain, 0xa5, sizeof(contents));
    while (checkpoint_next(&reader, &item, &err) == 0)
        ;
    assert_non_null(strstr(err.text, "does not come to"));
    for (i = nr * HV_PAGE_SIZE; i < sizeof(contents); i++)
        assert_int_equal(reader.plain[i], 0xa5);
    checkpoint_release(&reader);
}

/* A few KiB that would become more than was said: in one step, and in many small ones. */
static void test_lz4_bomb(void **state)
{
    static uint64_t zeros[128 << 10], steps[8 << 10];
    static char block[64 << 10];
    int length;
    uint32_t nr;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i += 32)
        steps[i] = (i + 1) * 0x9e3779b97f4a7c15u;
    for (nr = 2; nr <= 5; nr++) {
        length = LZ4_compress_default((char *)zeros, block, sizeof(zeros), sizeof(block));
        assert_in_range(length, 1000, 2 * HV_PAGE_SIZE - 100);
        set_payload(DATA1, nr, block, (size_t)length);
        assert_stays_inside(nr);
        length = LZ4_compress_default((char *)steps, block, sizeof(steps), sizeof(block));
        assert_in_range(length, 1000, 2 * HV_PAGE_SIZE - 100);
        set_payload(DATA1, nr, block, (size_t)length);
        assert_stays_inside(nr);
    }
    length = LZ4_compress_default((char *)steps, block, 2 * HV_PAGE_SIZE + 1, sizeof(block));
    set_payload(DATA1, 2, block, (size_t)length);
    assert_refused(&work, "does not come to 2 pages");
}

/* Page tables are looked at when they are plain. */
static void test_lz4_table(void **state)
{
    char block[3 * HV_PAGE_SIZE];
    int length;

    (void)state;
    read_contents(&made);
    ((uint64_t *)contents[3])[7] = 256ull << 12 | 1;
    length = LZ4_compress_default((char *)contents[2], block, 3 * HV_PAGE_SIZE, sizeof(block));
    set_payload(DATA2, 3, block, (size_t)length);
    assert_refused(&work, "page 254 leads out");
}

/* One bit of every byte of it: what is no flaw to lz4 are other contents. */
static void test_lz4_flipped(void **state)
{
    struct chaos_error err;
    size_t length, i;
    uint8_t *block;
    int record, rc;

    (void)state;
    for (record = DATA1; record <= DATA2; record++) {
        block_of(record, &length);
        for (i = 0; i < length; i++) {
            work = made;
            block = work.bytes + (block_of(record, &length) - made.bytes);
            block[i] ^= (uint8_t)(1u << i % 8);
            maker_sign(&work);
            rc = check(&work, &err);
            if (rc != 0)
                assert_int_equal(strncmp(err.text, "byte ", 5), 0);
            assert_true(rc == 0 || rc == -EBADMSG);
        }
    }
}

static int write_nothing(void *opaque, const struct iovec *parts, int nr)
{
    (void)parts;
    (void)nr;
    return *(int *)opaque;
}

static void test_write_fails(void **state)
{
    static const int codes[] = {-ENOSPC, -EIO, -EDQUOT};
    struct stream_writer writer;
    struct chaos_error err;
    size_t i;
    int code;

    (void)state;
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        code = codes[i];
        assert_int_equal(stream_begin(&writer, write_nothing, &code, 0, &err), code);
        assert_int_equal(err.exit, code == -EIO ? CHAOS_EXIT_FAILURE : CHAOS_EXIT_RESOURCE);
        assert_non_null(strstr(err.text, "cannot write"));
    }
}

static bool cannot_write(const char *name, const struct maker_bytes *bytes)
{
    FILE *file = fopen(name, "w");

    return !file || fwrite(bytes->bytes, 1, bytes->length, file) != bytes->length || fclose(file);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),    cmocka_unit_test(test_good),
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped), cmocka_unit_test(test_header),
        cmocka_unit_test(test_flaws),   cmocka_unit_test(test_registers),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_write_fails),
    };
    const struct CMUnitTest compressed[] = {
        cmocka_unit_test(test_truncated),     cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_order),         cmocka_unit_test(test_lz4_good),
        cmocka_unit_test(test_lz4_truncated), cmocka_unit_test(test_lz4_sizes),
        cmocka_unit_test(test_lz4_bomb),      cmocka_unit_test(test_lz4_table),
        cmocka_unit_test(test_lz4_flipped),
    };

    if (argc == 3) { /* makes the golden files; only a new version of the format needs them */
        maker_make(&made);
        maker_make_lz4(&work);
        return cannot_write(argv[1], &made) || cannot_write(argv[2], &work);
    }
    return cmocka_run_group_tests(tests, set_up, NULL) +
           cmocka_run_group_tests(compressed, set_up_lz4, NULL);
}
