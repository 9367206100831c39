// SPDX-License-Identifier: BSD-3-Clause
/* Messages between chaosd and its clients: what is written is read, what is damaged is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire_parts.h"

#define AT_VERSION  4
#define AT_RESERVED 10
#define AT_LENGTH   16

static uint8_t buffer[WIRE_MESSAGE_MAX];

static size_t make(void)
{
    struct wire_writer writer;
    size_t group;

    wire_begin(&writer, buffer, sizeof(buffer), WIRE_CREATE, WIRE_REPLY | WIRE_MORE, 0x01020304);
    wire_put_u32(&writer, WIRE_COUNT, 0xfffffffe);
    wire_put_u64(&writer, WIRE_CPU_NS, UINT64_MAX - 1);
    group = wire_put_group(&writer, WIRE_DOMAIN);
    wire_put_string(&writer, WIRE_NAME, "inner");
    wire_end_group(&writer, group);
    wire_put_string(&writer, WIRE_NAME, "");
    wire_put_bytes(&writer, WIRE_CONFIG, "a\0b", 3);
    return wire_end(&writer);
}

static void test_round_trip(void **state)
{
    struct wire_header header;
    struct wire_reader fields, group;
    struct wire_field field;
    size_t length = make();

    (void)state;
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);
    assert_int_equal(header.version, WIRE_VERSION);
    assert_int_equal(header.type, WIRE_CREATE);
    assert_int_equal(header.flags, WIRE_REPLY | WIRE_MORE);
    assert_int_equal(header.sequence, 0x01020304);
    assert_int_equal(wire_find_number(&fields, WIRE_COUNT, 0), 0xfffffffe);
    assert_true(wire_find_number(&fields, WIRE_CPU_NS, 0) == UINT64_MAX - 1);
    assert_int_equal(wire_find_number(&fields, WIRE_VCPUS, 7), 7);
    assert_string_equal(wire_find_string(&fields, WIRE_NAME, "none"), "");
    assert_true(wire_find(&fields, WIRE_CONFIG, WIRE_BYTES, &field));
    assert_int_equal(field.length, 3);
    assert_memory_equal(field.value, "a\0b", 3);
    assert_true(wire_find(&fields, WIRE_DOMAIN, WIRE_GROUP, &field));
    group = wire_group(&field);
    assert_string_equal(wire_find_string(&group, WIRE_NAME, ""), "inner");
    assert_true(wire_next(&group, &field));
    assert_false(wire_next(&group, &field));
}

static void test_fields_of_another_kind_are_not_read(void **state)
{
    struct wire_header header;
    struct wire_reader fields;
    struct wire_writer writer;
    struct wire_field field;
    size_t length;

    (void)state;
    wire_begin(&writer, buffer, sizeof(buffer), WIRE_PING, 0, 1);
    wire_put_string(&writer, WIRE_COUNT, "12345678");
    length = wire_end(&writer);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);
    assert_int_equal(wire_find_number(&fields, WIRE_COUNT, 5), 5);
    assert_true(wire_next(&fields, &field));
    assert_int_equal(wire_number(&field), 0);
    assert_true(wire_group(&field).at == wire_group(&field).end);
    field.kind = WIRE_BYTES;
    assert_string_equal(wire_text(&field), "");
}

/* Whatever is cut off, changed or added, parsing stays inside the packet: run under sanitizers. */
static void test_damage(void **state)
{
    struct wire_header header;
    struct wire_reader fields, group;
    struct wire_field field, inner;
    size_t length = make(), i;
    unsigned int bit;

    (void)state;
    for (i = 0; i < length; i++) {
        uint8_t *exact = malloc(i + 1);

        memcpy(exact, buffer, i);
        assert_int_equal(wire_parse(exact, i, &header, &fields), -EBADMSG);
        free(exact);
    }
    for (i = 0; i < length; i++)
        for (bit = 0; bit < 8; bit++) {
            uint8_t *exact = malloc(length);

            memcpy(exact, buffer, length);
            exact[i] ^= (uint8_t)(1u << bit);
            if (wire_parse(exact, length, &header, &fields) == 0)
                while (wire_next(&fields, &field)) {
                    assert_true(strlen(wire_text(&field)) <= field.length);
                    group = wire_group(&field);
                    while (wire_next(&group, &inner))
                        wire_number(&inner);
                }
            free(exact);
        }
}

