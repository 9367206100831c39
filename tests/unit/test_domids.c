// SPDX-License-Identifier: BSD-3-Clause
/* Ids that are used again (test_shells_faults.c uses up all of them): nobody is taken for whoever
 * had one before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "shell_fixture.h"

/* The id of a guest that lives on. */
static uint32_t create(struct fixture *f, const char *name)
{
    struct chaos_domain domain;

    strcpy(f->config.name, name);
    if (chaos_domain_create(f->chaos, &f->config, NULL, &domain, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return domain.domid;
}

/* The same out of a shell. */
static uint32_t create_from_shell(struct fixture *f, const char *name)
{
    struct shell *shell = fixture_prepare(f, &f->flavour);
    struct chaos_domain domain;

    strcpy(f->config.name, name);
    fixture_execute(f, shell, &domain);
    shell_finish(f->chaos, shell);
    return domain.domid;
}

static void assert_is(struct fixture *f, const char *which, const char *name, uint32_t domid)
{
    struct chaos_domain found;

    if (chaos_domain_find(f->chaos, which, &found, &f->err) < 0)
        fail_msg("%s", f->err.text);
    assert_int_equal(found.domid, domid);
    assert_string_equal(found.name, name);
}

static void test_ids_are_used_again(void **state)
{
    struct fixture *f = *state;
    uint32_t old = create(f, "old"), gone = create(f, "gone"), domid = 0, last = 0, i;
    struct shell *waiting = fixture_prepare(f, &f->flavour);
    unsigned int wraps = 0, met_gone = 0;
    struct chaos_domain domain;

    f->fake->fast = true;
    /* It ends while nobody looks: its record stays. */
    assert_int_equal(f->fake->hv.ops->destroy(&f->fake->hv, gone), 0);
    f->fake->last_domid = last = HV_DOMID_LIMIT - 5;
    for (i = 0; i < 10; i++, last = domid) {
        domid = i % 2 ? create(f, "guest") : create_from_shell(f, "guest");
        assert_in_range(domid, 1, HV_DOMID_LIMIT - 1);
        assert_int_not_equal(domid, old);
        wraps += domid < last;
        if (domid == gone) {
            met_gone++;
            assert_is(f, "id:2", "guest", gone);
            assert_int_equal(chaos_domain_find(f->chaos, "gone", &domain, &f->err), -ENOENT);
        }
        fixture_destroy(f, "guest");
    }
    assert_int_equal(wraps, 1);
    assert_int_equal(met_gone, 1);
    assert_is(f, "id:1", "old", old);
    strcpy(f->config.name, "new");
    fixture_execute(f, waiting, &domain);
    shell_finish(f->chaos, waiting);
    fixture_check_guest(f, &domain);
    fixture_destroy(f, "new");
    fixture_destroy(f, "old");
    create(f, "gone"); /* what was left of it is in nobody's way */
    fixture_destroy(f, "gone");
    fixture_assert_nothing_left(f);
}

/* The end of a guest whose id is another's by now must not end that one. */
static void test_destroy_after_reuse(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain before, after;

    create(f, "guest");
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &before, &f->err), 0);
    fixture_destroy(f, "guest");
    f->fake->last_domid = HV_DOMID_LIMIT - 1;
    assert_int_equal(create(f, "guest"), before.domid);
    assert_int_not_equal(chaos_domain_destroy(f->chaos, &before, false, &f->err), 0);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &after, &f->err), 0);
    fixture_destroy(f, "guest");
    fixture_assert_nothing_left(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ids_are_used_again),
        TEST(test_destroy_after_reuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
