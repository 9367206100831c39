// SPDX-License-Identifier: BSD-3-Clause
/* Saving and restoring guests on the hypervisor in memory: what they are afterwards, and that no
 * failure at any point loses one or leaves one behind. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <xen/xen.h>

#include <chaos/checkpoint.h>

#include "chaos.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "scratch.h"

#define PAGES 256u

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_config config;
    struct chaos_error err;
    char kernel[128], file[128];
    struct chaos_domain domain;
    struct fake_domain *guest;
};

static const struct chaos_save_options go_on = {.after = CHAOS_SAVE_CONTINUE, .timeout_ms = 20};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct elf_maker maker;
    const char *dir = scratch_make();

    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    snprintf(f->file, sizeof(f->file), "%s/checkpoint", dir);
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, dir, &f->chaos, &f->err), 0);
    strcpy(f->config.name, "guest");
    f->config.kernel = f->kernel;
    f->config.cmdline = (char *)"one two";
    f->config.memory_mib = 1;
    f->config.vcpus = 2;
    f->config.nr_vifs = 1;
    strcpy(f->config.vifs[0].bridge, "xenbr0");
    if (chaos_domain_create(f->chaos, &f->config, NULL, &f->domain, &f->err) != 0)
        fail_msg("%s", f->err.text);
    f->guest = fake_domain(f->fake, f->domain.domid);
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

static uint64_t frame_of(const struct fake_domain *domain, uint64_t pfn)
{
    size_t i;

    for (i = 0; i < domain->nr_extents; i++)
        if (pfn - domain->extent[i].pfn < domain->extent[i].nr)
            return domain->extent[i].frame + (pfn - domain->extent[i].pfn);
    return 0;
}

static void save(struct fixture *f, const struct chaos_save_options *options)
{
    if (chaos_domain_save(f->chaos, &f->domain, f->file, options, NULL, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static int restore(struct fixture *f, const char *name, struct chaos_domain *out)
{
    const char *overrides[] = {name};
    const struct chaos_restore_options options = {.overrides = overrides,
                                                  .nr_overrides = name ? 1 : 0};

    return chaos_domain_restore(f->chaos, f->file, &options, out, &f->err);
}

static void assert_running(struct fixture *f)
{
    assert_ptr_equal(fake_domain(f->fake, f->domain.domid), f->guest);
    assert_false(f->guest->shutdown);
    assert_false(f->guest->paused);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(scratch_count("domains"), 1);
    assert_int_equal(scratch_count("pending"), 0);
}

/* Nothing but the kernel, the folders of the state and what is said. */
static void assert_files(struct fixture *f, bool checkpoint)
{
    struct stat st;

    assert_int_equal(scratch_count("."), (size_t)6 + checkpoint + (scratch_count("suspended") > 0));
    assert_int_equal(stat(f->file, &st) == 0, checkpoint);
    if (checkpoint)
        assert_int_equal(st.st_mode & 07777, 0600);
}

/* Contents of every page that has no frame numbers in it, by virtual address. */
static void take_image(struct fixture *f, uint32_t domid, uint8_t (*image)[HV_PAGE_SIZE])
{
    uint64_t pfn;

    for (pfn = 0; pfn < PAGES; pfn++) {
        bool writable = true;
        uint8_t *page = fake_virtual(f->fake, domid, ELF_BASE + pfn * HV_PAGE_SIZE, &writable);

        memset(image[pfn], 0, HV_PAGE_SIZE);
        if (!page)
            continue;
        if (writable)
            memcpy(image[pfn], page, HV_PAGE_SIZE);
        munmap(page, HV_PAGE_SIZE);
    }
}

static uint64_t pfn_at(const struct start_info *info, uint64_t address)
{
    (void)info;
    return (address - ELF_BASE) / HV_PAGE_SIZE;
}

static void check_restored(struct fixture *f, uint32_t domid, uint8_t (*before)[HV_PAGE_SIZE])
{
    static uint8_t after[PAGES][HV_PAGE_SIZE];
    struct fake_domain *domain = fake_domain(f->fake, domid);
    const uint64_t start_info_frame = domain->context.user_regs.rdx;
    struct start_info *info = fake_frame(f->fake, start_info_frame);
    struct shared_info *shared = fake_frame(f->fake, domain->shared_info_frame);
    uint64_t p2m = pfn_at(info, info->mfn_list), start_info = 0, *table, i;

    for (i = 0; i < PAGES; i++)
        if (frame_of(domain, i) == start_info_frame)
            start_info = i;
    assert_int_not_equal(start_info, 0);
    take_image(f, domid, after);
    for (i = 0; i < PAGES; i++)
        if (i != p2m && i != start_info)
            assert_memory_equal(after[i], before[i], HV_PAGE_SIZE);
    table = fake_virtual(f->fake, domid, info->mfn_list, NULL);
    for (i = 0; i < PAGES; i++)
        assert_int_equal(table[i], frame_of(domain, i));
    assert_int_equal(table[PAGES], 0);
    assert_int_equal(info->nr_pages, PAGES);
    assert_int_equal(info->shared_info, domain->shared_info_frame << 12);
    assert_int_equal(info->console.domU.evtchn, 1);
    assert_true(fake_owns(domain, info->console.domU.mfn));
    assert_string_equal((char *)info->cmd_line, "one two");
    assert_int_equal(shared->vcpu_info[0].evtchn_upcall_mask, 1);
    assert_int_equal(shared->vcpu_info[1].evtchn_upcall_mask, 0);
    assert_true(shared->evtchn_mask[63] == ~0ul);
    assert_int_equal(domain->context.user_regs.rip, f->guest->context.user_regs.rip);
    assert_int_equal(domain->context.user_regs.rax, 0);
    assert_true(domain->started);
}

