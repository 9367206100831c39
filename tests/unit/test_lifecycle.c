// SPDX-License-Identifier: BSD-3-Clause
/* Creating and destroying domains on the hypervisor in memory, with every call failing in turn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "chaos.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "scratch.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128], ramdisk[128];
    const char *dir;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct elf_maker maker;

    f->dir = scratch_make();
    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    strcpy(f->ramdisk, scratch_file("ramdisk", "ramdisk contents", 16));
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->chaos, &f->err), 0);
    strcpy(f->config.name, "guest");
    f->config.kernel = f->kernel;
    f->config.cmdline = (char *)"one two";
    f->config.memory_mib = 1;
    f->config.vcpus = 1;
    f->config.nr_vifs = 1;
    strcpy(f->config.vifs[0].bridge, "xenbr0");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    chaos_close(f->chaos);
    assert_true(f->fake->closed_hv && f->fake->closed_bus);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static void create(struct fixture *f, struct chaos_domain *domain)
{
    if (chaos_domain_create(f->chaos, &f->config, NULL, domain, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static void assert_nothing_left(struct fixture *f)
{
    fake_hv_assert_empty(f->fake);
    assert_int_equal(scratch_count("domains"), 0);
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(scratch_count("ids"), 0);
}

static void test_create_and_destroy(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, found;
    struct fake_domain *fake;

    create(f, &domain);
    fake = fake_domain(f->fake, domain.domid);
    assert_non_null(fake);
    assert_true(fake->started);
    assert_int_equal(fake->pages, 256);
    assert_int_equal(fake->nr_extents, 1); /* 1 MiB is one extent */
    assert_int_equal(fake->devices, 2);
    assert_int_equal(fake->nr_ports, 1);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &found, &f->err), 0);
    assert_int_equal(found.domid, domain.domid);
    assert_memory_equal(found.uuid, domain.uuid, 16);
    assert_int_equal(scratch_count("domains"), 1);
    assert_int_equal(scratch_count("ids"), 1);
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(chaos_domain_destroy(f->chaos, &found, false, &f->err), 0);
    assert_nothing_left(f);
}

static void test_paused(void **state)
{
    struct fixture *f = *state;
    const struct chaos_create_options paused = {.paused = true};
    struct chaos_domain domain;

    assert_int_equal(chaos_domain_create(f->chaos, &f->config, &paused, &domain, &f->err), 0);
    assert_false(fake_domain(f->fake, domain.domid)->started);
    assert_int_equal(chaos_domain_unpause(f->chaos, &domain, &f->err), 0);
    assert_true(fake_domain(f->fake, domain.domid)->started);
}

/* What the guest sees at its first instruction. */
static void test_guest_view(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct fake_domain *fake;
    struct start_info *info;
    struct shared_info *shared;
    unsigned char *byte;
    uint64_t *p2m, i;
    bool writable;

    f->config.ramdisk = f->ramdisk;
    create(f, &domain);
    fake = fake_domain(f->fake, domain.domid);
    info = fake_virtual(f->fake, domain.domid, fake->vcpu.start_info, &writable);
    assert_non_null(info);
    assert_true(writable);
    assert_int_equal(memcmp(info->magic, "xen-3.", 6), 0);
    assert_int_equal(info->nr_pages, 256);
    assert_string_equal((const char *)info->cmd_line, "one two");
    assert_int_equal(info->flags, 0);
    assert_int_equal(info->store_mfn, 0);
    assert_int_equal(info->shared_info, fake->shared_info_frame << 12);
    assert_int_equal(info->console.domU.evtchn, 1);
    assert_int_equal(info->mod_len, 16);
    assert_memory_equal(fake_virtual(f->fake, domain.domid, info->mod_start, NULL),
                        "ramdisk contents\0\0", 18);
    p2m = fake_virtual(f->fake, domain.domid, info->mfn_list, NULL);
    for (i = 0; i < 256; i++)
        assert_int_equal(p2m[i], fake->extent[0].frame + i);
    assert_int_equal(p2m[256], 0);
    shared = fake_frame(f->fake, fake->shared_info_frame);
    assert_int_equal(shared->vcpu_info[0].evtchn_upcall_mask, 1);

    for (i = 0; i < ELF_TEXT_SIZE + ELF_BSS_SIZE; i++) {
        byte = fake_virtual(f->fake, domain.domid, ELF_BASE + i, &writable);
        assert_non_null(byte);
        assert_true(writable);
        assert_int_equal(*byte, i < ELF_TEXT_SIZE ? (unsigned char)(i * 7 + 1) : 0);
        munmap((void *)((uintptr_t)byte & ~4095ul), 4096);
    }
    byte = fake_frame(f->fake, info->console.domU.mfn);
    for (i = 0; i < 4096; i++)
        assert_int_equal(byte[i], 0);
    assert_int_equal(fake->vcpu.entry, ELF_BASE + 16);
    assert_int_equal(fake->hypercall_frame, fake->extent[0].frame + 3);
    assert_non_null(fake_virtual(f->fake, domain.domid, fake->vcpu.stack - 8, &writable));
    assert_true(writable);
    for (i = 0; i < info->nr_pt_frames; i++) {
        assert_non_null(fake_virtual(f->fake, domain.domid, info->pt_base + (i << 12), &writable));
        assert_false(writable);
    }
    /* No frame behind the last one is mapped, every one before is: the window is 4 MiB. */
    assert_non_null(fake_virtual(f->fake, domain.domid, ELF_BASE + (255 << 12), NULL));
    assert_null(fake_virtual(f->fake, domain.domid, ELF_BASE + (256 << 12), NULL));
}

