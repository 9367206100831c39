// SPDX-License-Identifier: BSD-3-Clause
#include "fake_hv.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define GARBAGE  0xa5
#define PRESENT  1u
#define WRITABLE 2u

static struct fake_hv *fake_of(struct hv *hv)
{
    return (struct fake_hv *)hv;
}

int fake_turn(struct fake_hv *fake, const char *call)
{
    syscall(SYS_getppid); /* a place to be killed at, for test_shells_kill.c */
    if (++fake->calls != fake->fail_at)
        return 0;
    if (fake->meanwhile)
        fake->meanwhile(fake->meanwhile_opaque);
    fake->failed_in = call;
    return fake->fail_with;
}

struct fake_domain *fake_domain(struct fake_hv *fake, uint32_t domid)
{
    size_t i;

    for (i = 0; i < FAKE_DOMAINS; i++)
        if (fake->domain[i].used && fake->domain[i].domid == domid)
            return &fake->domain[i];
    return NULL;
}

/* First frame of nr free ones in a row; 0: there are none. */
static uint64_t take_frames(struct fake_hv *fake, uint64_t nr)
{
    uint64_t start, run = 0;

    for (start = 0; start + nr <= FAKE_FRAMES; start += nr) {
        for (run = 0; run < nr && !fake->frame_used[start + run]; run++)
            ;
        if (run == nr) {
            memset(&fake->frame_used[start], true, nr);
            return FAKE_FIRST_FRAME + start;
        }
    }
    return 0;
}

static void give_frames(struct fake_hv *fake, uint64_t frame, uint64_t nr)
{
    assert_in_range(frame, FAKE_FIRST_FRAME, FAKE_FIRST_FRAME + FAKE_FRAMES - nr);
    memset(&fake->frame_used[frame - FAKE_FIRST_FRAME], false, nr);
}

bool fake_owns(const struct fake_domain *domain, uint64_t frame)
{
    size_t i;

    for (i = 0; i < domain->nr_extents; i++)
        if (frame - domain->extent[i].frame < domain->extent[i].nr)
            return true;
    return false;
}

static void map_run(struct fake_hv *fake, char *to, uint64_t frame, size_t nr)
{
    assert_ptr_not_equal(mmap(to, nr * HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                              fake->memfd, (off_t)((frame - FAKE_FIRST_FRAME) * HV_PAGE_SIZE)),
                         MAP_FAILED);
}

static char *map_frames(struct fake_hv *fake, const uint64_t *frames, size_t nr)
{
    char *base = mmap(NULL, nr * HV_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t i, run;

    assert_ptr_not_equal(base, MAP_FAILED);
    for (i = 0; i < nr; i += run) {
        for (run = 1; i + run < nr && frames[i + run] == frames[i] + run; run++)
            ;
        map_run(fake, base + i * HV_PAGE_SIZE, frames[i], run);
    }
    return base;
}

void *fake_frame(struct fake_hv *fake, uint64_t frame)
{
    return map_frames(fake, &frame, 1); /* for the life of the test */
}

#define FILL_MAX 512

static void fill_frames(struct fake_hv *fake, uint64_t frame, uint64_t nr, int byte)
{
    char page[HV_PAGE_SIZE];
    struct iovec parts[FILL_MAX];
    uint64_t i;

    assert_in_range(nr, 1, FILL_MAX);
    if (fake->fast)
        return;
    memset(page, byte, sizeof(page));
    for (i = 0; i < nr; i++)
        parts[i] = (struct iovec){.iov_base = page, .iov_len = sizeof(page)};
    assert_int_equal(
        pwritev(fake->memfd, parts, (int)nr, (off_t)((frame - FAKE_FIRST_FRAME) * HV_PAGE_SIZE)),
        nr * sizeof(page));
}

void *fake_virtual(struct fake_hv *fake, uint32_t domid, uint64_t address, bool *writable)
{
    struct fake_domain *domain = fake_domain(fake, domid);
    uint64_t frame = domain->vcpu.root_frame, entry = 0;
    int level;

    for (level = 4; level >= 1; level--) {
        uint64_t *table = fake_frame(fake, frame);

        entry = table[address >> (12 + 9 * (level - 1)) & 511];
        munmap(table, HV_PAGE_SIZE);
        if (!(entry & PRESENT))
            return NULL;
        frame = (entry & 0x000ffffffffff000ull) >> 12;
        assert_true(fake_owns(domain, frame));
    }
    if (writable)
        *writable = entry & WRITABLE;
    return (char *)fake_frame(fake, frame) + address % HV_PAGE_SIZE;
}

/* ---------------------------------------------------------------- hv_ops */

static void fake_close(struct hv *hv)
{
    fake_of(hv)->closed_hv = true;
}

/* As Xen does: upwards, then from 1 again, past those that are in use. */
static uint32_t next_domid(struct fake_hv *fake)
{
    do
        fake->last_domid = fake->last_domid % (HV_DOMID_LIMIT - 1) + 1;
    while (fake_domain(fake, fake->last_domid));
    return fake->last_domid;
}

static int fake_domain_create(struct hv *hv, const struct hv_create *how, uint32_t *domid)
{
    struct fake_hv *fake = fake_of(hv);
    int rc = fake_turn(fake, "domain_create");
    struct fake_domain *domain = NULL;
    size_t i;

    if (rc < 0)
        return rc;
    for (i = 0; i < FAKE_DOMAINS && !domain; i++)
        if (!fake->domain[i].used)
            domain = &fake->domain[i];
    if (!domain)
        return -ENOMEM;
    memset(domain, 0, sizeof(*domain));
    domain->used = domain->paused = true;
    domain->domid = *domid = next_domid(fake);
    domain->max_vcpus = how->max_vcpus;
    memcpy(domain->uuid, how->uuid, sizeof(domain->uuid));
    domain->shared_info_frame = take_frames(fake, 1);
    fill_frames(fake, domain->shared_info_frame, 1, 0);
    return 0;
}

static int fake_set_uuid(struct hv *hv, uint32_t domid, const uint8_t uuid[16])
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "set_uuid");

    if (!domain)
        return -ESRCH;
    if (rc == 0)
        memcpy(domain->uuid, uuid, sizeof(domain->uuid));
    return rc;
}

