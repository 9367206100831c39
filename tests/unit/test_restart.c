// SPDX-License-Identifier: BSD-3-Clause
/* Making a domain anew, with processes that die in between and others that interfere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_maker.h"
#include "fake_hv.h"
#include "restart.h"
#include "scratch.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_config config;
    struct chaos_domain domain;
    struct chaos_error err;
    char kernel[128];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *dir = scratch_make();
    struct elf_maker maker;

    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, dir, &f->chaos, &f->err), 0);
    f->config = (struct chaos_config){
        .name = "guest", .kernel = f->kernel, .cmdline = (char *)"x", .memory_mib = 1, .vcpus = 1};
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, &f->domain, &f->err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    chaos_close(f->chaos);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static void begin(struct fixture *f, struct chaos_config *config)
{
    if (restart_begin(f->chaos, &f->domain, config, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

static void test_restart(void **state)
{
    struct fixture *f = *state;
    struct chaos_config config;
    struct chaos_domain created;

    begin(f, &config);
    assert_true(restart_wanted(f->chaos, "guest"));
    assert_int_equal(scratch_count("domains"), 0);
    assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &created, &f->err), 0);
    assert_memory_equal(created.uuid, f->domain.uuid, 16);
    assert_int_not_equal(created.domid, f->domain.domid);
    assert_int_equal(restart_finish(f->chaos, &created, &f->err), 0);
    assert_int_equal(scratch_count("restarts"), 0);
    assert_non_null(fake_domain(f->fake, created.domid));
    chaos_config_free(&config);
}

static void test_called_off(void **state)
{
    struct fixture *f = *state;
    struct chaos_config config;
    struct chaos_domain created;

    assert_false(chaos_domain_call_off_restart(f->chaos, "guest"));
    begin(f, &config);
    assert_true(chaos_domain_call_off_restart(f->chaos, "guest"));
    assert_false(restart_wanted(f->chaos, "guest"));
    assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &created, &f->err), 0);
    assert_int_equal(restart_finish(f->chaos, &created, &f->err), -ECANCELED);
    fake_hv_assert_empty(f->fake);
    chaos_config_free(&config);
}

/* Who comes too late must not unmake what the first one made. */
static void test_two_restarters(void **state)
{
    struct fixture *f = *state;
    struct chaos_config config;
    struct chaos_domain created, found;

    begin(f, &config);
    assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &created, &f->err), 0);
    assert_int_equal(restart_finish(f->chaos, &created, &f->err), 0);
    chaos_config_free(&config);
    assert_int_equal(restart_begin(f->chaos, &f->domain, &config, &f->err), -ENOENT);
    assert_int_equal(f->err.exit, CHAOS_EXIT_NOT_FOUND);
    assert_int_equal(chaos_domain_destroy(f->chaos, &f->domain, false, &f->err), -ENOENT);
    assert_int_equal(scratch_count("restarts"), 0);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &found, &f->err), 0);
    assert_int_equal(found.domid, created.domid);
}

static void keep(void *opaque, const char *name)
{
    char *kept = opaque;

    assert_string_equal(kept, "");
    strcpy(kept, name);
}

static void test_resume(void **state)
{
    struct fixture *f = *state;
    char kept[CHAOS_NAME_MAX + 1] = "";
    struct chaos_config config;
    struct chaos_domain created;

    assert_int_equal(restart_resume(f->chaos, keep, kept, &f->err), 0);
    /* Died before it took the record: the domain is still there, and nothing is to be resumed. */
    assert_int_equal(registry_mark_restart(&f->chaos->registry, "guest", &f->err), 0);
    assert_int_equal(restart_resume(f->chaos, keep, kept, &f->err), 0);
    assert_string_equal(kept, "");
    assert_int_equal(scratch_count("restarts"), 0);
    /* Died after it had unmade it. */
    begin(f, &config);
    chaos_config_free(&config);
    assert_int_equal(restart_resume(f->chaos, keep, kept, &f->err), 0);
    assert_string_equal(kept, "guest");
    assert_int_equal(restart_config(f->chaos, kept, &config, &f->err), 0);
    assert_string_equal(config.name, "guest");
    assert_memory_equal(config.uuid, f->domain.uuid, 16);
    assert_true(restart_wanted(f->chaos, "guest"));
    /* Died after it had created it anew. */
    assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &created, &f->err), 0);
    chaos_config_free(&config);
    kept[0] = '\0';
    assert_int_equal(restart_resume(f->chaos, keep, kept, &f->err), 0);
    assert_string_equal(kept, "");
    assert_int_equal(scratch_count("restarts"), 0);
}