/* Memory of many extents of the largest size, and of whatever sizes there are. */
static void test_extents(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct fake_domain *fake;
    static const unsigned int orders[] = {9, 4};
    size_t i;

    f->config.memory_mib = 7;
    for (i = 0; i < 2; i++) {
        f->fake->max_order = orders[i];
        create(f, &domain);
        fake = fake_domain(f->fake, domain.domid);
        assert_int_equal(fake->pages, 7 * 256);
        assert_int_equal(fake->nr_extents, i == 0 ? 4 : 7 * 16);
        assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
        assert_nothing_left(f);
    }
}

static void test_no_memory(void **state)
{
    struct fixture *f = *state;

    f->config.memory_mib = 100; /* the machine has 64 */
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, NULL, &f->err), -ENOMEM);
    assert_int_equal(f->err.exit, CHAOS_EXIT_RESOURCE);
    assert_non_null(strstr(f->err.text, "needs 100 MiB"));
    assert_nothing_left(f);
}

static void test_vcpus_and_affinity(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    f->config.vcpus = 3;
    f->config.cpu_affinity[0] = 2;
    create(f, &domain);
    assert_int_equal(fake_domain(f->fake, domain.domid)->vcpus, 3);
    assert_int_equal(fake_domain(f->fake, domain.domid)->affinities, 3);
}

/* Every call that can fail does so once; a create that failed leaves nothing behind. */
static void test_create_sweep(void **state)
{
    struct fixture *f = *state;
    static const int codes[] = {-EIO, -ENOMEM, -EPERM, -EACCES};
    struct chaos_domain domain;
    unsigned int n, failures = 0;
    size_t code;

    f->config.ramdisk = f->ramdisk;
    f->config.cpu_affinity[0] = 1;
    for (code = 0; code < sizeof(codes) / sizeof(codes[0]); code++)
        for (n = 1;; n++) {
            int rc;

            f->fake->calls = 0;
            f->fake->fail_at = n;
            f->fake->fail_with = codes[code];
            f->err = (struct chaos_error){0};
            rc = chaos_domain_create(f->chaos, &f->config, NULL, &domain, &f->err);
            f->fake->fail_at = 0;
            if (rc == 0) {
                assert_true(f->fake->calls < n); /* the last round: nothing failed */
                assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
                break;
            }
            failures++;
            assert_int_not_equal(f->err.text[0], 0);
            assert_int_not_equal(f->err.exit, 0);
            assert_nothing_left(f);
        }
    assert_true(failures >= 12 * 4);
}

/* A destroy that failed somewhere is finished by the next one, or was as good as done. */
static void test_destroy_sweep(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    unsigned int n;
    int rc;

    for (n = 1;; n++) {
        create(f, &domain);
        f->fake->calls = 0;
        f->fake->fail_at = n;
        rc = chaos_domain_destroy(f->chaos, &domain, false, &f->err);
        f->fake->fail_at = 0;
        if (rc == 0) {
            assert_true(f->fake->calls < n);
            break;
        }
        chaos_reap(f->chaos);
        assert_nothing_left(f);
    }
    assert_true(n > 3);
    assert_nothing_left(f);
}

