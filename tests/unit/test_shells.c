// SPDX-License-Identifier: BSD-3-Clause
/* Shells on the hypervisor in memory: what becomes of them, and which requests they serve. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "shell_fixture.h"

static void test_prepare_and_execute(void **state)
{
    struct fixture *f = *state;
    const struct flavour *flavours[] = {&f->flavour, &f->warm};
    struct chaos_domain domain, found;
    size_t i;

    for (i = 0; i < 2; i++) {
        struct shell *shell = fixture_prepare(f, flavours[i]);

        assert_int_equal(scratch_count("shells"), 1);
        assert_false(fake_domain(f->fake, shell_domid(shell))->started);
        fixture_execute(f, shell, &domain);
        assert_int_equal(domain.domid, shell_domid(shell));
        fixture_check_guest(f, &domain);
        assert_int_equal(scratch_count("shells"), 0);
        /* It can be found by its id before the index is written. */
        assert_int_equal(scratch_count("ids"), 0);
        assert_int_equal(chaos_domain_find(f->chaos, i ? "2" : "1", &found, &f->err), 0);
        assert_string_equal(found.name, "guest");
        shell_finish(f->chaos, shell);
        assert_int_equal(f->fake->mapped, 0);
        assert_int_equal(scratch_count("ids"), 1);
        fixture_destroy(f, "guest");
        fixture_assert_nothing_left(f);
    }
}

/* A kernel that the template was not made for replaces what is there. */
static void test_other_layouts(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct shell *shell;

    f->config.ramdisk = f->ramdisk;
    shell = fixture_prepare(f, &f->flavour);
    fixture_execute(f, shell, &domain);
    fixture_check_guest(f, &domain);
    shell_finish(f->chaos, shell);
    fixture_destroy(f, "guest");

    f->config.ramdisk = NULL;
    f->flavour.bus = f->config.bus = CHAOS_BUS_XENSTORE; /* bare */
    shell = fixture_prepare(f, &f->flavour);
    assert_false(fake_domain(f->fake, shell_domid(shell))->introduced);
    fixture_execute(f, shell, &domain);
    fixture_check_guest(f, &domain);
    assert_true(fake_domain(f->fake, domain.domid)->introduced);
    shell_finish(f->chaos, shell);
    fixture_destroy(f, "guest");
    fixture_assert_nothing_left(f);
}

/* A shell with more memory than was asked for, of many extents. */
static void test_larger_shell(void **state)
{
    struct fixture *f = *state;
    struct chaos_config config;
    struct chaos_domain domain;
    struct shell *shell;

    f->flavour.memory_mib = 5;
    f->fake->max_order = 4;
    shell = fixture_prepare(f, &f->flavour);
    fixture_execute(f, shell, &domain);
    fixture_check_guest(f, &domain);
    assert_int_equal(domain.memory_kib, 5 << 10);
    shell_finish(f->chaos, shell);
    /* Nothing of the shell's record, which was longer, is left behind the guest's. */
    assert_int_equal(chaos_domain_config(f->chaos, &domain, &config, &f->err), 0);
    assert_string_equal(config.cmdline, "one two");
    assert_int_equal(config.memory_mib, 5); /* what it has */
    chaos_config_free(&config);
}

static void test_paused(void **state)
{
    struct fixture *f = *state;
    const struct chaos_create_options paused = {.paused = true};
    struct chaos_domain domain;
    struct shell *shell = fixture_prepare(f, &f->warm);
    bool intact;

    assert_int_equal(shell_execute(f->chaos, shell, &f->config, &paused, &domain, &intact, &f->err),
                     0);
    shell_finish(f->chaos, shell);
    assert_true(domain.paused);
    assert_false(fake_domain(f->fake, domain.domid)->started);
    assert_int_equal(chaos_domain_unpause(f->chaos, &domain, &f->err), 0);
    assert_true(fake_domain(f->fake, domain.domid)->started);
}

static void test_uuid_given(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, found;
    struct shell *shell = fixture_prepare(f, &f->flavour);

    memcpy(f->config.uuid, "0123456789abcdef", 16);
    fixture_execute(f, shell, &domain);
    assert_memory_equal(domain.uuid, "0123456789abcdef", 16);
    shell_finish(f->chaos, shell);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &found, &f->err), 0);
    assert_memory_equal(fake_domain(f->fake, domain.domid)->uuid, "0123456789abcdef", 16);

    shell = fixture_prepare(f, &f->flavour);
    strcpy(f->config.name, "other");
    assert_int_equal(
        shell_execute(f->chaos, shell, &f->config, NULL, &domain, &(bool){false}, &f->err),
        -EEXIST);
    shell_destroy(f->chaos, shell);
    fixture_destroy(f, "guest");
    fixture_assert_nothing_left(f);
}

