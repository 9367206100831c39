/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus's thread: finds the devices in the store, tells drivers of back-ends' states, and does
 * what control/shutdown asks for. */
#include "xenbus.h"
#include "kernel/kernel.h"
#include "noxs.h"
#include "xenstore/xs_wire.h"

#define CONTROL "control/shutdown"

extern const struct xenbus_driver __start_xenbus_drivers[], __stop_xenbus_drivers[];

static struct xenbus_device *devices;
static struct xs_watch control_watch, devices_watch;

/* ------------------------------------------------------------------ nodes */

static int join(char path[XENBUS_PATH + 32], const char *dir, const char *node)
{
    int n = snprintf(path, XENBUS_PATH + 32, "%s/%s", dir, node);

    return n < XENBUS_PATH + 32 ? 0 : -XEN_E2BIG;
}

int xenbus_read(const char *dir, const char *node, char *value, size_t size)
{
    char path[XENBUS_PATH + 32];
    int rc = join(path, dir, node);

    return rc ? rc : xs_read(path, value, size);
}

int xenbus_read_number(const char *dir, const char *node, uint64_t max, uint64_t *value)
{
    char text[24];
    int rc = xenbus_read(dir, node, text, sizeof(text));

    if (rc)
        return rc;
    return parse_u64(text, max, value) ? 0 : -XEN_EINVAL;
}

static int put_number(const char *dir, const char *node, uint32_t value,
                      int put(const char *, const char *))
{
    char path[XENBUS_PATH + 32], text[16];
    int rc = join(path, dir, node);

    if (rc)
        return rc;
    snprintf(text, sizeof(text), "%u", value);
    return put(path, text);
}

int xenbus_write(const char *dir, const char *node, uint32_t value)
{
    return put_number(dir, node, value, xs_write);
}

int xenbus_post(const char *dir, const char *node, uint32_t value)
{
    return put_number(dir, node, value, xs_post);
}

/* ------------------------------------------------------------------ devices */

static void read_back_state(struct xenbus_device *dev)
{
    uint64_t state;

    if (xenbus_read_number(dev->back, "state", NOXS_STATE_CLOSED, &state))
        state = NOXS_STATE_UNKNOWN;
    dev->back_state = (uint32_t)state;
    dev->driver->changed(dev);
}

static int open_device(struct xenbus_device *dev)
{
    char path[XENBUS_PATH + 32];
    uint64_t back_end;
    int rc = xenbus_read_number(dev->front, "backend-id", DOMID_FIRST_RESERVED - 1, &back_end);

    if (!rc)
        rc = xenbus_read(dev->front, "backend", dev->back, sizeof(dev->back));
    if (!rc)
        rc = join(path, dev->back, "state");
    if (rc)
        return rc;
    dev->back_end = (uint16_t)back_end;
    rc = dev->driver->attach(dev);
    if (rc)
        return rc;
    rc = xs_watch(&dev->back_watch, path);
    if (rc)
        dev->driver->detach(dev);
    return rc;
}

static void attach(const struct xenbus_driver *driver, uint16_t id)
{
    struct xenbus_device *dev = kzalloc(sizeof(*dev));
    int rc;

    if (!dev)
        return;
    dev->driver = driver;
    dev->id = id;
    dev->port = -1;
    snprintf(dev->front, sizeof(dev->front), "device/%s/%u", driver->type, id);
    rc = open_device(dev);
    if (rc) {
        kprintf("xenbus: %s: cannot attach: error %d\n", dev->front, -rc);
        kfree(dev);
        return;
    }
    dev->next = devices;
    devices = dev;
}

static void detach(struct xenbus_device **p)
{
    struct xenbus_device *dev = *p;
    char path[XENBUS_PATH + 32];

    *p = dev->next;
    dev->driver->detach(dev);
    xs_unwatch(&dev->back_watch, join(path, dev->back, "state") ? NULL : path);
    kfree(dev);
}

#define MAX_DEVICES 16u /* of one type */