/* An undo that fails is tried again by the next command. */
static void test_failed_undo(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    f->fake->fail_at = 5; /* some call after the domain was made... */
    assert_int_not_equal(chaos_domain_create(f->chaos, &f->config, NULL, NULL, &f->err), 0);
    assert_nothing_left(f);
    f->fake->calls = 0;
    f->fake->fail_at = 0;
    create(f, &domain);
    f->fake->calls = 0;
    f->fake->fail_at = 2; /* info, then destroy */
    assert_int_not_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    assert_string_equal(f->fake->failed_in, "destroy");
    assert_int_equal(scratch_count("pending"), 1);
    f->fake->fail_at = 0;
    strcpy(f->config.name, "other");
    create(f, &domain); /* reaps first */
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    assert_nothing_left(f);
}

static void test_name_taken(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, again;

    create(f, &domain);
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, &again, &f->err), -EEXIST);
    assert_int_equal(f->err.exit, CHAOS_EXIT_EXISTS);
    assert_non_null(fake_domain(f->fake, domain.domid)); /* the first one is unharmed */
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    assert_nothing_left(f);
}

static void test_uuid_taken(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    create(f, &domain);
    memcpy(f->config.uuid, domain.uuid, 16);
    strcpy(f->config.name, "other");
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, NULL, &f->err), -EEXIST);
    assert_int_equal(f->err.exit, CHAOS_EXIT_EXISTS);
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    create(f, &domain);
    assert_memory_equal(f->config.uuid, domain.uuid, 16);
}

/* A record whose domain is gone, or whose id now is another domain's, keeps no name. */
static void test_stale_record(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, other, *list;
    size_t nr;

    create(f, &domain);
    fake_domain(f->fake, domain.domid)->uuid[0] ^= 1;
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &other, &f->err), -ENOENT);
    assert_int_equal(chaos_domain_find(f->chaos, "1", &other, &f->err), 0);
    assert_string_equal(other.name, ""); /* not ours */
    assert_int_not_equal(chaos_domain_destroy(f->chaos, &other, false, &f->err), 0);
    assert_non_null(fake_domain(f->fake, domain.domid));
    assert_int_equal(chaos_domain_list(f->chaos, &list, &nr, &f->err), 0);
    assert_int_equal(nr, 2);
    assert_string_equal(list[0].name, "Domain-0");
    assert_string_equal(list[1].name, "");
    free(list);
    assert_int_equal(scratch_count("domains"), 0); /* forgotten */
    create(f, &domain);
    assert_int_equal(domain.domid, 2);
    fake_domain(f->fake, 1)->uuid[0] ^= 1;
}

static void test_stale_name_is_free(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    create(f, &domain);
    fake_domain(f->fake, domain.domid)->uuid[0] ^= 1;
    create(f, &domain);
    assert_int_equal(domain.domid, 2);
}

/* A record that nobody can read keeps no name, and its domain can still be destroyed. */
static void test_damaged_record(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, found;

    create(f, &domain);
    scratch_file("domains/guest", "garbage", 7);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &found, &f->err), -EBADMSG);
    assert_int_equal(chaos_domain_find(f->chaos, "1", &found, &f->err), 0);
    assert_string_equal(found.name, "");
    assert_int_equal(chaos_domain_destroy(f->chaos, &found, false, &f->err), -EPERM);
    assert_int_equal(chaos_domain_destroy(f->chaos, &found, true, &f->err), 0);
    create(f, &domain);
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* A create that is killed after its n-th call is cleared away by the next command. */
static void test_killed_create(void **state)
{
    struct fixture *f = *state;
    unsigned int n;

    for (n = 1; n < 15; n++) {
        struct chaos_error err;
        struct registry_claim claim;
        char room[1024];
        struct text text;
        struct record record = {.uuid = {1, 2, 3}};
        struct hv_create how = {.max_vcpus = 1, .uuid = {1, 2, 3}};
        uint32_t domid = 0;

        /* What the process had done by then; its death lets go of the lock. */
        f->fake->calls = 0;
        text_begin(&text, room, sizeof(room));
        assert_int_equal(record_format(&record, &f->config, &text, &err), 0);
        assert_int_equal(
            registry_claim(&f->chaos->registry, "killed", text.bytes, text.length, &claim, &err),
            0);
        if (n > 1)
            assert_int_equal(f->fake->hv.ops->domain_create(&f->fake->hv, &how, &domid), 0);
        if (n > 2) {
            record.domid = domid;
            record_update(text.bytes, &record);
            assert_int_equal(registry_write(&claim, text.bytes, RECORD_HEADER, &err), 0);
        }
        if (n > 3)
            assert_int_equal(f->fake->bus.ops->create(&f->fake->bus, domid, &f->config, &err), 0);
        if (n > 4) { /* killed while it undid all this */
            assert_int_equal(f->fake->hv.ops->destroy(&f->fake->hv, domid), 0);
        }
        registry_release(&claim);
        text_release(&text);
        chaos_reap(f->chaos);
        assert_nothing_left(f);
    }
}

