// SPDX-License-Identifier: BSD-3-Clause
/* Guests of checkpoints in shells: what they are afterwards, which shells can become them, and that
 * neither a failure nor a kill at any point loses or leaves anything. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "killer.h"
#include "noxs_suspend.h"
#include "restore_file.h"
#include "save_fixture.h"
#include "scratch.h"
#include "shell.h"

static struct flavour flavour_without(struct fixture *f)
{
    struct flavour flavour;

    assert_true(flavour_of(&f->config, &flavour));
    return flavour;
}

static struct flavour flavour_with_image(struct fixture *f)
{
    struct flavour flavour = flavour_without(f);

    strcpy(flavour.kernel, f->kernel);
    return flavour;
}

static struct shell *prepare(struct fixture *f, const struct flavour *flavour)
{
    struct shell *shell;

    if (shell_prepare(f->chaos, flavour, NULL, &shell, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return shell;
}

static int restore_in(struct fixture *f, struct shell *shell, const char *override,
                      struct chaos_domain *out, bool *intact)
{
    const struct chaos_config_options how = {0};
    const struct chaos_restore_options options = {.overrides = &override,
                                                  .nr_overrides = override ? 1 : 0};
    struct restore_file file = {0};
    struct chaos_config config;
    int fd = open(f->file, O_RDONLY | O_CLOEXEC);
    int rc = restore_file_open(&file, fd, &f->err);

    *intact = true;
    if (rc == 0)
        rc = chaos_config_parse(RESTORE_CONFIG_SOURCE, file.config, file.config_length,
                                options.overrides, options.nr_overrides, &how, &config, &f->err);
    if (rc == 0) {
        rc = restore_file_in_shell(&file, f->chaos, shell, &config, &options, out, intact, &f->err);
        chaos_config_free(&config);
    }
    restore_file_close(&file);
    close(fd);
    return rc;
}

static void tell_unused(struct fake_hv *fake, struct fake_domain *domain)
{
    static const struct noxs_unused unused = {NOXS_UNUSED_MAGIC, 1, {{0, 3}}};
    uint8_t *page = fake_frame(fake, domain->shared_info_frame);

    memcpy(page + NOXS_UNUSED_OFFSET, &unused, sizeof(unused));
    munmap(page, HV_PAGE_SIZE);
}

static void check_in_shell(struct fixture *f, const struct flavour *flavour)
{
    static uint8_t image[PAGES][HV_PAGE_SIZE], after[PAGES][HV_PAGE_SIZE], zero[HV_PAGE_SIZE];
    const bool any[PAGES] = {true, true, true};
    struct chaos_domain restored, second;
    struct shell *shell = prepare(f, flavour);
    const uint32_t domid = shell_domid(shell);
    size_t at_start;
    bool intact;

    scribble(f, image);
    f->guest->mischief = tell_unused; /* of its kernel */
    save(f, NULL);
    if (restore_in(f, shell, NULL, &restored, &intact) != 0)
        fail_msg("%s", f->err.text);
    at_start = f->fake->mapped_at_start;
    shell_finish(f->chaos, shell);
    assert_int_equal(restored.domid, domid);
    assert_memory_equal(restored.uuid, f->domain.uuid, 16);
    assert_memory_equal(fake_domain(f->fake, domid)->uuid, f->domain.uuid, 16);
    check_restored_but(f, domid, image, any);
    take_image(f, domid, after);
    if (flavour->kernel[0]) { /* nothing of what was loaded there, and no page table */
        assert_memory_equal(after[0], zero, HV_PAGE_SIZE);
        assert_true(at_start > 0);
    }
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(scratch_count("shells"), 0);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &second, &f->err), 0);

    /* Another guest of the same file is another guest. */
    shell = prepare(f, flavour);
    if (restore_in(f, shell, "name=second", &second, &intact) != 0)
        fail_msg("%s", f->err.text);
    shell_finish(f->chaos, shell);
    check_restored_but(f, second.domid, image, any);
    assert_memory_not_equal(second.uuid, restored.uuid, 16);
    assert_memory_not_equal(fake_domain(f->fake, second.domid)->mac,
                            fake_domain(f->fake, domid)->mac, 6);
    assert_int_equal(chaos_domain_destroy(f->chaos, &restored, false, &f->err), 0);
    assert_int_equal(chaos_domain_destroy(f->chaos, &second, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

static void test_template(void **state)
{
    const struct flavour flavour = flavour_without(*state);

    check_in_shell(*state, &flavour);
}

static void test_warm_image(void **state)
{
    const struct flavour flavour = flavour_with_image(*state);

    check_in_shell(*state, &flavour);
}

/* A guest of which nothing is known may make a page table of any of its pages. */
static void test_window_closed(void **state)
{
    struct fixture *f = *state;
    const struct flavour flavour = flavour_without(f);
    struct shell *shell = prepare(f, &flavour);
    struct chaos_domain restored;
    bool intact;

    save(f, NULL);
    assert_true(f->fake->mapped > 0);
    if (restore_in(f, shell, NULL, &restored, &intact) != 0)
        fail_msg("%s", f->err.text);
    assert_int_equal(f->fake->mapped_at_start, 0);
    shell_finish(f->chaos, shell);
    assert_int_equal(chaos_domain_destroy(f->chaos, &restored, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* Which shells can become the guest, and which would do worse. */
static void test_fit(void **state)
{
    struct fixture *f = *state;
    struct flavour flavour = flavour_without(f);

    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), 0);
    flavour.memory_mib = 2; /* more than it had */
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), -1);
    flavour = flavour_with_image(f);
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), 1);
    strcpy(flavour.kernel, "/another");
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), 1);
    flavour.vcpus = 1;
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), -1);
    flavour.vcpus = 2;
    strcpy(flavour.bridge[0], "xenbr1");
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), -1);
    flavour = flavour_with_image(f);
    flavour.bus = f->config.bus = CHAOS_BUS_XENSTORE;
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), -1);
    flavour.kernel[0] = '\0';
    assert_int_equal(flavour_misfit_restored(&flavour, &f->config), 0);
}