static int fake_set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t vcpus)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "set_max_vcpus");

    assert_non_null(domain);
    assert_in_range(vcpus, 1, domain->max_vcpus);
    if (rc == 0)
        domain->vcpus = vcpus;
    return rc;
}

static int fake_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "set_max_mem");

    assert_non_null(domain);
    if (rc == 0)
        domain->max_pages = kib / 4;
    return rc;
}

static int fake_populate(struct hv *hv, uint32_t domid, uint64_t first_pfn, unsigned int order,
                         unsigned int nr, uint64_t *frames)
{
    struct fake_hv *fake = fake_of(hv);
    struct fake_domain *domain = fake_domain(fake, domid);
    int rc = fake_turn(fake, "populate");
    unsigned int i;

    assert_non_null(domain);
    assert_int_equal(first_pfn, domain->pages); /* in order, without a gap */
    assert_in_range(nr, 1, 512);
    if (rc < 0 || order > fake->max_order)
        return rc;
    for (i = 0; i < nr; i++) {
        uint64_t pages = 1ull << order;

        assert_true(domain->pages + pages <= domain->max_pages);
        if (domain->nr_extents == FAKE_EXTENTS)
            break;
        frames[i] = take_frames(fake, pages);
        if (frames[i] == 0)
            break;
        domain->extent[domain->nr_extents].pfn = domain->pages;
        domain->extent[domain->nr_extents].frame = frames[i];
        domain->extent[domain->nr_extents++].nr = pages;
        domain->pages += pages;
        fill_frames(fake, frames[i], pages, GARBAGE);
    }
    return (int)i;
}

static int fake_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu,
                             const uint64_t cpus[HV_AFFINITY_WORDS])
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "set_affinity");

    assert_non_null(domain);
    assert_in_range(vcpu, 0, domain->vcpus - 1);
    assert_true(cpus[0] | cpus[1] | cpus[2] | cpus[3]);
    domain->affinities += rc == 0;
    return rc;
}

static int fake_evtchn_alloc_unbound(struct hv *hv, uint32_t domid, uint32_t *port)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "evtchn_alloc_unbound");

    assert_non_null(domain);
    if (rc == 0)
        *port = ++domain->nr_ports;
    return rc;
}

static bool is_table(const uint64_t *tables, size_t nr, uint64_t frame)
{
    size_t i;

    for (i = 0; i < nr; i++)
        if (tables[i] == frame)
            return true;
    return false;
}

/* Whether some page of the domain (frame 0: any) is mapped. */
static bool is_mapped(const struct fake_hv *fake, const struct fake_domain *domain, uint64_t frame)
{
    size_t i, k;

    for (i = 0; i < FAKE_MAPPINGS; i++)
        for (k = 0; fake->mapping[i].address && k < fake->mapping[i].nr; k++)
            if (frame ? fake->mapping[i].frames[k] == frame
                      : fake_owns(domain, fake->mapping[i].frames[k]))
                return true;
    return false;
}

