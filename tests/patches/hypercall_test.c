// SPDX-License-Identifier: BSD-3-Clause
/* Runs in dom0 of a host with the patched Xen: every operation of the noxs hypercall, every wrong
 * argument, and the device pages of empty domains made for the purpose. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0.h" /* says that we are a tool: before all of Xen's */

#include <xenevtchn.h>

#define NOBODY 32000u /* a domain that is not there */
#define A_GFN  0x1000u
#define CYCLES 50
#define RANDOM 20000
#define FOUND  16 /* domains with handles at once */

static struct noxs_op_devs batch(uint32_t domid, uint16_t first_id, uint16_t nr)
{
    struct noxs_op_devs op = {.domid = (uint16_t)domid, .nr = nr};

    for (uint16_t i = 0; i < nr && i < NOXS_OP_BATCH; i++)
        op.dev[i] = (struct noxs_dev){.type = NOXS_DEV_VIF,
                                      .id = (uint16_t)(first_id + i),
                                      .grant = 100u + first_id + i,
                                      .evtchn = 200u + first_id + i};
    return op;
}

static int devs(unsigned int op, struct noxs_op_devs arg)
{
    return noxs_op(op, &arg, sizeof(arg));
}

static int add(uint32_t domid, uint16_t first_id, uint16_t nr)
{
    return devs(NOXS_OP_ADD, batch(domid, first_id, nr));
}

static int remove_devs(uint32_t domid, uint16_t first_id, uint16_t nr)
{
    return devs(NOXS_OP_REMOVE, batch(domid, first_id, nr));
}

/* NULL when Xen refuses. */
static struct noxs_page *map(uint32_t domid, uint64_t frame, int prot)
{
    xen_pfn_t pfn = frame;
    int err = 0;
    void *page = xenforeignmemory_map(foreign, domid, prot, 1, &pfn, &err);

    if (page && err) {
        xenforeignmemory_unmap(foreign, page, 1);
        page = NULL;
    }
    return page;
}

static void test_query(void)
{
    struct noxs_op_query self, again, other;

    CHECK_RC(query(NOXS_DOMID_SELF, &self), 0);
    CHECK(self.domid == NOXS_DOMID_SELF);
    CHECK(self.abi_version == NOXS_ABI_VERSION);
    CHECK(self.max_devs == NOXS_PAGE_DEVS);
    CHECK(self.max_batch == NOXS_OP_BATCH);
    CHECK(self.generation % 2 == 0);
    CHECK(self.slots == 0);
    CHECK(self.frame != UINT64_MAX);
    CHECK(self.created_ns <= self.now_ns);
    CHECK_RC(query(0, &again), 0);
    CHECK(again.frame == self.frame && again.created_ns == self.created_ns);
    CHECK(again.now_ns > self.now_ns);

    CHECK_RC(query(NOBODY, &other), -ESRCH);
    /* DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE */
    for (uint32_t domid = 0x7ff1; domid <= 0x7fff; domid++)
        CHECK_RC(query(domid, &other), -ESRCH);
    CHECK_RC(query(0xffff, &other), -ESRCH);
}

static void test_ready(void)
{
    struct noxs_op_query before, after;

    CHECK_RC(raw_op(NOXS_OP_READY, 0), 0);
    CHECK_RC(query(0, &before), 0);
    CHECK(before.ready_ns != 0 && before.ready_ns <= before.now_ns);
    for (int i = 0; i < 1000; i++)
        CHECK_RC(raw_op(NOXS_OP_READY, ~0ull), 0);
    CHECK_RC(query(0, &after), 0);
    CHECK(after.ready_ns == before.ready_ns);
}

static void test_bad_op(void)
{
    struct noxs_op_query q = {.domid = 0};

    CHECK_RC(noxs_op(8, &q, sizeof(q)), -EOPNOTSUPP);
    CHECK_RC(noxs_op(~0u, &q, sizeof(q)), -EOPNOTSUPP);
    CHECK_RC(raw_op(0x80000000u, 0), -EOPNOTSUPP);
}

