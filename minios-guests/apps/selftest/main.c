/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's own services, checked from inside; it runs as any domain, the initial one too. */
#include "kernel/fixup.h"
#include "kernel/kernel.h"
#include "noxs.h"
#include "report.h"

#include <xen/event_channel.h>

#define MS 1000000ull

static void test_time(void)
{
    uint64_t before = time_ns(), after;

    CHECK(time_ns() >= before);
    thread_sleep_until(before + 20 * MS);
    after = time_ns();
    CHECK(after >= before + 20 * MS);
    CHECK(after < before + 2000 * MS);
    CHECK(time_wall() > 0);
}

static struct wait_queue ball;
static unsigned turns;

static void player(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg;

    while (turns < 100) {
        if (turns % 2 == me) {
            turns++;
            wake_all(&ball);
        } else if (!wait_on(&ball, time_ns() + 1000 * MS)) {
            report(RESULT_FAILURE, "player %u waited in vain at turn %u", me, turns);
            return;
        }
    }
}

static void nothing(void *arg)
{
    (void)arg;
}

static void test_threads(void)
{
    struct wait_queue empty = {0};
    uint64_t before = time_ns();
    unsigned made = 0;
    size_t pages;

    CHECK(!wait_on(&empty, before + 5 * MS));
    CHECK(!empty.head);
    CHECK(time_ns() >= before + 5 * MS);
    CHECK(thread_create("left", player, (void *)0));
    CHECK(thread_create("right", player, (void *)1));
    while (turns < 100 && time_ns() < before + 5000 * MS)
        thread_yield();
    CHECK(turns == 100);
    thread_sleep_until(time_ns() + MS);
    pages = pages_left();
    for (unsigned i = 0; i < 1000 && thread_create("short", nothing, NULL); i++, made++)
        thread_yield();
    CHECK(made == 1000);
    CHECK(pages_left() == pages);
}

static void test_small_objects(void)
{
    static unsigned char *objects[64];
    bool intact = true;

    for (unsigned round = 0; round < 2000; round++) {
        unsigned i = round * 7 % 64;
        size_t size = 1 + round * 37 % 6000;

        if (objects[i])
            intact = intact && objects[i][0] == i && ((uintptr_t)objects[i] & 15) == 0;
        kfree(objects[i]);
        objects[i] = kmalloc(size);
        if (!objects[i]) {
            intact = false;
            continue;
        }
        memset(objects[i], (int)i, size);
    }
    for (unsigned i = 0; i < 64; i++)
        kfree(objects[i]);
    CHECK(intact);
    CHECK(!kmalloc(SIZE_MAX));
    kfree(NULL);
}

/* Takes every page there is: beyond 4 MiB this builds page tables. */
static void test_all_memory(void)
{
    uint64_t **list = NULL, **page;
    size_t expected = pages_left(), nr = 0;
    bool intact = true;

    while ((page = page_alloc())) {
        page[0] = (uint64_t *)list;
        page[511] = (uint64_t *)(uintptr_t)++nr;
        list = page;
    }
    kprintf("selftest: %lu of %lu free pages\n", nr, expected);
    CHECK(nr <= expected);
    CHECK(nr + nr / 128 + 4 > expected); /* what became page tables */
    CHECK(!page_alloc());
    for (size_t i = nr; list; list = page) {
        page = (uint64_t **)list[0];
        intact = intact && list[511] == (uint64_t *)(uintptr_t)i--;
        page_free(list);
    }
    CHECK(intact);
    CHECK(pages_left() == nr);
    /* What came back one by one is one piece again, up to where tables lie between. */
    expected = nr / 4 < 400 ? nr / 4 : 400;
    page = pages_alloc(expected);
    CHECK(page);
    if (page)
        pages_free(page, expected);
}

static void test_faults(void)
{
    uint64_t v = 1;

    CHECK(!try_write64((uint64_t *)8, 1));
    CHECK(!try_read64((uint64_t *)0xffff900000000000, &v));
    CHECK(try_read64((const uint64_t *)start_info, &v));
    CHECK(!try_write64((uint64_t *)start_info->pt_base, 0));
}

static unsigned events;

static void count_event(void *arg)
{
    (void)arg;
    events++;
}

static void test_events(void)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    int port;

    CHECK(!hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &op));
    port = evtchn_bind_interdomain(DOMID_SELF, op.port, count_event, NULL);
    CHECK(port >= 0);
    CHECK(!evtchn_notify((int)op.port));
    thread_yield();
    CHECK(events == 1);
    CHECK(!evtchn_notify((int)op.port));
    CHECK(!evtchn_notify((int)op.port));
    thread_yield();
    CHECK(events == 2);
    evtchn_close(port);
    evtchn_close((int)op.port);
    CHECK(evtchn_bind_interdomain(DOMID_SELF, 4000, count_event, NULL) < 0);
}

static void test_grants(void)
{
    bool known = start_info->flags & SIF_INITDOMAIN || noxs_page();
    uint16_t self = noxs_page() ? noxs_page()->domid : 0; /* DOMID_SELF grants nothing */
    void *page = page_alloc(), *mapped;
    uint32_t handle;
    int ref = grant_access(self, page, false), refs = 1;

    CHECK(ref >= 8);
    if (!known) {
        kprintf("selftest: own domain id unknown: no grant is mapped\n");
    } else if (!grant_map(self, (uint32_t)ref, &mapped, &handle)) {
        *(volatile uint32_t *)page = 0x1234;
        CHECK(*(volatile uint32_t *)mapped == 0x1234);
        CHECK(grant_end(ref) == -XEN_EBUSY);
        grant_unmap(mapped, handle);
    } else {
        report(RESULT_FAILURE, "cannot map a grant of our own");
    }
    CHECK(!grant_end(ref));
    CHECK(grant_map(self, 9999, &mapped, &handle) < 0);
    while (grant_access(self, page, true) >= 0)
        refs++;
    CHECK(refs == 512 - 8 + 1);
    for (int i = 8; i < 512; i++)
        CHECK(!grant_end(i));
    page_free(page);
}

int app_main(void)
{
    test_time();
    test_threads();
    test_small_objects();
    test_faults();
    test_events();
    test_grants();
    test_all_memory();
    report_end();
    return 0;
}
