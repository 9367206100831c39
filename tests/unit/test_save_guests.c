// SPDX-License-Identifier: BSD-3-Clause
/* Saving guests that lie about their memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "elf_maker.h"
#include "save_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test_setup_teardown(test_crashes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