static void test_bad_address(uint32_t domid)
{
    static const unsigned int ops[] = {NOXS_OP_QUERY, NOXS_OP_ADD,  NOXS_OP_REMOVE, NOXS_OP_LIST,
                                       NOXS_OP_FIND,  NOXS_OP_COPY, NOXS_OP_CHANGED};
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    struct noxs_op_query q = {.domid = (uint16_t)domid};
    struct noxs_op_devs d = batch(domid, 0, 1);

    need(pages != MAP_FAILED, "map memory");
    memcpy(pages, &q, sizeof(q));
    memcpy(pages + size - 8, &d, 8);
    need(mprotect(pages, size, PROT_READ) == 0 && munmap(pages + size, size) == 0, "change it");
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        CHECK_RC(raw_op(ops[i], 0), -EFAULT);
        CHECK_RC(raw_op(ops[i], 0xffff800000000000ull), -EFAULT); /* Xen's own space */
        CHECK_RC(raw_op(ops[i], 0xffff830000000000ull), -EFAULT); /* its map of all memory */
        CHECK_RC(raw_op(ops[i], 0x0000800000000000ull), -EFAULT); /* not canonical */
        CHECK_RC(raw_op(ops[i], ~0ull), -EFAULT);
        CHECK_RC(raw_op(ops[i], (uintptr_t)pages + size - 8), -EFAULT); /* ends too soon */
    }
    CHECK_RC(raw_op(NOXS_OP_QUERY, (uintptr_t)pages), -EFAULT); /* cannot be written */
    munmap(pages, size);
}

static void test_bad_entries(uint32_t domid)
{
    static const unsigned int ops[] = {NOXS_OP_ADD, NOXS_OP_REMOVE, NOXS_OP_LIST};
    struct noxs_op_devs op;

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        CHECK_RC(devs(ops[i], batch(domid, 1, 0)), -EINVAL);
        CHECK_RC(devs(ops[i], batch(domid, 1, NOXS_OP_BATCH + 1)), -EINVAL);
        CHECK_RC(devs(ops[i], batch(domid, 1, UINT16_MAX)), -EINVAL);
        CHECK_RC(devs(ops[i], batch(NOBODY, 1, 1)), -ESRCH);
        CHECK_RC(devs(ops[i], batch(0x7ff2, 1, 1)), -ESRCH);
    }
    for (int op_index = 0; op_index < 2; op_index++) {
        static const uint16_t types[] = {NOXS_DEV_NONE, NOXS_DEV_TYPES, UINT16_MAX};

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            op = batch(domid, 1, 1);
            op.dev[0].type = types[i];
            CHECK_RC(devs(ops[op_index], op), -EINVAL);
        }
    }
    op = batch(domid, 1, 2);
    op.dev[1].flags = 1;
    CHECK_RC(devs(NOXS_OP_ADD, op), -EINVAL);
    op = batch(domid, 1, 2);
    op.dev[1].back_end = (uint16_t)domid;
    CHECK_RC(devs(NOXS_OP_ADD, op), -EINVAL);
    op.dev[1].back_end = NOBODY;
    CHECK_RC(devs(NOXS_OP_ADD, op), -ESRCH);
    op.dev[1].back_end = NOXS_DOMID_SELF;
    CHECK_RC(devs(NOXS_OP_ADD, op), -ESRCH);
    op = batch(domid, 1, 2);
    op.dev[1].id = op.dev[0].id;
    CHECK_RC(devs(NOXS_OP_ADD, op), -EEXIST);
    CHECK_RC(remove_devs(domid, 1, 1), -ENOENT);
}

static void test_full_page(uint32_t domid, const struct noxs_page *page)
{
    struct noxs_op_query q;
    uint16_t id;

    for (id = 0; id + NOXS_OP_BATCH <= NOXS_PAGE_DEVS; id = (uint16_t)(id + NOXS_OP_BATCH))
        CHECK_RC(add(domid, id, NOXS_OP_BATCH), 0);
    CHECK_RC(add(domid, id, NOXS_OP_BATCH), -ENOSPC);
    CHECK_RC(query(domid, &q), 0);
    CHECK(q.slots == id);
    CHECK_RC(add(domid, id, (uint16_t)(NOXS_PAGE_DEVS - id)), 0);
    CHECK_RC(add(domid, 1000, 1), -ENOSPC);
    CHECK_RC(add(domid, 7, 1), -EEXIST);
    CHECK_RC(query(domid, &q), 0);
    CHECK(q.slots == NOXS_PAGE_DEVS && q.generation % 2 == 0);
    CHECK(page->generation == q.generation && page->slots == q.slots);
    CHECK(page->dev[NOXS_PAGE_DEVS - 1].id == NOXS_PAGE_DEVS - 1);

    CHECK_RC(remove_devs(domid, 16, 16), 0);
    CHECK(page->slots == NOXS_PAGE_DEVS);
    CHECK(page->dev[16].type == NOXS_DEV_NONE && page->dev[16].grant == 0);
}

