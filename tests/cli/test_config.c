// SPDX-License-Identifier: BSD-3-Clause
/* What the golden files cannot hold: files that are no configuration, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chaos/config.h>

#include "config_keys.h"
#include "config_value.h"

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/chaos-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"fifo", "large", "secret", "link", "good"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void refuses(const char *path, int code, const char *text)
{
    struct chaos_config config;
    struct chaos_error err = {0};

    assert_int_equal(chaos_config_load(path, NULL, 0, NULL, &config, &err), code);
    assert_int_equal(err.exit, CHAOS_EXIT_CONFIG);
    if (!strstr(err.text, text) || !strstr(err.text, path))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    refuses(path_of("missing"), -ENOENT, "No such file or directory");
    refuses(folder, -EISDIR, "is a directory");
    refuses("/dev/zero", -EINVAL, "is a device");
    refuses("", -ENOENT, "cannot open");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    refuses(path_of("fifo"), -EINVAL, "is a FIFO"); /* and does not wait for a writer */
}

static void test_file_too_large(void **state)
{
    int fd;

    (void)state;
    fd = open(path_of("large"), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 30), 0);
    close(fd);
    refuses(path_of("large"), -EFBIG, "is larger than 1048576 bytes");
}

static void test_file_unreadable(void **state)
{
    const uid_t self = geteuid();

    (void)state;
    write_file("secret", "name='g'\n");
    assert_int_equal(chmod(path_of("secret"), 0), 0);
    if (self == 0) { /* root would read it all the same */
        assert_int_equal(chmod(folder, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    refuses(path_of("secret"), -EACCES, "Permission denied");
    assert_int_equal(seteuid(self), 0);
}

static void test_file_by_link(void **state)
{
    struct chaos_config config;
    struct chaos_error err;
    char target[128];

    (void)state;
    write_file("good", "name='g'; kernel='/k'; memory=4");
    strcpy(target, path_of("good"));
    assert_int_equal(symlink(target, path_of("link")), 0);
    assert_int_equal(chaos_config_load(path_of("link"), NULL, 0, NULL, &config, &err), 0);
    assert_string_equal(config.name, "g");
    assert_int_equal(config.memory_mib, 4);
    chaos_config_free(&config);
}

/* Parses `repeat` times `part` between two texts. */
static int parse_repeated(const char *before, const char *part, size_t repeat, const char *after,
                          struct chaos_error *err)
{
    size_t lp = strlen(part), lb = strlen(before), la = strlen(after);
    char *text = malloc(lb + lp * repeat + la + 1);
    struct chaos_config config;
    int rc;

    assert_non_null(text);
    memcpy(text, before, lb);
    for (size_t i = 0; i < repeat; i++)
        memcpy(text + lb + i * lp, part, lp);
    memcpy(text + lb + lp * repeat, after, la + 1);
    rc = chaos_config_parse("t", text, lb + lp * repeat + la, NULL, 0, NULL, &config, err);
    free(text);
    if (rc == 0)
        chaos_config_free(&config);
    return rc;
}

static void test_limits(void **state)
{
    static const struct {
        const char *before, *part;
        size_t repeat;
        const char *after, *text;
    } cases[] = {
        {"vif = ", "[", 10000, "", "lists are nested deeper than 16"},
        {"vif = [", "1,", 70000, "]", "there are more than 65536 values"},
        {"vif = [", " '',", 1000, "]", "there are more than 14"},
        {"", "x", 1100000, "", "is larger than 1048576 bytes"},
        {"name = '", "n", 1000000, "'", "is longer than 63 bytes"},
        {"", "memory = ?\n", 90000, "", "\nand 5"},
        {"", "\n", 1000000, "=", "t:1000001: '=' stands where a key should be"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chaos_error err = {0};
        int rc =
            parse_repeated(cases[i].before, cases[i].part, cases[i].repeat, cases[i].after, &err);

        assert_true(rc < 0);
        if (!strstr(err.text, cases[i].text))
            fail_msg("'%s' does not say '%s'", err.text, cases[i].text);
    }
}

static void test_settings_limit(void **state)
{
    char *text = malloc(64 * 1024), *out = text;
    struct chaos_config config;
    struct chaos_error err = {0};

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 2000; i++)
        out += sprintf(out, "k%d=1\n", i);
    assert_true(chaos_config_parse("t", text, (size_t)(out - text), NULL, 0, NULL, &config, &err) <
                0);
    assert_non_null(strstr(err.text, "t:1025: there are more than 1024 settings"));
    free(text);
}

static void test_output_untouched_on_failure(void **state)
{
    struct chaos_config config;
    struct chaos_error err;

    (void)state;
    memset(&config, 0x5a, sizeof(config));
    assert_true(chaos_config_parse("t", "kernel='/k'", 11, NULL, 0, NULL, &config, &err) < 0);
    for (size_t i = 0; i < sizeof(config); i++)
        assert_int_equal(((unsigned char *)&config)[i], 0x5a);
}

static void test_error_untouched_on_success(void **state)
{
    static const char text[] = "name='g'; kernel='/k'; memory=4";
    struct chaos_error err = {.code = 7, .text = "before"};
    struct chaos_config config;

    (void)state;
    assert_int_equal(chaos_config_parse("t", text, sizeof(text) - 1, NULL, 0, NULL, &config, &err),
                     0);
    assert_int_equal(err.code, 7);
    assert_string_equal(err.text, "before");
    chaos_config_free(&config);
}

/* config_key_find looks by halves. */
static void test_keys_are_sorted_and_explained(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < config_nr_keys; i++) {
        const struct config_key *key = &config_keys[i];

        assert_ptr_equal(config_key_find(key->name), key);
        if (i)
            assert_true(strcmp(config_keys[i - 1].name, key->name) < 0);
        assert_int_equal(key->handling == CONFIG_SUPPORTED, key->parse != NULL);
        assert_int_equal(key->handling == CONFIG_NOTED || key->handling == CONFIG_REFUSED,
                         key->reason != NULL);
    }
    assert_null(config_key_find("memroy"));
    assert_null(config_key_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_file_too_large),
        cmocka_unit_test(test_file_unreadable),
        cmocka_unit_test(test_file_by_link),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_settings_limit),
        cmocka_unit_test(test_output_untouched_on_failure),
        cmocka_unit_test(test_error_untouched_on_success),
        cmocka_unit_test(test_keys_are_sorted_and_explained),
    };

    return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
