// SPDX-License-Identifier: BSD-3-Clause
/* Saving guests that lie about their memory, and guests that tell which of it they do not use. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "elf_maker.h"
#include "noxs_suspend.h"
#include "save_fixture.h"
#include "scratch.h"

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

/* ---------------------------------------------------------------- memory that is not used */

static struct noxs_unused hint;

static void tell_unused(struct fake_hv *fake, struct fake_domain *domain)
{
    uint8_t *page = fake_frame(fake, domain->shared_info_frame);

    memcpy(page + NOXS_UNUSED_OFFSET, &hint, sizeof(hint));
    munmap(page, HV_PAGE_SIZE);
}

/* How many pages are stored of a guest that says this of its memory. */
static uint64_t stored_with(struct fixture *f, const struct noxs_unused *said)
{
    struct chaos_checkpoint summary;

    hint = *said;
    f->guest->mischief = tell_unused;
    if (chaos_domain_save(f->chaos, &f->domain, f->file, &go_on, &summary, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return summary.stored_pages;
}

/* Pages 102, 103, 106, ... have contents of their own; 101, 105, ... the same. */
static void test_unused(void **state)
{
    static const struct noxs_unused nothing = {.magic = 7, .nr = 1, .range = {{100, 100}}};
    static const struct noxs_unused some = {
        .magic = NOXS_UNUSED_MAGIC, .nr = 2, .range = {{100, 50}, {170, 1}}};
    static uint8_t image[PAGES][HV_PAGE_SIZE], after[PAGES][HV_PAGE_SIZE];
    bool any[PAGES] = {[170] = true};
    struct fixture *f = *state;
    struct chaos_domain restored;
    uint64_t whole;

    memset(any + 100, true, 50);
    scribble(f, image);
    whole = stored_with(f, &nothing);
    assert_int_equal(stored_with(f, &some), whole - 24 - 1);
    f->guest->context.user_regs.rax = 0;
    if (restore(f, "name=second", &restored) != 0)
        fail_msg("%s", f->err.text);
    check_restored_but(f, restored.domid, image, any);
    take_image(f, restored.domid, after);
    assert_int_equal(after[100][0], 0xa5); /* as the hypervisor gave it */
    assert_int_equal(after[170][HV_PAGE_SIZE - 1], 0xa5);
}

static void test_unused_nonsense(void **state)
{
    static const struct {
        struct noxs_unused said;
        uint64_t fewer;
    } hints[] = {
        {{NOXS_UNUSED_MAGIC, 1, {{100, PAGES}}}, 0},
        {{NOXS_UNUSED_MAGIC, 1, {{UINT32_MAX, UINT32_MAX}}}, 0},
        {{NOXS_UNUSED_MAGIC, 1, {{PAGES, 1}}}, 0},
        {{NOXS_UNUSED_MAGIC, 1, {{100, 0}}}, 0},
        {{NOXS_UNUSED_MAGIC, 0, {{100, 50}}}, 0},
        {{NOXS_UNUSED_MAGIC, UINT32_MAX, {{0, 0}}}, 0}, /* more of them than there is room for */
        /* The first one that makes no sense is the last one that is read. */
        {{NOXS_UNUSED_MAGIC, 2, {{190, 5}, {100, 50}}}, 3},
        {{NOXS_UNUSED_MAGIC, UINT32_MAX, {{190, 5}, {194, 4}}}, 3},
    };
    static const struct noxs_unused all = {NOXS_UNUSED_MAGIC, 1, {{0, PAGES}}};
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct fixture *f = *state;
    uint64_t whole;
    size_t i;

    scribble(f, image);
    whole = stored_with(f, &(struct noxs_unused){.nr = 1});
    for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        assert_int_equal(stored_with(f, &hints[i].said), whole - hints[i].fewer);
    /* What is not its to give away is the table of frames, which restore writes. */
    assert_int_equal(stored_with(f, &all), 1);
}

/* ---------------------------------------------------------------- XenStore */

static struct start_info *start_info_of(struct fake_hv *fake, struct fake_domain *domain)
{
    return fake_frame(fake, domain->context.user_regs.rdx); /* for the life of the test */
}

static void wild_store(struct fake_hv *fake, struct fake_domain *domain)
{
    start_info_of(fake, domain)->store_mfn = PAGES;
}

static void endless_store(struct fake_hv *fake, struct fake_domain *domain)
{
    start_info_of(fake, domain)->store_mfn = UINT64_MAX;
}

/* The fixture's guest is one on XenStore from here on. */
static void make_on_xenstore(struct fixture *f)
{
    assert_int_equal(chaos_domain_destroy(f->chaos, &f->domain, false, &f->err), 0);
    f->config.bus = CHAOS_BUS_XENSTORE;
    f->config.bus_given = true;
    if (chaos_domain_create(f->chaos, &f->config, NULL, &f->domain, &f->err) != 0)
        fail_msg("%s", f->err.text);
    f->guest = fake_domain(f->fake, f->domain.domid);
}

/* The ring is the same page in another frame, which the store is granted and told of. */
static void test_on_xenstore(void **state)
{
    static uint8_t image[PAGES][HV_PAGE_SIZE];
    struct fixture *f = *state;
    struct chaos_domain restored;
    struct fake_domain *domain;
    struct start_info *info;

    make_on_xenstore(f);
    scribble(f, image);
    f->fake->max_order = 2;
    save(f, NULL);
    if (restore(f, NULL, &restored) != 0)
        fail_msg("%s", f->err.text);
    check_restored(f, restored.domid, image);
    domain = fake_domain(f->fake, restored.domid);
    info = start_info_of(f->fake, domain);
    assert_true(domain->introduced);
    assert_int_equal(info->store_evtchn, 2);
    assert_int_equal(info->store_mfn, domain->granted[1]);
    assert_int_equal(info->console.domU.mfn, domain->granted[0]);
    assert_true(fake_owns(domain, info->store_mfn));
}

static void test_on_xenstore_hostile(void **state)
{
    void (*const guests[])(struct fake_hv *, struct fake_domain *) = {wild_store, endless_store};
    struct fixture *f = *state;
    size_t i;

    make_on_xenstore(f);
    for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
        f->guest->mischief = guests[i];
        assert_int_equal(chaos_domain_save(f->chaos, &f->domain, f->file, NULL, NULL, &f->err),
                         -EFAULT);
        assert_non_null(strstr(f->err.text, "ring to XenStore is no frame"));
        assert_running(f);
        assert_files(f, false);
        start_info_of(f->fake, f->guest)->store_mfn = f->guest->granted[1];
    }
}

/* A guest knows one bus: that of its start info. */
static void test_other_bus(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain restored;

    save(f, NULL);
    assert_int_equal(restore(f, "bus=\"xenstore\"", &restored), -EINVAL);
    assert_non_null(strstr(f->err.text, "saved on the noxs bus"));
    fake_hv_assert_empty(f->fake);
    assert_int_equal(restore(f, NULL, &f->domain), 0);
    make_on_xenstore(f);
    save(f, NULL);
    assert_int_equal(restore(f, "bus=\"noxs\"", &restored), -EINVAL);
    assert_non_null(strstr(f->err.text, "saved on the XenStore bus"));
    fake_hv_assert_empty(f->fake);
    assert_int_equal(scratch_count("domains") + scratch_count("pending"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test_setup_teardown(test_crashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unused_nonsense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_on_xenstore, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_on_xenstore_hostile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_bus, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
