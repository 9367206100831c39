// SPDX-License-Identifier: BSD-3-Clause
/* The handle; finding and listing domains. */
#include "chaos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define LIST_BATCH 64

_Static_assert((int)CHAOS_SHUTDOWN_SOFT_RESET == (int)HV_SHUTDOWN_SOFT_RESET &&
                   (int)CHAOS_SHUTDOWN_CRASH == (int)HV_SHUTDOWN_CRASH,
               "reasons have Xen's numbers");
_Static_assert(UUID_TEXT == 37, "as promised in domain.h");

int chaos_new(struct hv *hv, struct bus *bus, const char *run_dir, struct chaos **out,
              struct chaos_error *err)
{
    struct chaos *chaos = malloc(sizeof(*chaos));
    int rc;

    if (!chaos)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = registry_open(&chaos->registry, run_dir, err);
    if (rc < 0) {
        free(chaos);
        return rc;
    }
    chaos->hv = hv;
    chaos->bus = bus;
    chaos->images = NULL;
    *out = chaos;
    return 0;
}

int chaos_open(struct chaos **out, struct chaos_error *err)
{
    struct bus *bus;
    struct hv *hv;
    int rc;

    rc = hv_xen_open(&hv, err);
    if (rc < 0)
        return rc;
    rc = bus_new(&bus, err);
    if (rc < 0) {
        hv->ops->close(hv);
        return rc;
    }
    rc = chaos_new(hv, bus, secure_getenv("CHAOS_RUN_DIR"), out, err);
    if (rc < 0) {
        bus->ops->close(bus);
        hv->ops->close(hv);
    }
    return rc;
}

void chaos_close(struct chaos *chaos)
{
    if (!chaos)
        return;
    chaos->bus->ops->close(chaos->bus);
    chaos->hv->ops->close(chaos->hv);
    registry_close(&chaos->registry);
    free(chaos);
}

void chaos_uuid_format(const uint8_t uuid[16], char text[37])
{
    uuid_format(uuid, text);
}

void chaos_domain_fill(const struct hv_info *info, const char *name, struct chaos_domain *out)
{
    memset(out, 0, sizeof(*out));
    out->domid = info->domid;
    memcpy(out->uuid, info->uuid, sizeof(out->uuid));
    if (name)
        strncpy(out->name, name, sizeof(out->name) - 1);
    out->running = info->running;
    out->blocked = info->blocked;
    out->paused = info->paused;
    out->shutdown = info->shutdown;
    out->dying = info->dying;
    out->pvh_or_hvm = info->translated;
    out->reason = (enum chaos_shutdown)info->reason;
    out->memory_kib = info->pages << (HV_PAGE_SHIFT - 10);
    /* Xen's "no limit" is all ones pages: keep it from wrapping. */
    out->max_memory_kib =
        info->max_pages > UINT64_MAX >> 10 ? UINT64_MAX : info->max_pages << (HV_PAGE_SHIFT - 10);
    out->cpu_ns = info->cpu_ns;
    out->vcpus = info->vcpus;
}

int chaos_read_record(struct chaos *chaos, const char *name, struct record *record, char **text,
                      struct hv_info *info, struct chaos_error *err)
{
    size_t length;
    int rc;

    rc = registry_read(&chaos->registry, name, text, &length, err);
    if (rc < 0)
        return rc;
    rc = record_parse(*text, length, record, err);
    if (rc < 0)
        return chaos_error_wrap(err, "domain \"%s\"", name);
    rc = chaos->hv->ops->info(chaos->hv, record->domid, info);
    if (rc == -ESRCH || (rc == 0 && memcmp(info->uuid, record->uuid, sizeof(info->uuid)) != 0))
        return -ENOENT;
    if (rc < 0)
        return hv_error(err, rc, "ask Xen about domain %u", record->domid);
    return 0;
}

static int not_found(struct chaos_error *err, const char *which)
{
    return chaos_error_set(err, -ENOENT, CHAOS_EXIT_NOT_FOUND, "there is no domain \"%s\"", which);
}

static int find_by_name(struct chaos *chaos, const char *name, struct chaos_domain *out,
                        struct chaos_error *err)
{
    cleanup_free char *text = NULL;
    struct record record;
    struct hv_info info;
    int rc;

