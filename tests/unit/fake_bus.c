// SPDX-License-Identifier: BSD-3-Clause
/* bus_ops of the hypervisor in memory: only whether a domain has devices. */
#include "fake_hv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fake_hv *fake_of(struct bus *bus)
{
    return (struct fake_hv *)((char *)bus - offsetof(struct fake_hv, bus));
}

static int failed(struct chaos_error *err, int rc)
{
    return chaos_error_set(err, rc, CHAOS_EXIT_FAILURE, "the bus failed");
}

static unsigned int *find(struct fake_hv *fake, uint32_t domid)
{
    size_t i;

    for (i = 0; i < FAKE_DOMAINS; i++)
        if (fake->device_domain[i] == domid)
            return &fake->device_domain[i];
    return NULL;
}

static void fake_close(struct bus *bus)
{
    fake_of(bus)->closed_bus = true;
}

static int fake_check(struct bus *bus, const struct chaos_config *config, struct chaos_error *err)
{
    int rc = fake_turn(fake_of(bus), "bus check");

    if (rc == 0 && config->nr_vifs > 0 && strcmp(config->vifs[0].bridge, "xenbr0") != 0)
        return chaos_error_set(err, -ENODEV, CHAOS_EXIT_CONFIG, "no such bridge");
    return rc < 0 ? failed(err, rc) : 0;
}

static int fake_create(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                       struct chaos_error *err)
{
    struct fake_hv *fake = fake_of(bus);
    int rc = fake_turn(fake, "bus create");
    struct fake_domain *domain = fake_domain(fake, domid);

    assert_non_null(domain);
    assert_false(domain->started);
    assert_int_equal(domain->devices, 0);
    if (rc < 0)
        return failed(err, rc);
    if (!find(fake, domid)) /* a domain that had this id may have left some */
        *find(fake, 0) = domid;
    fake->device_bus[find(fake, domid) - fake->device_domain] = config->bus;
    domain->devices = 1 + config->nr_vifs;
    return 0;
}

static int fake_configure(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                          struct chaos_error *err)
{
    struct fake_hv *fake = fake_of(bus);
    int rc = fake_turn(fake, "bus configure");
    struct fake_domain *domain = fake_domain(fake, domid);

    assert_non_null(find(fake, domid));
    if (rc < 0)
        return failed(err, rc);
    assert_non_null(domain);
    assert_false(domain->started);
    assert_int_equal(domain->devices, 1 + config->nr_vifs);
    memcpy(domain->mac, config->vifs[0].mac, sizeof(domain->mac));
    return 0;
}

/* As XenStore's daemon does: its ring must be granted to it. */
static int fake_introduce(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                          const struct bus_start *start, struct chaos_error *err)
{
    struct fake_domain *domain = fake_domain(fake_of(bus), domid);
    int rc = fake_turn(fake_of(bus), "bus introduce");

    assert_int_equal(config->bus, CHAOS_BUS_XENSTORE);
    assert_non_null(domain);
    assert_true(start->store_port > 0 && start->store_port != start->console_port);
    assert_int_equal(domain->granted[0], start->console_frame);
    assert_int_equal(domain->granted[1], start->store_frame);
    domain->introduced = true;
    return rc < 0 ? failed(err, rc) : 0;
}

static int fake_wait(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     struct chaos_error *err)
{
    int rc = fake_turn(fake_of(bus), "bus wait");

    (void)config;
    assert_non_null(find(fake_of(bus), domid));
    return rc < 0 ? failed(err, rc) : 0;
}

static void fake_leave(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    struct fake_domain *domain = fake_domain(fake_of(bus), domid);

    assert_int_equal(which, CHAOS_BUS_XENSTORE);
    if (!domain)
        return;
    assert_true(domain->paused);
    domain->left = true;
}

static int fake_destroy(struct bus *bus, enum chaos_bus which, uint32_t domid,
                        struct chaos_error *err)
{
    struct fake_hv *fake = fake_of(bus);
    int rc = fake_turn(fake, "bus destroy");
    unsigned int *slot = find(fake, domid);

    assert_int_not_equal(domid, 0);
    assert_null(fake_domain(fake, domid)); /* it could have our pages mapped */
    if (rc < 0)
        return failed(err, rc);
    if (slot) { /* whoever asks the other bus finds nothing there */
        assert_int_equal(which, fake->device_bus[slot - fake->device_domain]);
        *slot = 0;
    }
    return 0;
}

static int fake_request(struct bus *bus, enum chaos_bus which, uint32_t domid,
                        enum bus_request request, struct chaos_error *err)
{
    struct fake_hv *fake = fake_of(bus);

    (void)which;
    if (!find(fake, domid))
        return chaos_error_set(err, -ENODEV, CHAOS_EXIT_FAILURE, "no sysctl device");
    fake->last_request = request;
    if (request == BUS_REQUEST_SUSPEND && !fake_domain(fake, domid)->deaf)
        fake_guest_suspend(fake, domid);
    return 0;
}

static bool fake_withdraw(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    (void)which;
    assert_non_null(find(fake_of(bus), domid));
    fake_of(bus)->last_request = -1;
    fake_domain(fake_of(bus), domid)->late = fake_domain(fake_of(bus), domid)->slow > 0;
    return fake_domain(fake_of(bus), domid)->late;
}

const struct bus_ops fake_bus_ops = {
    .close = fake_close,
    .check = fake_check,
    .create = fake_create,
    .configure = fake_configure,
    .introduce = fake_introduce,
    .wait = fake_wait,
    .leave = fake_leave,
    .destroy = fake_destroy,
    .request = fake_request,
    .withdraw = fake_withdraw,
};
