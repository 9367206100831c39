// SPDX-License-Identifier: BSD-3-Clause
/* Shells when calls fail, one after another and for very long. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "shell_fixture.h"

static const struct flavour *flavour_number(struct fixture *f, unsigned int i)
{
    static struct flavour store;

    store = f->flavour;
    store.bus = CHAOS_BUS_XENSTORE;
    f->config.bus = i == 2 ? CHAOS_BUS_XENSTORE : CHAOS_BUS_NOXS;
    return i == 0 ? &f->flavour : i == 1 ? &f->warm : &store;
}

#define NR_FLAVOURS 3

static void fail_at(struct fixture *f, unsigned int n)
{
    f->fake->calls = 0;
    f->fake->fail_at = n;
    f->err = (struct chaos_error){0};
}

static void test_prepare_sweep(void **state)
{
    struct fixture *f = *state;
    unsigned int i, n;

    for (i = 0; i < NR_FLAVOURS; i++)
        for (n = 1;; n++) {
            struct shell *shell = NULL;
            int rc;

            fail_at(f, n);
            rc = shell_prepare(f->chaos, flavour_number(f, i), NULL, &shell, &f->err);
            f->fake->fail_at = 0;
            if (rc == 0) {
                assert_true(f->fake->calls < n);
                shell_destroy(f->chaos, shell);
                break;
            }
            assert_int_not_equal(f->err.text[0], 0);
            assert_null(shell);
            fixture_assert_nothing_left(f);
        }
    fixture_assert_nothing_left(f);
}

/* What the shell's kind does when it gets a guest, with and without one that fits. */
static void sweep_execute(struct fixture *f, const struct flavour *flavour)
{
    struct chaos_domain domain;
    unsigned int n;

    for (n = 1;; n++) {
        struct shell *shell = fixture_prepare(f, flavour);
        bool intact = true;
        int rc;

        fail_at(f, n);
        rc = shell_execute(f->chaos, shell, &f->config, NULL, &domain, &intact, &f->err);
        f->fake->fail_at = 0;
        if (rc < 0 && intact) {
            shell_destroy(f->chaos, shell);
        } else {
            if (rc < 0)
                assert_null(fake_domain(f->fake, shell_domid(shell)));
            shell_finish(f->chaos, shell);
        }
        if (rc == 0) {
            assert_true(f->fake->calls < n);
            fixture_check_guest(f, &domain);
            fixture_destroy(f, "guest");
            break;
        }
        assert_int_not_equal(f->err.text[0], 0);
        fixture_assert_nothing_left(f);
    }
    assert_true(n > 2);
    fixture_assert_nothing_left(f);
}

static void test_execute_sweep(void **state)
{
    struct fixture *f = *state;
    unsigned int i;

    memcpy(f->config.uuid, "0123456789abcdef", 16);
    for (i = 0; i < NR_FLAVOURS; i++)
        sweep_execute(f, flavour_number(f, i));
    f->config.ramdisk = f->ramdisk; /* does not fit the template */
    sweep_execute(f, flavour_number(f, 0));
}

/* What cannot be destroyed now is found later. */
static void test_destroy_sweep(void **state)
{
    struct fixture *f = *state;
    unsigned int i, n, calls;

    for (i = 0; i < NR_FLAVOURS; i++) {
        const struct flavour *flavour = flavour_number(f, i);

        for (n = 1;; n++) {
            struct shell *shell = fixture_prepare(f, flavour);

            fail_at(f, n);
            shell_destroy(f->chaos, shell);
            calls = f->fake->calls;
            f->fake->fail_at = 0;
            assert_int_equal(shell_adopt(f->chaos, NULL, NULL, &f->err), 0);
            fixture_assert_nothing_left(f);
            if (calls < n)
                break;
        }
        assert_true(n > 2);
    }
}

struct taken {
    struct shell *shell[2];
    size_t nr;
};

static void take(void *opaque, struct shell *shell)
{
    struct taken *taken = opaque;

    taken->shell[taken->nr++] = shell;
}

