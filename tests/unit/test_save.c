// SPDX-License-Identifier: BSD-3-Clause
/* Saving and restoring guests on the hypervisor in memory: what they are afterwards, and that no
 * failure at any point loses one or leaves one behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "checkpoint_format.h"
#include "save_fixture.h"
#include "scratch.h"
#include "stream.h"

static void test_save_and_restore(void **state)
{
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct fixture *f = *state;
    struct chaos_checkpoint summary, verified;
    struct chaos_domain restored;

    scribble(f, image);
    if (chaos_domain_save(f->chaos, &f->domain, f->file, NULL, &summary, &f->err) != 0)
        fail_msg("%s", f->err.text);
    assert_null(fake_domain(f->fake, f->domain.domid));
    fake_hv_assert_empty(f->fake);
    assert_files(f, true);
    if (chaos_checkpoint_verify(f->file, &verified, &f->err) != 0)
        fail_msg("%s", f->err.text);
    assert_memory_equal(&summary, &verified, sizeof(summary));
    assert_string_equal(summary.name, "guest");
    assert_int_equal(summary.pages, PAGES);
    /* 50 of the patterned; 25 once; the kernel's, tables', console's; memory never written once. */
    assert_in_range(summary.stored_pages, 51, 64);
    if (restore(f, NULL, &restored) != 0)
        fail_msg("%s", f->err.text);
    assert_string_equal(restored.name, "guest");
    assert_memory_equal(restored.uuid, f->domain.uuid, 16);
    check_restored(f, restored.domid, image);
    assert_int_equal(fake_domain(f->fake, restored.domid)->devices, 2);
    assert_int_equal(fake_domain(f->fake, restored.domid)->vcpus, 2);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(chaos_domain_destroy(f->chaos, &restored, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* Pages that lz4 makes nothing of. */
static void make_noise(struct fixture *f, uint64_t first, uint64_t nr)
{
    uint64_t pfn, i, state = 1;

    for (pfn = first; pfn < first + nr; pfn++) {
        uint64_t *page = fake_frame(f->fake, frame_of(f->guest, pfn));

        for (i = 0; i < HV_PAGE_SIZE / sizeof(*page); i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            page[i] = state ^ state >> 29;
        }
        munmap(page, HV_PAGE_SIZE);
    }
}

static unsigned int count_records(const char *path, uint16_t type)
{
    struct stream_record record = {.type = UINT16_MAX};
    struct stream_reader reader;
    struct chaos_error err;
    unsigned int nr = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_int_equal(stream_open(&reader, stream_read_fd, &fd, &err), 0);
    while (record.type != CHECKPOINT_END && stream_next(&reader, &record, &err) == 0)
        nr += record.type == type;
    stream_release(&reader);
    close(fd);
    return nr;
}

/* The same guest in fewer bytes, though some of it gets no shorter and is stored as it is. */
static void test_compressed(void **state)
{
    static const struct chaos_save_options how[] = {
        {.after = CHAOS_SAVE_CONTINUE},
        {.after = CHAOS_SAVE_DESTROY, .compress = true},
    };
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct chaos_checkpoint plain, compressed, verified;
    struct fixture *f = *state;
    struct chaos_domain restored;

    scribble(f, image);
    make_noise(f, 100, 64);
    take_image(f, f->domain.domid, image);
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, &how[0], &plain, &f->err), 0);
    assert_false(plain.compressed);
    assert_int_equal(count_records(f->file, CHECKPOINT_DATA_LZ4), 0);
    assert_int_equal(
        chaos_domain_save(f->chaos, &f->domain, f->file, &how[1], &compressed, &f->err), 0);
    assert_true(compressed.compressed);
    assert_int_equal(compressed.stored_pages, plain.stored_pages);
    assert_int_equal(compressed.records, plain.records);
    assert_true(compressed.bytes < plain.bytes - 64 * 1024);
    assert_true(count_records(f->file, CHECKPOINT_DATA) >= 6); /* of noise only */
    assert_true(count_records(f->file, CHECKPOINT_DATA_LZ4) >= 2);
    assert_int_equal(chaos_checkpoint_verify(f->file, &verified, &f->err), 0);
    assert_memory_equal(&verified, &compressed, sizeof(verified));
    if (restore(f, NULL, &restored) != 0)
        fail_msg("%s", f->err.text);
    f->guest = fake_domain(f->fake, restored.domid);
    check_restored(f, restored.domid, image);
    assert_int_equal(chaos_domain_destroy(f->chaos, &restored, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* Records that come to nearly the length of their pages are on one side or the other. */
static void test_hardly_shorter(void **state)
{
    static const struct chaos_save_options how = {.after = CHAOS_SAVE_CONTINUE, .compress = true};
    struct fixture *f = *state;
    struct chaos_checkpoint summary;
    unsigned int zeros, before = 0, after = 0;

    make_noise(f, 100, 64);
    for (zeros = 90; zeros < 190; zeros++) {
        uint8_t *page = fake_frame(f->fake, frame_of(f->guest, 132));

        memset(page + 1000, 0, zeros);
        munmap(page, HV_PAGE_SIZE);
        save(f, &how);
        if (chaos_checkpoint_verify(f->file, &summary, &f->err) != 0)
            fail_msg("%u: %s", zeros, f->err.text);
        after = count_records(f->file, CHECKPOINT_DATA_LZ4);
        assert_true(before == 0 || after == before || after == before + 1);
        before = before == 0 ? after : before;
    }
    assert_int_equal(after, before + 1);
}

/* Memory in small extents elsewhere: every frame number is another one. */
static void test_other_frames(void **state)
{
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct fixture *f = *state;
    struct chaos_domain restored;

    scribble(f, image);
    f->fake->max_order = 2;
    save(f, &go_on);
    if (restore(f, "name=second", &restored) != 0)
        fail_msg("%s", f->err.text);
    assert_int_equal(fake_domain(f->fake, restored.domid)->nr_extents, PAGES / 4);
    check_restored(f, restored.domid, image);
}

static void test_continue_and_clone(void **state)
{
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct fixture *f = *state;
    struct chaos_domain second, third;
    struct chaos_config first_config, second_config;

    scribble(f, image);
    save(f, &go_on);
    assert_running(f);
    assert_int_equal(f->guest->resumed, 1);
    assert_int_equal(f->guest->context.user_regs.rax, 1); /* it is told that nothing changed */
    assert_files(f, true);
    assert_int_equal(restore(f, NULL, &second), -EEXIST);
    assert_int_equal(f->err.exit, CHAOS_EXIT_EXISTS);
    assert_int_equal(restore(f, "name=second", &second), 0);
    assert_int_equal(restore(f, "name=third", &third), 0);
    assert_memory_not_equal(second.uuid, f->domain.uuid, 16);
    assert_memory_not_equal(second.uuid, third.uuid, 16);
    f->guest->context.user_regs.rax = 0;
    check_restored(f, third.domid, image);
    assert_int_equal(chaos_domain_config(f->chaos, &f->domain, &first_config, &f->err), 0);
    assert_int_equal(chaos_domain_config(f->chaos, &second, &second_config, &f->err), 0);
    assert_string_equal(second_config.name, "second");
    assert_memory_equal(second_config.uuid, second.uuid, 16);
    assert_memory_not_equal(second_config.vifs[0].mac, first_config.vifs[0].mac, 6);
    chaos_config_free(&first_config);
    chaos_config_free(&second_config);
}

static void test_pause(void **state)
{
    const struct chaos_save_options pause = {.after = CHAOS_SAVE_PAUSE};
    struct fixture *f = *state;

    save(f, &pause);
    assert_true(f->guest->paused);
    assert_false(f->guest->shutdown);
    assert_int_equal(f->guest->resumed, 1);
}

/* Who does not do as it is asked goes on; who does it too late is let go on by the next command. */
static void test_deaf(void **state)
{
    struct fixture *f = *state;

    f->guest->deaf = true;
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err),
                     -ETIMEDOUT);
    assert_int_equal(f->err.exit, CHAOS_EXIT_TIMEOUT);
    assert_non_null(strstr(f->err.text, "guest\": "));
    assert_int_equal(f->fake->last_request, -1); /* it is asked no more */
    assert_running(f);
    assert_files(f, false);
    assert_int_equal(scratch_count("suspended"), 1);
    chaos_reap(f->chaos);
    assert_running(f);
    fake_guest_suspend(f->fake, f->domain.domid);
    chaos_reap(f->chaos);
    assert_running(f);
    assert_int_equal(f->guest->resumed, 1);
    assert_int_equal(access(f->file, F_OK), -1);
    assert_int_equal(scratch_count("suspended"), 0);
    f->guest->deaf = false;
    save(f, NULL);
}

/* Who has begun is waited for, so as to be let go on. */
static void test_slow(void **state)
{
    struct fixture *f = *state;

    f->guest->deaf = true;
    f->guest->slow = 3;
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err),
                     -ETIMEDOUT);
    assert_int_equal(f->guest->slow, 0);
    assert_running(f);
    assert_int_equal(f->guest->resumed, 1);
    assert_int_equal(scratch_count("suspended"), 0);
    assert_files(f, false);
}