/* What is found before the shell is touched leaves it to whoever has it. */
static void test_intact(void **state)
{
    struct fixture *f = *state;
    struct flavour flavour = flavour_without(f);
    struct shell *shell = prepare(f, &flavour);
    struct chaos_domain restored;
    bool intact;

    save(f, &go_on);
    assert_int_equal(restore_in(f, shell, NULL, &restored, &intact), -EEXIST); /* the name */
    assert_true(intact);
    assert_int_equal(restore_in(f, shell, "memory=2", &restored, &intact), -EINVAL);
    assert_true(intact);
    f->fake->fail_at = f->fake->calls + 1; /* asks which host this is */
    assert_int_equal(restore_in(f, shell, "name=second", &restored, &intact), -EIO);
    assert_true(intact);
    assert_int_equal(truncate(f->file, 1000), 0); /* its head is whole */
    assert_int_equal(restore_in(f, shell, "name=second", &restored, &intact), -EBADMSG);
    assert_false(intact);
    shell_finish(f->chaos, shell);
    assert_running(f);
    assert_int_equal(scratch_count("shells"), 0);
}

/* Every call to the hypervisor fails once: the shell is whole, or nothing of it is left. */
static void test_sweep(void **state)
{
    struct fixture *f = *state;
    struct flavour flavour = flavour_with_image(f);
    struct chaos_domain restored;
    unsigned int n, failures = 0;

    save(f, NULL);
    for (n = 1;; n++) {
        struct shell *shell = prepare(f, &flavour);
        bool intact;
        int rc;

        f->fake->calls = 0;
        f->fake->fail_at = n;
        f->err = (struct chaos_error){0};
        rc = restore_in(f, shell, NULL, &restored, &intact);
        f->fake->fail_at = 0;
        if (rc == 0) {
            assert_true(f->fake->calls < n);
            shell_finish(f->chaos, shell);
            break;
        }
        failures++;
        assert_int_not_equal(f->err.text[0], 0);
        if (intact)
            shell_destroy(f->chaos, shell);
        else
            shell_finish(f->chaos, shell);
        fake_hv_assert_empty(f->fake);
        assert_int_equal(scratch_count("domains") + scratch_count("shells"), 0);
    }
    assert_true(failures > 12);
}

/* ---------------------------------------------------------------- kills */

static void live_and_restore(void *opaque)
{
    struct fixture *f = opaque;
    struct flavour flavour = flavour_without(f);
    struct shell *shell = prepare(f, &flavour);
    struct chaos_domain restored;
    bool intact;

    if (restore_in(f, shell, NULL, &restored, &intact) < 0)
        _exit(1);
    shell_finish(f->chaos, shell);
}

static void take(void *opaque, struct shell *shell)
{
    struct shell **taken = opaque;

    assert_null(*taken);
    *taken = shell;
}

/* There is the shell, or the guest, or neither; and the file is as good as before. */
static void start_again(struct fixture *f)
{
    struct shell *shell = NULL;
    struct chaos_domain domain;
    bool intact;

    fake_hv_forget_mappings(f->fake);
    assert_int_equal(shell_adopt(f->chaos, take, &shell, &f->err), 0);
    chaos_reap(f->chaos);
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(scratch_count("shells"), shell != NULL);
    assert_true(!shell || scratch_count("domains") == 0);
    if (shell) {
        if (restore_in(f, shell, NULL, &domain, &intact) < 0)
            fail_msg("%s", f->err.text);
        shell_finish(f->chaos, shell);
    }
    if (scratch_count("domains") > 0) {
        assert_int_equal(chaos_domain_find(f->chaos, "guest", &domain, &f->err), 0);
        assert_memory_equal(domain.uuid, f->domain.uuid, 16);
        assert_true(fake_domain(f->fake, domain.domid)->started);
        assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    }
    fake_hv_assert_empty(f->fake);
}

static void test_killed(void **state)
{
    struct fixture *f = *state;
    unsigned int n;

    save(f, NULL);
    for (n = 1; run_and_kill(live_and_restore, f, n); n++)
        start_again(f);
    start_again(f);
    assert_in_range(n, 30, 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_template), TEST(test_warm_image), TEST(test_window_closed), TEST(test_fit),
        TEST(test_intact),   TEST(test_sweep),      TEST(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