static void test_adopt_sweep(void **state)
{
    struct fixture *f = *state;
    unsigned int i, n, calls;

    for (i = 0; i < NR_FLAVOURS; i++)
        for (n = 1;; n++) {
            struct taken taken = {.nr = 0};

            shell_finish(f->chaos, fixture_prepare(f, flavour_number(f, i)));
            fail_at(f, n);
            assert_int_equal(shell_adopt(f->chaos, take, &taken, &f->err), 0);
            calls = f->fake->calls;
            f->fake->fail_at = 0;
            assert_int_equal(taken.nr, calls < n ? 1 : 0);
            if (taken.nr > 0)
                shell_destroy(f->chaos, taken.shell[0]);
            assert_int_equal(shell_adopt(f->chaos, NULL, NULL, &f->err), 0);
            fixture_assert_nothing_left(f);
            if (calls < n)
                break;
        }
}

static size_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t nr = 0;

    while (readdir(dir))
        nr++;
    closedir(dir);
    return nr;
}

/* Failures before and after the shell is touched. */
static void fail_often(struct fixture *f, unsigned int intact_failures, unsigned int failures)
{
    struct shell *shell = fixture_prepare(f, &f->flavour);
    struct chaos_domain domain;
    char *kernel = f->config.kernel;
    bool intact;
    unsigned int i;

    f->config.kernel = f->ramdisk;
    for (i = 0; i < intact_failures; i++) {
        assert_int_not_equal(
            shell_execute(f->chaos, shell, &f->config, NULL, &domain, &intact, &f->err), 0);
        assert_true(intact);
    }
    f->config.kernel = kernel;
    shell_destroy(f->chaos, shell);
    for (i = 0; i < failures; i++) {
        shell = fixture_prepare(f, i % 2 ? &f->flavour : &f->warm);
        fail_at(f, 1 + i % 2); /* the first of the calls, or the next */
        assert_int_not_equal(
            shell_execute(f->chaos, shell, &f->config, NULL, &domain, &intact, &f->err), 0);
        f->fake->fail_at = 0;
        assert_false(intact);
        shell_finish(f->chaos, shell);
    }
}

static void test_ten_thousand_failures(void **state)
{
    struct fixture *f = *state;
    size_t descriptors, bytes;

    f->fake->fast = true;
    f->chaos->images = image_cache_new();
    assert_non_null(f->chaos->images);
    fail_often(f, 100, 100);
    descriptors = count_descriptors();
    bytes = mallinfo2().uordblks;
    fail_often(f, 8000, 2000);
    assert_int_equal(count_descriptors(), descriptors);
    assert_in_range(mallinfo2().uordblks, 0, bytes + 65536);
    fixture_assert_nothing_left(f);
    image_cache_free(f->chaos->images);
}

/* All ids once around, past those of domains that live on. */
static void test_ids_wrap_around(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct shell *shell, *oldest;
    bool beyond = false;
    unsigned int i;

    f->fake->fast = true;
    f->config.nr_vifs = f->flavour.nr_vifs = f->warm.nr_vifs = 0;
    oldest = fixture_prepare(f, &f->flavour); /* has id 1 */
    strcpy(f->config.name, "second");
    shell = fixture_prepare(f, &f->flavour);
    fixture_execute(f, shell, &domain);
    shell_finish(f->chaos, shell);
    strcpy(f->config.name, "guest");
    for (i = 0; i < HV_DOMID_LIMIT + 100; i++) {
        shell = fixture_prepare(f, &f->flavour);
        beyond |= shell_domid(shell) == HV_DOMID_LIMIT - 1;
        assert_in_range(shell_domid(shell), 3, HV_DOMID_LIMIT - 1);
        fixture_execute(f, shell, &domain);
        shell_finish(f->chaos, shell);
        fixture_destroy(f, "guest");
    }
    assert_true(beyond);
    assert_int_equal(shell_domid(oldest), 1);
    shell_destroy(f->chaos, oldest);
    fixture_destroy(f, "second");
    fixture_assert_nothing_left(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_prepare_sweep), TEST(test_execute_sweep),         TEST(test_destroy_sweep),
        TEST(test_adopt_sweep),   TEST(test_ten_thousand_failures), TEST(test_ids_wrap_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