/* The save was killed: its note is there, its lock is not. */
static void test_killed(void **state)
{
    struct fixture *f = *state;

    f->guest->deaf = true;
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err),
                     -ETIMEDOUT);
    f->guest->deaf = false;
    fake_guest_suspend(f->fake, f->domain.domid);
    save(f, &go_on); /* lets it go on first */
    assert_int_equal(f->guest->resumed, 2);
    f->guest->deaf = true;
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err),
                     -ETIMEDOUT);
    assert_int_equal(chaos_domain_destroy(f->chaos, &f->domain, false, &f->err), 0);
    chaos_reap(f->chaos); /* the note of a domain that is gone goes */
    assert_int_equal(scratch_count("suspended"), 0);
    fake_hv_assert_empty(f->fake);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    char path[256];
    static const char old[] = "an old file";

    snprintf(path, sizeof(path), "%s.link", f->file);
    assert_int_equal(symlink(f->kernel, path), 0);
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, path, NULL, NULL, &f->err), -EEXIST);
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, "/dev/shm", NULL, NULL, &f->err),
                     -EEXIST);
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, "/dev/shm/", NULL, NULL, &f->err),
                     -EISDIR);
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, "/dev/zero", NULL, NULL, &f->err),
                     -EEXIST);
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, "/no/such/x", NULL, NULL, &f->err),
                     -ENOENT);
    assert_int_equal(f->fake->last_request, -1); /* the guest was not even asked */
    f->guest->paused = true;
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, NULL, NULL, &f->err), -EBUSY);
    f->guest->paused = false;
    assert_running(f);
    scratch_file("checkpoint", old, sizeof(old));
    assert_int_equal(chmod(f->file, 0644), 0);
    save(f, &go_on); /* takes the place of the old one */
    unlink(path);
    assert_files(f, true);
}