static int fake_map(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, bool write,
                    void **address)
{
    struct fake_hv *fake = fake_of(hv);
    struct fake_domain *domain = fake_domain(fake, domid);
    int rc = fake_turn(fake, "map");
    size_t i;

    if (!domain)
        return -ESRCH;
    for (i = 0; i < nr; i++)
        if ((!fake_owns(domain, frames[i]) && frames[i] != domain->shared_info_frame) ||
            (write && is_table(domain->table, domain->nr_tables, frames[i])))
            return -EINVAL;
    if (rc < 0)
        return rc;
    for (i = 0; fake->mapping[i].address; i++)
        assert_in_range(i, 0, FAKE_MAPPINGS - 2);
    *address = fake->mapping[i].address = map_frames(fake, frames, nr);
    fake->mapping[i].frames = malloc(nr * sizeof(*frames));
    memcpy(fake->mapping[i].frames, frames, nr * sizeof(*frames));
    fake->mapping[i].nr = nr;
    fake->mapped += nr;
    return 0;
}

static void fake_unmap(struct hv *hv, void *address, size_t nr)
{
    struct fake_hv *fake = fake_of(hv);
    size_t i;

    for (i = 0; fake->mapping[i].address != address; i++)
        assert_in_range(i, 0, FAKE_MAPPINGS - 2);
    assert_int_equal(fake->mapping[i].nr, nr);
    free(fake->mapping[i].frames);
    fake->mapping[i].address = NULL;
    fake->mapped -= nr;
    assert_int_equal(munmap(address, nr * HV_PAGE_SIZE), 0);
}

static void collect_tables(struct fake_hv *fake, struct fake_domain *domain, uint64_t frame,
                           int level, uint64_t *tables, size_t *nr)
{
    uint64_t *table = fake_frame(fake, frame);
    int i;

    assert_true(fake_owns(domain, frame));
    assert_in_range(*nr, 0, FAKE_TABLES - 1);
    assert_false(is_mapped(fake, domain, frame)); /* a writable mapping would fail the pin */
    tables[(*nr)++] = frame;
    for (i = 0; level > 1 && i < 512; i++)
        if (table[i] & PRESENT)
            collect_tables(fake, domain, table[i] >> 12 & 0xffffffffffull, level - 1, tables, nr);
    munmap(table, HV_PAGE_SIZE);
}

/* What Xen checks of a page table: whose frames, and that no table can be written. */
static void check_pin(struct fake_hv *fake, struct fake_domain *domain, uint64_t root)
{
    uint64_t *tables = domain->table;
    size_t nr = 0, i;
    int slot;

    assert_int_equal(domain->nr_tables, 0);
    collect_tables(fake, domain, root, 4, tables, &nr);
    for (i = 0; i < nr; i++) {
        uint64_t *table = fake_frame(fake, tables[i]);

        for (slot = 0; slot < 512; slot++) {
            uint64_t target = table[slot] >> 12 & 0xffffffffffull;

            if (!(table[slot] & PRESENT))
                continue;
            assert_true(fake_owns(domain, target));
            /* Leaves are those that do not lead to a table; a leaf to a table is read-only. */
            if (is_table(tables, nr, target) && !(table[slot] & 4))
                assert_false(table[slot] & WRITABLE);
        }
        munmap(table, HV_PAGE_SIZE);
    }
    domain->root_frame = root;
    domain->nr_tables = nr;
}

static void unpin(struct fake_domain *domain, uint64_t root)
{
    assert_false(domain->vcpu_set); /* it would keep its hold on the tables */
    assert_int_equal(domain->root_frame, root);
    domain->root_frame = 0;
    domain->nr_tables = 0;
}

static int fake_mmu(struct hv *hv, uint32_t domid, const struct hv_mmu_op *ops, size_t nr)
{
    struct fake_hv *fake = fake_of(hv);
    struct fake_domain *domain = fake_domain(fake, domid);
    int rc = fake_turn(fake, "mmu");
    size_t i;

    assert_non_null(domain);
    for (i = 0; rc == 0 && i < nr; i++) {
        assert_true(fake_owns(domain, ops[i].frame));
        if (ops[i].cmd == HV_MMU_CLEAR)
            fill_frames(fake, ops[i].frame, 1, 0);
        else if (ops[i].cmd == HV_MMU_PIN)
            check_pin(fake, domain, ops[i].frame);
        else
            unpin(domain, ops[i].frame);
    }
    return rc;
}