/* The page is full but for slots 16 to 31. */
static void test_list(uint32_t domid)
{
    struct noxs_op_devs op = {.domid = (uint16_t)domid};
    unsigned int seen = 0;

    do {
        op.nr = NOXS_OP_BATCH;
        CHECK_RC(noxs_op(NOXS_OP_LIST, &op, sizeof(op)), 0);
        CHECK(op.nr <= NOXS_OP_BATCH);
        for (unsigned int i = 0; i < op.nr && i < NOXS_OP_BATCH; i++, seen++) {
            unsigned int id = seen < 16 ? seen : seen + 16;

            CHECK(op.dev[i].type == NOXS_DEV_VIF && op.dev[i].id == id);
            CHECK(op.dev[i].grant == 100 + id && op.dev[i].evtchn == 200 + id);
        }
    } while (op.nr > 0 && seen <= NOXS_PAGE_DEVS);
    CHECK(seen == NOXS_PAGE_DEVS - 16);
    CHECK(op.start >= NOXS_PAGE_DEVS);
    op.start = UINT32_MAX;
    op.nr = 1;
    CHECK_RC(noxs_op(NOXS_OP_LIST, &op, sizeof(op)), 0);
    CHECK(op.nr == 0 && op.start == UINT32_MAX);
}

static void test_pv_domain(void)
{
    uint32_t domid = make_domain(false);
    struct noxs_op_query q;
    struct noxs_page *page;

    CHECK_RC(query(domid, &q), 0);
    CHECK(q.created_ns <= q.now_ns && q.ready_ns == 0 && q.slots == 0 && q.generation == 0);
    CHECK(!map(domid, q.frame, PROT_READ | PROT_WRITE));
    page = map(domid, q.frame, PROT_READ);
    need(page, "map a device page");
    CHECK(page->magic == NOXS_PAGE_MAGIC && page->abi_version == NOXS_ABI_VERSION);
    CHECK(page->domid == domid);
    CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 0, A_GFN) < 0);

    test_bad_address(domid);
    test_bad_entries(domid);
    CHECK(page->generation == 0 && page->slots == 0);
    test_full_page(domid, page);
    test_list(domid);

    /* The mapping keeps the domain, and so the page, until it goes. */
    need(xc_domain_destroy(ctrl, domid) == 0, "destroy a domain");
    CHECK_RC(query(domid, &q), 0);
    CHECK_RC(add(domid, 16, 1), -ESRCH);
    CHECK_RC(remove_devs(domid, 0, 1), 0);
    CHECK(page->magic == NOXS_PAGE_MAGIC && page->dev[0].type == NOXS_DEV_NONE);
    xenforeignmemory_unmap(foreign, page, 1);
    CHECK(is_gone(domid));
}

/* The control domain can map the page of a translated domain for writing, like a friend of that
 * domain whom it granted the page. Xen must not care what it then finds there. */
static void test_scribbled_page(uint32_t domid)
{
    struct noxs_page *page = map(domid, A_GFN, PROT_READ | PROT_WRITE);
    struct noxs_op_devs op = batch(domid, 0, NOXS_OP_BATCH);
    struct noxs_op_query q;

    need(page, "map a device page for writing");
    memset(page, 0xff, sizeof(*page));
    CHECK_RC(query(domid, &q), 0);
    CHECK_RC(add(domid, 0, 1), -ENOSPC);
    CHECK_RC(remove_devs(domid, 0, 1), -ENOENT);
    CHECK_RC(noxs_op(NOXS_OP_LIST, &op, sizeof(op)), 0);
    CHECK(op.nr <= NOXS_OP_BATCH);
    page->dev[NOXS_PAGE_DEVS - 1].type = NOXS_DEV_NONE;
    CHECK_RC(add(domid, 0, 1), 0);
    CHECK(page->slots == NOXS_PAGE_DEVS && page->generation % 2 == 0);
    CHECK_RC(remove_devs(domid, 0, 1), 0);
    xenforeignmemory_unmap(foreign, page, 1);
}

