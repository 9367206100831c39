// SPDX-License-Identifier: BSD-3-Clause
/* The bus that a guest's configuration asks for. */
#include "bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chaos/host.h>

#include "noxs_ioctl.h"
#include "store.h"

struct bus_choice {
    struct bus bus;
    struct bus *of[2]; /* by enum chaos_bus */
};

static struct bus *chosen(struct bus *bus, enum chaos_bus which)
{
    return ((struct bus_choice *)bus)->of[which];
}

static void close_both(struct bus *bus)
{
    struct bus_choice *choice = (struct bus_choice *)bus;
    unsigned int i;

    for (i = 0; i < 2; i++)
        if (choice->of[i])
            choice->of[i]->ops->close(choice->of[i]);
    free(choice);
}

static int check(struct bus *bus, const struct chaos_config *config, struct chaos_error *err)
{
    bus = chosen(bus, config->bus);
    return bus->ops->check(bus, config, err);
}

static int create(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                  struct chaos_error *err)
{
    bus = chosen(bus, config->bus);
    return bus->ops->create(bus, domid, config, err);
}

static int configure(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     struct chaos_error *err)
{
    bus = chosen(bus, config->bus);
    return bus->ops->configure(bus, domid, config, err);
}

static int introduce(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                     const struct bus_start *start, struct chaos_error *err)
{
    bus = chosen(bus, config->bus);
    return bus->ops->introduce ? bus->ops->introduce(bus, domid, config, start, err) : 0;
}

static int wait_devices(struct bus *bus, uint32_t domid, const struct chaos_config *config,
                        struct chaos_error *err)
{
    bus = chosen(bus, config->bus);
    return bus->ops->wait(bus, domid, config, err);
}

static void leave(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    bus = chosen(bus, which);
    if (bus->ops->leave)
        bus->ops->leave(bus, which, domid);
}

static int destroy(struct bus *bus, enum chaos_bus which, uint32_t domid, struct chaos_error *err)
{
    bus = chosen(bus, which);
    return bus->ops->destroy(bus, which, domid, err);
}

static int request(struct bus *bus, enum chaos_bus which, uint32_t domid, enum bus_request what,
                   struct chaos_error *err)
{
    bus = chosen(bus, which);
    return bus->ops->request(bus, which, domid, what, err);
}

static bool withdraw(struct bus *bus, enum chaos_bus which, uint32_t domid)
{
    bus = chosen(bus, which);
    return bus->ops->withdraw && bus->ops->withdraw(bus, which, domid);
}

static const struct bus_ops choice_ops = {
    .close = close_both,
    .check = check,
    .create = create,
    .configure = configure,
    .introduce = introduce,
    .wait = wait_devices,
    .leave = leave,
    .destroy = destroy,
    .request = request,
    .withdraw = withdraw,
};

int bus_choose(struct bus *noxs, struct bus *xenstore, struct bus **out, struct chaos_error *err)
{
    struct bus_choice *choice = malloc(sizeof(*choice));

    if (!choice)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    choice->bus.ops = &choice_ops;
    choice->of[CHAOS_BUS_NOXS] = noxs;
    choice->of[CHAOS_BUS_XENSTORE] = xenstore;
    *out = &choice->bus;
    return 0;
}

int bus_new(struct bus **out, struct chaos_error *err)
{
    struct bus *noxs = NULL, *xenstore = NULL;
    int rc = bus_noxs_new(&noxs, err);

    if (rc == 0)
        rc = bus_xenstore_new(&xenstore, err);
    if (rc == 0)
        rc = bus_choose(noxs, xenstore, out, err);
    if (rc < 0 && xenstore)
        xenstore->ops->close(xenstore);
    if (rc < 0 && noxs)
        noxs->ops->close(noxs);
    return rc;
}

bool chaos_config_choose_bus(struct chaos_config *config)
{
    const char *wanted = config->bus_given ? NULL : secure_getenv("CHAOS_BUS");

    if (config->bus_given)
        return false;
    config->bus_given = true;
    if (wanted && strcmp(wanted, "xenstore") == 0)
        config->bus = CHAOS_BUS_XENSTORE;
    if (wanted || access(NOXS_DEVICE_PATH, F_OK) == 0 || access(STORE_SOCKET, F_OK) < 0)
        return false;
    config->bus = CHAOS_BUS_XENSTORE;
    return true;
}

int bus_check_bridges(const struct chaos_config *config, struct chaos_error *err)
{
    char path[64];
    unsigned int i;

    for (i = 0; i < config->nr_vifs; i++) {
        const char *bridge = config->vifs[i].bridge;

        snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", bridge);
        if (access(path, F_OK) == 0)
            continue;
        snprintf(path, sizeof(path), "/sys/class/net/%s", bridge);
        if (access(path, F_OK) == 0)
            return chaos_error_set(err, -ENODEV, CHAOS_EXIT_CONFIG,
                                   "vif %u: \"%s\" is a network device, but not a bridge",
                                   config->vifs[i].id, bridge);
        return chaos_error_set(err, -ENODEV, CHAOS_EXIT_CONFIG,
                               "vif %u: there is no bridge \"%s\" (ip link add %s type bridge)",
                               config->vifs[i].id, bridge, bridge);
    }
    return 0;
}