static int fake_hypercall_page(struct hv *hv, uint32_t domid, uint64_t frame)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "hypercall_page");

    assert_non_null(domain);
    assert_true(fake_owns(domain, frame));
    if (rc == 0)
        domain->hypercall_frame = frame;
    return rc;
}

static int fake_set_vcpu(struct hv *hv, uint32_t domid, const struct hv_vcpu *vcpu)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "set_vcpu");

    assert_non_null(domain);
    assert_int_equal(vcpu->root_frame, domain->root_frame); /* pinned */
    if (domain->vcpu_set) /* Xen keeps the page table that it has */
        assert_int_equal(vcpu->root_frame, domain->vcpu.root_frame);
    if (rc == 0) {
        domain->vcpu = *vcpu;
        domain->context.ctrlreg[3] = xen_pfn_to_cr3(vcpu->root_frame);
        domain->vcpu_set = true;
    }
    return rc;
}

static int fake_reset_vcpu(struct hv *hv, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "reset_vcpu");

    if (!domain)
        return -ESRCH;
    assert_true(domain->vcpu_set && !domain->started);
    if (rc == 0)
        domain->vcpu_set = false;
    return rc;
}

static int fake_grant(struct hv *hv, uint32_t domid, const struct hv_grant *grants, size_t nr)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "grant");
    size_t i;

    assert_non_null(domain);
    assert_false(domain->started);
    for (i = 0; rc == 0 && i < nr; i++) {
        assert_true(grants[i].ref < 8 && fake_owns(domain, grants[i].frame));
        domain->granted[grants[i].ref] = grants[i].frame;
    }
    return rc;
}

static int fake_pause(struct hv *hv, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);

    if (!domain)
        return -ESRCH;
    domain->paused = true;
    return 0;
}

static int fake_unpause(struct hv *hv, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "unpause");

    if (!domain)
        return -ESRCH;
    assert_true(domain->vcpu_set);
    if (rc == 0) {
        domain->paused = false;
        domain->started = true;
        fake_of(hv)->mapped_at_start = fake_of(hv)->mapped;
    }
    return rc;
}

static int fake_destroy(struct hv *hv, uint32_t domid)
{
    struct fake_hv *fake = fake_of(hv);
    struct fake_domain *domain = fake_domain(fake, domid);
    int rc = fake_turn(fake, "destroy");
    size_t i;

    assert_int_not_equal(domid, 0);
    if (!domain)
        return -ESRCH;
    if (rc < 0)
        return rc;
    assert_false(is_mapped(fake, domain, 0)); /* it would stay a zombie */
    assert_true(domain->left || !domain->introduced);
    for (i = 0; i < domain->nr_extents; i++)
        give_frames(fake, domain->extent[i].frame, domain->extent[i].nr);
    give_frames(fake, domain->shared_info_frame, 1);
    domain->used = false;
    fake_note_change(fake, domid);
    return 0;
}

static void fill_info(const struct fake_domain *domain, struct hv_info *out)
{
    memset(out, 0, sizeof(*out));
    out->domid = domain->domid;
    memcpy(out->uuid, domain->uuid, sizeof(out->uuid));
    out->paused = domain->paused;
    out->blocked = !domain->paused && !domain->shutdown;
    out->shutdown = domain->shutdown;
    out->reason = domain->reason;
    out->pages = domain->pages;
    out->max_pages = domain->max_pages;
    out->shared_info_frame = domain->shared_info_frame;
    out->vcpus = domain->vcpus;
}

static int fake_info(struct hv *hv, uint32_t domid, struct hv_info *out)
{
    struct fake_domain *domain = fake_domain(fake_of(hv), domid);
    int rc = fake_turn(fake_of(hv), "info");

    if (!domain)
        return -ESRCH;
    if (domain->late && --domain->slow == 0) {
        domain->late = false;
        fake_guest_suspend(fake_of(hv), domid);
    }
    if (rc == 0)
        fill_info(domain, out);
    return rc;
}

/* The one with the lowest id that is at least `first`. */
static struct fake_domain *next_domain(struct fake_hv *fake, uint32_t first)
{
    struct fake_domain *next = NULL;
    size_t i;

    for (i = 0; i < FAKE_DOMAINS; i++)
        if (fake->domain[i].used && fake->domain[i].domid >= first &&
            (!next || fake->domain[i].domid < next->domid))
            next = &fake->domain[i];
    return next;
}