static void test_translated_domain(void)
{
    uint32_t domid = make_domain(true);
    struct noxs_op_query q;
    struct noxs_page *page;

    CHECK_RC(query(domid, &q), 0);
    CHECK(q.frame == UINT64_MAX);
    CHECK_RC(add(domid, 1, 3), 0);
    CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 1, A_GFN) < 0 && errno == EINVAL);
    CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 0, A_GFN) == 0);
    page = map(domid, A_GFN, PROT_READ);
    need(page, "map a device page");
    CHECK(page->magic == NOXS_PAGE_MAGIC && page->domid == domid && page->slots == 3);
    test_scribbled_page(domid);
    CHECK(page->slots == NOXS_PAGE_DEVS - 1);

    /* It moves rather than being in two places. */
    CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 0, A_GFN + 1) == 0);
    CHECK(!map(domid, A_GFN, PROT_READ));
    xenforeignmemory_unmap(foreign, page, 1);
    page = map(domid, A_GFN + 1, PROT_READ);
    need(page, "map a device page");
    CHECK(page->slots == NOXS_PAGE_DEVS - 1);
    xenforeignmemory_unmap(foreign, page, 1);
    CHECK(xc_domain_remove_from_physmap(ctrl, domid, A_GFN + 1) == 0);
    CHECK(!map(domid, A_GFN + 1, PROT_READ));
    CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 0, A_GFN) == 0);
    destroy_domain(domid);
}

/* What the builder of a domain can do to the page as if it were memory of the domain. */
static void test_released_page(void)
{
    uint32_t domid = make_domain(false);
    struct noxs_op_query q;
    xen_pfn_t frame;

    CHECK_RC(query(domid, &q), 0);
    frame = q.frame;
    CHECK(xc_domain_decrease_reservation(ctrl, domid, 1, 0, &frame) == 1);
    CHECK(!map(domid, q.frame, PROT_READ));
    CHECK_RC(add(domid, 0, NOXS_OP_BATCH), 0);
    CHECK_RC(query(domid, &q), 0);
    CHECK(q.slots == NOXS_OP_BATCH && q.frame == frame);
    destroy_domain(domid);

    domid = make_domain(true);
    CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 0, A_GFN) == 0);
    frame = A_GFN;
    CHECK(xc_domain_decrease_reservation(ctrl, domid, 1, 0, &frame) == 1);
    CHECK(!map(domid, A_GFN, PROT_READ));
    CHECK_RC(add(domid, 0, NOXS_OP_BATCH), 0);
    destroy_domain(domid);
}

/* Any call is answered, and leaves a page that a reader can make sense of. */
static void test_random(void)
{
    uint32_t domid = make_domain(false);
    struct noxs_op_query q;
    struct noxs_page *page;
    unsigned int seed = 1;

    CHECK_RC(query(domid, &q), 0);
    page = map(domid, q.frame, PROT_READ);
    need(page, "map a device page");
    for (unsigned int round = 0; round < RANDOM; round++) {
        struct noxs_op_devs op;
        int rc;

        for (size_t i = 0; i < sizeof(op); i++)
            ((uint8_t *)&op)[i] = (uint8_t)rand_r(&seed);
        op.domid = (uint16_t)(rand_r(&seed) % 8 ? domid : op.domid);
        op.nr = (uint16_t)(rand_r(&seed) % (NOXS_OP_BATCH + 4));
        for (unsigned int i = 0; i < NOXS_OP_BATCH; i++) {
            op.dev[i].type = (uint16_t)(1 + op.dev[i].type % (round % 2 ? 3 : 6));
            op.dev[i].id %= 512;
            op.dev[i].back_end = 0;
            op.dev[i].flags = op.dev[i].flags % 64 == 1;
        }
        rc = noxs_op((unsigned int)rand_r(&seed) % 6, &op, sizeof(op));
        CHECK(rc <= 0 && rc > -200);
        CHECK(page->generation % 2 == 0 && page->slots <= NOXS_PAGE_DEVS);
    }
    CHECK(page->slots > 0);
    xenforeignmemory_unmap(foreign, page, 1);
    destroy_domain(domid);
}

static void test_multicall(void)
{
    struct noxs_op_query *q = xencall_alloc_buffer(calls, 2 * sizeof(*q));
    multicall_entry_t *call = xencall_alloc_buffer(calls, 2 * sizeof(*call));

    need(q && call, "allocate a hypercall buffer");
    for (int i = 0; i < 2; i++) {
        q[i] = (struct noxs_op_query){.domid = i ? NOBODY : NOXS_DOMID_SELF};
        call[i] =
            (multicall_entry_t){.op = NOXS_HYPERCALL, .args = {NOXS_OP_QUERY, (uintptr_t)&q[i]}};
    }
    CHECK(xencall2(calls, __HYPERVISOR_multicall, (uintptr_t)call, 2) == 0);
    CHECK((long)call[0].result == 0 && q[0].abi_version == NOXS_ABI_VERSION);
    CHECK((long)call[1].result == -ESRCH);
    xencall_free_buffer(calls, call);
    xencall_free_buffer(calls, q);
}