/* A record in work (its lock is held by a live process) is left alone. */
static void test_pending_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct registry_claim claim;
    struct chaos_domain domain;

    assert_int_equal(registry_claim(&f->chaos->registry, "busy", "x", 1, &claim, &f->err), 0);
    chaos_reap(f->chaos);
    assert_int_equal(scratch_count("pending"), 1);
    strcpy(f->config.name, "busy");
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, &domain, &f->err), -EEXIST);
    registry_drop(&f->chaos->registry, &claim, 0);
    create(f, &domain);
}

static void test_damaged_pending_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct registry_claim claim;

    assert_int_equal(registry_claim(&f->chaos->registry, "bad", "garbage", 7, &claim, &f->err), 0);
    registry_release(&claim);
    chaos_reap(f->chaos);
    assert_nothing_left(f);
}

static void test_bad_inputs(void **state)
{
    struct fixture *f = *state;
    char cmdline[2000];

    memset(cmdline, 'x', sizeof(cmdline));
    cmdline[1024] = '\0';
    f->config.cmdline = cmdline;
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, NULL, &f->err), -E2BIG);
    f->config.cmdline = (char *)"";
    strcpy(f->config.vifs[0].bridge, "none");
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, NULL, &f->err), -ENODEV);
    f->config.nr_vifs = 0;
    f->config.kernel = (char *)"/nonexistent";
    assert_int_equal(chaos_domain_create(f->chaos, &f->config, NULL, NULL, &f->err), -ENOENT);
    assert_int_equal(f->err.exit, CHAOS_EXIT_CONFIG);
    assert_int_equal(f->fake->last_domid, 0); /* no domain was even tried */
    assert_nothing_left(f);
}

static void test_rename_and_config(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain, found;
    struct chaos_config config;

    create(f, &domain);
    assert_int_equal(chaos_domain_rename(f->chaos, &domain, "new", &f->err), 0);
    assert_int_equal(chaos_domain_find(f->chaos, "guest", &found, &f->err), -ENOENT);
    assert_int_equal(chaos_domain_find(f->chaos, "id:1", &found, &f->err), 0);
    assert_string_equal(found.name, "new");
    assert_int_equal(chaos_domain_config(f->chaos, &found, &config, &f->err), 0);
    assert_string_equal(config.name, "new");
    assert_string_equal(config.kernel, f->kernel);
    assert_string_equal(config.cmdline, "one two");
    assert_memory_equal(config.uuid, domain.uuid, 16);
    assert_memory_equal(config.vifs[0].mac, "\x00\x16\x3e", 3);
    chaos_config_free(&config);
    strcpy(f->config.name, "second");
    create(f, &domain);
    assert_int_equal(chaos_domain_rename(f->chaos, &domain, "new", &f->err), -EEXIST);
    assert_int_equal(chaos_domain_rename(f->chaos, &domain, "../x", &f->err), -EINVAL);
    assert_int_equal(chaos_domain_find(f->chaos, "second", &found, &f->err), 0);
}

static void test_addressing(void **state)
{
    static const struct {
        const char *which;
        enum chaos_exit exit;
    } cases[] = {
        {"guest", CHAOS_EXIT_OK},
        {"1", CHAOS_EXIT_OK},
        {"id:1", CHAOS_EXIT_OK},
        {"name:guest", CHAOS_EXIT_OK},
        {"0", CHAOS_EXIT_OK},
        {"Domain-0", CHAOS_EXIT_OK},
        {"", CHAOS_EXIT_USAGE},
        {"4294967296", CHAOS_EXIT_USAGE},
        {"4294967297", CHAOS_EXIT_USAGE},
        {"32752", CHAOS_EXIT_USAGE},
        {"-1", CHAOS_EXIT_USAGE},
        {"1 ", CHAOS_EXIT_USAGE},
        {" 1", CHAOS_EXIT_USAGE},
        {"1;rm", CHAOS_EXIT_USAGE},
        {"id:", CHAOS_EXIT_USAGE},
        {"id:x", CHAOS_EXIT_USAGE},
        {"../guest", CHAOS_EXIT_USAGE},
        {"uuid:1", CHAOS_EXIT_USAGE},
        {"18446744073709551617", CHAOS_EXIT_USAGE},
        {"2", CHAOS_EXIT_NOT_FOUND},
        {"guests", CHAOS_EXIT_NOT_FOUND},
        {"uuid:00000000-0000-0000-0000-000000000001", CHAOS_EXIT_NOT_FOUND},
    };
    struct fixture *f = *state;
    struct chaos_domain domain, found;
    char uuid[64] = "uuid:";
    size_t i;

    create(f, &domain);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f->err.exit = CHAOS_EXIT_OK;
        chaos_domain_find(f->chaos, cases[i].which, &found, &f->err);
        if (f->err.exit != cases[i].exit)
            fail_msg("\"%s\": exit %d", cases[i].which, f->err.exit);
    }
    chaos_uuid_format(domain.uuid, uuid + 5);
    assert_int_equal(chaos_domain_find(f->chaos, uuid, &found, &f->err), 0);
    assert_string_equal(found.name, "guest");
}

