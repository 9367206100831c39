// SPDX-License-Identifier: BSD-3-Clause
/* The guests of a migration, from one state folder to another on the hypervisor in memory, which is
 * both hosts. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <chaos/checkpoint.h>

#include "create.h"
#include "move_fixture.h"
#include "scratch.h"

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
    const struct guest_target_shells shells = {.take = take, .give_back = give_back, .opaque = f};

    guest_target_use_shells(f->target, &shells);
}

static int set_up_shells(void **state)
{
    set_up(state);
    use_shells(*state);
    return 0;
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

static int set_up_compressed(void **state)
{
    const struct guest_source_options how = {.timeout_ms = 20, .compress = true};
    struct migrate_offer offer;
    struct fixture *f;

    set_up(state);
    f = *state;
    guest_source_close(f->source);
    assert_int_equal(guest_source_open(f->here, &f->domain, &how, &f->source, &f->err), 0);
    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    assert_int_equal(offer.features, STREAM_LZ4);
    return 0;
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
    assert_int_equal(guest_target_ops.prepare(f->target, &worse, &f->note, &f->err), -EOPNOTSUPP);
    worse = offer;
    worse.hw_caps[3] = 1;
    assert_int_equal(guest_target_ops.prepare(f->target, &worse, &f->note, &f->err), -EOPNOTSUPP);
    worse = offer;
    worse.config_length = 9;
    assert_true(guest_target_ops.prepare(f->target, &worse, &f->note, &f->err) < 0);
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
    open_target(f);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), -ESRCH);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    prepare(f);
    transfer(f);
    guest_target_close(f->target);
    open_target(f);
    chaos_reap(f->there); /* what was loaded is not reaped */
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
    assert_true(copy_of(f)->started);
}

/* The note is of another domain than the one that is there. */
static void assert_is_not_it(struct fixture *f)
{
    guest_target_close(f->target);
    open_target(f);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), -ESRCH);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_false(copy_of(f)->started);
}

/* Whoever has the name already is no part of it. */
static void test_name_taken(void **state)
{
    struct fixture *f = *state;
    struct migrate_offer offer;
    struct chaos_domain other;

    assert_int_equal(chaos_domain_create(f->there, &f->config, NULL, &other, &f->err), 0);
    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    assert_int_equal(guest_target_ops.prepare(f->target, &offer, &f->note, &f->err), -EEXIST);
    assert_int_equal(f->note.domid, 0);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), -ESRCH);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_ptr_equal(copy_of(f), fake_domain(f->fake, other.domid));

    assert_int_equal(chaos_domain_destroy(f->there, &other, false, &f->err), 0);
    prepare(f);
    transfer(f);
    f->note.uuid[0] ^= 1; /* of another that came under this name, and went */
    assert_is_not_it(f);
    f->note.uuid[0] ^= 1;
    f->note.domid++;
    assert_is_not_it(f);
}

/* What processes left which died over a note, and a note that somebody works on. */
static void test_journal_is_tidied(void **state)
{
    struct fixture *f = *state;
    struct migrate_note note = {.name = "guest", .role = MIGRATE_SOURCE};
    struct migrate_journal *journal;
    char path[200];
    int lock;

    assert_int_equal(migrate_journal_open(f->dir, &journal, &f->err), 0);
    assert_int_equal(journal->ops->write(journal, &note, &f->err), 0);
    lock = journal->ops->lock(journal, &note, &f->err);
    snprintf(path, sizeof(path), "%s/migrations/11111111-1111-1111-1111-111111111111.target.new",
             f->dir);
    assert_int_equal(close(open(path, O_CREAT, 0600)), 0);
    strcpy(path + strlen(path) - 3, "lock");
    assert_int_equal(close(open(path, O_CREAT, 0600)), 0);
    assert_int_equal(scratch_count("migrations"), 4);
    migrate_journal_tidy(journal);
    assert_int_equal(scratch_count("migrations"), 2);
    assert_int_equal(journal->ops->lock(journal, &note, &f->err), -EBUSY);
    journal->ops->unlock(journal, &note, lock);
    assert_int_equal(journal->ops->read(journal, note.token, note.role, &note, &f->err), 0);
    journal->ops->close(journal);
}