static void test_resume_damaged(void **state)
{
    struct fixture *f = *state;
    char kept[CHAOS_NAME_MAX + 1] = "";
    struct chaos_config config;

    begin(f, &config);
    chaos_config_free(&config);
    scratch_file("restarts/guest", "nonsense", 8);
    assert_int_equal(restart_resume(f->chaos, keep, kept, &f->err), 0);
    assert_string_equal(kept, "");
    assert_int_equal(scratch_count("restarts"), 0);
}

/* Each call that can fail does in turn; the guest is then either there, or still marked. */
static void test_failures(void **state)
{
    struct fixture *f = *state;
    unsigned int n;
    int rc = -1;

    for (n = 1; rc < 0; n++) {
        struct chaos_config config;
        struct chaos_domain created;
        bool begun;

        f->fake->calls = 0;
        f->fake->fail_at = n;
        rc = restart_begin(f->chaos, &f->domain, &config, &f->err);
        begun = rc == 0;
        if (begun) {
            rc = chaos_domain_create(f->chaos, &config, NULL, &created, &f->err);
            f->fake->fail_at = 0;
            assert_true(rc == 0 || restart_wanted(f->chaos, "guest"));
            if (rc < 0)
                assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &created, &f->err),
                                 0);
            assert_int_equal(restart_finish(f->chaos, &created, &f->err), 0);
            f->domain = created;
            chaos_config_free(&config);
        } else {
            f->fake->fail_at = 0;
            chaos_reap(f->chaos);
            assert_int_equal(restart_wanted(f->chaos, "guest"), scratch_count("domains") == 0);
            if (scratch_count("domains") == 0) {
                assert_int_equal(restart_config(f->chaos, "guest", &config, &f->err), 0);
                assert_int_equal(chaos_domain_create(f->chaos, &config, NULL, &f->domain, &f->err),
                                 0);
                assert_int_equal(restart_finish(f->chaos, &f->domain, &f->err), 0);
                chaos_config_free(&config);
            }
        }
        assert_in_range(n, 1, 200);
    }
    assert_in_range(n, 10, 200);
}

struct changes {
    char text[512];
};

static void note(void *opaque, const char *name, bool came)
{
    struct changes *changes = opaque;

    strcat(changes->text, came ? "+" : "-");
    strcat(changes->text, name);
    strcat(changes->text, " ");
}

static void test_watch(void **state)
{
    struct fixture *f = *state;
    struct changes changes = {""};
    struct chaos_domain second;
    int fd = registry_watch_open(&f->chaos->registry);

    assert_true(fd >= 0);
    assert_int_equal(registry_watch_read(fd, note, &changes), 0);
    assert_string_equal(changes.text, "");
    strcpy(f->config.name, "second");
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, &second, &f->err), 0);
    assert_int_equal(chaos_domain_rename(f->chaos, &second, "third", &f->err), 0);
    assert_int_equal(chaos_domain_destroy(f->chaos, &f->domain, false, &f->err), 0);
    assert_int_equal(registry_watch_read(fd, note, &changes), 0);
    assert_string_equal(changes.text, "+second -second +third -guest ");
    changes.text[0] = '\0';
    assert_int_equal(registry_watch_read(fd, note, &changes), 0);
    assert_string_equal(changes.text, "");
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_restart),  TEST(test_called_off), TEST(test_two_restarters), TEST(test_resume),
        TEST(test_failures), TEST(test_watch),      TEST(test_resume_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