static void test_domain0_is_protected(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    assert_int_equal(chaos_domain_find(f->chaos, "0", &domain, &f->err), 0);
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), -EPERM);
    assert_int_equal(chaos_domain_pause(f->chaos, &domain, &f->err), -EPERM);
    assert_int_equal(chaos_domain_rename(f->chaos, &domain, "x", &f->err), -EPERM);
    assert_int_equal(chaos_domain_request(f->chaos, &domain, CHAOS_SHUTDOWN_POWEROFF, &f->err),
                     -EPERM);
    assert_false(f->fake->domain[0].paused);
}

static void test_request_and_wait(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;

    create(f, &domain);
    domain.paused = true;
    assert_int_equal(chaos_domain_request(f->chaos, &domain, CHAOS_SHUTDOWN_POWEROFF, &f->err),
                     -EBUSY);
    domain.paused = false;
    assert_int_equal(chaos_domain_request(f->chaos, &domain, CHAOS_SHUTDOWN_REBOOT, &f->err), 0);
    assert_int_equal(f->fake->last_request, BUS_REQUEST_REBOOT);
    assert_int_equal(chaos_domain_wait(f->chaos, &domain, 10, &f->err), -ETIMEDOUT);
    assert_int_equal(f->err.exit, CHAOS_EXIT_TIMEOUT);
    fake_domain(f->fake, domain.domid)->shutdown = true;
    fake_domain(f->fake, domain.domid)->reason = HV_SHUTDOWN_REBOOT;
    assert_int_equal(chaos_domain_wait(f->chaos, &domain, 1000, &f->err), 0);
    assert_true(domain.shutdown && domain.reason == CHAOS_SHUTDOWN_REBOOT);
    assert_string_equal(domain.name, "guest");
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    assert_int_equal(chaos_domain_wait(f->chaos, &domain, 1000, &f->err), 0);
    assert_true(domain.dying);
}

/* Racers for one name: exactly one wins, and the others leave nothing. */
static void test_racers(void **state)
{
    enum { RACERS = 20 };
    struct fixture *f = *state;
    int i, status, won = 0;
    pid_t racer[RACERS];

    for (i = 0; i < RACERS; i++) {
        racer[i] = fork();
        if (racer[i] == 0) {
            struct registry_claim claim;
            struct chaos_error err;
            int rc = registry_claim(&f->chaos->registry, "one", "x", 1, &claim, &err);

            if (rc == 0)
                rc = registry_commit(&f->chaos->registry, &claim, 7, &err);
            _exit(rc == 0 ? 0 : rc == -EEXIST ? 1 : 2);
        }
    }
    for (i = 0; i < RACERS; i++) {
        waitpid(racer[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        won += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(won, 1);
    assert_int_equal(scratch_count("domains"), 1);
    assert_int_equal(scratch_count("pending"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_create_and_destroy),
        TEST(test_paused),
        TEST(test_guest_view),
        TEST(test_extents),
        TEST(test_no_memory),
        TEST(test_vcpus_and_affinity),
        TEST(test_create_sweep),
        TEST(test_destroy_sweep),
        TEST(test_failed_undo),
        TEST(test_name_taken),
        TEST(test_uuid_taken),
        TEST(test_stale_record),
        TEST(test_stale_name_is_free),
        TEST(test_damaged_record),
        TEST(test_killed_create),
        TEST(test_pending_is_left_alone),
        TEST(test_damaged_pending_is_forgotten),
        TEST(test_bad_inputs),
        TEST(test_rename_and_config),
        TEST(test_addressing),
        TEST(test_domain0_is_protected),
        TEST(test_request_and_wait),
        TEST(test_racers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