/* After a restart the guest is found again, or it is seen that there is none. */
static void test_source_dies(void **state)
{
    struct fixture *f = *state;
    struct migrate_note note = {.name = "guest", .domid = f->domain.domid};
    struct migrate_journal *journal;
    struct fake_domain *guest = fake_domain(f->fake, f->domain.domid);

    memcpy(note.uuid, f->domain.uuid, sizeof(note.uuid));
    assert_int_equal(migrate_journal_open(f->dir, &journal, &f->err), 0);
    assert_int_equal(journal->ops->write(journal, &note, &f->err), 0);
    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), 0);
    assert_int_equal(scratch_count("suspended"), 1);
    guest_source_close(f->source);
    assert_int_equal(guest_source_reopen(f->here, &note, &f->source, &f->err), 0);
    assert_true(guest->shutdown);
    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
    assert_false(guest->shutdown);
    assert_int_equal(scratch_count("suspended"), 0);

    guest_source_close(f->source);
    note.domid++; /* another domain has the name by now */
    assert_int_equal(guest_source_reopen(f->here, &note, &f->source, &f->err), 0);
    assert_int_equal(guest_source_resume(f->source, &f->err), -ESRCH);
    assert_int_equal(guest_source_destroy(f->source, &f->err), 0);
    assert_true(guest->used);
    guest_source_close(f->source);
    note.domid--;
    assert_int_equal(guest_source_reopen(f->here, &note, &f->source, &f->err), 0);
    assert_int_equal(guest_source_destroy(f->source, &f->err), 0);
    assert_int_equal(guest_source_destroy(f->source, &f->err), 0);
    fake_hv_assert_empty(f->fake);
    journal->ops->close(journal);
}

static int count(void *opaque, const char *name, struct chaos_error *err)
{
    (void)name;
    (void)err;
    (*(unsigned int *)opaque)++;
    return 0;
}

/* All that others could do to a domain is refused with this. */
static void assert_guarded(struct fixture *f, struct chaos *chaos, struct chaos_domain *domain,
                           const char *text)
{
    unsigned int nr = 0;

    assert_int_equal(chaos_domain_pause(chaos, domain, &f->err), -EBUSY);
    assert_int_equal(chaos_domain_unpause(chaos, domain, &f->err), -EBUSY);
    assert_int_equal(chaos_domain_rename(chaos, domain, "other", &f->err), -EBUSY);
    assert_int_equal(chaos_domain_request(chaos, domain, CHAOS_SHUTDOWN_REBOOT, &f->err), -EBUSY);
    assert_int_equal(chaos_domain_save(chaos, domain, "/nowhere", NULL, NULL, &f->err), -EBUSY);
    assert_int_equal(chaos_domain_destroy(chaos, domain, false, &f->err), -EBUSY);
    if (!strstr(f->err.text, text))
        fail_msg("%s", f->err.text);
    registry_visit_names(&chaos->registry, count, &nr, &f->err);
    assert_int_equal(nr, 1);
}

static void test_others_are_kept_away(void **state)
{
    struct fixture *f = *state;
    struct fake_domain *guest = fake_domain(f->fake, f->domain.domid);
    struct migrate_note note = {.role = MIGRATE_SOURCE, .name = "guest", .peer = "b:8002"};
    struct migrate_journal *journal;
    struct guest_source *another;
    const struct guest_source_options how = {.timeout_ms = 20};

    memcpy(note.uuid, f->domain.uuid, sizeof(note.uuid));
    note.domid = f->domain.domid;
    assert_int_equal(migrate_journal_open(f->dir, &journal, &f->err), 0);
    note.phase = MIGRATE_SENDING;
    assert_int_equal(journal->ops->write(journal, &note, &f->err), 0);
    assert_guarded(f, f->here, &f->domain, "is being moved to b:8002");
    assert_int_equal(guest_source_open(f->here, &f->domain, &how, &another, &f->err), -EBUSY);
    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), 0);
    chaos_reap(f->here); /* as any command does */
    assert_true(guest->shutdown);
    guest_source_close(f->source); /* as if it had died */
    f->source = NULL;
    chaos_reap(f->here);
    assert_true(guest->shutdown);
    note.phase = MIGRATE_COMMITTING;
    assert_int_equal(journal->ops->write(journal, &note, &f->err), 0);
    chaos_reap(f->here);
    assert_true(guest->shutdown);
    assert_guarded(f, f->here, &f->domain, "chaos migrate --finish guest");
    note.phase = MIGRATE_STAYED;
    assert_int_equal(journal->ops->write(journal, &note, &f->err), 0);
    chaos_reap(f->here);
    assert_false(guest->shutdown);
    assert_int_equal(chaos_domain_pause(f->here, &f->domain, &f->err), 0);
    note.phase = MIGRATE_COMMITTING;
    assert_int_equal(journal->ops->write(journal, &note, &f->err), 0);
    assert_int_equal(chaos_domain_destroy(f->here, &f->domain, true, &f->err), 0); /* by force */
    journal->ops->close(journal);
}