/* Every call to the hypervisor fails once. */
static void test_save_sweep(void **state)
{
    struct fixture *f = *state;
    unsigned int n, failures = 0;
    int rc;

    for (n = 1;; n++) {
        f->fake->calls = 0;
        f->fake->fail_at = n;
        f->err = (struct chaos_error){0};
        unlink(f->file);
        rc = chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err);
        f->fake->fail_at = 0;
        chaos_reap(f->chaos); /* what could not be let go on at once */
        assert_running(f);
        assert_int_equal(scratch_count("suspended"), 0);
        if (rc == 0 && f->fake->calls < n)
            break;
        failures++;
        if (rc < 0)
            assert_int_not_equal(f->err.text[0], 0);
        assert_files(f, rc == 0 || access(f->file, F_OK) == 0);
    }
    assert_true(failures > 15);
}

static void destroy_by_another(void *opaque)
{
    struct fixture *f = opaque;
    struct chaos_error err;

    f->fake->fail_at = 0;
    if (chaos_domain_destroy(f->chaos, &f->domain, false, &err) < 0)
        fail_msg("%s", err.text);
}

/* Somebody destroys the guest at each call to the hypervisor: nothing is left, and it is said. */
static void test_destroyed_meanwhile(void **state)
{
    struct fixture *f = *state;
    unsigned int n, before = 0, meanwhile = 0;
    int rc;

    f->fake->meanwhile = destroy_by_another;
    f->fake->meanwhile_opaque = f;
    f->fake->fail_with = -ESRCH;
    for (n = 1;; n++) {
        f->fake->calls = 0;
        f->fake->fail_at = n;
        rc = chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err);
        if (f->fake->fail_at != 0)
            break;
        if (rc < 0) {
            assert_int_equal(f->err.exit, CHAOS_EXIT_NOT_FOUND);
            before += strstr(f->err.text, "is gone") != NULL;
            meanwhile += strstr(f->err.text, "destroyed meanwhile") != NULL;
        }
        assert_int_equal(f->fake->mapped, 0);
        assert_int_equal(scratch_count("suspended"), 0);
        fake_hv_assert_empty(f->fake);
        unlink(f->file);
        if (chaos_domain_create(f->chaos, &f->config, NULL, &f->domain, &f->err) < 0)
            fail_msg("%s", f->err.text);
    }
    assert_int_equal(rc, 0);
    assert_true(before + meanwhile + 3 >= n && meanwhile > 10);
}

