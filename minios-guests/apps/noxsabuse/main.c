/* SPDX-License-Identifier: BSD-3-Clause */
/* What an unprivileged domain must not get from the noxs hypercall, its page, and its neighbours.
 */
#include "kernel/fixup.h"
#include "kernel/kernel.h"
#include "noxs.h"
#include "report.h"

#define OTHER_DOMID  0u
#define NO_DOMID     0x6fffu
#define XEN_ADDRESS  ((void *)0xffff830000000000ul)
#define NULL_PAGE    ((void *)0x10)
#define NONCANONICAL ((void *)0x0000800000000000ul)

static void expect(const char *what, long rc, long wanted, long or_wanted)
{
    if (rc != wanted && rc != or_wanted)
        report(RESULT_FAILURE, "%s: returned %ld, not %ld", what, rc, wanted);
}

static void test_pointers(void)
{
    static const struct {
        const char *name;
        void *address;
    } bad[] = {
        {"null page", NULL_PAGE}, {"Xen's memory", XEN_ADDRESS}, {"no address", NONCANONICAL}};
    char name[48];

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        for (unsigned op = NOXS_OP_QUERY; op <= NOXS_OP_LIST; op++) {
            snprintf(name, sizeof(name), "op %u with pointer to %s", op, bad[i].name);
            expect(name, noxs_hypercall(op, bad[i].address), -XEN_EFAULT,
                   op == NOXS_OP_QUERY ? -XEN_EFAULT : -XEN_EPERM);
        }
}

static void test_ops(void)
{
    static const unsigned ops[] = {8, 9, 0x7f, 0x80000000u, 0xffffffffu};
    struct noxs_op_devs devs = {0};
    char name[32];

    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        snprintf(name, sizeof(name), "op %x", ops[i]);
        expect(name, noxs_hypercall(ops[i], &devs), -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP);
    }
}

static void test_query(uint16_t self)
{
    static const uint16_t others[] = {OTHER_DOMID,   NO_DOMID,   DOMID_IO, DOMID_XEN,
                                      DOMID_INVALID, DOMID_IDLE, 0x8000,   0xffff};
    struct noxs_op_query query;
    char name[32];

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        query = (struct noxs_op_query){.domid = others[i]};
        snprintf(name, sizeof(name), "query of domain %x", others[i]);
        expect(name, noxs_hypercall(NOXS_OP_QUERY, &query), -XEN_EPERM,
               others[i] == OTHER_DOMID ? -XEN_EPERM : -XEN_ESRCH);
        if (query.frame)
            report(RESULT_FAILURE, "%s: gave a frame", name);
    }
    query = (struct noxs_op_query){.domid = self};
    expect("query of its own domain id", noxs_hypercall(NOXS_OP_QUERY, &query), 0, 0);
}

/* ADD, REMOVE and LIST are the control domain's, whatever they are asked for. */
static void test_control(uint16_t self)
{
    const uint16_t targets[] = {DOMID_SELF, self, OTHER_DOMID, NO_DOMID, 0xffff};
    static const uint16_t counts[] = {0, 1, NOXS_OP_BATCH, NOXS_OP_BATCH + 1, 0xffff};
    struct noxs_op_devs devs;
    char name[48];

    for (unsigned op = NOXS_OP_ADD; op <= NOXS_OP_LIST; op++)
        for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
            for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
                long rc;

                memset(&devs, 0, sizeof(devs));
                devs.domid = targets[t];
                devs.nr = counts[c];
                devs.dev[0] = (struct noxs_dev){.type = NOXS_DEV_VIF, .id = 77};
                rc = noxs_hypercall(op, &devs);
                snprintf(name, sizeof(name), "op %u, domain %x, %u devices", op, targets[t],
                         counts[c]);
                if (targets[t] >= NO_DOMID) /* DOMID_SELF too: only queries know it */
                    expect(name, rc, -XEN_EPERM, -XEN_ESRCH);
                else
                    expect(name, rc, -XEN_EPERM,
                           counts[c] - 1u < NOXS_OP_BATCH ? -XEN_EPERM : -XEN_EINVAL);
            }
}

/* Whether a domain is there is nobody's business either. */
static void test_find(void)
{
    struct noxs_op_find find = {.domid = 77};

    expect("find", noxs_hypercall(NOXS_OP_FIND, &find), -XEN_EPERM, -XEN_EPERM);
    CHECK(find.domid == 77);
    expect("find nowhere", noxs_hypercall(NOXS_OP_FIND, NULL_PAGE), -XEN_EPERM, -XEN_EPERM);
}

/* Nor are pages, be they its own. */
static void test_copy(void)
{
    struct noxs_op_copy copy = {.domid = OTHER_DOMID, .nr = 1, .length = PAGE_SIZE};
    static uint8_t page[PAGE_SIZE];

    copy.buffer = (uintptr_t)page;
    copy.frame[0] = virt_to_mfn(page);
    expect("copy of dom0", noxs_hypercall(NOXS_OP_COPY, &copy), -XEN_EPERM, -XEN_EPERM);
    copy.domid = NO_DOMID;
    expect("copy of nobody", noxs_hypercall(NOXS_OP_COPY, &copy), -XEN_ESRCH, -XEN_ESRCH);
    copy.domid = DOMID_SELF;
    expect("copy of self", noxs_hypercall(NOXS_OP_COPY, &copy), -XEN_ESRCH, -XEN_EPERM);
    expect("copy nowhere", noxs_hypercall(NOXS_OP_COPY, NULL_PAGE), -XEN_EFAULT, -XEN_EFAULT);
}