    if (strcmp(name, "Domain-0") == 0) {
        rc = chaos->hv->ops->info(chaos->hv, 0, &info);
        if (rc == 0)
            chaos_domain_fill(&info, name, out);
        return rc < 0 ? not_found(err, name) : 0;
    }
    rc = chaos_read_record(chaos, name, &record, &text, &info, err);
    if (rc == -ENOENT)
        return not_found(err, name);
    if (rc == 0)
        chaos_domain_fill(&info, name, out);
    return rc;
}

/* The name of a domain: by the index, which its record confirms. */
static bool name_of(struct chaos *chaos, const struct hv_info *info, char name[CHAOS_NAME_MAX + 1])
{
    cleanup_free char *text = NULL;
    struct chaos_error ignored;
    struct record record;
    size_t length;

    return registry_name_of(&chaos->registry, info->domid, name) == 0 &&
           registry_read(&chaos->registry, name, &text, &length, &ignored) == 0 &&
           record_parse(text, length, &record, &ignored) == 0 &&
           memcmp(record.uuid, info->uuid, sizeof(record.uuid)) == 0;
}

struct search {
    struct chaos *chaos;
    const uint8_t *uuid;
    char *name;
    bool found;
};

static int compare_record(void *opaque, const char *name, struct chaos_error *err)
{
    struct search *search = opaque;
    cleanup_free char *text = NULL;
    struct record record;
    size_t length;

    if (registry_read(&search->chaos->registry, name, &text, &length, err) < 0 ||
        record_parse(text, length, &record, err) < 0 ||
        memcmp(record.uuid, search->uuid, sizeof(record.uuid)) != 0)
        return 0;
    strcpy(search->name, name);
    search->found = true;
    return -ECANCELED; /* enough */
}

/* Whoever makes a domain from a shell writes the index last, and may have died before. */
static bool search_name(struct chaos *chaos, const struct hv_info *info,
                        char name[CHAOS_NAME_MAX + 1])
{
    struct search search = {.chaos = chaos, .uuid = info->uuid, .name = name};
    struct chaos_error ignored;

    registry_visit_names(&chaos->registry, compare_record, &search, &ignored);
    return search.found;
}

static void fill_with_name(struct chaos *chaos, const struct hv_info *info,
                           struct chaos_domain *out)
{
    char name[CHAOS_NAME_MAX + 1], uuid[UUID_TEXT];

    if (info->domid == 0) {
        chaos_domain_fill(info, "Domain-0", out);
    } else if (name_of(chaos, info, name)) {
        chaos_domain_fill(info, name, out);
    } else {
        chaos_domain_fill(info, NULL, out);
        uuid_format(info->uuid, uuid);
        out->shell = registry_has_shell(&chaos->registry, uuid);
    }
}

static int find_by_id(struct chaos *chaos, const char *which, const char *digits,
                      struct chaos_domain *out, struct chaos_error *err)
{
    char name[CHAOS_NAME_MAX + 1];
    unsigned long domid = 0;
    struct hv_info info;
    const char *at;
    int rc;

    for (at = digits; *at; at++) {
        domid = domid * 10 + (unsigned long)(*at - '0');
        if (*at < '0' || *at > '9' || domid >= HV_DOMID_LIMIT)
            break;
    }
    if (at == digits || *at != '\0')
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "\"%s\" is no domain id: they go from 0 to %u", which,
                               HV_DOMID_LIMIT - 1);
    rc = chaos->hv->ops->info(chaos->hv, (uint32_t)domid, &info);
    if (rc == -ESRCH)
        return not_found(err, which);
    if (rc < 0)
        return hv_error(err, rc, "ask Xen about domain %lu", domid);
    fill_with_name(chaos, &info, out);
    if (out->name[0] == '\0' && !out->shell && search_name(chaos, &info, name))
        chaos_domain_fill(&info, name, out);
    return 0;
}

/* One that dies may keep its uuid for long, if somebody maps a page of it: then it counts last. */
static int walk_uuids(struct chaos *chaos, const uint8_t uuid[16], struct hv_info *out)
{
    struct hv_info infos[LIST_BATCH];
    bool found = false;
    uint32_t first = 0;
    int i, nr;

    while ((nr = chaos->hv->ops->list(chaos->hv, first, infos, LIST_BATCH)) > 0) {
        for (i = 0; i < nr; i++) {
            if (memcmp(infos[i].uuid, uuid, sizeof(infos[i].uuid)) != 0)
                continue;
            *out = infos[i];
            found = true;
            if (!infos[i].dying)
                return 0;
        }
        first = infos[nr - 1].domid + 1;
    }
    return nr < 0 ? nr : found ? 0 : -ENOENT;
}