/* A copy that waits, and one that runs. */
static void test_copy_is_kept_away(void **state)
{
    struct fixture *f = *state;
    struct migrate_journal *journal;
    struct chaos_domain copy;
    char dir[160];

    prepare(f);
    transfer(f);
    assert_int_equal(chaos_domain_find(f->there, "guest", &copy, &f->err), 0);
    snprintf(dir, sizeof(dir), "%s/there", f->dir);
    assert_int_equal(migrate_journal_open(dir, &journal, &f->err), 0);
    f->note.phase = MIGRATE_LOADED;
    assert_int_equal(journal->ops->write(journal, &f->note, &f->err), 0);
    assert_guarded(f, f->there, &copy, "chaos migrate --discard guest");
    assert_false(copy_of(f)->started);
    f->note.phase = MIGRATE_STARTING;
    assert_int_equal(journal->ops->write(journal, &f->note, &f->err), 0);
    assert_guarded(f, f->there, &copy, "is just arriving");
    f->note.phase = MIGRATE_RUNNING;
    assert_int_equal(journal->ops->write(journal, &f->note, &f->err), 0);
    assert_int_equal(chaos_domain_unpause(f->there, &copy, &f->err), 0);
    assert_int_equal(chaos_domain_destroy(f->there, &copy, false, &f->err), 0);
    journal->ops->close(journal);
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
    assert_int_equal(guest_target_ops.prepare(f->target, &offer, &f->note, &f->err), -EEXIST);
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
    open_target(f);
    use_shells(f);
    assert_int_equal(guest_target_ops.drop(f->target, &f->err), 0);
    assert_int_equal(shell_adopt(f->there, NULL, NULL, &f->err), 0);
    assert_int_equal(scratch_count("there/shells"), 0);
    prepare(f);
    transfer(f);
    guest_target_close(f->target);
    open_target(f);
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
        rc = guest_target_ops.prepare(f->target, &offer, &f->note, &f->err);
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

/* A loop device is a block device whether it has a file or not; many machines for tests have none.
 */
static const char *block_device(void)
{
    static const char *const some[] = {"/dev/loop0", "/dev/vda", "/dev/sda", "/dev/nvme0n1"};
    struct stat st;
    size_t i;

    for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        if (stat(some[i], &st) == 0 && S_ISBLK(st.st_mode))
            return some[i];
    return NULL;
}

static void test_disks(void **state)
{
    struct fixture *f = *state;
    struct chaos_disk_config disks[] = {{.vdev = "xvda", .target = f->kernel, .readonly = true},
                                        {.vdev = "xvdb", .target = f->kernel}};
    struct chaos_config config = {.disks = disks, .nr_disks = 1};
    const char *device = block_device();

    assert_int_equal(guest_move_check_disks(&config, &f->err), 0);
    config.nr_disks = 2;
    assert_int_equal(guest_move_check_disks(&config, &f->err), -EINVAL);
    assert_non_null(strstr(f->err.text, "disk xvdb: "));
    assert_non_null(strstr(f->err.text, "no block device"));
    disks[1].target = (char *)"/dev/null"; /* which is a device */
    assert_int_equal(guest_move_check_disks(&config, &f->err), -EINVAL);
    disks[0].target = (char *)"/nowhere/disk";
    assert_int_equal(guest_move_check_disks(&config, &f->err), -ENOENT);
    assert_non_null(strstr(f->err.text, "disk xvda: cannot open \"/nowhere/disk\""));
    if (!device)
        return;
    disks[0].target = disks[1].target = (char *)device;
    assert_int_equal(guest_move_check_disks(&config, &f->err), 0);
}

int main(void)
{
#define SHELLS(name) cmocka_unit_test_setup_teardown(name, set_up_shells, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up, set_up_xenstore, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deaf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target_dies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_name_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal_is_tidied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_source_dies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others_are_kept_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_is_kept_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moves, set_up_compressed, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off, set_up_compressed, tear_down),
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