static int fake_list(struct hv *hv, uint32_t first, struct hv_info *out, size_t nr)
{
    struct fake_domain *domain;
    int rc = fake_turn(fake_of(hv), "list");
    size_t found = 0;

    fake_of(hv)->lists++;
    while (rc == 0 && found < nr && (domain = next_domain(fake_of(hv), first))) {
        fill_info(domain, &out[found++]);
        first = domain->domid + 1;
    }
    return rc < 0 ? rc : (int)found;
}

static int fake_host(struct hv *hv, struct hv_host *out)
{
    uint64_t i;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < FAKE_FRAMES; i++)
        out->free_pages += !fake_of(hv)->frame_used[i];
    out->total_pages = FAKE_FRAMES;
    out->cpus = 2;
    out->major = fake_of(hv)->host_major;
    out->minor = fake_of(hv)->host_minor;
    memcpy(out->hw_caps, fake_of(hv)->host_caps, sizeof(out->hw_caps));
    return fake_turn(fake_of(hv), "host");
}

static int fake_noxs(struct hv *hv, uint32_t domid, struct hv_noxs *out)
{
    if (!fake_domain(fake_of(hv), domid))
        return -ESRCH;
    *out = (struct hv_noxs){.abi_version = 1, .created_ns = 1000, .ready_ns = 5000, .now_ns = 9000};
    return 0;
}

static const struct hv_ops fake_hv_ops = {
    .close = fake_close,
    .domain_create = fake_domain_create,
    .set_uuid = fake_set_uuid,
    .set_max_vcpus = fake_set_max_vcpus,
    .set_max_mem = fake_set_max_mem,
    .populate = fake_populate,
    .set_affinity = fake_set_affinity,
    .evtchn_alloc_unbound = fake_evtchn_alloc_unbound,
    .map = fake_map,
    .unmap = fake_unmap,
    .read_pages = fake_read_pages,
    .write_pages = fake_write_pages,
    .write_part = fake_write_part,
    .mmu = fake_mmu,
    .hypercall_page = fake_hypercall_page,
    .set_vcpu = fake_set_vcpu,
    .get_vcpu_state = fake_get_vcpu_state,
    .set_vcpu_state = fake_set_vcpu_state,
    .page_types = fake_page_types,
    .resume = fake_resume,
    .reset_vcpu = fake_reset_vcpu,
    .grant = fake_grant,
    .pause = fake_pause,
    .unpause = fake_unpause,
    .destroy = fake_destroy,
    .info = fake_info,
    .list = fake_list,
    .find = fake_find,
    .changed = fake_changed,
    .host = fake_host,
    .noxs = fake_noxs,
    .dirty_start = fake_dirty_start,
    .dirty_take = fake_dirty_take,
    .dirty_stop = fake_dirty_stop,
    .events_open = fake_events_open,
};

static void *shared(size_t size)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

void fake_hv_forget_mappings(struct fake_hv *fake)
{
    memset(fake->mapping, 0, sizeof(fake->mapping));
    fake->mapped = 0;
}

struct fake_hv *fake_hv_new(void)
{
    struct fake_hv *fake = shared(sizeof(*fake));

    fake->hv.ops = &fake_hv_ops;
    fake->bus.ops = &fake_bus_ops;
    fake->memfd = memfd_create("machine", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fake->memfd, (off_t)FAKE_FRAMES * HV_PAGE_SIZE), 0);
    fake->frame_used = shared(FAKE_FRAMES * sizeof(*fake->frame_used));
    fake->max_order = 9;
    fake->last_request = -1;
    fake->fail_with = -EIO;
    fake->domain[0] = (struct fake_domain){.used = true, .domid = 0, .vcpus = 1, .started = true};
    return fake;
}

void fake_hv_free(struct fake_hv *fake)
{
    close(fake->memfd);
    munmap(fake->frame_used, FAKE_FRAMES * sizeof(*fake->frame_used));
    munmap(fake, sizeof(*fake));
}

void fake_hv_assert_empty(const struct fake_hv *fake)
{
    size_t i;

    assert_int_equal(fake->mapped, 0);
    assert_int_equal(fake->bound, 0);
    for (i = 1; i < FAKE_DOMAINS; i++)
        assert_false(fake->domain[i].used);
    for (i = 0; i < FAKE_FRAMES; i++)
        assert_false(fake->frame_used[i]);
    for (i = 0; i < FAKE_DOMAINS; i++)
        assert_int_equal(fake->device_domain[i], 0);
}
