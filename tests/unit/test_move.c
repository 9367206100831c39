// SPDX-License-Identifier: BSD-3-Clause
/* The guests of a migration, from one state folder to another on the hypervisor in memory, which is
 * both hosts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chaos.h"
#include "checkpoint_maker.h"
#include "create.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "guest_move.h"
#include "scratch.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *here, *there;
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128];
    struct chaos_domain domain;
    struct guest_source *source;
    struct guest_target *target;
    struct maker_bytes bytes;
    unsigned int taken, given_back; /* shells */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *dir = scratch_make();
    struct elf_maker maker;
    char other[160];

    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    snprintf(other, sizeof(other), "%s/there", dir);
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, dir, &f->here, &f->err), 0);
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, other, &f->there, &f->err), 0);
    strcpy(f->config.name, "guest");
    f->config.kernel = f->kernel;
    f->config.cmdline = (char *)"";
    f->config.memory_mib = f->config.vcpus = f->config.nr_vifs = 1;
    strcpy(f->config.vifs[0].bridge, "xenbr0");
    assert_int_equal(chaos_domain_create(f->here, &f->config, NULL, &f->domain, &f->err), 0);
    assert_int_equal(guest_source_open(f->here, &f->domain, 20, &f->source, &f->err), 0);
    assert_int_equal(guest_target_open(f->there, "guest", &f->target, &f->err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    guest_source_close(f->source);
    guest_target_close(f->target);
    chaos_close(f->there);
    chaos_close(f->here);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static struct shell *take(void *opaque, const struct chaos_config *config)
{
    struct fixture *f = opaque;
    struct flavour flavour;
    struct shell *shell;

    assert_true(flavour_of(config, &flavour));
    if (shell_prepare(f->there, &flavour, NULL, &shell, &f->err) < 0)
        return NULL;
    f->taken++;
    return shell;
}

static void give_back(void *opaque, struct shell *shell)
{
    struct fixture *f = opaque;

    assert_false(shell->used);
    f->given_back++;
    shell_destroy(f->there, shell);
}

static void use_shells(struct fixture *f)
{
    const struct guest_target_shells shells = {take, give_back, f};

    guest_target_use_shells(f->target, &shells);
}

static int set_up_shells(void **state)
{
    set_up(state);
    use_shells(*state);
    return 0;
}

static void prepare(struct fixture *f)
{
    struct migrate_offer offer;

    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    if (guest_target_ops.prepare(f->target, &offer, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static void transfer(struct fixture *f)
{
    if (guest_source_send(f->source, maker_write, &f->bytes, &f->err) != 0)
        fail_msg("%s", f->err.text);
    if (guest_target_ops.load(f->target, maker_read, &f->bytes, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static struct fake_domain *copy_of(struct fixture *f)
{
    struct chaos_domain domain;

    if (chaos_domain_find(f->there, "guest", &domain, &f->err) != 0)
        return NULL;
    return fake_domain(f->fake, domain.domid);
}

static void test_moves(void **state)
{
    struct fixture *f = *state;
    struct chaos_config before, after;
    struct chaos_domain copy;

    assert_int_equal(chaos_domain_config(f->here, &f->domain, &before, &f->err), 0);
    prepare(f);
    assert_false(fake_domain(f->fake, f->domain.domid)->shutdown); /* it runs all the while */
    transfer(f);
    assert_true(fake_domain(f->fake, f->domain.domid)->shutdown);
    assert_true(copy_of(f)->paused);
    assert_false(copy_of(f)->started);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
    assert_true(copy_of(f)->started);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0); /* once more, after a death */
    assert_int_equal(guest_source_destroy(f->source, &f->err), 0);
    assert_null(fake_domain(f->fake, f->domain.domid));
    assert_int_equal(chaos_domain_find(f->there, "guest", &copy, &f->err), 0);
    assert_int_equal(chaos_domain_config(f->there, &copy, &after, &f->err), 0);
    assert_memory_equal(before.vifs[0].mac, after.vifs[0].mac, 6);
    chaos_config_free(&before);
    chaos_config_free(&after);
    assert_int_equal(chaos_domain_destroy(f->there, &copy, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* Whatever had been done by then, the source goes on and the target has nothing. */
static void test_given_up(void **state)
{
    struct fixture *f = *state;
    struct fake_domain *guest = fake_domain(f->fake, f->domain.domid);

    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0); /* before anything */
    prepare(f);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_null(copy_of(f));
    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
    prepare(f);
    transfer(f);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), -ESRCH);
    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
    assert_false(guest->shutdown);
    assert_int_equal(guest->resumed, 1);
    assert_int_equal(chaos_domain_destroy(f->here, &f->domain, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* A stream that is cut off anywhere, or is another guest's. */
static void test_cut_off(void **state)
{
    struct fixture *f = *state;
    size_t length, whole;

    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), 0);
    whole = f->bytes.length;
    for (length = 0; length < whole; length += length < 2000 ? 97 : 3001) {
        prepare(f);
        f->bytes.length = length;
        f->bytes.read = 0;
        assert_int_equal(guest_target_ops.load(f->target, maker_read, &f->bytes, &f->err),
                         -EBADMSG);
        assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
        assert_null(copy_of(f));
    }
    prepare(f);
    maker_make(&f->bytes);
    assert_int_equal(guest_target_ops.load(f->target, maker_read, &f->bytes, &f->err), -EBADMSG);
    assert_non_null(strstr(f->err.text, "not the one that was offered"));
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
    assert_int_equal(chaos_domain_destroy(f->here, &f->domain, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct migrate_offer offer, worse;

    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    worse = offer;
    worse.xen_major++;
    assert_int_equal(guest_target_ops.prepare(f->target, &worse, &f->err), -EOPNOTSUPP);
    worse = offer;
    worse.hw_caps[3] = 1;
    assert_int_equal(guest_target_ops.prepare(f->target, &worse, &f->err), -EOPNOTSUPP);
    worse = offer;
    worse.config_length = 9;
    assert_true(guest_target_ops.prepare(f->target, &worse, &f->err) < 0);
    assert_null(copy_of(f));
    prepare(f); /* and the same target can still take what is good */
    transfer(f);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
}

/* The source goes on at once, or once it has done as it was asked. */
static void test_deaf(void **state)
{
    struct fixture *f = *state;
    struct fake_domain *guest = fake_domain(f->fake, f->domain.domid);

    guest->deaf = true;
    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), -ETIMEDOUT);
    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
    assert_false(guest->shutdown);
    fake_guest_suspend(f->fake, f->domain.domid);
    chaos_reap(f->here);
    assert_false(guest->shutdown);
    assert_int_equal(guest->resumed, 1);
}

/* A target that died while it loaded leaves a record that nobody holds. */
static void test_target_dies(void **state)
{
    struct fixture *f = *state;

    prepare(f);
    guest_target_close(f->target);
    assert_int_equal(guest_target_open(f->there, "guest", &f->target, &f->err), 0);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), -ESRCH);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    prepare(f);
    transfer(f);
    guest_target_close(f->target);
    assert_int_equal(guest_target_open(f->there, "guest", &f->target, &f->err), 0);
    chaos_reap(f->there); /* what was loaded is not reaped */
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
    assert_true(copy_of(f)->started);
}

/* ---------------------------------------------------------------- shells */

/* What is found before the shell is touched leaves it to whom it is of. */
static void test_given_back(void **state)
{
    struct fixture *f = *state;
    struct migrate_offer offer;
    struct chaos_domain other;

    assert_int_equal(chaos_domain_create(f->there, &f->config, NULL, &other, &f->err), 0);
    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    assert_int_equal(guest_target_ops.prepare(f->target, &offer, &f->err), -EEXIST);
    assert_int_equal(f->taken, 1);
    assert_int_equal(f->given_back, 1);
    assert_int_equal(chaos_domain_destroy(f->there, &other, false, &f->err), 0);
    prepare(f);
    transfer(f);
    assert_int_equal(f->given_back, 1);
}

/* One that was taken, and is no guest yet, is nobody's after a death. */
static void test_dies_in_shell(void **state)
{
    struct fixture *f = *state;

    prepare(f);
    guest_target_close(f->target);
    assert_int_equal(scratch_count("there/shells"), 1);
    assert_int_equal(guest_target_open(f->there, "guest", &f->target, &f->err), 0);
    use_shells(f);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_int_equal(shell_adopt(f->there, NULL, NULL, &f->err), 0);
    assert_int_equal(scratch_count("there/shells"), 0);
    prepare(f);
    transfer(f);
    guest_target_close(f->target);
    assert_int_equal(guest_target_open(f->there, "guest", &f->target, &f->err), 0);
    assert_int_equal(shell_adopt(f->there, NULL, NULL, &f->err), 0);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
    assert_true(copy_of(f)->started);
    assert_int_equal(f->fake->mapped_at_start, 0);
}

/* Every call to the hypervisor fails once: there is a copy, or nothing at all. */
static void test_shell_sweep(void **state)
{
    struct fixture *f = *state;
    struct migrate_offer offer;
    unsigned int n, failures = 0;
    int rc;

    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), 0);
    for (n = 1;; n++, failures++) {
        f->bytes.read = 0;
        f->fake->calls = 0;
        f->fake->fail_at = n;
        rc = guest_target_ops.prepare(f->target, &offer, &f->err);
        if (rc == 0)
            rc = guest_target_ops.load(f->target, maker_read, &f->bytes, &f->err);
        f->fake->fail_at = 0;
        if (rc == 0 && f->fake->calls < n)
            break;
        assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
        assert_null(copy_of(f));
        assert_int_equal(scratch_count("there/domains") + scratch_count("there/shells"), 0);
        assert_int_equal(f->fake->mapped, 0);
    }
    assert_true(failures > 30);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
}

int main(void)
{
#define SHELLS(name) cmocka_unit_test_setup_teardown(name, set_up_shells, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deaf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target_dies, set_up, tear_down),
        SHELLS(test_moves),
        SHELLS(test_given_up),
        SHELLS(test_cut_off),
        SHELLS(test_refused),
        SHELLS(test_given_back),
        SHELLS(test_dies_in_shell),
        SHELLS(test_shell_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