int chaos_find_uuid(struct chaos *chaos, const uint8_t uuid[16], struct hv_info *out)
{
    uint32_t domid;
    int rc = chaos->hv->ops->find(chaos->hv, uuid, &domid);

    if (rc == -ENOSYS)
        return walk_uuids(chaos, uuid, out);
    if (rc == 0)
        rc = chaos->hv->ops->info(chaos->hv, domid, out);
    if (rc == -ESRCH || (rc == 0 && memcmp(out->uuid, uuid, sizeof(out->uuid)) != 0))
        return -ENOENT; /* gone by now, and its id perhaps another's */
    return rc;
}

static int find_by_uuid(struct chaos *chaos, const char *which, const char *text,
                        struct chaos_domain *out, struct chaos_error *err)
{
    struct hv_info info;
    uint8_t uuid[16];
    int rc;

    if (!uuid_parse(text, uuid))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "\"%s\" is no uuid", which);
    rc = chaos_find_uuid(chaos, uuid, &info);
    if (rc == -ENOENT)
        return not_found(err, which);
    if (rc < 0)
        return hv_error(err, rc, "list the domains");
    fill_with_name(chaos, &info, out);
    return 0;
}

int chaos_domain_find(struct chaos *chaos, const char *which, struct chaos_domain *out,
                      struct chaos_error *err)
{
    const char *name = which;

    if (strncmp(which, "id:", 3) == 0)
        return find_by_id(chaos, which, which + 3, out, err);
    if (strncmp(which, "uuid:", 5) == 0)
        return find_by_uuid(chaos, which, which + 5, out, err);
    if (strncmp(which, "name:", 5) == 0)
        name += 5;
    else if (which[0] != '\0' && which[strspn(which, "0123456789")] == '\0')
        return find_by_id(chaos, which, which, out, err);
    if (strcmp(name, "Domain-0") != 0 && chaos_name_check(name, err) < 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "\"%s\" is neither the name nor the id of a domain", which);
    return find_by_name(chaos, name, out, err);
}

struct collection {
    struct chaos *chaos;
    struct chaos_domain *list;
    size_t nr, room;
    bool unnamed; /* some domain has no name: it may be one whose index entry was lost */
};

static int collect(struct collection *c, const struct hv_info *infos, size_t nr)
{
    struct chaos_domain *grown;
    size_t i;

    if (c->room - c->nr < nr) {
        c->room = (c->nr + nr) * 2;
        grown = realloc(c->list, c->room * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        c->list = grown;
    }
    for (i = 0; i < nr; i++, c->nr++) {
        fill_with_name(c->chaos, &infos[i], &c->list[c->nr]);
        c->unnamed |= c->list[c->nr].name[0] == '\0' && !c->list[c->nr].shell;
    }
    return 0;
}

/* Names the domain of a record that the index did not lead to; forgets one without a domain. */
static int check_record(void *opaque, const char *name, struct chaos_error *err)
{
    struct collection *c = opaque;
    cleanup_free char *text = NULL;
    struct record record;
    struct hv_info info;
    size_t i;
    int rc = chaos_read_record(c->chaos, name, &record, &text, &info, err);

    if (rc == -ENOENT)
        chaos_forget_stale(c->chaos, name);
    for (i = 0; rc == 0 && i < c->nr; i++)
        if (c->list[i].domid == info.domid && c->list[i].name[0] == '\0')
            strncpy(c->list[i].name, name, sizeof(c->list[i].name) - 1);
    return 0; /* one damaged record must not hide the other domains */
}

int chaos_domain_list(struct chaos *chaos, struct chaos_domain **list, size_t *nr,
                      struct chaos_error *err)
{
    struct collection c = {.chaos = chaos};
    struct hv_info infos[LIST_BATCH];
    uint32_t first = 0;
    int got, rc = 0;

    while (rc == 0 && (got = chaos->hv->ops->list(chaos->hv, first, infos, LIST_BATCH)) > 0) {
        rc = collect(&c, infos, (size_t)got);
        first = infos[got - 1].domid + 1;
    }
    if (rc == 0 && got < 0)
        rc = got;
    if (rc < 0) {
        free(c.list);
        return hv_error(err, rc, "list the domains");
    }
    if (c.unnamed)
        registry_visit_names(&chaos->registry, check_record, &c, err);
    *list = c.list;
    *nr = c.nr;
    return 0;
}
