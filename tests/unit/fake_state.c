// SPDX-License-Identifier: BSD-3-Clause
/* What the hypervisor in memory knows of suspended and restored guests. */
#include "fake_hv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PRESENT 1u
#define FRAME   0x000ffffffffff000ull

static struct fake_hv *fake_of(struct hv *hv)
{
    return (struct fake_hv *)hv;
}

/* The machine frame behind a virtual address of vcpu 0. */
static uint64_t frame_at(struct fake_hv *fake, struct fake_domain *domain, uint64_t address)
{
    uint64_t frame = domain->vcpu.root_frame;
    int level;

    for (level = 4; level >= 1; level--) {
        uint64_t *table = fake_frame(fake, frame);

        frame = (table[address >> (12 + 9 * (level - 1)) & 511] & FRAME) >> 12;
        munmap(table, HV_PAGE_SIZE);
    }
    return frame;
}

static uint64_t pfn_of(const struct fake_domain *domain, uint64_t frame)
{
    for (size_t i = 0; i < domain->nr_extents; i++)
        if (frame - domain->extent[i].frame < domain->extent[i].nr)
            return domain->extent[i].pfn + (frame - domain->extent[i].frame);
    fail_msg("frame 0x%lx is not the domain's", (unsigned long)frame);
    return 0;
}

static uint64_t frame_of(const struct fake_domain *domain, uint64_t pfn)
{
    for (size_t i = 0; i < domain->nr_extents; i++)
        if (pfn - domain->extent[i].pfn < domain->extent[i].nr)
            return domain->extent[i].frame + (pfn - domain->extent[i].pfn);
    fail_msg("page %lu is not the domain's", (unsigned long)pfn);
    return 0;
}

void fake_guest_write(struct fake_hv *fake, uint32_t domid, uint64_t pfn, size_t word,
                      uint64_t value)
{
    struct fake_domain *domain = fake_domain(fake, domid);
    uint64_t *page = fake_frame(fake, frame_of(domain, pfn));

    assert_false(domain->shutdown);
    page[word] = value;
    munmap(page, HV_PAGE_SIZE);
    if (domain->logging)
        domain->dirty[pfn / 64] |= 1ull << pfn % 64;
}

void fake_guest_tell(struct fake_hv *fake, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake, domid);
    struct shared_info *shared = fake_frame(fake, domain->shared_info_frame);
    const uint64_t start_info = frame_at(fake, domain, domain->vcpu.start_info);
    struct start_info *info = fake_frame(fake, start_info);

    shared->arch.max_pfn = info->nr_pages;
    shared->arch.p2m_cr3 = xen_pfn_to_cr3(domain->vcpu.root_frame);
    shared->arch.p2m_vaddr = info->mfn_list;
    munmap(shared, HV_PAGE_SIZE);
    munmap(info, HV_PAGE_SIZE);
}

static void let_work(struct fake_hv *fake, struct fake_domain *domain)
{
    if (domain && domain->logging && domain->works && !domain->shutdown)
        domain->works(fake, domain);
}

int fake_dirty_start(struct hv *hv, uint32_t domid, uint64_t pages)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "dirty_start");

    assert_non_null(domain);
    assert_int_equal(pages, domain->pages);
    assert_false(domain->logging);
    if (rc < 0)
        return rc;
    domain->logging = true;
    domain->takes = 0;
    memset(domain->dirty, 0, sizeof(domain->dirty));
    return 0;
}

int fake_dirty_take(struct hv *hv, uint32_t domid, uint64_t pages, uint64_t *bitmap)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    const size_t size = (pages + 63) / 64 * sizeof(*bitmap);
    int rc = fake_turn(fake_of(hv), "dirty_take");

    assert_non_null(domain);
    assert_true(domain->logging);
    domain->takes++;
    let_work(fake_of(hv), domain);
    if (rc < 0)
        return rc;
    memcpy(bitmap, domain->dirty, size);
    memset(domain->dirty, 0, size);
    return 0;
}

int fake_dirty_stop(struct hv *hv, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "dirty_stop");

    if (rc == 0 && domain)
        domain->logging = false;
    return domain ? rc : -ESRCH;
}

void fake_guest_suspend(struct fake_hv *fake, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake, domid);
    struct shared_info *shared = fake_frame(fake, domain->shared_info_frame);
    const uint64_t start_info = frame_at(fake, domain, domain->vcpu.start_info);
    struct start_info *info = fake_frame(fake, start_info);

    fake_guest_tell(fake, domid);
    shared->vcpu_info[0].evtchn_upcall_mask = 1;
    shared->vcpu_info[1].evtchn_upcall_mask = 0;
    domain->context.user_regs.rip = domain->vcpu.entry + 100;
    domain->context.user_regs.rax = 0;
    domain->context.user_regs.rdx = start_info;
    domain->context.ctrlreg[3] = xen_pfn_to_cr3(domain->vcpu.root_frame);
    if (info->store_mfn != 0)
        info->store_mfn = pfn_of(domain, info->store_mfn);
    domain->shutdown = true;
    domain->reason = HV_SHUTDOWN_SUSPEND;
    fake_note_change(fake, domid);
    munmap(shared, HV_PAGE_SIZE);
    munmap(info, HV_PAGE_SIZE);
    if (domain->mischief)
        domain->mischief(fake, domain);
}