static void test_header(void **state)
{
    struct wire_header header;
    struct wire_reader fields;
    struct wire_field field;
    size_t length = make();

    (void)state;
    buffer[AT_VERSION] = 9;
    assert_int_equal(wire_parse(buffer, length, &header, &fields), -EPROTONOSUPPORT);
    assert_int_equal(header.version, 9);
    assert_false(wire_next(&fields, &field));
    make();
    buffer[AT_RESERVED] = 1;
    assert_int_equal(wire_parse(buffer, length, &header, &fields), -EBADMSG);
    make();
    buffer[AT_LENGTH]++;
    assert_int_equal(wire_parse(buffer, length, &header, &fields), -EBADMSG);
    make();
    assert_int_equal(wire_parse(buffer, WIRE_MESSAGE_MAX + 1, &header, &fields), -EBADMSG);
    assert_int_equal(wire_parse(buffer, 0, &header, &fields), -EBADMSG);
}

static size_t nested(unsigned int depth)
{
    struct wire_writer writer;
    size_t groups[16];
    unsigned int i;

    wire_begin(&writer, buffer, sizeof(buffer), WIRE_PING, 0, 1);
    for (i = 0; i < depth; i++)
        groups[i] = wire_put_group(&writer, WIRE_EVENT);
    while (i-- > 0)
        wire_end_group(&writer, groups[i]);
    return wire_end(&writer);
}

static void test_depth(void **state)
{
    struct wire_header header;
    struct wire_reader fields;
    size_t length;

    (void)state;
    length = nested(WIRE_DEPTH_MAX);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);
    length = nested(WIRE_DEPTH_MAX + 1);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), -EBADMSG);
}

static void test_overflow(void **state)
{
    static const char large[WIRE_VALUE_MAX + 1];
    struct wire_writer writer;
    struct wire_header header;
    struct wire_reader fields;
    size_t mark, length;

    (void)state;
    wire_begin(&writer, buffer, sizeof(buffer), WIRE_PING, 0, 1);
    wire_put_bytes(&writer, WIRE_DATA, large, WIRE_VALUE_MAX);
    mark = writer.used;
    wire_put_bytes(&writer, WIRE_DATA, large, WIRE_VALUE_MAX);
    assert_int_equal(wire_end(&writer), 0);
    wire_rewind(&writer, mark);
    length = wire_end(&writer);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);

    wire_begin(&writer, buffer, sizeof(buffer), WIRE_PING, 0, 1);
    wire_put_bytes(&writer, WIRE_DATA, large, WIRE_VALUE_MAX + 1);
    wire_put_u32(&writer, WIRE_COUNT, 1); /* does not make good what was left out */
    assert_int_equal(wire_end(&writer), 0);

    wire_begin(&writer, buffer, 4, WIRE_PING, 0, 1);
    assert_int_equal(wire_end(&writer), 0);
}

static void test_domain(void **state)
{
    const struct chaos_domain domain = {
        .domid = 32751,
        .uuid = {1, 2, 3},
        .name = "web.1",
        .blocked = true,
        .shutdown = true,
        .reason = CHAOS_SHUTDOWN_CRASH,
        .memory_kib = 1ull << 40,
        .max_memory_kib = UINT64_MAX,
        .cpu_ns = 5,
        .vcpus = 3,
    };
    struct chaos_domain read;
    struct wire_header header;
    struct wire_reader fields, group;
    struct wire_writer writer;
    struct wire_field field;
    size_t length;

    (void)state;
    wire_begin(&writer, buffer, sizeof(buffer), WIRE_LIST, WIRE_REPLY, 1);
    wire_put_domain(&writer, &domain);
    length = wire_end(&writer);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);
    assert_true(wire_next(&fields, &field));
    group = wire_group(&field);
    memset(&read, 0xa5, sizeof(read));
    wire_get_domain(&group, &read);
    assert_memory_equal(&read, &domain, sizeof(read));
}

static void test_error(void **state)
{
    struct chaos_error err, read;
    struct wire_header header;
    struct wire_reader fields;
    struct wire_writer writer;
    size_t length;

    (void)state;
    chaos_error_set(&err, -EEXIST, CHAOS_EXIT_EXISTS, "%s", "taken");
    wire_begin(&writer, buffer, sizeof(buffer), WIRE_CREATE, WIRE_REPLY | WIRE_ERROR, 1);
    wire_put_error(&writer, &err);
    length = wire_end(&writer);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);
    assert_int_equal(wire_get_error(&fields, &read), -EEXIST);
    assert_int_equal(read.exit, CHAOS_EXIT_EXISTS);
    assert_string_equal(read.text, "taken");

    /* One that says nothing is a failure all the same. */
    wire_begin(&writer, buffer, sizeof(buffer), WIRE_CREATE, WIRE_REPLY | WIRE_ERROR, 1);
    wire_put_u32(&writer, WIRE_ERROR_CODE, 0);
    length = wire_end(&writer);
    assert_int_equal(wire_parse(buffer, length, &header, &fields), 0);
    assert_int_equal(wire_get_error(&fields, &read), -EIO);
    assert_true(read.text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_fields_of_another_kind_are_not_read),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_domain),
        cmocka_unit_test(test_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