static void expect_intact(struct fixture *f, struct shell *shell, int code, enum chaos_exit exit)
{
    struct chaos_domain domain;
    bool intact = false;

    f->err = (struct chaos_error){0};
    assert_int_equal(shell_execute(f->chaos, shell, &f->config, NULL, &domain, &intact, &f->err),
                     code);
    assert_true(intact);
    assert_int_equal(f->err.exit, exit);
    assert_int_not_equal(f->err.text[0], 0);
}

/* What was found before the shell was touched leaves it good. */
static void test_intact(void **state)
{
    struct fixture *f = *state;
    struct shell *first = fixture_prepare(f, &f->warm), *shell = fixture_prepare(f, &f->flavour);
    char *kernel = f->config.kernel, *cmdline = f->config.cmdline, longest[2000] = "";
    struct chaos_domain domain;

    fixture_execute(f, first, &domain);
    shell_finish(f->chaos, first);
    expect_intact(f, shell, -EEXIST, CHAOS_EXIT_EXISTS);
    strcpy(f->config.name, "other");
    f->config.kernel = (char *)"/nonexistent";
    expect_intact(f, shell, -ENOENT, CHAOS_EXIT_CONFIG);
    f->config.kernel = f->ramdisk;
    expect_intact(f, shell, -ENOEXEC, CHAOS_EXIT_CONFIG);
    f->config.kernel = kernel;
    f->config.cmdline = memset(longest, 'x', 1024);
    expect_intact(f, shell, -E2BIG, CHAOS_EXIT_CONFIG);
    f->config.cmdline = cmdline;
    f->config.memory_mib = 2;
    expect_intact(f, shell, -EINVAL, CHAOS_EXIT_FAILURE);
    f->config.memory_mib = 1;
    fixture_execute(f, shell, &domain);
    fixture_check_guest(f, &domain);
    shell_finish(f->chaos, shell);
    fixture_destroy(f, "guest");
    fixture_destroy(f, "other");
    fixture_assert_nothing_left(f);
}

static void test_image_changed(void **state)
{
    struct fixture *f = *state;
    struct shell *warm = fixture_prepare(f, &f->warm), *cold = fixture_prepare(f, &f->flavour);
    struct chaos_domain domain;

    fixture_write_kernel(f, 0x55);
    expect_intact(f, warm, -ESTALE, CHAOS_EXIT_FAILURE);
    shell_destroy(f->chaos, warm);
    fixture_execute(f, cold, &domain);
    assert_int_equal(*(unsigned char *)fake_virtual(f->fake, domain.domid, 0x400000, NULL), 0x55);
    shell_finish(f->chaos, cold);
}

/* Shells are no foreign domains, and are not to be destroyed by accident. */
static void test_listed(void **state)
{
    struct fixture *f = *state;
    struct shell *shell = fixture_prepare(f, &f->flavour);
    struct chaos_domain *list, domain;
    size_t nr;

    assert_int_equal(chaos_domain_list(f->chaos, &list, &nr, &f->err), 0);
    assert_int_equal(nr, 2);
    assert_false(list[0].shell);
    assert_true(list[1].shell);
    free(list);
    assert_int_equal(chaos_domain_find(f->chaos, "1", &domain, &f->err), 0);
    assert_true(domain.shell);
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), -EPERM);
    assert_non_null(strstr(f->err.text, "pool drain"));
    shell_destroy(f->chaos, shell);
    fixture_assert_nothing_left(f);
}

/* Shells that are left ready by one process serve the next one. */
struct taken {
    struct shell *shell[8];
    size_t nr;
};

static void take(void *opaque, struct shell *shell)
{
    struct taken *taken = opaque;

    taken->shell[taken->nr++] = shell;
}