static void test_restore_sweep(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain restored;
    unsigned int n, failures = 0;

    save(f, NULL);
    for (n = 1;; n++) {
        int rc;

        f->fake->calls = 0;
        f->fake->fail_at = n;
        f->err = (struct chaos_error){0};
        rc = restore(f, NULL, &restored);
        f->fake->fail_at = 0;
        if (rc == 0) {
            assert_true(f->fake->calls < n);
            break;
        }
        failures++;
        assert_int_not_equal(f->err.text[0], 0);
        fake_hv_assert_empty(f->fake);
        assert_int_equal(scratch_count("domains") + scratch_count("pending"), 0);
    }
    assert_true(failures > 15);
}

/* The disk is full at every 64 KiB. */
static void test_disk_full(void **state)
{
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct rlimit before, limit;
    struct fixture *f = *state;
    struct stat st;
    int rc, refused = 0;
    static const char old[] = "an old file";
    char contents[sizeof(old)];
    FILE *file;

    scribble(f, image);
    scratch_file("checkpoint", old, sizeof(old));
    assert_int_equal(chmod(f->file, 0600), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    for (limit.rlim_cur = 0;; limit.rlim_cur += 64u << 10) {
        setrlimit(RLIMIT_FSIZE, &limit);
        rc = chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, NULL, &f->err);
        setrlimit(RLIMIT_FSIZE, &before);
        if (rc == 0)
            break;
        refused++;
        chaos_reap(f->chaos);
        assert_running(f);
        assert_files(f, true);
        file = fopen(f->file, "r");
        assert_int_equal(fread(contents, 1, sizeof(contents), file), sizeof(old));
        assert_memory_equal(contents, old, sizeof(old));
        assert_int_equal(fgetc(file), EOF);
        fclose(file);
    }
    assert_int_equal(stat(f->file, &st), 0);
    assert_int_equal(refused, (st.st_size + 65535) / 65536);
    assert_true(refused >= 3);
}

/* A damaged file makes no domain that stays. */
static void damage(struct fixture *f, const struct chaos_save_options *how)
{
    struct chaos_domain restored;
    struct stat st;
    off_t length;
    int rc;

    save(f, how);
    assert_int_equal(stat(f->file, &st), 0);
    for (length = st.st_size - 1; length > 0; length -= length > 9000 ? 2999 : 61) {
        assert_int_equal(truncate(f->file, length), 0);
        rc = restore(f, NULL, &restored);
        assert_int_equal(rc, -EBADMSG);
        assert_non_null(strstr(f->err.text, "byte "));
        fake_hv_assert_empty(f->fake);
        assert_int_equal(scratch_count("domains") + scratch_count("pending"), 0);
    }
}

static void test_damaged(void **state)
{
    damage(*state, NULL);
}

static void test_damaged_compressed(void **state)
{
    const struct chaos_save_options how = {.compress = true};

    damage(*state, &how);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_save_and_restore, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compressed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hardly_shorter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_continue_and_clone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deaf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_save_sweep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_destroyed_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_sweep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_compressed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
