// SPDX-License-Identifier: BSD-3-Clause
/* A uuid belongs to one domain of ours; one that another toolstack gave to a domain of its own does
 * no harm, whoever is killed when. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "killer.h"
#include "save_fixture.h"
#include "scratch.h"

static int create_again(struct fixture *f, const char *name, struct chaos_domain *out)
{
    strcpy(f->config.name, name);
    memcpy(f->config.uuid, f->domain.uuid, sizeof(f->config.uuid));
    return chaos_domain_create(f->chaos, &f->config, NULL, out, &f->err);
}

static void assert_taken(struct fixture *f, const char *pattern)
{
    assert_int_equal(f->err.exit, CHAOS_EXIT_EXISTS);
    assert_non_null(strstr(f->err.text, pattern));
    assert_int_equal(scratch_count("pending"), 0);
}

/* Also where the hypervisor has no index of uuids. */
static void test_taken(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain second;
    int stock;

    for (stock = 0; stock <= 1; stock++) {
        f->fake->stock = stock;
        assert_int_equal(create_again(f, "second", &second), -EEXIST);
        assert_taken(f, "has this uuid already");
        assert_int_equal(chaos_domain_destroy(f->chaos, &f->domain, false, &f->err), 0);
        assert_int_equal(create_again(f, "guest", &f->domain), 0);
        assert_memory_equal(fake_domain(f->fake, f->domain.domid)->uuid, f->config.uuid, 16);
    }
}

/* Another process is about to make a domain with it: nobody else does, in whatever order. */
static void test_about_to_be_taken(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain restored, second;
    struct chaos_config config;
    uint8_t mac[6];
    int lock, other;

    assert_int_equal(chaos_domain_config(f->chaos, &f->domain, &config, &f->err), 0);
    memcpy(mac, config.vifs[0].mac, sizeof(mac));
    chaos_config_free(&config);
    save(f, NULL);
    assert_int_equal(registry_lock_uuid(&f->chaos->registry, f->domain.uuid, &lock, &f->err), 0);
    assert_int_equal(registry_lock_uuid(&f->chaos->registry, f->domain.uuid, &other, &f->err),
                     -EBUSY);
    assert_int_equal(create_again(f, "guest", &second), -EBUSY);
    assert_taken(f, "another process");
    assert_int_equal(restore(f, NULL, &restored), 0);
    assert_memory_not_equal(restored.uuid, f->domain.uuid, 16);
    assert_int_equal(chaos_domain_config(f->chaos, &restored, &config, &f->err), 0);
    assert_memory_not_equal(config.vifs[0].mac, mac, sizeof(mac));
    chaos_config_free(&config);
    close(lock);
    assert_int_equal(restore(f, "name=second", &second), 0);
    assert_memory_equal(second.uuid, f->domain.uuid, 16);
    assert_int_equal(restore(f, "name=third", &restored), 0);
    assert_memory_not_equal(restored.uuid, f->domain.uuid, 16);
}

/* ---------------------------------------------------------------- beside another's domain */

static uint32_t make_anothers(struct fixture *f)
{
    struct hv_create how = {.max_vcpus = 1};
    uint32_t domid;

    memcpy(how.uuid, f->domain.uuid, sizeof(how.uuid));
    assert_int_equal(f->fake->hv.ops->domain_create(&f->fake->hv, &how, &domid), 0);
    return domid;
}

/* Whoever comes after the one that was killed clears up, and touches nothing that is not ours. */
static void clear_up(struct fixture *f, uint32_t anothers)
{
    struct chaos_domain domain;

    fake_hv_forget_mappings(f->fake);
    chaos_reap(f->chaos);
    assert_non_null(fake_domain(f->fake, anothers));
    assert_int_equal(scratch_count("pending"), 0);
    if (scratch_count("domains") > 0) {
        assert_int_equal(chaos_domain_find(f->chaos, "guest", &domain, &f->err), 0);
        assert_int_not_equal(domain.domid, anothers);
        assert_true(fake_domain(f->fake, domain.domid)->started);
        assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    }
    assert_int_equal(f->fake->hv.ops->destroy(&f->fake->hv, anothers), 0);
    fake_hv_assert_empty(f->fake);
}

static void kill_everywhere(struct fixture *f, life *what, unsigned int places)
{
    unsigned int n;

    for (n = 1; run_and_kill(what, f, n); n++)
        clear_up(f, make_anothers(f));
    clear_up(f, make_anothers(f));
    assert_in_range(n, places, 1000);
}

static void live_and_create(void *opaque)
{
    struct fixture *f = opaque;

    if (create_again(f, "guest", &f->domain) < 0)
        _exit(1);
}

static void live_and_restore(void *opaque)
{
    struct chaos_domain restored;

    if (restore(opaque, NULL, &restored) < 0)
        _exit(1);
}

static void test_killed_in_create(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(chaos_domain_destroy(f->chaos, &f->domain, false, &f->err), 0);
    kill_everywhere(f, live_and_create, 20);
}

static void test_killed_in_restore(void **state)
{
    struct fixture *f = *state;

    save(f, NULL);
    kill_everywhere(f, live_and_restore, 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_taken),
        TEST(test_about_to_be_taken),
        TEST(test_killed_in_create),
        TEST(test_killed_in_restore),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