int fake_get_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                        void *bytes, size_t room)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "get_vcpu_state");

    assert_non_null(domain);
    assert_in_range(vcpu, 0, domain->max_vcpus - 1);
    if (rc < 0)
        return rc;
    switch (state) {
    case HV_VCPU_CONTEXT:
        if (vcpu > 0) /* was never brought up */
            return 0;
        assert_true(room >= sizeof(domain->context));
        memcpy(bytes, &domain->context, sizeof(domain->context));
        return (int)sizeof(domain->context);
    case HV_VCPU_EXTENDED:
        memset(bytes, 0x5e, 80);
        return 80;
    default:
        return 0;
    }
}

int fake_set_vcpu_state(struct hv *hv, uint32_t domid, uint32_t vcpu, enum hv_vcpu_state state,
                        const void *bytes, size_t length)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "set_vcpu_state");
    uint64_t root;

    assert_non_null(domain);
    assert_int_equal(vcpu, 0);
    if (rc < 0)
        return rc;
    if (state == HV_VCPU_EXTENDED) {
        assert_int_equal(length, 80);
        assert_int_equal(*(const uint8_t *)bytes, 0x5e);
        return 0;
    }
    assert_int_equal(state, HV_VCPU_CONTEXT);
    assert_int_equal(length, sizeof(domain->context));
    memcpy(&domain->context, bytes, length);
    root = xen_cr3_to_pfn(domain->context.ctrlreg[3]);
    assert_int_equal(root, domain->root_frame); /* pinned */
    domain->vcpu.root_frame = root;
    domain->vcpu_set = true;
    return 0;
}

static void note_tables(struct fake_hv *fake, uint64_t table_frame, unsigned int level,
                        const uint64_t *frames, size_t nr, uint8_t *types)
{
    uint64_t *table = fake_frame(fake, table_frame);
    size_t i;

    for (i = 0; i < nr; i++)
        if (frames[i] == table_frame)
            types[i] = (uint8_t)(HV_PAGE_NORMAL + level) | (level == 4 ? HV_PAGE_PINNED : 0);
    for (i = 0; level > 1 && i < 512; i++)
        if (table[i] & PRESENT)
            note_tables(fake, (table[i] & FRAME) >> 12, level - 1, frames, nr, types);
    munmap(table, HV_PAGE_SIZE);
}

int fake_page_types(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                    uint8_t *types)
{
    struct fake_hv *fake = fake_of(hv);
    struct fake_domain *domain = fake_domain(fake, domid);
    int rc = fake_turn(fake, "page_types");
    size_t i;

    assert_non_null(domain);
    for (i = 0; i < nr; i++)
        types[i] = fake_owns(domain, frames[i]) ? HV_PAGE_NORMAL : HV_PAGE_NONE;
    note_tables(fake, domain->root_frame, 4, frames, nr, types);
    return rc;
}

int fake_resume(struct hv *hv, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "resume");

    assert_non_null(domain);
    if (rc < 0)
        return rc;
    assert_true(domain->shutdown);
    domain->shutdown = false;
    domain->resumed++;
    fake_note_change(fake_of(hv), domid);
    return 0;
}

void fake_note_change(struct fake_hv *fake, uint32_t domid)
{
    fake->changed[domid] = true;
}

int fake_changed(struct hv *hv, uint32_t *domids, size_t nr)
{
    struct fake_hv *fake = fake_of(hv);
    int rc = fake->stock ? -ENOSYS : fake_turn(fake, "changed");
    uint32_t domid;
    size_t found = 0;

    for (domid = 0; rc == 0 && domid < HV_DOMID_LIMIT && found < nr; domid++)
        if (fake->changed[domid]) {
            fake->changed[domid] = false;
            domids[found++] = domid;
        }
    return rc < 0 ? rc : (int)found;
}

int fake_find(struct hv *hv, const uint8_t uuid[16], uint32_t *domid)
{
    struct fake_hv *fake = fake_of(hv);
    int rc = fake->stock ? -ENOSYS : fake_turn(fake, "find");
    size_t i;

    if (rc < 0)
        return rc;
    for (i = 0; i < FAKE_DOMAINS; i++)
        if (fake->domain[i].used &&
            memcmp(fake->domain[i].uuid, uuid, sizeof(fake->domain[i].uuid)) == 0) {
            *domid = fake->domain[i].domid;
            return 0;
        }
    return -ESRCH;
}

int fake_read_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, void *to)
{
    void *address;
    int rc = hv->ops->map(hv, domid, frames, nr, false, &address);

    if (rc < 0)
        return rc;
    let_work(fake_of(hv), fake_domain(fake_of(hv), domid));
    memcpy(to, address, nr * HV_PAGE_SIZE);
    hv->ops->unmap(hv, address, nr);
    return 0;
}

int fake_write_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                     const void *from)
{
    void *address;
    int rc = hv->ops->map(hv, domid, frames, nr, true, &address);

    if (rc < 0)
        return rc;
    memcpy(address, from, nr * HV_PAGE_SIZE);
    hv->ops->unmap(hv, address, nr);
    return 0;
}

int fake_write_part(struct hv *hv, uint32_t domid, uint64_t frame, size_t offset, const void *from,
                    size_t length)
{
    void *address;
    int rc = hv->ops->map(hv, domid, &frame, 1, true, &address);

    assert_true(length > 0 && offset + length <= HV_PAGE_SIZE);
    if (rc < 0)
        return rc;
    memcpy((char *)address + offset, from, length);
    hv->ops->unmap(hv, address, 1);
    return 0;
}