static void test_adopt(void **state)
{
    struct fixture *f = *state;
    const struct flavour *flavours[] = {&f->flavour, &f->warm, &f->flavour};
    struct taken taken = {.nr = 0};
    struct shell_count count;
    struct shell *kept = fixture_prepare(f, &f->flavour);
    struct chaos_domain domain;
    size_t i;

    f->fake->max_order = 5; /* eight extents */
    for (i = 0; i < 3; i++)
        shell_finish(f->chaos, fixture_prepare(f, flavours[i]));
    fake_domain(f->fake, 4)->paused = false; /* it ran: not to be used again */
    assert_int_equal(shell_count(f->chaos, &count, &f->err), 0);
    assert_int_equal(count.shells, 4);
    assert_int_equal(count.abandoned, 3);
    assert_int_equal(shell_adopt(f->chaos, take, &taken, &f->err), 0);
    assert_int_equal(taken.nr, 2);
    assert_null(fake_domain(f->fake, 4));
    assert_int_equal(shell_adopt(f->chaos, take, &taken, &f->err), 0);
    assert_int_equal(taken.nr, 2); /* none twice */
    for (i = 0; i < taken.nr; i++) {
        assert_true(flavour_equal(shell_flavour(taken.shell[i]), &f->flavour) ||
                    flavour_equal(shell_flavour(taken.shell[i]), &f->warm));
        fixture_execute(f, taken.shell[i], &domain);
        fixture_check_guest(f, &domain);
        shell_finish(f->chaos, taken.shell[i]);
        fixture_destroy(f, "guest");
    }
    shell_finish(f->chaos, kept);
    assert_int_equal(shell_adopt(f->chaos, NULL, NULL, &f->err), 0);
    fixture_assert_nothing_left(f);
}

/* Damaged records of shells: the domain goes with them as long as it can be told. */
static void test_adopt_damaged(void **state)
{
    struct fixture *f = *state;
    static const char *const cuts[] = {"end\n", "shell 1\n", "\n--\n"};
    struct taken taken = {.nr = 0};
    char *text, *at, name[128];
    size_t i, length;

    for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct shell *shell = fixture_prepare(f, &f->flavour);
        struct registry registry = f->chaos->registry;
        char uuid[UUID_TEXT], path[64] = "../shells/";

        uuid_format(fake_domain(f->fake, shell_domid(shell))->uuid, uuid);
        strcat(path, uuid);
        snprintf(name, sizeof(name), "shells/%s", uuid);
        assert_int_equal(registry_read(&registry, path, &text, &length, &f->err), 0);
        shell_finish(f->chaos, shell);
        at = strstr(text, cuts[i]);
        assert_non_null(at);
        scratch_file(name, text, (size_t)(at - text));
        free(text);
        assert_int_equal(shell_adopt(f->chaos, take, &taken, &f->err), 0);
        assert_int_equal(taken.nr, 0);
        assert_int_equal(scratch_count("shells"), 0);
    }
    /* The last one's header was not readable: its domain is nobody's. */
    assert_int_equal(f->fake->hv.ops->destroy(&f->fake->hv, 3), 0);
    assert_int_equal(f->fake->bus.ops->destroy(&f->fake->bus, CHAOS_BUS_NOXS, 3, &f->err), 0);
    fixture_assert_nothing_left(f);
}

static void test_flavours(void **state)
{
    struct fixture *f = *state;
    struct flavour other = f->flavour;
    struct chaos_config config = f->config;

    assert_int_equal(flavour_misfit(&f->warm, &f->config), 0);
    assert_int_equal(flavour_misfit(&f->flavour, &f->config), 1);
    other.memory_mib = 3;
    assert_int_equal(flavour_misfit(&other, &f->config), 2049);
    assert_false(flavour_equal(&other, &f->flavour));
    config.memory_mib = 4;
    assert_int_equal(flavour_misfit(&other, &config), -1);
    config = f->config;
    config.ramdisk = f->ramdisk;
    assert_int_equal(flavour_misfit(&f->warm, &config), -1);
    assert_int_equal(flavour_misfit(&f->flavour, &config), 1);
    config = f->config;
    strcpy(config.vifs[0].bridge, "other");
    assert_int_equal(flavour_misfit(&f->flavour, &config), -1);
    config = f->config;
    config.vcpus = 2;
    assert_int_equal(flavour_misfit(&f->flavour, &config), -1);
    config = f->config;
    config.max_grant_frames = 5;
    assert_int_equal(flavour_misfit(&f->flavour, &config), -1);
    config = f->config;
    config.vifs[0].id = 1;
    assert_false(flavour_of(&config, &other));
    config = f->config;
    config.nr_disks = 1;
    assert_false(flavour_of(&config, &other));
    config = f->config;
    config.cpu_affinity[0] = 1;
    assert_false(flavour_of(&config, &other));
    assert_int_equal(flavour_misfit(&f->flavour, &config), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_prepare_and_execute),
        TEST(test_other_layouts),
        TEST(test_larger_shell),
        TEST(test_paused),
        TEST(test_uuid_given),
        TEST(test_intact),
        TEST(test_image_changed),
        TEST(test_listed),
        TEST(test_adopt),
        TEST(test_adopt_damaged),
        TEST(test_flavours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