static bool pending_within(int ms, xenevtchn_handle *events, xenevtchn_port_or_error_t port)
{
    struct pollfd fd = {.fd = xenevtchn_fd(events), .events = POLLIN};

    if (poll(&fd, 1, ms) != 1)
        return false;
    return xenevtchn_pending(events) == port && xenevtchn_unmask(events, (evtchn_port_t)port) == 0;
}

static bool pending(xenevtchn_handle *events, xenevtchn_port_or_error_t port)
{
    return pending_within(100, events, port);
}

/* dom0 has a page as well: its own, with another domain as the back-end. */
static void test_virq(void)
{
    xenevtchn_handle *events = xenevtchn_open(NULL, 0);
    uint32_t domid = make_domain(false);
    struct noxs_op_devs op = batch(0, 1, 2);
    xenevtchn_port_or_error_t port;

    need(events, "open the event channel device");
    port = xenevtchn_bind_virq(events, NOXS_VIRQ);
    need(port >= 0, "bind the VIRQ");
    /* The domains of the tests before go in the background, and that is told as well. */
    while (pending_within(1000, events, port))
        ;
    op.dev[0].back_end = op.dev[1].back_end = (uint16_t)domid;

    CHECK_RC(devs(NOXS_OP_ADD, op), 0);
    CHECK(pending(events, port));
    CHECK(!pending(events, port));
    CHECK_RC(devs(NOXS_OP_ADD, op), -EEXIST);
    CHECK_RC(devs(NOXS_OP_LIST, op), 0);
    CHECK(!pending(events, port));
    CHECK_RC(devs(NOXS_OP_REMOVE, op), 0);
    CHECK(pending(events, port));
    CHECK(!pending(events, port));

    need(xc_domain_shutdown(ctrl, domid, SHUTDOWN_suspend) == 0, "shut a domain down");
    CHECK(pending(events, port));
    resume_domain(domid);
    CHECK(pending(events, port));
    CHECK(!pending(events, port));
    xenevtchn_close(events);
    destroy_domain(domid);
}

static int find(uint8_t last, uint32_t *domid)
{
    struct noxs_op_find op = {.handle = "a handle of ours"};
    int rc;

    op.handle[15] = last;
    op.domid = 12345;
    rc = noxs_op(NOXS_OP_FIND, &op, sizeof(op));
    *domid = op.domid;
    return rc;
}

static void set_handle(uint32_t domid, uint8_t last)
{
    xen_domain_handle_t handle = "a handle of ours";

    handle[15] = last;
    need(xc_domain_sethandle(ctrl, domid, handle) == 0, "set a handle");
}

/* Domains come, go, and change their handles: each is found under the one that it has. */
static void test_find(void)
{
    uint32_t domids[FOUND], found, left;
    uint8_t i;

    CHECK_RC(find(0, &found), -ESRCH);
    for (i = 0; i < FOUND; i++) {
        domids[i] = make_domain(i % 2);
        set_handle(domids[i], (uint8_t)(i + 100));
        set_handle(domids[i], i);
    }
    for (i = 0; i < FOUND; i++)
        CHECK(find(i, &found) == 0 && found == domids[i]);
    CHECK_RC(find(100, &found), -ESRCH);
    set_handle(domids[1], 0); /* two of one handle: any of them */
    CHECK_RC(find(1, &found), -ESRCH);
    CHECK(find(0, &found) == 0 && (found == domids[0] || found == domids[1]));
    left = found == domids[0] ? domids[1] : domids[0];
    destroy_domain(found);
    CHECK(find(0, &found) == 0 && found == left);
    destroy_domain(left);
    for (i = 2; i < FOUND; i++)
        destroy_domain(domids[i]);
    for (i = 0; i < FOUND; i++)
        CHECK_RC(find(i, &found), -ESRCH);
}

/* How many domains are told of at once; which is added to `ids`. */
static unsigned int changed(uint16_t room, uint16_t *ids)
{
    struct noxs_op_changed op = {.nr = room};

    CHECK_RC(noxs_op(NOXS_OP_CHANGED, &op, sizeof(op)), 0);
    CHECK(op.nr <= room && room <= NOXS_CHANGED_IDS);
    memcpy(ids, op.domid, op.nr * sizeof(*ids));
    return op.nr;
}