/* It would take from the toolstack what it is to be told. */
static void test_changed(void)
{
    struct noxs_op_changed changed = {.nr = NOXS_CHANGED_IDS, .domid = {77}};

    expect("changed", noxs_hypercall(NOXS_OP_CHANGED, &changed), -XEN_EPERM, -XEN_EPERM);
    CHECK(changed.nr == NOXS_CHANGED_IDS && changed.domid[0] == 77);
    expect("changed nowhere", noxs_hypercall(NOXS_OP_CHANGED, NULL_PAGE), -XEN_EPERM, -XEN_EPERM);
}

static void test_ready(void)
{
    struct noxs_op_query first = {.domid = DOMID_SELF}, second = {.domid = DOMID_SELF};

    expect("ready", noxs_hypercall(NOXS_OP_READY, NULL), 0, 0);
    noxs_hypercall(NOXS_OP_QUERY, &first);
    for (unsigned i = 0; i < 1000; i++)
        expect("ready again", noxs_hypercall(NOXS_OP_READY, XEN_ADDRESS), 0, 0);
    noxs_hypercall(NOXS_OP_QUERY, &second);
    CHECK(first.ready_ns != 0 && first.ready_ns == second.ready_ns);
    CHECK(second.now_ns >= first.now_ns && first.ready_ns >= first.created_ns);
}

static void test_page(const struct noxs_page *page, uint64_t frame)
{
    void *mine = page_alloc();

    CHECK(!try_write64((uint64_t *)page, 0));
    CHECK(!try_write64((uint64_t *)&page->dev[3], 0));
    CHECK(noxs_page_valid(page));
    if (map_frame(mine, frame, true) == 0) {
        report(RESULT_FAILURE, "the device page can be mapped writable");
        map_own(mine);
    }
    CHECK(map_frame((void *)page, frame, true) < 0);
    CHECK(!try_write64((uint64_t *)page, 0));
    page_free(mine);
}

/* Frames that the machine-to-physical table shows, and that are not ours. */
static void test_frames_of_others(void)
{
    void *mine = page_alloc();
    unsigned tried = 0;
    uint64_t pfn;

    for (uint64_t mfn = 1; mfn < 1u << 22 && tried < 256; mfn += 97) {
        if (!try_read64(&machine_to_phys_mapping[mfn], &pfn))
            break;
        if (mfn_to_virt(mfn) || mfn == start_info->shared_info >> PAGE_SHIFT)
            continue;
        tried++;
        for (int writable = 0; writable < 2; writable++)
            if (map_frame(mine, mfn, writable) == 0) {
                report(RESULT_FAILURE, "frame %lx of somebody else can be mapped%s", mfn,
                       writable ? " writable" : "");
                map_own(mine);
            }
    }
    if (tried < 16)
        report(RESULT_ERROR, "found only %u frames to try", tried);
    page_free(mine);
}

static bool given_grant(uint16_t domid, uint32_t ref)
{
    struct noxs_dev dev;

    for (uint32_t slot = 0; noxs_page_next(noxs_page(), &slot, &dev);)
        if (dev.back_end == domid && dev.grant == ref)
            return true;
    return false;
}

static bool given_port(uint16_t domid, uint32_t port)
{
    struct noxs_dev dev;

    for (uint32_t slot = 0; noxs_page_next(noxs_page(), &slot, &dev);)
        if (dev.back_end == domid && dev.evtchn == port)
            return true;
    return false;
}

static void test_grants_and_ports_of_others(void)
{
    uint32_t handle;
    void *page;
    int port;

    for (uint16_t domid = 0; domid < 4; domid++) {
        if (noxs_page()->domid == domid)
            continue;
        for (uint32_t ref = 0; ref < 256; ref++)
            if (!given_grant(domid, ref) && !grant_map(domid, ref, &page, &handle)) {
                report(RESULT_FAILURE, "grant %u of domain %u is mapped", ref, domid);
                grant_unmap(page, handle);
            }
        for (uint32_t remote = 1; remote < 256; remote++) {
            port =
                given_port(domid, remote) ? -1 : evtchn_bind_interdomain(domid, remote, NULL, NULL);
            if (port >= 0) {
                report(RESULT_FAILURE, "port %u of domain %u is bound", remote, domid);
                evtchn_close(port);
            }
        }
    }
}

int app_main(void)
{
    struct noxs_op_query query = {.domid = DOMID_SELF};
    const struct noxs_page *page = noxs_page();

    if (!page) {
        report(RESULT_SKIP, "this Xen has no noxs");
    } else if (start_info->flags & SIF_PRIVILEGED) {
        report(RESULT_SKIP, "this is a control domain, which may do all of it");
    } else {
        expect("query", noxs_hypercall(NOXS_OP_QUERY, &query), 0, 0);
        test_pointers();
        test_ops();
        test_query(page->domid);
        test_control(page->domid);
        test_find();
        test_copy();
        test_changed();
        test_ready();
        test_page(page, query.frame);
        test_frames_of_others();
        test_grants_and_ports_of_others();
    }
    report_end();
    for (;;)
        thread_sleep_until(NEVER);
}