/* The ids that are in the store now. */
static unsigned list(const struct xenbus_driver *driver, uint16_t ids[MAX_DEVICES])
{
    char path[XENBUS_PATH];
    const char *names, *name;
    size_t len, at = 0;
    unsigned nr = 0;
    uint64_t id;

    snprintf(path, sizeof(path), "device/%s", driver->type);
    if (xs_directory(path, &names, &len))
        return 0;
    while (nr < MAX_DEVICES && (name = xs_next_name(names, len, &at)))
        if (parse_u64(name, UINT16_MAX, &id))
            ids[nr++] = (uint16_t)id;
    return nr;
}

static bool among(uint16_t id, const uint16_t *ids, unsigned nr)
{
    while (nr)
        if (ids[--nr] == id)
            return true;
    return false;
}

static bool known(const struct xenbus_driver *driver, uint16_t id)
{
    for (struct xenbus_device *dev = devices; dev; dev = dev->next)
        if (dev->driver == driver && dev->id == id)
            return true;
    return false;
}

static void scan(void)
{
    for (const struct xenbus_driver *d = __start_xenbus_drivers; d < __stop_xenbus_drivers; d++) {
        uint16_t ids[MAX_DEVICES];
        unsigned nr = list(d, ids);

        for (struct xenbus_device **p = &devices; *p;)
            if ((*p)->driver == d && !among((*p)->id, ids, nr))
                detach(p);
            else
                p = &(*p)->next;
        for (unsigned i = 0; i < nr; i++)
            if (!known(d, ids[i]))
                attach(d, ids[i]);
    }
}

/* ------------------------------------------------------------------ requests to shut down */

static const struct {
    const char *name;
    uint32_t request;
} requests[] = {
    {"poweroff", NOXS_SYSCTL_POWEROFF},
    {"halt", NOXS_SYSCTL_POWEROFF},
    {"reboot", NOXS_SYSCTL_REBOOT},
    {"suspend", NOXS_SYSCTL_SUSPEND},
};

static void start_control(void)
{
    xs_watch(&control_watch, CONTROL);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        char node[32];

        snprintf(node, sizeof(node), "feature-%s", requests[i].name);
        xenbus_post("control", node, 1);
    }
}

/* In another domain, with another store: what the devices had is gone, and so are the watches. */
static void start_again(void)
{
    int rc = xs_reconnect();

    while (devices) {
        devices->port = -1;
        detach(&devices);
    }
    if (rc)
        guest_crash("xenstore: cannot connect again: error %d", -rc);
    scan();
    if (!devices)
        start_control();
    suspend_done();
}

static void control_changed(void)
{
    char text[16];

    if (xs_read(CONTROL, text, sizeof(text)))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        if (strcmp(text, requests[i].name) || !app_shutdown(requests[i].request))
            continue;
        xs_write(CONTROL, "");
        if (requests[i].request != NOXS_SYSCTL_SUSPEND)
            shutdown_request(requests[i].request);
        else if (guest_suspend())
            start_again();
    }
}

/* ------------------------------------------------------------------ the thread */

static bool all_connected(void)
{
    for (struct xenbus_device *dev = devices; dev; dev = dev->next)
        if (!dev->connected)
            return false;
    return true;
}

/* It fires for each node that a front-end writes, so it is set when they have written. */
static void watch_devices(void)
{
    if (!devices_watch.token && all_connected())
        xs_watch(&devices_watch, "device");
}

static void run(void *arg)
{
    (void)arg;
    scan();
    if (!devices)
        start_control();
    for (;;) {
        xs_wait();
        for (struct xenbus_device *dev = devices; dev; dev = dev->next) {
            if (xs_watch_taken(&dev->back_watch))
                read_back_state(dev);
            dev->driver->work(dev);
        }
        if (!control_watch.token)
            start_control();
        if (xs_watch_taken(&control_watch))
            control_changed();
        watch_devices();
        if (xs_watch_taken(&devices_watch))
            scan();
    }
}

void xenbus_init(void)
{
    int rc = xs_connect();

    if (!rc && !thread_create("xenbus", run, NULL))
        rc = -XEN_ENOMEM;
    if (rc)
        kprintf("xenstore: cannot connect: error %d\n", -rc);
}