/* Patterns, so that no page is like the one before, but for some. */
static void scribble(struct fixture *f, uint8_t (*image)[HV_PAGE_SIZE])
{
    uint64_t pfn, i;

    for (pfn = 100; pfn < 200; pfn++) {
        uint64_t *page = fake_frame(f->fake, frame_of(f->guest, pfn));

        for (i = 0; i < 512; i++)
            page[i] = pfn % 4 == 0 ? 0 : (pfn % 4 == 1 ? 7 : pfn * 512 + i);
        munmap(page, HV_PAGE_SIZE);
    }
    take_image(f, f->domain.domid, image);
}

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

/* ---------------------------------------------------------------- hostile guests */

static struct shared_info *shared_of(struct fake_hv *fake, struct fake_domain *domain)
{
    return fake_frame(fake, domain->shared_info_frame); /* for the life of the test */
}

static uint64_t *p2m_of(struct fake_hv *fake, struct fake_domain *domain)
{
    return fake_virtual(fake, domain->domid, shared_of(fake, domain)->arch.p2m_vaddr, NULL);
}

static void no_entries(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.max_pfn = 0;
}

static void few_entries(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.max_pfn = PAGES - 1;
}

static void endless_entries(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.max_pfn = UINT64_MAX;
}

static void many_entries(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.max_pfn = 1u << 20;
}

static void no_root(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.p2m_cr3 = 0;
}

static void foreign_root(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.p2m_cr3 = xen_pfn_to_cr3(0x123456ul);
}

static void other_root(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.p2m_cr3 = xen_pfn_to_cr3(frame_of(domain, 200));
}

static void no_address(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.p2m_vaddr = 0;
}

static void wild_address(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.p2m_vaddr = ~0ul - 4095;
}

static void other_address(struct fake_hv *fake, struct fake_domain *domain)
{
    shared_of(fake, domain)->arch.p2m_vaddr = ELF_BASE + 200 * HV_PAGE_SIZE;
}

static void doubled_frame(struct fake_hv *fake, struct fake_domain *domain)
{
    p2m_of(fake, domain)[9] = p2m_of(fake, domain)[200];
}

static void missing_frame(struct fake_hv *fake, struct fake_domain *domain)
{
    p2m_of(fake, domain)[9] = ~0ul;
}

static void shared_frame(struct fake_hv *fake, struct fake_domain *domain)
{
    p2m_of(fake, domain)[9] = domain->shared_info_frame;
}

/* A mapping that it should have let go of. */
static void foreign_mapping(struct fake_hv *fake, struct fake_domain *domain)
{
    uint64_t frame = domain->root_frame;
    int level;

    for (level = 4; level > 1; level--) {
        uint64_t *table = fake_frame(fake, frame);

        frame = table[ELF_BASE >> (12 + 9 * (level - 1)) & 511] >> 12 & 0xffffffffff;
    }
    ((uint64_t *)fake_frame(fake, frame))[5] = domain->shared_info_frame << 12 | 0x67;
}

static void no_start_info(struct fake_hv *fake, struct fake_domain *domain)
{
    (void)fake;
    domain->context.user_regs.rdx = 12;
}

static void foreign_registers(struct fake_hv *fake, struct fake_domain *domain)
{
    (void)fake;
    domain->context.gdt_ents = 600;
    domain->context.gdt_frames[0] = frame_of(domain, 3);
    domain->context.gdt_frames[1] = domain->shared_info_frame;
}

static void crashes(struct fake_hv *fake, struct fake_domain *domain)
{
    (void)fake;
    domain->reason = HV_SHUTDOWN_CRASH;
}

static void test_hostile(void **state)
{
    static const struct {
        void (*mischief)(struct fake_hv *fake, struct fake_domain *domain);
        const char *says;
    } guests[] = {
        {no_entries, "does not tell"},
        {few_entries, "255 entries, the domain 256"},
        {endless_entries, "18446744073709551615 entries"},
        {many_entries, "is not where its kernel says"},
        {no_root, "does not tell"},
        {foreign_root, "is not where its kernel says"},
        {other_root, "is not where its kernel says"},
        {no_address, "does not tell"},
        {wild_address, "is not where its kernel says"},
        {other_address, "page 0 has no memory"},
        {doubled_frame, "twice"},
        {missing_frame, "page 9 has no memory"},
        {shared_frame, "page 9 has no memory"},
        {foreign_mapping, "did not let go"},
        {no_start_info, "start info is no frame"},
        {foreign_registers, "segment table is no frame"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
        struct fixture *f;

        set_up((void **)&f);
        f->guest->mischief = guests[i].mischief;
        assert_true(chaos_domain_save(f->chaos, &f->domain, f->file, NULL, NULL, &f->err) < 0);
        if (!strstr(f->err.text, guests[i].says))
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, f->err.text, guests[i].says);
        assert_running(f);
        assert_int_equal(f->guest->resumed, 1);
        assert_files(f, false);
        tear_down((void **)&f);
    }
}

static void test_crashes(void **state)
{
    struct fixture *f = *state;

    f->guest->mischief = crashes;
    assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, NULL, NULL, &f->err), -ESRCH);
    assert_non_null(strstr(f->err.text, "shut down instead"));
    assert_true(f->guest->shutdown); /* and stays so: that is another's to see to */
    assert_int_equal(f->guest->resumed, 0);
    assert_files(f, false);
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
static void test_damaged(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain restored;
    struct stat st;
    off_t length;
    int rc;

    save(f, NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_save_and_restore, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_continue_and_clone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deaf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test_setup_teardown(test_crashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_save_sweep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_sweep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
