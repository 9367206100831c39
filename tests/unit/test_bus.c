// SPDX-License-Identifier: BSD-3-Clause
/* Guests on XenStore on the hypervisor in memory, and which bus a call goes to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <chaos/host.h>
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
    char kernel[128];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *dir = scratch_make();
    struct elf_maker maker;

    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, dir, &f->chaos, &f->err), 0);
    strcpy(f->config.name, "guest");
    f->config.kernel = f->kernel;
    f->config.cmdline = (char *)"";
    f->config.memory_mib = 1;
    f->config.vcpus = 1;
    f->config.bus = CHAOS_BUS_XENSTORE;
    f->config.bus_given = true;
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

/* start_info leads to the ring, which is a page of its own, empty, mapped, and granted to dom0. */
static void test_guest_view(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    struct fake_domain *fake;
    struct start_info *info;
    unsigned char *ring;
    bool writable;
    size_t i;

    if (chaos_domain_create(f->chaos, &f->config, NULL, &domain, &f->err) != 0)
        fail_msg("%s", f->err.text);
    fake = fake_domain(f->fake, domain.domid);
    assert_true(fake->introduced && fake->started);
    info = fake_virtual(f->fake, domain.domid, fake->vcpu.start_info, NULL);
    assert_int_equal(info->store_mfn, fake->granted[1]);
    assert_int_equal(info->console.domU.mfn, fake->granted[0]);
    assert_int_not_equal(info->store_mfn, info->console.domU.mfn);
    assert_int_equal(fake->nr_ports, 2);
    assert_int_not_equal(info->store_evtchn, info->console.domU.evtchn);
    ring = fake_frame(f->fake, info->store_mfn);
    for (i = 0; i < 4096; i++)
        assert_int_equal(ring[i], 0);
    for (i = 0; i < 256; i++)
        if (fake->extent[0].frame + i == info->store_mfn)
            break;
    assert_non_null(fake_virtual(f->fake, domain.domid, ELF_BASE + (i << 12), &writable));
    assert_true(writable);
}

/* Whatever call fails, nothing is left. */
static void test_create_sweep(void **state)
{
    struct fixture *f = *state;
    struct chaos_domain domain;
    unsigned int n;
    int rc;

    for (n = 1; n < 100; n++) {
        f->fake->calls = 0;
        f->fake->fail_at = n;
        f->fake->fail_with = -EIO;
        rc = chaos_domain_create(f->chaos, &f->config, NULL, &domain, &f->err);
        f->fake->fail_at = 0;
        if (rc == 0)
            break;
        chaos_reap(f->chaos);
        fake_hv_assert_empty(f->fake);
    }
    assert_in_range(n, 12, 99);
    assert_int_equal(chaos_domain_destroy(f->chaos, &domain, false, &f->err), 0);
    fake_hv_assert_empty(f->fake);
}

/* ---------------------------------------------------------------- the choice */

struct counting_bus {
    struct bus bus;
    unsigned int calls;
    bool closed;
};

static int count(struct bus *bus)
{
    return (int)++((struct counting_bus *)bus)->calls;
}

static void count_close(struct bus *bus)
{
    ((struct counting_bus *)bus)->closed = true;
}

static int count_config(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                        struct chaos_error *err)
{
    (void)domid;
    (void)config;
    (void)err;
    return count(bus);
}

static int count_check(struct bus *bus, const struct chaos_config *config, struct chaos_error *err)
{
    return count_config(bus, 0, config, err);
}

static int count_introduce(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                           const struct bus_start *start, struct chaos_error *err)
{
    (void)start;
    return count_config(bus, domid, config, err);
}

static int count_destroy(struct bus *bus, enum chaos_bus which, uint32_t domid,
                         struct chaos_error *err)
{
    (void)which;
    return count_config(bus, domid, NULL, err);
}

static int count_request(struct bus *bus, enum chaos_bus which, uint32_t domid,
                         enum bus_request request, struct chaos_error *err)
{
    (void)which;
    (void)request;
    return count_config(bus, domid, NULL, err);
}

static bool count_withdraw(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    (void)which;
    (void)domid;
    count(bus);
    return true;
}

static void count_leave(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    count_withdraw(bus, which, domid);
}

static void test_choice(void **state)
{
    static const struct bus_ops ops = {
        .close = count_close,
        .check = count_check,
        .create = count_config,
        .configure = count_config,
        .introduce = count_introduce,
        .wait = count_config,
        .leave = count_leave,
        .destroy = count_destroy,
        .request = count_request,
        .withdraw = count_withdraw,
    };
    static const struct bus_ops without_introduce = {.close = count_close};
    struct counting_bus noxs = {.bus.ops = &without_introduce}, xenstore = {.bus.ops = &ops};
    struct chaos_config config = {.bus = CHAOS_BUS_XENSTORE};
    struct chaos_error err;
    struct bus *bus;

    (void)state;
    assert_int_equal(bus_choose(&noxs.bus, &xenstore.bus, &bus, &err), 0);
    assert_int_equal(bus->ops->check(bus, &config, &err), 1);
    assert_int_equal(bus->ops->create(bus, 1, &config, &err), 2);
    assert_int_equal(bus->ops->configure(bus, 1, &config, &err), 3);
    assert_int_equal(bus->ops->introduce(bus, 1, &config, NULL, &err), 4);
    assert_int_equal(bus->ops->wait(bus, 1, &config, &err), 5);
    assert_int_equal(bus->ops->request(bus, CHAOS_BUS_XENSTORE, 1, BUS_REQUEST_POWEROFF, &err), 6);
    assert_int_equal(bus->ops->destroy(bus, CHAOS_BUS_XENSTORE, 1, &err), 7);
    assert_false(bus->ops->withdraw(bus, CHAOS_BUS_NOXS, 1));
    assert_true(bus->ops->withdraw(bus, CHAOS_BUS_XENSTORE, 1));
    bus->ops->leave(bus, CHAOS_BUS_NOXS, 1);
    bus->ops->leave(bus, CHAOS_BUS_XENSTORE, 1);
    assert_int_equal(xenstore.calls, 9);
    config.bus = CHAOS_BUS_NOXS;
    assert_int_equal(bus->ops->introduce(bus, 1, &config, NULL, &err), 0);
    assert_int_equal(noxs.calls, 0);
    bus->ops->close(bus);
    assert_true(noxs.closed && xenstore.closed);
}

static void test_default(void **state)
{
    struct chaos_config given = {.bus = CHAOS_BUS_XENSTORE, .bus_given = true}, open = {0};

    (void)state;
    setenv("CHAOS_BUS", "noxs", 1);
    assert_false(chaos_config_choose_bus(&given));
    assert_int_equal(given.bus, CHAOS_BUS_XENSTORE);
    setenv("CHAOS_BUS", "xenstore", 1);
    assert_false(chaos_config_choose_bus(&open));
    assert_true(open.bus_given && open.bus == CHAOS_BUS_XENSTORE);
    unsetenv("CHAOS_BUS");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_guest_view),
        TEST(test_create_sweep),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
