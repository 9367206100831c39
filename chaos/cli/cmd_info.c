// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <chaos/client.h>
#include <chaos/host.h>

#include "cmd.h"
#include "domains.h"
#include "json.h"
#include "output.h"

struct info_options {
    const char *format;
};

static const struct opt_spec options[] = {
    OPT_STRING(struct info_options, format, 'o', "output", "table|json",
               "how to print it (default: table, as xl does)"),
    OPT_END,
};

/* Where lines go: as text, or as members of a JSON object. */
struct sheet {
    bool is_json;
    struct json json;
};

static void begin(struct sheet *sheet, const struct info_options *given)
{
    sheet->is_json = given->format && strcmp(given->format, "json") == 0;
    if (!sheet->is_json)
        return;
    json_init(&sheet->json, out_sink, NULL);
    json_object(&sheet->json, NULL);
    json_unsigned(&sheet->json, "schema", 1);
}

static void end(struct sheet *sheet)
{
    if (sheet->is_json)
        json_object_end(&sheet->json);
}

static void put(struct sheet *sheet, const char *key, const char *value)
{
    if (sheet->is_json) {
        json_string(&sheet->json, key, value);
        return;
    }
    out_printf("%-23s: ", key);
    out_str(value);
    out_str("\n");
}

static void __attribute__((format(printf, 3, 4)))
putf(struct sheet *sheet, const char *key, const char *format, ...)
{
    char value[256];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    put(sheet, key, value);
}

static void put_number(struct sheet *sheet, const char *key, uint64_t value)
{
    if (sheet->is_json)
        json_unsigned(&sheet->json, key, value);
    else
        putf(sheet, key, "%" PRIu64, value);
}

static void host(struct sheet *sheet, const struct chaos_host *h)
{
    struct utsname name;

    if (uname(&name) == 0) {
        put(sheet, "host", name.nodename);
        put(sheet, "release", name.release);
        put(sheet, "machine", name.machine);
    }
    put_number(sheet, "nr_cpus", h->cpus);
    put_number(sheet, "nr_nodes", h->nodes);
    put_number(sheet, "cores_per_socket", h->cores_per_socket);
    put_number(sheet, "threads_per_core", h->threads_per_core);
    putf(sheet, "cpu_mhz", "%u.%03u", h->cpu_khz / 1000, h->cpu_khz % 1000);
    putf(sheet, "hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", h->hw_caps[0], h->hw_caps[1],
         h->hw_caps[2], h->hw_caps[3], h->hw_caps[4], h->hw_caps[5], h->hw_caps[6], h->hw_caps[7]);
    put_number(sheet, "total_memory", h->total_kib >> 10);
    put_number(sheet, "free_memory", h->free_kib >> 10);
    put_number(sheet, "xen_major", h->xen_major);
    put_number(sheet, "xen_minor", h->xen_minor);
    put(sheet, "xen_extra", h->xen_extra);
    putf(sheet, "xen_version", "%u.%u%s", h->xen_major, h->xen_minor, h->xen_extra);
    put(sheet, "xen_caps", h->xen_caps);
    put_number(sheet, "xen_pagesize", h->page_size);
    put(sheet, "xen_changeset", h->xen_changeset);
    put(sheet, "xen_commandline", h->xen_commandline);
    put(sheet, "cc_compiler", h->compiler);
    put(sheet, "cc_compile_date", h->compile_date);
    if (h->noxs_version)
        put_number(sheet, "noxs_abi", h->noxs_version);
    else
        put(sheet, "noxs_abi", "none");
}

static void vif(struct sheet *sheet, const struct chaos_vif_config *v)
{
    const uint8_t *m = v->mac;
    char key[16];

    snprintf(key, sizeof(key), "vif%u", v->id);
    putf(sheet, key, "mac=%02x:%02x:%02x:%02x:%02x:%02x,bridge=%s", m[0], m[1], m[2], m[3], m[4],
         m[5], v->bridge);
}

static void configuration(struct sheet *sheet, const struct chaos_config *config)
{
    unsigned int i;

    put(sheet, "bus", config->bus == CHAOS_BUS_XENSTORE ? "xenstore" : "noxs");
    put(sheet, "kernel", config->kernel);
    if (config->ramdisk)
        put(sheet, "ramdisk", config->ramdisk);
    put(sheet, "cmdline", config->cmdline);
    for (i = 0; i < config->nr_vifs; i++)
        vif(sheet, &config->vifs[i]);
    for (i = 0; i < config->nr_disks; i++)
        putf(sheet, config->disks[i].vdev, "access=%s,target=%s",
             config->disks[i].readonly ? "ro" : "rw", config->disks[i].target);
}

