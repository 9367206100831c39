// SPDX-License-Identifier: BSD-3-Clause
/* Hosts that cannot have the guest of a checkpoint, and files that are damaged where it hurts: each
 * is refused, with the reason, and nothing of a domain stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint_format.h"
#include "checkpoint_maker.h"
#include "save_fixture.h"
#include "scratch.h"

static struct maker_bytes whole, work;

/* The fixture's guest is in the file, and in `whole`. */
static void save_and_read(struct fixture *f)
{
    FILE *file;

    save(f, NULL);
    file = fopen(f->file, "r");
    assert_non_null(file);
    whole.length = fread(whole.bytes, 1, sizeof(whole.bytes), file);
    assert_true(feof(file));
    fclose(file);
}

static void put(const struct fixture *f, const struct maker_bytes *bytes)
{
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->bytes, 1, bytes->length, file), bytes->length);
    fclose(file);
}

static void assert_refused(struct fixture *f, const char *override, int code, const char *says)
{
    struct chaos_domain restored;

    f->err = (struct chaos_error){0};
    assert_int_equal(restore(f, override, &restored), code);
    if (!strstr(f->err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", f->err.text, says);
    fake_hv_assert_empty(f->fake);
    assert_int_equal(scratch_count("domains") + scratch_count("pending"), 0);
}

static void assert_damaged(struct fixture *f)
{
    put(f, &work);
    assert_refused(f, NULL, -EBADMSG, "byte ");
}

/* ---------------------------------------------------------------- hosts */

static void test_other_hosts(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain restored;

    f->fake->host_major = 4;
    f->fake->host_minor = 17;
    f->fake->host_caps[2] = 0x81;
    save_and_read(f);
    f->fake->host_minor = 16;
    assert_refused(f, NULL, -EOPNOTSUPP, "saved on Xen 4.17, this is 4.16");
    f->fake->host_major = 3;
    f->fake->host_minor = 18;
    assert_refused(f, NULL, -EOPNOTSUPP, "saved on Xen 4.17, this is 3.18");
    f->fake->host_major = 5;
    f->fake->host_minor = 0;
    f->fake->host_caps[2] = 0x7f;
    assert_refused(f, NULL, -EOPNOTSUPP, "(word 2: 0x00000080)");
    f->fake->host_caps[2] = 0x1ff; /* more is no harm */
    assert_refused(f, "vif=[\"bridge=xenbr7\"]", -ENODEV, "no such bridge");
    assert_refused(f, "memory=2", -EINVAL, "saved with memory=1 and vcpus=2");
    assert_refused(f, "vcpus=1", -EINVAL, "saved with memory=1 and vcpus=2");
    assert_int_equal(restore(f, NULL, &restored), 0);
}

static void test_no_memory(void **state)
{
    static bool used[FAKE_FRAMES];
    struct fixture *f = *state;

    save_and_read(f);
    memcpy(used, f->fake->frame_used, sizeof(used));
    memset(f->fake->frame_used, true, sizeof(used) - (PAGES - 1));
    f->err = (struct chaos_error){0};
    assert_int_equal(restore(f, NULL, &f->domain), -ENOMEM);
    assert_int_equal(f->err.exit, CHAOS_EXIT_RESOURCE);
    assert_non_null(strstr(f->err.text, "needs 1024 KiB"));
    memcpy(f->fake->frame_used, used, sizeof(used));
    fake_hv_assert_empty(f->fake);
}

/* ---------------------------------------------------------------- files */

/* Where the records' headers begin, and the end. */
static size_t edges(size_t *edge, size_t room)
{
    struct stream_record_header header;
    size_t at, nr = 0;

    for (at = sizeof(struct stream_header); at < whole.length;
         at += sizeof(header) + header.length) {
        memcpy(&header, whole.bytes + at, sizeof(header));
        assert_true(nr < room - 1);
        edge[nr++] = at;
    }
    assert_int_equal(at, whole.length);
    edge[nr] = at;
    return nr;
}

static void test_truncated(void **state)
{
    size_t edge[100], nr, i;
    struct fixture *f = *state;

    save_and_read(f);
    nr = edges(edge, 100);
    assert_true(nr >= 8);
    work = whole;
    for (i = 0; i < nr; i++) {
        work.length = edge[i];
        assert_damaged(f);
        work.length = edge[i] + 1;
        assert_damaged(f);
        work.length = edge[i] + sizeof(struct stream_record_header);
        assert_damaged(f);
        work.length = edge[i + 1] - 1;
        assert_damaged(f);
    }
    work.length = 0;
    assert_damaged(f);
    work = whole;
    work.length++;
    assert_damaged(f);
}

/* Each bit of each header. */
static void test_flipped(void **state)
{
    size_t edge[100], nr, i, bit;
    struct fixture *f = *state;

    save_and_read(f);
    nr = edges(edge, 100);
    work = whole;
    for (i = 0; i <= nr; i++) {
        uint8_t *header = work.bytes + (i < nr ? edge[i] : 0);

        for (bit = 0; bit < 32 * 8; bit++) {
            header[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_damaged(f);
            header[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* Of a later chaos: what it may not pass over it refuses, before there is a domain. */
static void test_newer(void **state)
{
    size_t edge[100];
    struct fixture *f = *state;
    unsigned int calls;

    save_and_read(f);
    edges(edge, 100);
    work = whole;
    work.bytes[offsetof(struct stream_header, version)]++;
    maker_sign(&work);
    put(f, &work);
    calls = f->fake->calls;
    assert_refused(f, NULL, -EBADMSG, "byte 8: its format has version 2");
    assert_int_equal(f->fake->calls, calls);
    work = whole;
    work.bytes[offsetof(struct stream_header, flags)] = 0x80;
    maker_sign(&work);
    put(f, &work);
    assert_refused(f, NULL, -EBADMSG, "features");
    assert_int_equal(f->fake->calls, calls);
    work = whole;
    work.bytes[edge[2] + offsetof(struct stream_record_header, type)] = 99;
    maker_sign(&work);
    put(f, &work);
    assert_refused(f, NULL, -EBADMSG, "type 99");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_other_hosts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newer, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
