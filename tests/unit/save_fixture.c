// SPDX-License-Identifier: BSD-3-Clause
#include "save_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "elf_maker.h"
#include "scratch.h"

const struct chaos_save_options go_on = {.after = CHAOS_SAVE_CONTINUE, .timeout_ms = 20};

int set_up(void **state)
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

int tear_down(void **state)
{
    struct fixture *f = *state;

    chaos_close(f->chaos);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

uint64_t frame_of(const struct fake_domain *domain, uint64_t pfn)
{
    size_t i;

    for (i = 0; i < domain->nr_extents; i++)
        if (pfn - domain->extent[i].pfn < domain->extent[i].nr)
            return domain->extent[i].frame + (pfn - domain->extent[i].pfn);
    return 0;
}

void save(struct fixture *f, const struct chaos_save_options *options)
{
    if (chaos_domain_save(f->chaos, &f->domain, f->file, options, NULL, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

int restore(struct fixture *f, const char *name, struct chaos_domain *out)
{
    const char *overrides[] = {name};
    const struct chaos_restore_options options = {.overrides = overrides,
                                                  .nr_overrides = name ? 1 : 0};

    return chaos_domain_restore(f->chaos, f->file, &options, out, &f->err);
}

void assert_running(struct fixture *f)
{
    assert_ptr_equal(fake_domain(f->fake, f->domain.domid), f->guest);
    assert_false(f->guest->shutdown);
    assert_false(f->guest->paused);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(scratch_count("domains"), 1);
    assert_int_equal(scratch_count("pending"), 0);
}

void assert_files(struct fixture *f, bool checkpoint)
{
    struct stat st;

    assert_int_equal(scratch_count("."), (size_t)6 + checkpoint + (scratch_count("suspended") > 0));
    assert_int_equal(stat(f->file, &st) == 0, checkpoint);
    if (checkpoint)
        assert_int_equal(st.st_mode & 07777, 0600);
}

void take_image(struct fixture *f, uint32_t domid, uint8_t (*image)[HV_PAGE_SIZE])
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

void check_restored_but(struct fixture *f, uint32_t domid, uint8_t (*before)[HV_PAGE_SIZE],
                        const bool *any)
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
        if (i != p2m && i != start_info && !(any && any[i]))
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

void check_restored(struct fixture *f, uint32_t domid, uint8_t (*before)[HV_PAGE_SIZE])
{
    check_restored_but(f, domid, before, NULL);
}

void scribble(struct fixture *f, uint8_t (*image)[HV_PAGE_SIZE])
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