static void domain(struct sheet *sheet, const struct chaos_domain *d,
                   const struct chaos_domain_times *times)
{
    char uuid[37];

    chaos_uuid_format(d->uuid, uuid);
    put(sheet, "name", d->name[0] ? d->name : "(null)");
    put_number(sheet, "domid", d->domid);
    put(sheet, "uuid", uuid);
    put(sheet, "type", d->pvh_or_hvm ? "hvm" : "pv");
    put(sheet, "state",
        d->dying      ? "dying"
        : d->shutdown ? "shutdown"
        : d->paused   ? "paused"
        : d->running  ? "running"
                      : "blocked");
    put_number(sheet, "memory_kib", d->memory_kib);
    put_number(sheet, "vcpus", d->vcpus);
    put_number(sheet, "cpu_us", d->cpu_ns / 1000);
    if (!times->known)
        return;
    put_number(sheet, "age_us", times->age_ns / 1000);
    if (times->ready_ns)
        put_number(sheet, "ready_after_us", times->ready_ns / 1000);
    put_number(sheet, "device_slots", times->devices);
}

/* What only chaosd knows, if it runs. */
static void from_daemon(struct sheet *sheet, const struct chaos_domain *d)
{
    char which[CHAOS_NAME_MAX + 6];
    struct chaos_client *client;
    struct chaos_guest guest;
    struct chaos_error ignored;
    int rc;

    if (chaos_client_open(NULL, &client, &ignored) < 0)
        return;
    snprintf(which, sizeof(which), "name:%s", d->name);
    rc = chaos_client_guest(client, which, &guest, &ignored);
    chaos_client_close(client);
    if (rc < 0)
        return;
    put(sheet, "lifecycle", guest.state);
    put_number(sheet, "restarts", guest.restarts);
    if (strcmp(guest.state, "backoff") == 0) {
        put_number(sheet, "quick_ends", guest.quick_ends);
        put_number(sheet, "restart_in_ms", guest.restart_ms);
    }
    put_number(sheet, "console_bytes", guest.output_bytes);
}

static int show_host(struct chaos *chaos, struct sheet *sheet, const struct info_options *given,
                     struct chaos_error *err)
{
    struct chaos_host h;
    int rc = chaos_host_info(chaos, &h, err);

    if (rc < 0)
        return rc;
    begin(sheet, given);
    host(sheet, &h);
    end(sheet);
    return 0;
}

static int show_domain(struct chaos *chaos, const char *which, struct sheet *sheet,
                       const struct info_options *given, struct chaos_error *err)
{
    struct chaos_domain_times times;
    struct chaos_config config;
    struct chaos_domain d;
    bool ours;
    int rc = chaos_domain_find(chaos, which, &d, err);

    if (rc == 0)
        rc = chaos_domain_times(chaos, &d, &times, err);
    if (rc < 0)
        return rc;
    ours = d.domid != 0 && d.name[0];
    if (ours)
        rc = chaos_domain_config(chaos, &d, &config, err);
    if (rc < 0)
        return rc;
    begin(sheet, given);
    domain(sheet, &d, &times);
    if (ours) {
        configuration(sheet, &config);
        from_daemon(sheet, &d);
        chaos_config_free(&config);
    }
    end(sheet);
    return 0;
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    struct sheet sheet = {.is_json = false};
    struct chaos *chaos;
    int rc = chaos_open(&chaos, err);

    if (rc < 0)
        return rc;
    if (call->nr_args > 0)
        rc = show_domain(chaos, call->args[0], &sheet, call->options, err);
    else
        rc = show_host(chaos, &sheet, call->options, err);
    chaos_close(chaos);
    return rc;
}

const struct command cmd_info = {
    .name = "info",
    .run = run,
    .summary = "show what this host, or one domain, is",
    .synopsis = "[DOMAIN]",
    .notes = "Memory of the host is in MiB. ready_after_us: from the making of the domain to its\n"
             "guest's word that its application is up. Restarts and what the guest wrote to its\n"
             "console are known while chaosd runs.",
    .options = options,
    .max_args = 1,
    .complete = CMD_COMPLETE_DOMAIN,
};