static void forget_changed(void)
{
    uint16_t ids[NOXS_CHANGED_IDS];

    while (changed(NOXS_CHANGED_IDS, ids) > 0)
        ;
}

static bool only_changed(uint32_t domid)
{
    uint16_t ids[NOXS_CHANGED_IDS];

    return changed(NOXS_CHANGED_IDS, ids) == 1 && ids[0] == domid;
}

static void test_changed_arguments(void)
{
    struct noxs_op_changed op = {.nr = 0};

    CHECK_RC(noxs_op(NOXS_OP_CHANGED, &op, sizeof(op)), -EINVAL);
    op.nr = NOXS_CHANGED_IDS + 1;
    CHECK_RC(noxs_op(NOXS_OP_CHANGED, &op, sizeof(op)), -EINVAL);
    for (int i = 0; i < 3; i++) {
        op = (struct noxs_op_changed){.nr = 1};
        op.reserved[i] = 1;
        CHECK_RC(noxs_op(NOXS_OP_CHANGED, &op, sizeof(op)), -EINVAL);
    }
}

/* What could not be written to the caller is told the next time. */
static void test_changed_not_written(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    struct noxs_op_changed *op =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    need(op != MAP_FAILED, "map memory");
    op->nr = NOXS_CHANGED_IDS;
    need(mprotect(op, size, PROT_READ) == 0, "make it read-only");
    CHECK_RC(raw_op(NOXS_OP_CHANGED, (uintptr_t)op), -EFAULT);
    munmap(op, size);
}

/* Each change of a domain's is told once, whether somebody listens to the VIRQ or not. */
static void test_changed(void)
{
    uint16_t ids[NOXS_CHANGED_IDS];
    uint32_t domids[FOUND];
    unsigned int i;

    test_changed_arguments();
    for (i = 0; i < FOUND; i++)
        domids[i] = make_domain(i % 2);
    usleep(100000); /* what former tests destroyed is gone */
    forget_changed();
    CHECK(changed(NOXS_CHANGED_IDS, ids) == 0); /* to be created is no change, */
    need(xc_domain_shutdown(ctrl, domids[3], SHUTDOWN_suspend) == 0, "shut a domain down");
    test_changed_not_written();
    CHECK(only_changed(domids[3]));
    CHECK(changed(NOXS_CHANGED_IDS, ids) == 0);
    resume_domain(domids[3]);
    CHECK(only_changed(domids[3]));
    need(xc_domain_pause(ctrl, domids[3]) == 0, "pause a domain");
    CHECK(changed(NOXS_CHANGED_IDS, ids) == 0); /* nor is a pause */
    for (i = 0; i < FOUND; i++)
        need(xc_domain_shutdown(ctrl, domids[i], SHUTDOWN_crash) == 0, "shut a domain down");
    CHECK(changed(5, ids) == 5 && ids[0] == domids[0] && ids[4] == domids[4]);
    CHECK(changed(NOXS_CHANGED_IDS, ids) == FOUND - 5 && ids[0] == domids[5]);
    need(xc_domain_destroy(ctrl, domids[0]) == 0, "destroy a domain");
    CHECK(is_gone(domids[0]));
    CHECK(only_changed(domids[0]));
    for (i = 1; i < FOUND; i++)
        destroy_domain(domids[i]);
}

static uint64_t free_pages(void)
{
    xc_physinfo_t info = {0};

    need(xc_physinfo(ctrl, &info) == 0, "read the free memory");
    return info.free_pages;
}

static void cycles(void)
{
    for (int i = 0; i < CYCLES; i++) {
        uint32_t domid;

        CHECK(try_domain(i % 2, NOBODY, &domid) < 0);
        domid = make_domain(i % 2);
        CHECK_RC(add(domid, 0, NOXS_OP_BATCH), 0);
        if (i % 2)
            CHECK(xc_domain_add_to_physmap(ctrl, domid, NOXS_MAPSPACE, 0, A_GFN) == 0);
        destroy_domain(domid);
    }
}

static void test_leaks(void)
{
    uint64_t before;

    cycles(); /* Xen keeps what its heap grew by */
    before = free_pages();
    cycles();
    for (int i = 0; i < PATIENT && free_pages() < before; i++)
        usleep(10000);
    CHECK(free_pages() >= before);
}

int main(void)
{
    open_xen();
    test_query();
    test_ready();
    test_bad_op();
    test_find();
    test_changed();
    test_pv_domain();
    test_translated_domain();
    test_released_page();
    test_multicall();
    test_random();
    test_virq();
    test_leaks();
    return result();
}
